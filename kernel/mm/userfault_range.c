/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What userfaults do to ranges: registering them, and protecting pages against writing; see
 * userfault.h.
 */
#include "lib/errno.h"
#include "mm/hugetlb.h"
#include "mm/space.h"
#include "mm/userfault.h"

int userfault_protect(struct userfault *userfault, struct address_space *space, vaddr_t start,
		      vaddr_t end, bool protect)
{
	int result = 0;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find(space, start);
	if (__atomic_load_n(&userfault->changing, __ATOMIC_ACQUIRE) != 0)
		result = -EAGAIN;
	else if (region == NULL || end > region->end || !(region->flags & REGION_WATCH_WRITES))
		result = -ENOENT;
	else if ((start | end) % userfault_page_size(region) != 0)
		result = -EINVAL;
	else if (protect && region_keeps_watches(region))
		result = watch_entries(space, start, end);
	else
		mark_entries(space, start, end, protect ? PAGE_WATCHED : 0,
			     protect ? 0 : PAGE_WATCHED);
	rwlock_read_unlock(&space->map_lock);
	return result;
}

/* --- Registering --- */

static bool is_shared_memory(const struct region *region)
{
	const struct page_cache *cache = region_cache(region);

	return cache != NULL && cache->shared_memory;
}

static bool can_be_registered(const struct region *region)
{
	if (region->flags & REGION_HUGETLB)
		return region_hugetlb_size(region) == HUGETLB_2M;
	if (region->flags & REGION_SPECIAL)
		return false;
	return region->backing == NULL || is_shared_memory(region);
}

/* Does the range begin and end with whole pages of the region? */
static bool is_aligned(const struct region *region, vaddr_t start, vaddr_t end)
{
	return (MAX(start, region->start) | MIN(end, region->end)) % userfault_page_size(region) ==
	       0;
}

static int check_region(const struct region *region, const struct userfault *userfault,
			vaddr_t start, vaddr_t end, u32 watch)
{
	bool anonymous = region->backing == NULL && !(region->flags & REGION_HUGETLB);

	if (!can_be_registered(region) || ((watch & REGION_WATCH_MINOR) && anonymous))
		return -EINVAL;
	if (!(region->flags & REGION_MAY_WRITE))
		return -EPERM;
	if (!is_aligned(region, start, end))
		return -EINVAL;
	bool other = region->userfault != NULL && region->userfault != userfault;
	return other && !READ_ONCE(region->userfault->closed) ? -EBUSY : 0;
}

static int check_range(struct address_space *space, const struct userfault *userfault,
		       vaddr_t start, vaddr_t end, u32 watch, bool *huge)
{
	struct region *region = region_find_first(space, start);
	int result = 0;

	if (region == NULL)
		return -ENOMEM;
	if (region->start >= end)
		return -EINVAL;
	for (*huge = false; region != NULL && region->start < end && result == 0;
	     region = region_next(space, region)) {
		result = check_region(region, userfault, start, end, watch);
		*huge |= (region->flags & REGION_HUGETLB) != 0;
	}
	return result;
}

static int register_piece(struct address_space *space, struct region *region, vaddr_t start,
			  vaddr_t end, u32 watch, struct userfault *userfault)
{
	bool stale = (watch & ~region->flags) & REGION_WATCH_WRITES;
	u32 flags = (region->flags & ~(u32)REGION_WATCH) | watch;

	if (region->userfault == userfault && (region->flags & watch) == watch)
		return 0;
	int result = tree_isolate(space, start, end, COVERED_COPY);
	if (result == 0 && stale)
		mark_entries(space, start, end, 0, PAGE_WATCHED);
	if (result == 0)
		result = region_set_watch(space, region, start, end, flags, userfault);
	return result;
}

int userfault_register(struct userfault *userfault, struct address_space *space, vaddr_t start,
		       vaddr_t end, u32 watch, bool *huge)
{
	rwlock_write_lock(&space->map_lock);
	int result = check_range(space, userfault, start, end, watch, huge);
	while (start < end && result == 0) {
		struct region *region = region_find_first(space, start);
		if (region == NULL || region->start >= end)
			break;
		vaddr_t stop = MIN(region->end, end);
		result = register_piece(space, region, MAX(region->start, start), stop, watch,
					userfault);
		start = stop;
	}
	rwlock_write_unlock(&space->map_lock);
	return result;
}

static int unregister_piece(struct address_space *space, struct region *region, vaddr_t start,
			    vaddr_t end)
{
	struct userfault *userfault = region->userfault;

	if (userfault == NULL)
		return 0;
	userfault_get(userfault);
	int result = region_set_watch(space, region, start, end, region->flags & ~(u32)REGION_WATCH,
				      NULL);
	/* They look again, and find that nobody is to be asked. */
	if (result == 0)
		userfault_wake(userfault, start, end - start);
	userfault_put(userfault);
	return result;
}

int userfault_unregister(struct address_space *space, vaddr_t start, vaddr_t end)
{
	rwlock_write_lock(&space->map_lock);
	struct region *region = region_find_first(space, start);
	int result = region == NULL ? -ENOMEM : region->start >= end ? -EINVAL : 0;
	for (; region != NULL && region->start < end && result == 0;
	     region = region_next(space, region))
		result = can_be_registered(region) && is_aligned(region, start, end) ? 0 : -EINVAL;
	while (start < end && result == 0) {
		region = region_find_first(space, start);
		if (region == NULL || region->start >= end)
			break;
		vaddr_t stop = MIN(region->end, end);
		result = unregister_piece(space, region, MAX(region->start, start), stop);
		start = stop;
	}
	rwlock_write_unlock(&space->map_lock);
	return result;
}
