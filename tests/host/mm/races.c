/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can go wrong while page-table trees are shared, unshared and given up by several CPUs at the
 * same time, under TLBs that keep what they may keep.  The CPUs are actors (machine/actors.h): each
 * test plays many orders of events.  Where it is over, the invariants are checked.  ROUNDS=n sets
 * how many orders, SEED=n the first.  The numbers are those of the list in doc/testing.md.
 */
#include "tests/host/mm/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/string.h"
#include "machine/actors.h"
#include "mm/slab.h"
#include "mm/tree_check.h"

enum { PAGES = 6, WRITES = 12 };
static const vaddr_t BASE = 0x40000000 - 2 * PAGE_SIZE; /* across the boundary of a leaf */

static u64 rounds = 100, first_seed;
static struct address_space *parent, *child;
static u8 written[2][PAGES]; /* by actor: the last write that has ended */

static vaddr_t page_at(int page)
{
	return BASE + (vaddr_t)page * PAGE_SIZE;
}

/* A parent with memory of which the even pages have been written with 1, some read, page 3 neither.
 */
static void make_parent(void)
{
	parent = vmm_create_address_space();
	assert_non_null(parent);
	vmm_switch_address_space(parent);
	assert_int_equal(vmm_mmap(parent, BASE, PAGES * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
			 BASE);
	for (int page = 0; page < PAGES; page += 2)
		for (int byte = 0; byte < 3; byte++)
			assert_writes(page_at(page) + byte, 1);
	for (int page = 1; page < PAGES; page += 4)
		assert_reads(page_at(page), 0);
	vmm_switch_address_space(NULL);
	memset(written, 0, sizeof(written));
}

static void run_in(struct address_space *space)
{
	preempt_disable();
	vmm_switch_address_space(space);
	preempt_enable();
}

static u8 look(struct address_space *space, vaddr_t address)
{
	u8 value = 0;

	assert_int_equal(vmm_access(space, address, &value, 1, VM_READ), 1);
	return value;
}

/* Where all is over: the invariants, then all spaces go. */
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
	parent = child = NULL;
}

/* --- 1, 2: threads write while their process forks --- */

enum { FORKS = 3 };
static struct address_space *children[FORKS];
static u8 snapshots[FORKS][2][2];

/* Counts in one page, then in another: no moment has them further apart than one. */
static void count_in_two_pages(void *argument)
{
	int self = (int)(intptr_t)argument;

	run_in(parent);
	for (u8 n = 2; n < 2 + WRITES; n++) {
		assert_writes(page_at(0) + self, n);
		assert_writes(page_at(4) + self, n);
	}
}

static void fork_and_note(void *argument __unused)
{
	run_in(parent);
	for (int i = 0; i < FORKS; i++) {
		children[i] = vmm_copy_address_space(parent);
		assert_non_null(children[i]);
		for (int thread = 0; thread < 2; thread++)
			for (int page = 0; page < 2; page++)
				snapshots[i][thread][page] =
					look(children[i], page_at(page * 4) + thread);
	}
}

static void test_1_2_no_write_is_lost_in_a_fork(u64 seed)
{
	const struct actor actors[] = {
		{count_in_two_pages, (void *)0},
		{count_in_two_pages, (void *)1},
		{fork_and_note, NULL},
	};

	make_parent();
	machine_interleave(seed, actors, 3);
	for (int thread = 0; thread < 2; thread++) {
		assert_int_equal(look(parent, page_at(0) + thread), 1 + WRITES);
		assert_int_equal(look(parent, page_at(4) + thread), 1 + WRITES);
	}
	for (int i = 0; i < FORKS; i++) {
		for (int thread = 0; thread < 2; thread++) {
			u8 first = snapshots[i][thread][0], second = snapshots[i][thread][1];
			assert_true(first == second || first == second + 1);
			assert_int_equal(look(children[i], page_at(0) + thread), first);
			assert_int_equal(look(children[i], page_at(4) + thread), second);
		}
	}
	tree_check(parent->family, true);
	for (int i = 0; i < FORKS; i++)
		vmm_put_address_space(children[i]);
	finish();
}

/* --- 3: nobody reads old after new --- */

static void write_all_pages(void *argument)
{
	int self = (int)(intptr_t)argument;

	run_in(parent);
	for (u8 n = 2; n < 5; n++)
		for (int page = 0; page < PAGES; page++) {
			assert_writes(page_at(page) + self, n);
			written[self][page] = n;
		}
}

