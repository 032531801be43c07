/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty pages to the disk, and the thread that sees to it.
 *
 * A run of pages gets its clusters, the data goes there, and then the size follows; all that is
 * changed of the volume waits for a commit.  The thread writes files whose pages have been dirty
 * for dirty_settings.expire_centisecs, or all when there are too many, commits, and ends inodes
 * (inode.c).
 */
#include "arch/clock.h"
#include "fs/fat/fat_internal.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "proc/sched.h"

#define CENTISEC (10 * NSEC_PER_MSEC)

/* --- Pages --- */

/* Clusters for the file's first `end` bytes; the promises are kept by that. */
static int take_clusters(struct fat_inode *inode, u64 index, u64 end)
{
	struct fat_super *super = fat_super_of(inode);
	struct fat_volume *volume = &super->volume;
	u32 before = 0, grown;
	int error = 0;

	fat_lock(super);
	/* What an error left out between would be what the disk had there. */
	if (index * PAGE_SIZE > inode->node.size)
		error = -EIO;
	if (!error)
		error = fat_chain_length(volume, &inode->node.chain, &before);
	if (!error)
		error = fat_chain_extend(volume, &inode->node.chain, fat_clusters_for(volume, end));
	if (!error) {
		grown = MIN(inode->node.chain.known - before, inode->promised);
		fat_release(volume, grown);
		inode->promised -= grown;
	}
	fat_unlock(super);
	return error;
}

static int publish(struct fat_inode *inode, u64 end)
{
	struct fat_super *super = fat_super_of(inode);
	int error = 0;

	fat_lock(super);
	super->volume.data_written = true;
	if (end > inode->node.size) {
		inode->node.size = (u32)end;
		error = fat_inode_store_locked(inode);
	}
	fat_unlock(super);
	return error;
}

int fat_write_pages(struct page_cache *cache, u64 index, const phys_t *frames, u32 count)
{
	struct fat_inode *inode = fat_inode_of_cache(cache);
	u32 sector_size = fat_super_of(inode)->volume.sector_size;
	u64 start = index * PAGE_SIZE, end = MIN(page_cache_size(cache), start + count * PAGE_SIZE);
	int error;

	if (end <= start)
		return 0;
	page_cache_clear_behind_end(cache, (end - 1) / PAGE_SIZE,
				    frames[(end - 1) / PAGE_SIZE - index]);
	error = take_clusters(inode, index, end);
	if (!error)
		error = fat_transfer_file(inode, BLOCK_WRITE, start,
					  ALIGN_UP(end, (u64)sector_size) - start, index, frames);
	return error ? error : publish(inode, end);
}

int fat_write_back(struct fat_inode *inode, u64 first, u64 last)
{
	struct fat_super *super = fat_super_of(inode);
	struct page_cache *cache = &inode->inode.cache;
	int error;

	mutex_lock(&inode->write_back_lock);
	/* In order, from where the disk's file ends to where the file ends now: a page that is added
	 * meanwhile may follow one that became dirty again when it had just been written. */
	first = MIN(first, (u64)READ_ONCE(inode->node.size) / PAGE_SIZE);
	last = MIN(last, page_cache_size(cache) / PAGE_SIZE);
	error = page_cache_write_back(cache, first, last);
	mutex_unlock(&inode->write_back_lock);
	spin_lock(&super->table_lock);
	if (page_cache_dirty_pages(cache) == 0)
		list_remove(&inode->dirty_link);
	spin_unlock(&super->table_lock);
	return error;
}

/* --- fsync and sync --- */

static int commit(struct fat_super *super)
{
	int error;

	fat_lock(super);
	error = fat_commit(&super->volume);
	fat_unlock(super);
	return error;
}

int fat_fsync(struct file *file, off_t start, off_t end, bool data_only __unused)
{
	struct fat_inode *inode = fat_inode(file->inode);
	struct fat_super *super = fat_super_of(inode);
	int error = 0, earlier = 0;

	if (!fat_is_writable(super))
		return super->volume.failed ? -EIO : 0;
	if (file->inode->flags & INODE_PAGE_CACHE) {
		error = fat_write_back(inode, (u64)start / PAGE_SIZE,
				       end > 0 ? (u64)(end - 1) / PAGE_SIZE : 0);
		earlier = page_cache_take_error(&file->inode->cache);
	}
	if (!error)
		error = fat_inode_flush(inode);
	if (!error)
		error = commit(super);
	return error ? error : earlier;
}

/* One of the bucket that this pass has not seen, referenced, or NULL. */
static struct fat_inode *next_unseen(struct fat_super *super, u32 bucket, u32 pass)
{
	struct fat_inode *inode, *found = NULL;

	spin_lock(&super->table_lock);
	list_for_each_entry (inode, &super->inodes[bucket], link) {
		if (inode->sync_pass == pass)
			continue;
		inode->sync_pass = pass;
		if (inode_try_get(&inode->inode)) {
			found = inode;
			break;
		}
	}
	spin_unlock(&super->table_lock);
	return found;
}

