/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins, while other CPUs fork, write, unmap and exit: as races.c, many orders of events each.
 * ROUNDS=n sets how many, SEED=n the first.  The numbers are those of the list in doc/testing.md.
 */
#include "tests/host/mm/support.h"

#include <stdlib.h>

#include "lib/string.h"
#include "machine/actors.h"
#include "mm/pin.h"
#include "mm/tree_check.h"

enum { PAGES = 6, WRITES = 12, FORKS = 3, DEVICE_BYTE = 9 };
static const vaddr_t BASE = 0x40000000 - 2 * PAGE_SIZE; /* across the boundary of a leaf */

static u64 rounds = 100, first_seed;
static struct address_space *parent, *child;
static struct address_space *children[FORKS];

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
	run_in(parent);
	assert_int_equal(vmm_mmap(parent, BASE, PAGES * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
			 BASE);
	for (int page = 0; page < PAGES; page++)
		for (int byte = 0; byte < 3; byte++)
			assert_writes(page_at(page) + byte, 1);
	run_in(NULL);
}

static u8 look(struct address_space *space, vaddr_t address)
{
	u8 value = 0;

	assert_int_equal(vmm_access(space, address, &value, 1, VM_READ), 1);
	return value;
}

static void finish(void)
{
	machine_check_tlbs();
	tree_check(parent->family, true);
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		run_in(NULL);
	}
	machine_use_cpu(0);
	vmm_put_address_space(child);
	vmm_put_address_space(parent);
	parent = child = NULL;
}

/* --- 8, and 1 with a page that is pinned --- */

static phys_t pinned;
static u8 snapshots[FORKS][3];

/* Counts in the page that is pinned, then in one that is not. */
static void count_in_two_pages(void *argument __unused)
{
	run_in(parent);
	for (u8 n = 2; n < 2 + WRITES; n++) {
		assert_writes(page_at(0), n);
		assert_writes(page_at(4), n);
	}
}

static void write_as_device(void *argument __unused)
{
	u8 *bytes = phys_to_virt(pinned);

	for (u8 n = 1; n < 2 + WRITES; n++) {
		__atomic_store_n(&bytes[DEVICE_BYTE], n, __ATOMIC_RELEASE);
		machine_pause();
		u8 seen = look(parent, page_at(0) + DEVICE_BYTE);
		assert_int_equal(seen, n);
	}
	vmm_unpin(&pinned, 1);
}

static void fork_and_note(void *argument __unused)
{
	run_in(parent);
	for (int i = 0; i < FORKS; i++) {
		children[i] = vmm_copy_address_space(parent);
		assert_non_null(children[i]);
		snapshots[i][0] = look(children[i], page_at(0));
		snapshots[i][1] = look(children[i], page_at(4));
		snapshots[i][2] = look(children[i], page_at(0) + DEVICE_BYTE);
	}
}

static void test_8_a_device_writes_while_its_process_forks(u64 seed)
{
	const struct actor actors[] = {
		{count_in_two_pages, NULL},
		{write_as_device, NULL},
		{fork_and_note, NULL},
	};

	make_parent();
	assert_int_equal(vmm_pin(parent, page_at(0), 1, true, &pinned), 1);
	machine_interleave(seed, actors, 3);
	assert_int_equal(look(parent, page_at(0)), 1 + WRITES);
	assert_int_equal(look(parent, page_at(4)), 1 + WRITES);
	assert_int_equal(look(parent, page_at(0) + DEVICE_BYTE), 1 + WRITES);
	for (int i = 0; i < FORKS; i++) {
		u8 first = snapshots[i][0], second = snapshots[i][1];
		assert_true(first == second || first == second + 1);
		assert_int_equal(look(children[i], page_at(0)), first);
		assert_int_equal(look(children[i], page_at(4)), second);
		assert_int_equal(look(children[i], page_at(0) + DEVICE_BYTE), snapshots[i][2]);
	}
	tree_check(parent->family, true);
	for (int i = 0; i < FORKS; i++)
		vmm_put_address_space(children[i]);
	/* Nothing is pinned any more, and the next fork sees it. */
	child = vmm_copy_address_space(parent);
	assert_false(parent->may_pin);
	finish();
}

/* --- 6: the child pins, unmaps and exits, the parent writes --- */

static phys_t taken[PAGES];

