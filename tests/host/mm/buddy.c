/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy pool: every sequence of allocations and frees up to a length, compared with the free
 * blocks that a set of free pages must have; and its arguments, blocks and figures.
 */
#include "mm/buddy.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/string.h"
#include "tests/host/mm/death.h"
#include "tests/host/mm/support.h"

/* The longest sequences that are enumerated: DEPTH=n in the environment changes it. */
enum { DEFAULT_DEPTH = 7, PAGES = 8, ORDERS = 4 };

static char *boundary; /* of 16 MiB, with 48 MiB of memory behind */

/* The pool's pages that blocks come from: 8 pages from page `first` on, as the model sees them. */
static struct {
	u32 first;
	bool free[PAGES];
	struct {
		u32 page, order;
	} live[PAGES]; /* by age */
	u32 count;
} model;

static void begin(u32 first)
{
	/* The page before is the descriptors'. */
	assert_int_equal(buddy_init(boundary + (first - 1) * PAGE_SIZE, (PAGES + 1) * PAGE_SIZE),
			 0);
	memset(&model, 0, sizeof(model));
	memset(model.free, true, sizeof(model.free));
	model.first = first;
}

/* Is [page, page + 2^order) aligned, within the pool and free? */
static bool block_is_free(u32 page, u32 order)
{
	if (page % (1u << order) != 0 || page < model.first ||
	    page + (1u << order) > model.first + PAGES)
		return false;
	for (u32 i = page; i < page + (1u << order); i++)
		if (!model.free[i - model.first])
			return false;
	return true;
}

/* The free blocks that there must be: the aligned free ranges that are in no larger one. */
static void expect_blocks(size_t *counts)
{
	for (u32 order = 0; order <= ORDERS; order++)
		for (u32 page = model.first; page < model.first + PAGES; page++)
			if (block_is_free(page, order) &&
			    !block_is_free(page & ~((2u << order) - 1), order + 1))
				counts[order]++;
}

static void check(void)
{
	size_t counts[FRAME_MAX_ORDER + 1] = {0};
	buddy_stats_t stats;

	expect_blocks(counts);
	buddy_get_stats(&stats);
	if (memcmp(counts, stats.free_blocks, sizeof(counts)) != 0)
		fail_msg("the free blocks are not those of the model");
}

static void take(u32 order)
{
	bool possible = false;
	char *block = buddy_alloc(PAGE_SIZE << order);

	for (u32 larger = order; larger <= ORDERS; larger++)
		for (u32 page = model.first; page < model.first + PAGES; page++)
			possible |= block_is_free(page, larger);
	if (possible != (block != NULL))
		fail_msg("an allocation of order %u %s", order, block ? "succeeds" : "fails");
	if (block == NULL)
		return;
	u32 page = (u32)((block - boundary) / (ssize_t)PAGE_SIZE);
	if ((block - boundary) % (ssize_t)PAGE_SIZE != 0 || !block_is_free(page, order))
		fail_msg("a block that is not free was handed out");
	for (u32 i = page; i < page + (1u << order); i++)
		model.free[i - model.first] = false;
	model.live[model.count].page = page;
	model.live[model.count++].order = order;
}

static void give(u32 which)
{
	u32 page = model.live[which].page, order = model.live[which].order;

	buddy_free(boundary + page * PAGE_SIZE);
	for (u32 i = page; i < page + (1u << order); i++)
		model.free[i - model.first] = true;
	model.count--;
	memmove(&model.live[which], &model.live[which + 1],
		(model.count - which) * sizeof(model.live[0]));
}

static void step(u32 operation)
{
	if (operation < ORDERS)
		take(operation);
	else
		give(operation - ORDERS);
}

/* Tries every next operation after `length` of them; the pool is in that state. */
static u64 extend(u32 *operations, u32 length, u32 depth, u32 first)
{
	u32 choices = ORDERS + model.count;
	u64 sequences = 1;

	if (length == depth)
		return 1;
	for (u32 next = 0; next < choices; next++) {
		/* Back to the state: all is freed, and the sequence repeated. */
		while (model.count > 0)
			give(0);
		begin(first);
		for (u32 i = 0; i < length; i++)
			step(operations[i]);
		operations[length] = next;
		step(next);
		check();
		sequences += extend(operations, length + 1, depth, first);
	}
	return sequences;
}

static void every_short_sequence_leaves_the_right_blocks(void **state __unused)
{
	const char *word = getenv("DEPTH");
	u32 depth = word != NULL ? (u32)atoi(word) : DEFAULT_DEPTH;
	/* One block of 8 pages; two of 4; unaligned at both ends. */
	const u32 starts[] = {8, 4, 3};
	u32 operations[64];
	u64 sequences = 0;

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		begin(starts[i]);
		check();
		sequences += extend(operations, 0, depth - (i != 0), starts[i]);
		while (model.count > 0)
			give(0);
	}
	printf("# %llu sequences of up to %u operations\n", (unsigned long long)sequences, depth);
}

