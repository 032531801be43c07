/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files as swap areas: where their data is on the device.
 *
 * The file has been synced, so no page waits for its blocks, and it does not change (INODE_SWAPFILE).
 * Blocks that are kept and were never written will do: swapping goes to the device, and whoever
 * reads the file afterwards still gets zeros.
 */
#include "fs/ext4/ext4_internal.h"

static int find_run(struct ext4_inode *inode, u64 block, struct ext4_run *run)
{
	int error;

	rwlock_read_lock(&inode->node_lock);
	error = inode->node.flags & EXT4_INODE_INLINE_DATA
			? -EINVAL
			: ext4_map(&ext4_super_of(inode)->volume, &inode->node, block, run);
	rwlock_read_unlock(&inode->node_lock);
	return error;
}

int ext4_swap_extents(struct inode *base, struct block_device **device,
		      int (*add)(void *context, u64 sector, u64 count), void *context)
{
	struct ext4_inode *inode = ext4_inode(base);
	struct ext4_super *super = ext4_super_of(inode);
	u64 blocks = (u64)inode_size(base) >> super->volume.block_shift;
	u32 sectors = super->volume.block_size / SECTOR_SIZE;
	struct ext4_run run;

	*device = super->device;
	for (u64 block = 0; block < blocks; block += run.length) {
		int error = find_run(inode, block, &run);
		if (error)
			return error;
		u64 start = run.start != 0 ? run.start : run.held;
		if (start == 0)
			return -EINVAL;
		run.length = MIN(run.length, blocks - block);
		error = add(context, start * sectors, run.length * sectors);
		if (error)
			return error;
	}
	return 0;
}
