/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32C, a byte at a step.  The CRC's change by a byte is linear over the byte's bits, so the
 * preprocessor makes the table from the eight entries of single bits.
 */
#include "lib/crc32c.h"

#define ENTRY(n)                                                                               \
	(((n)&1 ? 0xf26b8303 : 0u) ^ ((n)&2 ? 0xe13b70f7 : 0u) ^ ((n)&4 ? 0xc79a971f : 0u) ^   \
	 ((n)&8 ? 0x8ad958cf : 0u) ^ ((n)&16 ? 0x105ec76f : 0u) ^ ((n)&32 ? 0x20bd8ede : 0u) ^ \
	 ((n)&64 ? 0x417b1dbc : 0u) ^ ((n)&128 ? 0x82f63b78 : 0u))
#define ENTRIES_4(n)  ENTRY(n), ENTRY(n + 1), ENTRY(n + 2), ENTRY(n + 3)
#define ENTRIES_16(n) ENTRIES_4(n), ENTRIES_4(n + 4), ENTRIES_4(n + 8), ENTRIES_4(n + 12)
#define ENTRIES_64(n) ENTRIES_16(n), ENTRIES_16(n + 16), ENTRIES_16(n + 32), ENTRIES_16(n + 48)

static const u32 table[256] = {ENTRIES_64(0), ENTRIES_64(64), ENTRIES_64(128), ENTRIES_64(192)};

u32 crc32c(u32 crc, const void *bytes, size_t size)
{
	const u8 *at = bytes;

	for (; size != 0; size--, at++)
		crc = crc >> 8 ^ table[(crc ^ *at) & 0xff];
	return crc;
}
