/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages, while several CPUs write to them, split them, make them whole again, fork and
 * reclaim: as races.c, many orders of events each.  ROUNDS=n sets how many, SEED=n the first.
 */
#include "tests/host/mm/race.h"

#include "mm/collapse.h"
#include "mm/compact.h"
#include "mm/huge.h"
#include "mm/inspect.h"
#include "mm/reclaim.h"
#include "mm/region.h"

enum { TURNS = 6, PAUSED = 200, DROPPED = 300 };
static const vaddr_t HUGE_BASE = (vaddr_t)1 << 32;
static const int watched[] = {0, 5, 100, 511};

static vaddr_t huge_page_at(int page)
{
	return HUGE_BASE + (vaddr_t)page * PAGE_SIZE;
}

/* The races before this one have left memory in pieces. */
static void make_room(void)
{
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		frame_drain();
	}
	machine_use_cpu(0);
	for (int block = 0; block < 4; block++)
		(void)!compact_for(HUGE_ORDER);
}

/* Two huge pages; bytes of some pages are 1. */
static void make_huge_parent(void)
{
	make_room();
	parent = vmm_create_address_space();
	assert_non_null(parent);
	run_in(parent);
	assert_int_equal(vmm_mmap(parent, HUGE_BASE, 2 * HUGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
			 HUGE_BASE);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		for (int byte = 0; byte < 3; byte++)
			assert_writes(huge_page_at(watched[i]) + byte, 1);
	assert_writes(HUGE_BASE + HUGE_SIZE, 1);
	assert_int_equal(huge_pages_mapped(), 2);
	run_in(NULL);
}

/* A space's thread counts in a byte of its own, and loses nothing. */
struct counter {
	struct address_space **space;
	int byte;
};

static void count(void *argument)
{
	const struct counter *counter = argument;

	run_in(*counter->space);
	for (u8 n = 2; n < 2 + TURNS; n++) {
		for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
			vaddr_t address = huge_page_at(watched[i]) + (vaddr_t)counter->byte;
			assert_reads(address, n - 1);
			assert_writes(address, n);
		}
	}
}

static void split_and_collapse(void *argument)
{
	struct address_space *space = *(struct address_space **)argument;

	run_in(space);
	for (int turn = 0; turn < 3; turn++) {
		assert_int_equal(vmm_mprotect(space, huge_page_at(PAUSED), PAGE_SIZE, PROT_READ),
				 0);
		assert_int_equal(vmm_mprotect(space, huge_page_at(PAUSED), PAGE_SIZE, RW), 0);
		(void)!vmm_madvise(space, HUGE_BASE, HUGE_SIZE, MADV_COLLAPSE);
	}
}

static void take_pages(void *argument)
{
	struct address_space *space = *(struct address_space **)argument;

	for (int turn = 0; turn < 3; turn++) {
		vaddr_t at = HUGE_BASE;
		rwlock_read_lock(&space->map_lock);
		(void)reclaim_region(space, region_find(space, HUGE_BASE), &at, huge_page_at(8),
				     turn == 0 ? RECLAIM_UNUSED : RECLAIM_UNSHARE, UINTPTR_MAX);
		rwlock_read_unlock(&space->map_lock);
	}
}

static void check_counts(struct address_space *space, int counted)
{
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		for (int byte = 0; byte < 3; byte++)
			assert_int_equal(look(space, huge_page_at(watched[i]) + (vaddr_t)byte),
					 byte == counted ? 1 + TURNS : 1);
}

/* Parent and child have links of their own to the leaf; each writes, one splits, the other's pages
 * are reclaimed. */
static void test_13_both_sides_write_and_split(u64 seed)
{
	struct counter of_parent = {&parent, 0}, of_child = {&child, 1};
	const struct actor actors[] = {
		{count, &of_parent},
		{count, &of_child},
		{split_and_collapse, &parent},
		{take_pages, &child},
	};

	make_huge_parent();
	child = vmm_copy_address_space(parent);
	run_in(parent);
	assert_writes(HUGE_BASE + HUGE_SIZE, 2);
	run_in(NULL);
	machine_interleave(seed, actors, 4);
	check_counts(parent, 0);
	check_counts(child, 1);
	finish();
}

static void give_up_and_look(void *argument __unused)
{
	static u8 vector[PTES_PER_TABLE];
	u64 words[8];

	run_in(parent);
	for (int turn = 0; turn < 4; turn++) {
		assert_int_equal(
			vmm_madvise(parent, huge_page_at(DROPPED), 3 * PAGE_SIZE, MADV_DONTNEED),
			0);
		vmm_page_words(parent, huge_page_at(DROPPED - 4), 8, true, words);
		assert_true(words[0] & PAGEMAP_PRESENT);
		assert_int_equal(vmm_mincore(parent, HUGE_BASE, HUGE_SIZE, vector), 0);
		assert_reads(huge_page_at(DROPPED + 1), 0);
	}
}

static void collapse_in_the_background(void *argument __unused)
{
	for (int turn = 0; turn < 6; turn++)
		(void)collapse_round();
}

static void threads_share_one(u64 seed)
{
	struct counter first = {&parent, 0}, other = {&parent, 2};
	const struct actor actors[] = {
		{count, &first},
		{count, &other},
		{give_up_and_look, NULL},
		{collapse_in_the_background, NULL},
	};

	make_huge_parent();
	machine_interleave(seed, actors, 4);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		assert_int_equal(look(parent, huge_page_at(watched[i])), 1 + TURNS);
		assert_int_equal(look(parent, huge_page_at(watched[i]) + 1), 1);
		assert_int_equal(look(parent, huge_page_at(watched[i]) + 2), 1 + TURNS);
	}
	finish();
}

static void fork_and_exit(void *argument __unused)
{
	run_in(parent);
	for (int turn = 0; turn < 3; turn++) {
		struct address_space *copy = vmm_copy_address_space(parent);
		assert_non_null(copy);
		u8 before = look(copy, huge_page_at(0));
		machine_pause();
		assert_int_equal(look(copy, huge_page_at(0)), before);
		vmm_put_address_space(copy);
	}
}

/* A fault of two threads at once brings one; forks meanwhile see a state of one moment. */
static void forks_of_a_page_that_is_written(u64 seed)
{
	struct counter first = {&parent, 0}, other = {&parent, 2};
	const struct actor actors[] = {
		{count, &first},
		{count, &other},
		{fork_and_exit, NULL},
		{split_and_collapse, &parent},
	};

	make_huge_parent();
	machine_interleave(seed, actors, 4);
	assert_int_equal(look(parent, huge_page_at(511)), 1 + TURNS);
	assert_int_equal(look(parent, huge_page_at(511) + 2), 1 + TURNS);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RACE(test_13_both_sides_write_and_split),
		RACE(threads_share_one),
		RACE(forks_of_a_page_that_is_written),
	};

	races_begin();
	huge_settings.enabled = HUGE_ALWAYS;
	return cmocka_run_group_tests_name("mm races of huge pages", tests, NULL, NULL);
}
