/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that a card of 10.0.2.15 may get, well formed but for their sums. */
#ifndef TESTS_HOST_NET_SEEDS_H
#define TESTS_HOST_NET_SEEDS_H

#include "lib/types.h"

enum { SEED_MAX = 200 };

struct seed {
	const char *name;
	u32 length;
	u8 bytes[SEED_MAX];
};

extern const struct seed seeds[];
extern const u32 seed_count;

/* Makes the sums of a frame's IP header, and of what is in it, right; does nothing to what is too
 * strange for that. */
void seed_repair(u8 *frame, u32 length);

#endif
