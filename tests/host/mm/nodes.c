/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of a machine with several nodes: who gets whose memory. */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/slab.h"

/* Node 1 ends at an odd place; CPUs 0 and 1 are node 0's, 2 is node 1's, 3 node 2's. */
enum { MEMORY = 96, FRAMES = MEMORY * MIB / PAGE_SIZE };
static const phys_t border1 = 32 * MIB, border2 = 64 * MIB + 5 * PAGE_SIZE;

static phys_t taken[FRAMES];

static u32 place_of(phys_t frame)
{
	return frame < border1 ? 0 : frame < border2 ? 1 : 2;
}

static void all_memory_is_sorted_by_its_place(void **state __unused)
{
	size_t count = frame_alloc_batch(FRAME_KERNEL, taken, FRAMES);

	assert_true(count > FRAMES * 9 / 10);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(frame_node_of(taken[i]), place_of(taken[i]));
	for (u32 node = 0; node < 3; node++)
		assert_int_equal(frame_node_free(node), 0);
	frame_free_batch(taken, count);
	frame_drain();
	assert_true(frame_node_free(0) > 20 * MIB / PAGE_SIZE);
	assert_true(frame_node_free(1) > 31 * MIB / PAGE_SIZE);
	assert_true(frame_node_free(2) > 31 * MIB / PAGE_SIZE - 5);
	assert_int_equal(frame_nodes_with_memory(), 7);
}

static void a_cpu_gets_the_memory_of_its_node(void **state __unused)
{
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		frame_drain();
		for (int i = 0; i < 100; i++)
			taken[i] = frame_alloc();
		for (int i = 0; i < 100; i++) {
			assert_int_equal(place_of(taken[i]), frame_node_of_cpu(cpu));
			frame_free(taken[i]);
		}
		phys_t block = frames_alloc(9);
		assert_int_equal(place_of(block), frame_node_of_cpu(cpu));
		frames_free(block, 9);
	}
	machine_use_cpu(0);
}

/* Node 0 is near to 1, far from 2; node 1 nearer to 0 than to 2. */
static void a_full_node_takes_from_the_nearest(void **state __unused)
{
	size_t count = 0, first1 = 0, first2 = 0;
	phys_t frame;

	frame_drain();
	while ((frame = frame_alloc()) != 0) {
		u32 node = place_of(frame);
		/* The last frames of a node, below its `low` mark, go when all else is gone. */
		if (node == 1 && first1 == 0)
			first1 = count;
		if (node == 2 && first2 == 0)
			first2 = count;
		taken[count++] = frame;
	}
	assert_true(first1 > 0 && first2 > first1);
	frame_free_batch(taken, count);
}

