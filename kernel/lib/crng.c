/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers with fast key erasure; the idea is in the header.
 *
 * The nonce tells the uses of a key apart: drawing numbers, and mixing a seed in.
 */
#include "lib/assert.h"
#include "lib/crng.h"
#include "lib/string.h"

BUILD_ASSERT(CHACHA20_BLOCK_SIZE - CHACHA20_KEY_SIZE == CHACHA20_KEY_SIZE);

static const u8 draw_nonce[CHACHA20_NONCE_SIZE] = "draw numbers";
static const u8 mix_nonce[CHACHA20_NONCE_SIZE] = "mix seed in.";

enum { SPARE = CHACHA20_BLOCK_SIZE - CHACHA20_KEY_SIZE };

/* Clears what must not stay on the stack; the compiler may not leave it out. */
static void wipe(void *bytes, size_t size)
{
	memset(bytes, 0, size);
	__asm__ volatile("" : : "r"(bytes) : "memory");
}

/* Replaces the key by the first half of the next block; the other half goes to @spare. */
static void step(struct crng *crng, const u8 *nonce, u8 spare[SPARE])
{
	u8 block[CHACHA20_BLOCK_SIZE];

	chacha20_block(crng->key, 0, nonce, block);
	memcpy(crng->key, block, CHACHA20_KEY_SIZE);
	memcpy(spare, block + CHACHA20_KEY_SIZE, SPARE);
	wipe(block, sizeof(block));
}

void crng_init(struct crng *crng)
{
	memset(crng->key, 0, sizeof(crng->key));
}

void crng_mix(struct crng *crng, const void *seed, size_t size)
{
	const u8 *at = seed;
	u8 spare[SPARE];

	/* The last step has a length of 0 to 31 in its last byte, so that no seed is a prefix of
	 * another. */
	for (;;) {
		size_t count = MIN(size, (size_t)CHACHA20_KEY_SIZE);

		for (size_t i = 0; i < count; i++)
			crng->key[i] ^= at[i];
		if (count < CHACHA20_KEY_SIZE)
			crng->key[CHACHA20_KEY_SIZE - 1] ^= (u8)(count + 1);
		step(crng, mix_nonce, spare);
		if (count < CHACHA20_KEY_SIZE)
			break;
		at += count;
		size -= count;
	}
	wipe(spare, sizeof(spare));
}

void crng_fork(struct crng *parent, struct crng *child)
{
	step(parent, draw_nonce, child->key);
}

void crng_generate(struct crng *crng, void *to, size_t size)
{
	struct crng child;
	u8 block[CHACHA20_BLOCK_SIZE];
	u8 *at = to;
	u8 spare[SPARE];

	if (size <= SPARE) {
		step(crng, draw_nonce, spare);
		memcpy(to, spare, size);
		wipe(spare, sizeof(spare));
		return;
	}
	/* A long request is the key stream of a key of its own, renewed before the counter wraps.
	 */
	while (size) {
		crng_fork(crng, &child);
		for (u32 counter = 0; size && counter < UINT32_MAX; counter++) {
			size_t count = MIN(size, sizeof(block));

			chacha20_block(child.key, counter, draw_nonce, block);
			memcpy(at, block, count);
			at += count;
			size -= count;
		}
	}
	wipe(block, sizeof(block));
	wipe(&child, sizeof(child));
}
