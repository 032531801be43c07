/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-1-3: one round of mixing for each word of 8 bytes (little endian), three at the end.
 */
#include "lib/hash.h"

struct sip_state {
	u64 a, b, c, d;
};

static u64 rotate_left(u64 value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

static void mix(struct sip_state *s)
{
	s->a += s->b;
	s->b = rotate_left(s->b, 13) ^ s->a;
	s->a = rotate_left(s->a, 32);
	s->c += s->d;
	s->d = rotate_left(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = rotate_left(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = rotate_left(s->b, 17) ^ s->c;
	s->c = rotate_left(s->c, 32);
}

static void absorb(struct sip_state *s, u64 word)
{
	s->d ^= word;
	mix(s);
	s->a ^= word;
}

static u64 load_bytes(const u8 *bytes, size_t count)
{
	u64 word = 0;

	for (size_t i = 0; i < count; i++)
		word |= (u64)bytes[i] << (8 * i);
	return word;
}

u64 hash_bytes(const struct hash_key *key, const void *bytes, size_t size)
{
	const u8 *at = bytes;
	size_t left = size;
	struct sip_state s = {
		.a = key->words[0] ^ 0x736f6d6570736575,
		.b = key->words[1] ^ 0x646f72616e646f6d,
		.c = key->words[0] ^ 0x6c7967656e657261,
		.d = key->words[1] ^ 0x7465646279746573,
	};

	for (; left >= 8; left -= 8, at += 8)
		absorb(&s, load_bytes(at, 8));
	absorb(&s, load_bytes(at, left) | (u64)size << 56);
	s.c ^= 0xff;
	mix(&s);
	mix(&s);
	mix(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}
