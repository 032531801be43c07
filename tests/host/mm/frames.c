/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames and blocks of them. */
#include "tests/host/mm/support.h"

#include <stdio.h>

#include "lib/abi/kpageflags.h"
#include "lib/string.h"
#include "mm/checking.h"
#include "mm/meminfo.h"
#include "mm/paging.h"
#include "mm/slab.h"

enum { MEMORY = 64 };

static void a_frame_is_memory_outside_of_all_holes(void **state __unused)
{
	for (int i = 0; i < 1000; i++) {
		phys_t frame = frame_alloc();
		assert_true(frame >= MIB + 68 * KIB && frame < MEMORY * MIB);
		assert_int_equal(frame_refs(frame), 1);
		frame_free(frame);
		assert_int_equal(frame_refs(frame), 0);
	}
}

static void a_frame_lives_until_the_last_reference(void **state __unused)
{
	phys_t frame = frame_alloc();
	size_t used = machine_frames_used();

	frame_get(frame);
	frame_get(frame);
	frame_free(frame);
	frame_free(frame);
	assert_int_equal(frame_refs(frame), 1);
	assert_int_equal(machine_frames_used(), used);
	frame_free(frame);
	assert_int_equal(machine_frames_used(), used - 1);
}

static void zeroed_frames_are_zero(void **state __unused)
{
	phys_t frame = frame_alloc();

	memset(phys_to_virt(frame), 0xff, PAGE_SIZE);
	frame_free(frame);
	phys_t again = frame_alloc_zeroed();
	for (size_t i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(((u8 *)phys_to_virt(again))[i], 0);
	frame_free(again);
}

static void clean_tables_are_kept_apart_and_are_free_memory(void **state __unused)
{
	enum { TABLES = 40 };
	phys_t tables[TABLES];
	bool clean;

	frame_drain();
	for (int i = 0; i < TABLES; i++) {
		tables[i] = frame_alloc_table(&clean);
		assert_true(tables[i] != 0 && !clean);
		page_clear(phys_to_virt(tables[i]));
	}
	size_t used = machine_frames_used();
	for (int i = 0; i < TABLES; i++)
		frame_free_clean(tables[i]);
	assert_int_equal(machine_frames_used(), used - TABLES);

	int kept = 0;
	for (int i = 0; i < TABLES; i++) {
		tables[i] = frame_alloc_table(&clean);
		assert_int_equal(frame_refs(tables[i]), 1);
		kept += clean;
		for (size_t at = 0; clean && at < PAGE_SIZE; at++)
			assert_int_equal(((u8 *)phys_to_virt(tables[i]))[at], 0);
	}
	assert_true(kept > 0 && kept < TABLES);
	assert_int_equal(machine_frames_used(), used);

	/* One that others hold is not free, and a drained CPU has none. */
	page_clear(phys_to_virt(tables[0]));
	frame_get(tables[0]);
	frame_free_clean(tables[0]);
	assert_int_equal(frame_refs(tables[0]), 1);
	for (int i = 0; i < TABLES; i++)
		frame_free_clean(tables[i]);
	frame_drain();
	tables[0] = frame_alloc_table(&clean);
	assert_false(clean);
	frame_free(tables[0]);
}

static void clean_tables_go_when_nothing_else_is_left(void **state __unused)
{
	static phys_t frames[65536];
	size_t count = 0;
	bool clean;
	phys_t table = frame_alloc_table(&clean);

	page_clear(phys_to_virt(table));
	frame_free_clean(table);
	while (count < ARRAY_SIZE(frames) && (frames[count] = frame_alloc()) != 0)
		count++;
	assert_true(count < ARRAY_SIZE(frames));
	assert_int_equal(frame_get_free_memory(), 0);
	frame_free_batch(frames, count);
}

static void blocks_are_aligned_and_join_again(void **state __unused)
{
	size_t before[FRAME_MAX_ORDER + 1], after[FRAME_MAX_ORDER + 1];

	frame_drain();
	frame_count_orders(before);
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++) {
		phys_t block = frames_alloc(order);
		assert_true(block != 0 && block % (PAGE_SIZE << order) == 0);
		frames_free(block, order);
	}
	frame_drain();
	frame_count_orders(after);
	assert_int_equal(before[FRAME_MAX_ORDER], after[FRAME_MAX_ORDER]);
	assert_int_equal(frames_alloc(FRAME_MAX_ORDER + 1), 0);
}

