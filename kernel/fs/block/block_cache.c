/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffered access: a device's pages in the page cache, read-ahead, and write-back.
 *
 * A miss reads more than it was asked for once misses follow each other (mm/read_ahead.h), up to half
 * a megabyte.
 *
 * Dirty pages are written back in the background when the first has been dirty for a time or when
 * there are too many, by the writer himself when there are far too many (dirty_settings), and when
 * the device is synced or closed for the last time, or when reclaim wants their frames.
 */
#include "arch/clock.h"
#include "fs/block/block_internal.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/read_ahead.h"
#include "proc/sched.h"

enum {
	SYNC_LIMIT = 64,
	BALANCE_EACH = 64,
};

#define CENTISEC (10 * NSEC_PER_MSEC)

static wait_queue_t dirty_queue = WAIT_QUEUE_INIT(dirty_queue);
static bool any_dirty; /* atomic: since the thread found nothing dirty */
static bool too_many;  /* atomic: a writer found more dirty than the background's limit */

static struct block_device *device_of(struct page_cache *cache)
{
	return container_of(cache, struct block_device, cache);
}

static u64 pages_of(const struct block_device *device)
{
	return DIV_ROUND_UP(READ_ONCE(device->sectors), SECTORS_PER_PAGE);
}

/* --- Reading --- */

static int fill(struct page_cache *cache, u64 index, void *page)
{
	struct block_device *device = device_of(cache);
	u64 sequence = page_cache_sequence(cache), end = block_size_bytes(device);
	phys_t frames[READ_AHEAD_LIMIT];
	u32 count;
	int error;

	if (index >= pages_of(device)) {
		memset(page, 0, PAGE_SIZE);
		return 0;
	}
	frames[0] = virt_to_phys(page);
	count = read_ahead_count(&device->read_ahead, index, pages_of(device));
	count = read_ahead_frames(cache, index, count, frames);
	error = block_transfer(device, BLOCK_READ, index * SECTORS_PER_PAGE, frames, count, 0);
	if ((index + count) * PAGE_SIZE > end)
		memset((char *)phys_to_virt(frames[count - 1]) + end % PAGE_SIZE, 0,
		       PAGE_SIZE - end % PAGE_SIZE);
	read_ahead_insert(cache, index, frames, count, sequence, error);
	/* What lies further on is no reason to fail. */
	if (error != 0 && count > 1)
		error = block_transfer(device, BLOCK_READ, index * SECTORS_PER_PAGE, frames, 1, 0);
	return error;
}

ssize_t block_cache_read(struct block_device *device, struct io_cursor *cursor, u64 position)
{
	return page_cache_read(&device->cache, cursor, position);
}

/* --- Writing --- */

static int write_pages(struct page_cache *cache, u64 index, const phys_t *frames, u32 count)
{
	return block_transfer(device_of(cache), BLOCK_WRITE, index * SECTORS_PER_PAGE, frames,
			      count, 0);
}

static void dirtied(struct page_cache *cache)
{
	WRITE_ONCE(device_of(cache)->dirty_since, clock_monotonic());
	__atomic_store_n(&any_dirty, true, __ATOMIC_RELEASE);
	wake_up_all(&dirty_queue);
}

static int clean(struct page_cache *cache, u64 first, u64 last)
{
	return block_cache_write_back(device_of(cache), first * PAGE_SIZE, (last + 1) * PAGE_SIZE);
}

static const struct page_cache_ops cache_ops = {
	.fill = fill, .write = write_pages, .dirtied = dirtied, .clean = clean};

void block_cache_init(struct block_device *device)
{
	page_cache_init(&device->cache, &cache_ops);
	device->cache.size = device->sectors << SECTOR_SHIFT;
}

/* After a write: has the background write, or waits for the writing of what is there.  The limits
 * are looked at now and then, as they take a while to find. */
static void balance(struct block_device *device, size_t written)
{
	size_t dirty = page_cache_dirty_total();

	written = READ_ONCE(device->unbalanced) + written / PAGE_SIZE + 1;
	WRITE_ONCE(device->unbalanced, written >= BALANCE_EACH ? 0 : written);
	if (written < BALANCE_EACH || dirty <= page_cache_dirty_background())
		return;
	if (!READ_ONCE(too_many)) {
		__atomic_store_n(&too_many, true, __ATOMIC_SEQ_CST);
		wake_up_all(&dirty_queue);
	}
	if (dirty <= page_cache_dirty_limit())
		return;
	int error = block_cache_write_back(device, 0, UINT64_MAX);
	if (error != 0)
		log_warn("%s: write-back failed: error %d", device->name, -error);
}

