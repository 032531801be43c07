/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nth allocation fails in what is done to huge pages: those that faults and collapsing make,
 * and those of the pools, in private memory, shared memory and files.
 */
#include "tests/host/mm/nth.h"

#include "mm/collapse.h"
#include "mm/huge.h"
#include "mm/hugetlb.h"
#include "mm/region.h"

enum { BLOCKS = 6, NONE = 0 };

/* Two huge pages, written; room for a third one; 2 MiB of which each second page is there. */
static const vaddr_t BASE = (vaddr_t)1 << 32, SMALL = BASE + 8 * HUGE_SIZE;
/* Of the pool: private, the first of two written; shared, likewise; the file, private. */
static const vaddr_t OWN = (vaddr_t)2 << 32, SHARED = OWN + 8 * HUGE_SIZE,
		     PRIVATE = SHARED + 8 * HUGE_SIZE, ELSEWHERE = 0x200000000000;

static struct page_cache cache;
static struct hugetlb_file file;

static void keep(struct backing *backing __unused) {}

static const struct backing_ops file_ops = {.get = keep, .put = keep};
static struct backing backing = {.ops = &file_ops, .cache = &cache};

static void map(struct address_space *space, vaddr_t at, size_t length, u32 flags,
		struct backing *file_of)
{
	assert_int_equal(vmm_mmap(space, at, length, RW, flags | MAP_FIXED, file_of, 0), at);
}

/* --- A world of huge pages --- */

static struct address_space *make_huge(void)
{
	struct address_space *parent = test_space();

	parent->limits.locked = VM_UNLIMITED;
	map(parent, BASE, 3 * HUGE_SIZE, ANON, NULL);
	map(parent, SMALL, HUGE_SIZE, ANON, NULL);
	assert_writes(BASE, 1);
	assert_writes(BASE + 2 * HUGE_SIZE - 1, 2);
	assert_int_equal(huge_pages_mapped(), 2);
	huge_settings.enabled = HUGE_NEVER;
	for (u32 i = 0; i < 8; i += 2)
		assert_writes(SMALL + i * PAGE_SIZE, (u8)(i + 10));
	huge_settings.enabled = HUGE_ALWAYS;
	return parent;
}

static void check_huge(void)
{
	assert_reads(BASE, 1);
	assert_reads(BASE + PAGE_SIZE, 0);
	assert_reads(BASE + 2 * HUGE_SIZE - 1, 2);
	for (u32 i = 0; i < 8; i++)
		assert_reads(SMALL + i * PAGE_SIZE, i % 2 == 0 ? i + 10 : 0);
}

static void end_huge(void)
{
	assert_int_equal(huge_pages_mapped(), 0);
}

static int first_write(struct address_space *space __unused)
{
	return nth_touched(program_write(BASE + 2 * HUGE_SIZE, 1, NULL));
}

static int shared_write(struct address_space *space __unused)
{
	return nth_touched(program_write(BASE + PAGE_SIZE, 1, NULL));
}

static int protect_a_piece(struct address_space *space)
{
	return vmm_mprotect(space, BASE + PAGE_SIZE, PAGE_SIZE, PROT_READ);
}

static int unmap_a_piece(struct address_space *space)
{
	return vmm_munmap(space, BASE + PAGE_SIZE, PAGE_SIZE);
}

static int move_one(struct address_space *space)
{
	return nth_outcome(vmm_mremap(space, BASE, HUGE_SIZE, HUGE_SIZE,
				      MREMAP_MAYMOVE | MREMAP_FIXED, ELSEWHERE));
}

