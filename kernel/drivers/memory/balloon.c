/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory balloon of virtio (Virtual I/O Device specification 1.2, 5.5).
 *
 * The host sets how many pages it wants.  A thread takes so many frames from the allocator, tells
 * the host which ones, and touches them no more; when the host wants fewer, it tells the host and
 * frees them.  Frames in the balloon are of kind FRAME_BALLOON, are no part of the machine's memory
 * while they are there, and form a list through their descriptors' `owner`.
 *
 * Inflating stops at the `high` watermark and is tried again later: the balloon takes what is free,
 * and never makes programs die.  When memory runs out all the same, and the host permits it,
 * frame_relieve deflates before a program is killed.
 *
 * `lock` (sleeps) guards the list, the table of page numbers and the use of the two queues; a
 * queue's callback only wakes.  The statistics' queue belongs to the thread alone.
 */
#include "drivers/memory/memory.h"

#include "drivers/bus/virtio.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/sync.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/meminfo.h"
#include "mm/vmm.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "arch/clock.h"

enum balloon_feature { TELL_FIRST = 0, STATISTICS = 1, DEFLATE_ON_OOM = 2 };
enum balloon_queue { INFLATE, DEFLATE, STATS, QUEUES };
enum { CONFIG_WANTED = 0, CONFIG_ACTUAL = 4 };
enum { BATCH = 256, QUEUE_LENGTH = 16, RELIEF = 1024 };
#define RETRY (NSEC_PER_SEC / 5)

enum balloon_stat {
	STAT_MAJOR_FAULTS = 2,
	STAT_MINOR_FAULTS = 3,
	STAT_FREE = 4,
	STAT_TOTAL = 5,
	STAT_AVAILABLE = 6,
	STAT_CACHES = 7,
	STATS_TOLD = 6
};

struct balloon_statistic {
	u16 tag;
	u64 value;
} __packed;

static struct balloon {
	struct virtio_device *device;
	struct virtio_queue *queues[QUEUES]; /* STATS may be NULL */
	spinlock_t queue_lock;               /* interrupts off: the queues */
	wait_queue_t wake;                   /* the thread, and who waits for the host */
	bool config_changed, queue_used;     /* atomic; set by interrupts */
	mutex_t lock;
	u64 first;            /* lock: frame number of the list's first; 0: none */
	u32 pages;            /* lock: frames in the list */
	u32 numbers[BATCH];   /* lock: what the host is told */
	phys_t frames[BATCH]; /* lock */
	struct balloon_statistic statistics[STATS_TOLD];
} * balloon; /* the one; set once by probe */

static void queue_used(struct virtio_queue *queue)
{
	struct balloon *b = virtio_queue_data(queue);

	__atomic_store_n(&b->queue_used, true, __ATOMIC_RELEASE);
	wake_up_all(&b->wake);
}

static void config_changed(struct virtio_device *device)
{
	struct balloon *b = device->driver_data;

	__atomic_store_n(&b->config_changed, true, __ATOMIC_RELEASE);
	wake_up_all(&b->wake);
}

static bool take_used(struct balloon *b, enum balloon_queue which)
{
	struct virtio_queue *queue = b->queues[which];
	unsigned long flags = spin_lock_irqsave(&b->queue_lock);
	u32 written;
	void *token;

	do
		token = virtio_queue_take(queue, &written);
	while (token == NULL && !virtio_queue_rearm(queue));
	spin_unlock_irqrestore(&b->queue_lock, flags);
	return token != NULL || virtio_queue_is_broken(queue);
}

static int add(struct balloon *b, enum balloon_queue which, void *data, size_t size)
{
	const struct virtio_segment segment = {virt_to_phys(data), (u32)size};
	unsigned long flags = spin_lock_irqsave(&b->queue_lock);
	int error = virtio_queue_add(b->queues[which], &segment, 1, 0, data);

	if (error == 0)
		virtio_queue_kick(b->queues[which]);
	spin_unlock_irqrestore(&b->queue_lock, flags);
	return error;
}

/* Tells the host of the first `count` numbers, and waits until it has read them. */
static int tell_locked(struct balloon *b, enum balloon_queue which, u32 count)
{
	int error = add(b, which, b->numbers, count * sizeof(b->numbers[0]));

	if (error == 0)
		wait_event(&b->wake, take_used(b, which));
	return error;
}

static void tell_size_locked(struct balloon *b)
{
	virtio_config_write(b->device, CONFIG_ACTUAL, &b->pages, sizeof(b->pages));
}

/* How many frames the balloon may take now. */
static size_t may_take(size_t wanted)
{
	size_t free = frame_get_free_memory() / PAGE_SIZE;
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	return free > marks.high ? MIN(wanted, free - marks.high) : 0;
}

/* Takes up to BATCH frames of `wanted`; how many. */
static u32 inflate_locked(struct balloon *b, u32 wanted)
{
	u32 got =
		(u32)frame_alloc_batch(FRAME_BALLOON, b->frames, may_take(MIN(wanted, (u32)BATCH)));

	for (u32 i = 0; i < got; i++)
		b->numbers[i] = (u32)(b->frames[i] >> PAGE_SHIFT);
	if (got == 0)
		return 0;
	if (tell_locked(b, INFLATE, got) != 0) {
		frame_free_batch(b->frames, got);
		return 0;
	}
	frame_note_ballooned(b->frames, got, true);
	for (u32 i = 0; i < got; i++) {
		frame_of(b->frames[i])->owner = b->first;
		b->first = b->numbers[i];
	}
	b->pages += got;
	tell_size_locked(b);
	return got;
}

