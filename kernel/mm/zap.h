/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dropping page-table entries, in batches: entries first, then one flush, then what they named; for
 * mm's own files.
 */
#ifndef MM_ZAP_H
#define MM_ZAP_H

#include "mm/region.h"
#include "mm/tree.h"

enum { GATHER_FRAMES = 120, GATHER_NODES = 8 };

/* What entries named that are gone but which a TLB may still know.  Lives on the stack of its user.
 */
struct gather {
	struct address_space *space;
	bool family;        /* what shared leaves lost: the whole family is flushed */
	bool keep_watches;  /* an entry with PAGE_WATCHED becomes a watch instead of empty */
	vaddr_t start, end; /* what has to be flushed; empty when start >= end */
	u32 count, node_count;
	phys_t frames[GATHER_FRAMES];
	struct node *nodes[GATHER_NODES];
};

static inline void gather_begin(struct gather *gather, struct address_space *space)
{
	gather->space = space;
	gather->family = false;
	gather->keep_watches = false;
	gather->start = UINTPTR_MAX;
	gather->end = 0;
	gather->count = 0;
	gather->node_count = 0;
}

/* Translations of [start, end) have been changed: flush them. */
static inline void gather_range(struct gather *gather, vaddr_t start, vaddr_t end)
{
	gather->start = MIN(gather->start, start);
	gather->end = MAX(gather->end, end);
}

/*
 * Flushes, then drops.  Interrupts on; the lock of a ring not held, other spin locks may be.
 */
void gather_finish(struct gather *gather);

/* A reference to drop after the flush. */
static inline void gather_frame(struct gather *gather, phys_t frame)
{
	if (unlikely(gather->count == GATHER_FRAMES))
		gather_finish(gather);
	gather->frames[gather->count++] = frame;
}

/* A link to drop after the flush. */
static inline void gather_node(struct gather *gather, struct node *node)
{
	if (unlikely(gather->node_count == GATHER_NODES))
		gather_finish(gather);
	gather->nodes[gather->node_count++] = node;
}

/* Flushes [start, end) of a space on every CPU that may have it in its TLB. */
void space_flush(struct address_space *space, vaddr_t start, vaddr_t end);
/* The same when tables on the way go, not entries alone. */
void space_flush_tables(struct address_space *space, vaddr_t start, vaddr_t end);

enum zap_what {
	ZAP_ALL,
	ZAP_FILE_PAGES,    /* leave anonymous pages, copies that a program has made */
	ZAP_WATCHED_PAGES, /* the same; and what is write-protected stays so */
};

/*
 * Revokes the entries of [start, end) in the leaves of a space, for all who share these; flushes
 * the family; drops.  Map lock held.
 */
void zap_revoke(struct address_space *space, vaddr_t start, vaddr_t end, enum zap_what what);

/*
 * Drops the entries of [start, end) in this space alone; flushes; frees.  With `keep_watches`
 * write-protected pages leave a watch.  Map lock held, for reading or writing.  0; -ENOMEM: what others share could not be copied, and some entries are
 * still there.
 */
int __must_check zap_own(struct address_space *space, vaddr_t start, vaddr_t end,
			 bool keep_watches);

/*
 * The same with the map lock held for writing, when no region is left in [floor, ceiling), which
 * contains [start, end): whole nodes within go, with all that is below.  After tree_isolate of
 * [start, end) this cannot fail.
 */
void zap_nodes(struct address_space *space, vaddr_t start, vaddr_t end, vaddr_t floor,
	       vaddr_t ceiling);

/*
 * Takes one entry that is not empty out of a leaf, which is locked, and its ring if it has one;
 * what it named goes with the gather, which has room.  The caller notes the range.
 */
void zap_entry(struct node *leaf, pte_t *slot, pte_t entry, bool ring, struct gather *gather);

/* How a file's pages count in a region's space. */
static inline enum resident_kind region_file_kind(const struct region *region)
{
	struct page_cache *cache = region_cache(region);

	return cache != NULL && cache->shared_memory ? RESIDENT_SHARED : RESIDENT_FILE;
}

#endif
