/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of reclaim: whose turn it is (reclaim.c, reclaim_cache.c), entries of spaces
 * (reclaim_region.c), pages of files (pagecache_reclaim.c), and who waits (reclaim_wait.c). */
#ifndef MM_RECLAIM_INTERNAL_H
#define MM_RECLAIM_INTERNAL_H

#include "mm/frame.h"
#include "mm/reclaim.h"

/* Of the round that is under way; the mutex of rounds. */
extern u32 reclaim_pass;

enum reclaim_event {
	RECLAIM_SCANNED,
	RECLAIM_STOLEN,
	RECLAIM_SCANNED_FILES,
	RECLAIM_STOLEN_FILES,
	RECLAIM_LAZY,
	RECLAIM_FORGOTTEN,
	RECLAIM_ROUNDS,
	RECLAIM_WAITS,
	RECLAIM_EVENTS
};
void reclaim_note(enum reclaim_event event, size_t count);

enum { RECLAIM_ANY_NODE = UINT32_MAX };

/* What a round still wants; the one who works on it changes it. */
struct reclaim_round {
	size_t left[RECLAIM_KINDS]; /* pages to take */
	u32 node;                   /* whose frames, or RECLAIM_ANY_NODE */
	bool pressing;              /* unused pages go, whatever their generation */
};

/* How pages of caches are taken. */
enum reclaim_flags {
	RECLAIM_ASK = 1 << 0, /* those that were used since the last visit stay */
	RECLAIM_CLEAN =
		1 << 1, /* dirty ones are written, to go then; wants that no map lock is held */
};

static inline bool round_wants_frame(const struct reclaim_round *round, phys_t frame)
{
	return round->node == RECLAIM_ANY_NODE || frame_node_of(frame) == round->node;
}

static inline void round_took(struct reclaim_round *round, enum reclaim_kind kind, size_t pages)
{
	round->left[kind] -= MIN(round->left[kind], pages);
}

/* Visits pages of caches, as many as the round wants of each kind, or twice all of them.  Returns
 * how many frames became free.  The mutex of rounds is held. */
size_t reclaim_caches(struct reclaim_round *round, enum reclaim_flags flags);

/* reclaim_region for a round, which says how much: stops when it wants no more of either kind. */
struct address_space;
struct region;
size_t reclaim_region_round(struct address_space *space, const struct region *region, vaddr_t *at,
			    struct reclaim_round *round);

/* Is there room for anonymous pages? */
bool reclaim_has_swap(void);

#endif
