/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings eight bytes at a time.
 *
 * A word holds the first byte of its string in its lowest bits.  Marks say which bytes of a word
 * are zero: bit 7 of the first one that is, and of none before it (what stands behind it means
 * nothing).
 */
#ifndef LIB_WORD_H
#define LIB_WORD_H

#include "lib/types.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

/* The bytes of a string up to its end, then zeros: for one that ends within its page. */
u64 word_gather(const char *text);

/* Eight bytes of a string, with whatever lies behind its end. */
static inline u64 word_at(const char *text)
{
	u64 word;

	/* The next page may not be there. */
	if (unlikely(((uintptr_t)text & (PAGE_SIZE - 1)) > PAGE_SIZE - sizeof(word)))
		return word_gather(text);
	__builtin_memcpy(&word, text, sizeof(word));
	return word;
}

/* A word of eight equal bytes. */
static inline u64 word_of(u8 byte)
{
	return (u64)byte * 0x0101010101010101;
}

static inline u64 word_zeros(u64 word)
{
	return (word - word_of(1)) & ~word & word_of(0x80);
}

/* How many bytes stand before the first mark.  There must be one. */
static inline u32 word_marked(u64 marks)
{
	return (u32)__builtin_ctzll(marks) / 8;
}

/* The bytes before the first mark, then zeros.  There must be one. */
static inline u64 word_before(u64 word, u64 marks)
{
	return word & (marks ^ (marks - 1)) >> 8;
}

/* The first `bytes` (0 to 7), then zeros. */
static inline u64 word_head(u64 word, u32 bytes)
{
	return word & ~(~(u64)0 << 8 * bytes);
}

#endif