static int drop_a_piece(struct address_space *space)
{
	return vmm_madvise(space, BASE + PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
}

static int collapse_shared(struct address_space *space)
{
	return vmm_collapse(space, SMALL, SMALL + HUGE_SIZE);
}

static int collapse_by_advice(struct address_space *space)
{
	return vmm_madvise(space, SMALL, HUGE_SIZE, MADV_COLLAPSE);
}

static int khugepaged(struct address_space *space __unused)
{
	(void)!collapse_round();
	return 0;
}

static int advise_huge(struct address_space *space)
{
	return vmm_madvise(space, BASE, HUGE_SIZE, MADV_HUGEPAGE);
}

static int advise_no_huge(struct address_space *space)
{
	return vmm_madvise(space, BASE, HUGE_SIZE, MADV_NOHUGEPAGE);
}

static int fork_huge(struct address_space *space)
{
	nth_made = vmm_copy_address_space(space);
	return nth_made != NULL ? 0 : -ENOMEM;
}

static const struct nth_call huge_calls[] = {
	{"a write where a huge page fits", first_write, NONE},
	{"a write to a huge page that is shared", shared_write, NONE},
	{"mprotect of a piece of one", protect_a_piece, NONE},
	{"munmap of a piece", unmap_a_piece, NONE},
	{"mremap of one", move_one, NONE},
	{"MADV_DONTNEED of a piece", drop_a_piece, NONE},
	{"the same without sharing", drop_a_piece, IN_PARENT},
	{"collapsing what is shared", collapse_shared, NONE},
	{"MADV_COLLAPSE", collapse_by_advice, IN_PARENT},
	{"khugepaged", khugepaged, IN_PARENT},
	{"MADV_HUGEPAGE", advise_huge, NONE},
	{"MADV_NOHUGEPAGE", advise_no_huge, NONE},
	{"fork with huge pages", fork_huge, NONE},
};

static void test_10_huge_pages(void **state __unused)
{
	const struct nth_world world = {make_huge, check_huge, end_huge, BASE + 3 * PAGE_SIZE};

	nth_sweep(&world, huge_calls, ARRAY_SIZE(huge_calls));
}

/* --- A world of pages from the pool --- */

static struct address_space *make_pool(void)
{
	struct address_space *parent = test_space();

	parent->limits.locked = VM_UNLIMITED;
	page_cache_init(&cache, NULL);
	hugetlb_file_init(&file, &cache, HUGETLB_2M, NULL);
	cache.size = 3 * HUGE_SIZE;
	map(parent, OWN, 2 * HUGE_SIZE, ANON | MAP_HUGETLB | MAP_NORESERVE, NULL);
	map(parent, SHARED, 2 * HUGE_SIZE, MAP_SHARED | MAP_NORESERVE, &backing);
	map(parent, PRIVATE, 2 * HUGE_SIZE, MAP_PRIVATE | MAP_NORESERVE, &backing);
	assert_writes(OWN, 1);
	assert_writes(OWN + PAGE_SIZE, 2);
	assert_writes(SHARED, 3);
	return parent;
}

static void check_pool(void)
{
	assert_reads(OWN, 1);
	assert_reads(OWN + PAGE_SIZE, 2);
	assert_reads(SHARED, 3);
	assert_reads(PRIVATE, 3);
}

/* Nothing is handed out or promised any more. */
static void end_pool(void)
{
	struct hugetlb_stats stats;

	hugetlb_file_destroy(&file);
	hugetlb_set_overcommit(HUGETLB_2M, 0);
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, BLOCKS);
	hugetlb_get_stats(HUGETLB_2M, HUGETLB_ALL_NODES, &stats);
	assert_int_equal(stats.total, BLOCKS);
	assert_int_equal(stats.free, BLOCKS);
	assert_int_equal(stats.reserved, 0);
	assert_int_equal(stats.surplus, 0);
}

static int pool_map(struct address_space *space)
{
	return nth_outcome(
		vmm_mmap(space, 0, HUGE_SIZE, RW, ANON | MAP_HUGETLB | MAP_POPULATE, NULL, 0));
}

static int pool_map_shared(struct address_space *space)
{
	return nth_outcome(vmm_mmap(space, 0, HUGE_SIZE, RW,
				    MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, NULL, 0));
}

static int pool_map_file(struct address_space *space)
{
	return nth_outcome(vmm_mmap(space, ELSEWHERE, 3 * HUGE_SIZE, RW, MAP_SHARED, &backing, 0));
}

static int pool_map_surplus(struct address_space *space)
{
	hugetlb_set_overcommit(HUGETLB_2M, 4);
	return nth_outcome(
		vmm_mmap(space, 0, (BLOCKS + 1) * HUGE_SIZE, RW, ANON | MAP_HUGETLB, NULL, 0));
}

static int pool_fault(struct address_space *space __unused)
{
	return nth_touched(program_write(OWN + HUGE_SIZE, 1, NULL));
}

static int pool_copy(struct address_space *space __unused)
{
	return nth_touched(program_write(OWN + PAGE_SIZE, 1, NULL));
}

static int pool_file_fault(struct address_space *space __unused)
{
	return nth_touched(program_write(SHARED + HUGE_SIZE, 1, NULL));
}

static int pool_file_private_read(struct address_space *space __unused)
{
	u8 seen;

	return nth_touched(program_read(PRIVATE, &seen, NULL));
}

static int pool_file_private_write(struct address_space *space __unused)
{
	return nth_touched(program_write(PRIVATE, 1, NULL));
}

