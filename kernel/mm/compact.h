/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction: making groups of 2 MiB free by moving the pages in them.
 *
 * A thread does it (proc's, which runs compact_work) when a block was not to be had, and when free
 * memory is scattered more than is wished; who needs blocks and may sleep can ask for them
 * (compact_for); and memory that is to be removed is emptied first (compact_vacate).
 */
#ifndef MM_COMPACT_H
#define MM_COMPACT_H

#include "lib/types.h"

/* Makes as many groups free as there can be.  Returns how many became so.  May sleep; no lock is
 * held. */
size_t compact_all(void);

/* Tries to make a free block of this order, if there is memory enough for it; says whether there is
 * one now.  May sleep; no lock is held. */
bool __must_check compact_for(u32 order);
/* The thread should do so, for those who come later.  Any context. */
void compact_wish(u32 order);

/*
 * Moves what can be moved out of the groups of [start, end), bytes, and keeps them isolated, so
 * that frame_remove_memory finds them free, until compact_vacate_end of the same range; nobody
 * compacts in between.  May sleep; no lock is held.
 */
void compact_vacate(phys_t start, phys_t end);
void compact_vacate_end(phys_t start, phys_t end);

/* What the thread does for ever: waits until it is needed, then works.  May sleep. */
void compact_work(void);

/* As in /proc/sys/vm; single loads and stores. */
struct compact_settings {
	u32 proactiveness; /* 0 to 100: how eagerly free memory is brought together unasked */
	u32 threshold;     /* 0 to 1000: a block that is missing is looked for in this way only if
			      fragmentation is the cause more than so (extfrag_threshold) */
};
extern struct compact_settings compact_settings;

/*
 * Why is there no block of an order?  Between 0, for want of memory, and 1000, for it is scattered;
 * -1000: there is one.  `counts`: free blocks of each order (Gorman and Healy, "Performance
 * characteristics of explicit superpage support", 2010: fragmentation index).
 */
int compact_fragmentation_index(const size_t *counts, u32 order);

struct compact_stats {
	u64 scanned;                  /* frames of groups that were to become free */
	u64 isolated;                 /* pages of those that were tried to move */
	u64 freed;                    /* groups */
	u64 asked, succeeded, failed; /* compact_for */
	u64 wakes, daemon_scanned;    /* the thread */
};
void compact_get_stats(struct compact_stats *stats);

#endif
