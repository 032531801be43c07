/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mprotect(2), and protection keys (pkeys(7)): changes regions, then the entries that are there.
 *
 * As on Linux, a hole or a region that does not permit the change ends the call with an error after
 * what lies before it has been changed.
 */
#include "lib/errno.h"
#include "mm/hugetlb.h"
#include "mm/commit.h"
#include "mm/space.h"

/* --- Protection keys --- */

/* Map lock held. */
static bool key_is_used(const struct address_space *space, int key)
{
	return key >= 0 && key < (int)arch_key_count() && (space->keys & 1u << key);
}

int vmm_key_alloc(struct address_space *space)
{
	int result = -ENOSPC;

	rwlock_write_lock(&space->map_lock);
	for (u32 key = 0; key < arch_key_count() && result < 0; key++) {
		if (space->keys & 1u << key)
			continue;
		space->keys |= (u16)(1u << key);
		result = (int)key;
	}
	rwlock_write_unlock(&space->map_lock);
	return result;
}

int vmm_key_free(struct address_space *space, int key)
{
	rwlock_write_lock(&space->map_lock);
	bool used = key_is_used(space, key);
	if (used)
		space->keys &= (u16) ~(1u << key);
	rwlock_write_unlock(&space->map_lock);
	return used ? 0 : -EINVAL;
}

/* --- mprotect --- */

/* One region, or the part of it in [start, end). */
static int protect_piece(struct address_space *space, struct region *region, vaddr_t start,
			 vaddr_t end, u32 prot, int key)
{
	u32 flags = (region->flags & ~(u32)REGION_ACCESS) | prot;
	u32 may = region->flags / (REGION_MAY_READ / REGION_READ) & REGION_ACCESS;

	if (key >= 0)
		flags = (flags & ~(u32)REGION_KEY) | (u32)key << REGION_KEY_SHIFT;
	if (prot & ~may)
		return -EACCES;
	if (flags == region->flags)
		return 0;
	bool becomes_data = (flags & (REGION_WRITE | REGION_SHARED)) == REGION_WRITE &&
			    !(region->flags & REGION_WRITE);
	if (becomes_data && !(flags & REGION_GROWS_DOWN) && space->limits.data != VM_UNLIMITED &&
	    space->data_pages + ((end - start) >> PAGE_SHIFT) > space->limits.data >> PAGE_SHIFT)
		return -ENOMEM;
	/* What was written to keeps its promise on Linux; here it follows the protection. */
	if (region_is_committed(flags) && !region_is_committed(region->flags) &&
	    commit_check(space, (end - start) >> PAGE_SHIFT) != 0)
		return -ENOMEM;
	int result = tree_isolate(space, start, end, COVERED_COPY);
	if (result == 0)
		result = region_set_flags(space, region, start, end, flags);
	if (result == 0)
		protect_region_entries(space, region_find(space, start), start, end);
	return result;
}

static int protect_locked(struct address_space *space, vaddr_t start, vaddr_t end, u32 prot,
			  int key, bool grows_down)
{
	struct region *region = region_find_first(space, start);

	if (key >= 0 && !key_is_used(space, key))
		return -EINVAL;
	if (region == NULL || region->start >= end)
		return -ENOMEM;
	if (grows_down) {
		if (!(region->flags & REGION_GROWS_DOWN))
			return -EINVAL;
		start = region->start;
	}
	while (start < end) {
		if (region == NULL || region->start > start)
			return -ENOMEM;
		vaddr_t stop = MIN(region->end, end);
		int result = protect_piece(space, region, start, stop, prot, key);
		if (result != 0)
			return result;
		start = stop;
		if (start < end)
			region = region_find_first(space, start);
	}
	return 0;
}

int vmm_key_protect(struct address_space *space, vaddr_t address, size_t length, u32 prot, int key)
{
	u32 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);

	prot &= ~grows;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || address % PAGE_SIZE != 0)
		return -EINVAL;
	if (length == 0)
		return 0;
	length = ALIGN_UP(length, PAGE_SIZE);
	if (address + length <= address)
		return -ENOMEM;
	if (prot & ~(u32)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	/* No region of ours grows up. */
	if (grows & PROT_GROWSUP)
		return -EINVAL;
	rwlock_write_lock(&space->map_lock);
	int result = hugetlb_check_cut(space, address, address + length);
	if (result == 0)
		result = protect_locked(space, address, address + length, prot & REGION_ACCESS, key,
					grows != 0);
	rwlock_write_unlock(&space->map_lock);
	return result;
}

int vmm_mprotect(struct address_space *space, vaddr_t address, size_t length, u32 prot)
{
	return vmm_key_protect(space, address, length, prot, -1);
}