static void blocks_are_aligned_and_as_large_as_asked(void **state __unused)
{
	buddy_stats_t before, after;

	assert_int_equal(buddy_init(boundary, 48 * MIB), 0);
	buddy_get_stats(&before);
	assert_int_equal(before.total, before.free);
	assert_int_equal(before.total, 48 * MIB - 48 * MIB / PAGE_SIZE * 16);
	assert_int_equal(before.largest, BUDDY_MAX_SIZE);
	for (size_t size = 1; size <= BUDDY_MAX_SIZE; size = size * 3 / 2 + 1) {
		char *block = buddy_alloc(size);
		size_t rounded = PAGE_SIZE;
		while (rounded < size)
			rounded *= 2;
		assert_non_null(block);
		assert_int_equal((vaddr_t)block % rounded, 0);
		memset(block, 0xab, size);
		buddy_get_stats(&after);
		assert_int_equal(before.free - after.free, rounded);
		buddy_free(block);
	}
	buddy_get_stats(&after);
	assert_memory_equal(&before, &after, sizeof(after));
}

static void wrong_arguments_are_refused(void **state __unused)
{
	assert_int_equal(buddy_init(boundary + 1, 2 * PAGE_SIZE), -EINVAL);
	assert_int_equal(buddy_init(boundary, PAGE_SIZE), -EINVAL);
	assert_int_equal(buddy_init(boundary, 0), -EINVAL);
	assert_int_equal(buddy_init((void *)UINTPTR_MAX, 1), -EINVAL);
	assert_int_equal(buddy_init((void *)(UINTPTR_MAX - PAGE_SIZE), 3 * PAGE_SIZE), -EINVAL);
	assert_int_equal(buddy_init(boundary + 1, 3 * PAGE_SIZE), 0);
	assert_null(buddy_alloc(0));
	assert_null(buddy_alloc(BUDDY_MAX_SIZE + 1));
	assert_null(buddy_alloc(2 * PAGE_SIZE));
	buddy_free(NULL);
	void *block = buddy_alloc(1);
	assert_non_null(block);
	assert_null(buddy_alloc(1));
	assert_int_equal(buddy_init(boundary, MIB), -EBUSY);
	buddy_free(block);
	assert_int_equal(buddy_init(boundary, MIB), 0);
}

static void bad_frees_are_caught(void **state __unused)
{
	assert_int_equal(buddy_init(boundary, MIB), 0);
	char *block = buddy_alloc(2 * PAGE_SIZE);

	assert_dies(buddy_free(block + PAGE_SIZE));
	assert_dies(buddy_free(block + 1));
	assert_dies(buddy_free(boundary));
	assert_dies(buddy_free(boundary + 2 * MIB));
	assert_dies(buddy_free(boundary - PAGE_SIZE));
	buddy_free(block);
	assert_dies(buddy_free(block));
}

static void fragmentation_counts_what_is_too_small(void **state __unused)
{
	char *blocks[16];
	buddy_stats_t stats;

	/* 16 pages: two bound the pool's alignment, so a whole block of 16. */
	assert_int_equal(buddy_init(boundary + 15 * PAGE_SIZE, 17 * PAGE_SIZE), 0);
	buddy_get_stats(&stats);
	assert_int_equal(stats.fragmentation[4], 0);
	assert_int_equal(stats.fragmentation[5], 1000);
	for (int i = 0; i < 16; i++)
		blocks[i] = buddy_alloc(PAGE_SIZE);
	buddy_get_stats(&stats);
	assert_int_equal(stats.fragmentation[0], 1000); /* nothing is free */
	/* Pages 0, 2, 4, 6 alone, and 8 to 15 together are free then. */
	for (int i = 0; i < 16; i++)
		for (int k = 0; k < 16; k++)
			if (blocks[k] == boundary + (16 + i) * PAGE_SIZE && (i >= 8 || i % 2 == 0))
				buddy_free(blocks[k]);
	buddy_get_stats(&stats);
	assert_int_equal(stats.fragmentation[0], 0);
	assert_int_equal(stats.fragmentation[1], 333);
	assert_int_equal(stats.fragmentation[3], 333);
	assert_int_equal(stats.fragmentation[4], 1000);
	for (int i = 1; i < 8; i += 2)
		buddy_free(boundary + (16 + i) * PAGE_SIZE);
	buddy_get_stats(&stats);
	assert_int_equal(stats.fragmentation[4], 0);
}

static int start(void **state __unused)
{
	boundary = aligned_alloc(BUDDY_MAX_SIZE, 48 * MIB);
	if (boundary == NULL)
		return -1;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_short_sequence_leaves_the_right_blocks),
		cmocka_unit_test(blocks_are_aligned_and_as_large_as_asked),
		cmocka_unit_test(wrong_arguments_are_refused),
		cmocka_unit_test(bad_frees_are_caught),
		cmocka_unit_test(fragmentation_counts_what_is_too_small),
	};

	return cmocka_run_group_tests_name("mm buddy", tests, start, NULL);
}
