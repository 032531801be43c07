/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes of files.
 *
 * A file that becomes shorter loses its pages first, then its blocks, from the end on, in as many
 * transactions as that takes; until the last the inode is in the list of orphans, so that the next
 * mount finishes what a power cut interrupts.  Write-back is kept out meanwhile: it must not write
 * to blocks that are somebody else's by then.
 */
#include "fs/ext4/ext4_internal.h"

#include "fs/ext4/operations.h"

/* One transaction's worth: *done when all has gone. */
static int cut_some(struct ext4_inode *inode, u64 size, bool first, bool *done)
{
	struct ext4_super *super = ext4_super_of(inode);
	struct ext4_volume *volume = &super->volume;
	struct inode *const operands[] = {&inode->inode};
	struct ext4_operation operation;
	int error = ext4_operation_begin(&operation, super,
					 EXT4_CREDITS_MAP + 2 * EXT4_CREDITS_NODE, operands, 1);

	if (error)
		return error;
	inode->node.size = size;
	error = ext4_map_remove(operation.handle, volume, &inode->node,
				(size + volume->block_size - 1) >> volume->block_shift, UINT64_MAX,
				done);
	if (!error && first && !*done)
		error = ext4_orphan_add(operation.handle, volume, inode->node.ino);
	if (!error && !first && *done && inode->node.links > 0)
		error = ext4_orphan_remove(operation.handle, volume, inode->node.ino);
	if (!error)
		error = ext4_node_write(operation.handle, volume, &inode->node, false);
	return ext4_operation_finish(&operation, error);
}

static int shrink(struct ext4_inode *inode, u64 size)
{
	bool done = false;
	int error = disk_inode_bring_end(&inode->inode, size);

	if (error)
		return error;
	mutex_lock(&inode->disk.write_back_lock);
	page_cache_truncate(&inode->inode.cache, size);
	ext4_delayed_done(inode, DIV_ROUND_UP(size, (u64)PAGE_SIZE), UINT64_MAX / PAGE_SIZE);
	for (bool first = true; !done && !error; first = false)
		error = cut_some(inode, size, first, &done);
	mutex_unlock(&inode->disk.write_back_lock);
	return error;
}

static int grow(struct ext4_inode *inode, u64 size)
{
	struct ext4_super *super = ext4_super_of(inode);
	struct inode *const operands[] = {&inode->inode};
	struct ext4_operation operation;
	int error;

	if (size > (u64)UINT32_MAX << super->volume.block_shift)
		return -EFBIG;
	disk_inode_forget_behind_end(&inode->inode);
	error = ext4_operation_begin(&operation, super, EXT4_CREDITS_NODE, operands, 1);
	if (error)
		return error;
	inode->node.size = size;
	error = ext4_node_write(operation.handle, &super->volume, &inode->node, false);
	error = ext4_operation_finish(&operation, error);
	if (!error)
		page_cache_truncate(&inode->inode.cache, size);
	return error;
}

int ext4_truncate(struct ext4_inode *inode, u64 size)
{
	if (inode->node.flags & EXT4_INODE_INLINE_DATA)
		return -EROFS;
	return size < page_cache_size(&inode->inode.cache) ? shrink(inode, size)
							   : grow(inode, size);
}
