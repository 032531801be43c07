/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages in random order swapped out, read, shared, evicted and freed, while areas come and go and
 * the pool changes its size: every page that comes back is right, and in the end nothing is left.
 */
#include "tests/host/mm/swap_pages.h"

#include <stdlib.h>

#include "mm/compress.h"

enum { STEPS = 40000 };

struct page {
	swap_entry_t entry; /* 0: not swapped */
	u32 names;
	u64 number;
	u32 noise;
	phys_t mapped; /* the frame that somebody has mapped, or 0 */
};

static struct page pages[PAGES];

static void step_of_page(struct page *page, u64 step)
{
	phys_t frame;

	if (page->entry == 0) {
		static const u32 noises[] = {0, 30, HALF, NOISE};
		*page = (struct page){.number = step, .noise = noises[draw(4)], .names = 1};
		frame = make_page(page->number, page->noise);
		if (swap_reserve(frame, &page->entry) != 0)
			page->entry = 0;
		frame_free(frame);
		if (page->entry != 0 && draw(4) != 0)
			(void)!swap_write(page->entry);
		return;
	}
	switch (draw(6)) {
	case 0:
		swap_dup(page->entry);
		page->names++;
		break;
	case 1:
		swap_free(page->entry);
		if (--page->names == 0) {
			page->entry = 0;
			if (page->mapped != 0)
				frame_free(page->mapped);
		}
		break;
	case 2:
	case 3:
		assert_in_range(swap_in(page->entry, &frame), 0, 1);
		check_page(frame, page->number, page->noise);
		if (page->mapped == 0 && draw(2) == 0)
			page->mapped = frame;
		else
			frame_free(frame);
		break;
	case 4:
		if (page->mapped != 0 && draw(2) == 0) {
			swap_entry_t entry;
			/* Evicted again: to its slot, or to one of its own. */
			if (swap_reserve(page->mapped, &entry) == 0) {
				if (entry == page->entry)
					page->names++;
				else
					swap_free(entry);
			}
		}
		if (page->mapped != 0)
			frame_free(page->mapped);
		page->mapped = 0;
		break;
	default:
		(void)!swap_write(page->entry);
	}
}

static void pages_survive_everything(void **unused __unused)
{
	struct device disks[2];
	bool on[2] = {false, false};

	for (int i = 0; i < 2; i++)
		device_init(&disks[i]);
	for (u64 step = 0; step < STEPS; step++) {
		u32 choice = draw(1000);
		int disk = (int)draw(2);
		step_of_page(&pages[draw(PAGES)], step);
		if (choice < 20)
			swap_cache_shrink(draw(50));
		else if (choice < 40)
			swap_write_back(draw(30));
		else if (choice < 44 && !on[disk])
			on[disk] = add(&disks[disk], (int)draw(3) - 1) >= 0;
		else if (choice < 44)
			on[disk] = swap_area_remove(&disks[disk], NULL) != 0;
		else if (choice < 48)
			compress_set_share(draw(4) * 5);
	}
	compress_set_share(50);
	for (u32 i = 0; i < PAGES; i++) {
		struct page *page = &pages[i];
		for (; page->entry != 0 && page->names > 1; page->names--)
			swap_free(page->entry);
		if (page->entry != 0)
			bring_and_free(page->entry, page->number, page->noise);
		if (page->entry != 0 && page->mapped != 0)
			frame_free(page->mapped);
	}
	for (int i = 0; i < 2; i++) {
		if (on[i])
			assert_int_equal(swap_area_remove(&disks[i], NULL), 0);
		free(disks[i].bytes);
	}
	struct compress_stats pool;
	compress_get_stats(&pool);
	assert_int_equal(stats().slots, 0);
	assert_int_equal(stats().cached, 0);
	assert_int_equal(pool.frames, 0);
	assert_int_equal(pool.words, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {TEST_WITHOUT_LEAKS(pages_survive_everything)};

	machine_start(MEMORY);
	return cmocka_run_group_tests_name("mm swap, at random", tests, NULL, NULL);
}
