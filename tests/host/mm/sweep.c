/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nth allocation fails, for every n, in the calls and faults that every program makes; see nth.h.
 * Other programs do the same for huge pages (sweep_huge.c), userfaults (sweep_watched.c), and pages
 * that go elsewhere (sweep_pages.c).
 */
#include "tests/host/mm/nth.h"

#include "mm/checking.h"
#include "mm/mempolicy.h"
#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/swap.h"
#include "mm/tree_check.h"

enum { PAGES = 20, FILE_PAGES = 4, SWAPPED = 16, FIRST = 5, COUNT = 10 };

/* The anonymous pages lie across the boundary of a leaf; the files' in the same leaf as their end.
 */
static const vaddr_t BASE = 0x40000000 - 10 * PAGE_SIZE, ELSEWHERE = 0x200000000000;
static const vaddr_t PRIVATE = 0x40000000 + 64 * PAGE_SIZE, SHARED = 0x40000000 + 96 * PAGE_SIZE;
static const vaddr_t START = BASE + FIRST * PAGE_SIZE;
enum { SIZE = COUNT * PAGE_SIZE };

static struct test_file file;

/* --- The calls --- */

static int call_munmap(struct address_space *space)
{
	return vmm_munmap(space, START, SIZE);
}

static int call_mprotect(struct address_space *space)
{
	return vmm_mprotect(space, START, SIZE, PROT_READ);
}

static int call_mremap_to(struct address_space *space)
{
	return nth_outcome(
		vmm_mremap(space, START, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, ELSEWHERE));
}

static int call_mremap_larger(struct address_space *space)
{
	return nth_outcome(vmm_mremap(space, START, SIZE, 600 * PAGE_SIZE, MREMAP_MAYMOVE, 0));
}

static int call_mremap_smaller(struct address_space *space)
{
	return nth_outcome(vmm_mremap(space, START, SIZE, PAGE_SIZE, 0, 0));
}

static int call_mmap(struct address_space *space)
{
	return nth_outcome(vmm_mmap(space, 0, SIZE, RW, ANON, NULL, 0));
}

static int call_mmap_over(struct address_space *space)
{
	return nth_outcome(vmm_mmap(space, START, SIZE, PROT_READ, ANON | MAP_FIXED, NULL, 0));
}

static int call_mmap_shared(struct address_space *space)
{
	return nth_outcome(vmm_mmap(space, 0, SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0));
}

static int call_mmap_file(struct address_space *space)
{
	return nth_outcome(
		vmm_mmap(space, 0, FILE_PAGES * PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0));
}

static int call_mmap_populated(struct address_space *space)
{
	return nth_outcome(vmm_mmap(space, 0, SIZE, RW, ANON | MAP_POPULATE, NULL, 0));
}

static int call_populate(struct address_space *space)
{
	return vmm_populate(space, START, SIZE, true);
}

static int call_mlock(struct address_space *space)
{
	return vmm_mlock(space, START, SIZE, 0);
}

static int call_mlockall(struct address_space *space)
{
	return vmm_mlockall(space, MCL_CURRENT | MCL_FUTURE);
}

static int call_brk(struct address_space *space)
{
	return vmm_expand_heap(space, 0x600000) == 0x600000 ? 0 : -ENOMEM;
}

#define ADVICE(name, advice)                                      \
	static int call_##name(struct address_space *space)       \
	{                                                         \
		return vmm_madvise(space, START, SIZE, (advice)); \
	}
ADVICE(dontneed, MADV_DONTNEED)
ADVICE(free, MADV_FREE)
ADVICE(cold, MADV_COLD)
ADVICE(pageout, MADV_PAGEOUT)
ADVICE(willneed, MADV_WILLNEED)
ADVICE(dontfork, MADV_DONTFORK)
ADVICE(wipeonfork, MADV_WIPEONFORK)
ADVICE(populate_read, MADV_POPULATE_READ)
ADVICE(populate_write, MADV_POPULATE_WRITE)

static int call_bind(struct address_space *space)
{
	const struct mempolicy policy = {.mode = MPOL_BIND, .nodes = 1};

	return vmm_bind(space, START, START + SIZE, &policy);
}