static void poll_all_pages(void *argument __unused)
{
	run_in(parent);
	for (int turn = 0; turn < 12; turn++)
		for (int page = 0; page < PAGES; page++)
			for (int writer = 0; writer < 2; writer++) {
				u8 least = written[writer][page], seen = 0;
				assert_int_equal(program_read(page_at(page) + writer, &seen, NULL),
						 0);
				assert_true(seen >= least);
			}
}

static void test_3_nobody_reads_old_after_new(u64 seed)
{
	const struct actor actors[] = {
		{write_all_pages, (void *)0},
		{write_all_pages, (void *)1},
		{poll_all_pages, NULL},
		{poll_all_pages, NULL},
	};

	make_parent();
	child = vmm_copy_address_space(parent);
	machine_interleave(seed, actors, 4);
	for (int page = 0; page < PAGES; page++)
		assert_int_equal(look(child, page_at(page)), page % 2 == 0);
	finish();
}

/* --- 4: what one sharer writes after the other has left the node is a secret --- */

enum { SECRET = 200, OPEN = 100 };

static void write_everywhere(void *argument)
{
	bool secret = argument == &child;

	run_in(secret ? child : parent);
	/* First a page that is not there: it gives the leaf a copy, and nothing else to flush. */
	for (int i = 0; i < PAGES; i++)
		assert_writes(page_at((i + 3) % PAGES), secret ? SECRET : OPEN);
}

static void spy(void *argument)
{
	bool on_child = argument == &child;

	run_in(on_child ? child : parent);
	for (int turn = 0; turn < 8; turn++)
		for (int page = 0; page < PAGES; page++) {
			u8 seen = 0;
			assert_int_equal(program_read(page_at(page), &seen, NULL), 0);
			assert_int_not_equal(seen, on_child ? OPEN : SECRET);
		}
}

static void test_4_a_late_flush_shows_no_secret(u64 seed)
{
	const struct actor actors[] = {
		{write_everywhere, &parent},
		{write_everywhere, &child},
		{spy, &parent},
		{spy, &child},
	};

	make_parent();
	child = vmm_copy_address_space(parent);
	machine_interleave(seed, actors, 4);
	finish();
}

/* --- 5: the parent ends while children leave its nodes --- */

static struct address_space *second;

static void leave_nodes(void *argument)
{
	struct address_space *space = *(struct address_space **)argument;

	run_in(space);
	for (int page = 0; page < PAGES; page += 2)
		assert_writes(page_at(page), 7);
}

static void end_parent(void *argument __unused)
{
	run_in(NULL);
	vmm_put_address_space(parent);
}

static void test_5_a_node_goes_once_with_its_last_link(u64 seed)
{
	const struct actor actors[] = {
		{end_parent, NULL},
		{leave_nodes, &child},
		{leave_nodes, &second},
	};

	make_parent();
	child = vmm_copy_address_space(parent);
	second = vmm_copy_address_space(child);
	run_in(parent);
	machine_interleave(seed, actors, 3);
	for (int page = 0; page < PAGES; page++) {
		assert_int_equal(look(child, page_at(page)), page % 2 == 0 ? 7 : 0);
		assert_int_equal(look(second, page_at(page) + 1), page % 2 == 0 ? 1 : 0);
	}
	parent = second;
	finish();
}

/* --- 7: a debugger's write never reaches the file --- */

static struct test_file file;

static void write_as_debugger(void *argument __unused)
{
	u8 value = 99;

	for (int turn = 0; turn < 10; turn++)
		assert_int_equal(
			vmm_access(parent, page_at(turn % PAGES), &value, 1, VM_WRITE | VM_FORCE),
			1);
}

static void drop_pages(void *argument __unused)
{
	run_in(parent);
	for (int turn = 0; turn < 10; turn++) {
		u8 seen = 0;
		assert_int_equal(program_read(page_at(turn % PAGES), &seen, NULL), 0);
		assert_int_equal(vmm_madvise(parent, BASE, PAGES * PAGE_SIZE, MADV_DONTNEED), 0);
	}
}

static void test_7_a_debugger_never_writes_to_the_file(u64 seed)
{
	const struct actor actors[] = {
		{write_as_debugger, NULL}, {drop_pages, NULL}, {write_as_debugger, NULL}};

	make_parent();
	test_file_init(&file, PAGES * PAGE_SIZE, 5, true);
	assert_int_equal(vmm_mmap(parent, BASE, PAGES * PAGE_SIZE, PROT_READ,
				  MAP_PRIVATE | MAP_FIXED, &file.backing, 0),
			 BASE);
	child = vmm_copy_address_space(parent);
	machine_interleave(seed, actors, 3);
	run_in(child);
	for (int page = 0; page < PAGES; page++)
		assert_reads(page_at(page), test_byte(5, (u64)page * PAGE_SIZE));
	finish();
	test_file_destroy(&file);
}

