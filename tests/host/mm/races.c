/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can go wrong while page-table trees are shared, unshared and given up by several CPUs at the
 * same time, under TLBs that keep what they may keep: race.h.  The numbers are those of the list in
 * doc/testing.md.
 */
#include "tests/host/mm/race.h"

#include "lib/string.h"

enum { WRITES = 12 };

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

static u8 written[2][PAGES]; /* by actor: the last write that has ended */

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

	memset(written, 0, sizeof(written));
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
	};

	races_begin();
	return cmocka_run_group_tests_name("mm races", tests, NULL, NULL);
}