static void random_blocks_never_overlap(void **state __unused)
{
	struct {
		phys_t start;
		u32 order;
	} blocks[64] = {{0, 0}};
	size_t used = machine_frames_used();

	for (int round = 0; round < 20000; round++) {
		u64 i = next_random() % 64;
		if (blocks[i].start != 0) {
			u64 *words = phys_to_virt(blocks[i].start);
			assert_int_equal(words[0], i);
			assert_int_equal(words[(PAGE_SIZE << blocks[i].order) / 8 - 1], ~i);
			frames_free(blocks[i].start, blocks[i].order);
			blocks[i].start = 0;
			continue;
		}
		blocks[i].order = next_random() % 9;
		blocks[i].start = frames_alloc(blocks[i].order);
		if (blocks[i].start == 0)
			continue;
		u64 *words = phys_to_virt(blocks[i].start);
		words[0] = i;
		words[(PAGE_SIZE << blocks[i].order) / 8 - 1] = ~i;
	}
	for (int i = 0; i < 64; i++)
		if (blocks[i].start != 0)
			frames_free(blocks[i].start, blocks[i].order);
	assert_int_equal(machine_frames_used(), used);
}

/* All memory can be taken, and programs stop before the kernel does. */
static void exhaustion_leaves_a_reserve_for_the_kernel(void **state __unused)
{
	static phys_t frames[MEMORY * MIB / PAGE_SIZE];
	size_t count = 0, users;
	phys_t frame;

	while ((frame = frame_alloc_kind(FRAME_USER)) != 0)
		frames[count++] = frame;
	users = count;
	assert_true(frame_get_free_memory() >= 128 * KIB);
	while ((frame = frame_alloc()) != 0)
		frames[count++] = frame;
	assert_true(count > users);
	assert_int_equal(frame_get_free_memory(), 0);
	frame_free_batch(frames, count);
	assert_true(frame_get_free_memory() > 32 * MIB);
}

static void a_batch_is_as_good_as_single_frames(void **state __unused)
{
	static phys_t frames[300];
	size_t used = machine_frames_used();

	assert_int_equal(frame_alloc_batch(FRAME_USER, frames, ARRAY_SIZE(frames)),
			 ARRAY_SIZE(frames));
	assert_int_equal(machine_frames_used(), used + ARRAY_SIZE(frames));
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		assert_int_equal(frame_refs(frames[i]), 1);
		assert_int_equal(frame_of(frames[i])->kind, FRAME_USER);
	}
	frame_free_batch(frames, ARRAY_SIZE(frames));
	assert_int_equal(machine_frames_used(), used);
	mm_checking.countdown = 1;
	assert_int_equal(frame_alloc_batch(FRAME_USER, frames, 3), 0);
}

static void frames_taken_one_after_the_other_are_neighbours(void **state __unused)
{
	static phys_t frames[512];
	size_t neighbours = 0;

	assert_int_equal(frame_alloc_batch(FRAME_USER, frames, 500), 500);
	for (size_t i = 500; i < ARRAY_SIZE(frames); i++)
		frames[i] = frame_alloc_kind(FRAME_USER);
	for (size_t i = 1; i < ARRAY_SIZE(frames); i++)
		neighbours += frames[i] == frames[i - 1] + PAGE_SIZE;
	assert_true(neighbours > ARRAY_SIZE(frames) * 9 / 10);
	frame_free_batch(frames, ARRAY_SIZE(frames));
}

/* A frame that somebody else holds too stays, whatever its neighbours do. */
static void a_run_is_freed_but_for_what_others_hold(void **state __unused)
{
	static phys_t frames[256];
	size_t used = machine_frames_used();
	phys_t block = frames_alloc(8);

	assert_true(block != 0);
	frames_free(block, 8);
	assert_int_equal(frame_alloc_batch(FRAME_USER, frames, ARRAY_SIZE(frames)),
			 ARRAY_SIZE(frames));
	for (size_t held = 0; held < ARRAY_SIZE(frames); held += 37)
		frame_get(frames[held]);
	frame_free_batch(frames, ARRAY_SIZE(frames));
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		assert_int_equal(frame_refs(frames[i]), i % 37 == 0);
	assert_int_equal(machine_frames_used(), used + 7);
	for (size_t held = 0; held < ARRAY_SIZE(frames); held += 37)
		frame_free(frames[held]);
	assert_int_equal(machine_frames_used(), used);
}

