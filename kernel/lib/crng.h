/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core of the random number generator: ChaCha20 with fast key erasure (Bernstein, 2017).
 *
 * The state is a key.  Each request makes one block of key stream, replaces the key by the block's
 * first half before anything else happens, and gives out from the other half; so a state that
 * becomes known tells nothing about numbers given out before.  Seeds are mixed in by a one-way step
 * each, so that a known seed takes away nothing.
 *
 * Locking is the caller's.  For large requests it forks a generator under its lock, which takes one
 * block, and draws from the fork without.
 */
#ifndef LIB_CRNG_H
#define LIB_CRNG_H

#include "lib/chacha20.h"
#include "lib/types.h"

struct crng {
	u8 key[CHACHA20_KEY_SIZE];
};

/* Starts from a fixed key: gives nothing worth having before a seed is mixed in. */
void crng_init(struct crng *crng);

/* Mixes @size bytes in, whatever they are worth. */
void crng_mix(struct crng *crng, const void *seed, size_t size);

/* Writes @size random bytes to @to. */
void crng_generate(struct crng *crng, void *to, size_t size);

/* Makes @child a generator of its own, that nothing about @parent's numbers can be learnt from. */
void crng_fork(struct crng *parent, struct crng *child);

#endif
