/* SPDX-License-Identifier: BSD-2-Clause */
/* Huge pages: made by faults, shared by fork, split by whoever changes a part. */
#include "tests/host/mm/support.h"

#include "mm/collapse.h"
#include "mm/huge.h"
#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/tree.h"
#include "mm/tree_check.h"

enum { PAGES = PTES_PER_TABLE };

/* An aligned piece of 2 MiB in the middle of a mapping that is larger by `more` on both sides. */
static vaddr_t map_aligned(struct address_space *space, size_t length, size_t more)
{
	vaddr_t base = (vaddr_t)1 << 32;

	assert_int_equal(
		vmm_mmap(space, base - more, length + 2 * more, RW, ANON | MAP_FIXED, NULL, 0),
		base - more);
	return base;
}

static u64 kilobytes(struct address_space *space, vaddr_t start, size_t length)
{
	struct region_usage usage;

	vmm_region_usage(space, start, start + length, &usage);
	return usage.huge / KIB;
}

static void check(struct address_space *space)
{
	machine_check_tlbs();
	tree_check(space->family, true);
}

static void write_maps_a_whole_block(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_aligned(space, HUGE_SIZE, PAGE_SIZE);

	assert_writes(base + 5 * PAGE_SIZE, 7);
	assert_int_equal(kilobytes(space, base, HUGE_SIZE), 2048);
	assert_int_equal(huge_pages_mapped(), 1);
	phys_t first = vmm_get_physical_addr(space, base);
	for (u32 i = 0; i < PAGES; i++) {
		assert_int_equal(vmm_get_physical_addr(space, base + i * PAGE_SIZE),
				 first + i * PAGE_SIZE);
		assert_reads(base + i * PAGE_SIZE, i == 5 ? 7 : 0);
	}
	check(space);
	test_space_end(space);
	assert_int_equal(huge_pages_mapped(), 0);
}

static void no_block_beyond_the_region(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_aligned(space, HUGE_SIZE - PAGE_SIZE, 0);

	assert_writes(base, 1);
	assert_int_equal(kilobytes(space, base, HUGE_SIZE - PAGE_SIZE), 0);
	check(space);
	test_space_end(space);
}

static void advice_decides(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_aligned(space, 2 * HUGE_SIZE, 0);

	assert_int_equal(vmm_madvise(space, base, HUGE_SIZE, MADV_NOHUGEPAGE), 0);
	assert_writes(base, 1);
	assert_writes(base + HUGE_SIZE, 1);
	assert_int_equal(kilobytes(space, base, 2 * HUGE_SIZE), 2048);
	huge_settings.enabled = HUGE_ADVISED;
	base += 4 * HUGE_SIZE;
	assert_int_equal(vmm_mmap(space, base, 2 * HUGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0), base);
	assert_int_equal(vmm_madvise(space, base, HUGE_SIZE, MADV_HUGEPAGE), 0);
	assert_writes(base, 1);
	assert_writes(base + HUGE_SIZE, 1);
	assert_int_equal(kilobytes(space, base, 2 * HUGE_SIZE), 2048);
	huge_settings.enabled = HUGE_ALWAYS;
	check(space);
	test_space_end(space);
}

