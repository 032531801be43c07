/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that programs have scattered is brought together: groups of 2 MiB become free, and every
 * page keeps its content. */
#include "tests/host/mm/support.h"

#include "mm/compact.h"
#include "mm/huge.h"
#include "mm/migrate.h"
#include "mm/slab.h"
#include "mm/tree_check.h"

enum { PAGES = 8192, GROUP = 512 };

static size_t free_groups(void)
{
	size_t counts[FRAME_MAX_ORDER + 1], groups = 0;

	frame_drain_all();
	frame_count_orders(counts);
	for (u32 order = FRAME_GROUP_ORDER; order <= FRAME_MAX_ORDER; order++)
		groups += counts[order] << (order - FRAME_GROUP_ORDER);
	return groups;
}

static u8 byte_of(u32 page)
{
	return (u8)(page * 7 + page / 256);
}

static void fill(vaddr_t memory, u32 pages)
{
	for (u32 i = 0; i < pages; i++)
		assert_writes(memory + i * PAGE_SIZE + i % PAGE_SIZE, byte_of(i));
}

/* Of every `step` pages the first one stays. */
static void scatter(struct address_space *space, vaddr_t memory, u32 pages, u32 step)
{
	for (u32 i = 0; i < pages; i += step)
		assert_int_equal(vmm_madvise(space, memory + (i + 1) * PAGE_SIZE,
					     (step - 1) * PAGE_SIZE, MADV_DONTNEED),
				 0);
}

static void check(vaddr_t memory, u32 pages, u32 step)
{
	for (u32 i = 0; i < pages; i++)
		assert_reads(memory + i * PAGE_SIZE + i % PAGE_SIZE,
			     i % step == 0 ? byte_of(i) : 0);
}

static void settle(struct address_space *space)
{
	machine_check_tlbs();
	tree_check(space->family, true);
}

static void groups_become_free(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);
	size_t before = free_groups();

	fill(memory, PAGES);
	scatter(space, memory, PAGES, 8);
	size_t scattered = free_groups();
	assert_true(scattered < before - PAGES / GROUP / 2);
	size_t freed = compact_all();
	assert_true(freed >= PAGES / GROUP * 3 / 4);
	assert_true(free_groups() >= scattered + PAGES / GROUP * 3 / 4);
	settle(space);
	check(memory, PAGES, 8);
	fill(memory, PAGES);
	check(memory, PAGES, 1);
	test_space_end(space);
	assert_int_equal(free_groups(), before);
}

static void what_somebody_holds_stays(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);
	size_t before = free_groups();

	fill(memory, PAGES);
	scatter(space, memory, PAGES, GROUP);
	phys_t held[PAGES / GROUP];
	for (u32 i = 0; i < PAGES / GROUP; i++) {
		held[i] = vmm_get_physical_addr(space, memory + i * GROUP * PAGE_SIZE);
		frame_get(held[i]);
	}
	size_t scattered = free_groups();
	assert_int_equal(compact_all(), 0);
	assert_int_equal(free_groups(), scattered);
	for (u32 i = 0; i < PAGES / GROUP; i++) {
		assert_int_equal(vmm_get_physical_addr(space, memory + i * GROUP * PAGE_SIZE),
				 held[i]);
		frame_free(held[i]);
	}
	assert_true(compact_all() > 0);
	settle(space);
	check(memory, PAGES, GROUP);
	test_space_end(space);
	assert_int_equal(free_groups(), before);
}

static void pages_that_forks_share_move(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);

	fill(memory, PAGES);
	scatter(space, memory, PAGES, 4);
	struct address_space *child = vmm_copy_address_space(space);
	for (u32 i = 0; i < PAGES; i += GROUP)
		assert_writes(memory + i * PAGE_SIZE + i % PAGE_SIZE, byte_of(i));
	assert_true(compact_all() > PAGES / GROUP / 2);
	settle(space);
	check(memory, PAGES, 4);
	vmm_switch_address_space(child);
	check(memory, PAGES, 4);
	vmm_switch_address_space(space);
	vmm_put_address_space(child);
	test_space_end(space);
}

static void pages_of_files_move(void **state __unused)
{
	struct address_space *space = test_space();
	struct test_file file;
	enum { FILE_PAGES = 2048 };

	test_file_init(&file, FILE_PAGES * PAGE_SIZE, 3, false);
	long memory = vmm_mmap(space, 0, FILE_PAGES * PAGE_SIZE, RW, MAP_SHARED, &file.backing, 0);
	assert_true(memory > 0);
	fill((vaddr_t)memory, FILE_PAGES);
	for (u32 i = 0; i < FILE_PAGES; i += 4)
		page_cache_punch(&file.cache, (i + 1) * PAGE_SIZE, (i + 4) * PAGE_SIZE);
	size_t scattered = free_groups();
	assert_true(compact_all() >= FILE_PAGES / GROUP / 2);
	assert_true(free_groups() > scattered);
	settle(space);
	check((vaddr_t)memory, FILE_PAGES, 4);
	test_space_end(space);
	test_file_destroy(&file);
}

static void a_block_is_made_for_who_asks(void **state __unused)
{
	static phys_t taken[64 * MIB / PAGE_SIZE];
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);
	struct compact_stats before, after;
	phys_t block;
	size_t blocks = 0;

	fill(memory, PAGES);
	scatter(space, memory, PAGES, 4);
	compact_get_stats(&before);
	assert_true(compact_for(9));
	while ((block = frames_alloc(9)) != 0)
		taken[blocks++] = block;
	assert_true(compact_for(9));
	block = frames_alloc(9);
	assert_int_not_equal(block, 0);
	frames_free(block, 9);
	compact_get_stats(&after);
	assert_int_equal(after.asked - before.asked, 2);
	assert_int_equal(after.succeeded - before.succeeded, 2);
	assert_true(after.freed > before.freed && after.isolated > before.isolated);
	while (blocks > 0)
		frames_free(taken[--blocks], 9);
	check(memory, PAGES, 4);
	test_space_end(space);
}

