/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between frame.c (stocks, references), frame_buddy.c (blocks) and frame_init.c (what memory there
 * is).
 *
 * A zone is the memory below or above 4 GiB.  Its lists hold free blocks: the head has kind
 * FRAME_FREE and the order, the other frames of the block are FRAME_RESERVED without references, as
 * are frames in a CPU's stock.  A block's buddy is the one whose frame number differs in bit
 * `order`; two free buddies are always joined, up to FRAME_MAX_ORDER.
 */
#ifndef MM_FRAME_INTERNAL_H
#define MM_FRAME_INTERNAL_H

#include "lib/spinlock.h"
#include "lib/types.h"
#include "mm/frame.h"

enum zone_id { ZONE_DMA32, ZONE_NORMAL, ZONES };

struct zone {
	spinlock_t lock; /* interrupts off; guards all below and the descriptors of free blocks */
	u32 nonempty;    /* bit n: there is a free block of order n */
	u32 heads[FRAME_MAX_ORDER +
		  1]; /* first block of each order; 0: none (frame 0 is never free) */
	size_t counts[FRAME_MAX_ORDER + 1];
	size_t free; /* frames; read without the lock for statistics */
} __cacheline;

extern struct zone zones[ZONES];
extern pfn_t frame_array_length;
extern size_t frame_usable, frame_managed; /* frames: in the map; handed to the lists so far */
extern size_t frame_reserve;               /* frames that only the kernel may take */

static inline struct zone *zone_of(pfn_t pfn)
{
	return &zones[pfn >= (4 * GIB) >> PAGE_SHIFT ? ZONE_NORMAL : ZONE_DMA32];
}

/* A block of exactly this order, or 0.  Lock held. */
pfn_t buddy_take_locked(struct zone *zone, u32 order);
/* Takes blocks of `most` frames at most, the smallest first, until there are `wanted` frames or
 * none left.  Returns how many.  Lock held. */
size_t buddy_take_singles_locked(struct zone *zone, u32 *pfns, size_t wanted);
/* Gives a block back and joins it with its buddies.  Lock held. */
void buddy_give_locked(struct zone *zone, pfn_t pfn, u32 order);

/* Frees a range of frames as the largest blocks possible. */
void buddy_give_range(pfn_t start, pfn_t end);

/* 2^order frames of a kind; every frame's kind and order are set when kind is FRAME_SLAB. */
phys_t frames_alloc_kind(u32 order, enum frame_kind kind);

/* Frames on the lists, without the CPUs' stocks. */
static inline size_t zones_free(void)
{
	return READ_ONCE(zones[ZONE_DMA32].free) + READ_ONCE(zones[ZONE_NORMAL].free);
}

#endif
