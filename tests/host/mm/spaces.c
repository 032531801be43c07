/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces: anonymous memory, protection, fork, memory that is exhausted. */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/slab.h"
#include "mm/usercopy.h"

static void untouched_memory_reads_as_zeros_and_costs_nothing(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 16 * PAGE_SIZE);
	struct vm_space_stats stats;

	for (int page = 0; page < 16; page++)
		assert_reads(at + page * PAGE_SIZE + 77, 0);
	vmm_space_stats(space, &stats);
	assert_int_equal(stats.resident, 0);
	assert_writes(at + 3 * PAGE_SIZE, 9);
	assert_reads(at + 3 * PAGE_SIZE, 9);
	assert_reads(at + 3 * PAGE_SIZE + 1, 0);
	vmm_space_stats(space, &stats);
	assert_int_equal(stats.resident_anonymous, 1);
	assert_int_equal(stats.total, 16);
	test_space_end(space);
}

static size_t resident_after(struct address_space *space, vaddr_t page)
{
	struct vm_space_stats stats;

	assert_writes(page, 1);
	vmm_space_stats(space, &stats);
	return stats.resident_anonymous;
}

static void touching_page_after_page_brings_some_ahead(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t hole = test_map(space, 4 * MIB);
	vaddr_t at = ALIGN_UP(hole, 2 * MIB);

	/* No sequence: every page comes alone. */
	assert_int_equal(resident_after(space, at + 40 * PAGE_SIZE), 1);
	assert_int_equal(resident_after(space, at + 44 * PAGE_SIZE), 2);
	/* The fifth page of a sequence brings eight more, and their bytes are zero. */
	for (size_t page = 0; page < 4; page++)
		assert_int_equal(resident_after(space, at + page * PAGE_SIZE), 3 + page);
	assert_int_equal(resident_after(space, at + 4 * PAGE_SIZE), 15);
	for (int page = 5; page < 13; page++)
		assert_reads(at + page * PAGE_SIZE + 8, 0);
	assert_int_equal(resident_after(space, at + 12 * PAGE_SIZE), 15);
	/* None beyond the region's end. */
	assert_int_equal(vmm_munmap(space, at + 15 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(resident_after(space, at + 13 * PAGE_SIZE), 17);
	machine_check_tlbs();
	test_space_end(space);
}

static void addresses_outside_of_regions_fault(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, PAGE_SIZE);

	assert_read_faults(at + PAGE_SIZE, SIGSEGV, SEGV_MAPERR);
	assert_read_faults(at - 1, SIGSEGV, SEGV_MAPERR);
	assert_read_faults(0, SIGSEGV, SEGV_MAPERR);
	assert_write_faults(USER_TOP, SIGSEGV, SEGV_MAPERR);
	assert_write_faults(KERNEL_BASE + 4096, SIGSEGV, SEGV_MAPERR);
	assert_execute_faults(at, SIGSEGV, SEGV_ACCERR);
	test_space_end(space);
}

static void munmap_takes_the_middle(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 5 * PAGE_SIZE);

	for (int page = 0; page < 5; page++)
		assert_writes(at + page * PAGE_SIZE, 10 + page);
	assert_int_equal(vmm_munmap(space, at + PAGE_SIZE, 2 * PAGE_SIZE), 0);
	machine_check_tlbs();
	assert_reads(at, 10);
	assert_read_faults(at + PAGE_SIZE, SIGSEGV, SEGV_MAPERR);
	assert_read_faults(at + 2 * PAGE_SIZE, SIGSEGV, SEGV_MAPERR);
	assert_reads(at + 3 * PAGE_SIZE, 13);
	assert_int_equal(space->regions.count, 2);
	assert_int_equal(vmm_munmap(space, at, 5 * PAGE_SIZE), 0);
	assert_int_equal(space->regions.count, 0);
	struct vm_space_stats stats;
	vmm_space_stats(space, &stats);
	assert_int_equal(stats.page_tables, 1);
	assert_int_equal(vmm_munmap(space, at + 1, PAGE_SIZE), -EINVAL);
	assert_int_equal(vmm_munmap(space, at, 0), -EINVAL);
	assert_int_equal(vmm_munmap(space, at, PAGE_SIZE), 0);
	test_space_end(space);
}

