/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The super block, and reading blocks.
 *
 * The super block is read twice if there is a journal to be read: it may be in there.  Numbers that
 * other files rely on (sizes of blocks, inodes and groups) are checked here, once.
 */
#include "fs/ext4/transaction.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum {
	LOG_BLOCK_MIN = 10,
	LOG_BLOCK_MAX = 12,
	DESCRIPTOR_SIZE = 32,
	REVISION_DYNAMIC = 1,
	CHECKSUM_CRC32C = 1,
	FIRST_INO = 11,
};

#define INCOMPAT_KNOWN                                                                             \
	((u32)EXT4_INCOMPAT_FILETYPE | EXT4_INCOMPAT_RECOVER | EXT4_INCOMPAT_META_BG |             \
	 EXT4_INCOMPAT_EXTENTS | EXT4_INCOMPAT_64BIT | EXT4_INCOMPAT_MMP | EXT4_INCOMPAT_FLEX_BG | \
	 EXT4_INCOMPAT_EA_INODE | EXT4_INCOMPAT_CSUM_SEED | EXT4_INCOMPAT_LARGE_DIR |              \
	 EXT4_INCOMPAT_INLINE_DATA)

static int refuse(const struct ext4_volume *volume, const char *why, u64 number, int error)
{
	volume->ops->complain(volume->context, why, number);
	return error;
}

/* Of a volume that may be changed: as it is in memory. */
static int read_changed(const struct ext4_volume *volume, u64 number, u32 offset, void *buffer,
			u32 size)
{
	struct ext4_block *block;
	int error = ext4_block_get((struct ext4_volume *)volume, number, &block);

	if (error)
		return error;
	memcpy(buffer, block->data + offset, size);
	ext4_block_put(block);
	return 0;
}

int ext4_read(const struct ext4_volume *volume, u64 block, u32 offset, void *buffer, u32 size)
{
	const struct ext4_overlay *newer;
	int error;

	if (block >= volume->blocks || offset > volume->block_size ||
	    size > volume->block_size - offset)
		return -EUCLEAN;
	if (__atomic_load_n(&volume->journal, __ATOMIC_ACQUIRE))
		return read_changed(volume, block, offset, buffer, size);
	newer = ext4_overlay_find(volume, block);
	error = volume->ops->read(volume->context,
				  ((newer ? newer->copy : block) << volume->block_shift) + offset,
				  buffer, size);
	if (!error && newer && newer->escaped && offset < 4) {
		static const u8 magic[4] = {0xc0, 0x3b, 0x39, 0x98};
		memcpy(buffer, magic + offset, MIN(size, 4 - offset));
	}
	return error;
}

/* --- The super block --- */

static int check_features(struct ext4_volume *volume, const struct ext4_disk_super *super)
{
	volume->compat = super->compat;
	volume->incompat = super->incompat;
	volume->ro_compat = super->ro_compat;
	if (super->revision < REVISION_DYNAMIC)
		volume->compat = volume->incompat = volume->ro_compat = 0;
	if (volume->incompat & ~INCOMPAT_KNOWN)
		return refuse(volume, "features that are not understood",
			      volume->incompat & ~INCOMPAT_KNOWN, -EINVAL);
	volume->checksums = volume->ro_compat & EXT4_RO_COMPAT_METADATA_CSUM;
	if (!volume->checksums)
		return 0;
	if (super->checksum_type != CHECKSUM_CRC32C)
		return refuse(volume, "unknown checksums", super->checksum_type, -EINVAL);
	if (crc32c(~0u, super, __builtin_offsetof(struct ext4_disk_super, checksum)) !=
	    super->checksum)
		return refuse(volume, "the super block's checksum is wrong", super->checksum,
			      -EBADMSG);
	volume->checksum_seed = volume->incompat & EXT4_INCOMPAT_CSUM_SEED
					? super->checksum_seed
					: crc32c(~0u, super->uuid, sizeof(super->uuid));
	return 0;
}

static bool is_power_of_two(u32 number)
{
	return number != 0 && (number & (number - 1)) == 0;
}

static int check_blocks(struct ext4_volume *volume, const struct ext4_disk_super *super)
{
	bool wide = volume->incompat & EXT4_INCOMPAT_64BIT;

	if (super->log_block_size > LOG_BLOCK_MAX - LOG_BLOCK_MIN)
		return refuse(volume, "blocks are larger than a page: 1024 <<",
			      super->log_block_size, -EINVAL);
	volume->block_shift = LOG_BLOCK_MIN + super->log_block_size;
	volume->block_size = 1u << volume->block_shift;
	volume->blocks = super->blocks_count_lo | (wide ? (u64)super->blocks_count_hi << 32 : 0);
	volume->reserved_blocks =
		super->reserved_blocks_lo | (wide ? (u64)super->reserved_blocks_hi << 32 : 0);
	volume->free_blocks = super->free_blocks_lo | (wide ? (u64)super->free_blocks_hi << 32 : 0);
	volume->first_data_block = super->first_data_block;
	volume->blocks_per_group = super->blocks_per_group;
	if (volume->blocks == 0 || volume->blocks > volume->size >> volume->block_shift)
		return refuse(volume, "the disk is smaller than the file system's blocks",
			      volume->blocks, -EINVAL);
	if (super->first_data_block > 1 || super->first_data_block >= volume->blocks ||
	    super->blocks_per_group == 0 || super->blocks_per_group > 1u << 31)
		return refuse(volume, "broken super block: blocks of a group",
			      super->blocks_per_group, -EUCLEAN);
	return 0;
}