/* A fault that finds no block has one made, if the switch says so for its region. */
static bool fault_is_huge(struct address_space *space, u32 defrag, bool asked)
{
	vaddr_t memory = test_map(space, 2 * HUGE_SIZE), base = ALIGN_UP(memory, HUGE_SIZE);
	size_t mapped = huge_pages_mapped();

	huge_settings.fault_defrag = defrag;
	if (asked)
		assert_int_equal(vmm_madvise(space, base, HUGE_SIZE, MADV_HUGEPAGE), 0);
	assert_writes(base, 1);
	bool huge = huge_pages_mapped() != mapped;
	assert_int_equal(vmm_munmap(space, memory, 2 * HUGE_SIZE), 0);
	frame_drain_all();
	return huge;
}

static void faults_make_room_as_they_are_told(void **state __unused)
{
	static const struct {
		u32 defrag;
		bool plain, asked;
	} cases[] = {
		{DEFRAG_NEVER, false, false},  {DEFRAG_DEFER, false, false},
		{DEFRAG_ADVISED, false, true}, {DEFRAG_DEFER_ADVISED, false, true},
		{DEFRAG_ALWAYS, true, true},
	};
	static phys_t taken[64 * MIB / PAGE_SIZE];

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct address_space *space = test_space();
		huge_settings.enabled = HUGE_NEVER;
		vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);
		phys_t block;
		size_t blocks = 0;
		fill(memory, PAGES);
		scatter(space, memory, PAGES, 4);
		frame_drain_all();
		while ((block = frames_alloc(9)) != 0)
			taken[blocks++] = block;
		huge_settings.enabled = HUGE_ALWAYS;
		assert_int_equal(fault_is_huge(space, cases[i / 2].defrag, i % 2),
				 i % 2 ? cases[i / 2].asked : cases[i / 2].plain);
		while (blocks > 0)
			frames_free(taken[--blocks], 9);
		settle(space);
		check(memory, PAGES, 4);
		test_space_end(space);
	}
	huge_settings.enabled = HUGE_NEVER;
}

static void want_of_memory_is_no_fragmentation(void **state __unused)
{
	size_t counts[FRAME_MAX_ORDER + 1] = {0};

	assert_int_equal(compact_fragmentation_index(counts, 9), 0);
	counts[0] = 3;
	assert_true(compact_fragmentation_index(counts, 9) < 700);
	counts[0] = 100000;
	assert_true(compact_fragmentation_index(counts, 9) > 990);
	counts[9] = 1;
	assert_int_equal(compact_fragmentation_index(counts, 9), -1000);
}

/* What the kernel takes falls together, also among a program's pages. */
static void kernel_frames_stay_together(void **state __unused)
{
	enum { KERNEL = 600 };
	static phys_t frames[KERNEL];
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);
	u64 groups = 0;

	for (u32 i = 0; i < PAGES; i++) {
		assert_writes(memory + i * PAGE_SIZE, 1);
		if (i % (PAGES / KERNEL) == 0 && i / (PAGES / KERNEL) < KERNEL)
			frames[i / (PAGES / KERNEL)] = frame_alloc();
	}
	for (u32 i = 0; i < KERNEL; i++)
		groups |= BIT(frames[i] / (2 * MIB));
	assert_true(__builtin_popcountll(groups) <= 4);
	frame_free_batch(frames, KERNEL);
	test_space_end(space);
}

/* Memory that is in use by programs can be removed. */
static void memory_in_use_is_vacated(void **state __unused)
{
	struct address_space *space = test_space();
	vaddr_t memory = test_map(space, PAGES * PAGE_SIZE);
	u32 there = 0;

	fill(memory, PAGES);
	scatter(space, memory, PAGES, 2);
	phys_t start =
		ALIGN_DOWN(vmm_get_physical_addr(space, memory + PAGES / 2 * PAGE_SIZE), 2 * MIB);
	phys_t end = start + 2 * MIB;
	for (u32 i = 0; i < PAGES; i += 2) {
		phys_t frame = vmm_get_physical_addr(space, memory + i * PAGE_SIZE);
		there += frame >= start && frame < end;
	}
	assert_true(there > 0);
	assert_int_equal(frame_remove_memory(start, end - start), -EBUSY);
	compact_vacate(start, end);
	assert_int_equal(frame_remove_memory(start, end - start), 0);
	compact_vacate_end(start, end);
	settle(space);
	check(memory, PAGES, 2);
	assert_int_equal(frame_add_memory(start, end - start), 0);
	test_space_end(space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(groups_become_free),
		TEST_WITHOUT_LEAKS(what_somebody_holds_stays),
		TEST_WITHOUT_LEAKS(pages_that_forks_share_move),
		TEST_WITHOUT_LEAKS(pages_of_files_move),
		TEST_WITHOUT_LEAKS(a_block_is_made_for_who_asks),
		TEST_WITHOUT_LEAKS(faults_make_room_as_they_are_told),
		TEST_WITHOUT_LEAKS(want_of_memory_is_no_fragmentation),
		TEST_WITHOUT_LEAKS(kernel_frames_stay_together),
		TEST_WITHOUT_LEAKS(memory_in_use_is_vacated),
	};

	machine_start(64 * MIB);
	return cmocka_run_group_tests_name("mm compact", tests, NULL, NULL);
}
