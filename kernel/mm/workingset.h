/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages deserve their frames: generations and refault distances; for mm's own files.
 *
 * Generations.  Reclaim comes by each page once a pass, and finds that it was used since the last
 * time or that it was not.  A page's *generation* (in its frame's descriptor) is how often on end
 * it was found used, at most GENERATION_MOST.  A page that is found unused loses a generation, or,
 * when it has only the one that any page gets for being touched at all, its frame.  So a page that
 * was used once goes at the next visit, and one in steady use outlives a burst of such pages.
 *
 * Refault distance.  A page that comes back soon after it was evicted should not have been.  How
 * soon?  A clock counts evictions; those between a page's eviction and its return are its refault
 * distance: with so many frames more it would have stayed.  When that is no more than the pages
 * found in use in the last pass, it competes with those, which may have been kept for less: it
 * comes back *activated*, in a generation of its own.  (Denning, "The working set model for program
 * behavior", 1968; Jiang and Zhang, "CLOCK-Pro", 2005.)
 *
 * The clock's reading at each eviction is kept in a table of half as many places as memory has
 * frames, not in page tables or caches: what has been gone for longer is of no interest, so that
 * the cost is bounded whatever programs do.  A page's key is hashed to a set of places; the oldest
 * of a set is overwritten.  Two pages may be taken for one another, once in some millions of times.
 *
 * Cost.  Refaults of anonymous pages and of files' are counted, and halved now and then; whichever
 * costs less is reclaimed more (workingset_cost).
 *
 * Everything here may be called with spin locks held, and does not sleep.
 */
#ifndef MM_WORKINGSET_H
#define MM_WORKINGSET_H

#include "mm/frame.h"
#include "mm/reclaim.h"

enum { GENERATION_ACTIVE = 2, GENERATION_MOST = 3 };

/* Boot CPU, once, after heap_init.  Panics when there is no memory. */
void workingset_init(void);

/* Who goes round, each with passes of its own: over page tables, and over pages of caches. */
enum workingset_hand { HAND_SPACES, HAND_CACHES, HANDS };

/*
 * A hand visits a page that was used since the last visit, or was not.  May it be taken?
 * `pressing`: memory is so short that generations do not count.
 */
static inline bool generation_visit(struct frame *frame, bool used, bool pressing)
{
	if (used && frame->generation < GENERATION_MOST)
		frame->generation++;
	if (used)
		return false;
	if (frame->generation < GENERATION_ACTIVE || pressing)
		return true;
	frame->generation--;
	return false;
}

/* A hand found so many pages in use; it has come round. */
void workingset_used(enum workingset_hand hand, size_t pages);
void workingset_pass(enum workingset_hand hand);

/* Keys: of an anonymous page its swap slot, of a file's its cache and index. */
static inline u64 workingset_file_key(const void *cache, u64 index)
{
	return (u64)(uintptr_t)cache ^ index << 48 ^ index * 0x9e3779b97f4a7c15u;
}

/* A page leaves memory; it is back, in this frame, which is activated if that was early. */
void workingset_evicted(enum reclaim_kind kind, u64 key);
void workingset_refaulted(enum reclaim_kind kind, u64 key, phys_t frame);

/* How much refaults of each kind have cost of late. */
void workingset_cost(u64 cost[RECLAIM_KINDS]);

#endif
