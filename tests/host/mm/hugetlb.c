/* SPDX-License-Identifier: BSD-2-Clause */
/* Huge pages from the pool: promises, faults, and blocks that come back whole. */
#include "tests/host/mm/support.h"

#include "mm/hugetlb.h"
#include "mm/tree_check.h"

enum { BLOCKS = 4, HUGE_ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB };

static void assert_pool(size_t free, size_t reserved)
{
	struct hugetlb_stats stats;

	hugetlb_get_stats(HUGETLB_2M, HUGETLB_ALL_NODES, &stats);
	assert_int_equal(stats.free, free);
	assert_int_equal(stats.reserved, reserved);
}

static int fill_pool(void **state)
{
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, BLOCKS);
	assert_pool(BLOCKS, 0);
	(void)state;
	return 0;
}

static int empty_pool(void **state)
{
	assert_pool(BLOCKS, 0);
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, 0);
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
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, 0);
	hugetlb_get_stats(HUGETLB_2M, HUGETLB_ALL_NODES, &stats);
	assert_int_equal(stats.total, 1);
	assert_int_equal(stats.surplus, 1);
	test_space_end(space);
	assert_pool(0, 0);
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, BLOCKS);
}

enum { HUGE_SHARED = MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB };

/* Promises of shared memory are the object's: a child uses what the parent was promised. */
static void shared_memory_is_promised_page_by_page(void **state __unused)
{
	struct address_space *parent = test_space(), *child;
	long base = vmm_mmap(parent, 0, 3 * HUGE_SIZE, RW, HUGE_SHARED, NULL, 0);

	assert_true(base > 0 && (vaddr_t)base % HUGE_SIZE == 0);
	assert_pool(BLOCKS, 3);
	assert_int_equal(vmm_mmap(parent, 0, 2 * HUGE_SIZE, RW, HUGE_SHARED, NULL, 0), -ENOMEM);
	assert_pool(BLOCKS, 3);
	assert_reads((vaddr_t)base + PAGE_SIZE, 0);
	assert_pool(BLOCKS - 1, 2);
	child = vmm_copy_address_space(parent);
	assert_non_null(child);
	vmm_switch_address_space(child);
	assert_writes((vaddr_t)base + PAGE_SIZE, 7);
	assert_writes((vaddr_t)base + HUGE_SIZE, 8);
	assert_pool(BLOCKS - 2, 1);
	vmm_switch_address_space(parent);
	assert_reads((vaddr_t)base + PAGE_SIZE, 7);
	assert_reads((vaddr_t)base + HUGE_SIZE, 8);
	assert_writes((vaddr_t)base + HUGE_SIZE + 5, 9);
	tree_check(parent->family, false);
	/* What is unmapped stays the object's. */
	assert_int_equal(vmm_munmap(parent, (vaddr_t)base, 3 * HUGE_SIZE), 0);
	assert_pool(BLOCKS - 2, 1);
	vmm_switch_address_space(child);
	assert_reads((vaddr_t)base + HUGE_SIZE + 5, 9);
	vmm_switch_address_space(parent);
	vmm_put_address_space(child);
	assert_pool(BLOCKS, 0);
	test_space_end(parent);
}

/* A file of huge pages with references of its own. */
static struct page_cache file_cache;
static struct hugetlb_file file;

static void keep(struct backing *backing __unused) {}

static const struct backing_ops file_ops = {.get = keep, .put = keep};
static struct backing file_backing = {.ops = &file_ops, .cache = &file_cache};

static void make_file(size_t blocks, struct hugetlb_quota *quota)
{
	page_cache_init(&file_cache, NULL);
	hugetlb_file_init(&file, &file_cache, HUGETLB_2M, quota);
	file_cache.size = blocks * HUGE_SIZE;
}

static vaddr_t map_file(struct address_space *space, size_t blocks, u32 flags)
{
	long result = vmm_mmap(space, 0, blocks * HUGE_SIZE, RW, flags, &file_backing, 0);

	assert_true(result > 0);
	return (vaddr_t)result;
}

