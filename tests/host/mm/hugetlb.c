/* SPDX-License-Identifier: BSD-2-Clause */
/* Huge pages from the pool: promises, faults, and blocks that come back whole. */
#include "tests/host/mm/support.h"

#include "mm/hugetlb.h"
#include "mm/tree_check.h"

enum { BLOCKS = 4, HUGE_ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB };

static void assert_pool(size_t free, size_t reserved)
{
	struct hugetlb_stats stats;

	hugetlb_get_stats(&stats);
	assert_int_equal(stats.free, free);
	assert_int_equal(stats.reserved, reserved);
}

static int fill_pool(void **state)
{
	hugetlb_resize(BLOCKS);
	assert_pool(BLOCKS, 0);
	(void)state;
	return 0;
}

static int empty_pool(void **state)
{
	assert_pool(BLOCKS, 0);
	hugetlb_resize(0);
	assert_pool(0, 0);
	(void)state;
	return 0;
}

static vaddr_t map_huge(struct address_space *space, size_t blocks)
{
	long result = vmm_mmap(space, 0, blocks * HUGE_SIZE, RW, HUGE_ANON, NULL, 0);

	assert_true(result > 0 && (vaddr_t)result % HUGE_SIZE == 0);
	return (vaddr_t)result;
}

static void promises_are_kept_and_end(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_huge(space, 3);

	assert_pool(BLOCKS, 3);
	assert_int_equal(vmm_mmap(space, 0, 2 * HUGE_SIZE, RW, HUGE_ANON, NULL, 0), -ENOMEM);
	assert_writes(base + 7, 1);
	assert_pool(BLOCKS - 1, 2);
	assert_int_equal(vmm_munmap(space, base, 2 * HUGE_SIZE), 0);
	assert_pool(BLOCKS, 1);
	assert_int_equal(vmm_munmap(space, base + 2 * HUGE_SIZE, PAGE_SIZE), -EINVAL);
	test_space_end(space);
}

static void pool_that_is_empty_is_a_bus_error(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_huge(space, BLOCKS);
	long more = vmm_mmap(space, 0, HUGE_SIZE, RW, HUGE_ANON | MAP_NORESERVE, NULL, 0);

	assert_true(more > 0);
	assert_write_faults((vaddr_t)more, SIGBUS, BUS_ADRERR);
	for (int i = 0; i < BLOCKS; i++)
		assert_writes(base + i * HUGE_SIZE, 1);
	assert_pool(0, 0);
	tree_check(space->family, true);
	test_space_end(space);
}

/* The pages of a block become free one by one, in two processes, and it is whole again. */
static void block_comes_back_from_several_hands(void **state __unused)
{
	for (int order = 0; order < 2; order++) {
		struct address_space *parent = test_space(), *child;
		vaddr_t base = map_huge(parent, 1);
		for (u32 i = 0; i < PTES_PER_TABLE; i++)
			assert_writes(base + i * PAGE_SIZE, (u8)i);
		child = vmm_copy_address_space(parent);
		assert_non_null(child);
		for (u32 i = 0; i < PTES_PER_TABLE; i += 3)
			assert_writes(base + i * PAGE_SIZE, 99);
		vmm_switch_address_space(child);
		for (u32 i = 0; i < PTES_PER_TABLE; i++)
			assert_reads(base + i * PAGE_SIZE, (u8)i);
		tree_check(parent->family, true);
		assert_pool(BLOCKS - 1, 0);
		vmm_switch_address_space(order == 0 ? child : parent);
		vmm_put_address_space(order == 0 ? parent : child);
		assert_pool(BLOCKS - 1, 0);
		test_space_end(order == 0 ? child : parent);
		assert_pool(BLOCKS, 0);
	}
}

static void what_was_given_up_comes_anew(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_huge(space, 1);

	assert_writes(base + PAGE_SIZE, 5);
	assert_int_equal(vmm_madvise(space, base, HUGE_SIZE, MADV_DONTNEED), 0);
	assert_pool(BLOCKS, 0);
	assert_reads(base + PAGE_SIZE, 0);
	assert_pool(BLOCKS - 1, 0);
	tree_check(space->family, true);
	test_space_end(space);
}

static void smaller_pool_waits_for_what_is_in_use(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_huge(space, 1);
	struct hugetlb_stats stats;

	assert_writes(base, 1);
	hugetlb_resize(0);
	hugetlb_get_stats(&stats);
	assert_int_equal(stats.total, 1);
	assert_int_equal(stats.surplus, 1);
	test_space_end(space);
	assert_pool(0, 0);
	hugetlb_resize(BLOCKS);
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, fill_pool, empty_pool)

static void nothing_is_lost(void **state __unused)
{
	size_t before = machine_frames_used();

	hugetlb_resize(BLOCKS);
	assert_true(machine_frames_used() >= before + BLOCKS * PTES_PER_TABLE);
	hugetlb_resize(0);
	assert_int_equal(machine_frames_used(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POOL_TEST(promises_are_kept_and_end),
		POOL_TEST(pool_that_is_empty_is_a_bus_error),
		POOL_TEST(block_comes_back_from_several_hands),
		POOL_TEST(what_was_given_up_comes_anew),
		POOL_TEST(smaller_pool_waits_for_what_is_in_use),
		cmocka_unit_test(nothing_is_lost),
	};

	machine_start(64 * MIB);
	return cmocka_run_group_tests_name("mm hugetlb", tests, NULL, NULL);
}