/* What each way of changing a part leaves of a huge page: 512 pages that hold what they held. */
static void whoever_changes_a_part_splits(void **state __unused)
{
	enum { PROTECT, UNMAP, DROP, MOVE, WAYS };

	for (int way = 0; way < WAYS; way++) {
		struct address_space *space = test_space();
		vaddr_t base = map_aligned(space, HUGE_SIZE, PAGE_SIZE);
		vaddr_t part = base + 100 * PAGE_SIZE;
		size_t length = 3 * PAGE_SIZE;
		for (u32 i = 0; i < PAGES; i++)
			assert_writes(base + i * PAGE_SIZE, (u8)i);
		assert_int_equal(huge_pages_mapped(), 1);
		if (way == PROTECT)
			assert_int_equal(vmm_mprotect(space, part, length, PROT_READ), 0);
		if (way == UNMAP)
			assert_int_equal(vmm_munmap(space, part, length), 0);
		if (way == DROP)
			assert_int_equal(vmm_madvise(space, part, length, MADV_DONTNEED), 0);
		if (way == MOVE)
			assert_int_equal(vmm_mremap(space, part, length, length,
						    MREMAP_MAYMOVE | MREMAP_FIXED,
						    base + 16 * HUGE_SIZE),
					 base + 16 * HUGE_SIZE);
		assert_int_equal(huge_pages_mapped(), 0);
		check(space);
		for (u32 i = 0; i < PAGES; i++) {
			if (i < 100 || i >= 103 || way == PROTECT)
				assert_reads(base + i * PAGE_SIZE, (u8)i);
			else if (way == DROP)
				assert_reads(base + i * PAGE_SIZE, 0);
			else
				assert_read_faults(base + i * PAGE_SIZE, SIGSEGV, SEGV_MAPERR);
			if (i >= 100 && i < 103 && way == MOVE)
				assert_reads(base + 16 * HUGE_SIZE + (i - 100) * PAGE_SIZE, (u8)i);
		}
		if (way == PROTECT)
			assert_write_faults(part, SIGSEGV, SEGV_ACCERR);
		check(space);
		test_space_end(space);
	}
}

static void munmap_of_all_gives_the_block_back(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_aligned(space, HUGE_SIZE, 0);

	assert_writes(base, 1);
	assert_int_equal(vmm_munmap(space, base, HUGE_SIZE), 0);
	assert_int_equal(huge_pages_mapped(), 0);
	assert_read_faults(base, SIGSEGV, SEGV_MAPERR);
	check(space);
	test_space_end(space);
}

/* After a child has come and gone, the parent's huge page is whole again, in one fault. */
static void child_that_only_reads_leaves_it_whole(void **state __unused)
{
	struct address_space *parent = test_space(), *child;
	vaddr_t base = map_aligned(parent, HUGE_SIZE, 0);

	assert_writes(base, 1);
	child = vmm_copy_address_space(parent);
	assert_non_null(child);
	vmm_switch_address_space(child);
	assert_reads(base, 1);
	assert_int_equal(kilobytes(child, base, HUGE_SIZE), 2048);
	check(parent);
	vmm_switch_address_space(parent);
	vmm_put_address_space(child);
	assert_writes(base + PAGE_SIZE, 2);
	assert_int_equal(kilobytes(parent, base, HUGE_SIZE), 2048);
	check(parent);
	test_space_end(parent);
}

/* A piece written on each side; then both exit, in either order. */
static void each_side_writes_and_exits(void **state __unused)
{
	for (int order = 0; order < 8; order++) {
		struct address_space *spaces[2];
		vaddr_t base;
		spaces[0] = test_space();
		base = map_aligned(spaces[0], 2 * HUGE_SIZE, 0);
		for (u32 i = 0; i < 2 * PAGES; i++)
			assert_writes(base + i * PAGE_SIZE, (u8)i);
		spaces[1] = vmm_copy_address_space(spaces[0]);
		assert_non_null(spaces[1]);
		for (int turn = 0; turn < 2; turn++) {
			u32 who = (u32)(turn ^ (order & 1));
			vmm_switch_address_space(spaces[who]);
			if (order & 4)
				assert_writes(base + 9 * PAGE_SIZE, (u8)(100 + who));
			else
				assert_writes(base + (9 + who) * PAGE_SIZE, (u8)(100 + who));
			check(spaces[0]);
		}
		for (u32 who = 0; who < 2; who++) {
			vmm_switch_address_space(spaces[who]);
			u32 written = order & 4 ? 9 : 9 + who;
			for (u32 i = 0; i < 2 * PAGES; i++)
				assert_reads(base + i * PAGE_SIZE,
					     i == written ? (u8)(100 + who) : (u8)i);
		}
		u32 last = (order >> 1) & 1;
		vmm_switch_address_space(spaces[last]);
		vmm_put_address_space(spaces[1 - last]);
		check(spaces[last]);
		assert_writes(base + 50 * PAGE_SIZE, 55);
		assert_reads(base + 51 * PAGE_SIZE, 51);
		assert_writes(base + HUGE_SIZE, 55);
		check(spaces[last]);
		test_space_end(spaces[last]);
		assert_int_equal(huge_pages_mapped(), 0);
	}
}

