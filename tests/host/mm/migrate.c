/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages moved to other frames: contents, rights, sharing, statuses, and nothing left over.  The
 * machine has two nodes. */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/mempolicy.h"
#include "mm/migrate.h"
#include "mm/region.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/tree_check.h"

enum { PAGES = 40, HALF = 32 * MIB };

static void fill(vaddr_t memory, u8 salt)
{
	for (u32 i = 0; i < PAGES; i++)
		assert_writes(memory + i * PAGE_SIZE + i, (u8)(i + salt));
}

static void check(vaddr_t memory, u8 salt)
{
	for (u32 i = 0; i < PAGES; i++)
		assert_reads(memory + i * PAGE_SIZE + i, (u8)(i + salt));
}

static int node_at(struct address_space *space, vaddr_t page)
{
	phys_t frame = vmm_get_physical_addr(space, page);

	return frame == 0 ? -1 : frame >= HALF;
}

static u32 count_on(struct address_space *space, vaddr_t memory, int node)
{
	u32 count = 0;

	for (u32 i = 0; i < PAGES; i++)
		count += node_at(space, memory + i * PAGE_SIZE) == node;
	return count;
}

static void settle(struct address_space *space)
{
	machine_check_tlbs();
	tree_check(space->family, true);
}

static void run(struct address_space *space)
{
	vmm_switch_address_space(space);
}

static void a_page_moves_with_its_content(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	fill(memory, 1);
	assert_int_equal(count_on(space, memory, 0), PAGES);
	assert_int_equal(vmm_move_page(space, memory + 3 * PAGE_SIZE + 7, 1, false), 1);
	settle(space);
	assert_int_equal(count_on(space, memory, 1), 1);
	assert_int_equal(node_at(space, memory + 3 * PAGE_SIZE), 1);
	check(memory, 1);
	/* It is there already. */
	assert_int_equal(vmm_move_page(space, memory + 3 * PAGE_SIZE, 1, false), 1);
	fill(memory, 2);
	check(memory, 2);
	assert_int_equal(vmm_migrate_nodes(space, 1, 2, false), 0);
	settle(space);
	assert_int_equal(count_on(space, memory, 1), PAGES);
	check(memory, 2);
	test_space_end(space);
}

static void what_is_not_there_says_so(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	assert_int_equal(vmm_move_page(space, memory, 1, false), -ENOENT);
	assert_reads(memory, 0);
	assert_int_equal(vmm_move_page(space, memory, 1, false), -EFAULT);
	assert_int_equal(vmm_move_page(space, 0x1000, 1, false), -EFAULT);
	test_space_end(space);
}

static void who_uses_a_page_keeps_it(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	fill(memory, 3);
	phys_t frame = vmm_get_physical_addr(space, memory);
	frame_get(frame);
	assert_int_equal(vmm_move_page(space, memory, 1, true), -EBUSY);
	assert_int_equal(vmm_migrate_nodes(space, 1, 2, true), 1);
	assert_int_equal(vmm_get_physical_addr(space, memory), frame);
	frame_free(frame);
	assert_int_equal(vmm_move_page(space, memory, 1, true), 1);
	settle(space);
	check(memory, 3);
	test_space_end(space);
}

static void rights_stay(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);
	static const int prots[] = {PROT_READ, PROT_NONE, RW};

	fill(memory, 4);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(
			vmm_mprotect(space, memory + i * PAGE_SIZE, PAGE_SIZE, (u32)prots[i]), 0);
	assert_int_equal(vmm_migrate_nodes(space, 1, 2, false), 0);
	settle(space);
	assert_write_faults(memory, SIGSEGV, SEGV_ACCERR);
	assert_read_faults(memory + PAGE_SIZE, SIGSEGV, SEGV_ACCERR);
	assert_writes(memory + 2 * PAGE_SIZE + 2, 6);
	assert_int_equal(vmm_mprotect(space, memory, PAGES * PAGE_SIZE, RW), 0);
	check(memory, 4);
	assert_int_equal(count_on(space, memory, 1), PAGES);
	test_space_end(space);
}

