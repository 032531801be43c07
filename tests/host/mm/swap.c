/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots, the swap cache, areas, and the ways of pages between them. */
#include "tests/host/mm/swap_pages.h"

#include <stdlib.h>

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/compress.h"
#include "mm/slab.h"

/* --- Tests --- */

static void a_page_comes_back_and_is_its_owners_alone(void **unused __unused)
{
	for (u32 noise = 0; noise <= HALF; noise += 10) {
		swap_entry_t entry = swap_out(noise, noise);
		assert_int_equal(swap_cache_lookup(entry), 0);
		assert_int_equal(stats().cached, 0);
		phys_t frame;
		assert_int_equal(swap_try_in(entry, &frame), 0);
		check_page(frame, noise, noise);
		swap_free(entry);
		assert_int_equal(frame_refs(frame), 1);
		assert_int_equal(stats().slots, 0);
		frame_free(frame);
	}
}

static void all_who_name_a_slot_get_one_frame(void **unused __unused)
{
	swap_entry_t entry = swap_out(3, 50);
	phys_t first, second, third;

	swap_dup(entry);
	assert_int_equal(swap_count(entry), 2);
	assert_int_equal(swap_try_in(entry, &first), 0);
	assert_int_equal(swap_in(entry, &second), 0);
	third = swap_cache_lookup(entry);
	assert_true(first == second && second == third);
	assert_int_equal(frame_refs(first), 4);
	frame_free(third);
	swap_free(entry);
	assert_int_equal(frame_refs(first), 3);
	swap_free(entry);
	assert_int_equal(frame_refs(first), 2);
	frame_free(first);
	frame_free(second);
	assert_int_equal(stats().slots, 0);
}

/* A frame that was brought in, and that others may still want, goes back to its slot. */
static void a_page_is_not_stored_twice(void **unused __unused)
{
	swap_entry_t entry = swap_out(3, 50), again;
	u64 stored = stats().pool_out;
	phys_t frame;

	swap_dup(entry);
	assert_int_equal(swap_try_in(entry, &frame), 0);
	swap_free(entry);
	assert_int_equal(swap_reserve(frame, &again), 0);
	assert_int_equal(again, entry);
	assert_int_equal(swap_count(entry), 2);
	frame_free(frame);
	assert_int_equal(swap_write(again), 0);
	assert_int_equal(stats().cached, 0);
	assert_int_equal(stats().pool_out, stored);
	swap_free(again);
	/* Once its slot has gone, the frame is like any other. */
	assert_int_equal(swap_try_in(entry, &frame), 0);
	swap_free(entry);
	assert_int_equal(swap_alloc(frame, &entry), 0);
	assert_int_equal(swap_count(entry), 1);
	assert_int_equal(stats().pool_out, stored + 1);
	frame_free(frame);
	bring_and_free(entry, 3, 50);
}

static void a_frame_in_use_stays_in_the_cache(void **unused __unused)
{
	phys_t frame = make_page(5, 20);
	swap_entry_t entry;

	/* The table entry was put back before the page was written. */
	assert_int_equal(swap_reserve(frame, &entry), 0);
	assert_int_equal(swap_write(entry), 0);
	assert_int_equal(stats().cached, 1);
	assert_int_equal(swap_cache_shrink(100), 0);
	frame_free(frame);
	assert_int_equal(swap_cache_shrink(100), 1);
	assert_int_equal(stats().cached, 0);
	bring_and_free(entry, 5, 20);
}

static void what_fits_nowhere_stays_in_its_frame(void **unused __unused)
{
	phys_t frame = make_page(9, NOISE), back;
	swap_entry_t entry;

	assert_int_equal(swap_alloc(frame, &entry), -E2BIG);
	assert_int_equal(frame_refs(frame), 1);
	assert_int_equal(stats().slots, 0);
	assert_int_equal(swap_reserve(frame, &entry), 0);
	frame_free(frame);
	assert_int_equal(swap_write(entry), -E2BIG);
	/* It is not tried in vain again. */
	struct compress_stats before, after;
	compress_get_stats(&before);
	assert_int_equal(swap_cache_shrink(1), 0);
	compress_get_stats(&after);
	assert_int_equal(after.refused, before.refused);
	assert_int_equal(swap_try_in(entry, &back), 0);
	assert_int_equal(back, frame);
	frame_free(back);
	/* As soon as there is a place, the cache can be emptied. */
	struct device disk;
	device_init(&disk);
	assert_in_range(add(&disk, 5), 0, 31);
	assert_int_equal(swap_cache_shrink(1), 1);
	assert_int_equal(disk.written, 1);
	assert_int_equal(swap_try_in(entry, &back), -EAGAIN);
	assert_int_equal(swap_in(entry, &back), 1);
	check_page(back, 9, NOISE);
	frame_free(back);
	swap_free(entry);
	device_remove(&disk);
}

