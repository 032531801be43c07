/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying, filling and comparing memory, in portable C, for 64-bit machines that read and write at
 * any address at full speed.  An architecture with faster means replaces this file by one of its
 * own.
 *
 * The ends of a block are never handled byte by byte: the first and the last words of a block may
 * overlap in its middle, where both write the same.  So a block of 8 to 16 bytes is two words, one
 * of 16 to 32 is four, and a longer one is pieces of four words of which the last overlaps the one
 * before.  What an overlapped copy would overwrite too early is read before anything is written.
 *
 * The file is compiled with -fno-tree-loop-distribute-patterns, or the compiler would recognise the
 * loop of memcpy and turn it into a call of memcpy.
 */
#define LIB_STRING_PLAIN
#include "lib/string.h"

/* Numbers that may alias anything and start at any byte. */
typedef u16 __attribute__((may_alias, aligned(1))) loose_u16;
typedef u32 __attribute__((may_alias, aligned(1))) loose_u32;
typedef u64 __attribute__((may_alias, aligned(1))) loose_u64;

enum { WORD = 8, PIECE = 4 * WORD };

struct piece {
	u64 first, second, third, fourth;
};

static inline struct piece load_piece(const u8 *from)
{
	const loose_u64 *words = (const loose_u64 *)from;

	return (struct piece){words[0], words[1], words[2], words[3]};
}

static inline void store_piece(u8 *to, struct piece piece)
{
	loose_u64 *words = (loose_u64 *)to;

	words[0] = piece.first;
	words[1] = piece.second;
	words[2] = piece.third;
	words[3] = piece.fourth;
}

/* Up to 16 bytes. */
static inline void copy_small(u8 *to, const u8 *from, size_t size)
{
	if (size >= 8) {
		u64 head = *(const loose_u64 *)from, tail = *(const loose_u64 *)(from + size - 8);

		*(loose_u64 *)to = head;
		*(loose_u64 *)(to + size - 8) = tail;
	} else if (size >= 4) {
		u32 head = *(const loose_u32 *)from, tail = *(const loose_u32 *)(from + size - 4);

		*(loose_u32 *)to = head;
		*(loose_u32 *)(to + size - 4) = tail;
	} else if (size >= 2) {
		u16 head = *(const loose_u16 *)from, tail = *(const loose_u16 *)(from + size - 2);

		*(loose_u16 *)to = head;
		*(loose_u16 *)(to + size - 2) = tail;
	} else if (size) {
		*to = *from;
	}
}

/* 16 to 32 bytes. */
static inline void copy_medium(u8 *to, const u8 *from, size_t size)
{
	const loose_u64 *head = (const loose_u64 *)from;
	const loose_u64 *tail = (const loose_u64 *)(from + size - 2 * WORD);
	struct piece piece = {head[0], head[1], tail[0], tail[1]};

	((loose_u64 *)to)[0] = piece.first;
	((loose_u64 *)to)[1] = piece.second;
	((loose_u64 *)(to + size - 2 * WORD))[0] = piece.third;
	((loose_u64 *)(to + size - 2 * WORD))[1] = piece.fourth;
}

static void copy_forwards(u8 *to, const u8 *from, size_t size)
{
	struct piece last = load_piece(from + size - PIECE);
	u8 *last_to = to + size - PIECE;

	for (; to < last_to; to += PIECE, from += PIECE)
		store_piece(to, load_piece(from));
	store_piece(last_to, last);
}

static void copy_backwards(u8 *to, const u8 *from, size_t size)
{
	struct piece first = load_piece(from);

	for (; size > PIECE; size -= PIECE)
		store_piece(to + size - PIECE, load_piece(from + size - PIECE));
	store_piece(to, first);
}

void *memmove(void *to, const void *from, size_t size)
{
	if (size <= 2 * WORD)
		copy_small(to, from, size);
	else if (size <= PIECE)
		copy_medium(to, from, size);
	else if ((uintptr_t)to - (uintptr_t)from >= size) /* wraps round if to < from */
		copy_forwards(to, from, size);
	else
		copy_backwards(to, from, size);
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	if (size <= 2 * WORD)
		copy_small(to, from, size);
	else if (size <= PIECE)
		copy_medium(to, from, size);
	else
		copy_forwards(to, from, size);
	return to;
}

/* Up to 16 bytes. */
static inline void set_small(u8 *to, u64 word, size_t size)
{
	if (size >= 8) {
		*(loose_u64 *)to = word;
		*(loose_u64 *)(to + size - 8) = word;
	} else if (size >= 4) {
		*(loose_u32 *)to = (u32)word;
		*(loose_u32 *)(to + size - 4) = (u32)word;
	} else {
		while (size--)
			*to++ = (u8)word;
	}
}

void *memset(void *block, int byte, size_t size)
{
	u8 *to = block;
	u8 *end = to + size;
	u64 word = (u64)0x0101010101010101 * (u8)byte;

	if (size <= 2 * WORD) {
		set_small(to, word, size);
		return block;
	}
	for (; size > PIECE; size -= PIECE, to += PIECE)
		store_piece(to, (struct piece){word, word, word, word});
	/* Up to four words are left, and there are at least two: they may reach back. */
	for (; size > 2 * WORD; size -= WORD, to += WORD)
		*(loose_u64 *)to = word;
	((loose_u64 *)(end - 2 * WORD))[0] = word;
	((loose_u64 *)(end - 2 * WORD))[1] = word;
	return block;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const u8 *a = left;
	const u8 *b = right;

	for (; size >= WORD; size -= WORD, a += WORD, b += WORD)
		if (*(const loose_u64 *)a != *(const loose_u64 *)b)
			break;
	for (; size; size--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}
