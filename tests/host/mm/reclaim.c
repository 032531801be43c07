/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages taken from programs, and brought back: contents, counts, permissions, and nothing left
 * over. */
#include "tests/host/mm/support.h"

#include "mm/checking.h"
#include "mm/compress.h"
#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/tree_check.h"

enum { PAGES = 40 };

static struct swap_stats stats(void)
{
	struct swap_stats now;

	swap_get_stats(&now);
	return now;
}

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

static size_t evict(struct address_space *space, vaddr_t memory, enum reclaim_how how)
{
	vaddr_t at = memory;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find(space, memory);
	size_t freed =
		reclaim_region(space, region, &at, memory + PAGES * PAGE_SIZE, how, UINTPTR_MAX);
	rwlock_read_unlock(&space->map_lock);
	machine_check_tlbs();
	tree_check(space->family, true);
	return freed;
}

static size_t swapped(struct address_space *space)
{
	struct vm_space_stats now;

	vmm_space_stats(space, &now);
	return now.swapped;
}

static void run(struct address_space *space)
{
	vmm_switch_address_space(space);
}

static void pages_leave_and_come_back(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	fill(memory, 1);
	assert_int_equal(evict(space, memory, RECLAIM_ALL), PAGES);
	assert_int_equal(swapped(space), PAGES);
	assert_int_equal(stats().slots, PAGES);
	assert_int_equal(stats().cached, 0);
	check(memory, 1);
	assert_int_equal(swapped(space), 0);
	assert_int_equal(stats().slots, 0);
	test_space_end(space);
}

static void what_was_used_since_the_last_visit_stays(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	fill(memory, 2);
	assert_int_equal(evict(space, memory, RECLAIM_UNUSED), 0);
	assert_int_equal(evict(space, memory, RECLAIM_UNUSED), PAGES);
	check(memory, 2);
	assert_int_equal(evict(space, memory, RECLAIM_COLD), 0);
	assert_int_equal(evict(space, memory, RECLAIM_UNUSED), PAGES);
	test_space_end(space);
	assert_int_equal(stats().slots, 0);
}

static void locked_memory_stays(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	space->limits.locked = VM_UNLIMITED;
	fill(memory, 3);
	assert_int_equal(vmm_mlock(space, memory, PAGES * PAGE_SIZE, 0), 0);
	assert_int_equal(evict(space, memory, RECLAIM_UNSHARE), 0);
	assert_int_equal(swapped(space), 0);
	test_space_end(space);
}

static void a_shared_page_has_one_slot(void **state __unused)
{
	struct address_space *parent = test_space();
	vaddr_t memory = test_map(parent, PAGES * PAGE_SIZE);

	fill(memory, 4);
	struct address_space *child = vmm_copy_address_space(parent);
	/* The leaf is the parent's own from then on, and of a ring with the child's. */
	assert_writes(memory, 77);
	evict(parent, memory, RECLAIM_UNSHARE);
	assert_int_equal(swapped(parent), PAGES);
	evict(child, memory, RECLAIM_UNSHARE);
	assert_int_equal(swapped(child), PAGES);
	assert_int_equal(stats().slots, PAGES + 1);
	assert_int_equal(stats().cached, 0);
	run(child);
	check(memory, 4);
	assert_int_equal(swapped(child), 0);
	run(parent);
	assert_reads(memory, 77);
	assert_writes(memory, 4);
	check(memory, 4);
	assert_int_equal(stats().slots, 0);
	assert_writes(memory + PAGE_SIZE, 99);
	run(child);
	assert_reads(memory + PAGE_SIZE, 0);
	assert_reads(memory + PAGE_SIZE + 1, 5);
	run(parent);
	vmm_put_address_space(child);
	test_space_end(parent);
}

static void a_shared_leaf_loses_pages_for_all(void **state __unused)
{
	struct address_space *parent = test_space();
	vaddr_t memory = test_map(parent, PAGES * PAGE_SIZE);

	fill(memory, 5);
	struct address_space *child = vmm_copy_address_space(parent);
	assert_int_equal(evict(child, memory, RECLAIM_ALL), PAGES);
	assert_int_equal(swapped(parent), PAGES);
	assert_int_equal(stats().slots, PAGES);
	fill(memory, 6);
	run(child);
	check(memory, 5);
	vmm_switch_address_space(parent);
	vmm_put_address_space(child);
	check(memory, 6);
	test_space_end(parent);
	assert_int_equal(stats().slots, 0);
}

