/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying, filling and comparing memory, in portable C.
 *
 * Blocks are handled a word at a time once the destination is aligned; the source may be unaligned,
 * which every machine that we run on reads at full speed.  An architecture with faster means
 * (string instructions) replaces this file by one of its own.  The file is compiled with
 * -fno-tree-loop-distribute-patterns, or the compiler would recognise memcpy's loop and turn it
 * into a call of memcpy.
 */
#include "lib/string.h"

/* A word that may alias anything and start at any byte. */
typedef uintptr_t __attribute__((may_alias, aligned(1))) loose_word;

enum { WORD = sizeof(loose_word), SMALL = 2 * WORD, BLOCK = 4 * WORD };

static size_t bytes_to_alignment(const void *address)
{
	return -(uintptr_t)address & (WORD - 1);
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	return memmove(to, from, size);
}

/* Four words; all are read before the first is written, so that it serves overlaps of either kind.
 */
static inline void copy_block(u8 *to, const u8 *from)
{
	uintptr_t first = ((const loose_word *)from)[0];
	uintptr_t second = ((const loose_word *)from)[1];
	uintptr_t third = ((const loose_word *)from)[2];
	uintptr_t fourth = ((const loose_word *)from)[3];

	((loose_word *)to)[0] = first;
	((loose_word *)to)[1] = second;
	((loose_word *)to)[2] = third;
	((loose_word *)to)[3] = fourth;
}

static void copy_forwards(u8 *to, const u8 *from, size_t size)
{
	if (size >= SMALL) {
		for (size_t head = bytes_to_alignment(to); head; head--, size--)
			*to++ = *from++;
		for (; size >= BLOCK; size -= BLOCK, to += BLOCK, from += BLOCK)
			copy_block(to, from);
		for (; size >= WORD; size -= WORD, to += WORD, from += WORD)
			*(loose_word *)to = *(const loose_word *)from;
	}
	while (size--)
		*to++ = *from++;
}

static void copy_backwards(u8 *to, const u8 *from, size_t size)
{
	to += size;
	from += size;
	if (size >= SMALL) {
		for (size_t tail = (uintptr_t)to & (WORD - 1); tail; tail--, size--)
			*--to = *--from;
		for (; size >= BLOCK; size -= BLOCK) {
			to -= BLOCK;
			from -= BLOCK;
			copy_block(to, from);
		}
		for (; size >= WORD; size -= WORD) {
			to -= WORD;
			from -= WORD;
			*(loose_word *)to = *(const loose_word *)from;
		}
	}
	while (size--)
		*--to = *--from;
}

void *memmove(void *to, const void *from, size_t size)
{
	/* Unsigned wrap-around folds "from <= to < from + size" into one comparison. */
	if ((uintptr_t)to - (uintptr_t)from < size)
		copy_backwards(to, from, size);
	else
		copy_forwards(to, from, size);
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	u8 *at = to;
	u8 value = (u8)byte;

	if (size >= SMALL) {
		uintptr_t word = (uintptr_t)-1 / 0xff * value;

		for (size_t head = bytes_to_alignment(at); head; head--, size--)
			*at++ = value;
		for (; size >= BLOCK; size -= BLOCK, at += BLOCK)
			for (int i = 0; i < 4; i++)
				((loose_word *)at)[i] = word;
		for (; size >= WORD; size -= WORD, at += WORD)
			*(loose_word *)at = word;
	}
	while (size--)
		*at++ = value;
	return to;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const u8 *a = left;
	const u8 *b = right;

	for (; size >= WORD; size -= WORD, a += WORD, b += WORD)
		if (*(const loose_word *)a != *(const loose_word *)b)
			break;
	for (; size; size--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}
