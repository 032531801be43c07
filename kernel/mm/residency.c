/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mincore(2), msync(2), the words behind futexes, and single pages of a given space.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache_internal.h"
#include "mm/space.h"

/* Is the page in memory, mapped or ready in the page cache? */
static bool is_resident(struct address_space *space, const struct region *region, vaddr_t page)
{
	pte_t entry = tree_peek(space, page);

	if (!entry_is_vacant(entry))
		return !entry_is_swapped(entry);
	struct page_cache *cache = region_cache(region);
	phys_t frame = cache != NULL ? page_cache_peek(cache, region_index(region, page)) : 0;
	if (frame != 0)
		frame_free(frame);
	return frame != 0;
}

int vmm_mincore(struct address_space *space, vaddr_t address, size_t length, u8 *vector)
{
	vaddr_t end = address + ALIGN_UP(length, PAGE_SIZE);
	int result = 0;

	if (address % PAGE_SIZE != 0)
		return -EINVAL;
	if (end < address || end > USER_TOP)
		return -ENOMEM;
	rwlock_read_lock(&space->map_lock);
	for (vaddr_t page = address; page < end && result == 0; page += PAGE_SIZE) {
		struct region *region = region_find(space, page);
		if (region == NULL)
			result = -ENOMEM;
		else
			*vector++ = is_resident(space, region, page);
	}
	rwlock_read_unlock(&space->map_lock);
	return result;
}

/* The first region at or above *start.  A backing to be synced, with a reference and the file's
 * range; NULL: none. */
static int msync_piece(struct address_space *space, vaddr_t *start, vaddr_t end, int flags,
		       struct backing **backing, u64 *from, u64 *to)
{
	struct region *region = region_find_first(space, *start);

	*backing = NULL;
	if (region == NULL || region->start >= end)
		return -ENOMEM;
	vaddr_t first = MAX(*start, region->start);
	vaddr_t stop = MIN(region->end, end);
	if ((flags & MS_INVALIDATE) && (region->flags & REGION_LOCKED))
		return -EBUSY;
	if ((flags & MS_SYNC) && (region->flags & REGION_SHARED) &&
	    region->backing->ops->sync != NULL) {
		*backing = region->backing;
		(*backing)->ops->get(*backing);
		*from = region->offset + (first - region->start);
		*to = *from + (stop - first);
	}
	int hole = first > *start ? 1 : 0;
	*start = stop;
	return hole;
}