static void nothing_is_taken_when_there_is_no_room(void **unused __unused)
{
	phys_t frame = make_page(1, 0);
	swap_entry_t entry;

	compress_set_share(0);
	assert_false(swap_has_room());
	assert_int_equal(swap_reserve(frame, &entry), -ENOMEM);
	compress_set_share(50);
	assert_true(swap_has_room());
	assert_int_equal(frame_refs(frame), 1);
	frame_free(frame);
}

static void a_count_that_is_full_stays(void **unused __unused)
{
	swap_entry_t entry = swap_out(1, 0);

	for (u32 i = 0; i < (1 << 24) + 10; i++)
		swap_dup(entry);
	assert_int_equal(swap_count(entry), (1 << 24) - 1);
	for (u32 i = 0; i < 100; i++)
		swap_free(entry);
	assert_int_equal(swap_count(entry), (1 << 24) - 1);
}

static void areas_are_filled_by_priority(void **unused __unused)
{
	struct device low, high;
	swap_entry_t entries[2 * AREA_PAGES], entry;
	struct swap_area_info info;
	u32 count = 0;

	device_init(&low);
	device_init(&high);
	assert_in_range(add(&low, SWAP_PRIORITY_DEFAULT), 0, 31);
	assert_in_range(add(&high, 7), 0, 31);
	assert_true(swap_area_info(0, &info) && info.priority == 7);
	assert_true(swap_area_info(1, &info) && info.priority < 0);
	assert_false(swap_area_info(2, &info));
	assert_int_equal(stats().total, 2 * (AREA_PAGES - 1));
	for (; count < AREA_PAGES - 1; count++)
		entries[count] = swap_out(count, NOISE);
	assert_int_equal(low.written, 0);
	for (; count < 2 * (AREA_PAGES - 1); count++)
		entries[count] = swap_out(count, NOISE);
	assert_int_equal(low.written, AREA_PAGES - 1);
	assert_int_equal(stats().free, 0);
	phys_t frame = make_page(1, NOISE);
	assert_int_equal(swap_alloc(frame, &entry), -E2BIG);
	frame_free(frame);
	while (count-- > 0)
		bring_and_free(entries[count], count, NOISE);
	assert_int_equal(stats().free, 2 * (AREA_PAGES - 1));
	device_remove(&low);
	device_remove(&high);
	assert_int_equal(stats().total, 0);
}

static void equals_take_turns(void **unused __unused)
{
	struct device disks[2];
	swap_entry_t entries[256];

	for (int i = 0; i < 2; i++) {
		device_init(&disks[i]);
		assert_in_range(add(&disks[i], 3), 0, 31);
	}
	for (u32 i = 0; i < 256; i++)
		entries[i] = swap_out(i, NOISE);
	assert_in_range(disks[0].written, 120, 136);
	assert_in_range(disks[1].written, 120, 136);
	for (u32 i = 0; i < 256; i++)
		bring_and_free(entries[i], i, NOISE);
	device_remove(&disks[0]);
	device_remove(&disks[1]);
}

