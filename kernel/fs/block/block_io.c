/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers: checks, submission, waiting for the end, and the figures of /proc/diskstats.
 *
 * Who waits sleeps on one of a few queues shared by all, since his io, and with it anything that
 * it contains, may be gone the moment that he sees its end.
 */
#include "arch/clock.h"
#include "fs/block/block_internal.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/pressure.h"

enum { WAIT_QUEUES = 16, FEW_PAGES = 8 };

static wait_queue_t end_queues[WAIT_QUEUES]; /* by the io's address */

/* --- Figures --- */

static void account_start(struct block_stats *stats)
{
	if (__atomic_fetch_add(&stats->in_flight, 1, __ATOMIC_RELAXED) == 0)
		WRITE_ONCE(stats->busy_since, clock_monotonic());
}

static void account_end(struct block_stats *stats, const struct block_io *io, nsec_t now)
{
	nsec_t queued = io->request.queued, took = now > queued ? now - queued : 0;

	__atomic_fetch_add(&stats->ios[io->op], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&stats->sectors[io->op], io->sectors, __ATOMIC_RELAXED);
	__atomic_fetch_add(&stats->time[io->op], took, __ATOMIC_RELAXED);
	__atomic_fetch_add(&stats->weighted_time, took, __ATOMIC_RELAXED);
	if (__atomic_fetch_sub(&stats->in_flight, 1, __ATOMIC_RELAXED) == 1)
		__atomic_fetch_add(&stats->busy_time, now - MIN(now, READ_ONCE(stats->busy_since)),
				   __ATOMIC_RELAXED);
}

/* A partition's transfers are also its disk's. */
static struct block_stats *stats_of_disk(struct block_device *device)
{
	return device->partition != 0 ? &device->disk->whole->stats : NULL;
}

void block_account_start(struct block_device *device)
{
	account_start(&device->stats);
	if (stats_of_disk(device) != NULL)
		account_start(stats_of_disk(device));
}

void block_account_end(struct block_device *device, const struct block_io *io, nsec_t now)
{
	account_end(&device->stats, io, now);
	if (stats_of_disk(device) != NULL)
		account_end(stats_of_disk(device), io, now);
}

void block_account_merge(struct block_device *device, enum block_op op)
{
	__atomic_fetch_add(&device->stats.merges[op], 1, __ATOMIC_RELAXED);
	if (stats_of_disk(device) != NULL)
		__atomic_fetch_add(&stats_of_disk(device)->merges[op], 1, __ATOMIC_RELAXED);
}

/* --- Submission --- */

static bool fits_segments(const struct block_io *io)
{
	u64 length = 0;

	for (u32 i = 0; i < io->segment_count; i++)
		length += io->segments[i].length;
	return io->segment_count <= io->device->disk->max_segments &&
	       length == io->sectors << SECTOR_SHIFT;
}

/* 0, or why the transfer cannot be. */
static int check(const struct block_io *io)
{
	struct block_device *device = io->device;
	struct block_disk *disk = device->disk;
	u64 blocks = disk->logical_size >> SECTOR_SHIFT, size = READ_ONCE(device->sectors);

	if (READ_ONCE(device->gone) || READ_ONCE(disk->dead))
		return -EIO;
	if (io->op != BLOCK_READ && io->op != BLOCK_FLUSH && READ_ONCE(device->read_only))
		return -EROFS;
	if (io->op == BLOCK_FLUSH)
		return 0;
	if ((io->op == BLOCK_DISCARD && !disk->discard) ||
	    (io->op == BLOCK_WRITE_ZEROS && !disk->write_zeros))
		return -EOPNOTSUPP;
	if (io->sectors == 0 || (io->sector | io->sectors) % blocks != 0 || io->sector > size ||
	    io->sectors > size - io->sector)
		return -EIO;
	if (io->op == BLOCK_READ || io->op == BLOCK_WRITE)
		return fits_segments(io) && io->sectors <= disk->max_sectors ? 0 : -EINVAL;
	return 0;
}

static struct block_queue *queue_of(const struct block_io *io)
{
	struct block_disk *disk = io->device->disk;

	return &disk->queues[cpu_id() % disk->queue_count];
}