/* --- 12: shared files --- */

static void write_shared_file(void *argument)
{
	bool of_child = argument == &child;

	run_in(of_child ? child : parent);
	for (int page = 0; page < PAGES; page++) {
		assert_writes(page_at(page) + of_child, 60 + page);
		assert_writes(page_at(page) + 2 + of_child, 70 + page);
	}
}

static void test_12_both_sides_of_a_fork_write_one_file(u64 seed)
{
	const struct actor actors[] = {
		{write_shared_file, &parent}, {write_shared_file, &child}, {fork_and_note, NULL}};
	u8 bytes[4];

	make_parent();
	test_file_init(&file, PAGES * PAGE_SIZE, 5, seed % 2);
	assert_int_equal(vmm_mmap(parent, BASE, PAGES * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED,
				  &file.backing, 0),
			 BASE);
	run_in(parent);
	assert_writes(page_at(1), 9);
	child = vmm_copy_address_space(parent);
	machine_interleave(seed, actors, 3);
	for (int page = 0; page < PAGES; page++) {
		const u8 wanted[] = {60 + page, 60 + page, 70 + page, 70 + page};
		struct io_cursor cursor;
		io_cursor_init_kernel(&cursor, bytes, 4, IO_READ);
		assert_int_equal(page_cache_read(&file.cache, &cursor, (u64)page * PAGE_SIZE), 4);
		assert_memory_equal(bytes, wanted, 4);
	}
	for (int i = 0; i < FORKS; i++)
		vmm_put_address_space(children[i]);
	page_cache_truncate(&file.cache, PAGE_SIZE);
	run_in(child);
	assert_read_faults(page_at(1), SIGBUS, BUS_ADRERR);
	run_in(parent);
	assert_read_faults(page_at(2), SIGBUS, BUS_ADRERR);
	finish();
	test_file_destroy(&file);
}

/* --- A shared table gets leaves while somebody copies it --- */

enum { LEAVES = 24 };
static const vaddr_t WIDE = 0x80000000;

static vaddr_t leaf_at(int leaf)
{
	return WIDE + (vaddr_t)leaf * 2 * MIB;
}

static void read_leaves(void *argument)
{
	u8 seen;

	run_in(argument == &child ? child : second);
	for (int leaf = 1; leaf < LEAVES; leaf++) {
		assert_int_equal(program_read(leaf_at(leaf), &seen, NULL), 0);
		assert_int_equal(seen, 0);
	}
}

static void write_leaves(void *argument __unused)
{
	run_in(parent);
	for (int leaf = 2; leaf < LEAVES; leaf += 7)
		assert_writes(leaf_at(leaf), 3);
}

static void a_table_that_is_copied_loses_no_leaf(u64 seed)
{
	const struct actor actors[] = {
		{read_leaves, &child}, {read_leaves, &second}, {write_leaves, NULL}};

	make_parent();
	run_in(parent);
	assert_int_equal(vmm_mmap(parent, WIDE, LEAVES * 2 * MIB, RW,
				  ANON | MAP_FIXED | MAP_NORESERVE, NULL, 0),
			 WIDE);
	assert_writes(WIDE, 1);
	child = vmm_copy_address_space(parent);
	second = vmm_copy_address_space(parent);
	machine_interleave(seed, actors, 3);
	for (int leaf = 0; leaf < LEAVES; leaf++) {
		assert_int_equal(look(parent, leaf_at(leaf)), leaf == 0       ? 1
							      : leaf % 7 == 2 ? 3
									      : 0);
		assert_int_equal(look(child, leaf_at(leaf)), leaf == 0);
		assert_int_equal(look(second, leaf_at(leaf)), leaf == 0);
	}
	tree_check(parent->family, true);
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		vmm_switch_address_space(NULL);
	}
	machine_use_cpu(0);
	vmm_put_address_space(second);
	finish();
}

/* --- All of it at once: only the invariants are asked --- */

struct stormer {
	u64 random;
	struct address_space *space; /* a reference */
	bool cuts;
};

static u64 storm_below(struct stormer *self, u64 limit)
{
	self->random ^= self->random << 13;
	self->random ^= self->random >> 7;
	self->random ^= self->random << 17;
	return (self->random >> 11) % limit;
}

static void storm_fork(struct stormer *self)
{
	struct address_space *copy = vmm_copy_address_space(self->space);

	assert_non_null(copy);
	if (storm_below(self, 2) == 0) {
		vmm_put_address_space(copy);
		return;
	}
	run_in(copy);
	vmm_put_address_space(self->space);
	self->space = copy;
}