static void several_are_written_together(void **unused __unused)
{
	struct device disk;
	swap_entry_t entries[40];
	int error;

	device_init(&disk);
	assert_in_range(add(&disk, 3), 0, 31);
	for (u32 i = 0; i < 40; i++) {
		phys_t frame = make_page(i, i % 4 == 0 ? 0 : NOISE);
		assert_int_equal(swap_reserve(frame, &entries[i]), 0);
		frame_free(frame);
	}
	disk.fails = true;
	assert_int_equal(swap_write_many(entries, 40, &error), 10);
	assert_int_equal(error, -EIO);
	assert_int_equal(stats().free, AREA_PAGES - 1);
	assert_int_equal(stats().cached, 30);
	disk.fails = false;
	disk.transfers = 0;
	assert_int_equal(swap_write_many(entries, 40, &error), 40);
	assert_int_equal(error, 0);
	assert_int_equal(disk.transfers, 3);
	assert_int_equal(disk.written, 30);
	assert_int_equal(stats().cached, 0);
	for (u32 i = 0; i < 40; i++)
		bring_and_free(entries[i], i, i % 4 == 0 ? 0 : NOISE);
	device_remove(&disk);
}

static void neighbours_are_read_together(void **unused __unused)
{
	struct device disk;
	swap_entry_t entries[64];

	device_init(&disk);
	assert_in_range(add(&disk, 3), 0, 31);
	for (u32 i = 0; i < 64; i++)
		entries[i] = swap_out(i, NOISE);
	disk.transfers = 0;
	u64 ahead = stats().ahead;
	for (u32 i = 0; i < 64; i++)
		bring_and_free(entries[i], i, NOISE);
	/* Pages 1 to 64 in windows of eight: the first has seven, the last has one. */
	assert_int_equal(disk.transfers, 9);
	assert_int_equal(stats().ahead - ahead, 64 - 9);
	assert_int_equal(stats().cached, 0);
	device_remove(&disk);
}

static void bad_pages_are_left_alone(void **unused __unused)
{
	static const u32 bad[] = {1, 2, 5, 5, AREA_PAGES - 1, AREA_PAGES + 7};
	struct device disk;
	struct swap_area_info info;
	swap_entry_t entry;

	device_init(&disk);
	assert_in_range(swap_area_add(&(struct swap_area_description){
				.ops = &device_operations,
				.device = &disk,
				.pages = AREA_PAGES,
				.bad = bad,
				.bad_count = ARRAY_SIZE(bad),
				.priority = 1,
				.name = "bad",
			}),
			0, 31);
	assert_true(swap_area_info(0, &info));
	assert_int_equal(info.pages, AREA_PAGES - 5);
	entry = swap_out(1, NOISE);
	assert_memory_equal(disk.bytes + 1 * PAGE_SIZE, disk.bytes + 2 * PAGE_SIZE, PAGE_SIZE);
	assert_int_not_equal(disk.bytes[3 * PAGE_SIZE + 1] | disk.bytes[3 * PAGE_SIZE + 2], 0);
	bring_and_free(entry, 1, NOISE);
	device_remove(&disk);
}

static void the_pool_overflows_to_an_area(void **unused __unused)
{
	struct device disk;
	swap_entry_t entries[PAGES];

	device_init(&disk);
	assert_in_range(add(&disk, 1), 0, 31);
	for (u32 i = 0; i < PAGES; i++)
		entries[i] = swap_out(i, i % 2 == 0 ? HALF : 0);
	assert_int_equal(disk.written, 0);
	compress_set_share(1);
	size_t excess = compress_excess();
	assert_true(excess > 20);
	size_t moved = 0;
	for (int round = 0; compress_excess() != 0; round++) {
		assert_true(round < PAGES);
		moved += swap_write_back(10);
	}
	assert_int_equal(disk.written, moved);
	assert_int_equal(swap_write_back(0), 0);
	for (u32 i = 0; i < PAGES; i++)
		bring_and_free(entries[i], i, i % 2 == 0 ? HALF : 0);
	compress_set_share(50);
	assert_int_equal(stats().slots, 0);
	device_remove(&disk);
}

static void an_area_that_goes_gives_its_pages_back(void **unused __unused)
{
	struct device disk;
	swap_entry_t entries[PAGES];

	device_init(&disk);
	assert_in_range(add(&disk, 1), 0, 31);
	for (u32 i = 0; i < PAGES; i++)
		entries[i] = swap_out(i, NOISE);
	disk.fails = true;
	assert_int_equal(swap_area_remove(&disk, NULL), -EIO);
	assert_true(swap_area_exists(&disk));
	assert_int_equal(stats().total, AREA_PAGES - 1);
	disk.fails = false;
	assert_int_equal(swap_area_remove(&disk, NULL), 0);
	assert_int_equal(swap_area_remove(&disk, NULL), -EINVAL);
	assert_true(disk.released);
	assert_int_equal(stats().cached, PAGES);
	memset(disk.bytes, 0, AREA_PAGES * PAGE_SIZE);
	for (u32 i = 0; i < PAGES; i++)
		bring_and_free(entries[i], i, NOISE);
	free(disk.bytes);
}