static void asked_for_pages_become_one(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_aligned(space, HUGE_SIZE, 0);

	assert_int_equal(vmm_madvise(space, base, HUGE_SIZE, MADV_NOHUGEPAGE), 0);
	for (u32 i = 0; i < PAGES; i += 2)
		assert_writes(base + i * PAGE_SIZE, (u8)i);
	assert_reads(base + PAGE_SIZE, 0);
	assert_int_equal(vmm_madvise(space, base, HUGE_SIZE, MADV_COLLAPSE), -EINVAL);
	assert_int_equal(vmm_madvise(space, base, HUGE_SIZE, MADV_HUGEPAGE), 0);
	huge_settings.enabled = HUGE_NEVER;
	assert_int_equal(vmm_madvise(space, base, HUGE_SIZE, MADV_COLLAPSE), 0);
	huge_settings.enabled = HUGE_ALWAYS;
	assert_int_equal(kilobytes(space, base, HUGE_SIZE), 2048);
	check(space);
	for (u32 i = 0; i < PAGES; i++)
		assert_reads(base + i * PAGE_SIZE, i % 2 == 0 ? (u8)i : 0);
	test_space_end(space);
}

/* What was split in place becomes one without a copy. */
static void in_order_pages_become_one_in_place(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_aligned(space, HUGE_SIZE, 0);

	assert_writes(base, 3);
	phys_t block = vmm_get_physical_addr(space, base);
	assert_int_equal(vmm_mprotect(space, base, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(vmm_mprotect(space, base, PAGE_SIZE, RW), 0);
	assert_int_equal(huge_pages_mapped(), 0);
	u64 copied = huge_events(HUGE_COLLAPSED);
	assert_int_equal(vmm_madvise(space, base, HUGE_SIZE, MADV_COLLAPSE), 0);
	assert_int_equal(huge_events(HUGE_COLLAPSED), copied);
	assert_int_equal(kilobytes(space, base, HUGE_SIZE), 2048);
	assert_int_equal(vmm_get_physical_addr(space, base), block);
	check(space);
	test_space_end(space);
}

/* Parent and child have written a piece each; the parent's becomes a huge page of its own. */
static void shared_pages_are_copied_for_who_asks(void **state __unused)
{
	struct address_space *parent = test_space(), *child;
	vaddr_t base = map_aligned(parent, HUGE_SIZE, 0);

	for (u32 i = 0; i < PAGES; i++)
		assert_writes(base + i * PAGE_SIZE, (u8)i);
	child = vmm_copy_address_space(parent);
	assert_non_null(child);
	assert_writes(base, 200);
	while (collapse_round() && parent->collapse_turn.at != 0)
		;
	assert_int_equal(kilobytes(parent, base, HUGE_SIZE), 0);
	assert_int_equal(vmm_madvise(parent, base, HUGE_SIZE, MADV_COLLAPSE), 0);
	assert_int_equal(kilobytes(parent, base, HUGE_SIZE), 2048);
	check(parent);
	vmm_switch_address_space(child);
	for (u32 i = 0; i < PAGES; i++)
		assert_reads(base + i * PAGE_SIZE, (u8)i);
	vmm_switch_address_space(parent);
	for (u32 i = 0; i < PAGES; i++)
		assert_reads(base + i * PAGE_SIZE, i == 0 ? 200 : (u8)i);
	vmm_put_address_space(child);
	check(parent);
	test_space_end(parent);
}

static void khugepaged_finds_what_has_become_fit(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_aligned(space, 2 * HUGE_SIZE, PAGE_SIZE);

	huge_settings.enabled = HUGE_NEVER;
	for (u32 i = 0; i < PAGES; i++)
		assert_writes(base + i * PAGE_SIZE, (u8)i);
	huge_settings.enabled = HUGE_ALWAYS;
	for (int round = 0; round < 4; round++)
		assert_true(collapse_round());
	assert_int_equal(kilobytes(space, base, HUGE_SIZE), 2048);
	assert_int_equal(kilobytes(space, base + HUGE_SIZE, HUGE_SIZE), 0);
	check(space);
	for (u32 i = 0; i < PAGES; i++)
		assert_reads(base + i * PAGE_SIZE, (u8)i);
	test_space_end(space);
}

/* One that is used stays; when it no longer is, its pages go one by one, and come back. */
static void reclaim_splits_what_is_not_used(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t base = map_aligned(space, HUGE_SIZE, 0);

	for (u32 i = 0; i < PAGES; i++)
		assert_writes(base + i * PAGE_SIZE, (u8)i);
	for (int use = 0; use < 2; use++) {
		vaddr_t at = base;
		rwlock_read_lock(&space->map_lock);
		(void)reclaim_region(space, region_find(space, base), &at, base + HUGE_SIZE,
				     RECLAIM_UNUSED, UINTPTR_MAX);
		rwlock_read_unlock(&space->map_lock);
		assert_int_equal(huge_pages_mapped(), use == 0);
	}
	vaddr_t at = base;
	rwlock_read_lock(&space->map_lock);
	assert_true(reclaim_region(space, region_find(space, base), &at, base + HUGE_SIZE,
				   RECLAIM_ALL, UINTPTR_MAX) > 0);
	rwlock_read_unlock(&space->map_lock);
	check(space);
	for (u32 i = 0; i < PAGES; i++)
		assert_reads(base + i * PAGE_SIZE, (u8)i);
	check(space);
	test_space_end(space);
}

/* As long as a space maps it as one, reclaim in another one's tree leaves the shared leaf alone. */
static void shared_leaf_changes_when_all_have_split(void **state __unused)
{
	struct address_space *parent = test_space(), *child;
	vaddr_t base = map_aligned(parent, 2 * HUGE_SIZE, 0);

	for (u32 i = 0; i < PAGES; i++)
		assert_writes(base + i * PAGE_SIZE, (u8)i);
	child = vmm_copy_address_space(parent);
	assert_non_null(child);
	/* The upper nodes are copied, and the leaf gets a second link. */
	assert_writes(base + HUGE_SIZE, 1);
	check(parent);
	for (int who = 0; who < 2; who++) {
		struct address_space *space = who == 0 ? parent : child;
		vaddr_t at = base;
		rwlock_read_lock(&space->map_lock);
		size_t taken = reclaim_region(space, region_find(space, base), &at,
					      base + HUGE_SIZE, RECLAIM_UNSHARE, UINTPTR_MAX);
		rwlock_read_unlock(&space->map_lock);
		assert_true(who == 0 ? taken == 0 : taken > 0);
		check(parent);
	}
	for (u32 i = 0; i < PAGES; i++)
		assert_reads(base + i * PAGE_SIZE, (u8)i);
	vmm_switch_address_space(child);
	for (u32 i = 0; i < PAGES; i++)
		assert_reads(base + i * PAGE_SIZE, (u8)i);
	vmm_put_address_space(parent);
	check(child);
	test_space_end(child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(write_maps_a_whole_block),
		TEST_WITHOUT_LEAKS(no_block_beyond_the_region),
		TEST_WITHOUT_LEAKS(advice_decides),
		TEST_WITHOUT_LEAKS(whoever_changes_a_part_splits),
		TEST_WITHOUT_LEAKS(munmap_of_all_gives_the_block_back),
		TEST_WITHOUT_LEAKS(child_that_only_reads_leaves_it_whole),
		TEST_WITHOUT_LEAKS(each_side_writes_and_exits),
		TEST_WITHOUT_LEAKS(asked_for_pages_become_one),
		TEST_WITHOUT_LEAKS(in_order_pages_become_one_in_place),
		TEST_WITHOUT_LEAKS(shared_pages_are_copied_for_who_asks),
		TEST_WITHOUT_LEAKS(khugepaged_finds_what_has_become_fit),
		TEST_WITHOUT_LEAKS(reclaim_splits_what_is_not_used),
		TEST_WITHOUT_LEAKS(shared_leaf_changes_when_all_have_split),
	};

	machine_start(64 * MIB);
	huge_settings.enabled = HUGE_ALWAYS;
	return cmocka_run_group_tests_name("mm huge", tests, NULL, NULL);
}
