/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ChaCha20: sixteen words, twenty rounds, and the start added to the end (RFC 8439, section 2.3).
 */
#include "lib/chacha20.h"

static u32 load_u32(const u8 *bytes)
{
	return (u32)bytes[0] | (u32)bytes[1] << 8 | (u32)bytes[2] << 16 | (u32)bytes[3] << 24;
}

static void store_u32(u8 *bytes, u32 word)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (u8)(word >> 8 * i);
}

static u32 rotate_left(u32 word, unsigned int bits)
{
	return word << bits | word >> (32 - bits);
}

static void quarter_round(u32 *words, int a, int b, int c, int d)
{
	words[a] += words[b];
	words[d] = rotate_left(words[d] ^ words[a], 16);
	words[c] += words[d];
	words[b] = rotate_left(words[b] ^ words[c], 12);
	words[a] += words[b];
	words[d] = rotate_left(words[d] ^ words[a], 8);
	words[c] += words[d];
	words[b] = rotate_left(words[b] ^ words[c], 7);
}

void chacha20_block(const u8 key[CHACHA20_KEY_SIZE], u32 counter,
		    const u8 nonce[CHACHA20_NONCE_SIZE], u8 block[CHACHA20_BLOCK_SIZE])
{
	u32 start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, [12] = counter};
	u32 words[16];

	for (int i = 0; i < 8; i++)
		start[4 + i] = load_u32(key + 4 * i);
	for (int i = 0; i < 3; i++)
		start[13 + i] = load_u32(nonce + 4 * i);
	for (int i = 0; i < 16; i++)
		words[i] = start[i];
	for (int round = 0; round < 20; round += 2) {
		for (int i = 0; i < 4; i++)
			quarter_round(words, i, 4 + i, 8 + i, 12 + i);
		for (int i = 0; i < 4; i++)
			quarter_round(words, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
	}
	for (int i = 0; i < 16; i++)
		store_u32(block + 4 * i, words[i] + start[i]);
}
