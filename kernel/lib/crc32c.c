/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32C, eight bytes at a step ("slicing by 8": Kounavis and Berry, 2005): table number k has the
 * change by a byte that k more bytes follow.  The change is linear over the byte's bits, so the
 * preprocessor makes each table from its eight entries of single bits.
 */
#include "lib/crc32c.h"

enum { TABLES = 8 };

/* The entry for byte n of the table with these entries for single bits. */
#define ENTRY(n, b0, b1, b2, b3, b4, b5, b6, b7)                                                 \
	(((n)&1 ? (b0) : 0u) ^ ((n)&2 ? (b1) : 0u) ^ ((n)&4 ? (b2) : 0u) ^ ((n)&8 ? (b3) : 0u) ^ \
	 ((n)&16 ? (b4) : 0u) ^ ((n)&32 ? (b5) : 0u) ^ ((n)&64 ? (b6) : 0u) ^                    \
	 ((n)&128 ? (b7) : 0u))
#define ENTRIES_4(n, ...)                                                            \
	ENTRY(n, __VA_ARGS__), ENTRY(n + 1, __VA_ARGS__), ENTRY(n + 2, __VA_ARGS__), \
		ENTRY(n + 3, __VA_ARGS__)
#define ENTRIES_16(n, ...)                                                                       \
	ENTRIES_4(n, __VA_ARGS__), ENTRIES_4(n + 4, __VA_ARGS__), ENTRIES_4(n + 8, __VA_ARGS__), \
		ENTRIES_4(n + 12, __VA_ARGS__)
#define ENTRIES_64(n, ...)                                           \
	ENTRIES_16(n, __VA_ARGS__), ENTRIES_16(n + 16, __VA_ARGS__), \
		ENTRIES_16(n + 32, __VA_ARGS__), ENTRIES_16(n + 48, __VA_ARGS__)
#define ENTRIES(...)                                                               \
	{                                                                          \
		ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__),           \
			ENTRIES_64(128, __VA_ARGS__), ENTRIES_64(192, __VA_ARGS__) \
	}

static const u32 table[TABLES][256] = {
	ENTRIES(0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, 0x105ec76fu, 0x20bd8edeu,
		0x417b1dbcu, 0x82f63b78u),
	ENTRIES(0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u, 0x3fc5f181u, 0x7f8be302u,
		0xff17c604u, 0xfbc3faf9u),
	ENTRIES(0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u, 0x70a27d8au, 0xe144fb14u,
		0xc76580d9u, 0x8b277743u),
	ENTRIES(0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u, 0xe964b13du, 0xd725148bu,
		0xaba65fe7u, 0x52a0c93fu),
	ENTRIES(0x38116facu, 0x7022df58u, 0xe045beb0u, 0xc5670b91u, 0x8f2261d3u, 0x1ba8b557u,
		0x37516aaeu, 0x6ea2d55cu),
	ENTRIES(0xef306b19u, 0xdb8ca0c3u, 0xb2f53777u, 0x6006181fu, 0xc00c303eu, 0x85f4168du,
		0x0e045bebu, 0x1c08b7d6u),
	ENTRIES(0x68032cc8u, 0xd0065990u, 0xa5e0c5d1u, 0x4e2dfd53u, 0x9c5bfaa6u, 0x3d5b83bdu,
		0x7ab7077au, 0xf56e0ef4u),
	ENTRIES(0x493c7d27u, 0x9278fa4eu, 0x211d826du, 0x423b04dau, 0x847609b4u, 0x0d006599u,
		0x1a00cb32u, 0x34019664u),
};

static u32 one_byte(u32 crc, u8 byte)
{
	return crc >> 8 ^ table[0][(crc ^ byte) & 0xff];
}

/* The next eight bytes, the first in the lowest bits. */
static u32 eight_bytes(u32 crc, u64 word)
{
	word ^= crc;
	return table[7][word & 0xff] ^ table[6][word >> 8 & 0xff] ^ table[5][word >> 16 & 0xff] ^
	       table[4][word >> 24 & 0xff] ^ table[3][word >> 32 & 0xff] ^
	       table[2][word >> 40 & 0xff] ^ table[1][word >> 48 & 0xff] ^ table[0][word >> 56];
}

u32 crc32c(u32 crc, const void *bytes, size_t size)
{
	const u8 *at = bytes;

	for (; size != 0 && (uintptr_t)at % sizeof(u64) != 0; size--)
		crc = one_byte(crc, *at++);
	for (; size >= sizeof(u64); size -= sizeof(u64), at += sizeof(u64))
		crc = eight_bytes(crc, *(const u64 *)at);
	for (; size != 0; size--)
		crc = one_byte(crc, *at++);
	return crc;
}
