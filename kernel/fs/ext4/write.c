/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing to files: promises of blocks, and fsync.
 *
 * Before data goes into the page cache, blocks are promised to the pages that have none, and some
 * more to the map that will find them; so a write that was accepted will find room.  The same happens
 * when a program is about to write to a page through a mapping: without room it gets SIGBUS.
 *
 * With O_DIRECT what has no blocks yet goes through the page cache as well (direct.c); a write has
 * reached the disk when it returns.
 */
#include "fs/ext4/ext4_internal.h"

#include "proc/credentials.h"

enum { MAP_BLOCKS_FIRST = 4, MAP_PAGES_EACH = 32 };

/* --- Promises --- */

static u32 blocks_of_page(const struct ext4_inode *inode)
{
	return PAGE_SIZE >> ext4_super((inode)->inode.superblock)->volume.block_shift;
}

/* What a number of waiting pages needs in all. */
static u64 promise_for(const struct ext4_inode *inode, u64 pages)
{
	if (pages == 0)
		return 0;
	return pages * blocks_of_page(inode) + MAP_BLOCKS_FIRST + pages / MAP_PAGES_EACH;
}

/* Promises blocks to pages that wait for none yet. */
static int promise_locked(struct ext4_inode *inode, u64 first, u64 count)
{
	struct ext4_volume *volume = &ext4_super_of(inode)->volume;
	u64 wanted = promise_for(inode, inode->delayed.count + count) - inode->promised;
	int error =
		ext4_space_reserve(volume, wanted, capable(CAP_SYS_RESOURCE) ? EXT4_SPACE_ROOT : 0);

	if (error)
		return error;
	error = ext4_ranges_add(&inode->delayed, first, count);
	if (error)
		ext4_space_release(volume, wanted);
	else
		inode->promised += wanted;
	return error;
}

void ext4_delayed_done(struct ext4_inode *inode, u64 first, u64 last)
{
	u64 wanted;

	mutex_lock(&inode->delayed_lock);
	/* Without memory they keep their promise until the inode goes. */
	if (inode->delayed.count > 0 &&
	    !ext4_ranges_remove(&inode->delayed, first, last - first + 1)) {
		wanted = promise_for(inode, inode->delayed.count);
		ext4_space_release(&ext4_super_of(inode)->volume, inode->promised - wanted);
		inode->promised = wanted;
	}
	mutex_unlock(&inode->delayed_lock);
}

u64 ext4_delayed_sectors(const struct ext4_inode *inode)
{
	return READ_ONCE(inode->delayed.count) * SECTORS_PER_PAGE;
}

/* How many pages from `page` on have all their blocks, or none of theirs: *hole. */
static int look_at_pages(struct ext4_inode *inode, u64 page, u64 *pages, bool *hole)
{
	u32 each = blocks_of_page(inode);
	struct ext4_run run;
	int error;

	rwlock_read_lock(&inode->node_lock);
	error = ext4_map(&ext4_super_of(inode)->volume, &inode->node, page * each, &run);
	rwlock_read_unlock(&inode->node_lock);
	if (error)
		return error;
	*hole = (run.start == 0 && run.held == 0) || run.length < each;
	*pages = MAX(run.length / each, (u64)1);
	return 0;
}

/* Promises blocks for pages [page, last], as far as there are any: *page is where it ended. */
static int promise_pages_locked(struct ext4_inode *inode, u64 *page, u64 last)
{
	while (*page <= last) {
		u64 start = UINT64_MAX, count = 0, pages;
		bool hole;
		int error;

		if (inode->delayed.count > 0 &&
		    ext4_ranges_next(&inode->delayed, *page, &start, &count) && start == *page) {
			*page += count;
			continue;
		}
		error = look_at_pages(inode, *page, &pages, &hole);
		if (error)
			return error;
		pages = MIN(pages, MIN(last + 1, start) - *page);
		while (hole && (error = promise_locked(inode, *page, pages)) == -ENOSPC &&
		       pages > 1)
			pages /= 2;
		if (error)
			return error;
		*page += pages;
	}
	return 0;
}

/* -ENOSPC after all is a reason to write what waits, whose promises may have been too large. */
static int promise(struct ext4_inode *inode, u64 *page, u64 last)
{
	struct ext4_super *super = ext4_super_of(inode);
	int error;

	mutex_lock(&inode->delayed_lock);
	error = promise_pages_locked(inode, page, last);
	mutex_unlock(&inode->delayed_lock);
	if (error != -ENOSPC)
		return error;
	disk_inodes_write_back(&super->inodes);
	error = ext4_transaction_commit(&super->volume, ext4_transaction_running(&super->volume));
	if (error)
		return error;
	mutex_lock(&inode->delayed_lock);
	error = promise_pages_locked(inode, page, last);
	mutex_unlock(&inode->delayed_lock);
	return error;
}