static int check_groups(struct ext4_volume *volume, const struct ext4_disk_super *super)
{
	u64 groups = DIV_ROUND_UP(volume->blocks - volume->first_data_block,
				  (u64)volume->blocks_per_group);

	volume->inode_size =
		super->revision < REVISION_DYNAMIC ? EXT4_OLD_INODE_SIZE : super->inode_size;
	volume->descriptor_size =
		volume->incompat & EXT4_INCOMPAT_64BIT ? super->descriptor_size : DESCRIPTOR_SIZE;
	volume->inodes = super->inodes_count;
	volume->free_inodes = super->free_inodes;
	volume->inodes_per_group = super->inodes_per_group;
	volume->first_meta_group = super->first_meta_group;
	volume->reserved_descriptors = super->reserved_descriptors;
	if (volume->inode_size < EXT4_OLD_INODE_SIZE || !is_power_of_two(volume->inode_size) ||
	    volume->inode_size > volume->block_size)
		return refuse(volume, "broken super block: size of inodes", volume->inode_size,
			      -EUCLEAN);
	if (volume->descriptor_size < DESCRIPTOR_SIZE ||
	    !is_power_of_two(volume->descriptor_size) ||
	    volume->descriptor_size > volume->block_size)
		return refuse(volume, "broken super block: size of descriptors",
			      volume->descriptor_size, -EUCLEAN);
	if (groups == 0 || groups > UINT32_MAX || volume->inodes_per_group == 0 ||
	    volume->inodes_per_group > volume->block_size * 8 ||
	    volume->inodes > groups * volume->inodes_per_group || volume->inodes < EXT4_ROOT_INO)
		return refuse(volume, "broken super block: number of inodes", volume->inodes,
			      -EUCLEAN);
	volume->groups = (u32)groups;
	return 0;
}

static int take_super(struct ext4_volume *volume, const struct ext4_disk_super *super)
{
	int error;

	if (super->magic != EXT4_MAGIC)
		return -EINVAL;
	error = check_features(volume, super);
	if (!error)
		error = check_blocks(volume, super);
	if (!error)
		error = check_groups(volume, super);
	if (error)
		return error;
	memcpy(volume->hash_seed, super->hash_seed, sizeof(volume->hash_seed));
	memcpy(volume->uuid, super->uuid, sizeof(volume->uuid));
	volume->overhead = super->overhead;
	volume->unsigned_hash = super->flags & EXT4_SUPER_UNSIGNED_HASH;
	volume->journal_ino = super->journal_ino;
	volume->want_extra_size = super->revision < REVISION_DYNAMIC ? 0 : super->want_extra_size;
	volume->first_ino = super->revision < REVISION_DYNAMIC ? FIRST_INO : super->first_ino;
	volume->last_orphan = super->last_orphan;
	volume->default_hash = super->hash_version;
	return 0;
}

static int read_journal(struct ext4_volume *volume, struct ext4_disk_super *super)
{
	int error = ext4_journal_read(volume);

	if (error)
		return error;
	error = ext4_read(volume, EXT4_SUPER_OFFSET >> volume->block_shift,
			  EXT4_SUPER_OFFSET & (volume->block_size - 1), super, sizeof(*super));
	return error ? error : take_super(volume, super);
}

int ext4_volume_open(struct ext4_volume *volume)
{
	struct ext4_disk_super *super;
	int error;

	if (volume->size < EXT4_SUPER_OFFSET + sizeof(*super))
		return -EINVAL;
	super = volume->ops->allocate(sizeof(*super));
	if (!super)
		return -ENOMEM;
	error = volume->ops->read(volume->context, EXT4_SUPER_OFFSET, super, sizeof(*super));
	if (!error)
		error = take_super(volume, super);
	if (!error && volume->incompat & EXT4_INCOMPAT_RECOVER)
		error = read_journal(volume, super);
	volume->ops->release(super);
	if (error)
		ext4_volume_close(volume);
	return error;
}

void ext4_volume_close(struct ext4_volume *volume)
{
	if (volume->overlay)
		volume->ops->release(volume->overlay);
	volume->overlay = NULL;
	volume->overlay_count = 0;
}
