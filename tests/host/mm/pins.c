/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pinned frames, step by step: what the program that pinned them, its children and a "device",
 * which writes to frames, see of each other.  The numbers are those of the list in doc/testing.md.
 */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/huge.h"
#include "mm/inspect.h"
#include "mm/kmalloc.h"
#include "mm/pin.h"
#include "mm/reclaim.h"
#include "mm/region.h"
#include "mm/slab.h"
#include "mm/tree_check.h"

enum { PAGES = 20, PINNED = 3 };
/* Across the boundary of a table; with the pages in use, all in one table of level 2. */
static const vaddr_t BASE = 0x40000000 + 0x200000 - 10 * 4096;

static vaddr_t page_at(int page)
{
	return BASE + (vaddr_t)page * PAGE_SIZE;
}

static u8 *bytes_of(phys_t frame)
{
	return phys_to_virt(frame);
}

/* Page n of PAGES has been written with n + 1. */
static struct address_space *make_parent(void)
{
	struct address_space *space = test_space();

	assert_int_equal(vmm_mmap(space, BASE, PAGES * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0),
			 BASE);
	for (int page = 0; page < PAGES; page++)
		assert_writes(page_at(page), page + 1);
	return space;
}

static void pin(struct address_space *space, int page, size_t count, bool write, phys_t *frames)
{
	assert_int_equal(vmm_pin(space, page_at(page), count, write, frames), count);
}

static struct address_space *fork_from(struct address_space *parent)
{
	struct address_space *child = vmm_copy_address_space(parent);

	assert_non_null(child);
	machine_check_tlbs();
	tree_check(parent->family, true);
	return child;
}

static u8 look(struct address_space *space, vaddr_t address)
{
	u8 value = 0;

	assert_int_equal(vmm_access(space, address, &value, 1, VM_READ), 1);
	return value;
}

static void poke(struct address_space *space, vaddr_t address, u8 value)
{
	assert_int_equal(vmm_access(space, address, &value, 1, VM_WRITE), 1);
}

static void the_program_and_the_device_have_the_same_frame(void **state __unused)
{
	struct address_space *space = make_parent();
	phys_t frames[PAGES];

	pin(space, 0, PAGES, true, frames);
	for (int page = 0; page < PAGES; page++) {
		assert_int_equal(bytes_of(frames[page])[0], page + 1);
		bytes_of(frames[page])[1] = 100;
		assert_reads(page_at(page) + 1, 100);
		assert_writes(page_at(page) + 2, 50);
		assert_int_equal(bytes_of(frames[page])[2], 50);
	}
	tree_check(space->family, true);
	vmm_unpin(frames, PAGES);
	test_space_end(space);
}

/* 8 */
static void fork_copies_what_is_pinned(void **state __unused)
{
	struct address_space *parent = make_parent(), *child;
	phys_t frames[PINNED];

	pin(parent, 9, PINNED, true, frames);
	child = fork_from(parent);
	for (int i = 0; i < PINNED; i++) {
		bytes_of(frames[i])[0] = 200 + i;
		assert_reads(page_at(9 + i), 200 + i);
		assert_int_equal(look(child, page_at(9 + i)), 10 + i);
		assert_writes(page_at(9 + i) + 1, 7);
		assert_int_equal(bytes_of(frames[i])[1], 7);
		poke(child, page_at(9 + i), 33);
		assert_reads(page_at(9 + i), 200 + i);
	}
	poke(child, page_at(3), 44);
	assert_reads(page_at(3), 4);
	assert_writes(page_at(4), 55);
	assert_int_equal(look(child, page_at(4)), 5);
	tree_check(parent->family, true);
	vmm_unpin(frames, PINNED);
	tree_check(parent->family, true);
	vmm_put_address_space(child);
	test_space_end(parent);
}

/* A page that was read only from a table that is shared becomes the reader's own as it is pinned.
 */
static void a_pin_to_read_makes_the_page_own(void **state __unused)
{
	struct address_space *parent = make_parent(), *child = fork_from(parent), *other;
	phys_t frames[PAGES];

	pin(child, 0, PAGES, false, frames);
	other = fork_from(child);
	poke(child, page_at(5), 90);
	assert_int_equal(bytes_of(frames[5])[0], 90);
	poke(parent, page_at(6), 91);
	poke(other, page_at(7), 92);
	for (int page = 6; page < PAGES; page++)
		assert_int_equal(bytes_of(frames[page])[0], page + 1);
	tree_check(parent->family, true);
	vmm_unpin(frames, PAGES);
	vmm_put_address_space(child);
	vmm_put_address_space(other);
	test_space_end(parent);
}