/* Parent and child share leaves, and then frames through two leaves of a ring. */
static void shared_pages_move_for_all(void **state __unused)
{
	struct address_space *parent = test_space();
	vaddr_t memory = test_map(parent, PAGES * PAGE_SIZE);

	fill(memory, 5);
	struct address_space *child = vmm_copy_address_space(parent);
	assert_int_equal(vmm_move_page(parent, memory, 1, false), -EACCES);
	assert_int_equal(vmm_move_page(parent, memory, 1, true), 1);
	settle(parent);
	assert_int_equal(node_at(child, memory), 1);
	assert_writes(memory, 77);
	assert_int_equal(vmm_move_page(parent, memory + PAGE_SIZE, 1, false), -EACCES);
	assert_int_equal(vmm_migrate_nodes(parent, 1, 2, true), 0);
	settle(parent);
	assert_int_equal(count_on(parent, memory, 1), PAGES);
	assert_int_equal(count_on(child, memory, 1), PAGES);
	for (u32 i = 1; i < PAGES; i++)
		assert_int_equal(vmm_get_physical_addr(parent, memory + i * PAGE_SIZE),
				 vmm_get_physical_addr(child, memory + i * PAGE_SIZE));
	assert_writes(memory + PAGE_SIZE + 1, 78);
	run(child);
	check(memory, 5);
	run(parent);
	assert_reads(memory, 77);
	assert_reads(memory + PAGE_SIZE + 1, 78);
	vmm_put_address_space(child);
	settle(parent);
	test_space_end(parent);
}

static void pages_of_files_move(void **state __unused)
{
	struct address_space *space = test_space();
	struct test_file file;

	test_file_init(&file, PAGES * PAGE_SIZE, 6, true);
	long shared = vmm_mmap(space, 0, PAGES * PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);
	long private = vmm_mmap(space, 0, PAGES * PAGE_SIZE, RW, MAP_PRIVATE, &file.backing, 0);
	assert_true(shared > 0 && private > 0);
	assert_writes((vaddr_t)shared, 9);
	assert_writes((vaddr_t) private + PAGE_SIZE, 10);
	assert_reads((vaddr_t) private, 9);
	assert_int_equal(vmm_move_page(space, (vaddr_t)shared, 1, false), -EACCES);
	assert_int_equal(vmm_move_page(space, (vaddr_t)shared, 1, true), 1);
	assert_int_equal(vmm_move_page(space, (vaddr_t) private + PAGE_SIZE, 1, false), 1);
	settle(space);
	assert_int_equal(vmm_migrate_nodes(space, 1, 2, true), 0);
	settle(space);
	for (u32 i = 2; i < PAGES; i++)
		assert_reads((vaddr_t)shared + i * PAGE_SIZE, test_byte(6, i * PAGE_SIZE));
	assert_reads((vaddr_t)shared, 9);
	assert_reads((vaddr_t) private, 9);
	assert_reads((vaddr_t) private + PAGE_SIZE, 10);
	assert_int_equal(count_on(space, (vaddr_t)shared, 0), 0);
	test_space_end(space);
	test_file_destroy(&file);
}

static void a_busy_page_of_a_file_stays(void **state __unused)
{
	struct address_space *space = test_space();
	struct test_file file;
	phys_t frame;

	test_file_init(&file, PAGES * PAGE_SIZE, 7, true);
	long shared = vmm_mmap(space, 0, PAGES * PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);
	assert_reads((vaddr_t)shared, test_byte(7, 0));
	assert_int_equal(page_cache_get(&file.cache, 0, PAGE_CACHE_READ, &frame), 0);
	assert_int_equal(vmm_move_page(space, (vaddr_t)shared, 1, true), -EBUSY);
	assert_int_equal(vmm_migrate_nodes(space, 1, 2, true), 1);
	frame_free(frame);
	assert_reads((vaddr_t)shared, test_byte(7, 0));
	test_space_end(space);
	test_file_destroy(&file);
}

static void mbind_moves_when_asked(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE), end = memory + PAGES * PAGE_SIZE;
	struct mempolicy there, both;

	assert_int_equal(mempolicy_make(&there, MPOL_BIND, 2, false), 0);
	assert_int_equal(mempolicy_make(&both, MPOL_INTERLEAVE, 3, false), 0);
	fill(memory, 8);
	assert_int_equal(vmm_apply_policy(space, memory, end, &there, 0), 0);
	assert_int_equal(vmm_apply_policy(space, memory, end, &there, MPOL_MF_STRICT), -EIO);
	assert_int_equal(count_on(space, memory, 0), PAGES);
	assert_int_equal(vmm_apply_policy(space, memory, memory + 8 * PAGE_SIZE, &there,
					  MPOL_MF_STRICT | MPOL_MF_MOVE),
			 0);
	assert_int_equal(count_on(space, memory, 1), 8);
	assert_int_equal(vmm_apply_policy(space, memory, end, &both, MPOL_MF_STRICT), 0);
	struct address_space *child = vmm_copy_address_space(space);
	assert_int_equal(vmm_apply_policy(space, memory, end, &there, MPOL_MF_MOVE), 0);
	assert_int_equal(count_on(space, memory, 1), 8);
	assert_int_equal(
		vmm_apply_policy(space, memory, end, &there, MPOL_MF_STRICT | MPOL_MF_MOVE), -EIO);
	assert_int_equal(
		vmm_apply_policy(space, memory, end, &there, MPOL_MF_STRICT | MPOL_MF_MOVE_ALL), 0);
	assert_int_equal(count_on(child, memory, 1), PAGES);
	settle(space);
	check(memory, 8);
	vmm_put_address_space(child);
	test_space_end(space);
}

