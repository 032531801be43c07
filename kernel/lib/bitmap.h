/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bitmaps: arrays of u64 words, bit n being bit n % 64 of word n / 64.
 *
 * Not atomic: the owner's lock guards the words.  All positions and counts are in bits.  Bits
 * beyond the bitmap's size in its last word are never looked at.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/types.h"

#define BITMAP_WORDS(bits)         (((bits) + 63) / 64)
#define DECLARE_BITMAP(name, bits) u64 name[BITMAP_WORDS(bits)]

static inline bool bitmap_test(const u64 *map, size_t bit)
{
	return map[bit / 64] >> (bit % 64) & 1;
}

static inline void bitmap_set(u64 *map, size_t bit)
{
	map[bit / 64] |= BIT(bit % 64);
}

static inline void bitmap_clear(u64 *map, size_t bit)
{
	map[bit / 64] &= ~BIT(bit % 64);
}

/* Sets the bit and returns what it was. */
static inline bool bitmap_test_and_set(u64 *map, size_t bit)
{
	bool was = bitmap_test(map, bit);

	bitmap_set(map, bit);
	return was;
}

/* Clears the bit and returns what it was. */
static inline bool bitmap_test_and_clear(u64 *map, size_t bit)
{
	bool was = bitmap_test(map, bit);

	bitmap_clear(map, bit);
	return was;
}

/* Set or clear the bits from @start to @start + @count - 1. */
void bitmap_set_range(u64 *map, size_t start, size_t count);
void bitmap_clear_range(u64 *map, size_t start, size_t count);

/* The first set (clear) bit at or after @from of a map of @bits, or @bits if there is none. */
size_t bitmap_find_set(const u64 *map, size_t bits, size_t from);
size_t bitmap_find_clear(const u64 *map, size_t bits, size_t from);

/* The first run of @count clear bits at or after @from, or @bits if there is none; @count at
 * least 1. */
size_t bitmap_find_clear_range(const u64 *map, size_t bits, size_t from, size_t count);

/* How many of the first @bits are set. */
size_t bitmap_count(const u64 *map, size_t bits);

#endif
