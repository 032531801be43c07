/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which regions map a file: the way back from a page cache to page tables; for mm's own files.
 *
 * A page cache lists the regions that map it, each once, however many spaces have it.  The list,
 * and the bounds and offsets of the regions on it, change under the cache's mappings_lock (a
 * sleeping lock, inside of map locks).
 *
 * Unmapping (truncation) needs map locks, so it cannot hold the mappings_lock all the way.  It goes
 * through the list in *passes*, of which there is one at a time, under the cache's unmap_lock
 * (outside of map locks): the regions that it has not come by yet are at the front, and their `pass`
 * is not the cache's.  For each it drops the lock, and looks in each space of the region's family
 * what there is at the region's place by now.  So whatever becomes of a region at its place
 * meanwhile is found; and
 *	- another object for a place, or for a piece of it, goes behind the original, with its pass;
 *	- one that will grow over another's place is to be visited, if the other is, before that
 *	  leaves the list, and in any case again when it has grown: a visit may have begun in
 *	  between, which knows its old bounds, and waits for the map lock;
 *	- one that gets pages from another place (mremap) is to be visited, from before the other
 *	  place leaves the list;
 *	- one for a new mapping has no pages yet, and counts as visited;
 *	- a child joins the family as its last member, with its parent's map lock held, so it is
 *	  visited, or its parent was before it forked.
 *
 * All functions do nothing for regions without a file.
 */
#ifndef MM_MAPPING_H
#define MM_MAPPING_H

#include "mm/region.h"
#include "mm/zap.h"

static inline void mapping_lock(struct region *region)
{
	if (region->backing != NULL)
		mutex_lock(&region->backing->cache->mappings_lock);
}

static inline void mapping_unlock(struct region *region)
{
	if (region->backing != NULL)
		mutex_unlock(&region->backing->cache->mappings_lock);
}

/* Lists an object for a new mapping; or for the place, or a piece, of a region that is listed; or
 * for one that is more than it, or somewhere else. */
void mapping_add_new(struct region *region);
void mapping_add(struct region *region, struct region *like);
void mapping_add_unvisited(struct region *region);
void mapping_remove(struct region *region);
/* The flags of a region on the list are about to become `flags`: counts writable mappings. */
void mapping_flags_change(struct region *region, u32 flags);
/* `region` will grow over the place of `other`, of the same file. */
void mapping_inherit(struct region *region, const struct region *other);
/* And has.  mapping_lock held. */
void mapping_revisit_locked(struct region *region);

/*
 * Unmaps pages [first, last] of the file from every region that maps them; `what` says whether the
 * copies that programs have made of them go, too.  Takes map locks: the caller holds none, and no
 * lock of the cache.
 */
void mapping_unmap_range(struct page_cache *cache, u64 first, u64 last, enum zap_what what);

#endif
