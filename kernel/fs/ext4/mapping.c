/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a file's blocks are, whichever way it keeps that: extents or a block map. */
#include "fs/ext4/change.h"
#include "lib/errno.h"

u64 ext4_map_goal(struct ext4_volume *volume, const struct ext4_node *node, u64 block)
{
	struct ext4_run run;

	/* Behind the block before, or where the one behind would want it. */
	if (block > 0 && ext4_map(volume, node, block - 1, &run) == 0 && run.start != 0)
		return run.start + 1;
	if (ext4_map(volume, node, block, &run) == 0 && run.start != 0)
		return run.start;
	return ext4_node_goal(volume, node->ino);
}

int ext4_map_insert(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		    u64 block, u64 start, u64 count, bool unwritten)
{
	int error;

	if (block + count > UINT32_MAX)
		return -EFBIG;
	if (node->flags & EXT4_INODE_EXTENTS)
		error = ext4_extents_insert(handle, volume, node, (u32)block, start, (u32)count,
					    unwritten);
	else if (unwritten)
		error = -EOPNOTSUPP;
	else
		error = ext4_blocks_insert(handle, volume, node, block, start, count);
	if (!error)
		ext4_node_count(volume, node, (s64)count);
	return error;
}

int ext4_map_written(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		     u64 block, u64 count)
{
	if (!(node->flags & EXT4_INODE_EXTENTS))
		return 0;
	return ext4_extents_written(handle, volume, node, (u32)block, (u32)count);
}

int ext4_map_remove(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		    u64 first, u64 last, bool *done)
{
	last = MIN(last, (u64)UINT32_MAX);
	*done = true;
	if (first > last)
		return 0;
	if (node->flags & EXT4_INODE_EXTENTS)
		return ext4_extents_remove(handle, volume, node, (u32)first, (u32)last, done);
	return ext4_blocks_remove(handle, volume, node, first, last, done);
}

int ext4_map_cut(struct ext4_volume *volume, struct ext4_node *node, u64 first)
{
	bool done = false;

	while (!done) {
		struct ext4_handle *handle;
		int error = ext4_transaction_start(volume, EXT4_CREDITS_MAP + EXT4_CREDITS_NODE,
						   &handle);
		int stopped;

		if (error)
			return error;
		error = ext4_map_remove(handle, volume, node, first, UINT64_MAX, &done);
		if (!error)
			error = ext4_node_write(handle, volume, node, false);
		stopped = ext4_transaction_stop(handle);
		if (error || stopped)
			return error ? error : stopped;
	}
	return 0;
}