/* exec: a new space with what each program begins with. */
static int call_exec(struct address_space *space __unused)
{
	nth_made = vmm_create_address_space();
	if (nth_made == NULL)
		return -ENOMEM;
	vmm_init_layout(nth_made, false);
	int result = vmm_map_stack(nth_made, 4 * PAGE_SIZE, RW);
	if (result == 0)
		result = nth_outcome(vmm_mmap(nth_made, BASE, SIZE, PROT_READ,
					      MAP_PRIVATE | MAP_FIXED, &file.backing, 0));
	u8 byte = 1;
	if (result == 0 && vmm_access(nth_made, USER_TOP - 8, &byte, 1, VM_WRITE) != 1)
		result = -ENOMEM;
	return result;
}

static int call_fork(struct address_space *space)
{
	nth_made = vmm_copy_address_space(space);
	return nth_made != NULL ? 0 : -ENOMEM;
}

static int call_map_page(struct address_space *space)
{
	phys_t frame = frame_alloc();
	int result = frame != 0 ? vmm_map_page(space, BASE - 3 * PAGE_SIZE, frame, PAGE_WRITABLE)
				: -ENOMEM;

	if (result != 0 && frame != 0)
		frame_free(frame);
	return result;
}

static int call_grow_stack(struct address_space *space)
{
	return nth_touched(program_write(space->layout.stack_top - 40 * PAGE_SIZE, 1, NULL));
}

static int call_write(struct address_space *space __unused)
{
	return nth_touched(program_write(START, 77, NULL));
}

static int call_read_swapped(struct address_space *space __unused)
{
	u8 seen;

	return nth_touched(program_read(BASE + SWAPPED * PAGE_SIZE, &seen, NULL));
}

static int call_write_swapped(struct address_space *space __unused)
{
	return nth_touched(program_write(BASE + SWAPPED * PAGE_SIZE, SWAPPED + 1, NULL));
}

static int call_swap_out(struct address_space *space)
{
	vaddr_t at = START;

	rwlock_read_lock(&space->map_lock);
	(void)reclaim_region(space, region_find(space, START), &at, START + SIZE, RECLAIM_UNSHARE,
			     UINTPTR_MAX);
	rwlock_read_unlock(&space->map_lock);
	return 0;
}

static int call_read_file(struct address_space *space __unused)
{
	u8 seen;

	return nth_touched(program_read(PRIVATE, &seen, NULL));
}

static int call_write_private_file(struct address_space *space __unused)
{
	return nth_touched(program_write(PRIVATE, 1, NULL));
}

static int call_write_shared_file(struct address_space *space __unused)
{
	return nth_touched(program_write(SHARED, test_byte(5, 0), NULL));
}

static int call_debug(struct address_space *space)
{
	u8 byte = 1;

	return vmm_access(space, START, &byte, 1, VM_WRITE | VM_FORCE) == 1 ? 0 : -ENOMEM;
}

static const struct nth_call calls[] = {
	{"munmap", call_munmap, 0},
	{"mprotect", call_mprotect, 0},
	{"mremap to a place", call_mremap_to, 0},
	{"mremap, larger", call_mremap_larger, 0},
	{"mremap, smaller", call_mremap_smaller, 0},
	{"mmap", call_mmap, 0},
	{"mmap over others", call_mmap_over, 0},
	{"mmap, shared", call_mmap_shared, 0},
	{"mmap of a file", call_mmap_file, 0},
	{"mmap, populated", call_mmap_populated, REMAPS},
	{"populate", call_populate, 0},
	{"mlock", call_mlock, REMAPS},
	{"mlockall", call_mlockall, REMAPS},
	{"brk", call_brk, 0},
	{"MADV_DONTNEED", call_dontneed, GIVES_UP},
	{"MADV_FREE", call_free, GIVES_UP},
	{"MADV_COLD", call_cold, 0},
	{"MADV_PAGEOUT", call_pageout, 0},
	{"MADV_WILLNEED", call_willneed, 0},
	{"MADV_DONTFORK", call_dontfork, 0},
	{"MADV_WIPEONFORK", call_wipeonfork, 0},
	{"MADV_POPULATE_READ", call_populate_read, 0},
	{"MADV_POPULATE_WRITE", call_populate_write, 0},
	{"mbind", call_bind, 0},
	{"exec", call_exec, 0},
	{"fork", call_fork, 0},
	{"a page that the kernel maps", call_map_page, 0},
	{"a stack that grows", call_grow_stack, 0},
	{"a write", call_write, 0},
	{"a read of a swapped page", call_read_swapped, 0},
	{"a write of a swapped page", call_write_swapped, 0},
	{"swapping out", call_swap_out, 0},
	{"a read of a file", call_read_file, 0},
	{"a private write of a file", call_write_private_file, 0},
	{"a shared write of a file", call_write_shared_file, 0},
	{"a debugger's write", call_debug, 0},
};