enum { LARGE = 64 }; /* MiB: more leaves than go in one piece, however they go */

static void write_each_mib(vaddr_t at)
{
	for (u32 i = 0; i < LARGE; i++)
		assert_writes(at + i * MIB, i + 1);
}

/* Of the MiBs at `at`, those from first to last - 1 are zeros. */
static void assert_emptied(vaddr_t at, u32 first, u32 last)
{
	machine_check_tlbs();
	for (u32 i = 0; i < LARGE; i++)
		assert_reads(at + i * MIB, i >= first && i < last ? 0 : i + 1);
}

static void many_leaves_go_in_pieces(void **state __unused)
{
	struct address_space *space = test_space();
	long mapped = vmm_mmap(space, 0, LARGE * MIB, RW, ANON | MAP_NORESERVE, NULL, 0);
	vaddr_t at = (vaddr_t)mapped;
	struct vm_space_stats before, after;

	assert_true(mapped > 0);

	/* Entries of many leaves; then those of nodes that somebody shares, too. */
	write_each_mib(at);
	vmm_space_stats(space, &before);
	assert_int_equal(vmm_madvise(space, at + 3 * MIB, 58 * MIB, MADV_DONTNEED), 0);
	assert_emptied(at, 3, 61);
	write_each_mib(at);
	struct address_space *child = vmm_copy_address_space(space);
	assert_non_null(child);
	vmm_switch_address_space(child);
	assert_int_equal(vmm_madvise(child, at + 5 * MIB, 50 * MIB, MADV_DONTNEED), 0);
	assert_emptied(at, 5, 55);
	vmm_switch_address_space(space);
	assert_emptied(at, 0, 0);
	/* Whole nodes, between two of which a part stays. */
	vmm_switch_address_space(child);
	assert_int_equal(vmm_munmap(child, at + MIB, (LARGE - 2) * MIB), 0);
	machine_check_tlbs();
	assert_reads(at, 1);
	assert_read_faults(at + MIB, SIGSEGV, SEGV_MAPERR);
	assert_read_faults(at + (LARGE - 2) * MIB, SIGSEGV, SEGV_MAPERR);
	assert_reads(at + (LARGE - 1) * MIB, LARGE);
	vmm_switch_address_space(space);
	vmm_put_address_space(child);
	assert_emptied(at, 0, 0);
	assert_int_equal(vmm_munmap(space, at + MIB, (LARGE - 2) * MIB), 0);
	machine_check_tlbs();
	vmm_space_stats(space, &after);
	assert_int_equal(after.resident_anonymous, before.resident_anonymous - (LARGE - 2));
	assert_true(after.page_tables + LARGE / 2 - 2 <= before.page_tables);
	assert_reads(at, 1);
	assert_reads(at + (LARGE - 1) * MIB, LARGE);
	test_space_end(space);
}

