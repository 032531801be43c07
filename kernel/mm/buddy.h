/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A buddy allocator over a range of memory that the caller provides: blocks of 4 KiB to 16 MiB, in
 * powers of two, aligned to their size, joined with their buddies when they are freed.
 *
 * It is the frame allocator's algorithm (block_lists.h) on a pool of its own, for memory that is
 * set apart from the machine's: a device's window, a reserved range.  There is one pool.
 *
 * All functions may be called from any context with any lock held; none sleeps.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "lib/types.h"
#include "mm/frame.h"

#define BUDDY_MIN_SIZE ((size_t)PAGE_SIZE)
#define BUDDY_MAX_SIZE ((size_t)PAGE_SIZE << FRAME_MAX_ORDER)

typedef struct buddy_stats {
	size_t total;                            /* bytes that can be handed out */
	size_t free;                             /* of them, free now */
	size_t largest;                          /* the largest free block, in bytes */
	size_t free_blocks[FRAME_MAX_ORDER + 1]; /* of PAGE_SIZE << order bytes */
	u32 fragmentation[FRAME_MAX_ORDER + 1];  /* see block_fragmentation: 0 to 1000 */
} buddy_stats_t;

/*
 * Makes [start, start + size) the pool; only whole pages within it are used, the first of them for
 * the descriptors (16 bytes a page).  The memory must be mapped and writable.  0; -EINVAL when no
 * page would be left; -EBUSY when blocks of the former pool are in use.
 */
int __must_check buddy_init(void *start, size_t size);

/*
 * A block of at least `size` bytes, of undefined content; NULL when there is none, when `size` is 0
 * or more than BUDDY_MAX_SIZE, and before buddy_init.
 */
void *__must_check buddy_alloc(size_t size);

/* Frees; NULL is allowed.  What is no block in use is reported and left alone. */
void buddy_free(void *block);

void buddy_get_stats(buddy_stats_t *stats);

#endif
