/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty files of a volume to its disk (disk_inode.h), and the thread that sees to it.
 *
 * A file is in the list of dirty ones from its first dirty page until a write-back leaves none; who
 * writes takes it out before, and puts it back if pages became dirty meanwhile.
 */
#include "arch/clock.h"
#include "fs/block/block_device.h"
#include "fs/block/disk_inode.h"
#include "fs/fs_internal.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/sched.h"

#define CENTISEC (10 * NSEC_PER_MSEC)

/* So many pages a file may be written to before the limits are looked at. */
enum { BALANCE_EACH = 64 };

/* --- One file --- */

bool disk_inode_is_dirty(const struct disk_inode *disk)
{
	return disk->inode->flags & INODE_PAGE_CACHE &&
	       page_cache_dirty_pages(&disk->inode->cache) > 0;
}

void disk_inode_dirtied(struct disk_inode *disk)
{
	struct disk_inodes *inodes = disk->inodes;
	bool first;

	spin_lock(&inodes->lock);
	first = list_empty(&inodes->dirty);
	if (list_empty(&disk->work_link)) {
		disk->dirty_since = clock_monotonic();
		list_add_tail(&disk->work_link, &inodes->dirty);
	}
	spin_unlock(&inodes->lock);
	if (first)
		wake_up_all(&inodes->work);
}

int disk_inode_write_back(struct disk_inode *disk, u64 first, u64 last)
{
	struct disk_inodes *inodes = disk->inodes;
	struct page_cache *cache = &disk->inode->cache;
	int error;

	mutex_lock(&disk->write_back_lock);
	if (inodes->ops->written) {
		/* A page that is added meanwhile may follow one that became dirty again when it had
		 * just been written. */
		first = MIN(first, inodes->ops->written(disk) / PAGE_SIZE);
		last = MIN(last, page_cache_size(cache) / PAGE_SIZE);
	}
	error = page_cache_write_back(cache, first, last);
	mutex_unlock(&disk->write_back_lock);
	spin_lock(&inodes->lock);
	/* Reclaim writes those that wait for their end, too. */
	if (page_cache_dirty_pages(cache) == 0 && !disk->ending)
		list_remove(&disk->work_link);
	spin_unlock(&inodes->lock);
	return error;
}

int disk_inode_write(struct disk_inode *disk)
{
	int error = 0;

	if (disk_inode_is_dirty(disk))
		error = disk_inode_write_back(disk, 0, UINT64_MAX);
	return error ? error : disk->inodes->ops->flush(disk);
}

void disk_inodes_hurry(struct disk_inodes *inodes)
{
	if (READ_ONCE(inodes->hurry))
		return;
	__atomic_store_n(&inodes->hurry, true, __ATOMIC_SEQ_CST);
	wake_up_all(&inodes->work);
}

void disk_inodes_note_changed(struct disk_inodes *inodes, bool changed)
{
	bool first = changed && !inodes->changed;

	__atomic_store_n(&inodes->changed, changed, __ATOMIC_RELEASE);
	if (first)
		wake_up_all(&inodes->work);
}

void disk_inode_balance(struct disk_inode *disk, size_t written)
{
	struct disk_inodes *inodes = disk->inodes;
	size_t dirty;
	int error;

	written = READ_ONCE(disk->unbalanced) + written / PAGE_SIZE + 1;
	WRITE_ONCE(disk->unbalanced, written >= BALANCE_EACH ? 0 : written);
	if (written < BALANCE_EACH)
		return;
	dirty = page_cache_dirty_total();
	if (dirty <= page_cache_dirty_background())
		return;
	disk_inodes_hurry(inodes);
	if (dirty <= page_cache_dirty_limit())
		return;
	error = disk_inode_write_back(disk, 0, UINT64_MAX);
	if (error)
		log_warn("%s: %s: write-back failed: error %d", inodes->ops->name,
			 inodes->device->name, -error);
}

/* --- All of them --- */

/* One of the bucket that this pass has not seen, referenced, or NULL. */
static struct disk_inode *next_unseen(struct disk_inodes *inodes, u32 bucket, u32 pass)
{
	struct disk_inode *disk, *found = NULL;

	spin_lock(&inodes->lock);
	list_for_each_entry (disk, &inodes->buckets[bucket], link) {
		if (disk->sync_pass == pass)
			continue;
		disk->sync_pass = pass;
		if (inode_try_get(disk->inode)) {
			found = disk;
			break;
		}
	}
	spin_unlock(&inodes->lock);
	return found;
}

int disk_inodes_sync(struct disk_inodes *inodes)
{
	struct disk_inode *disk;
	int result = 0;
	u32 pass;

	mutex_lock(&inodes->sync_lock);
	pass = ++inodes->sync_pass;
	for (u32 bucket = 0; bucket < DISK_INODE_BUCKETS; bucket++)
		while ((disk = next_unseen(inodes, bucket, pass))) {
			int error = disk_inode_write(disk);

			result = result ? result : error;
			inode_put(disk->inode);
		}
	mutex_unlock(&inodes->sync_lock);
	return result;
}

/* The one that has been dirty the longest, if that is before `before`, referenced and out of the
 * list. */