int vmm_msync(struct address_space *space, vaddr_t address, size_t length, int flags)
{
	vaddr_t end = address + ALIGN_UP(length, PAGE_SIZE);
	int holes = 0;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || address % PAGE_SIZE != 0)
		return -EINVAL;
	if ((flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (end < address)
		return -ENOMEM;
	while (address < end) {
		struct backing *backing;
		u64 from, to;
		rwlock_read_lock(&space->map_lock);
		int result = msync_piece(space, &address, end, flags, &backing, &from, &to);
		rwlock_read_unlock(&space->map_lock);
		if (result < 0)
			return result;
		if (result > 0)
			holes = -ENOMEM;
		if (backing != NULL) {
			result = backing->ops->sync(backing, from, to);
			backing->ops->put(backing);
			if (result != 0)
				return result;
		}
	}
	return holes;
}

int vmm_word_key(struct address_space *space, vaddr_t address, bool shared, struct vm_word_key *key)
{
	int result = -EFAULT;

	*key = (struct vm_word_key){.object = space, .offset = address};
	if (!shared)
		return address < USER_TOP ? 0 : -EFAULT;
	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find(space, address);
	if (region != NULL && (region->flags & REGION_ACCESS)) {
		if (region->flags & REGION_SHARED)
			*key = (struct vm_word_key){
				.object = region->backing->cache,
				.offset = region->offset + (address - region->start),
			};
		result = 0;
	}
	rwlock_read_unlock(&space->map_lock);
	return result;
}

/* --- API.md's single pages --- */

/* A page that no region covers gets one of its own, so that fork and the end of the space know of
 * it. */
static int ensure_region(struct address_space *space, vaddr_t address, u64 flags)
{
	if (region_find(space, address) != NULL)
		return 0;
	struct region wanted = {
		.start = address,
		.end = address + PAGE_SIZE,
		.flags = REGION_READ | REGION_MAY_READ | REGION_MAY_WRITE | REGION_MAY_EXECUTE |
			 (flags & PAGE_WRITABLE ? REGION_WRITE : 0) |
			 (flags & PAGE_NX ? 0 : REGION_EXECUTE),
		.kind = KIND_KERNEL,
	};
	return region_add(space, &wanted);
}

static int map_page_locked(struct address_space *space, vaddr_t address, phys_t frame, u64 flags)
{
	struct tree_leaf leaf;

	if (!pte_is_none(tree_peek(space, address)))
		return -EEXIST;
	int result = tree_isolate(space, address, address + PAGE_SIZE, COVERED_GOES);
	/* The region comes last of what may fail: it would show zeros. */
	if (result == 0)
		result = tree_prepare(space, address, address + PAGE_SIZE);
	if (result == 0)
		result = ensure_region(space, address, flags);
	if (result == 0)
		result = tree_lock_leaf(space, address, TREE_OWN, &leaf);
	if (result != 0)
		return result;
	flags |= PAGE_PRESENT | PAGE_USER;
	if (flags & PAGE_SPECIAL) {
		leaf_put(leaf.node, leaf.slot, pte_leaf(frame, flags, 1));
	} else {
		frame_of(frame)->kind = FRAME_USER;
		leaf_fill(leaf.node, leaf.slot, entry_exclusive(leaf.slot, frame, flags));
	}
	tree_unlock_leaf(&leaf);
	return 0;
}

int vmm_map_page(struct address_space *space, vaddr_t address, phys_t frame, u64 flags)
{
	if (address % PAGE_SIZE != 0 || frame % PAGE_SIZE != 0 || address >= USER_TOP)
		return -EINVAL;
	rwlock_write_lock(&space->map_lock);
	int result = map_page_locked(space, address, frame, flags);
	rwlock_write_unlock(&space->map_lock);
	return result;
}

void vmm_unmap_page(struct address_space *space, vaddr_t address)
{
	vaddr_t page = ALIGN_DOWN(address, PAGE_SIZE);

	if (address >= USER_TOP)
		return;
	rwlock_write_lock(&space->map_lock);
	struct region *region = region_find(space, page);
	/* Without memory for a copy of what others share, the page stays. */
	if (region != NULL && region->kind == KIND_KERNEL)
		(void)!space_unmap_locked(space, page, page + PAGE_SIZE);
	else if (region != NULL)
		(void)!zap_own(space, page, page + PAGE_SIZE, false);
	rwlock_write_unlock(&space->map_lock);
}

phys_t vmm_get_physical_addr(struct address_space *space, vaddr_t address)
{
	pte_t entry = address < USER_TOP ? tree_peek(space, address) : entry_none();

	return pte_is_present(entry) ? pte_phys(entry) + address % PAGE_SIZE : 0;
}

/* A page of a file that reclaim has unmapped is looked for in its cache. */
static bool has_page_of_file(struct address_space *space, vaddr_t address)
{
	bool found = false;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find(space, address);
	struct page_cache *cache = region != NULL ? region_cache(region) : NULL;
	if (cache != NULL)
		found = page_cache_has(cache, region_index(region, address));
	rwlock_read_unlock(&space->map_lock);
	return found;
}

bool vmm_has_page(struct address_space *space, vaddr_t address)
{
	if (address >= USER_TOP)
		return false;
	return !entry_is_vacant(tree_peek(space, address)) || has_page_of_file(space, address);
}

vaddr_t vmm_alloc_virtual(struct address_space *space, size_t length)
{
	long result = vmm_mmap(space, 0, length, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

	return result < 0 ? 0 : (vaddr_t)result;
}

void vmm_free_virtual(struct address_space *space, vaddr_t address, size_t length)
{
	(void)!vmm_munmap(space, address, length);
}
