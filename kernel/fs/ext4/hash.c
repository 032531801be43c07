/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hashes of names in indexed directories: the first one of ext3, half of MD4 (RFC 1320, with 32
 * bytes a step and three rounds of eight), and TEA (Wheeler and Needham, 1994) as a compression
 * function.  Bytes are signed in one version of each and unsigned in the other, as the machines were
 * that made them.  The lowest bit of a hash says something else in the index.
 */
#include "fs/ext4/volume.h"
#include "lib/string.h"

enum { LEGACY, HALF_MD4, TEA, VERSIONS };
enum { HALF_MD4_WORDS = 8, TEA_WORDS = 4, TEA_ROUNDS = 16 };

/* The last one means the end of a directory. */
#define LAST_HASH 0xfffffffeu

static u32 rotate(u32 word, u32 bits)
{
	return word << bits | word >> (32 - bits);
}

static u32 byte_of(const char *at, bool is_unsigned)
{
	return is_unsigned ? (u8)*at : (u32)(s32)(signed char)*at;
}

static u32 hash_legacy(const char *name, u32 length, bool is_unsigned)
{
	u32 newer = 0x12a3fe2d, older = 0x37abe8f9;

	for (u32 i = 0; i < length; i++) {
		u32 hash = older + (newer ^ byte_of(name + i, is_unsigned) * 7152373u);

		if (hash & 0x80000000u)
			hash -= 0x7fffffff;
		older = newer;
		newer = hash;
	}
	return newer << 1;
}

/* Up to `count` words of a name, filled up with its length. */
static void fill_words(const char *name, u32 length, bool is_unsigned, u32 *words, u32 count)
{
	u32 pad = length | length << 8, bytes = MIN(length, count * 4);

	pad |= pad << 16;
	for (u32 i = 0; i < count; i++) {
		words[i] = pad;
		for (u32 j = 4 * i; j < MIN(bytes, 4 * i + 4); j++)
			words[i] = (words[i] << 8) + byte_of(name + j, is_unsigned);
	}
}

static u32 mix(u32 round, u32 x, u32 y, u32 z)
{
	switch (round) {
	case 0:
		return z ^ (x & (y ^ z));
	case 1:
		return (x & y) + ((x ^ y) & z) + 0x5a827999;
	default:
		return (x ^ y ^ z) + 0x6ed9eba1;
	}
}

static void half_md4(u32 *state, const u32 *words)
{
	static const u8 order[3][HALF_MD4_WORDS] = {
		{0, 1, 2, 3, 4, 5, 6, 7}, {1, 3, 5, 7, 0, 2, 4, 6}, {3, 7, 2, 6, 1, 5, 0, 4}};
	static const u8 turns[3][4] = {{3, 7, 11, 19}, {3, 5, 9, 13}, {3, 9, 11, 15}};
	u32 at[4] = {state[0], state[1], state[2], state[3]};

	for (u32 round = 0; round < 3; round++)
		for (u32 step = 0; step < HALF_MD4_WORDS; step++) {
			/* a, d, c, b take turns. */
			u32 i = (4 - step % 4) % 4;
			u32 sum = at[i] + words[order[round][step]] +
				  mix(round, at[(i + 1) % 4], at[(i + 2) % 4], at[(i + 3) % 4]);

			at[i] = rotate(sum, turns[round][step % 4]);
		}
	for (u32 i = 0; i < 4; i++)
		state[i] += at[i];
}

static void tea(u32 *state, const u32 *words)
{
	u32 sum = 0, left = state[0], right = state[1];

	for (u32 round = 0; round < TEA_ROUNDS; round++) {
		sum += 0x9e3779b9;
		left += ((right << 4) + words[0]) ^ (right + sum) ^ ((right >> 5) + words[1]);
		right += ((left << 4) + words[2]) ^ (left + sum) ^ ((left >> 5) + words[3]);
	}
	state[0] += left;
	state[1] += right;
}

bool ext4_hash(const struct ext4_volume *volume, u32 version, const char *name, u32 length,
	       u32 *hash)
{
	u32 state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, words[HALF_MD4_WORDS];
	const u32 *seed = volume->hash_seed;
	bool is_unsigned = volume->unsigned_hash;

	if (version >= VERSIONS) {
		version -= VERSIONS;
		is_unsigned = true;
	}
	if (version >= VERSIONS)
		return false;
	if (seed[0] || seed[1] || seed[2] || seed[3])
		memcpy(state, seed, sizeof(state));
	if (version == LEGACY)
		state[0] = hash_legacy(name, length, is_unsigned);
	for (u32 at = 0; version != LEGACY && at < length;) {
		u32 count = version == TEA ? TEA_WORDS : HALF_MD4_WORDS;

		fill_words(name + at, length - at, is_unsigned, words, count);
		if (version == TEA)
			tea(state, words);
		else
			half_md4(state, words);
		at += count * 4;
	}
	*hash = (version == HALF_MD4 ? state[1] : state[0]) & ~1u;
	if (*hash == LAST_HASH)
		*hash = LAST_HASH - 2;
	return true;
}