ssize_t block_cache_write(struct block_device *device, struct io_cursor *cursor, u64 position)
{
	ssize_t done;

	rwlock_write_lock(&device->lock);
	done = page_cache_write(&device->cache, cursor, position);
	rwlock_write_unlock(&device->lock);
	if (done > 0)
		balance(device, (size_t)done);
	return done;
}

int block_cache_write_back(struct block_device *device, u64 start, u64 end)
{
	int error;

	if (start >= end)
		return 0;
	mutex_lock(&device->write_back_lock);
	error = page_cache_write_back(&device->cache, start / PAGE_SIZE, (end - 1) / PAGE_SIZE);
	mutex_unlock(&device->write_back_lock);
	return error;
}

int block_sync(struct block_device *device, u64 start, u64 end)
{
	int error = block_cache_write_back(device, start, end), flushed;

	flushed = READ_ONCE(device->gone) ? -EIO : block_flush(device);
	return error != 0 ? error : flushed;
}

void block_drop_pages(struct block_device *device)
{
	int error = block_cache_write_back(device, 0, UINT64_MAX);

	if (error != 0)
		log_warn("%s: write-back failed: error %d", device->name, -error);
	page_cache_shrink(&device->cache, page_cache_pages(&device->cache));
}

/* --- All of them --- */

/* References to devices that have anything dirty. */
static u32 find_dirty(struct block_device **found)
{
	struct block_device *device;
	u32 count = 0;

	mutex_lock(&block_registry_lock);
	list_for_each_entry (device, &block_devices, link)
		if (page_cache_dirty_pages(&device->cache) > 0 && count < SYNC_LIMIT)
			found[count++] = block_get(device);
	mutex_unlock(&block_registry_lock);
	return count;
}

void block_sync_all(void)
{
	struct block_device *found[SYNC_LIMIT];
	u32 count = find_dirty(found);

	for (u32 i = 0; i < count; i++) {
		int error = block_sync(found[i], 0, UINT64_MAX);

		/* For the fsync that asks after it. */
		if (error != 0)
			page_cache_set_error(&found[i]->cache, error);
		block_put(found[i]);
	}
}

/* Is it a device's turn?  `all`: whatever has been dirty for however long. */
static bool is_due(const struct block_device *device, bool all)
{
	nsec_t expire = READ_ONCE(dirty_settings.expire_centisecs) * CENTISEC;

	return all || clock_monotonic() - READ_ONCE(device->dirty_since) >= expire;
}

/* Writes what is due.  How many devices have something dirty that is not. */
static u32 write_back_due(bool all)
{
	struct block_device *found[SYNC_LIMIT];
	u32 count = find_dirty(found), left = 0;

	for (u32 i = 0; i < count; i++) {
		int error = 0;
		if (is_due(found[i], all))
			error = block_cache_write_back(found[i], 0, UINT64_MAX);
		else
			left++;
		if (error != 0)
			log_error("%s: write-back failed: error %d", found[i]->name, -error);
		block_put(found[i]);
	}
	return left;
}

static void write_back_thread(void *argument __unused)
{
	for (;;) {
		u32 turn = READ_ONCE(dirty_settings.writeback_centisecs);
		nsec_t until = turn != 0 ? clock_monotonic() + turn * CENTISEC : NO_DEADLINE;
		wait_event(&dirty_queue, __atomic_load_n(&any_dirty, __ATOMIC_ACQUIRE));
		(void)wait_event_timeout(&dirty_queue, __atomic_load_n(&too_many, __ATOMIC_ACQUIRE),
					 until, WAIT_UNINTERRUPTIBLE);
		bool all = __atomic_exchange_n(&too_many, false, __ATOMIC_SEQ_CST);
		__atomic_store_n(&any_dirty, false, __ATOMIC_SEQ_CST);
		if (write_back_due(all) != 0)
			__atomic_store_n(&any_dirty, true, __ATOMIC_SEQ_CST);
	}
}

void block_cache_start(void)
{
	struct task *thread = kernel_thread_create(write_back_thread, NULL, "write-back");

	if (IS_ERR(thread))
		panic("no memory for the write-back thread");
	task_put(thread);
}
