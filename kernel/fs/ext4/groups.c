/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Group descriptors, and the super block while its volume is changed.
 *
 * What is chosen by (free blocks and inodes of each group) is kept in memory, too, and counted anew
 * when a volume is opened for changes; so the super block's counts need not be right but at its
 * end.
 */
#include "fs/ext4/change.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { DESCRIPTOR_SIZE_64 = 64, BITMAP_CHECKSUM_HALF = 16 };

#define INCOMPAT_WRITABLE                                                              \
	((u32)EXT4_INCOMPAT_FILETYPE | EXT4_INCOMPAT_RECOVER | EXT4_INCOMPAT_META_BG | \
	 EXT4_INCOMPAT_EXTENTS | EXT4_INCOMPAT_64BIT | EXT4_INCOMPAT_FLEX_BG |         \
	 EXT4_INCOMPAT_CSUM_SEED | EXT4_INCOMPAT_LARGE_DIR)
#define RO_COMPAT_WRITABLE                                                                         \
	((u32)EXT4_RO_COMPAT_SPARSE_SUPER | EXT4_RO_COMPAT_LARGE_FILE | EXT4_RO_COMPAT_BTREE_DIR | \
	 EXT4_RO_COMPAT_HUGE_FILE | EXT4_RO_COMPAT_GDT_CSUM | EXT4_RO_COMPAT_DIR_NLINK |           \
	 EXT4_RO_COMPAT_EXTRA_SIZE | EXT4_RO_COMPAT_METADATA_CSUM)

/* --- Descriptors --- */

int ext4_group_get(struct ext4_volume *volume, u32 group, struct ext4_block **block,
		   struct ext4_disk_group **descriptor)
{
	u32 offset;
	u64 number = ext4_descriptor_block(volume, group, &offset);
	int error = ext4_block_get(volume, number, block);

	if (!error)
		*descriptor = (struct ext4_disk_group *)((*block)->data + offset);
	return error;
}

void ext4_group_seal(struct ext4_volume *volume, u32 group, struct ext4_disk_group *descriptor)
{
	descriptor->checksum = ext4_group_checksum(volume, group, descriptor);
}

static bool is_wide(const struct ext4_volume *volume)
{
	return volume->descriptor_size >= DESCRIPTOR_SIZE_64;
}

static u32 bitmap_crc(const struct ext4_volume *volume, const void *bitmap, bool inodes)
{
	u32 bits = inodes ? volume->inodes_per_group : volume->blocks_per_group;

	return crc32c(volume->checksum_seed, bitmap, bits / 8);
}

void ext4_bitmap_seal(const struct ext4_volume *volume, struct ext4_disk_group *descriptor,
		      const void *bitmap, bool inodes)
{
	u32 crc;

	if (!volume->checksums)
		return;
	crc = bitmap_crc(volume, bitmap, inodes);
	if (inodes)
		descriptor->inode_bitmap_checksum_lo = (u16)crc;
	else
		descriptor->block_bitmap_checksum_lo = (u16)crc;
	if (!is_wide(volume))
		return;
	if (inodes)
		descriptor->inode_bitmap_checksum_hi = (u16)(crc >> BITMAP_CHECKSUM_HALF);
	else
		descriptor->block_bitmap_checksum_hi = (u16)(crc >> BITMAP_CHECKSUM_HALF);
}

bool ext4_bitmap_is_intact(const struct ext4_volume *volume,
			   const struct ext4_disk_group *descriptor, const void *bitmap,
			   bool inodes)
{
	u32 low = inodes ? descriptor->inode_bitmap_checksum_lo
			 : descriptor->block_bitmap_checksum_lo;
	u32 crc;

	if (!volume->checksums)
		return true;
	crc = bitmap_crc(volume, bitmap, inodes);
	if (!is_wide(volume))
		return (u16)crc == low;
	return crc == (low | (u32)(inodes ? descriptor->inode_bitmap_checksum_hi
					  : descriptor->block_bitmap_checksum_hi)
				     << BITMAP_CHECKSUM_HALF);
}

u32 ext4_group_blocks(const struct ext4_volume *volume, u32 group)
{
	return (u32)MIN((u64)volume->blocks_per_group,
			volume->blocks - ext4_group_start(volume, group));
}

/* --- The super block --- */

int ext4_super_change(struct ext4_handle *handle, struct ext4_volume *volume,
		      void (*change)(struct ext4_disk_super *super, void *argument), void *argument)
{
	struct ext4_block *block;
	struct ext4_disk_super *super;
	int error = ext4_block_get(volume, EXT4_SUPER_OFFSET >> volume->block_shift, &block);

	if (error)
		return error;
	super = (void *)(block->data + (EXT4_SUPER_OFFSET & (volume->block_size - 1)));
	error = ext4_handle_change(handle, block);
	if (!error) {
		change(super, argument);
		if (volume->checksums)
			super->checksum = crc32c(
				~0u, super, __builtin_offsetof(struct ext4_disk_super, checksum));
	}
	ext4_block_put(block);
	return error;
}

static void set_counts(struct ext4_disk_super *super, void *argument)
{
	const struct ext4_volume *volume = argument;

	super->free_blocks_lo = (u32)volume->space->free_blocks;
	if (ext4_has_incompat(volume, EXT4_INCOMPAT_64BIT))
		super->free_blocks_hi = (u32)(volume->space->free_blocks >> 32);
	super->free_inodes = (u32)volume->space->free_inodes;
}