/* 6: what CVE-2020-29374 is about. */
static void what_a_child_pinned_the_parent_does_not_write(void **state __unused)
{
	for (int generations = 1; generations <= 2; generations++) {
		struct address_space *parent = make_parent(), *child = fork_from(parent);
		phys_t frames[PAGES];
		if (generations == 2) {
			struct address_space *grandchild = fork_from(child);
			vmm_put_address_space(child);
			child = grandchild;
		}
		pin(child, 0, PAGES, false, frames);
		assert_int_equal(vmm_munmap(child, BASE, PAGES * PAGE_SIZE), 0);
		for (int page = 0; page < PAGES; page++)
			assert_writes(page_at(page), 99);
		vmm_put_address_space(child);
		for (int page = 0; page < PAGES; page++)
			assert_writes(page_at(page), 98);
		for (int page = 0; page < PAGES; page++)
			assert_int_equal(bytes_of(frames[page])[0], page + 1);
		vmm_unpin(frames, PAGES);
		test_space_end(parent);
	}
}

static int marked_nodes(struct address_space *space)
{
	struct tree_node_info nodes[16];
	size_t count = vmm_describe_tree(space, nodes, ARRAY_SIZE(nodes));
	int marked = 0;

	for (size_t i = 0; i < count; i++)
		marked += nodes[i].may_pin;
	return marked;
}

/* 8 */
static void a_fork_that_finds_no_pins_forgets_the_way(void **state __unused)
{
	struct address_space *parent = make_parent(), *children[3];
	phys_t frames[2];

	pin(parent, 0, 1, true, &frames[0]);
	pin(parent, 15, 1, true, &frames[1]);
	assert_int_equal(marked_nodes(parent), 4);
	children[0] = fork_from(parent);
	assert_int_equal(marked_nodes(parent), 4);
	assert_int_equal(marked_nodes(children[0]), 0);
	vmm_unpin(&frames[0], 1);
	children[1] = fork_from(parent);
	assert_int_equal(marked_nodes(parent), 3);
	vmm_unpin(&frames[1], 1);
	children[2] = fork_from(parent);
	assert_int_equal(marked_nodes(parent), 0);
	assert_false(parent->may_pin);
	for (int i = 0; i < 3; i++)
		vmm_put_address_space(children[i]);
	test_space_end(parent);
}

static void protect(struct address_space *space, int page, u32 prot)
{
	assert_int_equal(vmm_mprotect(space, page_at(page), PAGE_SIZE, prot), 0);
}

/* Whatever the pages permit while the process forks, they stay the device's. */
static void protection_does_not_end_a_pin(void **state __unused)
{
	static const u32 prots[] = {PROT_NONE, PROT_READ, RW};
	struct address_space *parent = make_parent(), *children[4];
	phys_t frames[PINNED];

	pin(parent, 9, PINNED, true, frames);
	for (int i = 0; i < PINNED; i++)
		protect(parent, 9 + i, prots[i]);
	children[0] = fork_from(parent);
	for (int i = 0; i < PINNED; i++)
		protect(parent, 9 + i, prots[(i + 1) % PINNED]);
	children[1] = fork_from(parent);
	for (int i = 0; i < PINNED; i++)
		protect(parent, 9 + i, RW);
	children[2] = fork_from(parent);
	for (int i = 0; i < PINNED; i++) {
		bytes_of(frames[i])[0] = 200 + i;
		assert_reads(page_at(9 + i), 200 + i);
		assert_writes(page_at(9 + i), 100 + i);
		assert_int_equal(bytes_of(frames[i])[0], 100 + i);
		for (int child = 0; child < 3; child++) {
			protect(children[child], 9 + i, RW);
			assert_int_equal(look(children[child], page_at(9 + i)), 10 + i);
		}
	}
	/* Hidden ones that are not pinned any more are shared like all others. */
	protect(parent, 9, PROT_NONE);
	vmm_unpin(frames, PINNED);
	children[3] = fork_from(parent);
	protect(parent, 9, RW);
	protect(children[3], 9, RW);
	assert_writes(page_at(9), 1);
	assert_int_equal(look(children[3], page_at(9)), 100);
	for (int child = 0; child < 4; child++)
		vmm_put_address_space(children[child]);
	test_space_end(parent);
}