static void storm_call(struct stormer *self, vaddr_t start, size_t size)
{
	static const u32 prots[] = {PROT_NONE, PROT_READ, RW, RW};
	struct address_space *space = self->space;
	u32 prot = prots[storm_below(self, 4)];

	switch (storm_below(self, 7)) {
	case 0:
		assert_int_equal(vmm_munmap(space, start, size), 0);
		break;
	case 1:
		assert_true(vmm_mmap(space, start, size, prot, ANON | MAP_FIXED, NULL, 0) > 0);
		break;
	case 2:
		assert_true(vmm_mmap(space, start, size, prot,
				     MAP_FIXED | (storm_below(self, 2) ? MAP_SHARED : MAP_PRIVATE),
				     &file.backing, 0) > 0);
		break;
	case 3:
		(void)!vmm_mprotect(space, start, size, prot);
		break;
	case 4:
		(void)!vmm_madvise(space, start, size, MADV_DONTNEED);
		break;
	case 5:
		/* A file is cut by one at a time. */
		if (!self->cuts)
			break;
		page_cache_truncate(&file.cache, storm_below(self, PAGES) * PAGE_SIZE + 1);
		page_cache_truncate(&file.cache, PAGES * PAGE_SIZE);
		break;
	default:
		(void)!vmm_mremap(space, start, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				  page_at(PAGES + (int)storm_below(self, 3)));
	}
}

static void storm(void *argument)
{
	struct stormer *self = argument;

	run_in(self->space);
	for (int turn = 0; turn < 25; turn++) {
		int first = (int)storm_below(self, PAGES);
		int count = 1 + (int)storm_below(self, (u64)(PAGES - first));
		u8 seen;
		if (storm_below(self, 8) == 0)
			storm_fork(self);
		else if (storm_below(self, 3) == 0)
			storm_call(self, page_at(first), (size_t)count * PAGE_SIZE);
		else
			for (int page = first; page < first + count; page++)
				if (storm_below(self, 2) == 0)
					(void)program_write(page_at(page), (u8)turn, NULL);
				else
					(void)program_read(page_at(page), &seen, NULL);
	}
}

static void any_calls_at_once_leave_the_trees_whole(u64 seed)
{
	struct stormer stormers[MACHINE_CPUS];
	struct actor actors[MACHINE_CPUS];

	make_parent();
	test_file_init(&file, PAGES * PAGE_SIZE, 5, true);
	child = vmm_copy_address_space(parent);
	for (u32 i = 0; i < MACHINE_CPUS; i++) {
		stormers[i].random = (seed * MACHINE_CPUS + i + 1) * 0x9e3779b97f4a7c15;
		stormers[i].space = vmm_get_address_space(i < 3 ? parent : child);
		stormers[i].cuts = i == seed % MACHINE_CPUS;
		actors[i] = (struct actor){storm, &stormers[i]};
	}
	machine_interleave(seed, actors, MACHINE_CPUS);
	tree_check(parent->family, true);
	for (u32 i = 0; i < MACHINE_CPUS; i++)
		vmm_put_address_space(stormers[i].space);
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

	for (u64 seed = first_seed; seed < first_seed + rounds; seed++) {
		size_t users = frame_count_kind(FRAME_USER), tables = frame_count_kind(FRAME_TABLE);
		race->play(seed);
		if (frame_count_kind(FRAME_USER) != users ||
		    frame_count_kind(FRAME_TABLE) != tables)
			fail_msg("%s: SEED=%lu: frames are lost", race->name, (unsigned long)seed);
	}
}

#define RACE(function)                                                 \
	{                                                              \
#function, play_all_orders, NULL, NULL, &(struct race) \
		{                                                      \
#function, function                            \
		}                                                      \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RACE(test_1_2_no_write_is_lost_in_a_fork),
		RACE(test_3_nobody_reads_old_after_new),
		RACE(test_4_a_late_flush_shows_no_secret),
		RACE(test_5_a_node_goes_once_with_its_last_link),
		RACE(test_7_a_debugger_never_writes_to_the_file),
		RACE(test_12_both_sides_of_a_fork_write_one_file),
		RACE(a_table_that_is_copied_loses_no_leaf),
		RACE(any_calls_at_once_leave_the_trees_whole),
	};
	const char *seed = getenv("SEED"), *wanted = getenv("ROUNDS");

	if (seed != NULL)
		first_seed = strtoull(seed, NULL, 10);
	if (wanted != NULL)
		rounds = strtoull(wanted, NULL, 10);
	machine_start(64 * MIB);
	return cmocka_run_group_tests_name("mm races", tests, NULL, NULL);
}