static struct disk_inode *take_dirty(struct disk_inodes *inodes, nsec_t before)
{
	struct disk_inode *disk, *found = NULL;

	spin_lock(&inodes->lock);
	while (!found && !list_empty(&inodes->dirty)) {
		disk = list_first_entry(&inodes->dirty, struct disk_inode, work_link);
		if (disk->dirty_since > before)
			break;
		list_remove(&disk->work_link);
		/* One that is on its way out is written by who ends it. */
		if (inode_try_get(disk->inode))
			found = disk;
	}
	spin_unlock(&inodes->lock);
	return found;
}

/* Writes what has been dirty since before that time. */
static void write_dirty(struct disk_inodes *inodes, nsec_t before)
{
	const struct disk_inodes_ops *ops = inodes->ops;
	struct disk_inode *disk;

	while ((disk = take_dirty(inodes, before))) {
		int error = disk_inode_write(disk);

		if (error && !ops->has_failed(inodes))
			log_error("%s: %s: write-back of inode %lu failed: error %d", ops->name,
				  inodes->device->name, (unsigned long)disk->inode->ino, -error);
		/* What became dirty meanwhile comes again. */
		if (disk_inode_is_dirty(disk))
			disk_inode_dirtied(disk);
		inode_put(disk->inode);
	}
}

void disk_inodes_write_back(struct disk_inodes *inodes)
{
	write_dirty(inodes, clock_monotonic());
}

/* --- The thread --- */

static bool is_urgent(struct disk_inodes *inodes)
{
	bool urgent;

	spin_lock(&inodes->lock);
	urgent = !list_empty(&inodes->ending);
	spin_unlock(&inodes->lock);
	return urgent || __atomic_load_n(&inodes->hurry, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&inodes->stop, __ATOMIC_ACQUIRE);
}

static bool has_work(struct disk_inodes *inodes)
{
	bool dirty;

	spin_lock(&inodes->lock);
	dirty = !list_empty(&inodes->dirty);
	spin_unlock(&inodes->lock);
	return dirty || __atomic_load_n(&inodes->changed, __ATOMIC_ACQUIRE) || is_urgent(inodes);
}

static void work(struct disk_inodes *inodes)
{
	nsec_t expire = READ_ONCE(dirty_settings.expire_centisecs) * CENTISEC;
	nsec_t now = clock_monotonic();

	disk_inodes_end(inodes);
	if (__atomic_exchange_n(&inodes->hurry, false, __ATOMIC_SEQ_CST))
		expire = 0;
	if (now > expire)
		write_dirty(inodes, now - expire);
	if (inodes->ops->commit)
		inodes->ops->commit(inodes);
}

static void write_back_thread(void *argument)
{
	struct disk_inodes *inodes = argument;

	while (!__atomic_load_n(&inodes->stop, __ATOMIC_ACQUIRE)) {
		u32 turn = READ_ONCE(dirty_settings.writeback_centisecs);
		nsec_t until = turn != 0 ? clock_monotonic() + turn * CENTISEC : NO_DEADLINE;

		wait_event(&inodes->work, has_work(inodes));
		(void)wait_event_timeout(&inodes->work, is_urgent(inodes), until,
					 WAIT_UNINTERRUPTIBLE);
		work(inodes);
	}
	disk_inodes_end(inodes);
	__atomic_store_n(&inodes->stopped, true, __ATOMIC_SEQ_CST);
	wake_up_all(&inodes->gone);
}

int disk_writer_start(struct disk_inodes *inodes)
{
	inodes->stop = inodes->stopped = false;
	inodes->writer = kernel_thread_create(write_back_thread, inodes, inodes->ops->thread_name);
	if (!IS_ERR(inodes->writer))
		return 0;
	inodes->writer = NULL;
	return -ENOMEM;
}

void disk_writer_stop(struct disk_inodes *inodes)
{
	struct task *writer = inodes->writer;

	if (!writer)
		return;
	__atomic_store_n(&inodes->stop, true, __ATOMIC_SEQ_CST);
	wake_up_all(&inodes->work);
	wait_event(&inodes->gone, __atomic_load_n(&inodes->stopped, __ATOMIC_ACQUIRE));
	inodes->writer = NULL;
	task_put(writer);
}

/* --- Ends of files --- */

int disk_inode_bring_end(struct inode *inode, u64 size)
{
	phys_t frame = 0;
	int error;

	if (size % PAGE_SIZE == 0)
		return 0;
	error = page_cache_get(&inode->cache, size / PAGE_SIZE, PAGE_CACHE_READ, &frame);
	if (!error && frame != 0)
		frame_free(frame);
	return error;
}

void disk_inode_forget_behind_end(struct inode *inode)
{
	u64 end = page_cache_size(&inode->cache);

	if (end % PAGE_SIZE != 0 && page_cache_mapped_writable(&inode->cache))
		page_cache_punch(&inode->cache, end, ALIGN_UP(end, (u64)PAGE_SIZE));
}

void disk_clear_behind_end(phys_t frame, u64 index, u64 end)
{
	u64 start = index * PAGE_SIZE, keep = end > start ? end - start : 0;

	if (keep < PAGE_SIZE)
		memset((char *)phys_to_virt(frame) + keep, 0, PAGE_SIZE - keep);
}