static void a_pinned_page_may_move(void **state __unused)
{
	static const vaddr_t elsewhere = 0x7000000000;
	struct address_space *parent = make_parent(), *child;
	phys_t frame;

	pin(parent, 9, 1, true, &frame);
	assert_int_equal(vmm_mremap(parent, page_at(9), PAGE_SIZE, PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere),
			 elsewhere);
	child = fork_from(parent);
	bytes_of(frame)[0] = 200;
	assert_reads(elsewhere, 200);
	assert_int_equal(look(child, elsewhere), 10);
	vmm_unpin(&frame, 1);
	vmm_put_address_space(child);
	test_space_end(parent);
}

static void reclaim_leaves_pinned_pages(void **state __unused)
{
	struct address_space *space = make_parent();
	phys_t frames[PINNED];

	pin(space, 9, PINNED, true, frames);
	protect(space, 10, PROT_NONE);
	assert_int_equal(vmm_madvise(space, BASE, PAGES * PAGE_SIZE, MADV_PAGEOUT), 0);
	rwlock_read_lock(&space->map_lock);
	for (vaddr_t at = BASE; at < page_at(PAGES);) {
		const struct region *region = region_find_first(space, at);
		(void)reclaim_region(space, region, &at, region->end, RECLAIM_UNSHARE, UINTPTR_MAX);
	}
	rwlock_read_unlock(&space->map_lock);
	protect(space, 10, RW);
	for (int i = 0; i < PINNED; i++) {
		bytes_of(frames[i])[0] = 200 + i;
		assert_reads(page_at(9 + i), 200 + i);
		assert_writes(page_at(9 + i), 100 + i);
		assert_int_equal(bytes_of(frames[i])[0], 100 + i);
	}
	for (int page = 0; page < 9; page++)
		assert_reads(page_at(page), page + 1);
	vmm_unpin(frames, PINNED);
	test_space_end(space);
}

/* What a device writes after MADV_FREE is kept, as what the program writes. */
static void pinned_pages_are_not_given_up(void **state __unused)
{
	struct address_space *space = make_parent();
	phys_t frames[2];

	assert_int_equal(vmm_madvise(space, page_at(9), PAGE_SIZE, MADV_FREE), 0);
	pin(space, 9, 2, true, frames);
	assert_int_equal(vmm_madvise(space, page_at(10), PAGE_SIZE, MADV_FREE), 0);
	bytes_of(frames[0])[0] = 200;
	bytes_of(frames[1])[0] = 201;
	vmm_unpin(frames, 2);
	assert_int_equal(vmm_madvise(space, BASE, PAGES * PAGE_SIZE, MADV_PAGEOUT), 0);
	assert_reads(page_at(9), 200);
	assert_reads(page_at(10), 201);
	test_space_end(space);
}

/* A huge page stays one while it is pinned, until a fork has to copy single pages of it. */
static void a_page_of_a_huge_one_may_be_pinned(void **state __unused)
{
	static const vaddr_t at = 0x80000000;
	struct address_space *parent = test_space(), *child;
	size_t before = huge_pages_mapped();
	phys_t frames[2];

	huge_settings.enabled = HUGE_ALWAYS;
	assert_int_equal(vmm_mmap(parent, at, HUGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0), at);
	for (int page = 0; page < 512; page++)
		assert_writes(at + page * PAGE_SIZE, 1 + page % 100);
	assert_int_equal(huge_pages_mapped(), before + 1);
	assert_int_equal(vmm_pin(parent, at + 7 * PAGE_SIZE, 2, true, frames), 2);
	assert_int_equal(huge_pages_mapped(), before + 1);
	child = fork_from(parent);
	for (int i = 0; i < 2; i++) {
		bytes_of(frames[i])[0] = 200 + i;
		assert_reads(at + (7 + i) * PAGE_SIZE, 200 + i);
		assert_int_equal(look(child, at + (7 + i) * PAGE_SIZE), 8 + i);
		assert_writes(at + (7 + i) * PAGE_SIZE, 150 + i);
		assert_int_equal(bytes_of(frames[i])[0], 150 + i);
	}
	poke(child, at, 99);
	for (int page = 0; page < 512; page++)
		assert_reads(at + page * PAGE_SIZE,
			     page == 7 || page == 8 ? 143 + page : 1 + page % 100);
	assert_int_equal(vmm_munmap(parent, at, HUGE_SIZE), 0);
	tree_check(parent->family, true);
	assert_int_equal(bytes_of(frames[1])[0], 151);
	vmm_unpin(frames, 2);
	assert_int_equal(look(child, at + 9 * PAGE_SIZE), 10);
	vmm_put_address_space(child);
	huge_settings.enabled = HUGE_NEVER;
	test_space_end(parent);
}

