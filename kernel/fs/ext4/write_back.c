/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty pages to the disk.
 *
 * The blocks of a run of pages that have none are chosen together, so that files that are written
 * in pieces lie in long extents.  The data goes to them; then a transaction marks them, maps them,
 * and makes the file as long as what is on the disk.  If power fails before its commit, they are
 * free.
 */
#include "fs/ext4/ext4_internal.h"
#include "fs/ext4/operations.h"

enum what { WRITTEN_IN_PLACE, WRITTEN_HELD, WRITTEN_NEW };

/* A run of pages that is being written. */
struct batch {
	struct ext4_inode *inode;
	u64 index;
	const phys_t *frames;
	u64 end; /* byte behind the last one */
};

/* --- After the data --- */

/* What is on the disk becomes a part of the file. */
static int publish(const struct batch *batch, enum what what, u64 block, u64 start, u64 count)
{
	struct ext4_inode *inode = batch->inode;
	struct ext4_super *super = ext4_super_of(inode);
	struct ext4_volume *volume = &super->volume;
	struct inode *const operands[] = {&inode->inode};
	u64 end = MIN((block + count) << volume->block_shift, batch->end);
	struct ext4_operation operation;
	int error;

	if (what == WRITTEN_IN_PLACE && end <= READ_ONCE(inode->node.size))
		return 0;
	error = ext4_operation_begin(&operation, super, EXT4_CREDITS_MAP + EXT4_CREDITS_NODE,
				     operands, 1);
	if (error)
		goto fail;
	if (what == WRITTEN_HELD)
		error = ext4_map_written(operation.handle, volume, &inode->node, block, count);
	if (what == WRITTEN_NEW)
		error = ext4_map_insert(operation.handle, volume, &inode->node, block, start, count,
					false);
	if (what == WRITTEN_NEW && !error)
		error = ext4_space_mark(operation.handle, volume, start, count);
	if (!error) {
		inode->node.size = MAX(inode->node.size, end);
		error = ext4_node_write(operation.handle, volume, &inode->node, false);
	}
	error = ext4_operation_finish(&operation, error);
fail:
	if (error && what == WRITTEN_NEW)
		ext4_space_unclaim(volume, start, count);
	return error;
}

/* --- The data --- */

/* Blocks for a hole; waits for a commit if there will be some after it. */
static int claim(struct ext4_volume *volume, u64 goal, u64 wanted, u64 *start, u64 *count)
{
	int error = ext4_space_claim(volume, goal, wanted, start, count);

	if (error != -EAGAIN)
		return error;
	error = ext4_transaction_commit(volume, ext4_transaction_running(volume));
	if (!error)
		error = ext4_space_claim(volume, goal, wanted, start, count);
	return error == -EAGAIN ? -ENOSPC : error;
}

/* Writes from block *block on, up to `last`, what lies in one place: *block is behind it then. */
static int write_run(const struct batch *batch, u64 *block, u64 last)
{
	struct ext4_inode *inode = batch->inode;
	struct ext4_super *super = ext4_super_of(inode);
	struct ext4_volume *volume = &super->volume;
	enum what what = WRITTEN_IN_PLACE;
	u64 goal = 0, start, count;
	struct ext4_run run;
	int error;

	rwlock_read_lock(&inode->node_lock);
	error = ext4_map(volume, &inode->node, *block, &run);
	if (!error && run.start == 0 && run.held == 0)
		goal = ext4_map_goal(volume, &inode->node, *block);
	rwlock_read_unlock(&inode->node_lock);
	if (error)
		return error;
	count = MIN(run.length, last - *block);
	start = run.start;
	if (run.held != 0) {
		what = WRITTEN_HELD;
		start = run.held;
	} else if (start == 0) {
		what = WRITTEN_NEW;
		error = claim(volume, goal, count, &start, &count);
	}
	if (error)
		return error;
	error = ext4_transfer_blocks(super, BLOCK_WRITE, start, *block, count, batch->index,
				     batch->frames);
	if (error && what == WRITTEN_NEW)
		ext4_space_abandon(volume, count);
	if (!error)
		error = publish(batch, what, *block, start, count);
	*block += count;
	return error;
}

int ext4_write_pages(struct page_cache *cache, u64 index, const phys_t *frames, u32 count)
{
	struct ext4_inode *inode = ext4_inode_of_cache(cache);
	const struct ext4_volume *volume = &ext4_super_of(inode)->volume;
	u64 end = MIN(page_cache_size(cache), (index + count) * PAGE_SIZE);
	struct batch batch = {.inode = inode, .index = index, .frames = frames, .end = end};
	u64 block = index * PAGE_SIZE >> volume->block_shift;
	u64 last = (end + volume->block_size - 1) >> volume->block_shift;
	int error = 0;

	if (end > index * PAGE_SIZE)
		page_cache_clear_behind_end(cache, (end - 1) / PAGE_SIZE,
					    frames[(end - 1) / PAGE_SIZE - index]);
	while (block < last && !error)
		error = write_run(&batch, &block, last);
	ext4_delayed_done(inode, index, index + count - 1);
	return error;
}

void ext4_dirtied(struct page_cache *cache)
{
	disk_inode_dirtied(&ext4_inode_of_cache(cache)->disk);
}
