/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is added and removed while the machine runs. */
#include "tests/host/mm/support.h"

#include "lib/string.h"

/* 64 MiB at the start; 32 more may come behind. */
enum { MEMORY = 96, LATER = 32, FRAMES = MEMORY * MIB / PAGE_SIZE };
#define LATER_START ((MEMORY - LATER) * MIB)

static phys_t frames[FRAMES];

static void it_is_announced_but_not_there(void **state __unused)
{
	assert_int_equal(frame_limit(), FRAMES);
	assert_int_equal(frame_get_total_memory(), (MEMORY - LATER) * MIB - 384 * KIB);
	size_t count = frame_alloc_batch(FRAME_KERNEL, frames, FRAMES);
	for (size_t i = 0; i < count; i++)
		assert_true(frames[i] < LATER_START);
	frame_free_batch(frames, count);
}

static void added_memory_is_memory(void **state __unused)
{
	size_t total = frame_get_total_memory(), free = frame_get_free_memory(), later = 0;
	frame_stats_t before, after;

	frame_get_stats(&before);
	assert_int_equal(frame_add_memory(LATER_START, LATER * MIB), 0);
	assert_int_equal(frame_get_total_memory(), total + LATER * MIB);
	assert_int_equal(frame_get_free_memory(), free + LATER * MIB);
	frame_get_stats(&after);
	assert_int_equal(after.reserved_frames, before.reserved_frames);
	size_t count = frame_alloc_batch(FRAME_USER, frames, FRAMES);
	for (size_t i = 0; i < count; i++) {
		memset(phys_to_virt(frames[i]), 1, PAGE_SIZE);
		later += frames[i] >= LATER_START;
	}
	assert_true(later > LATER * MIB / PAGE_SIZE * 9 / 10);
	frame_free_batch(frames, count);
}

static void what_is_free_can_be_removed(void **state __unused)
{
	size_t total = frame_get_total_memory();

	assert_int_equal(frame_remove_memory(LATER_START + 4 * MIB, 2 * MIB), 0);
	assert_int_equal(frame_get_total_memory(), total - 2 * MIB);
	size_t count = frame_alloc_batch(FRAME_KERNEL, frames, FRAMES);
	for (size_t i = 0; i < count; i++)
		assert_false(frames[i] >= LATER_START + 4 * MIB &&
			     frames[i] < LATER_START + 6 * MIB);
	frame_free_batch(frames, count);
	assert_int_equal(frame_add_memory(LATER_START + 4 * MIB, 2 * MIB), 0);
	assert_int_equal(frame_get_total_memory(), total);
	/* The blocks join again: largest ones come from there. */
	frame_drain();
	size_t orders[FRAME_MAX_ORDER + 1];
	frame_count_orders(orders);
	assert_true(orders[FRAME_MAX_ORDER] >= 4);
}

/* Free in small pieces, in the stocks of CPUs, and among the 2 MiB that they keep: all the same. */
static void however_it_is_free(void **state __unused)
{
	size_t count = frame_alloc_batch(FRAME_USER, frames, FRAMES);

	for (size_t i = 0; i < count; i++) {
		machine_use_cpu((u32)i % MACHINE_CPUS);
		frame_free(frames[i]);
	}
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		phys_t block = frames_alloc(9);
		frames_free(block, 9);
	}
	machine_use_cpu(0);
	assert_int_equal(frame_remove_memory(LATER_START, LATER * MIB), 0);
	assert_int_equal(frame_add_memory(LATER_START, LATER * MIB), 0);
}

static void what_is_in_use_stays(void **state __unused)
{
	size_t total = frame_get_total_memory(), free = frame_get_free_memory();
	size_t count = frame_alloc_batch(FRAME_USER, frames, FRAMES), kept = 0;

	while (frames[kept] < LATER_START + 8 * MIB || frames[kept] >= LATER_START + 10 * MIB)
		kept++;
	phys_t frame = frames[kept];
	frames[kept] = frames[--count];
	frame_free_batch(frames, count);
	assert_int_equal(frame_remove_memory(LATER_START, LATER * MIB), -EBUSY);
	assert_int_equal(frame_get_total_memory(), total);
	assert_int_equal(frame_get_free_memory(), free - PAGE_SIZE);
	assert_int_equal(frame_remove_memory(LATER_START + 10 * MIB, 22 * MIB), 0);
	assert_int_equal(frame_remove_memory(LATER_START, 8 * MIB), 0);
	assert_int_equal(frame_remove_memory(LATER_START + 8 * MIB, 2 * MIB), -EBUSY);
	frame_free(frame);
	assert_int_equal(frame_remove_memory(LATER_START + 8 * MIB, 2 * MIB), 0);
	assert_int_equal(frame_add_memory(LATER_START, LATER * MIB), 0);
	assert_int_equal(frame_get_free_memory(), free);
}

static void wrong_ranges_are_refused(void **state __unused)
{
	assert_int_equal(frame_add_memory(LATER_START + MIB, 2 * MIB), -EINVAL);
	assert_int_equal(frame_add_memory(LATER_START, MIB), -EINVAL);
	assert_int_equal(frame_add_memory(LATER_START, 0), -EINVAL);
	assert_int_equal(frame_add_memory(UINTPTR_MAX & ~(2 * MIB - 1), 2 * MIB), -EINVAL);
	assert_int_equal(frame_add_memory(MEMORY * MIB, 2 * MIB), -ERANGE);
	assert_int_equal(frame_remove_memory(MEMORY * MIB, 2 * MIB), -ERANGE);
	assert_int_equal(frame_remove_memory(0, 2 * MIB), -EBUSY);
}

static int start(void **state __unused)
{
	machine_kept_back = LATER * MIB;
	machine_nodes = (struct machine_topology){
		.nodes = 1,
		.spans = 2,
		.span = {{0, LATER_START, 0}, {LATER_START, MEMORY * MIB, 0}},
		.distance = {{NODE_DISTANCE_LOCAL}},
	};
	machine_start(MEMORY * MIB);
	frame_init_nodes();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_announced_but_not_there),
		cmocka_unit_test(added_memory_is_memory),
		cmocka_unit_test(what_is_free_can_be_removed),
		cmocka_unit_test(however_it_is_free),
		cmocka_unit_test(what_is_in_use_stays),
		cmocka_unit_test(wrong_ranges_are_refused),
	};

	return cmocka_run_group_tests_name("mm hotplug", tests, start, NULL);
}
