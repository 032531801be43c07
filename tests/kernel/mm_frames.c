/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames in the booted kernel, taken and given back by several threads at once. */
#include "lib/errno.h"
#include "mm/frame.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

enum { WORKERS = 4, ROUNDS = 400, FRAMES = 100, HUGE_ORDER = 9 };

static u32 finished; /* atomic: workers that are done */

static void mark(phys_t frame, u64 value)
{
	*(volatile u64 *)phys_to_virt(frame) = value;
}

static bool is_marked(phys_t frame, u64 value)
{
	return *(volatile u64 *)phys_to_virt(frame) == value;
}

/* Batches that come back as runs and one by one, blocks of 2 MiB, and what CPUs keep taken from
 * them meanwhile. */
static void frame_worker(void *argument)
{
	u64 name = (uintptr_t)argument;
	phys_t frames[FRAMES];

	for (u32 round = 0; round < ROUNDS; round++) {
		size_t got = frame_alloc_batch(FRAME_KERNEL, frames, FRAMES - round % 50);
		phys_t block = frames_alloc(HUGE_ORDER);
		for (size_t i = 0; i < got; i++)
			mark(frames[i], name << 32 | i);
		if (block != 0)
			mark(block + MIB, name);
		if (round % 16 == 0)
			task_yield();
		for (size_t i = 0; i < got; i++)
			if (!is_marked(frames[i], name << 32 | i))
				KEXPECT(!"a frame has two owners");
		KEXPECT(block == 0 || is_marked(block + MIB, name));
		if (round % 3 == 0)
			for (size_t i = 0; i < got; i++)
				frame_free(frames[i]);
		else
			frame_free_batch(frames, got);
		if (block != 0)
			frames_free(block, HUGE_ORDER);
		if (round % 32 == name)
			frame_drain();
	}
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
	task_exit(0);
}

KTEST(mm_frames_of_several_threads_are_apart_and_come_back)
{
	size_t before = frame_count_kind(FRAME_KERNEL);

	finished = 0;
	for (uintptr_t i = 1; i <= WORKERS; i++) {
		struct task *worker = kernel_thread_create(frame_worker, (void *)i, "frame_worker");
		KREQUIRE(!IS_ERR(worker));
		task_put(worker);
	}
	while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < WORKERS)
		task_sleep(NSEC_PER_MSEC);
	/* Stacks of the workers may still be about. */
	KEXPECT(frame_count_kind(FRAME_KERNEL) < before + 100);
}

KTEST(mm_frames_of_a_zone_are_free_in_blocks_that_its_lists_count)
{
	struct frame_zone_info zone;
	size_t managed = 0;

	for (u32 i = 0; frame_zone_info(i, &zone); i++) {
		size_t in_blocks = 0;
		for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
			in_blocks += zone.counts[order] << order;
		KEXPECT(in_blocks == zone.free);
		KEXPECT(zone.free <= zone.managed && zone.managed <= zone.present);
		managed += zone.managed;
	}
	KEXPECT(managed * PAGE_SIZE <= frame_get_total_memory());
}

KTEST(mm_frames_can_be_removed_and_added_while_others_are_used)
{
	phys_t block = frames_alloc(FRAME_MAX_ORDER);
	size_t total = frame_get_total_memory();

	KREQUIRE(block != 0);
	KEXPECT(frame_remove_memory(block, 2 * MIB) == -EBUSY);
	frames_free(block, FRAME_MAX_ORDER);
	int error = frame_remove_memory(block + 4 * MIB, 2 * MIB);
	/* Somebody may have taken it meanwhile. */
	KREQUIRE(error == 0 || error == -EBUSY);
	if (error == 0) {
		KEXPECT(frame_get_total_memory() == total - 2 * MIB);
		KEXPECT(frame_add_memory(block + 4 * MIB, 2 * MIB) == 0);
	}
	KEXPECT(frame_get_total_memory() == total);
}
