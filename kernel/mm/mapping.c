/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of regions that map a file, and unmapping a part of the file from all of them; see
 * mapping.h.
 *
 * The walk holds no map lock.  The regions' tables cannot go while mappings_lock is held, because
 * unmapping takes a region off the list before it frees tables.
 */
#include "mm/mapping.h"

static bool counts_as_writable(u32 flags)
{
	return (flags & (REGION_SHARED | REGION_MAY_WRITE)) == (REGION_SHARED | REGION_MAY_WRITE);
}

void mapping_add_locked(struct region *region)
{
	if (region->backing == NULL)
		return;
	struct page_cache *cache = region->backing->cache;
	list_add_tail(&region->mapping, &cache->mappings);
	if (region->backing->ops->mapped != NULL)
		region->backing->ops->mapped(region->backing, 1);
	if (counts_as_writable(region->flags))
		__atomic_fetch_add(&cache->writable_mappings, 1, __ATOMIC_RELAXED);
}

void mapping_remove_locked(struct region *region)
{
	if (region->backing == NULL)
		return;
	list_remove(&region->mapping);
	if (region->backing->ops->mapped != NULL)
		region->backing->ops->mapped(region->backing, -1);
	if (counts_as_writable(region->flags))
		__atomic_fetch_sub(&region->backing->cache->writable_mappings, 1, __ATOMIC_RELAXED);
}

void mapping_add(struct region *region)
{
	mapping_lock(region);
	mapping_add_locked(region);
	mapping_unlock(region);
}

void mapping_remove(struct region *region)
{
	mapping_lock(region);
	mapping_remove_locked(region);
	mapping_unlock(region);
}

void mapping_flags_change(struct region *region, u32 flags)
{
	int change = counts_as_writable(flags) - counts_as_writable(region->flags);

	if (region->backing != NULL && change != 0)
		__atomic_fetch_add(&region->backing->cache->writable_mappings, (u32)change,
				   __ATOMIC_RELAXED);
}

void mapping_unmap_range(struct page_cache *cache, u64 first, u64 last, enum zap_what what)
{
	struct region *region;

	mutex_lock(&cache->mappings_lock);
	list_for_each_entry (region, &cache->mappings, mapping) {
		u64 base = region->offset >> PAGE_SHIFT;
		u64 pages = region_pages(region);
		if (last < base || first >= base + pages)
			continue;
		vaddr_t start = region->start + ((MAX(first, base) - base) << PAGE_SHIFT);
		vaddr_t end =
			region->start + ((MIN(last, base + pages - 1) - base + 1) << PAGE_SHIFT);
		zap_revoke(region->space, start, end, what);
	}
	mutex_unlock(&cache->mappings_lock);
}