static void frames_outlive_their_program(void **state __unused)
{
	struct address_space *space = make_parent();
	phys_t frames[PAGES];

	pin(space, 0, PAGES, true, frames);
	assert_int_equal(vmm_munmap(space, BASE, 5 * PAGE_SIZE), 0);
	assert_int_equal(vmm_madvise(space, page_at(5), PAGE_SIZE, MADV_DONTNEED), 0);
	assert_reads(page_at(5), 0);
	test_space_end(space);
	assert_int_equal(frame_count_kind(FRAME_USER), PAGES);
	for (int page = 0; page < PAGES; page++)
		assert_int_equal(bytes_of(frames[page])[0], page + 1);
	vmm_unpin(frames, PAGES);
	assert_int_equal(frame_count_kind(FRAME_USER), 0);
}

/* More than a ring holds, each with other pages pinned. */
static void a_family_with_many_pins(void **state __unused)
{
	enum { CHILDREN = 12 };
	struct address_space *children[CHILDREN], *parent = make_parent();
	phys_t frames[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		children[i] = fork_from(i % 3 == 2 ? children[i - 1] : parent);
		pin(i % 2 ? children[i] : parent, i, 1, i % 4 < 2, &frames[i]);
		poke(children[i], page_at(i), 100 + i);
		tree_check(parent->family, true);
	}
	for (int i = 0; i < CHILDREN; i++) {
		assert_int_equal(look(children[i], page_at(i)), 100 + i);
		assert_int_equal(look(parent, page_at(i)), i + 1);
		assert_int_equal(bytes_of(frames[i])[0], i % 2 ? 100 + i : i + 1);
	}
	for (int i = 0; i < CHILDREN; i++) {
		vmm_put_address_space(children[i * 5 % CHILDREN]);
		tree_check(parent->family, true);
	}
	vmm_unpin(frames, CHILDREN);
	test_space_end(parent);
}

/* 10 */
static bool fork_fails_at(u64 nth)
{
	struct address_space *parent = make_parent(), *child;
	phys_t frames[PINNED];

	pin(parent, 9, PINNED, true, frames);
	slab_shrink_caches();
	mm_checking.countdown = nth;
	child = vmm_copy_address_space(parent);
	bool failed = mm_checking.countdown == 0;
	mm_checking.countdown = 0;
	assert_true(child != NULL || failed);
	machine_check_tlbs();
	tree_check(parent->family, true);
	vmm_put_address_space(child);
	for (int i = 0; i < PINNED; i++)
		bytes_of(frames[i])[0] = 200 + i;
	for (int page = 0; page < PAGES; page++)
		assert_reads(page_at(page), page < 9 || page > 11 ? page + 1 : 191 + page);
	for (int page = 0; page < PAGES; page++)
		assert_writes(page_at(page), 77);
	for (int i = 0; i < PINNED; i++)
		assert_int_equal(bytes_of(frames[i])[0], 77);
	tree_check(parent->family, true);
	vmm_unpin(frames, PINNED);
	test_space_end(parent);
	return failed;
}

static void a_fork_without_memory_changes_nothing(void **state __unused)
{
	u64 nth = 1;

	while (fork_fails_at(nth))
		nth++;
	/* A space, its root, two upper nodes and two leaves with tables, and three frames. */
	assert_true(nth > 10);
}

static bool pin_fails_at(u64 nth, bool write)
{
	struct address_space *parent = make_parent(), *child = fork_from(parent);
	phys_t frames[PAGES];

	slab_shrink_caches();
	mm_checking.countdown = nth;
	ssize_t got = vmm_pin(child, BASE, PAGES, write, frames);
	bool failed = mm_checking.countdown == 0;
	mm_checking.countdown = 0;
	assert_true(got == PAGES || (failed && (got > 0 || got == -ENOMEM)));
	tree_check(parent->family, true);
	if (got > 0)
		vmm_unpin(frames, (size_t)got);
	for (int page = 0; page < PAGES; page++)
		assert_int_equal(look(child, page_at(page)), page + 1);
	vmm_put_address_space(child);
	test_space_end(parent);
	return failed;
}

static void a_pin_without_memory_is_cut_short(void **state __unused)
{
	for (int write = 0; write < 2; write++) {
		u64 nth = 1;
		while (pin_fails_at(nth, write))
			nth++;
		assert_true(nth > PAGES);
	}
}