static void changes_find_what_is_swapped(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	fill(memory, 7);
	evict(space, memory, RECLAIM_ALL);
	assert_int_equal(vmm_mprotect(space, memory, PAGES * PAGE_SIZE, PROT_NONE), 0);
	assert_read_faults(memory, SIGSEGV, SEGV_ACCERR);
	assert_int_equal(vmm_mprotect(space, memory, PAGES * PAGE_SIZE, PROT_READ), 0);
	check(memory, 7);
	assert_write_faults(memory, SIGSEGV, SEGV_ACCERR);
	assert_int_equal(vmm_mprotect(space, memory, PAGES * PAGE_SIZE, PROT_NONE), 0);
	/* They came back soon after they went, and so stay a visit longer. */
	assert_int_equal(evict(space, memory, RECLAIM_UNUSED), 0);
	assert_int_equal(evict(space, memory, RECLAIM_UNUSED), PAGES);
	assert_int_equal(vmm_mprotect(space, memory, PAGES * PAGE_SIZE, RW), 0);
	long moved = vmm_mremap(space, memory, PAGES * PAGE_SIZE, 2 * PAGES * PAGE_SIZE,
				MREMAP_MAYMOVE, 0);
	assert_true(moved > 0);
	check((vaddr_t)moved, 7);
	evict(space, (vaddr_t)moved, RECLAIM_ALL);
	assert_int_equal(vmm_madvise(space, (vaddr_t)moved, PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(stats().slots, PAGES - 1);
	assert_int_equal(vmm_munmap(space, (vaddr_t)moved, 2 * PAGES * PAGE_SIZE), 0);
	assert_int_equal(stats().slots, 0);
	test_space_end(space);
}

/* A read that may die for want of memory, and then again without want. */
static void read_in_want(vaddr_t address, u8 expected)
{
	u8 value = 0;
	int signal = program_read(address, &value, NULL);
	u64 left = mm_checking.countdown;

	assert_true(signal == 0 || signal == SIGKILL);
	mm_checking.countdown = 0;
	assert_reads(address, expected);
	mm_checking.countdown = left;
}

/* Every allocation on the way out and in fails once. */
static void want_of_memory_loses_nothing(void **state __unused)
{
	for (u64 nth = 1;; nth++) {
		struct address_space *parent = test_space();
		vaddr_t memory = test_map(parent, PAGES * PAGE_SIZE);
		fill(memory, 8);
		struct address_space *child = vmm_copy_address_space(parent);
		assert_writes(memory, 8);
		mm_checking.countdown = nth;
		evict(parent, memory, RECLAIM_UNSHARE);
		evict(child, memory, RECLAIM_UNSHARE);
		for (u32 i = 0; i < PAGES; i++)
			read_in_want(memory + i * PAGE_SIZE + i, (u8)(i + 8));
		bool over = mm_checking.countdown != 0;
		mm_checking.countdown = 0;
		run(child);
		check(memory, 8);
		run(parent);
		vmm_put_address_space(child);
		test_space_end(parent);
		assert_int_equal(stats().slots, 0);
		if (over)
			break;
	}
}

static void rounds_visit_every_space(void **state __unused)
{
	struct address_space *first = test_space();
	vaddr_t memory = test_map(first, PAGES * PAGE_SIZE);
	fill(memory, 9);
	struct address_space *second = vmm_create_address_space();
	run(second);
	vaddr_t other = test_map(second, PAGES * PAGE_SIZE);
	fill(other, 10);
	assert_true(reclaim_run(2 * PAGES) >= 2 * PAGES);
	assert_int_equal(swapped(first), PAGES);
	assert_int_equal(swapped(second), PAGES);
	check(other, 10);
	run(first);
	check(memory, 9);
	vmm_put_address_space(second);
	test_space_end(first);
	assert_int_equal(stats().slots, 0);
}

static void what_is_given_up_is_forgotten_unless_it_is_written(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);
	u8 byte = 99;

	fill(memory, 20);
	assert_int_equal(vmm_madvise(space, memory, PAGES * PAGE_SIZE, MADV_FREE), 0);
	machine_check_tlbs();
	/* Before anybody wants the memory it is as it was. */
	check(memory, 20);
	assert_writes(memory + 3 * PAGE_SIZE, 77);
	assert_int_equal(vmm_access(space, memory + 4 * PAGE_SIZE, &byte, 1, VM_WRITE), 1);
	assert_int_equal(evict(space, memory, RECLAIM_ALL), PAGES);
	assert_int_equal(stats().slots, 2);
	assert_int_equal(swapped(space), 2);
	assert_reads(memory + 2 * PAGE_SIZE + 2, 0);
	assert_reads(memory + 3 * PAGE_SIZE, 77);
	assert_reads(memory + 3 * PAGE_SIZE + 3, 23);
	assert_reads(memory + 4 * PAGE_SIZE, 99);
	assert_reads(memory + 4 * PAGE_SIZE + 4, 24);
	/* What is in swap space goes at once. */
	fill(memory, 21);
	evict(space, memory, RECLAIM_ALL);
	assert_int_equal(vmm_madvise(space, memory, PAGES * PAGE_SIZE, MADV_FREE), 0);
	assert_int_equal(stats().slots, 0);
	assert_reads(memory + 5 * PAGE_SIZE + 5, 0);
	test_space_end(space);
}

static void what_a_child_shares_is_not_given_up(void **state __unused)
{
	struct address_space *parent = test_space();
	vaddr_t memory = test_map(parent, PAGES * PAGE_SIZE);

	fill(memory, 22);
	struct address_space *child = vmm_copy_address_space(parent);
	assert_int_equal(vmm_madvise(parent, memory, PAGES * PAGE_SIZE, MADV_FREE), 0);
	evict(parent, memory, RECLAIM_UNSHARE);
	run(child);
	check(memory, 22);
	run(parent);
	vmm_put_address_space(child);
	check(memory, 22);
	/* Given up by a parent, then forked: both still have it or have lost it, but see no third.
	 */
	fill(memory, 23);
	assert_int_equal(vmm_madvise(parent, memory, PAGES * PAGE_SIZE, MADV_FREE), 0);
	child = vmm_copy_address_space(parent);
	assert_writes(memory, 88);
	evict(child, memory, RECLAIM_UNSHARE);
	run(child);
	assert_reads(memory, 23);
	run(parent);
	assert_reads(memory, 88);
	vmm_put_address_space(child);
	test_space_end(parent);
	assert_int_equal(stats().slots, 0);
}

/* --- Files --- */

static struct test_file file;

static void open_memory_file(u32 pages)
{
	test_file_init(&file, 0, 0, false);
	file.cache.shared_memory = true;
	page_cache_truncate(&file.cache, pages * PAGE_SIZE);
}

static vaddr_t map_file(struct address_space *space, u32 pages)
{
	long at = vmm_mmap(space, 0, pages * PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);

	assert_true(at > 0);
	return (vaddr_t)at;
}

static u8 read_file(u64 position)
{
	struct io_cursor cursor;
	u8 byte = 0;

	io_cursor_init_kernel(&cursor, &byte, 1, IO_READ);
	assert_int_equal(page_cache_read(&file.cache, &cursor, position), 1);
	return byte;
}

static void write_file(u64 position, u8 byte)
{
	struct io_cursor cursor;

	io_cursor_init_kernel(&cursor, &byte, 1, IO_WRITE);
	assert_int_equal(page_cache_write(&file.cache, &cursor, position), 1);
}

static void files_in_memory_are_swapped(void **state __unused)
{
	struct address_space *space = test_space();
	open_memory_file(PAGES + 2);
	vaddr_t memory = map_file(space, PAGES + 2);

	fill(memory, 11);
	assert_int_equal(evict(space, memory, RECLAIM_ALL), PAGES);
	assert_int_equal(page_cache_pages(&file.cache), 0);
	assert_int_equal(page_cache_swapped(&file.cache), PAGES);
	assert_int_equal(stats().slots, PAGES);
	assert_int_equal(stats().cached, 0);
	/* Data that is swapped is no hole. */
	assert_int_equal(page_cache_seek_hole(&file.cache, 0), PAGES * PAGE_SIZE);
	assert_int_equal(page_cache_seek_data(&file.cache, 5), 5);
	assert_int_equal(read_file(3 * PAGE_SIZE + 3), 14);
	write_file(4 * PAGE_SIZE, 99);
	assert_int_equal(page_cache_swapped(&file.cache), PAGES - 2);
	assert_int_equal(read_file(4 * PAGE_SIZE + 4), 15);
	check(memory, 11);
	assert_reads(memory + 4 * PAGE_SIZE, 99);
	assert_int_equal(page_cache_swapped(&file.cache), 0);
	assert_int_equal(page_cache_pages(&file.cache), PAGES);
	assert_int_equal(stats().slots, 0);
	test_space_end(space);
	test_file_destroy(&file);
}

static void what_is_cut_off_leaves_swap_space(void **state __unused)
{
	struct address_space *space = test_space();
	open_memory_file(PAGES);
	vaddr_t memory = map_file(space, PAGES);

	fill(memory, 12);
	assert_int_equal(evict(space, memory, RECLAIM_ALL), PAGES);
	page_cache_punch(&file.cache, 2 * PAGE_SIZE + 2, 5 * PAGE_SIZE + 1);
	assert_int_equal(stats().slots, PAGES - 4);
	assert_int_equal(page_cache_swapped(&file.cache), PAGES - 4);
	assert_reads(memory + 2 * PAGE_SIZE + 2, 0);
	assert_reads(memory + 3 * PAGE_SIZE + 3, 0);
	assert_reads(memory + 5 * PAGE_SIZE + 5, 17);
	page_cache_truncate(&file.cache, 10 * PAGE_SIZE + 10);
	page_cache_truncate(&file.cache, PAGES * PAGE_SIZE);
	assert_reads(memory + 10 * PAGE_SIZE + 10, 0);
	assert_reads(memory + 11 * PAGE_SIZE + 11, 0);
	assert_reads(memory + 9 * PAGE_SIZE + 9, 21);
	assert_int_equal(evict(space, memory, RECLAIM_ALL) > 0, true);
	test_space_end(space);
	assert_int_equal(stats().slots != 0, true);
	test_file_destroy(&file);
	assert_int_equal(stats().slots, 0);
}

static void want_of_memory_loses_nothing_of_files(void **state __unused)
{
	for (u64 nth = 1;; nth++) {
		struct address_space *space = test_space();
		open_memory_file(PAGES);
		vaddr_t memory = map_file(space, PAGES);
		fill(memory, 13);
		mm_checking.countdown = nth;
		evict(space, memory, RECLAIM_ALL);
		for (u32 i = 0; i < PAGES; i++)
			read_in_want(memory + i * PAGE_SIZE + i, (u8)(i + 13));
		bool over = mm_checking.countdown != 0;
		mm_checking.countdown = 0;
		check(memory, 13);
		test_space_end(space);
		test_file_destroy(&file);
		assert_int_equal(stats().slots, 0);
		if (over)
			break;
	}
}

static void rounds_take_pages_of_files_that_nobody_maps(void **state __unused)
{
	open_memory_file(PAGES);
	for (u32 i = 0; i < PAGES; i++)
		write_file(i * PAGE_SIZE, (u8)(i + 14));
	assert_true(reclaim_run(PAGES) >= PAGES);
	assert_int_equal(page_cache_swapped(&file.cache), PAGES);
	file.cache.unevictable = true;
	for (u32 i = 0; i < PAGES; i++)
		assert_int_equal(read_file(i * PAGE_SIZE), i + 14);
	(void)reclaim_run(PAGES);
	assert_int_equal(page_cache_pages(&file.cache), PAGES);
	test_file_destroy(&file);
	assert_int_equal(stats().slots, 0);
}

/* A page that does not compress. */
static void write_noise(u64 index, u64 *seed)
{
	u64 words[PAGE_SIZE / sizeof(u64)];
	struct io_cursor cursor;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		*seed = *seed * 6364136223846793005u + 1442695040888963407u;
		words[i] = *seed ^ *seed >> 29;
	}
	io_cursor_init_kernel(&cursor, words, sizeof(words), IO_WRITE);
	assert_int_equal(page_cache_write(&file.cache, &cursor, index * PAGE_SIZE), PAGE_SIZE);
}

