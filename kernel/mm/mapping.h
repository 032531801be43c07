/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which regions map a file: the way back from a page cache to page tables; for mm's own files.
 *
 * A page cache lists the regions that map it.  The list, and the bounds and offsets of the regions
 * on it, change under the cache's mappings_lock (a sleeping lock, inside of map locks).  All
 * functions do nothing for regions without a file.
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

void mapping_add_locked(struct region *region);
void mapping_remove_locked(struct region *region);
void mapping_add(struct region *region);
void mapping_remove(struct region *region);
/* The flags of a region on the list are about to become `flags`: counts writable mappings. */
void mapping_flags_change(struct region *region, u32 flags);

/* Unmaps pages [first, last] of the file from every region that maps them; `what` says whether the
 * copies that programs have made of them go, too. */
void mapping_unmap_range(struct page_cache *cache, u64 first, u64 last, enum zap_what what);

#endif
