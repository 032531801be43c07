/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mlock(2) and its kin.  Locking means: count it, bring it in, and neither reclaim it nor follow
 * advice to drop it.
 */
#include "lib/errno.h"
#include "mm/space.h"

static u32 lock_flags(bool locked, bool on_fault)
{
	return locked ? REGION_LOCKED | (on_fault ? REGION_LOCK_ON_FAULT : 0) : 0;
}

static int set_piece(struct address_space *space, struct region *region, vaddr_t start, vaddr_t end,
		     u32 wanted)
{
	u32 flags = (region->flags & ~(u32)(REGION_LOCKED | REGION_LOCK_ON_FAULT)) | wanted;

	if (flags == region->flags || (region->flags & REGION_SPECIAL))
		return 0;
	return region_set_flags(space, region, start, end, flags);
}

/* A hole ends the call, after what lies before it has been changed. */
static int set_range_locked(struct address_space *space, vaddr_t start, vaddr_t end, u32 wanted)
{
	while (start < end) {
		struct region *region = region_find(space, start);
		if (region == NULL)
			return -ENOMEM;
		vaddr_t stop = MIN(region->end, end);
		int result = set_piece(space, region, start, stop, wanted);
		if (result != 0)
			return result;
		start = stop;
	}
	return 0;
}

/* Pages of [start, end) that are locked already. */
static size_t count_locked(struct address_space *space, vaddr_t start, vaddr_t end)
{
	size_t pages = 0;
	struct region *region = region_find_first(space, start);

	for (; region != NULL && region->start < end; region = region_next(space, region))
		if (region->flags & REGION_LOCKED)
			pages += (MIN(region->end, end) - MAX(region->start, start)) >> PAGE_SHIFT;
	return pages;
}

static bool whole_pages(vaddr_t *address, size_t *length)
{
	vaddr_t start = ALIGN_DOWN(*address, PAGE_SIZE);

	*length = ALIGN_UP(*length + (*address - start), PAGE_SIZE);
	*address = start;
	return start + *length >= start;
}

int vmm_mlock(struct address_space *space, vaddr_t address, size_t length, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	bool aligned = whole_pages(&address, &length);
	vaddr_t end = address + length;
	bool on_fault = flags & MLOCK_ONFAULT;
	rwlock_write_lock(&space->map_lock);
	size_t more = (length >> PAGE_SHIFT) -
		      MIN(count_locked(space, address, end), length >> PAGE_SHIFT);
	int result = space_check_locked(space, more, -ENOMEM);
	if (result != -EPERM && !aligned)
		result = -EINVAL;
	if (result == 0)
		result = set_range_locked(space, address, end, lock_flags(true, on_fault));
	rwlock_write_unlock(&space->map_lock);
	if (result == 0 && !on_fault)
		result = populate_range(space, address, end, true);
	return result == -EFAULT ? -ENOMEM : result;
}

int vmm_munlock(struct address_space *space, vaddr_t address, size_t length)
{
	if (!whole_pages(&address, &length))
		return -EINVAL;
	rwlock_write_lock(&space->map_lock);
	int result = set_range_locked(space, address, address + length, 0);
	rwlock_write_unlock(&space->map_lock);
	return result;
}

/* Every region; those that cannot be changed are skipped. */
static void set_all_locked(struct address_space *space, u32 wanted)
{
	struct region *region = region_find_first(space, 0);

	while (region != NULL) {
		vaddr_t end = region->end;
		(void)!set_piece(space, region, region->start, region->end, wanted);
		region = region_find_first(space, end);
	}
}

int vmm_mlockall(struct address_space *space, int flags)
{
	if (flags == 0 || flags == MCL_ONFAULT ||
	    (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))
		return -EINVAL;
	bool on_fault = flags & MCL_ONFAULT;
	rwlock_write_lock(&space->map_lock);
	/* What is locked already counts among all that is there. */
	size_t more = flags & MCL_CURRENT ? space->total_pages - space->locked_pages : 0;
	int result = space_check_locked(space, more, -ENOMEM);
	/* What is only to come is checked when it comes. */
	if (result == -EPERM || (result != 0 && more != 0)) {
		rwlock_write_unlock(&space->map_lock);
		return result;
	}
	space->lock_future = flags & MCL_FUTURE;
	space->lock_on_fault = on_fault;
	if (flags & MCL_CURRENT)
		set_all_locked(space, lock_flags(true, on_fault));
	rwlock_write_unlock(&space->map_lock);
	if ((flags & MCL_CURRENT) && !on_fault)
		(void)!populate_range(space, 0, USER_TOP, true);
	return 0;
}

int vmm_munlockall(struct address_space *space)
{
	rwlock_write_lock(&space->map_lock);
	space->lock_future = false;
	space->lock_on_fault = false;
	set_all_locked(space, 0);
	rwlock_write_unlock(&space->map_lock);
	return 0;
}