/* Pages that fit nowhere keep nobody from taking the others, and are not tried for ever. */
static void what_does_not_compress_is_passed_over(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);
	struct compress_stats before, after;
	u64 seed = 5;

	open_memory_file(PAGES);
	for (u32 i = 0; i < PAGES; i++)
		write_noise(i, &seed);
	fill(memory, 3);
	for (u32 round = 0; round < 6; round++)
		(void)reclaim_run(2 * PAGES);
	assert_int_equal(swapped(space), PAGES);
	compress_get_stats(&before);
	assert_int_equal(reclaim_run(PAGES), 0);
	compress_get_stats(&after);
	assert_int_equal(before.refused, PAGES);
	assert_int_equal(after.refused, PAGES);
	check(memory, 3);
	test_file_destroy(&file);
	test_space_end(space);
	assert_int_equal(stats().slots, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(pages_leave_and_come_back),
		TEST_WITHOUT_LEAKS(what_was_used_since_the_last_visit_stays),
		TEST_WITHOUT_LEAKS(locked_memory_stays),
		TEST_WITHOUT_LEAKS(a_shared_page_has_one_slot),
		TEST_WITHOUT_LEAKS(a_shared_leaf_loses_pages_for_all),
		TEST_WITHOUT_LEAKS(changes_find_what_is_swapped),
		TEST_WITHOUT_LEAKS(want_of_memory_loses_nothing),
		TEST_WITHOUT_LEAKS(rounds_visit_every_space),
		TEST_WITHOUT_LEAKS(what_is_given_up_is_forgotten_unless_it_is_written),
		TEST_WITHOUT_LEAKS(what_a_child_shares_is_not_given_up),
		TEST_WITHOUT_LEAKS(files_in_memory_are_swapped),
		TEST_WITHOUT_LEAKS(what_is_cut_off_leaves_swap_space),
		TEST_WITHOUT_LEAKS(want_of_memory_loses_nothing_of_files),
		TEST_WITHOUT_LEAKS(rounds_take_pages_of_files_that_nobody_maps),
		TEST_WITHOUT_LEAKS(what_does_not_compress_is_passed_over),
	};

	machine_start(64 * MIB);
	return cmocka_run_group_tests_name("mm reclaim", tests, NULL, NULL);
}
