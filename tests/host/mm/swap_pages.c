/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk in memory, and pages that know what is in them: see swap_pages.h. */
#include "tests/host/mm/swap_pages.h"

#include <stdlib.h>

#include "lib/string.h"

static u64 state = 11;

u32 draw(u32 limit)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (u32)(state >> 33) % limit;
}

/* --- A device in memory --- */

static int transfer(void *device, u64 page, const phys_t *frames, size_t count, bool write)
{
	struct device *disk = device;

	disk->transfers++;
	assert_true(page > 0 && page + count <= AREA_PAGES);
	if (disk->fails)
		return -EIO;
	for (size_t i = 0; i < count; i++) {
		u8 *place = disk->bytes + (page + i) * PAGE_SIZE;
		if (write)
			memcpy(place, phys_to_virt(frames[i]), PAGE_SIZE);
		else
			memcpy(phys_to_virt(frames[i]), place, PAGE_SIZE);
	}
	if (write)
		disk->written += count;
	return 0;
}

static void release(void *device)
{
	((struct device *)device)->released = true;
}

const struct swap_area_ops device_operations = {transfer, release};

void device_init(struct device *disk)
{
	*disk = (struct device){.bytes = calloc(AREA_PAGES, PAGE_SIZE)};
}

int add(struct device *disk, int priority)
{
	return swap_area_add(&(struct swap_area_description){
		.ops = &device_operations,
		.device = disk,
		.pages = AREA_PAGES,
		.priority = priority,
		.name = "/dev/test",
	});
}

void device_remove(struct device *disk)
{
	assert_int_equal(swap_area_remove(disk, NULL), 0);
	assert_true(disk->released);
	free(disk->bytes);
}

/* --- Pages --- */

static void fill(u8 *page, u64 number, u32 noise)
{
	u64 random = number * 0x9e3779b97f4a7c15 + 1;

	for (size_t i = 0; i < PAGE_SIZE; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		page[i] = i < noise * 16 ? (u8)(random >> 48) : (u8)(number + i / 64);
	}
}

phys_t make_page(u64 number, u32 noise)
{
	phys_t frame = frame_alloc_kind(FRAME_USER);

	assert_int_not_equal(frame, 0);
	fill(phys_to_virt(frame), number, noise);
	return frame;
}

void check_page(phys_t frame, u64 number, u32 noise)
{
	u8 expected[PAGE_SIZE];

	fill(expected, number, noise);
	assert_memory_equal(phys_to_virt(frame), expected, PAGE_SIZE);
}

swap_entry_t swap_out(u64 number, u32 noise)
{
	phys_t frame = make_page(number, noise);
	swap_entry_t entry;

	assert_int_equal(swap_reserve(frame, &entry), 0);
	frame_free(frame);
	assert_int_equal(swap_write(entry), 0);
	return entry;
}

void bring_and_free(swap_entry_t entry, u64 number, u32 noise)
{
	phys_t frame;

	assert_in_range(swap_in(entry, &frame), 0, 1);
	check_page(frame, number, noise);
	swap_free(entry);
	frame_free(frame);
}

struct swap_stats stats(void)
{
	struct swap_stats now;

	swap_get_stats(&now);
	return now;
}
