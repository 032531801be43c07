/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32, four bytes at a step (Kounavis and Berry, "A Systematic Approach to Building High
 * Performance Software-based CRC Generators", 2005).
 *
 * Table t, entry b: the CRC's change by byte b followed by t zero bytes.  That is linear over the
 * bits of b, so the preprocessor makes each table from the eight entries of single bits.
 */
#include "lib/crc32.h"

/* The entry of the byte @n, from those of 0x01, 0x02, … 0x80. */
#define ENTRY(n, b0, b1, b2, b3, b4, b5, b6, b7)                                         \
	(((n)&1 ? b0 : 0u) ^ ((n)&2 ? b1 : 0u) ^ ((n)&4 ? b2 : 0u) ^ ((n)&8 ? b3 : 0u) ^ \
	 ((n)&16 ? b4 : 0u) ^ ((n)&32 ? b5 : 0u) ^ ((n)&64 ? b6 : 0u) ^ ((n)&128 ? b7 : 0u))
#define ENTRIES_4(n, ...)                                                            \
	ENTRY(n, __VA_ARGS__), ENTRY(n + 1, __VA_ARGS__), ENTRY(n + 2, __VA_ARGS__), \
		ENTRY(n + 3, __VA_ARGS__)
#define ENTRIES_16(n, ...)                                                                       \
	ENTRIES_4(n, __VA_ARGS__), ENTRIES_4(n + 4, __VA_ARGS__), ENTRIES_4(n + 8, __VA_ARGS__), \
		ENTRIES_4(n + 12, __VA_ARGS__)
#define ENTRIES_64(n, ...)                                           \
	ENTRIES_16(n, __VA_ARGS__), ENTRIES_16(n + 16, __VA_ARGS__), \
		ENTRIES_16(n + 32, __VA_ARGS__), ENTRIES_16(n + 48, __VA_ARGS__)
#define TABLE(...)                                                                 \
	{                                                                          \
		ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__),           \
			ENTRIES_64(128, __VA_ARGS__), ENTRIES_64(192, __VA_ARGS__) \
	}

static const u32 tables[4][256] = {
	TABLE(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064, 0x3b6e20c8, 0x76dc4190,
	      0xedb88320),
	TABLE(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251, 0x958424a2, 0xf0794f05,
	      0x3b83984b),
	TABLE(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370, 0x384d46e0, 0x709a8dc0,
	      0xe1351b80),
	TABLE(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f, 0xa032af3e, 0x9b14583d,
	      0xed59b63b),
};

u32 crc32(u32 crc, const void *bytes, size_t size)
{
	const u8 *at = bytes;

	crc = ~crc;
	for (; size >= 4; size -= 4, at += 4) {
		crc ^= (u32)at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24;
		crc = tables[3][crc & 0xff] ^ tables[2][crc >> 8 & 0xff] ^
		      tables[1][crc >> 16 & 0xff] ^ tables[0][crc >> 24];
	}
	for (; size; size--, at++)
		crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
	return ~crc;
}
