/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remap_file_pages(2): another part of the file that is mapped already.  As on Linux since 4.0 that
 * makes a mapping of its own, with all that mmap(2) does.
 *
 * What is mapped is looked at and held under the map lock; the new mapping is made after it, so a
 * thread that meanwhile changes the map does so as if it had come later.
 */
#include "lib/errno.h"
#include "mm/region.h"
#include "mm/space.h"

struct mapped {
	struct backing *backing; /* counted */
	u32 prot, flags, access;
};

/* Does the range show one shared file with one protection, throughout?  Map lock held. */
static int look_locked(struct address_space *space, vaddr_t start, vaddr_t end,
		       struct mapped *mapped)
{
	struct region *first = region_find(space, start), *region = first;

	if (first == NULL || !(first->flags & REGION_SHARED) || first->backing == NULL)
		return -EINVAL;
	while (region->end < end) {
		vaddr_t at = region->end;

		region = region_next(space, region);
		if (region == NULL || region->start != at || region->backing == NULL ||
		    region->backing->cache != first->backing->cache ||
		    region->flags != first->flags)
			return -EINVAL;
	}
	mapped->prot = first->flags & REGION_ACCESS;
	mapped->flags = first->flags & REGION_LOCKED ? MAP_LOCKED : 0;
	mapped->access = (first->flags & REGION_MAY_READ ? VM_ACCESS_READ : 0u) |
			 (first->flags & REGION_MAY_WRITE ? VM_ACCESS_WRITE : 0u) |
			 (first->flags & REGION_MAY_EXECUTE ? 0u : VM_ACCESS_NOEXEC);
	mapped->backing = first->backing;
	first->backing->ops->get(first->backing);
	return 0;
}

int vmm_remap_file_pages(struct address_space *space, vaddr_t start, size_t size, u32 prot,
			 u64 index, u32 flags)
{
	struct mapped mapped;

	start &= ~(vaddr_t)(PAGE_SIZE - 1);
	size &= ~(size_t)(PAGE_SIZE - 1);
	if (prot != 0 || start + size <= start || index + (size >> PAGE_SHIFT) < index)
		return -EINVAL;
	rwlock_read_lock(&space->map_lock);
	int error = look_locked(space, start, start + size, &mapped);
	rwlock_read_unlock(&space->map_lock);
	if (error != 0)
		return error;
	long result = vmm_mmap_file(space, start, size, mapped.prot,
				    MAP_SHARED | MAP_FIXED | MAP_POPULATE | mapped.flags |
					    (flags & MAP_NONBLOCK),
				    mapped.backing, index << PAGE_SHIFT, mapped.access);
	mapped.backing->ops->put(mapped.backing);
	return result < 0 ? (int)result : 0;
}
