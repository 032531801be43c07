/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing inodes.
 *
 * The link to the next orphan, where else the time of deletion is, is not a part of a node: it
 * stays as it is (orphans.c).
 */
#include "fs/ext4/change.h"
#include "lib/abi/stat.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { EXTRA_SIZE = 32, NO_DUMP = 0x40, DIRECTORY_SYNC = 0x10000 };
enum { NODE_EXTENTS_MAX = 4 };
#define LARGE_FILE 0x7fffffffull

void ext4_node_init(struct ext4_volume *volume, struct ext4_node *node,
		    const struct ext4_node *parent, u32 ino, u32 mode)
{
	u32 inherited = EXT4_INODE_NO_ATIME | NO_DUMP;

	if (S_ISREG(mode) || S_ISDIR(mode))
		inherited |= EXT4_INODE_SYNC;
	if (S_ISDIR(mode))
		inherited |= DIRECTORY_SYNC;
	*node = (struct ext4_node){.ino = ino, .mode = mode, .links = S_ISDIR(mode) ? 2 : 1};
	node->flags = parent->flags & inherited;
	node->generation =
		__atomic_add_fetch(&volume->space->generation, 0x9e3779b9, __ATOMIC_RELAXED);
	node->seed = ext4_node_seed(volume, ino, node->generation);
	if (volume->inode_size > EXT4_OLD_INODE_SIZE) {
		u32 room = volume->inode_size - EXT4_OLD_INODE_SIZE;

		node->extra_size = MIN(MAX(volume->want_extra_size, (u32)EXTRA_SIZE), room);
		node->has_btime = node->extra_size >= EXTRA_SIZE - 4;
	}
	if (ext4_has_incompat(volume, EXT4_INCOMPAT_EXTENTS) &&
	    (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode))) {
		struct ext4_disk_extent_header *header = (void *)node->body;

		node->flags |= EXT4_INODE_EXTENTS;
		header->magic = EXT4_EXTENT_MAGIC;
		header->max = NODE_EXTENTS_MAX;
	}
}

u64 ext4_node_goal(const struct ext4_volume *volume, u32 ino)
{
	return ext4_group_start(volume, (ino - 1) / volume->inodes_per_group);
}

int ext4_node_raw(struct ext4_volume *volume, u32 ino, struct ext4_block **block,
		  struct ext4_disk_inode **inode)
{
	u64 table, byte;
	int error;

	if (ino == 0 || ino > volume->inodes)
		return -EUCLEAN;
	error = ext4_inode_table(volume, (ino - 1) / volume->inodes_per_group, &table);
	if (error)
		return error;
	byte = (u64)((ino - 1) % volume->inodes_per_group) * volume->inode_size;
	error = ext4_block_get(volume, table + (byte >> volume->block_shift), block);
	if (!error)
		*inode = (void *)((*block)->data + (byte & (volume->block_size - 1)));
	return error;
}

void ext4_node_seal(struct ext4_volume *volume, u32 ino, struct ext4_disk_inode *inode)
{
	bool wide = volume->inode_size > EXT4_OLD_INODE_SIZE && inode->extra_size >= 4;
	u32 crc;

	if (!volume->checksums)
		return;
	inode->checksum_lo = 0;
	if (wide)
		inode->checksum_hi = 0;
	crc = crc32c(ext4_node_seed(volume, ino, inode->generation), inode, volume->inode_size);
	inode->checksum_lo = (u16)crc;
	if (wide)
		inode->checksum_hi = (u16)(crc >> 16);
}

/* --- Fields --- */

/* Is the field there? */
#define HAS_FIELD(inode, field)                              \
	((inode)->extra_size + (u32)EXT4_OLD_INODE_SIZE >=   \
	 __builtin_offsetof(struct ext4_disk_inode, field) + \
		 sizeof(((struct ext4_disk_inode *)0)->field))

static u32 extra_of(s64 seconds, u32 nanoseconds)
{
	return nanoseconds << 2 | (u32)((u64)(seconds - (s32)seconds) >> 32 & 3);
}

