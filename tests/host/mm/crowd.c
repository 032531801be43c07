/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thousand processes that share one leaf, and reclaim: each page leaves by one write to one
 * entry, for all of them; each finds its own bytes afterwards; and in the end nothing is left in
 * swap.
 */
#include "tests/host/mm/support.h"

#include <stdlib.h>

#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/swap.h"
#include "mm/tree_check.h"

enum { PROCESSES = 1000, PAGES = 200, STEPS = 3000 };

static struct address_space *children[PROCESSES], *parent;
static int written[PROCESSES][2]; /* page and value of the last write of a child; page -1: none */
static vaddr_t memory;
static size_t tables; /* that there were before */
static u64 random_state = 7;

static u32 draw(u32 limit)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (u32)(random_state >> 33) % limit;
}

static vaddr_t page_at(int page)
{
	return memory + (vaddr_t)page * PAGE_SIZE;
}

static struct swap_stats stats(void)
{
	struct swap_stats now;

	swap_get_stats(&now);
	return now;
}

static u8 original(int page)
{
	return (u8)(page % 200 + 1);
}

static size_t evict(struct address_space *space, enum reclaim_how how)
{
	vaddr_t at = memory;

	rwlock_read_lock(&space->map_lock);
	size_t gone = reclaim_region(space, region_find(space, memory), &at, page_at(PAGES), how,
				     UINTPTR_MAX);
	rwlock_read_unlock(&space->map_lock);
	return gone;
}

static void make_crowd(void)
{
	tables = frame_count_kind(FRAME_TABLE);
	parent = test_space();
	memory = test_map(parent, PAGES * PAGE_SIZE);
	for (int page = 0; page < PAGES; page++)
		assert_writes(page_at(page), original(page));
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = vmm_copy_address_space(parent);
		assert_non_null(children[i]);
		written[i][0] = -1;
	}
}

static void assert_sees_its_own(int child)
{
	for (int page = 0; page < PAGES; page++)
		assert_reads(page_at(page),
			     page == written[child][0] ? written[child][1] : original(page));
}

static void end_crowd(void)
{
	vmm_switch_address_space(parent);
	for (int i = 0; i < PROCESSES; i++)
		vmm_put_address_space(children[i]);
	for (int page = 0; page < PAGES; page++)
		assert_reads(page_at(page), original(page));
	test_space_end(parent);
	assert_int_equal(stats().slots, 0);
	assert_int_equal(stats().cached, 0);
	assert_int_equal(frame_count_kind(FRAME_USER), 0);
	assert_int_equal(frame_count_kind(FRAME_TABLE), tables);
}

static void one_entry_is_written_for_a_page_of_all(void **state __unused)
{
	make_crowd();
	for (int i = 0; i < 4; i++) {
		machine_use_cpu((u32)i);
		vmm_switch_address_space(children[i * 300]);
		assert_sees_its_own(i * 300);
	}
	u64 before = machine_entry_writes;
	assert_int_equal(evict(parent, RECLAIM_ALL), PAGES);
	assert_int_equal(machine_entry_writes - before, PAGES);
	machine_check_tlbs();
	assert_int_equal(stats().slots, PAGES);
	tree_check(parent->family, true);
	/* One of them brings the pages back, for all. */
	machine_use_cpu(1);
	assert_sees_its_own(300);
	assert_int_equal(stats().slots, 0);
	before = machine_entry_writes;
	machine_use_cpu(3);
	assert_sees_its_own(900);
	assert_int_equal(machine_entry_writes, before);
	for (int i = 0; i < 4; i++) {
		machine_use_cpu((u32)i);
		vmm_switch_address_space(NULL);
	}
	machine_use_cpu(0);
	vmm_switch_address_space(parent);
	end_crowd();
}

/* Some write, and so have a leaf of their own; all lose pages at any time. */
static void a_storm_of_reclaim_changes_no_byte(void **state __unused)
{
	make_crowd();
	for (int step = 0; step < STEPS; step++) {
		int child = (int)draw(PROCESSES), page = (int)draw(PAGES);
		machine_use_cpu(draw(MACHINE_CPUS));
		vmm_switch_address_space(children[child]);
		if (draw(10) == 0)
			evict(children[child], draw(2) ? RECLAIM_UNSHARE : RECLAIM_ALL);
		else if (draw(10) == 0)
			(void)!reclaim_run(PAGES);
		else if (written[child][0] == -1) {
			written[child][0] = page;
			written[child][1] = 201 + (int)draw(50);
			assert_writes(page_at(page), written[child][1]);
		} else if (draw(8) == 0) {
			assert_sees_its_own(child);
		}
		if (step % 500 == 0)
			tree_check(parent->family, true);
	}
	machine_check_tlbs();
	tree_check(parent->family, true);
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		vmm_switch_address_space(NULL);
	}
	machine_use_cpu(0);
	vmm_switch_address_space(children[1]);
	assert_sees_its_own(1);
	end_crowd();
}

static int start(void **state __unused)
{
	machine_start(128 * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_entry_is_written_for_a_page_of_all),
		cmocka_unit_test(a_storm_of_reclaim_changes_no_byte),
	};

	return cmocka_run_group_tests_name("mm crowd", tests, start, NULL);
}
