/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single pages under the names that the project promises: paging_* for the current tree and the
 * kernel's half, vmm_* for a given space; ranges that are reserved; what is counted of faults.
 */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/paging.h"
#include "mm/reclaim.h"
#include "mm/space.h"

static const vaddr_t SOMEWHERE = 0x123456789000;

/* A frame of a program's with this byte all over. */
static phys_t frame_with(u8 byte)
{
	phys_t frame = frame_alloc();

	assert_int_not_equal(frame, 0);
	memset(phys_to_virt(frame), byte, PAGE_SIZE);
	return frame;
}

static void a_page_is_mapped_and_found(void **state __unused)
{
	struct address_space *space = test_space();
	phys_t frame = frame_with(7);

	assert_int_equal(paging_get_physical(SOMEWHERE), 0);
	assert_int_equal(paging_map_page(SOMEWHERE, frame, PAGE_WRITABLE | PAGE_USER), 0);
	assert_int_equal(paging_get_physical(SOMEWHERE), frame);
	assert_int_equal(paging_get_physical(SOMEWHERE + 0x123), frame + 0x123);
	assert_int_equal(paging_get_physical(SOMEWHERE + PAGE_SIZE), 0);
	assert_reads(SOMEWHERE + 5, 7);
	assert_writes(SOMEWHERE + 5, 8);
	assert_int_equal(((u8 *)phys_to_virt(frame))[5], 8);
	assert_int_equal(paging_map_page(SOMEWHERE, frame, PAGE_USER), -EEXIST);
	paging_unmap_page(SOMEWHERE);
	assert_int_equal(paging_get_physical(SOMEWHERE), 0);
	assert_read_faults(SOMEWHERE, SIGSEGV, SEGV_MAPERR);
	paging_unmap_page(SOMEWHERE);
	machine_check_tlbs();
	test_space_end(space);
}

static void bad_addresses_are_refused(void **state __unused)
{
	struct address_space *space = test_space();
	phys_t frame = frame_with(0);

	assert_int_equal(paging_map_page(SOMEWHERE + 1, frame, PAGE_USER), -EINVAL);
	assert_int_equal(paging_map_page(SOMEWHERE, frame + 8, PAGE_USER), -EINVAL);
	assert_int_equal(paging_map_page((vaddr_t)1 << 50, frame, PAGE_USER), -EINVAL);
	assert_int_equal(paging_get_physical((vaddr_t)1 << 50), 0);
	assert_int_equal(vmm_map_page(space, SOMEWHERE + 1, frame, PAGE_USER), -EINVAL);
	assert_int_equal(vmm_map_page(space, USER_TOP, frame, PAGE_USER), -EINVAL);
	paging_unmap_page((vaddr_t)1 << 50);
	frame_free(frame);
	test_space_end(space);
}

static void without_memory_the_tree_stays_as_it_was(void **state __unused)
{
	struct address_space *space = test_space();
	phys_t frame = frame_with(3);
	u64 failures = 0;
	bool failed = true;

	assert_int_equal(paging_map_page(SOMEWHERE + GIB, frame_with(4), PAGE_USER), 0);
	/* Each time at a place that has no tables yet.  Some allocations have a second try. */
	for (u64 nth = 1; failed; nth++) {
		vaddr_t page = SOMEWHERE - nth * GIB;
		size_t regions = space->regions.count;
		mm_checking.countdown = nth;
		int result = paging_map_page(page, frame, PAGE_USER);
		failed = mm_checking.countdown == 0;
		mm_checking.countdown = 0;
		if (result == 0) {
			assert_reads(page, 3);
			frame = frame_with(3);
			continue;
		}
		failures++;
		assert_int_equal(result, -ENOMEM);
		assert_int_equal(paging_get_physical(page), 0);
		assert_int_equal(space->regions.count, regions);
		assert_read_faults(page, SIGSEGV, SEGV_MAPERR);
	}
	assert_true(failures >= 2);
	assert_reads(SOMEWHERE + GIB, 4);
	frame_free(frame);
	test_space_end(space);
}

static void the_kernel_half_is_everybodys(void **state __unused)
{
	struct address_space *space = test_space(), *other = vmm_create_address_space();
	vaddr_t page = VMALLOC_END - PAGE_SIZE;
	phys_t frame = frame_with(9);

	assert_int_equal(paging_map_page(page, frame, PAGE_WRITABLE | PAGE_GLOBAL | PAGE_NX), 0);
	assert_int_equal(paging_map_page(page, frame, PAGE_WRITABLE), -EEXIST);
	assert_int_equal(paging_get_physical(page + 1), frame + 1);
	vmm_switch_address_space(other);
	assert_int_equal(paging_get_physical(page + 1), frame + 1);
	paging_unmap_page(page);
	vmm_switch_address_space(space);
	assert_int_equal(paging_get_physical(page), 0);
	vmm_put_address_space(other);
	test_space_end(space);
}

static void directories_are_made_cloned_and_freed(void **state __unused)
{
	page_directory_t *first = paging_create_directory();

	assert_non_null(first);
	paging_switch_directory(first);
	assert_int_equal(mmu_current_root(), first->root);
	assert_int_equal(paging_map_page(SOMEWHERE, frame_with(1), PAGE_WRITABLE | PAGE_USER), 0);
	phys_t frame = paging_get_physical(SOMEWHERE);
	page_directory_t *second = paging_clone_directory(first);
	assert_non_null(second);
	assert_writes(SOMEWHERE, 2);
	assert_int_not_equal(paging_get_physical(SOMEWHERE), frame);
	paging_switch_directory(second);
	assert_int_equal(mmu_current_root(), second->root);
	assert_int_equal(paging_get_physical(SOMEWHERE), frame);
	assert_reads(SOMEWHERE, 1);
	paging_free_directory(first);
	assert_writes(SOMEWHERE, 3);
	assert_int_equal(paging_get_physical(SOMEWHERE), frame);
	paging_switch_directory(NULL);
	assert_int_equal(mmu_current_root(), mmu_kernel_root());
	paging_free_directory(second);
	mm_checking.countdown = 1;
	assert_null(paging_create_directory());
	mm_checking.countdown = 0;
}

