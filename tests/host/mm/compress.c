/* SPDX-License-Identifier: BSD-2-Clause */
/* The pool of compressed pages. */
#include "tests/host/mm/support.h"

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/compress.h"
#include "mm/slab.h"

enum { MEMORY = 64 * 1024 * 1024, PAGES = 3000, STEPS = 60000 };

static u64 state = 7;

static u32 draw(u32 limit)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (u32)(state >> 33) % limit;
}

/* A page that its number determines, `noise` of 256 parts of it random. */
static void fill(u8 *page, u64 number, u32 noise)
{
	u64 random = number * 0x9e3779b97f4a7c15 + 1;

	for (size_t i = 0; i < PAGE_SIZE; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		page[i] = i < noise * 16 ? (u8)(random >> 48) : (u8)(number + i / 64);
	}
}

static struct compress_stats stats(void)
{
	struct compress_stats now;

	compress_get_stats(&now);
	return now;
}

static void one_word_takes_no_frame(void **unused __unused)
{
	u64 page[PAGE_SIZE / 8], back[PAGE_SIZE / 8];
	struct compressed objects[100];

	for (u64 i = 0; i < 100; i++) {
		for (size_t at = 0; at < PAGE_SIZE / 8; at++)
			page[at] = i * 0x0101010101010101;
		assert_int_equal(compress_store(page, &objects[i]), 0);
		assert_int_equal(objects[i].kind, COMPRESSED_WORD);
	}
	assert_int_equal(stats().words, 100);
	assert_int_equal(stats().frames, 0);
	assert_int_equal(compress_load(&objects[99], back), 0);
	assert_memory_equal(page, back, PAGE_SIZE);
	for (u64 i = 0; i < 100; i++)
		compress_free(&objects[i]);
	assert_int_equal(stats().words, 0);
}

static void noise_is_refused(void **unused __unused)
{
	u8 page[PAGE_SIZE];
	struct compressed object;
	size_t refused = stats().refused;

	fill(page, 1, 256);
	assert_int_equal(compress_store(page, &object), -E2BIG);
	assert_int_equal(stats().refused, refused + 1);
	assert_int_equal(stats().frames, 0);
}

struct kept {
	struct compressed object;
	u64 number;
	u32 noise;
	bool stored;
};

static struct kept kept[PAGES];

static void check_and_free(struct kept *one)
{
	u8 page[PAGE_SIZE], back[PAGE_SIZE];

	fill(page, one->number, one->noise);
	assert_int_equal(compress_load(&one->object, back), 0);
	assert_memory_equal(page, back, PAGE_SIZE);
	compress_free(&one->object);
	one->stored = false;
}

static void store(struct kept *one, u64 number, u32 noise)
{
	u8 page[PAGE_SIZE];

	fill(page, number, noise);
	*one = (struct kept){.number = number, .noise = noise, .stored = true};
	assert_int_equal(compress_store(page, &one->object), 0);
}

static void pages_of_all_sizes_come_and_go(void **unused __unused)
{
	for (u32 step = 0; step < STEPS; step++) {
		struct kept *one = &kept[draw(PAGES)];
		if (one->stored)
			check_and_free(one);
		else
			store(one, step, draw(150));
	}
	struct compress_stats now = stats();
	size_t count = 0;
	for (u32 i = 0; i < PAGES; i++)
		count += kept[i].stored;
	assert_int_equal(now.packed + now.words, count);
	/* What is lost to rounding, headers and free places is less than a third. */
	assert_true(now.bytes > now.frames * PAGE_SIZE * 2 / 3);
	for (u32 i = 0; i < PAGES; i++)
		if (kept[i].stored)
			check_and_free(&kept[i]);
	assert_int_equal(stats().frames, 0);
	assert_int_equal(stats().bytes, 0);
}

/* Every other object goes, then new ones come: they fill the gaps. */
static void holes_are_filled(void **unused __unused)
{
	for (u32 i = 0; i < PAGES; i++)
		store(&kept[i], i, 64);
	size_t frames = stats().frames;
	for (u32 i = 0; i < PAGES; i += 2)
		check_and_free(&kept[i]);
	for (u32 i = 0; i < PAGES; i += 2)
		store(&kept[i], i + PAGES, 64);
	assert_true(stats().frames <= frames + frames / 20);
	for (u32 i = 0; i < PAGES; i++)
		check_and_free(&kept[i]);
	assert_int_equal(stats().frames, 0);
}

static void the_share_is_kept(void **unused __unused)
{
	u8 page[PAGE_SIZE];
	struct compressed more;
	u32 count = 0;

	compress_set_share(2);
	size_t limit = frame_get_total_memory() / PAGE_SIZE * 2 / 100;
	for (;; count++) {
		assert_true(count < PAGES);
		fill(page, count, 100);
		kept[count] = (struct kept){.number = count, .noise = 100, .stored = true};
		int result = compress_store(page, &kept[count].object);
		if (result == 0)
			continue;
		assert_int_equal(result, -ENOMEM);
		break;
	}
	assert_in_range(stats().frames, limit - 4, limit);
	assert_true(compress_excess() > 0);
	memset(page, 0x11, PAGE_SIZE);
	assert_int_equal(compress_store(page, &more), 0);
	compress_free(&more);
	for (u32 i = 0; i < count; i++)
		check_and_free(&kept[i]);
	assert_int_equal(compress_excess(), 0);
	compress_set_share(50);
}

/* The nth allocation fails, for every n that there is. */
static void want_of_memory_changes_nothing(void **unused __unused)
{
	u8 page[PAGE_SIZE];
	struct compressed object;
	int result = -1;

	slab_shrink_caches();
	for (u64 n = 1; result != 0; n++) {
		assert_true(n < 20);
		/* A size of its own, so that no block is there. */
		fill(page, n, 40);
		mm_checking.countdown = n;
		result = compress_store(page, &object);
		mm_checking.countdown = 0;
		assert_true(result == 0 || result == -ENOMEM);
		assert_int_equal(stats().frames != 0, result == 0);
	}
	compress_free(&object);
	assert_int_equal(stats().frames, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST_WITHOUT_LEAKS(one_word_takes_no_frame),
		TEST_WITHOUT_LEAKS(noise_is_refused),
		TEST_WITHOUT_LEAKS(want_of_memory_changes_nothing),
		TEST_WITHOUT_LEAKS(pages_of_all_sizes_come_and_go),
		TEST_WITHOUT_LEAKS(holes_are_filled),
		TEST_WITHOUT_LEAKS(the_share_is_kept),
	};

	machine_start(MEMORY);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
