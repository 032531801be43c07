/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory devices of virtio (Virtual I/O Device specification 1.2, 5.15): memory in blocks that the
 * host lets the machine plug in and wants unplugged again, while it runs.
 *
 * The device has a region of addresses, and says how much of it should be plugged.  A thread asks
 * for one unit after the other, from below, and gives each to the frame allocator; when it should
 * be less, it takes units that are free from the allocator, from above, and unplugs them; then it
 * moves what programs have in those that are too many.  What cannot be moved stays, and is tried
 * again later.  A unit is one block of the device, or as many as make
 * 2 MiB.
 *
 * Everything but the flags that interrupts set belongs to the thread alone.
 */
#include "arch/clock.h"
#include "drivers/bus/virtio.h"
#include "drivers/memory/memory.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/sync.h"
#include "mm/compact.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"
#include "proc/sched.h"
#include "proc/task.h"

enum { NODES_GIVEN = 0, UNPLUGGED_INACCESSIBLE = 1 }; /* features */
enum {
	CONFIG_BLOCK_SIZE = 0,
	CONFIG_ADDRESS = 16,
	CONFIG_SIZE = 24,
	CONFIG_USABLE = 32,
	CONFIG_PLUGGED = 40,
	CONFIG_WANTED = 48
};
enum request_type { PLUG = 0, UNPLUG = 1, UNPLUG_ALL = 2 };
enum { ANSWER_ACK = 0, QUEUE_LENGTH = 4 };
enum { TRIES = 2 }; /* to vacate memory that is to be unplugged */
#define SMALLEST_UNIT (2 * MIB)
#define RETRY         (2 * NSEC_PER_SEC)

struct request {
	u16 type, padding[3];
	u64 address;
	u16 blocks, padding2[3];
};

struct answer {
	u16 type, padding[3];
	u16 state;
};

struct memory_device {
	struct virtio_device *device;
	struct virtio_queue *queue;
	spinlock_t queue_lock; /* interrupts off: the queue */
	wait_queue_t wake;
	bool config_changed; /* atomic; set by an interrupt */
	phys_t start;
	size_t unit; /* bytes */
	u16 blocks;  /* of the device in a unit */
	size_t units, plugged;
	u64 *map; /* bit n: unit n is plugged in */
	struct request request;
	struct answer answer;
};

static void queue_used(struct virtio_queue *queue)
{
	struct memory_device *m = virtio_queue_data(queue);

	wake_up_all(&m->wake);
}

static void config_changed(struct virtio_device *device)
{
	struct memory_device *m = device->driver_data;

	__atomic_store_n(&m->config_changed, true, __ATOMIC_RELEASE);
	wake_up_all(&m->wake);
}

static bool answered(struct memory_device *m)
{
	unsigned long flags = spin_lock_irqsave(&m->queue_lock);
	u32 written;
	void *token;

	do
		token = virtio_queue_take(m->queue, &written);
	while (token == NULL && !virtio_queue_rearm(m->queue));
	spin_unlock_irqrestore(&m->queue_lock, flags);
	return token != NULL || virtio_queue_is_broken(m->queue);
}

/* 0, or an error: the device did not want to, or is broken. */
static int ask(struct memory_device *m, enum request_type type, size_t unit)
{
	const struct virtio_segment segments[] = {
		{virt_to_phys(&m->request), sizeof(m->request)},
		{virt_to_phys(&m->answer), sizeof(m->answer)},
	};

	m->request = (struct request){
		.type = (u16)type, .address = m->start + unit * m->unit, .blocks = m->blocks};
	m->answer = (struct answer){.type = UINT16_MAX};
	unsigned long flags = spin_lock_irqsave(&m->queue_lock);
	int error = virtio_queue_add(m->queue, segments, 1, 1, m);
	if (error == 0)
		virtio_queue_kick(m->queue);
	spin_unlock_irqrestore(&m->queue_lock, flags);
	if (error != 0)
		return error;
	wait_event(&m->wake, answered(m));
	return READ_ONCE(m->answer.type) == ANSWER_ACK ? 0 : -EBUSY;
}

static bool plug(struct memory_device *m, size_t unit)
{
	int error = ask(m, PLUG, unit);

	if (error != 0)
		return false;
	error = frame_add_memory(m->start + unit * m->unit, m->unit);
	if (error != 0) {
		log_warn("%s: no use for memory at %lx: error %d", m->device->name,
			 (unsigned long)(m->start + unit * m->unit), -error);
		if (ask(m, UNPLUG, unit) != 0)
			log_warn("%s: it stays plugged in", m->device->name);
		return false;
	}
	bitmap_set(m->map, unit);
	m->plugged++;
	return true;
}

static bool unplug(struct memory_device *m, size_t unit)
{
	if (frame_remove_memory(m->start + unit * m->unit, m->unit) != 0)
		return false;
	if (ask(m, UNPLUG, unit) != 0) {
		/* The host changed its mind; the memory still is ours. */
		if (frame_add_memory(m->start + unit * m->unit, m->unit) != 0)
			log_warn("%s: memory is lost", m->device->name);
		return false;
	}
	bitmap_clear(m->map, unit);
	m->plugged--;
	return true;
}