static void mprotect_splits_checks_and_joins(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 4 * PAGE_SIZE);

	for (int page = 0; page < 4; page++)
		assert_writes(at + page * PAGE_SIZE, page + 1);
	assert_int_equal(vmm_mprotect(space, at + PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	machine_check_tlbs();
	assert_int_equal(space->regions.count, 3);
	assert_reads(at + PAGE_SIZE, 2);
	assert_write_faults(at + PAGE_SIZE, SIGSEGV, SEGV_ACCERR);
	assert_int_equal(vmm_mprotect(space, at + PAGE_SIZE, PAGE_SIZE, PROT_NONE), 0);
	machine_check_tlbs();
	assert_read_faults(at + PAGE_SIZE, SIGSEGV, SEGV_ACCERR);
	u8 byte;
	assert_int_equal(copy_from_user(&byte, (void *)(at + PAGE_SIZE), 1), -EFAULT);
	assert_int_equal(vmm_mprotect(space, at, 4 * PAGE_SIZE, RW), 0);
	assert_int_equal(space->regions.count, 1);
	assert_reads(at + PAGE_SIZE, 2);
	assert_writes(at + PAGE_SIZE, 22);
	assert_int_equal(vmm_mprotect(space, at + 2 * PAGE_SIZE, 3 * PAGE_SIZE, PROT_READ),
			 -ENOMEM);
	assert_write_faults(at + 3 * PAGE_SIZE, SIGSEGV, SEGV_ACCERR);
	assert_int_equal(vmm_mprotect(space, at + 1, PAGE_SIZE, PROT_READ), -EINVAL);
	assert_int_equal(vmm_mprotect(space, at, PAGE_SIZE, 0x100), -EINVAL);
	assert_int_equal(vmm_mprotect(space, at, 0, PROT_READ), 0);
	test_space_end(space);
}

static void fork_child_write_leaves_parent_unchanged(void **state __unused)
{
	struct address_space *parent = test_space();
	vaddr_t at = test_map(parent, 3 * PAGE_SIZE);

	assert_writes(at, 1);
	assert_writes(at + PAGE_SIZE, 2);
	struct address_space *child = vmm_copy_address_space(parent);
	assert_non_null(child);
	machine_check_tlbs();
	vmm_switch_address_space(child);
	assert_reads(at, 1);
	assert_writes(at, 100);
	assert_reads(at, 100);
	assert_reads(at + 2 * PAGE_SIZE, 0);
	vmm_switch_address_space(parent);
	assert_reads(at, 1);
	assert_writes(at, 50);
	assert_writes(at + PAGE_SIZE, 51);
	vmm_switch_address_space(child);
	assert_reads(at, 100);
	assert_reads(at + PAGE_SIZE, 2);
	vmm_switch_address_space(NULL);
	vmm_put_address_space(child);
	vmm_switch_address_space(parent);
	assert_reads(at + PAGE_SIZE, 51);
	test_space_end(parent);
}

static void the_last_holder_of_a_shared_frame_reuses_it(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 2 * PAGE_SIZE);
	vmm_stats_t before, after;

	assert_writes(at, 1);
	phys_t frame = vmm_get_physical_addr(space, at);
	struct address_space *child = vmm_copy_address_space(space);
	vmm_switch_address_space(child);
	assert_writes(at + PAGE_SIZE, 1); /* the child copies the leaf, not this page */
	assert_int_equal(vmm_get_physical_addr(child, at), frame);
	vmm_switch_address_space(space);
	vmm_put_address_space(child);
	vmm_get_stats(&before);
	assert_writes(at, 2);
	vmm_get_stats(&after);
	assert_int_equal(vmm_get_physical_addr(space, at), frame);
	assert_int_equal(after.cow_reused_pages, before.cow_reused_pages + 1);
	test_space_end(space);
}

static void threads_on_other_cpus_see_changes_at_once(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 2 * PAGE_SIZE);

	assert_writes(at, 1);
	for (u32 cpu = 1; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		vmm_switch_address_space(space);
		assert_reads(at, 1);
		assert_reads(at + PAGE_SIZE, 0);
	}
	/* The others have the frame of zeros in their TLBs; they must see the new one. */
	machine_use_cpu(0);
	assert_writes(at + PAGE_SIZE, 5);
	struct address_space *child = vmm_copy_address_space(space);
	machine_check_tlbs();
	machine_use_cpu(1);
	assert_reads(at + PAGE_SIZE, 5);
	assert_writes(at, 2);
	machine_use_cpu(2);
	assert_reads(at, 2);
	machine_check_tlbs();
	machine_use_cpu(0);
	assert_int_equal(vmm_munmap(space, at, PAGE_SIZE), 0);
	machine_check_tlbs();
	machine_use_cpu(3);
	assert_read_faults(at, SIGSEGV, SEGV_MAPERR);
	for (u32 cpu = 1; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		vmm_switch_address_space(NULL);
	}
	machine_use_cpu(0);
	vmm_put_address_space(child);
	test_space_end(space);
}