int fat_sync(struct superblock *superblock)
{
	struct fat_super *super = fat_super(superblock);
	u32 pass = __atomic_add_fetch(&super->sync_pass, 1, __ATOMIC_RELAXED);
	struct fat_inode *inode;
	int result = 0, error;

	if (!fat_is_writable(super))
		return 0;
	for (u32 bucket = 0; bucket < FAT_INODE_BUCKETS; bucket++)
		while ((inode = next_unseen(super, bucket, pass))) {
			error = 0;
			if (inode->inode.flags & INODE_PAGE_CACHE &&
			    page_cache_dirty_pages(&inode->inode.cache) > 0)
				error = fat_write_back(inode, 0, UINT64_MAX);
			if (!error)
				error = fat_inode_flush(inode);
			result = result ? result : error;
			inode_put(&inode->inode);
		}
	error = commit(super);
	return result ? result : error;
}

/* --- Which files --- */

void fat_dirtied(struct page_cache *cache)
{
	struct fat_inode *inode = fat_inode_of_cache(cache);
	struct fat_super *super = fat_super_of(inode);

	spin_lock(&super->table_lock);
	if (list_empty(&inode->dirty_link)) {
		inode->dirty_since = clock_monotonic();
		list_add_tail(&inode->dirty_link, &super->dirty);
	}
	spin_unlock(&super->table_lock);
	wake_up_all(&super->work);
}

/* The one that has been dirty the longest, if that is before `before`, referenced and out of the
 * list. */
static struct fat_inode *take_dirty(struct fat_super *super, nsec_t before)
{
	struct fat_inode *inode, *found = NULL;

	spin_lock(&super->table_lock);
	while (!found && !list_empty(&super->dirty)) {
		inode = list_first_entry(&super->dirty, struct fat_inode, dirty_link);
		if (inode->dirty_since > before)
			break;
		list_remove(&inode->dirty_link);
		/* One that is on its way out is written by who ends it. */
		if (inode_try_get(&inode->inode))
			found = inode;
	}
	spin_unlock(&super->table_lock);
	return found;
}

/* Writes what has been dirty since before that time. */
static void write_dirty(struct fat_super *super, nsec_t before)
{
	struct fat_inode *inode;

	while ((inode = take_dirty(super, before))) {
		int error = fat_write_back(inode, 0, UINT64_MAX);

		if (!error)
			error = fat_inode_flush(inode);
		if (error && !super->volume.failed)
			log_error("fat: %s: write-back of inode %lu failed: error %d",
				  super->device->name, (unsigned long)inode->inode.ino, -error);
		/* What became dirty meanwhile comes again. */
		if (page_cache_dirty_pages(&inode->inode.cache) > 0)
			fat_dirtied(&inode->inode.cache);
		inode_put(&inode->inode);
	}
}

/* --- The thread --- */

static bool has_work(struct fat_super *super)
{
	bool has;

	spin_lock(&super->table_lock);
	has = !list_empty(&super->dirty);
	spin_unlock(&super->table_lock);
	return has || __atomic_load_n(&super->changed, __ATOMIC_ACQUIRE);
}

static bool is_urgent(struct fat_super *super)
{
	bool urgent;

	spin_lock(&super->table_lock);
	urgent = !list_empty(&super->ending);
	spin_unlock(&super->table_lock);
	return urgent || __atomic_load_n(&super->hurry, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&super->stop, __ATOMIC_ACQUIRE);
}

static void work(struct fat_super *super)
{
	nsec_t expire = READ_ONCE(dirty_settings.expire_centisecs) * CENTISEC;
	nsec_t now = clock_monotonic();
	int error;

	fat_inodes_end(super);
	if (__atomic_exchange_n(&super->hurry, false, __ATOMIC_SEQ_CST))
		expire = 0;
	if (now > expire)
		write_dirty(super, now - expire);
	error = commit(super);
	if (error && !super->volume.failed)
		log_error("fat: %s: commit failed: error %d", super->device->name, -error);
}

static void write_back_thread(void *argument)
{
	struct fat_super *super = argument;

	while (!__atomic_load_n(&super->stop, __ATOMIC_ACQUIRE)) {
		u32 turn = READ_ONCE(dirty_settings.writeback_centisecs);
		nsec_t until = turn != 0 ? clock_monotonic() + turn * CENTISEC : NO_DEADLINE;

		wait_event(&super->work, has_work(super) || is_urgent(super));
		(void)wait_event_timeout(&super->work, is_urgent(super), until,
					 WAIT_UNINTERRUPTIBLE);
		work(super);
	}
	fat_inodes_end(super);
	__atomic_store_n(&super->stopped, true, __ATOMIC_SEQ_CST);
	wake_up_all(&super->gone);
}

int fat_writer_start(struct fat_super *super)
{
	super->stop = super->stopped = false;
	super->writer = kernel_thread_create(write_back_thread, super, "fat-write-back");
	if (!IS_ERR(super->writer))
		return 0;
	super->writer = NULL;
	return -ENOMEM;
}

void fat_writer_stop(struct fat_super *super)
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