static void put_times(struct ext4_disk_inode *inode, const struct ext4_node *node, bool extra)
{
	inode->atime = (u32)node->atime;
	inode->ctime = (u32)node->ctime;
	inode->mtime = (u32)node->mtime;
	if (!extra)
		return;
	if (HAS_FIELD(inode, ctime_extra))
		inode->ctime_extra = extra_of(node->ctime, node->ctime_ns);
	if (HAS_FIELD(inode, mtime_extra))
		inode->mtime_extra = extra_of(node->mtime, node->mtime_ns);
	if (HAS_FIELD(inode, atime_extra))
		inode->atime_extra = extra_of(node->atime, node->atime_ns);
	if (HAS_FIELD(inode, btime_extra)) {
		inode->btime = (u32)node->btime;
		inode->btime_extra = extra_of(node->btime, node->btime_ns);
	}
}

static void put_sectors(const struct ext4_volume *volume, struct ext4_disk_inode *inode,
			const struct ext4_node *node)
{
	u64 count = node->sectors;

	inode->flags &= ~(u32)EXT4_INODE_HUGE_FILE;
	if (count >> 48 != 0) {
		inode->flags |= EXT4_INODE_HUGE_FILE;
		count >>= volume->block_shift - 9;
	}
	inode->blocks_lo = (u32)count;
	inode->blocks_hi = volume->ro_compat & EXT4_RO_COMPAT_HUGE_FILE ? (u16)(count >> 32)
									: inode->blocks_hi;
}

static void put(const struct ext4_volume *volume, struct ext4_disk_inode *inode,
		const struct ext4_node *node)
{
	inode->mode = (u16)node->mode;
	inode->uid_lo = (u16)node->uid;
	inode->uid_hi = (u16)(node->uid >> 16);
	inode->gid_lo = (u16)node->gid;
	inode->gid_hi = (u16)(node->gid >> 16);
	inode->links = (u16)node->links;
	inode->flags = node->flags;
	inode->generation = node->generation;
	inode->size_lo = (u32)node->size;
	if (S_ISREG(node->mode) || ext4_has_incompat(volume, EXT4_INCOMPAT_LARGE_DIR))
		inode->size_hi = (u32)(node->size >> 32);
	inode->xattr_block_lo = (u32)node->xattr_block;
	if (ext4_has_incompat(volume, EXT4_INCOMPAT_64BIT))
		inode->xattr_block_hi = (u16)(node->xattr_block >> 32);
	put_sectors(volume, inode, node);
	memcpy(inode->block, node->body, sizeof(node->body));
}

static void set_large_file(struct ext4_disk_super *super, void *argument __unused)
{
	super->ro_compat |= EXT4_RO_COMPAT_LARGE_FILE;
}

int ext4_node_write(struct ext4_handle *handle, struct ext4_volume *volume,
		    const struct ext4_node *node, bool fresh)
{
	bool extra = volume->inode_size > EXT4_OLD_INODE_SIZE;
	struct ext4_disk_inode *inode;
	struct ext4_block *block;
	int error = ext4_node_raw(volume, node->ino, &block, &inode);

	if (error)
		return error;
	mutex_lock(&block->lock);
	error = ext4_handle_change(handle, block);
	if (!error) {
		if (fresh)
			memset(inode, 0, volume->inode_size);
		if (fresh && extra)
			inode->extra_size = (u16)node->extra_size;
		put(volume, inode, node);
		put_times(inode, node, extra);
		ext4_node_seal(volume, node->ino, inode);
	}
	mutex_unlock(&block->lock);
	ext4_block_put(block);
	if (!error && S_ISREG(node->mode) && node->size > LARGE_FILE &&
	    !(volume->ro_compat & EXT4_RO_COMPAT_LARGE_FILE)) {
		mutex_lock(&volume->space->lock);
		volume->ro_compat |= EXT4_RO_COMPAT_LARGE_FILE;
		error = ext4_super_change(handle, volume, set_large_file, NULL);
		mutex_unlock(&volume->space->lock);
	}
	return error;
}