int ext4_super_update(struct ext4_handle *handle, struct ext4_volume *volume)
{
	int error;

	mutex_lock(&volume->space->lock);
	error = ext4_super_change(handle, volume, set_counts, volume);
	mutex_unlock(&volume->space->lock);
	return error;
}

/* --- Opening --- */

static u64 wide_block(const struct ext4_volume *volume, u32 low, u32 high)
{
	return low | (is_wide(volume) ? (u64)high << 32 : 0);
}

/* What a descriptor says must lie within the volume. */
static int check_descriptor(const struct ext4_volume *volume, u32 group,
			    const struct ext4_disk_group *descriptor, u64 table)
{
	u64 blocks = wide_block(volume, descriptor->block_bitmap_lo, descriptor->block_bitmap_hi);
	u64 inodes = wide_block(volume, descriptor->inode_bitmap_lo, descriptor->inode_bitmap_hi);
	u64 length = ((u64)volume->inodes_per_group * volume->inode_size) >> volume->block_shift;

	if (!ext4_group_is_intact(volume, group, descriptor))
		return -EBADMSG;
	if (blocks <= volume->first_data_block || blocks >= volume->blocks ||
	    inodes <= volume->first_data_block || inodes >= volume->blocks ||
	    table <= volume->first_data_block || table >= volume->blocks ||
	    length > volume->blocks - table)
		return -EUCLEAN;
	return 0;
}

static int take_group(struct ext4_volume *volume, u32 group)
{
	struct ext4_space *space = volume->space;
	struct ext4_group *taken = &space->groups[group];
	struct ext4_disk_group *descriptor;
	struct ext4_block *block;
	bool wide = is_wide(volume);
	int error = ext4_group_get(volume, group, &block, &descriptor);

	if (error)
		return error;
	volume->tables[group] =
		wide_block(volume, descriptor->inode_table_lo, descriptor->inode_table_hi);
	error = check_descriptor(volume, group, descriptor, volume->tables[group]);
	*taken = (struct ext4_group){.free_blocks = descriptor->free_blocks_lo,
				     .free_inodes = descriptor->free_inodes_lo,
				     .directories = descriptor->directories_lo,
				     .flags = descriptor->flags};
	if (wide) {
		taken->free_blocks |= (u32)descriptor->free_blocks_hi << 16;
		taken->free_inodes |= (u32)descriptor->free_inodes_hi << 16;
		taken->directories |= (u32)descriptor->directories_hi << 16;
	}
	if (!error && (taken->free_blocks > ext4_group_blocks(volume, group) ||
		       taken->free_inodes > volume->inodes_per_group))
		error = -EUCLEAN;
	space->free_blocks += taken->free_blocks;
	space->free_inodes += taken->free_inodes;
	ext4_block_put(block);
	return error;
}

static void init_sets(struct ext4_volume *volume, struct ext4_space *space)
{
	ext4_ranges_init(&space->claimed, volume->ops);
	for (u32 i = 0; i < EXT4_FREED_SETS; i++) {
		ext4_ranges_init(&space->freed[i].data, volume->ops);
		ext4_ranges_init(&space->freed[i].metadata, volume->ops);
	}
}

static int check_features(const struct ext4_volume *volume)
{
	u32 incompat = volume->incompat & ~INCOMPAT_WRITABLE;
	u32 ro_compat = volume->ro_compat & ~RO_COMPAT_WRITABLE;

	if (incompat == 0 && ro_compat == 0 && volume->blocks_per_group % 8 == 0 &&
	    volume->blocks_per_group <= volume->block_size * 8 && volume->inodes_per_group % 8 == 0)
		return 0;
	volume->ops->complain(volume->context, "features that are only read",
			      (u64)incompat << 32 | ro_compat);
	return -EROFS;
}

int ext4_space_open(struct ext4_volume *volume)
{
	const struct ext4_volume_ops *ops = volume->ops;
	struct ext4_space *space;
	int error = check_features(volume);

	if (error)
		return error;
	space = ops->allocate(sizeof(*space));
	if (!space)
		return -ENOMEM;
	memset(space, 0, sizeof(*space));
	mutex_init(&space->lock);
	mutex_init(&space->orphan_lock);
	init_sets(volume, space);
	volume->space = space;
	space->groups = ops->allocate(volume->groups * sizeof(*space->groups));
	space->scratch = ops->allocate(volume->block_size);
	volume->tables = ops->allocate(volume->groups * sizeof(*volume->tables));
	if (!space->groups || !space->scratch || !volume->tables)
		error = -ENOMEM;
	for (u32 group = 0; group < volume->groups && !error; group++)
		error = take_group(volume, group);
	if (error)
		ext4_space_close(volume);
	return error;
}

void ext4_space_close(struct ext4_volume *volume)
{
	struct ext4_space *space = volume->space;

	if (!space)
		return;
	ext4_orphans_close(volume);
	ext4_ranges_clear(&space->claimed);
	for (u32 i = 0; i < EXT4_FREED_SETS; i++) {
		ext4_ranges_clear(&space->freed[i].data);
		ext4_ranges_clear(&space->freed[i].metadata);
	}
	volume->ops->release(space->groups);
	volume->ops->release(space->scratch);
	volume->ops->release(volume->tables);
	volume->ops->release(space);
	volume->space = NULL;
	volume->tables = NULL;
}