/* Adds one to the queue, or ends it. */
static void enter(struct block_queue *queue, struct block_io *io)
{
	int error = check(io);
	unsigned long flags;

	if (error != 0) {
		io->error = error;
		io->done(io);
		return;
	}
	block_account_start(io->device);
	flags = spin_lock_irqsave(&queue->lock);
	block_queue_add(queue, io);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static void run(struct block_queue *queue)
{
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	bool finished;

	block_queue_run(queue);
	finished = !list_empty(&queue->finished);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (finished)
		block_queue_deliver(queue);
}

void block_submit(struct block_io *io)
{
	struct block_queue *queue = queue_of(io);

	enter(queue, io);
	run(queue);
}

void block_submit_list(struct list_head *ios)
{
	struct block_queue *queue = NULL;

	while (!list_empty(ios)) {
		struct block_io *io = list_first_entry(ios, struct block_io, link);
		struct block_queue *next =
			queue != NULL && queue->disk == io->device->disk ? queue : queue_of(io);

		if (queue != NULL && next != queue)
			run(queue);
		queue = next;
		list_remove(&io->link);
		enter(queue, io);
	}
	if (queue != NULL)
		run(queue);
}

/* --- Waiting --- */

static wait_queue_t *end_queue(const struct block_io *io)
{
	return &end_queues[(uintptr_t)io / 64 % WAIT_QUEUES];
}

static void wake_waiter(struct block_io *io)
{
	wait_queue_t *queue = end_queue(io);

	__atomic_store_n(&io->ended, true, __ATOMIC_RELEASE);
	/* From here on the io may be gone. */
	wake_up_all(queue);
}

int block_submit_wait(struct block_io *io)
{
	io->done = wake_waiter;
	io->ended = false;
	block_submit(io);
	bool begun = pressure_enter(PRESSURE_IO);
	wait_event(end_queue(io), __atomic_load_n(&io->ended, __ATOMIC_ACQUIRE));
	pressure_leave(PRESSURE_IO, begun);
	return io->error;
}

int block_flush(struct block_device *device)
{
	struct block_io io = {.device = device, .op = BLOCK_FLUSH};

	return device->disk->write_cache ? block_submit_wait(&io) : 0;
}

/* Frames as segments, one for each run that lies together; returns how many. */
static u32 segments_of(const phys_t *frames, u32 count, struct block_segment *segments)
{
	u32 used = 0;

	for (u32 i = 0; i < count; i++) {
		struct block_segment *last = used > 0 ? &segments[used - 1] : NULL;

		if (last != NULL && last->address + last->length == frames[i])
			last->length += PAGE_SIZE;
		else
			segments[used++] = (struct block_segment){frames[i], PAGE_SIZE};
	}
	return used;
}

int block_transfer(struct block_device *device, enum block_op op, u64 sector, const phys_t *frames,
		   u32 count, u32 flags)
{
	struct block_segment few[FEW_PAGES], *segments = few;
	u32 most = MIN(block_max_segments(device),
		       (u32)(block_max_sectors(device) / SECTORS_PER_PAGE));
	int error = 0;

	if (count > FEW_PAGES)
		segments = kcalloc(MIN(count, most), sizeof(*segments));
	if (segments == NULL) {
		segments = few;
		most = FEW_PAGES;
	}
	for (u32 done = 0, part; done < count && error == 0; done += part) {
		struct block_io io = {.device = device, .op = op, .flags = flags};

		part = MIN(count - done, most);
		io.sector = sector + done * SECTORS_PER_PAGE;
		io.sectors = MIN(part * SECTORS_PER_PAGE,
				 READ_ONCE(device->sectors) - MIN(io.sector, device->sectors));
		io.segments = segments;
		io.segment_count = segments_of(frames + done, part, segments);
		/* The last page of a device may be cut short. */
		if (io.segment_count > 0)
			segments[io.segment_count - 1].length -=
				(u32)((part * SECTORS_PER_PAGE - io.sectors) << SECTOR_SHIFT);
		error = block_submit_wait(&io);
	}
	if (segments != few)
		kfree(segments);
	return error;
}

int block_discard(struct block_device *device, enum block_op op, u64 sector, u64 sectors)
{
	struct block_io io = {.device = device, .op = op};
	int error = 0;

	for (u64 done = 0; done < sectors && error == 0; done += io.sectors) {
		io.sector = sector + done;
		io.sectors = MIN(sectors - done, block_max_sectors(device));
		error = block_submit_wait(&io);
	}
	return error;
}

void block_init(void)
{
	for (u32 i = 0; i < WAIT_QUEUES; i++)
		wait_queue_init(&end_queues[i]);
	block_recovery_init();
	block_cache_start();
	block_sysfs_init();
}