static void pin_and_unmap(void *argument __unused)
{
	run_in(child);
	for (int page = 0; page < PAGES; page++)
		assert_int_equal(vmm_pin(child, page_at(page), 1, page % 2, &taken[page]), 1);
	assert_int_equal(vmm_munmap(child, BASE, PAGES * PAGE_SIZE), 0);
	run_in(NULL);
	vmm_put_address_space(child);
	child = NULL;
}

static void write_secrets(void *argument)
{
	run_in(parent);
	for (int turn = 0; turn < 3; turn++)
		for (int page = 0; page < PAGES; page++)
			assert_writes(page_at(page) + (argument != NULL), 99);
}

static void test_6_what_a_child_pinned_stays(u64 seed)
{
	const struct actor actors[] = {
		{pin_and_unmap, NULL},
		{write_secrets, NULL},
		{write_secrets, &parent},
	};

	make_parent();
	child = vmm_copy_address_space(parent);
	machine_interleave(seed, actors, 3);
	run_in(parent);
	for (int page = 0; page < PAGES; page++)
		assert_writes(page_at(page), 98);
	for (int page = 0; page < PAGES; page++) {
		const u8 *bytes = phys_to_virt(taken[page]);
		assert_int_equal(bytes[0], 1);
		assert_int_equal(bytes[1], 1);
	}
	vmm_unpin(taken, PAGES);
	finish();
}

/* --- Pins come and go in threads, while others change the space and fork --- */

/* Whatever is pinned, what the device writes the program reads while it still has the page. */
static void pin_and_unpin(void *argument)
{
	u8 self = (u8)(uintptr_t)argument;

	run_in(parent);
	for (u8 turn = 1; turn < 8; turn++) {
		phys_t frames[2];
		int page = (turn * 5 + self) % (PAGES - 1);
		if (vmm_pin(parent, page_at(page), 2, true, frames) != 2)
			fail_msg("cannot be pinned");
		for (int i = 0; i < 2; i++) {
			u8 *bytes = phys_to_virt(frames[i]);
			bytes[DEVICE_BYTE + self] = turn;
			machine_pause();
			assert_reads(page_at(page + i) + DEVICE_BYTE + self, turn);
			assert_writes(page_at(page + i) + DEVICE_BYTE + self, turn + 100);
			assert_int_equal(bytes[DEVICE_BYTE + self], turn + 100);
		}
		vmm_unpin(frames, 2);
	}
}

static void change_and_fork(void *argument __unused)
{
	static const u32 prots[] = {RW, PROT_NONE, RW, PROT_READ, RW};

	run_in(parent);
	for (int turn = 0; turn < 5; turn++) {
		struct address_space *copy = vmm_copy_address_space(parent);
		assert_non_null(copy);
		/* In the child: the parent's pages must be there for the others. */
		assert_int_equal(vmm_mprotect(copy, page_at(turn), PAGE_SIZE, prots[turn]), 0);
		struct address_space *second = vmm_copy_address_space(copy);
		vmm_put_address_space(copy);
		vmm_put_address_space(second);
	}
}

static void pins_of_threads_come_and_go(u64 seed)
{
	const struct actor actors[] = {
		{pin_and_unpin, (void *)0},
		{pin_and_unpin, (void *)1},
		{change_and_fork, NULL},
		{change_and_fork, NULL},
	};

	make_parent();
	machine_interleave(seed, actors, 4);
	finish();
}

/* --- The program --- */

static void play_all_orders(void **state)
{
	void (*play)(u64 seed) = *state;

	for (u64 seed = first_seed; seed < first_seed + rounds; seed++) {
		size_t users = frame_count_kind(FRAME_USER), tables = frame_count_kind(FRAME_TABLE);
		play(seed);
		if (frame_count_kind(FRAME_USER) != users ||
		    frame_count_kind(FRAME_TABLE) != tables)
			fail_msg("SEED=%lu: frames are lost", (unsigned long)seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"8: a device writes while its process forks", play_all_orders, NULL, NULL,
		 test_8_a_device_writes_while_its_process_forks},
		{"6: what a child pinned stays", play_all_orders, NULL, NULL,
		 test_6_what_a_child_pinned_stays},
		{"pins of threads come and go", play_all_orders, NULL, NULL,
		 pins_of_threads_come_and_go},
	};
	const char *seed = getenv("SEED"), *wanted = getenv("ROUNDS");

	if (seed != NULL)
		first_seed = strtoull(seed, NULL, 10);
	if (wanted != NULL)
		rounds = strtoull(wanted, NULL, 10);
	machine_start(64 * MIB);
	return cmocka_run_group_tests_name("mm pin races", tests, NULL, NULL);
}
