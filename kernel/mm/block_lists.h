/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of free blocks of 2^order pages: the buddy system, shared by the frame allocator's zones
 * (frame_buddy.c) and the pool of buddy.h (buddy.c).
 *
 * Pages are known by number.  Each has a struct frame; the head of a free block has kind
 * FRAME_FREE, its order, and the links of its list, by number, so free memory itself is never
 * touched.  The inside of a block is FRAME_RESERVED.  A block's buddy is the one whose number
 * differs in bit `order`; two free buddies are always joined, up to FRAME_MAX_ORDER, so the free
 * blocks of a given set of free pages are always the same ones.
 *
 * Number 0 ends a list, and is therefore never given.  No locks: the owner says which one guards
 * the lists and the descriptors of free blocks.
 */
#ifndef MM_BLOCK_LISTS_H
#define MM_BLOCK_LISTS_H

#include "lib/types.h"
#include "mm/frame.h"

struct block_lists {
	struct frame *descriptors;      /* of number 0, which need not exist */
	pfn_t start, end;               /* the numbers that have descriptors */
	u8 zone;                        /* of the descriptors of its pages */
	u32 nonempty;                   /* bit n: there is a free block of order n */
	u32 heads[FRAME_MAX_ORDER + 1]; /* first block of each order; 0: none */
	size_t counts[FRAME_MAX_ORDER + 1];
	size_t free; /* pages */
};

/* A block of exactly this order, or 0.  Its head is FRAME_RESERVED, order 0, owner 0. */
pfn_t __must_check block_lists_take(struct block_lists *lists, u32 order);
/* Takes this free block, the head of a list's block of that order, as it is. */
void block_lists_take_this(struct block_lists *lists, pfn_t head, u32 order);
/* Is there a free block of exactly this order here? */
bool block_lists_has(const struct block_lists *lists, pfn_t head, u32 order);
/* Gives a block and joins it with its buddies. */
void block_lists_give(struct block_lists *lists, pfn_t head, u32 order);
/* The order of the largest aligned block that starts at `start` and ends by `end`, which is above.
 */
u32 block_order(pfn_t start, pfn_t end);

#endif