static void truncation_takes_pages_and_promises(void **state __unused)
{
	struct address_space *space = test_space();
	make_file(4, NULL);
	vaddr_t base = map_file(space, 4, MAP_SHARED);

	assert_pool(BLOCKS, 4);
	assert_writes(base, 1);
	assert_writes(base + 2 * HUGE_SIZE, 2);
	assert_pool(BLOCKS - 2, 2);
	assert_int_equal(hugetlb_file_truncate(&file, HUGE_SIZE + PAGE_SIZE), -EINVAL);
	assert_int_equal(hugetlb_file_truncate(&file, HUGE_SIZE), 0);
	assert_pool(BLOCKS - 1, 0);
	assert_reads(base, 1);
	assert_write_faults(base + HUGE_SIZE, SIGBUS, BUS_ADRERR);
	assert_write_faults(base + 2 * HUGE_SIZE, SIGBUS, BUS_ADRERR);
	tree_check(space->family, false);
	test_space_end(space);
	hugetlb_file_destroy(&file);
	assert_pool(BLOCKS, 0);
}

static void holes_are_punched_in_whole_pages(void **state __unused)
{
	struct address_space *space = test_space();
	make_file(3, NULL);
	vaddr_t base = map_file(space, 3, MAP_SHARED);

	for (u32 i = 0; i < 3; i++) {
		assert_writes(base + i * HUGE_SIZE, 1);
		assert_writes(base + (i + 1) * HUGE_SIZE - 1, 2);
	}
	assert_pool(BLOCKS - 3, 0);
	hugetlb_file_punch(&file, HUGE_SIZE - 1, 2 * HUGE_SIZE + 1);
	assert_pool(BLOCKS - 2, 0);
	assert_reads(base, 1);
	assert_reads(base + HUGE_SIZE - 1, 0);
	assert_reads(base + 2 * HUGE_SIZE, 0);
	assert_reads(base + 3 * HUGE_SIZE - 1, 2);
	assert_reads(base + HUGE_SIZE, 0);
	test_space_end(space);
	hugetlb_file_destroy(&file);
	assert_pool(BLOCKS, 0);
}

/* Private mappings of a file have the file's pages to read and their own to write, and memory of
 * the pool where there is a hole. */
static void private_mappings_of_files(void **state __unused)
{
	struct address_space *space = test_space();
	make_file(2, NULL);
	vaddr_t shared = map_file(space, 1, MAP_SHARED), own;

	assert_writes(shared, 1);
	assert_pool(BLOCKS - 1, 0);
	own = map_file(space, 2, MAP_PRIVATE);
	assert_pool(BLOCKS - 1, 2);
	assert_reads(own, 1);
	assert_pool(BLOCKS - 1, 1);
	assert_writes(own, 2);
	assert_reads(shared, 1);
	assert_writes(shared + PAGE_SIZE, 3);
	assert_reads(own + PAGE_SIZE, 3);
	assert_reads(own, 2);
	assert_writes(own + HUGE_SIZE, 4);
	assert_pool(BLOCKS - 2, 0);
	assert_false(hugetlb_file_allocate(&file, HUGE_SIZE, 2 * HUGE_SIZE));
	assert_reads(own + HUGE_SIZE, 4);
	tree_check(space->family, false);
	test_space_end(space);
	hugetlb_file_destroy(&file);
	assert_pool(BLOCKS, 0);
}

static void quota_keeps_the_least_and_allows_the_most(void **state __unused)
{
	struct address_space *space = test_space();
	struct hugetlb_quota quota;

	assert_int_equal(hugetlb_quota_init(&quota, HUGETLB_2M, 3, BLOCKS + 1), -ENOMEM);
	assert_int_equal(hugetlb_quota_init(&quota, HUGETLB_2M, 3, 2), 0);
	assert_pool(BLOCKS, 2);
	make_file(4, &quota);
	assert_int_equal(vmm_mmap(space, 0, 4 * HUGE_SIZE, RW, MAP_SHARED, &file_backing, 0),
			 -ENOMEM);
	assert_pool(BLOCKS, 2);
	vaddr_t base = map_file(space, 3, MAP_SHARED);
	assert_pool(BLOCKS, 3);
	for (u32 i = 0; i < 3; i++)
		assert_writes(base + i * HUGE_SIZE, 1);
	assert_pool(BLOCKS - 3, 0);
	assert_int_equal(hugetlb_file_allocate(&file, 0, 4 * HUGE_SIZE), -ENOSPC);
	assert_int_equal(hugetlb_file_truncate(&file, HUGE_SIZE), 0);
	assert_pool(BLOCKS - 1, 1);
	test_space_end(space);
	hugetlb_file_destroy(&file);
	assert_pool(BLOCKS, 2);
	hugetlb_quota_end(&quota);
	assert_pool(BLOCKS, 0);
}

