/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bitmaps: ranges and searches, a word at a time.
 */
#include "lib/bitmap.h"

/* The bits of word @word that lie in [start, end). */
static u64 range_mask(size_t word, size_t start, size_t end)
{
	u64 mask = ~(u64)0;

	if (word == start / 64)
		mask &= ~(u64)0 << start % 64;
	if (word == end / 64)
		mask &= ~(~(u64)0 << end % 64);
	return mask;
}

void bitmap_set_range(u64 *map, size_t start, size_t count)
{
	size_t end = start + count;

	for (size_t word = start / 64; word < BITMAP_WORDS(end); word++)
		map[word] |= range_mask(word, start, end);
}

void bitmap_clear_range(u64 *map, size_t start, size_t count)
{
	size_t end = start + count;

	for (size_t word = start / 64; word < BITMAP_WORDS(end); word++)
		map[word] &= ~range_mask(word, start, end);
}

/* The first bit at or after @from that differs from those of @flip (all zeros or all ones). */
static size_t find_differing(const u64 *map, size_t bits, size_t from, u64 flip)
{
	if (from >= bits)
		return bits;
	for (size_t word = from / 64; word < BITMAP_WORDS(bits); word++) {
		u64 found = (map[word] ^ flip) & range_mask(word, from, bits);

		if (found)
			return word * 64 + (size_t)__builtin_ctzll(found);
	}
	return bits;
}

size_t bitmap_find_set(const u64 *map, size_t bits, size_t from)
{
	return find_differing(map, bits, from, 0);
}

size_t bitmap_find_clear(const u64 *map, size_t bits, size_t from)
{
	return find_differing(map, bits, from, ~(u64)0);
}

size_t bitmap_find_clear_range(const u64 *map, size_t bits, size_t from, size_t count)
{
	while (from < bits) {
		size_t start = bitmap_find_clear(map, bits, from);
		size_t end = bitmap_find_set(map, bits, start);

		if (start == bits || bits - start < count)
			return bits;
		if (end - start >= count)
			return start;
		from = end;
	}
	return bits;
}

size_t bitmap_count(const u64 *map, size_t bits)
{
	size_t count = 0;

	for (size_t word = 0; word < BITMAP_WORDS(bits); word++)
		count += (size_t)__builtin_popcountll(map[word] & range_mask(word, 0, bits));
	return count;
}
