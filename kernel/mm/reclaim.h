/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page replacement: taking from programs, for others, the pages that they have not used lately.
 *
 * Reclaim goes round all address spaces, leaf by leaf, like the hand of a clock: an entry that has
 * been used since the hand came by loses its mark (PAGE_ACCESSED), any other its page, unless that
 * has earned to stay (workingset.h).  Another hand goes round the pages of files that no program
 * maps. Anonymous pages go to swap space (swap.h), and so do those of files that live in memory
 * alone (tmpfs, shared memory); pages of other files are dropped, when they have been written.
 * Memory that is locked stays, and so does, for the time being, that of a space whose map is being
 * changed.
 *
 * A thread for each node does it (proc's, which runs reclaim_work); it wakes when the node's memory
 * falls below the lower watermark, and rests when it is above the upper one again.  Whoever finds
 * no memory at all waits for a round.
 *
 * Locks: a space's map lock is only tried for reading; the tree's locks as in tree.h.  Pages are
 * stored with the map lock held, but no spin lock.
 */
#ifndef MM_RECLAIM_H
#define MM_RECLAIM_H

#include "lib/types.h"

struct address_space;
struct region;

/* What pages are when they are out of memory: in swap space, or in the file that they came from. */
enum reclaim_kind { RECLAIM_ANONYMOUS, RECLAIM_FILE, RECLAIM_KINDS };

/* --- By mm's own files --- */

/* Spaces enter the round when they are made, and leave it before their tables go. */
void reclaim_add_space(struct address_space *space);
void reclaim_remove_space(struct address_space *space);

enum reclaim_how {
	RECLAIM_UNUSED,  /* what has not been used since the last visit; the rest loses its mark */
	RECLAIM_ALL,     /* MADV_PAGEOUT: all that is not shared */
	RECLAIM_UNSHARE, /* all, also what is shared */
	RECLAIM_COLD,    /* MADV_COLD: nothing; all loses its mark */
};

/* Within [*at, end) of one region of a space, whose map lock is held; stops after `target` frames,
 * and moves *at to where it stopped.  Returns how many pages were stored or dropped.  May sleep. */
size_t reclaim_region(struct address_space *space, const struct region *region, vaddr_t *at,
		      vaddr_t end, enum reclaim_how how, size_t target);

/* MADV_FREE: reclaim may forget the pages of [start, end) that are the space's own, instead of
 * storing them, unless they are written meanwhile; what is in swap space is forgotten now.  Map
 * lock held. */
void reclaim_give_up(struct address_space *space, vaddr_t start, vaddr_t end);

/* MADV_WILLNEED: brings pages of [start, end) of a region to memory, but does not map them, while
 * there is enough memory.  Map lock held; may sleep. */
void reclaim_bring_ahead(struct address_space *space, const struct region *region, vaddr_t start,
			 vaddr_t end);

/* There was no memory: waits for a round of reclaim, or makes one if no thread does.  Did it find
 * anything?  May sleep. */
bool __must_check reclaim_wait(void);

/* --- By others --- */

/* One round: tries to free `target` frames, of one node; returns how many it did.  May sleep. */
size_t reclaim_run(size_t target);
size_t reclaim_run_node(size_t target, u32 node);

/*
 * `shrinker` gives back what the file systems keep of names and the like, in the proportion in
 * which `part` pages are taken of `whole`; it may sleep, and must not wait for memory.  Once, at
 * start-up.
 */
void reclaim_set_shrinker(void (*shrinker)(size_t part, size_t whole));

/* Lets go of all pages of files that nobody maps or uses just now, and that are clean.  Returns how
 * many.  May sleep. */
size_t reclaim_drop_caches(void);

/* What the thread of a node does for ever: waits until it is needed, then works.  From node 0's
 * first call on others rely on it.  May sleep. */
void reclaim_work(u32 node);

struct reclaim_stats {
	u64 scanned, stolen; /* entries looked at that were not used lately; pages taken */
	u64 scanned_files, stolen_files; /* the same of files */
	u64 lazy, forgotten; /* pages that were given up by MADV_FREE; those of them that went */
	u64 rounds, waits;
};
void reclaim_get_stats(struct reclaim_stats *stats);

/* Of pages that came back: those that went not long ago, and those of them that were found to
 * deserve their place (workingset.h). */
struct workingset_stats {
	u64 refaults[RECLAIM_KINDS], activated[RECLAIM_KINDS];
};
void workingset_get_stats(struct workingset_stats *stats);

#endif
