/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between frame.c (stocks, references), frame_run.c (more than the largest block),
 * frame_buddy.c (blocks) and frame_init.c (what memory there is).
 *
 * A zone is the memory below or above 4 GiB, with lists of free blocks (block_lists.h).  Frames in
 * a CPU's stock look like the inside of a block: FRAME_RESERVED, without references.
 */
#ifndef MM_FRAME_INTERNAL_H
#define MM_FRAME_INTERNAL_H

#include "lib/spinlock.h"
#include "lib/types.h"
#include "mm/block_lists.h"
#include "mm/frame.h"

enum zone_id { ZONE_DMA32, ZONE_NORMAL, ZONES };

struct zone {
	spinlock_t lock; /* interrupts off; guards `lists` and the descriptors of free blocks */
	struct block_lists lists;
} __cacheline;

extern struct zone zones[ZONES];
extern pfn_t frame_array_length;
extern size_t frame_usable, frame_managed; /* frames: in the map; handed to the lists so far */
extern size_t frame_reserve;               /* frames that only the kernel may take */

static inline struct zone *zone_of(pfn_t pfn)
{
	return &zones[pfn >= (4 * GIB) >> PAGE_SHIFT ? ZONE_NORMAL : ZONE_DMA32];
}

/* Takes small blocks before large ones until there are `wanted` frames or none left, and writes
 * their numbers so that from the last one to the first they are in the order in which they were
 * taken: blocks that were split from a larger one are then contiguous.  Returns how many.  Lock
 * held. */
size_t buddy_take_singles_locked(struct zone *zone, u32 *pfns, size_t wanted);
/* Takes `blocks` largest blocks that lie one behind the other; the first frame, or 0.  Lock held.
 */
pfn_t __must_check buddy_take_run_locked(struct zone *zone, size_t blocks);
/* Tells the zones where the frame array is; before anything is given. */
void zones_init(void);

/* Frees a range of frames, which lies in the zone, as the largest blocks possible.  Lock held. */
void buddy_give_range_locked(struct zone *zone, pfn_t start, pfn_t end);
/* The same wherever the range lies. */
void buddy_give_range(pfn_t start, pfn_t end);

/* 2^order frames of a kind; every frame's kind and order are set when kind is FRAME_SLAB. */
phys_t frames_alloc_kind(u32 order, enum frame_kind kind);

/* Notes on this CPU that so many more frames (fewer, if negative) are of a kind.  Interrupts off.
 */
void frame_account(enum frame_kind kind, s64 frames);

/* Lets the reclaimer free what it can at once; false when that is nothing.  Any context. */
bool frame_reclaim(void);

/* Frames on the lists, without the CPUs' stocks. */
static inline size_t zones_free(void)
{
	return READ_ONCE(zones[ZONE_DMA32].lists.free) + READ_ONCE(zones[ZONE_NORMAL].lists.free);
}

#endif