static void a_clone_that_fails_changes_nothing(void **state __unused)
{
	page_directory_t *first = paging_create_directory(), *second;

	paging_switch_directory(first);
	assert_int_equal(paging_map_page(SOMEWHERE, frame_with(1), PAGE_WRITABLE | PAGE_USER), 0);
	mm_checking.countdown = 1;
	second = paging_clone_directory(first);
	assert_null(second);
	mm_checking.countdown = 0;
	assert_writes(SOMEWHERE, 5);
	assert_reads(SOMEWHERE, 5);
	paging_switch_directory(NULL);
	paging_free_directory(first);
}

/* --- A given space --- */

static void pages_of_another_space(void **state __unused)
{
	struct address_space *space = test_space(), *other = vmm_create_address_space();
	phys_t frame = frame_with(6);

	assert_int_equal(vmm_map_page(other, SOMEWHERE, frame, PAGE_WRITABLE | PAGE_USER), 0);
	assert_int_equal(vmm_get_physical_addr(other, SOMEWHERE + 9), frame + 9);
	assert_int_equal(vmm_get_physical_addr(space, SOMEWHERE), 0);
	assert_read_faults(SOMEWHERE, SIGSEGV, SEGV_MAPERR);
	vmm_switch_address_space(other);
	assert_reads(SOMEWHERE, 6);
	struct address_space *child = vmm_copy_address_space(other);
	assert_non_null(child);
	vmm_unmap_page(other, SOMEWHERE);
	assert_read_faults(SOMEWHERE, SIGSEGV, SEGV_MAPERR);
	assert_int_equal(vmm_get_physical_addr(child, SOMEWHERE), frame);
	vmm_switch_address_space(child);
	assert_reads(SOMEWHERE, 6);
	machine_check_tlbs();
	vmm_switch_address_space(space);
	vmm_put_address_space(child);
	vmm_put_address_space(other);
	test_space_end(space);
}

static void ranges_are_reserved_and_dropped(void **state __unused)
{
	const size_t SIZE = 32 * MIB;
	struct address_space *space = test_space();
	size_t before = frame_get_free_memory();
	vaddr_t range = vmm_alloc_virtual(space, SIZE);

	assert_int_not_equal(range, 0);
	assert_int_equal(range % PAGE_SIZE, 0);
	assert_true(before - frame_get_free_memory() < 64 * KIB);
	assert_writes(range + 77 * PAGE_SIZE, 1);
	assert_reads(range + SIZE - 1, 0);
	assert_int_not_equal(vmm_get_physical_addr(space, range + 77 * PAGE_SIZE), 0);
	vaddr_t second = vmm_alloc_virtual(space, 3);
	assert_true(second + PAGE_SIZE <= range || second >= range + SIZE);
	assert_writes(second + PAGE_SIZE - 1, 1);
	vmm_free_virtual(space, range, SIZE);
	assert_read_faults(range, SIGSEGV, SEGV_MAPERR);
	assert_reads(second + PAGE_SIZE - 1, 1);
	assert_int_equal(vmm_alloc_virtual(space, 0), 0);
	assert_int_equal(vmm_alloc_virtual(space, USER_TOP), 0);
	vmm_free_virtual(space, second, 3);
	test_space_end(space);
}

/* --- Figures --- */

static void swap_in_faults_are_counted(void **state __unused)
{
	enum { PAGES = 8 };
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE), at = memory;
	vmm_stats_t before, after;

	for (u8 i = 0; i < PAGES; i++)
		assert_writes(memory + i * PAGE_SIZE, i + 1);
	rwlock_read_lock(&space->map_lock);
	assert_int_equal(reclaim_region(space, region_find(space, memory), &at,
					memory + PAGES * PAGE_SIZE, RECLAIM_ALL, UINTPTR_MAX),
			 PAGES);
	rwlock_read_unlock(&space->map_lock);
	assert_int_equal(vmm_get_physical_addr(space, memory), 0);
	vmm_get_stats(&before);
	for (u8 i = 0; i < PAGES; i++)
		assert_reads(memory + i * PAGE_SIZE, i + 1);
	vmm_get_stats(&after);
	assert_int_equal(after.swap_in_faults - before.swap_in_faults, PAGES);
	assert_int_equal(after.demand_faults, before.demand_faults);
	assert_true(after.total_faults - before.total_faults >= PAGES);
	assert_int_equal(vmm_handle_page_fault(memory, FAULT_USER | FAULT_WRITE, NULL), 0);
	test_space_end(space);
}

static int start(void **state __unused)
{
	machine_start(64 * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(a_page_is_mapped_and_found),
		TEST_WITHOUT_LEAKS(bad_addresses_are_refused),
		TEST_WITHOUT_LEAKS(without_memory_the_tree_stays_as_it_was),
		TEST_WITHOUT_LEAKS(the_kernel_half_is_everybodys),
		TEST_WITHOUT_LEAKS(directories_are_made_cloned_and_freed),
		TEST_WITHOUT_LEAKS(a_clone_that_fails_changes_nothing),
		TEST_WITHOUT_LEAKS(pages_of_another_space),
		TEST_WITHOUT_LEAKS(ranges_are_reserved_and_dropped),
		TEST_WITHOUT_LEAKS(swap_in_faults_are_counted),
	};

	return cmocka_run_group_tests_name("mm paging", tests, start, NULL);
}
