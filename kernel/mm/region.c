/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions as objects, finding them, and what a space counts of them; see region.h.  Changing the
 * map is region_change.c.
 */
#include "mm/region.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/mapping.h"
#include "mm/region_internal.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/userfault.h"

static slab_cache_t *region_slab; /* set once */

static void get(struct region *region)
{
	__atomic_fetch_add(&region->refs, 1, __ATOMIC_RELAXED);
}

static void put(struct region *region)
{
	if (__atomic_fetch_sub(&region->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (region->backing != NULL) {
		mapping_remove(region);
		region->backing->ops->put(region->backing);
	}
	userfault_put(region->userfault);
	slab_free(region_slab, region);
}

void regions_init(void)
{
	region_slab = slab_cache_create("region", sizeof(struct region), 0, NULL, NULL);
	if (region_slab == NULL)
		panic("no memory for regions");
	region_tree_setup(get, put);
}

struct region *region_alloc(void)
{
	return slab_alloc(region_slab);
}

void region_free_unused(struct region *region)
{
	slab_free(region_slab, region);
}

/* --- Looking --- */

static __noinline struct region *search(struct address_space *space, vaddr_t address)
{
	struct region *found = region_tree_find(&space->regions, address);

	if (found != NULL)
		WRITE_ONCE(space->hint, found);
	return found;
}

struct region *region_find_first(struct address_space *space, vaddr_t address)
{
	struct region *hint = READ_ONCE(space->hint);

	if (hint != NULL && hint->start <= address && address < hint->end)
		return hint;
	return search(space, address);
}

struct region *region_find(struct address_space *space, vaddr_t address)
{
	struct region *region = region_find_first(space, address);

	return region != NULL && region->start <= address ? region : NULL;
}

/* --- Counts --- */

/* Does a child not get the region as it is? */
static bool matters_to_fork(const struct backing *backing, u32 flags)
{
	return (flags & (REGION_NO_FORK | REGION_WIPE_ON_FORK | REGION_LOCKED | REGION_WATCH)) ||
	       (backing != NULL && backing->ops->mapped != NULL);
}

/* The stack, data or code, or NULL: what the program may do decides. */
static size_t *use_of(struct address_space *space, u32 flags)
{
	if (flags & REGION_GROWS_DOWN)
		return &space->stack_pages;
	if ((flags & (REGION_WRITE | REGION_SHARED)) == REGION_WRITE)
		return &space->data_pages;
	if ((flags & (REGION_EXECUTE | REGION_WRITE)) == REGION_EXECUTE)
		return &space->code_pages;
	return NULL;
}

void region_count(struct address_space *space, const struct backing *backing, u32 flags, s64 pages)
{
	size_t *use = use_of(space, flags);

	space->total_pages += (size_t)pages;
	if (use != NULL)
		*use += (size_t)pages;
	if (flags & REGION_SHARED)
		space->shared_pages += (size_t)pages;
	if (flags & REGION_LOCKED)
		space->locked_pages += (size_t)pages;
	if (flags & REGION_HUGETLB)
		space->hugetlb_pages += (size_t)pages;
	if (matters_to_fork(backing, flags))
		space->fork_pages += (size_t)pages;
	if (region_is_committed(flags)) {
		space->committed_pages += (size_t)pages;
		commit_account(pages);
	}
}

void region_recount(struct address_space *space, const struct backing *backing, u32 old, u32 flags,
		    s64 pages)
{
	if ((old ^ flags) & ~(u32)REGION_ACCESS) {
		region_count(space, backing, old, -pages);
		region_count(space, backing, flags, pages);
		return;
	}
	size_t *before = use_of(space, old), *after = use_of(space, flags);
	s64 promised = region_is_committed(flags) - region_is_committed(old);
	if (before != NULL)
		*before -= (size_t)pages;
	if (after != NULL)
		*after += (size_t)pages;
	if (promised != 0) {
		space->committed_pages += (size_t)(promised * pages);
		commit_account(promised * pages);
	}
}

int region_check_limits(struct address_space *space, size_t pages, u32 flags)
{
	const struct vm_limits *limits = &space->limits;
	bool data = (flags & (REGION_WRITE | REGION_SHARED | REGION_GROWS_DOWN)) == REGION_WRITE;

	if (limits->address_space != VM_UNLIMITED &&
	    space->total_pages + pages > limits->address_space >> PAGE_SHIFT)
		return -ENOMEM;
	if (data && limits->data != VM_UNLIMITED &&
	    space->data_pages + pages > limits->data >> PAGE_SHIFT)
		return -ENOMEM;
	return region_is_committed(flags) ? commit_check(space, pages) : 0;
}

/* --- fork and the end --- */

void region_map_share(struct address_space *child, const struct address_space *parent)
{
	region_tree_share(&child->regions, &parent->regions);
	child->total_pages = parent->total_pages;
	child->stack_pages = parent->stack_pages;
	child->data_pages = parent->data_pages;
	child->code_pages = parent->code_pages;
	child->shared_pages = parent->shared_pages;
	child->locked_pages = parent->locked_pages;
	child->fork_pages = parent->fork_pages;
	child->hugetlb_pages = parent->hugetlb_pages;
	child->committed_pages = parent->committed_pages;
	commit_account((s64)child->committed_pages);
}

/* A region that does not change gets an object of its own all the same, so that the backing counts
 * it. */
static int adapt_region(struct address_space *child, struct region *region)
{
	vaddr_t start = region->start, end = region->end;

	if (region->flags & REGION_NO_FORK)
		return space_unmap_locked(child, start, end);
	if (region->flags & REGION_WATCH) {
		int result = userfault_fork_region(child, region);
		if (result != 0)
			return result;
		region = region_find(child, start);
	}
	u32 flags = region->flags & ~(u32)(REGION_LOCKED | REGION_LOCK_ON_FAULT);
	if (region->flags & REGION_WIPE_ON_FORK) {
		int result = zap_own(child, start, end, false);
		if (result != 0)
			return result;
	}
	return region_set_flags(child, region, start, end, flags);
}

int region_map_adapt(struct address_space *child)
{
	int result = 0;

	if (likely(child->fork_pages == 0))
		return 0;
	struct region *region = region_find_first(child, 0);
	while (region != NULL && result == 0) {
		vaddr_t end = region->end;
		if (matters_to_fork(region->backing, region->flags))
			result = adapt_region(child, region);
		region = region_find_first(child, end);
	}
	return result;
}

void region_map_destroy(struct address_space *space)
{
	WRITE_ONCE(space->hint, NULL);
	region_tree_destroy(&space->regions);
	commit_account(-(s64)space->committed_pages);
	space->committed_pages = 0;
}