/* Units all of whose frames are free, from the last one on. */
static void unplug_free(struct memory_device *m, size_t wanted)
{
	for (size_t unit = m->units; unit-- > 0 && m->plugged > wanted;)
		if (bitmap_test(m->map, unit))
			(void)unplug(m, unit);
}

/* Moves what programs have in units that are too many, the last ones, or in all, and unplugs. */
static void vacate(struct memory_device *m, size_t wanted, bool all)
{
	phys_t end = m->start + m->units * m->unit;
	size_t first = m->units;

	for (size_t left = m->plugged - wanted; first > 0 && left > 0;)
		left -= bitmap_test(m->map, --first);
	phys_t start = m->start + (all ? 0 : first) * m->unit;
	compact_vacate(start, end);
	unplug_free(m, wanted);
	compact_vacate_end(start, end);
}

/* Does what the host wants as far as it goes; false when something is left. */
static bool adjust(struct memory_device *m)
{
	size_t wanted = virtio_config_u64(m->device, CONFIG_WANTED) / m->unit;
	size_t usable = MIN(virtio_config_u64(m->device, CONFIG_USABLE) / m->unit, m->units);
	size_t before = m->plugged;

	for (size_t unit = 0; unit < usable && m->plugged < wanted; unit++)
		if (!bitmap_test(m->map, unit) && !plug(m, unit))
			break;
	/* Empty slabs would hold on to what is free otherwise. */
	if (m->plugged > wanted)
		(void)slab_shrink_caches();
	unplug_free(m, wanted);
	for (u32 i = 1; i <= TRIES && m->plugged > wanted; i++)
		vacate(m, wanted, i == TRIES);
	if (m->plugged != before)
		log_info("%s: %zu MiB of memory plugged in", m->device->name,
			 m->plugged * m->unit / MIB);
	return m->plugged == MIN(wanted, usable);
}

static void run(void *argument)
{
	struct memory_device *m = argument;

	/* Whoever ran on this machine before may have left something. */
	if (virtio_config_u64(m->device, CONFIG_PLUGGED) != 0 && ask(m, UNPLUG_ALL, 0) != 0) {
		log_warn("%s: memory of before cannot be unplugged", m->device->name);
		return;
	}
	while (!virtio_is_broken(m->device)) {
		__atomic_store_n(&m->config_changed, false, __ATOMIC_SEQ_CST);
		bool done = adjust(m);
		(void)wait_event_timeout(
			&m->wake, __atomic_load_n(&m->config_changed, __ATOMIC_ACQUIRE),
			done ? NO_DEADLINE : clock_monotonic() + RETRY, WAIT_UNINTERRUPTIBLE);
	}
	log_warn("%s: the memory device has failed", m->device->name);
}

static int read_layout(struct memory_device *m)
{
	u64 block = virtio_config_u64(m->device, CONFIG_BLOCK_SIZE);
	phys_t end, limit = (phys_t)frame_limit() << PAGE_SHIFT;

	m->start = virtio_config_u64(m->device, CONFIG_ADDRESS);
	u64 size = virtio_config_u64(m->device, CONFIG_SIZE);
	if (block < PAGE_SIZE || block > GIB || (block & (block - 1)) != 0 ||
	    __builtin_add_overflow(m->start, size, &end))
		return -EINVAL;
	m->unit = MAX(block, SMALLEST_UNIT);
	m->blocks = (u16)(m->unit / block);
	if (!IS_ALIGNED(m->start, m->unit))
		return -EINVAL;
	/* Only where there are descriptors. */
	end = MIN(end, limit);
	m->units = end > m->start ? (end - m->start) / m->unit : 0;
	return m->units != 0 ? 0 : -ERANGE;
}

static int probe(struct virtio_device *device)
{
	struct memory_device *m = kzalloc(sizeof(*m));
	struct task *thread;
	int error;

	if (m == NULL)
		return -ENOMEM;
	m->device = device;
	wait_queue_init(&m->wake);
	device->driver_data = m;
	device->config_changed = config_changed;
	error = read_layout(m);
	if (error != 0)
		goto fail;
	error = -ENOMEM;
	m->map = kcalloc(BITMAP_WORDS(m->units), sizeof(m->map[0]));
	if (m->map == NULL)
		goto fail;
	m->queue = virtio_queue_create(device, 0, QUEUE_LENGTH, queue_used, 0);
	error = IS_ERR(m->queue) ? (int)PTR_ERR(m->queue) : 0;
	if (error != 0)
		goto fail;
	virtio_queue_set_data(m->queue, m);
	virtio_start(device);
	thread = kernel_thread_create(run, m, "virtio_mem");
	error = IS_ERR(thread) ? (int)PTR_ERR(thread) : 0;
	if (error != 0)
		goto stop;
	task_put(thread);
	return 0;
stop:
	virtio_stop(device);
fail:
	device->config_changed = NULL;
	kfree(m->map);
	kfree(m);
	return error;
}

static struct virtio_driver driver = {
	.name = "virtio_mem",
	.type = VIRTIO_MEMORY,
	.features = BIT(NODES_GIVEN) | BIT(UNPLUGGED_INACCESSIBLE),
	.probe = probe,
};

void virtio_mem_init(void)
{
	virtio_driver_register(&driver);
}
