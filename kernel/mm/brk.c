/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * brk(2): the heap, one region that grows and shrinks at its end.
 */
#include "lib/errno.h"
#include "mm/space.h"
#include "mm/userfault.h"

static bool within_data_limit(const struct address_space *space, vaddr_t new_break)
{
	const struct vm_layout *layout = &space->layout;
	u64 data = layout->data_end - layout->data_start;

	return space->limits.data == VM_UNLIMITED ||
	       new_break - layout->brk_start + data <= space->limits.data;
}

static int grow_heap(struct address_space *space, vaddr_t start, vaddr_t end)
{
	u32 flags = REGION_READ | REGION_WRITE | REGION_MAY_READ | REGION_MAY_WRITE |
		    REGION_MAY_EXECUTE;
	size_t pages = (end - start) >> PAGE_SHIFT;
	struct region *next = region_find_first(space, start);

	if (end > USER_TOP ||
	    (next != NULL &&
	     next->start <
		     end + PAGE_SIZE + (next->flags & REGION_GROWS_DOWN ? STACK_GUARD_GAP : 0)))
		return -ENOMEM;
	if (space->regions.count >= REGION_LIMIT)
		return -ENOMEM;
	if (space->lock_future) {
		flags |= REGION_LOCKED | (space->lock_on_fault ? REGION_LOCK_ON_FAULT : 0);
		if (space_check_locked(space, pages, -EAGAIN) != 0)
			return -EAGAIN;
	}
	int result = region_check_limits(space, pages, flags);
	if (result == 0)
		result = tree_isolate(space, start, end, COVERED_GOES);
	if (result != 0)
		return result;
	struct region wanted = {.start = start, .end = end, .flags = flags, .kind = KIND_HEAP};
	return region_add(space, &wanted);
}

/* Map lock held for writing.  Says whether the break was moved. */
static bool move_break(struct address_space *space, vaddr_t new_break)
{
	vaddr_t old_end = ALIGN_UP(space->layout.brk, PAGE_SIZE);
	vaddr_t new_end = ALIGN_UP(new_break, PAGE_SIZE);

	if (new_break < space->layout.brk_start || new_break > USER_TOP ||
	    !within_data_limit(space, new_break))
		return false;
	if (new_end < old_end && space_unmap_locked(space, new_end, old_end) != 0)
		return false;
	if (new_end > old_end && grow_heap(space, old_end, new_end) != 0)
		return false;
	space->layout.brk = new_break;
	return true;
}

vaddr_t vmm_expand_heap(struct address_space *space, vaddr_t new_break)
{
	rwlock_write_lock(&space->map_lock);
	vaddr_t old = space->layout.brk;
	bool moved = move_break(space, new_break);
	vaddr_t result = space->layout.brk;
	bool populate = moved && space->lock_future && !space->lock_on_fault && result > old;
	space_write_unlock(space);
	if (populate)
		(void)!populate_range(space, ALIGN_UP(old, PAGE_SIZE), ALIGN_UP(result, PAGE_SIZE),
				      true);
	return result;
}