/* Nothing can be written back here to make room: whoever faults holds locks that this would take. */
int ext4_reserve(struct page_cache *cache, u64 index)
{
	struct ext4_inode *inode = ext4_inode_of_cache(cache);
	int error;

	if (!ext4_is_writable(ext4_super_of(inode)) || inode->node.flags & EXT4_INODE_INLINE_DATA)
		return -EROFS;
	mutex_lock(&inode->delayed_lock);
	error = promise_pages_locked(inode, &index, index);
	mutex_unlock(&inode->delayed_lock);
	return error;
}

ssize_t ext4_prepare_write(struct inode *base, u64 position, size_t size)
{
	struct ext4_inode *inode = ext4_inode(base);
	u64 page = position / PAGE_SIZE, last = (position + size - 1) / PAGE_SIZE;
	u64 reached;
	int error;

	if (!ext4_is_writable(ext4_super_of(inode)) || inode->node.flags & EXT4_INODE_INLINE_DATA)
		return -EROFS;
	if (position > page_cache_size(&base->cache))
		disk_inode_forget_behind_end(base);
	error = promise(inode, &page, last);
	reached = page * PAGE_SIZE;
	if (reached <= position)
		return error ? error : -ENOSPC;
	return (ssize_t)MIN((u64)size, reached - position);
}

/* Pages that got a promise, and then no data. */
static void take_back(struct ext4_inode *inode, u64 position, u64 end)
{
	struct page_cache *cache = &inode->inode.cache;

	for (u64 page = position / PAGE_SIZE; page <= (end - 1) / PAGE_SIZE; page++)
		if (!page_cache_is_dirty(cache, page))
			ext4_delayed_done(inode, page, page);
}

/* --- write --- */

static int sync_written(struct file *file, off_t start, off_t end)
{
	const struct ext4_inode *inode = ext4_inode(file->inode);
	bool all = (file->flags & O_SYNC) == O_SYNC || inode->node.flags & EXT4_INODE_SYNC;

	if (!all && !(file->flags & O_DSYNC))
		return 0;
	return ext4_fsync(file, start, end, !all);
}

/* Data that O_DIRECT wants on the disk when the call returns. */
static int write_through(struct ext4_inode *inode, off_t start, off_t end)
{
	return disk_inode_write_back(&inode->disk, (u64)start / PAGE_SIZE,
				     (u64)(end - 1) / PAGE_SIZE);
}

ssize_t ext4_write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct ext4_inode *inode = ext4_inode(file->inode);
	size_t wanted = cursor->remaining;
	off_t end;
	ssize_t done;
	int error;

	if (!ext4_is_aligned(file, cursor, file->flags & O_APPEND ? 0 : *position))
		return -EINVAL;
	done = regular_file_ops.write(file, cursor, position);
	if (done > 0)
		disk_inode_balance(&inode->disk, (size_t)done);
	end = *position + (off_t)(wanted - (size_t)MAX(done, 0));
	if (done < (ssize_t)wanted && done != -EFBIG && end > *position &&
	    (u64)end <= UINT64_MAX / 2 && inode->delayed.count > 0)
		take_back(inode, (u64)*position, MIN((u64)end, (u64)*position + wanted));
	if (done <= 0)
		return done;
	error = file->flags & O_DIRECT ? write_through(inode, *position - done, *position) : 0;
	if (!error)
		error = sync_written(file, *position - done, *position);
	return error ? error : done;
}

/* --- fsync --- */

int ext4_fsync(struct file *file, off_t start, off_t end, bool data_only)
{
	struct ext4_inode *inode = ext4_inode(file->inode);
	struct ext4_super *super = ext4_super_of(inode);
	struct ext4_volume *volume = &super->volume;
	int error = 0, earlier = 0;
	u32 sequence;

	if (!ext4_is_writable(super))
		return ext4_transaction_aborted(volume) ? -EROFS : file_new_error(file);
	if (file->inode->flags & INODE_PAGE_CACHE) {
		error = disk_inode_write_back(&inode->disk, (u64)start / PAGE_SIZE,
					      end > 0 ? (u64)(end - 1) / PAGE_SIZE : 0);
		earlier = file_new_error(file);
	}
	if (!error && !data_only)
		error = ext4_inode_flush(inode);
	if (error || earlier)
		return error ? error : earlier;
	sequence = data_only ? __atomic_load_n(&inode->data_sequence, __ATOMIC_ACQUIRE)
			     : __atomic_load_n(&inode->sequence, __ATOMIC_ACQUIRE);
	if (!ext4_transaction_is_committed(volume, sequence))
		return ext4_transaction_commit(volume, sequence);
	return super->options.no_barriers ? 0 : block_flush(super->device);
}
