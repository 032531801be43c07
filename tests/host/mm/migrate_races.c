/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages move while CPUs write them, their processes fork, and their files shrink: many orders of
 * events, as in races.c.  ROUNDS=n sets how many, SEED=n the first.
 */
#include "tests/host/mm/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "machine/actors.h"
#include "mm/migrate.h"
#include "mm/reclaim.h"
#include "mm/tree_check.h"

enum { PAGES = 6, WRITES = 10, MOVES = 5 };
static const vaddr_t BASE = 0x40000000 - 2 * PAGE_SIZE; /* across the boundary of a leaf */

static u64 rounds = 100, first_seed;
static struct address_space *parent, *child;
static struct test_file file;
static size_t moved;

static vaddr_t page_at(int page)
{
	return BASE + (vaddr_t)page * PAGE_SIZE;
}

static void run_in(struct address_space *space)
{
	preempt_disable();
	vmm_switch_address_space(space);
	preempt_enable();
}

static void make_parent(void)
{
	parent = vmm_create_address_space();
	assert_non_null(parent);
	vmm_switch_address_space(parent);
	assert_int_equal(vmm_mmap(parent, BASE, PAGES * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
			 BASE);
	for (int page = 0; page < PAGES; page++)
		for (int byte = 0; byte < 3; byte++)
			assert_writes(page_at(page) + byte, 1);
	vmm_switch_address_space(NULL);
	child = NULL;
}

static void finish(void)
{
	machine_check_tlbs();
	tree_check(parent->family, true);
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		vmm_switch_address_space(NULL);
	}
	machine_use_cpu(0);
	vmm_put_address_space(child);
	vmm_put_address_space(parent);
}

static bool any_frame(struct migration *migration __unused, phys_t frame __unused,
		      vaddr_t page __unused, struct frame_placement *to)
{
	*to = (struct frame_placement){.nodes = ~(u64)0, .first = FRAME_NODE_LOCAL};
	return true;
}

static void move_pages(void *argument)
{
	struct address_space *space = *(struct address_space **)argument;
	struct migration migration = {.wanted = any_frame, .shared = true};

	for (int i = 0; i < MOVES; i++)
		migrate_range(space, BASE, page_at(PAGES), &migration);
	moved += migration.moved;
}

/* Each writer has a byte of each page, and reads back what it wrote before it writes anew. */
static void count_up(void *argument)
{
	int self = (int)(intptr_t)argument;

	run_in(parent);
	for (int n = 1; n < WRITES; n++)
		for (int page = 0; page < PAGES; page++) {
			assert_reads(page_at(page) + self, (u8)n);
			assert_writes(page_at(page) + self, (u8)(n + 1));
		}
}

static void check_counts(u32 writers)
{
	run_in(parent);
	for (int page = 0; page < PAGES; page++)
		for (u32 writer = 0; writer < writers; writer++)
			assert_reads(page_at(page) + writer, WRITES);
}

static void no_write_is_lost(u64 seed)
{
	const struct actor actors[] = {{count_up, (void *)0},
				       {count_up, (void *)1},
				       {count_up, (void *)2},
				       {move_pages, &parent}};

	make_parent();
	machine_interleave(seed, actors, 4);
	check_counts(3);
	finish();
}

/* The child keeps what was there, whoever moves it, and whoever copies it. */
static void count_up_in_child(void *argument __unused)
{
	run_in(child);
	for (int page = 0; page < PAGES; page++) {
		assert_reads(page_at(page), 1);
		assert_writes(page_at(page), 99);
	}
	for (int page = 0; page < PAGES; page++) {
		assert_reads(page_at(page), 99);
		assert_reads(page_at(page) + 1, 1);
	}
}

static void sharers_stay_apart(u64 seed)
{
	const struct actor actors[] = {{count_up, (void *)0},
				       {count_up_in_child, NULL},
				       {move_pages, &parent},
				       {move_pages, &child}};

	make_parent();
	child = vmm_copy_address_space(parent);
	machine_interleave(seed, actors, 4);
	check_counts(1);
	finish();
}

