/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of regions that map a file, and unmapping a part of the file from all of them; see
 * mapping.h.
 */
#include "mm/mapping.h"

#include "mm/family.h"
#include "mm/space.h"

static bool counts_as_writable(u32 flags)
{
	return (flags & (REGION_SHARED | REGION_MAY_WRITE)) == (REGION_SHARED | REGION_MAY_WRITE);
}

/* Behind a link of the list. */
static void add_behind(struct region *region, struct list_head *link, u64 pass)
{
	struct backing *backing = region->backing;

	region->pass = pass;
	list_add(&region->mapping, link);
	if (backing->ops->mapped != NULL)
		backing->ops->mapped(backing, 1);
	if (counts_as_writable(region->flags))
		__atomic_fetch_add(&backing->cache->writable_mappings, 1, __ATOMIC_RELAXED);
}

void mapping_add_new(struct region *region)
{
	struct page_cache *cache = region_cache(region);

	if (cache == NULL)
		return;
	mutex_lock(&cache->mappings_lock);
	add_behind(region, cache->mappings.prev, cache->pass);
	mutex_unlock(&cache->mappings_lock);
}

void mapping_add(struct region *region, struct region *like)
{
	mapping_lock(region);
	if (region->backing != NULL)
		add_behind(region, &like->mapping, like->pass);
	mapping_unlock(region);
}

void mapping_add_unvisited(struct region *region)
{
	mapping_lock(region);
	if (region->backing != NULL)
		add_behind(region, &region->backing->cache->mappings, 0);
	mapping_unlock(region);
}

void mapping_remove(struct region *region)
{
	struct backing *backing = region->backing;

	if (backing == NULL)
		return;
	mutex_lock(&backing->cache->mappings_lock);
	list_remove(&region->mapping);
	if (backing->ops->mapped != NULL)
		backing->ops->mapped(backing, -1);
	if (counts_as_writable(region->flags))
		__atomic_fetch_sub(&backing->cache->writable_mappings, 1, __ATOMIC_RELAXED);
	mutex_unlock(&backing->cache->mappings_lock);
}

void mapping_flags_change(struct region *region, u32 flags)
{
	int change = counts_as_writable(flags) - counts_as_writable(region->flags);

	if (region->backing != NULL && change != 0)
		__atomic_fetch_add(&region->backing->cache->writable_mappings, (u32)change,
				   __ATOMIC_RELAXED);
}

void mapping_revisit_locked(struct region *region)
{
	if (region->backing == NULL)
		return;
	region->pass = 0;
	list_move(&region->mapping, &region->backing->cache->mappings);
}

void mapping_inherit(struct region *region, const struct region *other)
{
	mapping_lock(region);
	if (other->pass != region->pass)
		mapping_revisit_locked(region);
	mapping_unlock(region);
}

/* --- Unmapping --- */

/* Where a region was when it was found, and what is to go from there. */
struct visit {
	struct page_cache *cache;
	u64 first, last; /* pages of the file */
	enum zap_what what;
	struct family *family; /* a reference */
	vaddr_t start, end;
};

/* Unmaps what a region shows of the pages at the place of the visit. */
static void visit_region(const struct visit *visit, struct address_space *space,
			 const struct region *region)
{
	u64 base = region->offset >> PAGE_SHIFT;
	u64 pages = region_pages(region);

	if (visit->last < base || visit->first >= base + pages)
		return;
	u64 from = MAX(visit->first, base) - base;
	u64 to = MIN(visit->last, base + pages - 1) - base + 1;
	vaddr_t start = MAX(region->start + (from << PAGE_SHIFT), visit->start);
	vaddr_t end = MIN(region->start + (to << PAGE_SHIFT), visit->end);
	bool keeps = visit->what == ZAP_FILE_PAGES && region_keeps_watches(region);
	if (start < end)
		zap_revoke(space, start, end, keeps ? ZAP_WATCHED_PAGES : visit->what);
}

static void visit_space(const struct visit *visit, struct address_space *space)
{
	struct region *region;

	rwlock_read_lock(&space->map_lock);
	region = region_tree_find(&space->regions, visit->start);
	for (; region != NULL && region->start < visit->end; region = region_next(space, region))
		if (region_cache(region) == visit->cache)
			visit_region(visit, space, region);
	rwlock_read_unlock(&space->map_lock);
}

static void visit_family(const struct visit *visit)
{
	struct address_space *space = family_next(visit->family, NULL);

	while (space != NULL) {
		struct address_space *next;
		visit_space(visit, space);
		next = family_next(visit->family, space);
		vmm_put_address_space(space);
		space = next;
	}
}

/* The next region of this pass that shows some of the pages.  mappings_lock held. */
static bool find_next(struct visit *visit)
{
	struct page_cache *cache = visit->cache;

	while (!list_empty(&cache->mappings)) {
		struct region *region = container_of(cache->mappings.next, struct region, mapping);
		u64 base = region->offset >> PAGE_SHIFT;
		if (region->pass == cache->pass)
			break;
		region->pass = cache->pass;
		list_remove(&region->mapping);
		list_add_tail(&region->mapping, &cache->mappings);
		if (visit->last < base || visit->first >= base + region_pages(region))
			continue;
		visit->start = region->start;
		visit->end = region->end;
		/* A space that has the region is a member. */
		visit->family = family_get(region->family);
		return true;
	}
	return false;
}

void mapping_unmap_range(struct page_cache *cache, u64 first, u64 last, enum zap_what what)
{
	struct visit visit = {.cache = cache, .first = first, .last = last, .what = what};

	mutex_lock(&cache->unmap_lock);
	mutex_lock(&cache->mappings_lock);
	cache->pass++;
	while (find_next(&visit)) {
		mutex_unlock(&cache->mappings_lock);
		visit_family(&visit);
		family_put(visit.family);
		mutex_lock(&cache->mappings_lock);
	}
	mutex_unlock(&cache->mappings_lock);
	mutex_unlock(&cache->unmap_lock);
}