static bool always(void)
{
	return true;
}

static void errors_of_a_device_are_told(void **unused __unused)
{
	struct device disk;
	swap_entry_t entry = 0;

	device_init(&disk);
	assert_in_range(add(&disk, 1), 0, 31);
	phys_t frame = make_page(1, NOISE), back;
	disk.fails = true;
	assert_int_equal(swap_alloc(frame, &entry), -EIO);
	assert_int_equal(frame_refs(frame), 1);
	disk.fails = false;
	assert_int_equal(swap_alloc(frame, &entry), 0);
	assert_int_equal(frame_refs(frame), 1);
	frame_free(frame);
	disk.fails = true;
	assert_int_equal(swap_in(entry, &back), -EIO);
	assert_int_equal(stats().cached, 0);
	disk.fails = false;
	assert_int_equal(swap_area_remove(&disk, always), -EINTR);
	swap_entry_t more = swap_out(2, NOISE);
	bring_and_free(entry, 1, NOISE);
	bring_and_free(more, 2, NOISE);
	device_remove(&disk);
}

/* The nth allocation fails, for every n that there is. */
static void want_of_memory_changes_nothing(void **unused __unused)
{
	struct device disk;
	int result;

	device_init(&disk);
	assert_in_range(add(&disk, 1), 0, 31);
	for (u32 noise = 0; noise <= NOISE; noise += HALF) {
		swap_entry_t entry = 0;
		phys_t frame = make_page(noise, noise), back = 0;
		result = -1;
		for (u64 n = 1; result != 0; n++) {
			assert_true(n < 20);
			mm_checking.countdown = n;
			result = swap_alloc(frame, &entry);
			mm_checking.countdown = 0;
			assert_true(result == 0 || result == -ENOMEM);
			assert_int_equal(frame_refs(frame), 1);
			assert_int_equal(stats().slots, result == 0);
		}
		frame_free(frame);
		result = -1;
		for (u64 n = 1; result < 0; n++) {
			assert_true(n < 20);
			mm_checking.countdown = n;
			result = swap_in(entry, &back);
			mm_checking.countdown = 0;
			assert_true(result >= 0 || result == -ENOMEM);
			assert_int_equal(stats().slots, 1);
		}
		check_page(back, noise, noise);
		swap_free(entry);
		frame_free(back);
	}
	device_remove(&disk);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(a_page_comes_back_and_is_its_owners_alone),
		TEST_WITHOUT_LEAKS(all_who_name_a_slot_get_one_frame),
		TEST_WITHOUT_LEAKS(a_page_is_not_stored_twice),
		TEST_WITHOUT_LEAKS(a_frame_in_use_stays_in_the_cache),
		TEST_WITHOUT_LEAKS(what_fits_nowhere_stays_in_its_frame),
		TEST_WITHOUT_LEAKS(nothing_is_taken_when_there_is_no_room),
		TEST_WITHOUT_LEAKS(areas_are_filled_by_priority),
		TEST_WITHOUT_LEAKS(equals_take_turns),
		TEST_WITHOUT_LEAKS(several_are_written_together),
		TEST_WITHOUT_LEAKS(neighbours_are_read_together),
		TEST_WITHOUT_LEAKS(bad_pages_are_left_alone),
		TEST_WITHOUT_LEAKS(the_pool_overflows_to_an_area),
		TEST_WITHOUT_LEAKS(an_area_that_goes_gives_its_pages_back),
		TEST_WITHOUT_LEAKS(errors_of_a_device_are_told),
		TEST_WITHOUT_LEAKS(want_of_memory_changes_nothing),
		cmocka_unit_test(a_count_that_is_full_stays),
	};

	machine_start(MEMORY);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