static void a_batch_gives_what_there_is(void **state __unused)
{
	static phys_t frames[MEMORY * MIB / PAGE_SIZE + 1];
	size_t count = frame_alloc_batch(FRAME_KERNEL, frames, ARRAY_SIZE(frames));

	assert_true(count > 0 && count < ARRAY_SIZE(frames));
	assert_int_equal(frame_get_free_memory(), 0);
	frame_free_batch(frames, count);
}

/* A count of references that runs away keeps the frame for ever. */
static void references_saturate(void **state __unused)
{
	phys_t frame = frame_alloc();

	frame_of(frame)->refs = UINT32_C(0x7fffffff);
	frame_get(frame);
	frame_get(frame);
	assert_true(frame_refs(frame) > UINT32_C(0x80000000));
	for (int i = 0; i < 10; i++) {
		frame_free(frame);
		assert_true(frame_refs(frame) > UINT32_C(0x80000000));
	}
	frame_of(frame)->refs = UINT32_MAX;
	frame_get(frame);
	assert_true(frame_refs(frame) > UINT32_C(0x80000000));
	frame_of(frame)->refs = 1;
	frame_free(frame);
}

static void runs_are_longer_than_the_largest_block(void **state __unused)
{
	const size_t count = 20 * MIB / PAGE_SIZE + 1;
	size_t before[FRAME_MAX_ORDER + 1], after[FRAME_MAX_ORDER + 1];
	size_t used = machine_frames_used();

	frame_drain();
	frame_count_orders(before);
	phys_t run = frames_alloc_run(count);
	assert_true(run != 0 && run % (16 * MIB) == 0);
	assert_int_equal(machine_frames_used(), used + count);
	memset(phys_to_virt(run), 1, count * PAGE_SIZE);
	phys_t other = frame_alloc();
	assert_true(other < run || other >= run + count * PAGE_SIZE);
	frame_free(other);
	assert_int_equal(frames_alloc_run(MEMORY * MIB / PAGE_SIZE), 0);
	assert_int_equal(frames_alloc_run(0), 0);
	assert_int_equal(frames_alloc_run(SIZE_MAX), 0);
	frames_free_run(run);
	assert_int_equal(machine_frames_used(), used);
	frame_drain();
	frame_count_orders(after);
	assert_int_equal(before[FRAME_MAX_ORDER], after[FRAME_MAX_ORDER]);
	mm_checking.countdown = 1;
	assert_int_equal(frames_alloc_run(count), 0);
}

static size_t reclaims, reclaimable;
static phys_t reclaim_stock[4];

static size_t give_one_back(void)
{
	reclaims++;
	if (reclaimable == 0)
		return 0;
	frame_free(reclaim_stock[--reclaimable]);
	return 1;
}

static void who_finds_no_frame_reclaims_and_tries_again(void **state __unused)
{
	static phys_t frames[MEMORY * MIB / PAGE_SIZE];

	slab_shrink_caches();
	frame_set_reclaimer(give_one_back);
	for (reclaimable = 0; reclaimable < ARRAY_SIZE(reclaim_stock); reclaimable++)
		reclaim_stock[reclaimable] = frame_alloc();
	size_t free = frame_get_free_memory() / PAGE_SIZE;
	size_t count = frame_alloc_batch(FRAME_KERNEL, frames, ARRAY_SIZE(frames));
	assert_int_equal(count, free + ARRAY_SIZE(reclaim_stock));
	assert_int_equal(reclaims, ARRAY_SIZE(reclaim_stock) + 1);
	assert_int_equal(frame_alloc(), 0);
	frame_free_batch(frames, count);
	frame_set_reclaimer(NULL);
}

