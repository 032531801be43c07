/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fallocate(2): a range is cut out of a file, or put in.
 *
 * What lies behind the range is written to the disk and dropped from memory first, then its extents
 * get other numbers.  The pages are dropped once more afterwards: a reader may have brought some
 * back.  A power cut in the middle leaves a file with a hole somewhere in that part, as on Linux.
 */
#include "fs/ext4/ext4_internal.h"

/* Pages from `start` on, which are on the disk. */
static void drop_pages(struct ext4_inode *inode, u64 start)
{
	struct page_cache *cache = &inode->inode.cache;

	page_cache_punch(cache, ALIGN_DOWN(start, (u64)PAGE_SIZE),
			 ALIGN_UP(page_cache_size(cache), (u64)PAGE_SIZE));
}

static int shift_blocks(struct ext4_inode *inode, u64 first, s64 distance)
{
	struct ext4_super *super = ext4_super_of(inode);
	struct inode *const operands[] = {&inode->inode};
	struct ext4_operation operation;
	u64 at = EXT4_SHIFT_BEGIN;
	bool done = false;

	while (!done) {
		int error = ext4_operation_begin(&operation, super,
						 EXT4_CREDITS_MAP + EXT4_CREDITS_NODE, operands, 1);

		if (error)
			return error;
		error = ext4_extents_shift(operation.handle, &super->volume, &inode->node,
					   (u32)first, distance, &at, &done);
		if (!error)
			error = ext4_node_write(operation.handle, &super->volume, &inode->node,
						false);
		error = ext4_operation_finish(&operation, error);
		if (error)
			return error;
	}
	return 0;
}

/* inode->disk.write_back_lock held. */
static int settle_locked(struct ext4_inode *inode, u64 start)
{
	int error = page_cache_write_back(&inode->inode.cache, start / PAGE_SIZE, UINT64_MAX);

	if (!error)
		drop_pages(inode, start);
	return error;
}

static int collapse(struct ext4_inode *inode, u64 start, u64 end)
{
	u32 shift = ext4_super_of(inode)->volume.block_shift;
	u64 size = page_cache_size(&inode->inode.cache);
	int error;

	if (end >= size)
		return -EINVAL;
	mutex_lock(&inode->disk.write_back_lock);
	error = settle_locked(inode, start);
	if (!error)
		error = ext4_remove_blocks(inode, start >> shift, (end >> shift) - 1);
	if (!error)
		error = shift_blocks(inode, end >> shift, -(s64)((end - start) >> shift));
	drop_pages(inode, start);
	mutex_unlock(&inode->disk.write_back_lock);
	return error ? error : ext4_truncate(inode, size - (end - start));
}

static int insert(struct ext4_inode *inode, u64 start, u64 end)
{
	u32 shift = ext4_super_of(inode)->volume.block_shift;
	u64 size = page_cache_size(&inode->inode.cache), length = end - start;
	int error;

	if (start >= size)
		return -EINVAL;
	if (length > (u64)inode->inode.superblock->max_size - size)
		return -EFBIG;
	mutex_lock(&inode->disk.write_back_lock);
	error = settle_locked(inode, start);
	mutex_unlock(&inode->disk.write_back_lock);
	if (!error)
		error = ext4_truncate(inode, size + length);
	if (error)
		return error;
	mutex_lock(&inode->disk.write_back_lock);
	error = settle_locked(inode, start);
	if (!error)
		error = shift_blocks(inode, start >> shift, (s64)(length >> shift));
	drop_pages(inode, start);
	mutex_unlock(&inode->disk.write_back_lock);
	return error;
}

int ext4_shift(struct ext4_inode *inode, bool in, u64 start, u64 end)
{
	if ((start | end) % ext4_super_of(inode)->volume.block_size != 0)
		return -EINVAL;
	if (!(inode->node.flags & EXT4_INODE_EXTENTS))
		return -EOPNOTSUPP;
	return in ? insert(inode, start, end) : collapse(inode, start, end);
}
