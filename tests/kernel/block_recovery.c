/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real drivers whose disks are reset while they work: every request still ends, and well.  On each
 * disk of the machine that is there, whose contents do not matter.
 */
#include "tests/kernel/ktest.h"

#include "arch/clock.h"
#include "arch/mmu.h"
#include "fs/block/block_device.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/sched.h"

enum { READERS = 4, RESETS = 10 };

static struct block_device *device;
static bool stop;     /* atomic */
static u32 running;   /* atomic: readers */
static u64 completed; /* atomic: transfers */

static void reader(void *argument)
{
	u64 sector = (u64)(uintptr_t)argument * 64;
	phys_t frames[4];

	KEXPECT(frame_alloc_batch(FRAME_KERNEL, frames, 4) == 4);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		enum block_op op = sector % 64 < 32 ? BLOCK_READ : BLOCK_WRITE;

		KEXPECT(block_transfer(device, op, sector % 4096 & ~7ul, frames, 4, 0) == 0);
		if (sector % 5 == 0)
			KEXPECT(block_flush(device) == 0);
		sector += 24;
		__atomic_fetch_add(&completed, 1, __ATOMIC_RELAXED);
	}
	frame_free_batch(frames, 4);
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
}

/* As the block layer's thread does it. */
static void reset(void)
{
	struct block_disk *disk = device->disk;

	disk->ops->recover(disk);
	for (u32 i = 0; i < disk->queue_count; i++) {
		unsigned long flags = spin_lock_irqsave(&disk->queues[i].lock);

		block_queue_run(&disk->queues[i]);
		spin_unlock_irqrestore(&disk->queues[i].lock, flags);
		block_queue_deliver(&disk->queues[i]);
	}
}

static void reset_under_load(const char *name)
{
	nsec_t limit = clock_monotonic() + 60 * NSEC_PER_SEC;

	device = block_find_name(name);
	if (device == NULL)
		KSKIP("the machine has no such disk");
	stop = false;
	completed = 0;
	running = READERS;
	for (uintptr_t i = 0; i < READERS; i++) {
		struct task *thread = kernel_thread_create(reader, (void *)i, "reader");

		KREQUIRE(!IS_ERR(thread));
		task_put(thread);
	}
	for (u32 i = 0; i < RESETS; i++) {
		u64 before = __atomic_load_n(&completed, __ATOMIC_RELAXED);

		while (__atomic_load_n(&completed, __ATOMIC_RELAXED) < before + 20 &&
		       clock_monotonic() < limit)
			task_sleep(NSEC_PER_MSEC);
		reset();
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) > 0 && clock_monotonic() < limit)
		task_sleep(NSEC_PER_MSEC);
	KEXPECT(__atomic_load_n(&running, __ATOMIC_ACQUIRE) == 0);
	block_put(device);
}

KTEST(block_resets_of_a_virtio_disk_lose_no_request)
{
	reset_under_load("vda");
}

KTEST(block_resets_of_an_nvme_disk_lose_no_request)
{
	reset_under_load("nvme0n1");
}

KTEST(block_resets_of_an_ata_disk_lose_no_request)
{
	reset_under_load("sda");
}