static void debuggers_write_where_the_program_may_not(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 2 * PAGE_SIZE);
	u8 bytes[4] = {1, 2, 3, 4}, back[4];

	assert_writes(at, 9);
	assert_int_equal(vmm_mprotect(space, at, 2 * PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(vmm_access(space, at, bytes, 4, VM_WRITE), -EFAULT);
	assert_int_equal(vmm_access(space, at + PAGE_SIZE - 2, bytes, 4, VM_WRITE | VM_FORCE), 4);
	assert_int_equal(vmm_access(space, at + PAGE_SIZE - 2, back, 4, VM_READ), 4);
	assert_memory_equal(bytes, back, 4);
	assert_reads(at + PAGE_SIZE, 3);
	assert_write_faults(at + PAGE_SIZE, SIGSEGV, SEGV_ACCERR);
	assert_int_equal(vmm_access(space, at + 2 * PAGE_SIZE - 2, back, 4, VM_READ), 2);
	assert_int_equal(vmm_access(space, at + 2 * PAGE_SIZE, back, 4, VM_READ), -EFAULT);
	test_space_end(space);
}

static void user_copies_survive_bad_pages(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, PAGE_SIZE);
	char text[32];

	assert_int_equal(copy_to_user((void *)(at + PAGE_SIZE - 4), "abcdefgh", 8), -EFAULT);
	assert_int_equal(copy_to_user_partial((void *)(at + PAGE_SIZE - 4), "abcdefgh", 8), 4);
	assert_int_equal(strncpy_from_user(text, (void *)(at + PAGE_SIZE - 4), sizeof(text)),
			 -EFAULT);
	assert_int_equal(copy_to_user((void *)(at + PAGE_SIZE - 4), "abc", 4), 0);
	assert_int_equal(strncpy_from_user(text, (void *)(at + PAGE_SIZE - 4), sizeof(text)), 3);
	assert_string_equal(text, "abc");
	assert_int_equal(strnlen_user((void *)(at + PAGE_SIZE - 4), 100), 3);
	assert_int_equal(copy_from_user(text, (void *)KERNEL_BASE, 1), -EFAULT);
	assert_int_equal(copy_from_user(text, (void *)(USER_TOP - 1), 2), -EFAULT);
	assert_int_equal(copy_from_user(text, (void *)(at), SIZE_MAX), -EFAULT);
	assert_int_equal(validate_user_buffer((void *)at, PAGE_SIZE, true), 0);
	assert_int_equal(validate_user_buffer((void *)at, PAGE_SIZE + 1, false), -EFAULT);
	u32 word = 5;
	assert_int_equal(put_user(word, at), 0);
	assert_int_equal(get_user(word, at + 4), 0);
	assert_int_equal(word, 0);
	/* Where sleeping is forbidden, a page that is not there is a bad one. */
	assert_int_equal(vmm_madvise(space, at, PAGE_SIZE, MADV_DONTNEED), 0);
	preempt_disable();
	assert_int_equal(copy_from_user(text, (void *)at, 1), -EFAULT);
	preempt_enable();
	test_space_end(space);
}

/* Bytes that do not compress, so that the page cannot leave memory. */
static int write_noise(vaddr_t page)
{
	static u64 noise = 88172645463325252;
	struct address_space *space = vmm_current_space();
	int signal = program_write(page, 1, NULL);

	for (size_t at = 0; signal == 0 && at < PAGE_SIZE; at += sizeof(noise)) {
		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		memcpy((char *)phys_to_virt(vmm_get_physical_addr(space, page)) + at, &noise,
		       sizeof(noise));
	}
	return signal;
}

