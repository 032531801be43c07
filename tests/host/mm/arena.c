/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot-time arena: both strategies, every short sequence, random ones, and misuse. */
#include "mm/arena.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/string.h"
#include "tests/host/mm/death.h"
#include "tests/host/mm/support.h"

enum { HEADER = 32, SIZE = 64 * 1024, DEPTH = 7, SMALL = 512 };

static _Alignas(4096) char memory[SIZE];
static struct arena arena;

static void begin(size_t size, enum arena_strategy strategy)
{
	assert_int_equal(arena_init(&arena, memory, size, strategy), 0);
}

static struct arena_stats stats(void)
{
	struct arena_stats result;

	arena_get_stats(&arena, &result);
	return result;
}

/* Holes of 1000, 300 and 600 bytes, in this order, then the rest. */
static void make_holes(char **holes)
{
	const size_t sizes[] = {1000, 300, 600};

	for (size_t i = 0; i < 3; i++) {
		holes[i] = arena_alloc(&arena, sizes[i], 0);
		assert_non_null(arena_alloc(&arena, 16, 0));
	}
	for (size_t i = 0; i < 3; i++)
		arena_free(&arena, holes[i]);
}

static void first_fit_takes_the_lowest_block(void **state __unused)
{
	char *holes[3];

	begin(SIZE, ARENA_FIRST_FIT);
	make_holes(holes);
	assert_ptr_equal(arena_alloc(&arena, 250, 0), holes[0]);
	assert_ptr_equal(arena_alloc(&arena, 250, 0), holes[0] + 256 + HEADER);
	assert_ptr_equal(arena_alloc(&arena, 590, 0), holes[2]);
}

static void best_fit_takes_the_smallest_block(void **state __unused)
{
	char *holes[3];

	begin(SIZE, ARENA_BEST_FIT);
	make_holes(holes);
	assert_ptr_equal(arena_alloc(&arena, 250, 0), holes[1]);
	assert_ptr_equal(arena_alloc(&arena, 250, 0), holes[2]);
	assert_ptr_equal(arena_alloc(&arena, 900, 0), holes[0]);
}

static void freed_neighbours_join(void **state __unused)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		char *blocks[3];
		begin(SIZE, ARENA_FIRST_FIT);
		for (int k = 0; k < 3; k++)
			blocks[k] = arena_alloc(&arena, 100, 0);
		assert_int_equal(stats().used_blocks, 3);
		for (int k = 0; k < 3; k++)
			arena_free(&arena, blocks[orders[i][k]]);
		assert_int_equal(stats().free_blocks, 1);
		assert_int_equal(stats().free, SIZE);
		assert_int_equal(stats().largest, SIZE - HEADER);
	}
}

static void blocks_are_aligned_as_asked(void **state __unused)
{
	for (size_t align = 1; align <= 8192; align *= 2) {
		begin(SIZE, ARENA_BEST_FIT);
		char *before = arena_alloc(&arena, 24, 0), *block = arena_alloc(&arena, 100, align);
		assert_non_null(block);
		assert_int_equal((vaddr_t)block % MAX(align, (size_t)16), 0);
		memset(block, 1, 100);
		arena_free(&arena, before);
		arena_free(&arena, block);
		assert_int_equal(stats().free_blocks, 1);
	}
	assert_null(arena_alloc(&arena, 8, 24));
}

static void an_arena_can_be_full(void **state __unused)
{
	begin(SIZE, ARENA_FIRST_FIT);
	assert_null(arena_alloc(&arena, SIZE, 0));
	assert_null(arena_alloc(&arena, SIZE_MAX, 0));
	char *all = arena_alloc(&arena, SIZE - HEADER, 0);
	assert_non_null(all);
	assert_int_equal(stats().free_blocks, 0);
	assert_null(arena_alloc(&arena, 0, 0));
	arena_free(&arena, all);
	arena_free(&arena, NULL);
	assert_int_equal(arena_init(&arena, memory, HEADER, ARENA_FIRST_FIT), -EINVAL);
	assert_int_equal(arena_init(&arena, memory + 1, HEADER + 16, ARENA_FIRST_FIT), -EINVAL);
	assert_int_equal(arena_init(&arena, (void *)(UINTPTR_MAX - 4), 64, ARENA_FIRST_FIT),
			 -EINVAL);
	assert_int_equal(arena_init(&arena, memory + 1, SIZE - 1, ARENA_FIRST_FIT), 0);
}

