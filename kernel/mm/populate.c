/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bringing pages in ahead of their use: MAP_POPULATE, mlock, MADV_POPULATE_*, and reading or
 * writing memory from outside.
 *
 * Each page is faulted as a touch would; the map lock is taken anew for each, so that other threads
 * get their turn.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/fault.h"
#include "mm/space.h"

/* The part of the first region at or above *start, at most to `end`; false when there is none.  Its
 * flags to *flags. */
static bool next_piece(struct address_space *space, vaddr_t *start, vaddr_t end, vaddr_t *stop,
		       u32 *flags)
{
	if (*start >= end)
		return false;
	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find_first(space, *start);
	bool found = region != NULL && region->start < end;
	if (found) {
		*start = MAX(*start, region->start);
		*stop = MIN(region->end, end);
		*flags = region->flags;
	}
	rwlock_read_unlock(&space->map_lock);
	return found;
}

static bool is_present(struct address_space *space, vaddr_t page, bool write)
{
	rwlock_read_lock(&space->map_lock);
	pte_t *slot = tree_exclusive_slot(space, page);
	pte_t entry = slot != NULL ? pte_read(slot) : tree_peek(space, page);
	rwlock_read_unlock(&space->map_lock);
	return pte_is_present(entry) && (!write || (slot != NULL && entry_is_writable(entry)));
}

static int populate_piece(struct address_space *space, vaddr_t start, vaddr_t end, bool write)
{
	for (vaddr_t page = start; page < end; page += PAGE_SIZE) {
		if (is_present(space, page, write))
			continue;
		int result = vmm_fault(space, page, write ? FAULT_WRITE : 0, NULL);
		if (result != 0)
			return result;
	}
	return 0;
}

int populate_range(struct address_space *space, vaddr_t start, vaddr_t end, bool only_locked)
{
	vaddr_t stop;
	u32 flags;
	int no_access = 0;

	for (; next_piece(space, &start, end, &stop, &flags); start = stop) {
		bool wanted = !only_locked ||
			      (flags & (REGION_LOCKED | REGION_LOCK_ON_FAULT)) == REGION_LOCKED;
		if (!wanted || (flags & REGION_SPECIAL))
			continue;
		if (!(flags & REGION_ACCESS)) {
			no_access = -EFAULT;
			continue;
		}
		int result =
			populate_piece(space, start, stop,
				       (flags & (REGION_WRITE | REGION_SHARED)) == REGION_WRITE);
		if (result != 0)
			return result;
	}
	return no_access;
}

int vmm_populate(struct address_space *space, vaddr_t address, size_t length, bool write)
{
	vaddr_t end = address + length;
	vaddr_t stop, start = address;
	u32 flags;

	for (; start < end; start = stop) {
		vaddr_t wanted = start;
		if (!next_piece(space, &start, end, &stop, &flags) || start != wanted)
			return -ENOMEM;
		if ((flags & REGION_SPECIAL) || (write && !(flags & REGION_WRITE)) ||
		    !(flags & REGION_ACCESS))
			return -EINVAL;
		int result = populate_piece(space, start, stop, write);
		if (result != 0)
			return result;
	}
	return 0;
}

/* --- Memory from outside --- */

/* May the kernel read or write the frame, through the direct map?  A debugger may also write to a
 * frame that is this entry's alone.  The leaf is locked. */
static bool may_access(const struct tree_leaf *leaf, pte_t entry, u32 mode)
{
	if (!(mode & VM_WRITE))
		return !entry_is_vacant(entry) && !entry_is_swapped(entry);
	if (!leaf->exclusive)
		return false;
	return entry_is_writable(entry) ||
	       ((mode & VM_FORCE) && pte_is_present(entry) &&
		(pte_flags(entry) & (PAGE_EXCL | PAGE_MARKS)) == PAGE_EXCL);
}

/*
 * Copies within one page.  The map lock is held across the copy, so that fork cannot share the
 * frame in the middle of a write.  0; -EAGAIN: fault it in first.
 */
static int copy_in_page(struct address_space *space, vaddr_t address, void *buffer, size_t length,
			u32 mode)
{
	int result = -EAGAIN;

	rwlock_read_lock(&space->map_lock);
	struct tree_leaf leaf;
	phys_t frame = 0;
	bool special = false;
	if (tree_lock_leaf(space, address, TREE_FIND, &leaf) == 0) {
		pte_t entry = pte_read(leaf.slot);
		if (may_access(&leaf, entry, mode)) {
			frame = entry_phys(entry);
			special = entry_is_special(entry);
			if (!special)
				frame_get(frame);
			if (mode & VM_WRITE)
				entry_forget_lazy(leaf.slot, entry);
		}
		tree_unlock_leaf(&leaf);
	}
	if (frame != 0) {
		char *page = (char *)phys_to_virt(frame) + address % PAGE_SIZE;
		if (mode & VM_WRITE)
			memcpy(page, buffer, length);
		else
			memcpy(buffer, page, length);
		if (!special)
			frame_free(frame);
		result = 0;
	}
	rwlock_read_unlock(&space->map_lock);
	return result;
}

/* Is the access one that the program, or with VM_FORCE its debugger, may make?  0 or -EFAULT. */
static int check_access(struct address_space *space, vaddr_t address, u32 mode)
{
	u32 wanted = mode & VM_WRITE ? REGION_WRITE : REGION_READ;
	int result = -EFAULT;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find(space, address);
	if (region != NULL) {
		u32 may = region->flags & (wanted * (REGION_MAY_READ / REGION_READ));
		if (region->flags & wanted)
			result = 0;
		else if ((mode & VM_FORCE) && may && (region->flags & REGION_ACCESS) &&
			 !(region->flags & (REGION_SHARED | REGION_SPECIAL)))
			result = 0;
	}
	rwlock_read_unlock(&space->map_lock);
	return result;
}

ssize_t vmm_access(struct address_space *space, vaddr_t address, void *buffer, size_t length,
		   u32 mode)
{
	size_t done = 0;
	unsigned flags = mode & VM_WRITE ? FAULT_WRITE : 0;

	if (address >= USER_TOP || length > USER_TOP - address)
		return -EFAULT;
	while (done < length) {
		vaddr_t at = address + done;
		size_t piece = MIN(PAGE_SIZE - at % PAGE_SIZE, length - done);
		int result = check_access(space, at, mode);
		if (result != 0 && stack_grow(space, at) == 0)
			result = check_access(space, at, mode);
		/* The space's program may unmap or change the page between our steps, so each round
		 * asks anew whether the access is allowed. */
		while (result == 0 &&
		       copy_in_page(space, at, (char *)buffer + done, piece, mode) == -EAGAIN) {
			result = (mode & VM_FORCE) && (mode & VM_WRITE)
					 ? fault_forced(space, at)
					 : vmm_fault(space, at, flags, NULL);
			if (result == 0)
				result = check_access(space, at, mode);
		}
		if (result != 0)
			break;
		done += piece;
	}
	return done > 0 || length == 0 ? (ssize_t)done : -EFAULT;
}
