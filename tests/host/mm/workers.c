/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads that take pages and bring free memory together: when they work, for whom, and when
 * they rest.  One host thread plays all: while a thread waits, the test's `others` run.
 */
#include "tests/host/mm/support.h"

#include "mm/compact.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/swap.h"

enum { PAGES = 512, MEMORY = 16 * MIB, GROUP = 512 };

static phys_t taken[MEMORY / PAGE_SIZE];
static size_t taken_count;

static u64 rounds(void)
{
	struct reclaim_stats stats;

	reclaim_get_stats(&stats);
	return stats.rounds;
}

static size_t free_pages(void)
{
	return frame_get_free_memory() / PAGE_SIZE;
}

static void take_until(size_t left)
{
	while (free_pages() > left && taken_count < ARRAY_SIZE(taken)) {
		phys_t frame = frame_alloc();
		if (frame == 0)
			break;
		taken[taken_count++] = frame;
	}
}

static void give_all_back(void)
{
	frame_free_batch(taken, taken_count);
	taken_count = 0;
}

static vaddr_t written(struct address_space *space, u32 pages)
{
	vaddr_t memory = test_map(space, pages * PAGE_SIZE);

	for (u32 i = 0; i < pages; i++)
		assert_writes(memory + i * PAGE_SIZE + 9, (u8)(i * 7));
	return memory;
}

static void check(vaddr_t memory, u32 pages)
{
	for (u32 i = 0; i < pages; i++)
		assert_reads(memory + i * PAGE_SIZE + 9, (u8)(i * 7));
}

/* --- Reclaim --- */

/* Somebody has no memory, and waits for the thread, which sleeps just now. */
static int depth;
static bool found;
static u64 rounds_while_waiting;

static void work_for_who_waits(void)
{
	u64 before = rounds();

	reclaim_work(0);
	rounds_while_waiting += rounds() - before;
}

static void somebody_waits(void)
{
	if (depth++ != 0) {
		work_for_who_waits();
		return;
	}
	found = reclaim_wait();
	/* The thread sleeps on, until memory is low. */
	machine_sleeper = NULL;
	struct frame_watermarks marks;
	frame_get_watermarks(&marks);
	take_until(marks.low - marks.low / 8);
}

static void thread_works_when_memory_is_low_and_for_who_waits(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = written(space, PAGES);
	struct frame_watermarks marks;
	struct reclaim_stats before, after;

	frame_get_watermarks(&marks);
	reclaim_get_stats(&before);
	depth = 0;
	machine_sleeper = somebody_waits;
	reclaim_work(0);
	reclaim_get_stats(&after);
	assert_true(found);
	assert_true(rounds_while_waiting > 0);
	assert_true(after.waits > before.waits);
	assert_true(after.rounds - before.rounds > rounds_while_waiting);
	assert_true(free_pages() >= marks.high);
	give_all_back();
	check(memory, PAGES);
	test_space_end(space);
}

/* Nothing can be taken: the thread gives up, and is not woken again by each allocation. */
static void thread_rests_after_a_vain_round(void **state __unused)
{
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	take_until(marks.low / 2);
	u64 before = rounds();
	reclaim_work(0);
	u64 vain = rounds() - before;
	assert_true(vain > 0);
	phys_t one = frame_alloc();
	assert_int_not_equal(one, 0);
	frame_free(one);
	give_all_back();
	slab_shrink_caches();
}

/* --- Compaction --- */

static struct compact_stats compaction(void)
{
	struct compact_stats stats;

	compact_get_stats(&stats);
	return stats;
}

/* Of all memory but a little, one page in eight stays. */
static vaddr_t scattered(struct address_space *space, u32 *pages)
{
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	*pages = (u32)ALIGN_DOWN(free_pages() - marks.high - 128, (size_t)GROUP);
	vaddr_t memory = written(space, *pages);
	for (u32 i = 0; i < *pages; i += 8)
		assert_int_equal(vmm_madvise(space, memory + (i + 1) * PAGE_SIZE, 7 * PAGE_SIZE,
					     MADV_DONTNEED),
				 0);
	frame_drain_all();
	return memory;
}

static void check_scattered(vaddr_t memory, u32 pages)
{
	for (u32 i = 0; i < pages; i += 8)
		assert_reads(memory + i * PAGE_SIZE + 9, (u8)(i * 7));
}

static void thread_brings_memory_together_unasked(void **state __unused)
{
	struct address_space *space = test_space();
	u32 pages;
	vaddr_t memory = scattered(space, &pages);
	struct compact_stats before = compaction();

	/* Nobody else does anything: its time is up, and it looks. */
	compact_settings.proactiveness = 0;
	compact_work();
	assert_int_equal(compaction().freed, before.freed);
	compact_settings.proactiveness = 100;
	compact_work();
	assert_true(compaction().freed > before.freed);
	assert_int_equal(compaction().wakes, before.wakes);
	compact_settings.proactiveness = 20;
	check_scattered(memory, pages);
	test_space_end(space);
}

static void wish(void)
{
	compact_wish(FRAME_GROUP_ORDER);
}

static void thread_makes_blocks_that_were_missing(void **state __unused)
{
	struct address_space *space = test_space();
	u32 pages;
	vaddr_t memory = scattered(space, &pages);
	struct compact_stats before = compaction();

	machine_sleeper = wish;
	compact_work();
	machine_sleeper = NULL;
	assert_int_equal(compaction().wakes, before.wakes + 1);
	assert_true(compaction().freed > before.freed);
	check_scattered(memory, pages);
	test_space_end(space);
}

/* A wish that cannot be granted is heard less and less often. */
static void wishes_in_vain_are_heard_less_often(void **state __unused)
{
	struct frame_watermarks marks;
	u64 before = compaction().wakes, heard = 0;

	frame_get_watermarks(&marks);
	take_until(marks.low);
	for (int i = 0; i < 40; i++) {
		compact_wish(FRAME_GROUP_ORDER);
		/* Who is not wished for waits until his time is up. */
		compact_settings.proactiveness = 0;
		compact_work();
		heard = compaction().wakes - before;
	}
	assert_true(heard > 1 && heard < 20);
	compact_settings.proactiveness = 20;
	give_all_back();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_works_when_memory_is_low_and_for_who_waits),
		cmocka_unit_test(thread_rests_after_a_vain_round),
		cmocka_unit_test(thread_brings_memory_together_unasked),
		cmocka_unit_test(thread_makes_blocks_that_were_missing),
		cmocka_unit_test(wishes_in_vain_are_heard_less_often),
	};

	machine_start(MEMORY);
	return cmocka_run_group_tests_name("mm workers", tests, NULL, NULL);
}