/* --- The world around a call --- */

static struct address_space *make_parent(void)
{
	struct address_space *parent = test_space();
	vaddr_t at = BASE + SWAPPED * PAGE_SIZE;

	parent->limits.locked = VM_UNLIMITED;
	parent->limits.stack = 8 * MIB;
	vmm_set_brk(parent, 0x500000, false);
	assert_int_equal(vmm_map_stack(parent, PAGE_SIZE, RW), 0);
	test_file_init(&file, FILE_PAGES * PAGE_SIZE, 5, true);
	assert_int_equal(vmm_mmap(parent, BASE, PAGES * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
			 BASE);
	assert_int_equal(vmm_mmap(parent, PRIVATE, FILE_PAGES * PAGE_SIZE, RW,
				  MAP_PRIVATE | MAP_FIXED, &file.backing, 0),
			 PRIVATE);
	assert_int_equal(vmm_mmap(parent, SHARED, FILE_PAGES * PAGE_SIZE, RW,
				  MAP_SHARED | MAP_FIXED, &file.backing, 0),
			 SHARED);
	for (int page = 0; page < PAGES; page++)
		assert_writes(BASE + page * PAGE_SIZE, page + 1);
	rwlock_read_lock(&parent->map_lock);
	assert_int_equal(reclaim_region(parent, region_find(parent, BASE), &at, at + 2 * PAGE_SIZE,
					RECLAIM_ALL, UINTPTR_MAX),
			 2);
	rwlock_read_unlock(&parent->map_lock);
	return parent;
}

static void assert_content(void)
{
	for (int page = 0; page < PAGES; page++)
		assert_reads(BASE + page * PAGE_SIZE, page + 1);
	for (int page = 0; page < FILE_PAGES; page++) {
		assert_reads(PRIVATE + page * PAGE_SIZE, test_byte(5, (u64)page * PAGE_SIZE));
		assert_reads(SHARED + page * PAGE_SIZE, test_byte(5, (u64)page * PAGE_SIZE));
	}
}

static void end_world(void)
{
	test_file_destroy(&file);
}

static const struct nth_world world = {
	.make = make_parent, .check = assert_content, .end = end_world, .written = START};

static void test_10_a_failing_allocation_changes_nothing(void **state __unused)
{
	nth_sweep(&world, calls, ARRAY_SIZE(calls));
}

/* --- The end needs none --- */

static void test_10_exit_needs_no_memory(void **state __unused)
{
	enum { MANY = 1000000 };
	struct address_space *parent = make_parent();
	struct address_space *child = vmm_copy_address_space(parent);

	vmm_switch_address_space(child);
	assert_writes(START, 50);
	vmm_switch_address_space(parent);
	mm_checking.countdown = MANY;
	vmm_put_address_space(child);
	u64 left = mm_checking.countdown;
	mm_checking.countdown = 0;
	assert_int_equal(left, MANY);
	assert_content();
	test_space_end(parent);
	test_file_destroy(&file);
}

static void test_10_exit_ends_with_no_free_frame(void **state __unused)
{
	static phys_t taken[64 * MIB / PAGE_SIZE];
	struct address_space *parent = make_parent();
	struct address_space *child = vmm_copy_address_space(parent);
	size_t count = 0;

	vmm_switch_address_space(child);
	assert_writes(START, 50);
	while ((taken[count] = frame_alloc()) != 0)
		count++;
	vmm_switch_address_space(parent);
	vmm_put_address_space(child);
	frame_free_batch(taken, count);
	assert_content();
	test_space_end(parent);
	test_file_destroy(&file);
}

static int start(void **state __unused)
{
	machine_start(64 * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_10_a_failing_allocation_changes_nothing),
		TEST_WITHOUT_LEAKS(test_10_exit_needs_no_memory),
		TEST_WITHOUT_LEAKS(test_10_exit_ends_with_no_free_frame),
	};

	return cmocka_run_group_tests_name("mm sweep", tests, start, NULL);
}