/* What another node's CPU frees goes home, not to that CPU's next request. */
static void a_frame_returns_to_its_node(void **state __unused)
{
	frame_drain();
	size_t free = frame_node_free(1);
	const struct frame_placement there = {.nodes = 2, .first = 1, .strict = true};

	assert_int_equal(frame_alloc_batch_placed(FRAME_USER, &there, taken, 100), 100);
	assert_int_equal(frame_node_free(1), free - 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(place_of(taken[i]), 1);
	frame_free_batch(taken, 50);
	for (int i = 50; i < 100; i++)
		frame_free(taken[i]);
	assert_int_equal(frame_node_free(1), free);
}

static void a_strict_placement_takes_from_nobody_else(void **state __unused)
{
	const struct frame_placement there = {
		.nodes = 4, .first = FRAME_NODE_LOCAL, .strict = true};
	const struct frame_placement first = {.nodes = 4, .first = FRAME_NODE_LOCAL};
	size_t count = frame_alloc_batch_placed(FRAME_KERNEL, &there, taken, FRAMES);
	phys_t frame;

	assert_true(count > 31 * MIB / PAGE_SIZE - 5 && count < 33 * MIB / PAGE_SIZE);
	assert_int_equal(frame_node_free(2), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(place_of(taken[i]), 2);
	assert_int_equal(frame_alloc_batch_placed(FRAME_KERNEL, &there, &frame, 1), 0);
	assert_int_equal(frames_alloc_placed(9, FRAME_USER, &there), 0);
	assert_int_equal(frame_alloc_batch_placed(FRAME_KERNEL, &first, &frame, 1), 1);
	assert_int_equal(place_of(frame), 0);
	frame_free(frame);
	frame_free_batch(taken, count);
	phys_t block = frames_alloc_placed(9, FRAME_USER, &there);
	assert_int_equal(place_of(block), 2);
	frames_free(block, 9);
}

static void the_figures_of_zones_add_up(void **state __unused)
{
	struct frame_zone_info info;
	size_t managed = 0, present = 0, free = 0;
	frame_stats_t stats;

	frame_drain();
	for (u32 i = 0; frame_zone_info(i, &info); i++) {
		size_t in_blocks = 0;
		managed += info.managed;
		present += info.present;
		free += info.free;
		assert_int_equal(info.node, i / 2);
		assert_true(info.marks.min <= info.marks.low && info.marks.low <= info.marks.high);
		for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
			in_blocks += info.counts[order] << order;
		assert_int_equal(in_blocks, info.free);
	}
	assert_false(frame_zone_info(6, &info));
	frame_get_stats(&stats);
	assert_int_equal(present, stats.total_frames);
	assert_int_equal(managed, stats.total_frames - stats.reserved_frames);
	assert_true(free <= stats.free_frames && free + 4 * 64 >= stats.free_frames);
}

static void kinds_are_counted_by_node(void **state __unused)
{
	const struct frame_placement there = {.nodes = 4, .first = 2, .strict = true};
	size_t before[FRAME_KINDS], after[FRAME_KINDS], users = 0;

	for (u32 node = 0; node < 3; node++) {
		frame_node_count_kinds(node, before);
		users += before[FRAME_USER];
	}
	assert_int_equal(users, frame_count_kind(FRAME_USER));
	frame_node_count_kinds(2, before);
	assert_int_equal(frame_alloc_batch_placed(FRAME_USER, &there, taken, 300), 300);
	phys_t block = frames_alloc_placed(9, FRAME_USER, &there);
	frame_node_count_kinds(2, after);
	assert_int_equal(after[FRAME_USER], before[FRAME_USER] + 812);
	assert_int_equal(after[FRAME_FREE], frame_node_free(2));
	frames_free(block, 9);
	frame_free_batch(taken, 300);
}

static void misses_are_counted_on_both_sides(void **state __unused)
{
	const struct frame_placement there = {
		.nodes = 4, .first = 2, .strict = true, .interleaved = true};
	struct frame_zone_info before[6], after[6];

	for (u32 i = 0; i < 6; i++)
		assert_true(frame_zone_info(i, &before[i]));
	assert_int_equal(frame_alloc_batch_placed(FRAME_USER, &there, taken, 10), 10);
	frame_free_batch(taken, 10);
	/* From node 1's memory, wanted from node 2. */
	size_t rest = frame_alloc_batch_placed(FRAME_KERNEL, &there, taken, FRAMES);
	const struct frame_placement wish = {.nodes = 4, .first = 2};
	assert_int_equal(frame_alloc_batch_placed(FRAME_USER, &wish, taken + rest, 7), 7);
	frame_free_batch(taken, rest + 7);
	for (u32 i = 0; i < 6; i++)
		assert_true(frame_zone_info(i, &after[i]));
	assert_int_equal(after[4].stats.hit - before[4].stats.hit, 10 + rest);
	assert_int_equal(after[4].stats.interleave - before[4].stats.interleave, 10 + rest);
	assert_int_equal(after[4].stats.other - before[4].stats.other, 10 + rest);
	assert_int_equal(after[4].stats.foreign - before[4].stats.foreign, 7);
	assert_int_equal(after[2].stats.miss - before[2].stats.miss, 7);
}

static u32 pressed;

static void note_pressure(u32 node)
{
	pressed |= 1u << node;
}

static void pressure_is_told_of_the_node_that_has_it(void **state __unused)
{
	const struct frame_placement there = {.nodes = 2, .first = 1, .strict = true};
	struct frame_watermarks marks;

	frame_set_pressure_hook(note_pressure);
	frame_node_watermarks(1, &marks);
	frame_drain();
	size_t free = frame_node_free(1), count = free - marks.low - 32;
	assert_int_equal(frame_alloc_batch_placed(FRAME_USER, &there, taken, count), count);
	assert_int_equal(pressed, 0);
	assert_int_equal(frame_alloc_batch_placed(FRAME_USER, &there, taken + count, 64), 64);
	assert_int_equal(pressed, 2);
	frame_free_batch(taken, count + 64);
	frame_set_pressure_hook(NULL);
}

static int start(void **state __unused)
{
	static const u8 distances[3][3] = {{10, 15, 30}, {15, 10, 20}, {30, 20, 10}};

	machine_nodes = (struct machine_topology){
		.nodes = 3,
		.spans = 3,
		.span = {{border1, border2, 1}, {0, border1, 0}, {border2, MEMORY * MIB, 2}},
		.cpu_node = {0, 0, 1, 2},
	};
	for (int i = 0; i < 3; i++)
		memcpy(machine_nodes.distance[i], distances[i], 3);
	machine_start(MEMORY * MIB);
	frame_init_nodes();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_memory_is_sorted_by_its_place),
		cmocka_unit_test(a_cpu_gets_the_memory_of_its_node),
		cmocka_unit_test(a_full_node_takes_from_the_nearest),
		cmocka_unit_test(a_frame_returns_to_its_node),
		cmocka_unit_test(a_strict_placement_takes_from_nobody_else),
		cmocka_unit_test(the_figures_of_zones_add_up),
		cmocka_unit_test(kinds_are_counted_by_node),
		cmocka_unit_test(misses_are_counted_on_both_sides),
		cmocka_unit_test(pressure_is_told_of_the_node_that_has_it),
	};

	return cmocka_run_group_tests_name("mm nodes", tests, start, NULL);
}