/* The nth node stands for the nth; what is on a node that is among the new ones, of which there are
 * more or less, stays. */
static void nodes_stand_for_nodes(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	fill(memory, 9);
	for (u32 i = 0; i < 10; i++)
		assert_int_equal(vmm_move_page(space, memory + i * PAGE_SIZE, 1, false), 1);
	assert_int_equal(vmm_migrate_nodes(space, 3, 3, false), 0);
	assert_int_equal(count_on(space, memory, 1), 10);
	assert_int_equal(vmm_migrate_nodes(space, 3, 2, false), 0);
	assert_int_equal(count_on(space, memory, 1), PAGES);
	assert_int_equal(vmm_migrate_nodes(space, 0, 1, false), 0);
	assert_int_equal(vmm_migrate_nodes(space, 1, 0, false), 0);
	assert_int_equal(count_on(space, memory, 1), PAGES);
	check(memory, 9);
	test_space_end(space);
}

/* Swapped pages stay where they are, and those that swap still has a copy of are busy. */
static void a_full_node_takes_nothing(void **state __unused)
{
	static phys_t taken[2 * HALF / PAGE_SIZE];
	const struct frame_placement there = {.nodes = 2, .first = 1, .strict = true};
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	fill(memory, 10);
	size_t count = frame_alloc_batch_placed(FRAME_KERNEL, &there, taken, ARRAY_SIZE(taken));
	assert_int_equal(vmm_move_page(space, memory, 1, false), -ENOMEM);
	assert_int_equal(vmm_migrate_nodes(space, 1, 2, false), PAGES);
	frame_free_batch(taken, count);
	mm_checking.countdown = 1;
	assert_int_equal(vmm_move_page(space, memory, 1, false), -ENOMEM);
	mm_checking.countdown = 0;
	check(memory, 10);
	test_space_end(space);
}

static void counters_tell(void **state __unused)
{
	struct migrate_stats before, after;
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	fill(memory, 11);
	frame_get(vmm_get_physical_addr(space, memory));
	migrate_get_stats(&before);
	assert_int_equal(vmm_migrate_nodes(space, 1, 2, false), 1);
	migrate_get_stats(&after);
	assert_int_equal(after.moved - before.moved, PAGES - 1);
	assert_int_equal(after.left - before.left, 1);
	frame_free(vmm_get_physical_addr(space, memory));
	test_space_end(space);
}

static int start(void **state __unused)
{
	machine_nodes = (struct machine_topology){
		.nodes = 2,
		.spans = 2,
		.span = {{0, HALF, 0}, {HALF, 2 * HALF, 1}},
		.cpu_node = {0, 0, 0, 0},
		.distance = {{10, 20}, {20, 10}},
	};
	machine_start(2 * HALF);
	frame_init_nodes();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(a_page_moves_with_its_content),
		TEST_WITHOUT_LEAKS(what_is_not_there_says_so),
		TEST_WITHOUT_LEAKS(who_uses_a_page_keeps_it),
		TEST_WITHOUT_LEAKS(rights_stay),
		TEST_WITHOUT_LEAKS(shared_pages_move_for_all),
		TEST_WITHOUT_LEAKS(pages_of_files_move),
		TEST_WITHOUT_LEAKS(a_busy_page_of_a_file_stays),
		TEST_WITHOUT_LEAKS(mbind_moves_when_asked),
		TEST_WITHOUT_LEAKS(nodes_stand_for_nodes),
		TEST_WITHOUT_LEAKS(a_full_node_takes_nothing),
		TEST_WITHOUT_LEAKS(counters_tell),
	};

	return cmocka_run_group_tests_name("mm migrate", tests, start, NULL);
}
