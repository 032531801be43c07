/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stack grows down when it is touched below its region, as far as the limit allows and not closer
 * than the guard gap to the region below; as on Linux.
 */
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/tree.h"

/* Map lock held for writing. */
static int grow_locked(struct address_space *space, vaddr_t page)
{
	struct region *region = region_find_first(space, page);

	if (region == NULL || !(region->flags & REGION_GROWS_DOWN))
		return -EFAULT;
	if (region->start <= page)
		return 0;
	u64 growth = region->start - page;
	if (page < MMAP_MINIMUM || region->end - page > space->limits.stack)
		return -EFAULT;
	if (region_check_limits(space, growth >> PAGE_SHIFT, region->flags) != 0)
		return -EFAULT;
	if ((region->flags & REGION_LOCKED) &&
	    space_check_locked(space, growth >> PAGE_SHIFT, -EFAULT) != 0)
		return -EFAULT;
	struct region *below = region_previous(space, region);
	if (below != NULL && (below->flags & REGION_ACCESS) &&
	    !(below->flags & REGION_GROWS_DOWN) && below->end + STACK_GUARD_GAP > page)
		return -EFAULT;
	int result = tree_isolate(space, page, region->start, COVERED_GOES);
	if (result == 0)
		result = region_grow(space, region, page, region->end);
	return result;
}

int stack_grow(struct address_space *space, vaddr_t address)
{
	rwlock_write_lock(&space->map_lock);
	int result = grow_locked(space, ALIGN_DOWN(address, PAGE_SIZE));
	rwlock_write_unlock(&space->map_lock);
	return result;
}