/* More than the pool has, as long as they are needed. */
static void surplus_comes_and_goes(void **state __unused)
{
	struct address_space *space = test_space();
	struct hugetlb_stats stats;

	hugetlb_set_overcommit(HUGETLB_2M, 2);
	vaddr_t base = map_huge(space, BLOCKS + 2);
	hugetlb_get_stats(HUGETLB_2M, HUGETLB_ALL_NODES, &stats);
	assert_int_equal(stats.total, BLOCKS + 2);
	assert_int_equal(stats.surplus, 2);
	assert_int_equal(vmm_mmap(space, 0, HUGE_SIZE, RW, HUGE_ANON, NULL, 0), -ENOMEM);
	for (u32 i = 0; i < BLOCKS + 2; i++)
		assert_writes(base + i * HUGE_SIZE, 1);
	assert_pool(0, 0);
	test_space_end(space);
	hugetlb_get_stats(HUGETLB_2M, HUGETLB_ALL_NODES, &stats);
	assert_int_equal(stats.total, BLOCKS);
	assert_int_equal(stats.surplus, 0);
	hugetlb_set_overcommit(HUGETLB_2M, 0);
}

static void command_line_fills_pools(void **state __unused)
{
	enum hugetlb_size size;
	struct hugetlb_stats stats;

	hugetlb_init("quiet hugepagesz=2M hugepages=2 hugepagesz=7M hugepages=9 "
		     "default_hugepagesz=3M -- "
		     "hugepages=7");
	hugetlb_get_stats(HUGETLB_2M, HUGETLB_ALL_NODES, &stats);
	assert_int_equal(stats.total, 2);
	hugetlb_init("hugepages=many default_hugepagesz=1G");
	assert_int_equal(hugetlb_default(), HUGETLB_1G);
	assert_true(hugetlb_size_of_shift(0, &size));
	assert_int_equal(size, HUGETLB_1G);
	assert_true(hugetlb_size_of_shift(HUGE_SHIFT, &size));
	assert_int_equal(size, HUGETLB_2M);
	assert_false(hugetlb_size_of_shift(HUGE_SHIFT + 1, &size));
	/* More than memory has. */
	hugetlb_init("default_hugepagesz=2M hugepages=100000");
	hugetlb_get_stats(HUGETLB_2M, HUGETLB_ALL_NODES, &stats);
	assert_true(stats.total > 2 && stats.total < 100000);
	assert_int_equal(hugetlb_default(), HUGETLB_2M);
	hugetlb_resize_node(HUGETLB_2M, 0, 1);
	hugetlb_get_stats(HUGETLB_2M, 1, &stats);
	assert_int_equal(stats.total, 1);
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, 0);
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, fill_pool, empty_pool)

static void nothing_is_lost(void **state __unused)
{
	size_t before = machine_frames_used();

	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, BLOCKS);
	assert_true(machine_frames_used() >= before + BLOCKS * PTES_PER_TABLE);
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, 0);
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
		POOL_TEST(shared_memory_is_promised_page_by_page),
		POOL_TEST(truncation_takes_pages_and_promises),
		POOL_TEST(holes_are_punched_in_whole_pages),
		POOL_TEST(private_mappings_of_files),
		POOL_TEST(quota_keeps_the_least_and_allows_the_most),
		POOL_TEST(surplus_comes_and_goes),
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(command_line_fills_pools),
	};

	machine_start(64 * MIB);
	return cmocka_run_group_tests_name("mm hugetlb", tests, NULL, NULL);
}
