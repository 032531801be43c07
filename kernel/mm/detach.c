/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unmapping a file as it was mapped, wherever it has been cut since: for shmdt(2).
 */
#include "lib/errno.h"
#include "mm/space.h"
#include "mm/userfault.h"

/* Does the region show what it would if the file's beginning had been mapped at `address`? */
static bool lies_as_mapped(const struct region *region, vaddr_t address)
{
	return region->start - address == region->offset;
}

static int detach_locked(struct address_space *space, vaddr_t address,
			 const struct backing_ops *ops)
{
	struct region *region = region_find_first(space, address);

	while (region != NULL && !(region->start >= address && region->backing != NULL &&
				   region->backing->ops == ops && lies_as_mapped(region, address)))
		region = region_next(space, region);
	if (region == NULL)
		return -EINVAL;
	/* Its last region may go. */
	struct backing *backing = region->backing;
	backing->ops->get(backing);
	int result = 0;
	vaddr_t end = address + ALIGN_UP(page_cache_size(backing->cache), PAGE_SIZE);
	while (region != NULL && region->end <= end && result == 0) {
		vaddr_t next = region->end;
		if (region->backing == backing && lies_as_mapped(region, address))
			result = space_unmap_locked(space, region->start, region->end);
		region = region_find_first(space, next);
	}
	backing->ops->put(backing);
	return result;
}

int vmm_detach(struct address_space *space, vaddr_t address, const struct backing_ops *ops)
{
	rwlock_write_lock(&space->map_lock);
	int result = detach_locked(space, address, ops);
	space_write_unlock(space);
	return result;
}
