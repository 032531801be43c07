/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty pages to the disk.
 *
 * The blocks of a run of pages that have none are chosen together, so that files that are written
 * in pieces lie in long extents.  The data goes to them; then a transaction marks them, maps them,
 * and makes the file as long as what is on the disk.  If power fails before its commit, they are
 * free.
 *
 * The thread writes files whose pages have been dirty for dirty_settings.expire_centisecs, or all
 * when there are too many, and ends inodes (inode.c).
 */
#include "arch/clock.h"
#include "fs/ext4/ext4_internal.h"
#include "fs/ext4/operations.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "proc/sched.h"

#define CENTISEC (10 * NSEC_PER_MSEC)

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

int ext4_write_back(struct ext4_inode *inode, u64 first, u64 last)
{
	struct ext4_super *super = ext4_super_of(inode);
	int error;

	mutex_lock(&inode->write_back_lock);
	error = page_cache_write_back(&inode->inode.cache, first, last);
	mutex_unlock(&inode->write_back_lock);
	spin_lock(&super->lock);
	if (page_cache_dirty_pages(&inode->inode.cache) == 0)
		list_remove(&inode->dirty_link);
	spin_unlock(&super->lock);
	return error;
}

/* --- Which files --- */

void ext4_dirtied(struct page_cache *cache)
{
	struct ext4_inode *inode = ext4_inode_of_cache(cache);
	struct ext4_super *super = ext4_super_of(inode);
	bool first;

	spin_lock(&super->lock);
	first = list_empty(&super->dirty);
	if (list_empty(&inode->dirty_link)) {
		inode->dirty_since = clock_monotonic();
		list_add_tail(&inode->dirty_link, &super->dirty);
	}
	spin_unlock(&super->lock);
	if (first)
		wake_up_all(&super->work);
}

/* The one that has been dirty the longest, if that is before `before`, referenced and out of the
 * list. */
static struct ext4_inode *take_dirty(struct ext4_super *super, nsec_t before)
{
	struct ext4_inode *inode, *found = NULL;

	spin_lock(&super->lock);
	while (!found && !list_empty(&super->dirty)) {
		inode = list_first_entry(&super->dirty, struct ext4_inode, dirty_link);
		if (inode->dirty_since > before)
			break;
		list_remove(&inode->dirty_link);
		/* One that is on its way out is written by who ends it. */
		if (inode_try_get(&inode->inode))
			found = inode;
	}
	spin_unlock(&super->lock);
	return found;
}

/* Writes what has been dirty since before that time. */
static void write_dirty(struct ext4_super *super, nsec_t before)
{
	struct ext4_inode *inode;

	while ((inode = take_dirty(super, before))) {
		int error = ext4_write_back(inode, 0, UINT64_MAX);

		if (!error)
			error = ext4_inode_flush(inode);
		if (error && !ext4_transaction_aborted(&super->volume))
			log_error("ext4: %s: write-back of inode %lu failed: error %d",
				  super->device->name, (unsigned long)inode->inode.ino, -error);
		/* What became dirty meanwhile comes again. */
		if (page_cache_dirty_pages(&inode->inode.cache) > 0)
			ext4_dirtied(&inode->inode.cache);
		inode_put(&inode->inode);
	}
}

void ext4_write_back_all(struct ext4_super *super)
{
	write_dirty(super, clock_monotonic());
}

/* --- The thread --- */

static bool has_dirty(struct ext4_super *super)
{
	bool has;

	spin_lock(&super->lock);
	has = !list_empty(&super->dirty) || !list_empty(&super->ending);
	spin_unlock(&super->lock);
	return has;
}

static bool is_urgent(struct ext4_super *super)
{
	bool urgent;

	spin_lock(&super->lock);
	urgent = !list_empty(&super->ending);
	spin_unlock(&super->lock);
	return urgent || __atomic_load_n(&super->hurry, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&super->stop, __ATOMIC_ACQUIRE);
}

static void write_back_thread(void *argument)
{
	struct ext4_super *super = argument;

	while (!__atomic_load_n(&super->stop, __ATOMIC_ACQUIRE)) {
		u32 turn = READ_ONCE(dirty_settings.writeback_centisecs);
		nsec_t until = turn != 0 ? clock_monotonic() + turn * CENTISEC : NO_DEADLINE;
		nsec_t expire = READ_ONCE(dirty_settings.expire_centisecs) * CENTISEC, now;

		wait_event(&super->work, has_dirty(super) || is_urgent(super));
		(void)wait_event_timeout(&super->work, is_urgent(super), until,
					 WAIT_UNINTERRUPTIBLE);
		now = clock_monotonic();
		ext4_inodes_end(super);
		if (__atomic_exchange_n(&super->hurry, false, __ATOMIC_SEQ_CST))
			expire = 0;
		if (now > expire)
			write_dirty(super, now - expire);
	}
	ext4_inodes_end(super);
	__atomic_store_n(&super->stopped, true, __ATOMIC_SEQ_CST);
	wake_up_all(&super->gone);
}

int ext4_writer_start(struct ext4_super *super)
{
	super->stop = super->stopped = false;
	super->writer = kernel_thread_create(write_back_thread, super, "ext4-write-back");
	if (!IS_ERR(super->writer))
		return 0;
	super->writer = NULL;
	return -ENOMEM;
}

void ext4_writer_stop(struct ext4_super *super)
{
	struct task *writer = super->writer;

	if (!writer)
		return;
	__atomic_store_n(&super->stop, true, __ATOMIC_SEQ_CST);
	wake_up_all(&super->work);
	wait_event(&super->gone, __atomic_load_n(&super->stopped, __ATOMIC_ACQUIRE));
	super->writer = NULL;
	task_put(writer);
}
