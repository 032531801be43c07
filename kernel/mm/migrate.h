/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving pages of programs to other frames: to another node, or out of a group of 2 MiB that shall
 * become free.
 *
 * Who moves pages says for each frame whether it should go, and where to.  Anonymous pages are
 * found in the page tables and move there: all entries that name the frame change together
 * (migrate.c). Pages of files are found through their page cache (migrate_file.c).  A frame stays
 * when anybody but page tables and page cache has a reference to it: swap, a pipe, a device, a
 * system call just now.
 */
#ifndef MM_MIGRATE_H
#define MM_MIGRATE_H

#include "mm/region.h"

struct migration {
	/* Should this frame move?  Then *to says where.  `page` is its address, 0 where that is
	 * not known.  Called with spin locks held. */
	bool (*wanted)(struct migration *migration, phys_t frame, vaddr_t page,
		       struct frame_placement *to);
	bool shared;              /* pages that several processes have move, too */
	size_t moved;             /* what has become of those that should: */
	size_t left_shared;       /* stayed, as others have them and `shared` is not set */
	size_t left_busy;         /* stayed, as somebody uses them just now */
	size_t left_without_room; /* stayed for want of a frame */
};

static inline size_t migration_left(const struct migration *migration)
{
	return migration->left_shared + migration->left_busy + migration->left_without_room;
}

/*
 * Moves the anonymous pages of [*at, end), which lies in one region, of a space whose map lock is
 * held; *at moves to where it stopped, as the lock should not be held too long.  Does not sleep,
 * but waits for other CPUs: interrupts on, no spin lock held.
 */
void migrate_anonymous(struct address_space *space, const struct region *region, vaddr_t *at,
		       vaddr_t end, struct migration *migration);

/*
 * Moves pages [first, last] of a file, where they are in memory.  `base` is the address of the
 * first, or 0; `last` is less than UINT64_MAX.  The caller keeps the cache from going, and holds no
 * lock.  May sleep.
 */
void migrate_file(struct page_cache *cache, u64 first, u64 last, vaddr_t base,
		  struct migration *migration);

/*
 * Moves the pages of [start, end) of a space, of whatever kind.  No lock is held; may sleep.
 */
void migrate_range(struct address_space *space, vaddr_t start, vaddr_t end,
		   struct migration *migration);

/* Counters since start-up, of all movers. */
struct migrate_stats {
	u64 moved, left;
};
void migrate_get_stats(struct migrate_stats *stats);

/* Adds to the counters. */
void migrate_note(size_t moved, size_t left);

#endif
