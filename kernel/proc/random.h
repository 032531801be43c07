/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers: one generator for the whole kernel, over lib/crng.h.
 */
#ifndef PROC_RANDOM_H
#define PROC_RANDOM_H

#include "lib/types.h"

/* Seeds the generator from the processor's random instruction, the clocks and the machine's memory
 * layout.  Once, after the clock. */
void random_init(void);

/* Fills a buffer with unpredictable bytes.  Any context. */
void random_bytes(void *buffer, size_t size);
u64 random_u64(void);

/* Stirs in what may be hard to guess: the moment of a key press, a block from the disk, bytes
 * written to /dev/random.  Any context. */
void random_mix(const void *data, size_t size);

/* Has random_init run?  Before, the bytes are no secret. */
bool random_is_seeded(void);

#endif
