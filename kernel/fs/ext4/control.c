/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioctl(2): where a file's blocks are (FIEMAP), the flags of chattr(1), and telling the disk which
 * blocks are free (FITRIM).
 */
#include "fs/calls.h"
#include "fs/ext4/ext4_internal.h"
#include "fs/ext4/operations.h"
#include "lib/abi/fsctl.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/signal.h"

/* What programs see of an inode's flags, and what they may change. */
enum { VISIBLE = 0x725bdfff, CHANGEABLE = 0x000300ff & ~0x4u };

/* --- FIEMAP --- */

struct listing {
	struct ext4_inode *inode;
	struct linux_fiemap head;
	vaddr_t extents; /* where the next goes */
	struct linux_fiemap_extent waiting;
	bool any;
};

/* One is told when the next is known: the last says so.  false: there is no more room. */
static int tell(struct listing *listing, bool last)
{
	struct linux_fiemap *head = &listing->head;

	if (!listing->any)
		return 0;
	if (last)
		listing->waiting.flags |= FIEMAP_EXTENT_LAST;
	if (head->extent_count > 0 && put_user(listing->waiting, listing->extents))
		return -EFAULT;
	listing->extents += sizeof(listing->waiting);
	head->mapped_extents++;
	return 0;
}

static bool is_full(const struct listing *listing)
{
	const struct linux_fiemap *head = &listing->head;

	return head->extent_count > 0 && head->mapped_extents == head->extent_count;
}

/* All of [block, end) that the file has. */
static int list_runs(struct listing *listing, u64 block, u64 end)
{
	struct ext4_inode *inode = listing->inode;
	const struct ext4_volume *volume = &ext4_super_of(inode)->volume;
	u32 shift = volume->block_shift;
	int error = 0;

	while (block < end && !is_full(listing)) {
		struct ext4_run run;
		u64 count;

		rwlock_read_lock(&inode->node_lock);
		error = ext4_map(volume, &inode->node, block, &run);
		rwlock_read_unlock(&inode->node_lock);
		if (error)
			return error;
		count = MIN(run.length, end - block);
		if (run.start != 0 || run.held != 0) {
			error = tell(listing, false);
			if (error)
				return error;
			listing->any = true;
			listing->waiting = (struct linux_fiemap_extent){
				.logical = block << shift,
				.physical = (run.start != 0 ? run.start : run.held) << shift,
				.length = count << shift,
				.flags = run.start != 0 ? 0 : FIEMAP_EXTENT_UNWRITTEN,
			};
			if (!(inode->node.flags & EXT4_INODE_EXTENTS))
				listing->waiting.flags |= FIEMAP_EXTENT_MERGED;
		}
		block += count;
	}
	return is_full(listing) ? 0 : tell(listing, block > UINT32_MAX);
}

static long list_extents(struct file *file, vaddr_t argument)
{
	struct listing listing = {.inode = ext4_inode(file->inode)};
	struct linux_fiemap *head = &listing.head;
	const struct ext4_volume *volume = &ext4_super_of(listing.inode)->volume;
	u64 most = (u64)file->inode->superblock->max_size, end, last;
	int error = 0;

	if (get_user(*head, argument))
		return -EFAULT;
	if (head->extent_count > UINT32_MAX / sizeof(struct linux_fiemap_extent) ||
	    head->length == 0)
		return -EINVAL;
	if (head->start > most)
		return -EFBIG;
	if (listing.inode->node.flags & EXT4_INODE_INLINE_DATA)
		return -EOPNOTSUPP;
	head->mapped_extents = 0;
	if (head->flags & ~(u32)(FIEMAP_FLAG_SYNC | FIEMAP_FLAG_CACHE)) {
		head->flags &= ~(u32)(FIEMAP_FLAG_SYNC | FIEMAP_FLAG_CACHE);
		return put_user(*head, argument) ? -EFAULT : -EBADR;
	}
	end = head->start + MIN(head->length, most - head->start);
	last = DIV_ROUND_UP(end, (u64)volume->block_size);
	/* What waits for blocks gets them. */
	if (S_ISREG(file->inode->mode) && page_cache_dirty_pages(&file->inode->cache) > 0)
		error = disk_inode_write_back(&listing.inode->disk, 0, UINT64_MAX);
	listing.extents = argument + sizeof(*head);
	if (!error)
		error = list_runs(&listing, head->start >> volume->block_shift,
				  head->length >= most - head->start ? (u64)UINT32_MAX + 1 : last);
	if (!error && put_user(*head, argument))
		error = -EFAULT;
	return error;
}

/* --- Flags --- */