static int pool_file_private_hole(struct address_space *space __unused)
{
	return nth_touched(program_write(PRIVATE + HUGE_SIZE, 1, NULL));
}

/* With no memory for the tree of pages, the pool's page cannot be had either: Linux says so, too. */
static int no_space(int result)
{
	return result == -ENOSPC ? -ENOMEM : result;
}

static int pool_file_reserve(struct address_space *space __unused)
{
	return hugetlb_file_reserve(&file, 0, 3 * HUGE_SIZE);
}

static int pool_file_allocate(struct address_space *space __unused)
{
	return no_space(hugetlb_file_allocate(&file, 0, 3 * HUGE_SIZE));
}

static int pool_file_punch(struct address_space *space __unused)
{
	hugetlb_file_punch(&file, HUGE_SIZE, 2 * HUGE_SIZE);
	return 0;
}

static int pool_file_truncate(struct address_space *space __unused)
{
	return hugetlb_file_truncate(&file, HUGE_SIZE);
}

static int pool_unmap(struct address_space *space)
{
	return vmm_munmap(space, OWN, HUGE_SIZE);
}

static int pool_protect(struct address_space *space)
{
	return vmm_mprotect(space, OWN, HUGE_SIZE, PROT_READ);
}

static int pool_drop(struct address_space *space)
{
	return vmm_madvise(space, OWN, HUGE_SIZE, MADV_DONTNEED);
}

static int pool_move(struct address_space *space)
{
	return nth_outcome(vmm_mremap(space, OWN, HUGE_SIZE, HUGE_SIZE,
				      MREMAP_MAYMOVE | MREMAP_FIXED, ELSEWHERE));
}

static int pool_lock(struct address_space *space)
{
	return vmm_mlock(space, OWN, 2 * HUGE_SIZE, 0);
}

static int pool_populate(struct address_space *space)
{
	return vmm_madvise(space, SHARED, 2 * HUGE_SIZE, MADV_POPULATE_WRITE);
}

/* As many blocks as can be had: fewer are no error. */
static int pool_resize(struct address_space *space __unused)
{
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, BLOCKS + 2);
	return 0;
}

static int pool_quota(struct address_space *space __unused)
{
	struct hugetlb_quota quota;
	int result = hugetlb_quota_init(&quota, HUGETLB_2M, 3, 2);

	if (result == 0)
		hugetlb_quota_end(&quota);
	return result;
}

static const struct nth_call pool_calls[] = {
	{"MAP_HUGETLB", pool_map, REMAPS},
	{"MAP_HUGETLB, shared", pool_map_shared, NONE},
	{"mmap of a file of huge pages", pool_map_file, NONE},
	{"MAP_HUGETLB beyond the pool", pool_map_surplus, NONE},
	{"a write to a page of the pool", pool_fault, NONE},
	{"a write to one that is shared", pool_copy, NONE},
	{"a write to a hole in a file", pool_file_fault, NONE},
	{"a read of a private mapping", pool_file_private_read, NONE},
	{"a write to a private mapping", pool_file_private_write, NONE},
	{"a write there to a hole", pool_file_private_hole, NONE},
	{"promising pages to a file", pool_file_reserve, NONE},
	{"fallocate", pool_file_allocate, NONE},
	{"punching a hole", pool_file_punch, NONE},
	{"truncation", pool_file_truncate, NONE},
	{"munmap of a page of the pool", pool_unmap, NONE},
	{"mprotect of one", pool_protect, NONE},
	{"MADV_DONTNEED of one", pool_drop, GIVES_UP},
	{"mremap of one", pool_move, NONE},
	{"mlock of some", pool_lock, REMAPS | IN_PARENT},
	{"MADV_POPULATE_WRITE", pool_populate, NONE},
	{"a larger pool", pool_resize, NONE},
	{"a mount's share", pool_quota, NONE},
	{"fork with pages of the pool", fork_huge, NONE},
};

static void test_10_pools_of_huge_pages(void **state __unused)
{
	const struct nth_world world = {make_pool, check_pool, end_pool, OWN + 3 * PAGE_SIZE};

	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, BLOCKS);
	nth_sweep(&world, pool_calls, ARRAY_SIZE(pool_calls));
	hugetlb_resize(HUGETLB_2M, HUGETLB_ALL_NODES, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_10_huge_pages),
		cmocka_unit_test(test_10_pools_of_huge_pages),
	};

	machine_start(64 * MIB);
	huge_settings.enabled = HUGE_ALWAYS;
	return cmocka_run_group_tests_name("mm sweep of huge pages", tests, NULL, NULL);
}
