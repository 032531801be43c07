/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on address spaces: moving, refusing, the heap, the stack, advice, locking. */
#include "tests/host/mm/support.h"

static void mremap_grows_moves_and_shrinks(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 4 * PAGE_SIZE);

	for (int page = 0; page < 4; page++)
		assert_writes(at + page * PAGE_SIZE, page + 1);
	/* Top down: right above is the base, so it cannot grow there; moving needs permission. */
	vaddr_t wall = (vaddr_t)vmm_mmap(space, at + 4 * PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED,
					 NULL, 0);
	assert_int_equal(wall, at + 4 * PAGE_SIZE);
	assert_int_equal(vmm_mprotect(space, wall, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(vmm_mremap(space, at, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0), -ENOMEM);
	long moved = vmm_mremap(space, at, 4 * PAGE_SIZE, 8 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
	assert_true(moved > 0 && (vaddr_t)moved != at);
	machine_check_tlbs();
	for (int page = 0; page < 4; page++)
		assert_reads((vaddr_t)moved + page * PAGE_SIZE, page + 1);
	assert_reads((vaddr_t)moved + 7 * PAGE_SIZE, 0);
	assert_read_faults(at, SIGSEGV, SEGV_MAPERR);
	assert_int_equal(vmm_mremap(space, (vaddr_t)moved, 8 * PAGE_SIZE, PAGE_SIZE, 0, 0), moved);
	assert_read_faults((vaddr_t)moved + PAGE_SIZE, SIGSEGV, SEGV_MAPERR);
	vaddr_t target = 0x10000000;
	assert_int_equal(vmm_mremap(space, (vaddr_t)moved, PAGE_SIZE, 2 * PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, target),
			 target);
	assert_reads(target, 1);
	assert_int_equal(vmm_mremap(space, target, PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED, at),
			 -EINVAL);
	assert_int_equal(vmm_mremap(space, target, PAGE_SIZE, PAGE_SIZE,
				    MREMAP_FIXED | MREMAP_MAYMOVE, target),
			 -EINVAL);
	assert_int_equal(vmm_mremap(space, 0x50000000, PAGE_SIZE, PAGE_SIZE, 0, 0), -EFAULT);
	assert_int_equal(vmm_mremap(space, target, 0, PAGE_SIZE, MREMAP_MAYMOVE, 0), -EINVAL);
	assert_int_equal(vmm_mremap(space, target, PAGE_SIZE, 0, MREMAP_MAYMOVE, 0), -EINVAL);
	long kept = vmm_mremap(space, target, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
			       MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	assert_true(kept > 0);
	assert_reads((vaddr_t)kept, 1);
	assert_reads(target, 0);
	test_space_end(space);
}

static void mmap_refuses_what_linux_refuses(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, PAGE_SIZE);

	assert_int_equal(vmm_mmap(space, 0, 0, RW, ANON, NULL, 0), -EINVAL);
	assert_int_equal(vmm_mmap(space, 0, PAGE_SIZE, RW, MAP_ANONYMOUS, NULL, 0), -EINVAL);
	assert_int_equal(vmm_mmap(space, at, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE, NULL, 0),
			 -EEXIST);
	assert_int_equal(vmm_mmap(space, at + 1, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
			 -EINVAL);
	assert_int_equal(vmm_mmap(space, USER_TOP, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
			 -ENOMEM);
	assert_int_equal(vmm_mmap(space, 0, USER_TOP + PAGE_SIZE, RW, ANON, NULL, 0), -ENOMEM);
	assert_int_equal(vmm_mmap(space, 0, SIZE_MAX - 100, RW, ANON, NULL, 0), -ENOMEM);
	assert_int_equal(vmm_mmap(space, 0, PAGE_SIZE, RW, ANON | MAP_HUGETLB, NULL, 0), -ENOMEM);
	assert_int_equal(vmm_mmap(space, 0, GIB, RW, ANON, NULL, 0), -ENOMEM);
	assert_true(vmm_mmap(space, 0, GIB, RW, ANON | MAP_NORESERVE, NULL, 0) > 0);
	assert_true(vmm_mmap(space, 0, GIB, PROT_NONE, ANON, NULL, 0) > 0);
	long low = vmm_mmap(space, 0, PAGE_SIZE, RW, ANON | MAP_32BIT, NULL, 0);
	assert_true(low > 0 && low < (long)(2 * GIB));
	assert_int_equal(vmm_mmap(space, 0x7000000, PAGE_SIZE, RW, ANON, NULL, 0), 0x7000000);
	space->limits.address_space = 2 * GIB + 100 * PAGE_SIZE;
	assert_int_equal(vmm_mmap(space, 0, 200 * PAGE_SIZE, RW, ANON, NULL, 0), -ENOMEM);
	space->limits.address_space = VM_UNLIMITED;
	space->limits.data = MIB;
	assert_int_equal(vmm_mmap(space, 0, 300 * PAGE_SIZE, RW, ANON, NULL, 0), -ENOMEM);
	assert_true(vmm_mmap(space, 0, 300 * PAGE_SIZE, PROT_READ, ANON, NULL, 0) > 0);
	test_space_end(space);
}

static void the_heap_grows_and_shrinks(void **state __unused)
{
	struct address_space *space = test_space();

	vmm_set_brk(space, 0x600000, false);
	assert_int_equal(vmm_expand_heap(space, 0), 0x600000);
	assert_int_equal(vmm_expand_heap(space, 0x600000 + 100), 0x600000 + 100);
	assert_writes(0x600000 + 50, 3);
	assert_int_equal(vmm_expand_heap(space, 0x600000 + 10 * PAGE_SIZE),
			 0x600000 + 10 * PAGE_SIZE);
	assert_writes(0x600000 + 9 * PAGE_SIZE, 4);
	assert_int_equal(space->regions.count, 1);
	assert_int_equal(vmm_expand_heap(space, 0x600000 + PAGE_SIZE), 0x600000 + PAGE_SIZE);
	assert_read_faults(0x600000 + 9 * PAGE_SIZE, SIGSEGV, SEGV_MAPERR);
	assert_reads(0x600000 + 50, 3);
	assert_int_equal(vmm_expand_heap(space, 0x5fffff), 0x600000 + PAGE_SIZE);
	long wall = vmm_mmap(space, 0x604000, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0);
	assert_int_equal(wall, 0x604000);
	assert_int_equal(vmm_expand_heap(space, 0x604000), 0x601000);
	assert_int_equal(vmm_expand_heap(space, 0x603000), 0x603000);
	space->limits.data = 16 * PAGE_SIZE;
	assert_int_equal(vmm_expand_heap(space, 0x600000 + 17 * PAGE_SIZE), 0x603000);
	test_space_end(space);
}

static void the_stack_grows_to_its_limit(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t top = space->layout.stack_top;
	struct region_info info;

	space->limits.stack = MIB;
	assert_int_equal(vmm_map_stack(space, 2 * PAGE_SIZE, RW), 0);
	assert_writes(top - 1, 1);
	assert_writes(top - 10 * PAGE_SIZE, 2);
	assert_writes(top - MIB, 3);
	assert_write_faults(top - MIB - 1, SIGSEGV, SEGV_MAPERR);
	assert_true(vmm_next_region(space, 0, &info, true));
	assert_string_equal(info.name, "[stack]");
	assert_int_equal(info.start, top - MIB);
	assert_int_equal(info.resident_pages, 3);
	/* A guard gap of a mebibyte to whatever lies below. */
	space->limits.stack = 64 * MIB;
	vaddr_t below = top - 4 * MIB;
	assert_true(vmm_mmap(space, below, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0) > 0);
	assert_writes(below + PAGE_SIZE + MIB, 1);
	assert_write_faults(below + PAGE_SIZE + MIB - 1, SIGSEGV, SEGV_MAPERR);
	test_space_end(space);
}

static void madvise_does_what_it_says(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 4 * PAGE_SIZE);

	for (int page = 0; page < 4; page++)
		assert_writes(at + page * PAGE_SIZE, 7);
	assert_int_equal(vmm_madvise(space, at + PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED), 0);
	machine_check_tlbs();
	assert_reads(at, 7);
	assert_reads(at + PAGE_SIZE, 0);
	assert_int_equal(vmm_madvise(space, at, PAGE_SIZE, MADV_DONTFORK), 0);
	assert_int_equal(vmm_madvise(space, at + 2 * PAGE_SIZE, PAGE_SIZE, MADV_WIPEONFORK), 0);
	struct address_space *child = vmm_copy_address_space(space);
	vmm_switch_address_space(child);
	assert_read_faults(at, SIGSEGV, SEGV_MAPERR);
	assert_reads(at + 2 * PAGE_SIZE, 0);
	assert_reads(at + 3 * PAGE_SIZE, 7);
	vmm_switch_address_space(space);
	vmm_put_address_space(child);
	assert_reads(at + 2 * PAGE_SIZE, 7);
	assert_int_equal(vmm_madvise(space, at, 5 * PAGE_SIZE, MADV_NORMAL), -ENOMEM);
	assert_int_equal(vmm_madvise(space, at, PAGE_SIZE, 77), -EINVAL);
	assert_int_equal(vmm_madvise(space, at + 1, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	assert_int_equal(vmm_madvise(space, at, 0, MADV_DONTNEED), 0);
	assert_int_equal(vmm_madvise(space, at, PAGE_SIZE, MADV_POPULATE_WRITE), 0);
	assert_int_equal(vmm_madvise(space, at, 8 * PAGE_SIZE, MADV_POPULATE_READ), -ENOMEM);
	assert_int_equal(vmm_mlock(space, at, PAGE_SIZE, 0), 0);
	assert_int_equal(vmm_madvise(space, at, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	test_space_end(space);
}

static void locking_counts_against_the_limit(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 8 * PAGE_SIZE);
	u8 resident[8];

	space->limits.locked = 4 * PAGE_SIZE;
	assert_int_equal(vmm_mlock(space, at, 5 * PAGE_SIZE, 0), -ENOMEM);
	assert_int_equal(vmm_mlock(space, at + 100, 2 * PAGE_SIZE, 0), 0);
	assert_int_equal(space->locked_pages, 3);
	assert_int_equal(vmm_mlock(space, at, 4 * PAGE_SIZE, 0), 0);
	assert_int_equal(vmm_mincore(space, at, 8 * PAGE_SIZE, resident), 0);
	for (int page = 0; page < 8; page++)
		assert_int_equal(resident[page], page < 4);
	assert_int_equal(vmm_munlock(space, at, 8 * PAGE_SIZE), 0);
	assert_int_equal(space->locked_pages, 0);
	assert_int_equal(vmm_mlockall(space, MCL_CURRENT), -ENOMEM);
	assert_int_equal(vmm_mlockall(space, MCL_ONFAULT), -EINVAL);
	assert_int_equal(vmm_mlockall(space, MCL_FUTURE), 0);
	assert_int_equal(vmm_mmap(space, 0, 5 * PAGE_SIZE, RW, ANON, NULL, 0), -EAGAIN);
	assert_int_equal(vmm_munlockall(space), 0);
	space->limits.locked = 0;
	assert_int_equal(vmm_mlock(space, at, PAGE_SIZE, 0), -EPERM);
	assert_int_equal(vmm_mlock(space, at, PAGE_SIZE, 2), -EINVAL);
	assert_int_equal(vmm_mincore(space, at, 9 * PAGE_SIZE, resident), -ENOMEM);
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
		TEST_WITHOUT_LEAKS(mremap_grows_moves_and_shrinks),
		TEST_WITHOUT_LEAKS(mmap_refuses_what_linux_refuses),
		TEST_WITHOUT_LEAKS(the_heap_grows_and_shrinks),
		TEST_WITHOUT_LEAKS(the_stack_grows_to_its_limit),
		TEST_WITHOUT_LEAKS(madvise_does_what_it_says),
		TEST_WITHOUT_LEAKS(locking_counts_against_the_limit),
	};

	return cmocka_run_group_tests_name("mm space calls", tests, start, NULL);
}