/* Frees up to BATCH frames of `wanted`; how many. */
static u32 deflate_locked(struct balloon *b, u32 wanted)
{
	u32 count = MIN(MIN(wanted, (u32)BATCH), b->pages);

	for (u32 i = 0; i < count; i++) {
		b->numbers[i] = (u32)b->first;
		b->frames[i] = b->first << PAGE_SHIFT;
		b->first = frame_of(b->frames[i])->owner;
	}
	if (count == 0)
		return 0;
	if (tell_locked(b, DEFLATE, count) != 0)
		log_warn("balloon: the host cannot be told; pages are used again all the same");
	frame_note_ballooned(b->frames, count, false);
	frame_free_batch(b->frames, count);
	b->pages -= count;
	tell_size_locked(b);
	return count;
}

/* mm's last resort: see frame_set_relief. */
static size_t relieve(void)
{
	struct balloon *b = balloon;
	size_t freed = 0;
	u32 some;

	mutex_lock(&b->lock);
	do {
		some = deflate_locked(b, BATCH);
		freed += some;
	} while (some != 0 && freed < RELIEF);
	mutex_unlock(&b->lock);
	return freed;
}

/* One step towards what the host wants; false when there, or when nothing can be done now. */
static bool adjust(struct balloon *b, bool *stuck)
{
	u32 wanted = virtio_config_u32(b->device, CONFIG_WANTED), moved = 0;

	mutex_lock(&b->lock);
	if (wanted > b->pages)
		moved = inflate_locked(b, wanted - b->pages);
	else if (wanted < b->pages)
		moved = deflate_locked(b, b->pages - wanted);
	*stuck = b->pages != wanted && moved == 0;
	mutex_unlock(&b->lock);
	return moved != 0;
}

/* --- Statistics --- */

static void tell_statistics(struct balloon *b)
{
	meminfo_t info;
	vmm_stats_t faults;

	get_meminfo(&info);
	vmm_get_stats(&faults);
	const struct balloon_statistic now[STATS_TOLD] = {
		{STAT_MAJOR_FAULTS, faults.major_faults},
		{STAT_MINOR_FAULTS, faults.minor_faults},
		{STAT_FREE, info.free},
		{STAT_TOTAL, info.total},
		{STAT_AVAILABLE, info.free + info.cache - MIN(info.cache, info.shared)},
		{STAT_CACHES, info.cache},
	};
	for (u32 i = 0; i < STATS_TOLD; i++)
		b->statistics[i] = now[i];
	if (add(b, STATS, b->statistics, sizeof(b->statistics)) != 0)
		log_warn("balloon: no statistics for the host");
}

/* --- The thread --- */

static bool has_work(struct balloon *b)
{
	return __atomic_load_n(&b->config_changed, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&b->queue_used, __ATOMIC_ACQUIRE);
}

static void run(void *argument)
{
	struct balloon *b = argument;
	bool stuck;

	if (b->queues[STATS] != NULL)
		tell_statistics(b);
	while (!virtio_is_broken(b->device)) {
		__atomic_store_n(&b->config_changed, false, __ATOMIC_SEQ_CST);
		while (adjust(b, &stuck))
			;
		__atomic_store_n(&b->queue_used, false, __ATOMIC_SEQ_CST);
		/* The host gives the statistics' buffer back when it wants news. */
		if (b->queues[STATS] != NULL && take_used(b, STATS))
			tell_statistics(b);
		(void)wait_event_timeout(&b->wake, has_work(b),
					 stuck ? clock_monotonic() + RETRY : NO_DEADLINE,
					 WAIT_UNINTERRUPTIBLE);
	}
	log_warn("balloon: the device has failed");
}

static int find_queues(struct balloon *b)
{
	u32 count = virtio_has(b->device, STATISTICS) ? QUEUES : STATS;

	for (u32 i = 0; i < count; i++) {
		struct virtio_queue *queue =
			virtio_queue_create(b->device, i, QUEUE_LENGTH, queue_used, 0);
		if (IS_ERR(queue))
			return (int)PTR_ERR(queue);
		virtio_queue_set_data(queue, b);
		b->queues[i] = queue;
	}
	return 0;
}

static int probe(struct virtio_device *device)
{
	struct task *thread;
	int error;

	if (balloon != NULL)
		return -EBUSY;
	struct balloon *b = kzalloc(sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	b->device = device;
	wait_queue_init(&b->wake);
	mutex_init(&b->lock);
	device->driver_data = b;
	device->config_changed = config_changed;
	error = find_queues(b);
	if (error != 0)
		goto fail;
	virtio_start(device);
	thread = kernel_thread_create(run, b, "balloon");
	error = IS_ERR(thread) ? (int)PTR_ERR(thread) : 0;
	if (error != 0)
		goto stop;
	task_put(thread);
	balloon = b;
	if (virtio_has(device, DEFLATE_ON_OOM))
		frame_set_relief(relieve);
	return 0;
stop:
	virtio_stop(device);
fail:
	device->config_changed = NULL;
	kfree(b);
	return error;
}

static struct virtio_driver driver = {
	.name = "balloon",
	.type = VIRTIO_BALLOON,
	.features = BIT(TELL_FIRST) | BIT(STATISTICS) | BIT(DEFLATE_ON_OOM),
	.probe = probe,
};

void balloon_init(void)
{
	virtio_driver_register(&driver);
}
