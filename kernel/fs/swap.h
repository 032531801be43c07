/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap on block devices and in files: swapon(2) and swapoff(2).
 */
#ifndef FS_SWAP_H
#define FS_SWAP_H

#include "lib/types.h"

enum swap_flags {
	SWAP_FLAG_PRIO_MASK = 0x7fff,
	SWAP_FLAG_PREFER = 0x8000,
	SWAP_FLAG_DISCARD = 0x10000,
	SWAP_FLAG_DISCARD_ONCE = 0x20000,
	SWAP_FLAG_DISCARD_PAGES = 0x40000,
	SWAP_FLAGS_VALID = 0x7ffff,
};

/*
 * Uses what `name` leads to as a swap area.  0; the errors of open(2); -EINVAL: it is no block
 * device and no file of one, a file with holes, or it has no signature, or one that does not fit
 * it; -EBUSY: somebody uses it; -EPERM: there
 * are too many areas.  `flags`: enum swap_flags.  May sleep, as the next one.
 */
int __must_check swap_on(const char *name, u32 flags);
/* Ends that, once everything is in memory.  0; the errors of open(2); -EINVAL: it is no area;
 * -ENOMEM: memory does not hold what is on it; -EIO; -EINTR. */
int __must_check swap_off(const char *name);

#endif