static int check_flags(const struct file *file, u32 flags)
{
	const struct inode *base = file->inode;
	u32 old = READ_ONCE(ext4_inode(file->inode)->node.flags), guarded;

	guarded = FS_IMMUTABLE_FL | FS_APPEND_FL;
	if (!inode_owner_or_capable(base))
		return -EPERM;
	if ((flags ^ old) & guarded && !capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	if (flags & ~(u32)VISIBLE)
		return -EOPNOTSUPP;
	return base->flags & INODE_SWAPFILE && flags & FS_IMMUTABLE_FL ? -EPERM : 0;
}

static void set_vfs_flags(struct inode *base, u32 flags)
{
	u32 value = base->flags & ~(u32)(INODE_IMMUTABLE | INODE_APPEND_ONLY | INODE_NO_ATIME);

	if (flags & FS_IMMUTABLE_FL)
		value |= INODE_IMMUTABLE;
	if (flags & FS_APPEND_FL)
		value |= INODE_APPEND_ONLY;
	if (flags & FS_NOATIME_FL)
		value |= INODE_NO_ATIME;
	WRITE_ONCE(base->flags, value);
}

/* inode->lock held for writing. */
static int store_flags(struct ext4_inode *inode, u32 flags)
{
	struct ext4_super *super = ext4_super_of(inode);
	struct inode *const operands[] = {&inode->inode};
	struct ext4_operation operation;
	u32 old;
	int error;

	inode_touch(&inode->inode, ATTR_CTIME);
	error = ext4_operation_begin(&operation, super, EXT4_CREDITS_NODE, operands, 1);
	if (error)
		return error;
	old = inode->node.flags;
	inode->node.flags = (old & ~(u32)CHANGEABLE) | (flags & CHANGEABLE);
	error = ext4_node_write(operation.handle, &super->volume, &inode->node, false);
	if (error)
		inode->node.flags = old;
	else
		set_vfs_flags(&inode->inode, inode->node.flags);
	return ext4_operation_finish(&operation, error);
}

static long set_flags(struct file *file, vaddr_t argument)
{
	struct inode *base = file->inode;
	u32 flags;
	int error;

	if (get_user(flags, argument))
		return -EFAULT;
	error = mount_want_write(file->path.mount);
	if (!error && !ext4_is_writable(ext4_super_of(ext4_inode(base))))
		error = -EROFS;
	if (error)
		return error;
	rwlock_write_lock(&base->lock);
	error = check_flags(file, flags);
	if (!error)
		error = store_flags(ext4_inode(base), flags);
	rwlock_write_unlock(&base->lock);
	return error;
}

/* --- FITRIM --- */

static int discard(void *context, u64 start, u64 count)
{
	struct ext4_super *super = context;
	u32 to_sector = super->volume.block_shift - SECTOR_SHIFT;

	return block_discard(super->device, BLOCK_DISCARD, start << to_sector, count << to_sector);
}

static long trim(struct ext4_super *super, vaddr_t argument)
{
	struct ext4_volume *volume = &super->volume;
	struct linux_fstrim_range range;
	u64 start, end, done = 0;
	int error = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!super->device->disk->discard)
		return -EOPNOTSUPP;
	if (!ext4_is_writable(super))
		return -EROFS;
	if (get_user(range, argument))
		return -EFAULT;
	start = range.start >> volume->block_shift;
	end = start + MIN(range.length >> volume->block_shift, UINT64_MAX - start);
	if (start >= volume->blocks || range.length < volume->block_size ||
	    range.minimum >> volume->block_shift > volume->blocks_per_group)
		return -EINVAL;
	start = MAX(start, (u64)volume->first_data_block);
	end = MIN(end, volume->blocks);
	for (u32 group = ext4_group_of(volume, start); group < volume->groups && !error; group++) {
		if (ext4_group_start(volume, group) >= end)
			break;
		if (signal_fatal_pending(current))
			error = -EINTR;
		else
			error = ext4_space_trim(volume, group, start, end,
						range.minimum >> volume->block_shift, discard,
						super, &done);
	}
	range.length = done << volume->block_shift;
	if (put_user(range, argument))
		return -EFAULT;
	return error;
}

long ext4_control(struct file *file, unsigned command, vaddr_t argument)
{
	struct ext4_inode *inode = ext4_inode(file->inode);
	struct ext4_super *super = ext4_super_of(inode);

	switch (command) {
	case FS_IOC_FIEMAP:
		return S_ISREG(file->inode->mode) || S_ISDIR(file->inode->mode)
			       ? list_extents(file, argument)
			       : -EOPNOTSUPP;
	case FS_IOC_GETFLAGS:
		return put_user((int)(READ_ONCE(inode->node.flags) & VISIBLE), argument);
	case FS_IOC_SETFLAGS:
		return set_flags(file, argument);
	case FS_IOC_GETVERSION:
		return put_user((int)inode->node.generation, argument);
	case FIONREAD:
		if (!S_ISREG(file->inode->mode))
			return -ENOTTY;
		return put_user((int)(inode_size(file->inode) - file->position), argument);
	case FIGETBSZ:
		return put_user((int)super->volume.block_size, argument);
	case FITRIM:
		return trim(super, argument);
	default:
		return -ENOTTY;
	}
}