static void what_cannot_be_pinned(void **state __unused)
{
	struct address_space *space = make_parent();
	struct test_file file;
	phys_t frames[PAGES];

	assert_int_equal(vmm_pin(space, BASE - PAGE_SIZE, 1, false, frames), -EFAULT);
	assert_int_equal(vmm_pin(space, USER_TOP, 1, false, frames), -EFAULT);
	assert_int_equal(vmm_pin(space, page_at(PAGES - 2) + 5, 5, true, frames), 2);
	vmm_unpin(frames, 2);
	protect(space, 3, PROT_READ);
	protect(space, 4, PROT_NONE);
	assert_int_equal(vmm_pin(space, page_at(2), 3, true, frames), 1);
	vmm_unpin(frames, 1);
	assert_int_equal(vmm_pin(space, page_at(2), 3, false, frames), 2);
	vmm_unpin(frames, 2);
	assert_int_equal(vmm_pin(space, page_at(4), 1, false, frames), -EFAULT);
	test_file_init(&file, PAGES * PAGE_SIZE, 3, true);
	assert_int_equal(vmm_mmap(space, BASE, PAGES * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED,
				  &file.backing, 0),
			 BASE);
	assert_int_equal(vmm_pin(space, BASE, PAGES, true, frames), -EOPNOTSUPP);
	pin(space, 0, PAGES, false, frames);
	page_cache_truncate(&file.cache, 0);
	for (int page = 0; page < PAGES; page++)
		assert_int_equal(bytes_of(frames[page])[5], test_byte(3, page * PAGE_SIZE + 5));
	vmm_unpin(frames, PAGES);
	assert_int_equal(vmm_pin(space, BASE, 1, false, frames), -EFAULT);
	test_space_end(space);
	test_file_destroy(&file);
}

/* Parent and child share it anyway. */
static void shared_memory_stays_shared(void **state __unused)
{
	struct address_space *parent = test_space(), *child;
	phys_t frames[2];

	assert_int_equal(vmm_mmap(parent, BASE, 2 * PAGE_SIZE, RW,
				  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
			 BASE);
	pin(parent, 0, 2, true, frames);
	assert_false(parent->may_pin);
	child = vmm_copy_address_space(parent);
	bytes_of(frames[1])[0] = 200;
	assert_reads(page_at(1), 200);
	assert_int_equal(look(child, page_at(1)), 200);
	vmm_put_address_space(child);
	vmm_unpin(frames, 2);
	test_space_end(parent);
}

static void pages_that_nobody_wrote_are_zeros(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t at = test_map(space, 4 * PAGE_SIZE);
	struct pin_stats before, after;
	phys_t frames[4];

	vmm_get_pin_stats(&before);
	assert_int_equal(vmm_pin(space, at, 2, false, frames), 2);
	assert_int_equal(vmm_pin(space, at + 2 * PAGE_SIZE, 2, true, frames + 2), 2);
	for (int i = 0; i < 4; i++)
		assert_int_equal(bytes_of(frames[i])[9], 0);
	assert_int_equal(frames[0], frames[1]);
	vmm_unpin(frames, 4);
	vmm_get_pin_stats(&after);
	assert_int_equal(after.acquired - before.acquired, 4);
	assert_int_equal(after.released - before.released, 4);
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
		TEST_WITHOUT_LEAKS(the_program_and_the_device_have_the_same_frame),
		TEST_WITHOUT_LEAKS(fork_copies_what_is_pinned),
		TEST_WITHOUT_LEAKS(a_pin_to_read_makes_the_page_own),
		TEST_WITHOUT_LEAKS(what_a_child_pinned_the_parent_does_not_write),
		TEST_WITHOUT_LEAKS(a_fork_that_finds_no_pins_forgets_the_way),
		TEST_WITHOUT_LEAKS(protection_does_not_end_a_pin),
		TEST_WITHOUT_LEAKS(a_pinned_page_may_move),
		TEST_WITHOUT_LEAKS(reclaim_leaves_pinned_pages),
		TEST_WITHOUT_LEAKS(pinned_pages_are_not_given_up),
		TEST_WITHOUT_LEAKS(a_page_of_a_huge_one_may_be_pinned),
		TEST_WITHOUT_LEAKS(frames_outlive_their_program),
		TEST_WITHOUT_LEAKS(a_family_with_many_pins),
		TEST_WITHOUT_LEAKS(a_fork_without_memory_changes_nothing),
		TEST_WITHOUT_LEAKS(a_pin_without_memory_is_cut_short),
		TEST_WITHOUT_LEAKS(what_cannot_be_pinned),
		TEST_WITHOUT_LEAKS(shared_memory_stays_shared),
		TEST_WITHOUT_LEAKS(pages_that_nobody_wrote_are_zeros),
	};

	return cmocka_run_group_tests_name("mm pins", tests, start, NULL);
}
