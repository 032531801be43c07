/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dropping page-table entries, in batches: entries first, then one flush, then the frames; for mm's
 * own files.
 */
#ifndef MM_ZAP_H
#define MM_ZAP_H

#include "mm/region.h"
#include "mm/tree.h"

enum { GATHER_LIMIT = 126 };

/* Frames whose entries are gone but which a TLB may still know.  Lives on the stack of its user. */
struct gather {
	struct address_space *space;
	vaddr_t start, end; /* what has to be flushed; empty when start >= end */
	u32 count;
	phys_t frames[GATHER_LIMIT];
};

static inline void gather_begin(struct gather *gather, struct address_space *space)
{
	gather->space = space;
	gather->start = UINTPTR_MAX;
	gather->end = 0;
	gather->count = 0;
}

/* The entry of this page has been changed: flush it. */
static inline void gather_page(struct gather *gather, vaddr_t address)
{
	gather->start = MIN(gather->start, address);
	gather->end = MAX(gather->end, address + PAGE_SIZE);
}

/*
 * Flushes and frees.  Interrupts on.  Table locks may be held.
 */
void gather_finish(struct gather *gather);

/* A reference to drop after the flush. */
static inline void gather_frame(struct gather *gather, phys_t frame)
{
	if (unlikely(gather->count == GATHER_LIMIT))
		gather_finish(gather);
	gather->frames[gather->count++] = frame;
}

/* Flushes [start, end) of a space on every CPU that may have it in its TLB. */
void space_flush(struct address_space *space, vaddr_t start, vaddr_t end);

enum zap_what {
	ZAP_ALL,
	ZAP_FILE_PAGES /* leave anonymous pages, copies that a program has made */
};

/*
 * Drops the entries of [start, end), which lies in the region; flushes; frees.  Map lock held, or
 * the cache's mappings_lock.
 */
void zap_range(struct region *region, vaddr_t start, vaddr_t end, enum zap_what what);

/* Adds to the space's resident counts. */
static inline void space_add_resident(struct address_space *space, enum resident_kind kind,
				      s64 pages)
{
	__atomic_fetch_add(&space->resident[kind], pages, __ATOMIC_RELAXED);
}

/* How a file's pages count in a region's space. */
static inline enum resident_kind region_file_kind(const struct region *region)
{
	struct page_cache *cache = region_cache(region);

	return cache != NULL && cache->shared_memory ? RESIDENT_SHARED : RESIDENT_FILE;
}

#endif