static void exhausted_memory_kills_the_program_and_nothing_else(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 62 * MIB);
	int signal = 0;
	vaddr_t page = at;

	for (; signal == 0 && page < at + 62 * MIB; page += PAGE_SIZE)
		signal = write_noise(page);
	assert_int_equal(signal, SIGKILL);
	test_space_end(space);
	assert_true(frame_get_free_memory() > 32 * MIB);
}

/* Every allocation on the way fails once; what the program sees never changes, and nothing leaks.
 */
static void failing_allocations_change_nothing(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 192 * PAGE_SIZE);

	for (int page = 0; page < 64; page++)
		assert_writes(at + page * PAGE_SIZE, page);
	for (u64 nth = 1; nth < 40; nth++) {
		size_t regions = space->regions.count;
		mm_checking.countdown = nth;
		struct address_space *child = vmm_copy_address_space(space);
		mm_checking.countdown = nth;
		int protect = vmm_mprotect(space, at + 5 * PAGE_SIZE, PAGE_SIZE, PROT_READ);
		mm_checking.countdown = nth;
		int unmap = vmm_munmap(space, at + 70 * PAGE_SIZE, PAGE_SIZE);
		mm_checking.countdown = nth;
		long moved = vmm_mremap(space, at, 64 * PAGE_SIZE, 64 * PAGE_SIZE,
					MREMAP_MAYMOVE | MREMAP_FIXED, 0x20000000);
		mm_checking.countdown = 0;
		assert_true(protect == 0 || protect == -ENOMEM);
		assert_true(unmap == 0 || unmap == -ENOMEM);
		if (unmap == 0)
			assert_true(vmm_mmap(space, at + 70 * PAGE_SIZE, PAGE_SIZE, RW,
					     ANON | MAP_FIXED, NULL, 0) > 0);
		if (protect == 0)
			assert_true(moved == -EFAULT || moved == -ENOMEM);
		if (moved > 0)
			assert_int_equal(vmm_mremap(space, 0x20000000, 64 * PAGE_SIZE,
						    64 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
						    at),
					 at);
		assert_int_equal(vmm_mprotect(space, at, 64 * PAGE_SIZE, RW), 0);
		assert_int_equal(space->regions.count, regions);
		for (int page = 0; page < 64; page++)
			assert_reads(at + page * PAGE_SIZE, page);
		machine_check_tlbs();
		vmm_put_address_space(child);
	}
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
		TEST_WITHOUT_LEAKS(untouched_memory_reads_as_zeros_and_costs_nothing),
		TEST_WITHOUT_LEAKS(touching_page_after_page_brings_some_ahead),
		TEST_WITHOUT_LEAKS(addresses_outside_of_regions_fault),
		TEST_WITHOUT_LEAKS(munmap_takes_the_middle),
		TEST_WITHOUT_LEAKS(many_leaves_go_in_pieces),
		TEST_WITHOUT_LEAKS(mprotect_splits_checks_and_joins),
		TEST_WITHOUT_LEAKS(fork_child_write_leaves_parent_unchanged),
		TEST_WITHOUT_LEAKS(the_last_holder_of_a_shared_frame_reuses_it),
		TEST_WITHOUT_LEAKS(threads_on_other_cpus_see_changes_at_once),
		TEST_WITHOUT_LEAKS(debuggers_write_where_the_program_may_not),
		TEST_WITHOUT_LEAKS(user_copies_survive_bad_pages),
		TEST_WITHOUT_LEAKS(exhausted_memory_kills_the_program_and_nothing_else),
		TEST_WITHOUT_LEAKS(failing_allocations_change_nothing),
	};

	return cmocka_run_group_tests_name("mm spaces", tests, start, NULL);
}