static void ballooned_frames_are_no_memory(void **state __unused)
{
	static phys_t frames[100];
	size_t total = frame_get_total_memory(), free = frame_get_free_memory();
	size_t used = machine_frames_used();
	frame_stats_t stats;

	assert_int_equal(frame_alloc_batch(FRAME_BALLOON, frames, ARRAY_SIZE(frames)),
			 ARRAY_SIZE(frames));
	frame_note_ballooned(frames, ARRAY_SIZE(frames), true);
	assert_int_equal(frame_get_total_memory(), total - ARRAY_SIZE(frames) * PAGE_SIZE);
	assert_int_equal(frame_get_free_memory(), free - ARRAY_SIZE(frames) * PAGE_SIZE);
	assert_int_equal(machine_frames_used(), used);
	frame_get_stats(&stats);
	assert_int_equal(stats.total_frames, frame_get_total_memory() / PAGE_SIZE);
	frame_note_ballooned(frames, ARRAY_SIZE(frames), false);
	frame_free_batch(frames, ARRAY_SIZE(frames));
	assert_int_equal(frame_get_total_memory(), total);
	assert_int_equal(frame_get_free_memory(), free);
}

/* A block of 2 MiB that a CPU keeps is free memory, for whoever has no other. */
static void kept_blocks_are_hidden_from_nobody(void **state __unused)
{
	static phys_t frames[MEMORY * MIB / PAGE_SIZE];
	size_t free = frame_get_free_memory();
	phys_t block = frames_alloc(9);

	machine_use_cpu(1);
	frames_free(block, 9);
	assert_int_equal(frame_get_free_memory(), free);
	phys_t again = frames_alloc_placed(9, FRAME_USER, NULL);
	assert_int_equal(again, block);
	assert_int_equal(frame_of(again)->kind, FRAME_USER);
	frame_free(again);
	machine_use_cpu(0);
	size_t count = frame_alloc_batch(FRAME_KERNEL, frames, ARRAY_SIZE(frames));
	assert_int_equal(frame_get_free_memory(), 0);
	frame_free_batch(frames, count);
	assert_int_equal(frame_get_free_memory(), free);
}

/* What /proc/kpage* says of one frame. */
static void a_frame_tells_what_it_is(void **state __unused)
{
	phys_t user = frame_alloc_kind(FRAME_USER), cache = frame_alloc_kind(FRAME_CACHE);
	phys_t table = frame_alloc_kind(FRAME_TABLE);
	phys_t huge = frames_alloc_placed(9, FRAME_USER, NULL);
	pfn_t pfn = huge >> PAGE_SHIFT;

	assert_int_equal(frame_page_count(user >> PAGE_SHIFT), 1);
	assert_int_equal(frame_page_flags(user >> PAGE_SHIFT),
			 BIT(KPF_UPTODATE) | BIT(KPF_LRU) | BIT(KPF_MMAP) | BIT(KPF_ANON) |
				 BIT(KPF_SWAPBACKED));
	assert_int_equal(frame_page_count(cache >> PAGE_SHIFT), 0);
	assert_false(frame_page_flags(cache >> PAGE_SHIFT) & BIT(KPF_MMAP));
	frame_get(cache);
	assert_int_equal(frame_page_count(cache >> PAGE_SHIFT), 1);
	assert_int_equal(frame_page_flags(table >> PAGE_SHIFT), BIT(KPF_PGTABLE));
	assert_int_equal(frame_page_flags(frame_limit()), BIT(KPF_NOPAGE));
	assert_int_equal(frame_page_count(frame_limit()), 0);
	assert_true(frame_page_flags(pfn) & BIT(KPF_COMPOUND_HEAD));
	assert_false(frame_page_flags(pfn) & BIT(KPF_THP));
	frame_of(huge)->huge = 1;
	for (pfn_t tail = pfn + 1; tail < pfn + 512; tail++) {
		assert_int_equal(frame_page_count(tail), 1);
		assert_true(frame_page_flags(tail) & BIT(KPF_COMPOUND_TAIL));
		assert_true(frame_page_flags(tail) & BIT(KPF_THP));
	}
	frame_free(cache);
	frame_free(cache);
	frame_free(user);
	frame_free(table);
	frame_free(huge);
	frame_drain();
	assert_false(frame_page_flags(pfn + 1) & BIT(KPF_COMPOUND_TAIL));
}