/* --- Sequences.  Each block is filled with a byte of its own. */

static struct {
	u8 *start;
	size_t size;
	u8 byte;
} live[64];
static u32 live_count;

static void take(size_t size, size_t align)
{
	static u8 byte;
	u8 *start = arena_alloc(&arena, size, align);

	if (start == NULL)
		return;
	live[live_count].start = start;
	live[live_count].size = size;
	live[live_count++].byte = ++byte;
	memset(start, byte, size);
}

static void give(u32 which)
{
	for (size_t i = 0; i < live[which].size; i++)
		if (live[which].start[i] != live[which].byte)
			fail_msg("a block was overwritten");
	arena_free(&arena, live[which].start);
	live[which] = live[--live_count];
}

static void step(u32 operation)
{
	static const size_t sizes[] = {1, 40, 150};

	if (operation < 3)
		take(sizes[operation], 0);
	else if (operation == 3)
		take(20, 128);
	else
		give(operation - 4);
}

static u64 extend(u32 *operations, u32 length, enum arena_strategy strategy)
{
	u32 choices = 4 + live_count;
	u64 sequences = 1;

	for (u32 next = 0; length < DEPTH && next < choices; next++) {
		begin(SMALL, strategy);
		live_count = 0;
		for (u32 i = 0; i < length; i++)
			step(operations[i]);
		operations[length] = next;
		step(next);
		struct arena_stats now = stats();
		if (now.used_blocks != live_count || now.free_blocks > live_count + 1)
			fail_msg("%zu blocks used, %zu free, for %u", now.used_blocks,
				 now.free_blocks, live_count);
		sequences += extend(operations, length + 1, strategy);
	}
	return sequences;
}

static void every_short_sequence_keeps_blocks_apart(void **state __unused)
{
	u32 operations[DEPTH];
	u64 sequences = 0;

	for (int strategy = ARENA_FIRST_FIT; strategy <= ARENA_BEST_FIT; strategy++) {
		live_count = 0;
		sequences += extend(operations, 0, (enum arena_strategy)strategy);
	}
	printf("# %llu sequences of up to %d operations\n", (unsigned long long)sequences, DEPTH);
}

static void random_sequences_end_with_one_free_block(void **state __unused)
{
	unsigned seed = 1;

	for (int strategy = ARENA_FIRST_FIT; strategy <= ARENA_BEST_FIT; strategy++) {
		begin(SIZE, (enum arena_strategy)strategy);
		live_count = 0;
		for (int i = 0; i < 20000; i++) {
			if (live_count < ARRAY_SIZE(live) && rand_r(&seed) % 2)
				take((size_t)rand_r(&seed) % 2500,
				     rand_r(&seed) % 8 ? 0 : (size_t)16 << rand_r(&seed) % 6);
			else if (live_count > 0)
				give((u32)rand_r(&seed) % live_count);
		}
		while (live_count > 0)
			give(0);
		assert_int_equal(stats().free_blocks, 1);
		assert_int_equal(stats().free, SIZE);
	}
}

static void misuse_is_caught(void **state __unused)
{
	begin(SIZE, ARENA_FIRST_FIT);
	char *a = arena_alloc(&arena, 100, 0), *b = arena_alloc(&arena, 100, 0);

	assert_dies(arena_free(&arena, a + 8));
	assert_dies(arena_free(&arena, a + 16));
	assert_dies(arena_free(&arena, memory - 16));
	assert_dies({
		arena_free(&arena, a);
		arena_free(&arena, a);
	});
	/* Also when it was joined with the block before. */
	assert_dies({
		arena_free(&arena, a);
		arena_free(&arena, b);
		arena_free(&arena, b);
	});
	assert_dies({
		memset(a, 0, 120);
		arena_free(&arena, a);
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_fit_takes_the_lowest_block),
		cmocka_unit_test(best_fit_takes_the_smallest_block),
		cmocka_unit_test(freed_neighbours_join),
		cmocka_unit_test(blocks_are_aligned_as_asked),
		cmocka_unit_test(an_arena_can_be_full),
		cmocka_unit_test(every_short_sequence_keeps_blocks_apart),
		cmocka_unit_test(random_sequences_end_with_one_free_block),
		cmocka_unit_test(misuse_is_caught),
	};

	return cmocka_run_group_tests_name("mm arena", tests, NULL, NULL);
}