static void fork_and_end(void *argument __unused)
{
	run_in(parent);
	for (int i = 0; i < 4; i++) {
		struct address_space *copy = vmm_copy_address_space(parent);
		u8 value = 0;
		assert_non_null(copy);
		assert_int_equal(vmm_access(copy, page_at(3), &value, 1, VM_READ), 1);
		assert_true(value >= 1 && value <= WRITES);
		vmm_put_address_space(copy);
	}
}

static void forks_go_on(u64 seed)
{
	const struct actor actors[] = {{count_up, (void *)0},
				       {count_up, (void *)1},
				       {fork_and_end, NULL},
				       {move_pages, &parent}};

	make_parent();
	machine_interleave(seed, actors, 4);
	check_counts(2);
	finish();
}

static void evict(void *argument __unused)
{
	for (int i = 0; i < 3; i++) {
		vaddr_t at = BASE;
		rwlock_read_lock(&parent->map_lock);
		struct region *region = region_find(parent, BASE);
		(void)reclaim_region(parent, region, &at, page_at(PAGES), RECLAIM_UNSHARE,
				     UINTPTR_MAX);
		rwlock_read_unlock(&parent->map_lock);
	}
}

static void reclaim_takes_what_moves(u64 seed)
{
	const struct actor actors[] = {
		{count_up, (void *)0}, {evict, NULL}, {move_pages, &parent}, {move_pages, &parent}};

	make_parent();
	if (seed % 2)
		child = vmm_copy_address_space(parent);
	machine_interleave(seed, actors, 4);
	check_counts(1);
	finish();
}

static void shrink_and_write(void *argument __unused)
{
	for (u8 turn = 0; turn < 4; turn++) {
		struct io_cursor cursor;
		page_cache_truncate(&file.cache, 2 * PAGE_SIZE);
		io_cursor_init_kernel(&cursor, &turn, 1, IO_WRITE);
		assert_int_equal(page_cache_write(&file.cache, &cursor, 3 * PAGE_SIZE), 1);
	}
}

/* Beyond the file there may be SIGBUS; in its first pages what was written stays. */
static void write_file(void *argument __unused)
{
	run_in(parent);
	for (u8 n = 1; n < WRITES; n++) {
		assert_writes(page_at(1), n);
		(void)program_write(page_at(3) + 1, n, NULL);
		assert_reads(page_at(1), n);
	}
}

static void files_change(u64 seed)
{
	const struct actor actors[] = {{write_file, NULL},
				       {shrink_and_write, NULL},
				       {move_pages, &parent},
				       {move_pages, &parent}};

	make_parent();
	test_file_init(&file, PAGES * PAGE_SIZE, 5, true);
	assert_int_equal(vmm_mmap(parent, BASE, PAGES * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED,
				  &file.backing, 0),
			 BASE);
	machine_interleave(seed, actors, 4);
	run_in(parent);
	assert_reads(page_at(1), WRITES - 1);
	assert_reads(page_at(3), 3);
	finish();
	test_file_destroy(&file);
}

/* --- The program --- */

struct race {
	const char *name;
	void (*play)(u64 seed);
};

static void play_all_orders(void **state)
{
	const struct race *race = *state;

	moved = 0;
	for (u64 seed = first_seed; seed < first_seed + rounds; seed++) {
		size_t users = frame_count_kind(FRAME_USER), files = frame_count_kind(FRAME_CACHE);
		race->play(seed);
		if (frame_count_kind(FRAME_USER) != users || frame_count_kind(FRAME_CACHE) != files)
			fail_msg("%s: SEED=%lu: frames are lost", race->name, (unsigned long)seed);
	}
	assert_true(moved > rounds);
}

#define RACE(function)                                                                           \
	{                                                                                        \
		.name = #function, .test_func = play_all_orders, .initial_state = &(struct race) \
		{                                                                                \
			.name = #function, .play = (function)                                    \
		}                                                                                \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RACE(no_write_is_lost),         RACE(sharers_stay_apart), RACE(forks_go_on),
		RACE(reclaim_takes_what_moves), RACE(files_change),
	};
	const char *seed = getenv("SEED"), *wanted = getenv("ROUNDS");

	if (seed != NULL)
		first_seed = strtoull(seed, NULL, 10);
	if (wanted != NULL)
		rounds = strtoull(wanted, NULL, 10);
	machine_start(64 * MIB);
	return cmocka_run_group_tests_name("mm migrate races", tests, NULL, NULL);
}