static void groups_are_told_by_what_holds_them(void **state __unused)
{
	struct frame_group_counts before, after;
	size_t groups = 0, in_blocks = 0;
	struct frame_zone_info zone;

	frame_drain();
	assert_true(frame_count_groups(0, &before));
	assert_true(frame_zone_info(0, &zone));
	for (u32 type = 0; type < FRAME_GROUPS; type++) {
		groups += before.groups[type];
		for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
			in_blocks += before.free[type][order] << order;
	}
	assert_int_equal(groups, MEMORY / 2);
	assert_int_equal(in_blocks, zone.free);
	phys_t block = frames_alloc(FRAME_MAX_ORDER);
	assert_true(frame_count_groups(0, &after));
	assert_int_equal(after.groups[FRAME_GROUP_UNMOVABLE],
			 before.groups[FRAME_GROUP_UNMOVABLE] + 8);
	frames_free(block, FRAME_MAX_ORDER);
	assert_false(frame_count_groups(2, &after));
}

static void watermarks_are_in_order(void **state __unused)
{
	struct frame_watermarks marks;

	frame_get_watermarks(&marks);
	assert_true(marks.min >= 256 * KIB / PAGE_SIZE);
	assert_true(marks.min < marks.low && marks.low < marks.high);
	assert_true(marks.high < MEMORY * MIB / PAGE_SIZE / 4);
	assert_int_equal(frame_fragmentation(0), 0);
	assert_true(frame_fragmentation(FRAME_MAX_ORDER) <= 1000);
}

static void the_checking_hook_makes_one_allocation_fail(void **state __unused)
{
	mm_checking.countdown = 2;
	phys_t first = frame_alloc();
	assert_int_equal(frame_alloc(), 0);
	phys_t third = frame_alloc();
	assert_true(first != 0 && third != 0);
	frame_free(first);
	frame_free(third);
}

static void the_figures_add_up(void **state __unused)
{
	frame_stats_t stats;
	meminfo_t info;

	frame_get_stats(&stats);
	get_meminfo(&info);
	assert_int_equal(stats.total_frames * PAGE_SIZE, info.total);
	assert_int_equal(stats.free_frames * PAGE_SIZE, info.free);
	assert_int_equal(info.free + info.kernel + info.user + info.cache +
				 stats.reserved_frames * PAGE_SIZE,
			 info.total);
}

static int start(void **state __unused)
{
	machine_start(MEMORY * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_memory_outside_of_all_holes),
		cmocka_unit_test(a_frame_lives_until_the_last_reference),
		cmocka_unit_test(zeroed_frames_are_zero),
		cmocka_unit_test(clean_tables_are_kept_apart_and_are_free_memory),
		cmocka_unit_test(clean_tables_go_when_nothing_else_is_left),
		cmocka_unit_test(blocks_are_aligned_and_join_again),
		cmocka_unit_test(random_blocks_never_overlap),
		cmocka_unit_test(exhaustion_leaves_a_reserve_for_the_kernel),
		cmocka_unit_test(a_batch_is_as_good_as_single_frames),
		cmocka_unit_test(frames_taken_one_after_the_other_are_neighbours),
		cmocka_unit_test(a_run_is_freed_but_for_what_others_hold),
		cmocka_unit_test(a_batch_gives_what_there_is),
		cmocka_unit_test(references_saturate),
		cmocka_unit_test(runs_are_longer_than_the_largest_block),
		cmocka_unit_test(who_finds_no_frame_reclaims_and_tries_again),
		cmocka_unit_test(ballooned_frames_are_no_memory),
		cmocka_unit_test(kept_blocks_are_hidden_from_nobody),
		cmocka_unit_test(a_frame_tells_what_it_is),
		cmocka_unit_test(groups_are_told_by_what_holds_them),
		cmocka_unit_test(watermarks_are_in_order),
		cmocka_unit_test(the_checking_hook_makes_one_allocation_fail),
		cmocka_unit_test(the_figures_add_up),
	};

	return cmocka_run_group_tests_name("mm frames", tests, start, NULL);
}
