/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mremap(2): growing and shrinking in place, and moving.
 *
 * Moving makes the new region and its tables first, and takes the old region out of the map; then
 * the entries move, which cannot fail.  All under the map lock held for writing.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/hugetlb.h"
#include "mm/space.h"
#include "mm/userfault.h"

struct move {
	vaddr_t from, to;
	size_t old_length, new_length; /* whole pages */
	u32 flags;
};

/* May the region be resized so?  Linux's vma_to_resize. */
static int check_resize(struct address_space *space, const struct region *region,
			const struct move *move)
{
	if (move->old_length == 0 && !(region->flags & REGION_SHARED))
		return -EINVAL;
	if ((move->flags & MREMAP_DONTUNMAP) && (region->flags & REGION_SPECIAL))
		return -EINVAL;
	if (move->old_length > region->end - move->from)
		return -EFAULT;
	if (move->new_length == move->old_length)
		return 0;
	if (region_offset(region, move->from) + move->new_length < move->new_length)
		return -EINVAL;
	if (region->flags & REGION_SPECIAL)
		return -EFAULT;
	size_t more = (move->new_length - move->old_length) >> PAGE_SHIFT;
	if (region->flags & REGION_LOCKED) {
		int result = space_check_locked(space, more, -EAGAIN);
		if (result != 0)
			return -EAGAIN;
	}
	return region_check_limits(space, more, region->flags);
}

/* Makes the tables on both sides the space's own, so that what follows cannot fail.  0 or -ENOMEM.
 */
static int prepare_tables(struct address_space *space, const struct move *move)
{
	size_t moved = MIN(move->old_length, move->new_length);
	int result = tree_isolate(space, move->to, move->to + move->new_length, COVERED_GOES);

	if (result == 0)
		result = tree_isolate(space, move->from, move->from + moved, COVERED_COPY);
	return result == 0 ? tree_prepare(space, move->to, move->to + moved) : result;
}

/* What is at the old place from now on: nothing, or for MREMAP_DONTUNMAP the region, not locked. */
static int leave_source(struct address_space *space, const struct move *move)
{
	vaddr_t end = move->from + move->old_length;

	if (move->old_length == 0)
		return 0;
	if (!(move->flags & MREMAP_DONTUNMAP)) {
		int result = 0;
		if (unlikely(!list_empty(&space->userfaults)))
			result = userfault_note_unmap(space, move->from, end);
		return result == 0 ? region_remove(space, move->from, end) : result;
	}
	struct region *region = region_find(space, move->from);
	return region_set_flags(space, region, move->from, end,
				region->flags & ~(u32)(REGION_LOCKED | REGION_LOCK_ON_FAULT));
}

static void drop_source_entries(struct address_space *space, const struct move *move)
{
	struct region *below = region_tree_find_before(&space->regions, move->from);
	struct region *above = region_tree_find(&space->regions, move->from + move->old_length);

	if (!(move->flags & MREMAP_DONTUNMAP))
		zap_nodes(space, move->from, move->from + move->old_length,
			  below != NULL ? below->end : 0,
			  above != NULL ? above->start : USER_TABLES_TOP);
}

/* Map lock held for writing; the target range is free. */
static long move_locked(struct address_space *space, struct region *region, const struct move *move)
{
	struct region wanted = *region;
	int result = prepare_tables(space, move);

	wanted.start = move->to;
	wanted.end = move->to + move->new_length;
	wanted.offset = region_offset(region, move->from);
	wanted.flags &= ~(u32)REGION_TRACKED; /* what moves counts as written */
	if (result == 0 && unlikely(wanted.userfault != NULL))
		result = userfault_note_move(space, &wanted, move->from, move->old_length);
	if (result == 0)
		result = region_add_moved(space, &wanted);
	if (result != 0)
		return result;
	result = leave_source(space, move);
	if (result != 0) {
		ENSURE(region_remove(space, wanted.start, wanted.end) == 0);
		return result;
	}
	region = region_find(space, move->to);
	if (space->layout.vdso == move->from && (region->flags & REGION_SPECIAL))
		space->layout.vdso = move->to;
	if (move->old_length != 0) {
		move_entries(space, move->from, move->to, MIN(move->old_length, move->new_length));
		drop_source_entries(space, move);
	}
	region_join(space, region);
	return (long)move->to;
}

/* Somewhere else: where the program says, or for MREMAP_DONTUNMAP alone, where there is room. */
static long remap_to(struct address_space *space, struct move move, vaddr_t new_address)
{
	bool fixed = move.flags & MREMAP_FIXED;

	if (new_address % PAGE_SIZE != 0 || move.new_length > USER_TOP ||
	    new_address > USER_TOP - move.new_length)
		return -EINVAL;
	if (move.from + move.old_length > new_address && new_address + move.new_length > move.from)
		return -EINVAL;
	if (space->regions.count + 2 > REGION_LIMIT - 3)
		return -ENOMEM;
	if (fixed && !space_may_map(new_address))
		return -EPERM;
	int result = 0;
	if (fixed)
		result = space_unmap_locked(space, new_address, new_address + move.new_length);
	if (result == 0 && move.old_length > move.new_length) {
		result = space_unmap_locked(space, move.from + move.new_length,
					    move.from + move.old_length);
		move.old_length = move.new_length;
	}
	if (result != 0)
		return result;
	struct region *region = region_find(space, move.from);
	if (region == NULL)
		return -EFAULT;
	result = check_resize(space, region, &move);
	if (result == 0 && (move.flags & MREMAP_DONTUNMAP))
		result = region_check_limits(space, move.old_length >> PAGE_SHIFT, region->flags);
	if (result != 0)
		return result;
	if (!fixed) {
		long place = space_find_place(space, new_address, move.new_length, 0);
		if (place < 0)
			return place;
		new_address = (vaddr_t)place;
	}
	move.to = new_address;
	return move_locked(space, region, &move);
}

/* Can the region's end grow by so much without meeting another, or a stack's guard gap? */
static bool has_room(const struct address_space *space, const struct region *region, size_t more)
{
	struct region *next = region_next(space, region);

	if (more > USER_TOP - region->end)
		return false;
	if (next == NULL)
		return true;
	return next->start - region->end >=
	       more + (next->flags & REGION_GROWS_DOWN ? STACK_GUARD_GAP : 0);
}

/* The new part joins the region, unless that is a stack. */
static int grow_in_place(struct address_space *space, struct region *region, vaddr_t end)
{
	struct region wanted = *region;

	if (region->flags & REGION_GROWS_DOWN)
		return region_grow(space, region, region->start, end);
	wanted.start = region->end;
	wanted.end = end;
	wanted.offset = region_offset(region, region->end);
	return region_add(space, &wanted);
}

static long grow(struct address_space *space, struct region *region, struct move move)
{
	int result = check_resize(space, region, &move);

	if (result != 0)
		return result;
	if (move.old_length == region->end - move.from &&
	    has_room(space, region, move.new_length - move.old_length)) {
		if (tree_isolate(space, region->end, move.from + move.new_length, COVERED_GOES) !=
		    0)
			return -ENOMEM;
		result = grow_in_place(space, region, move.from + move.new_length);
		return result == 0 ? (long)move.from : result;
	}
	if (!(move.flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	long place = space_find_place(space, 0, move.new_length, 0);
	if (place < 0)
		return place;
	move.to = (vaddr_t)place;
	return move_locked(space, region, &move);
}

static long remap_locked(struct address_space *space, const struct move *move, vaddr_t new_address)
{
	struct region *region = region_find(space, move->from);

	if (region == NULL)
		return -EFAULT;
	if (move->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(space, *move, new_address);
	if (move->old_length < move->new_length || move->old_length == 0)
		return grow(space, region, *move);
	int result = 0;
	if (move->old_length > move->new_length)
		result = space_unmap_locked(space, move->from + move->new_length,
					    move->from + move->old_length);
	return result != 0 ? result : (long)move->from;
}

/* Huge pages from the pool move as whole ones, and there are not more of them afterwards. */
static int adjust_huge(struct address_space *space, struct move *move, vaddr_t new_address)
{
	const struct region *region = region_find(space, move->from);

	if (region == NULL || !(region->flags & REGION_HUGETLB))
		return 0;
	u64 size = hugetlb_bytes(region_hugetlb_size(region));
	move->old_length = ALIGN_UP(move->old_length, size);
	move->new_length = ALIGN_UP(move->new_length, size);
	if (move->from % size != 0 || move->new_length > move->old_length ||
	    (move->flags & MREMAP_DONTUNMAP))
		return -EINVAL;
	return (move->flags & MREMAP_FIXED) && new_address % size != 0 ? -EINVAL : 0;
}

long vmm_mremap(struct address_space *space, vaddr_t address, size_t old_length, size_t new_length,
		u32 flags, vaddr_t new_address)
{
	struct move move = {
		.from = address,
		.old_length = ALIGN_UP(old_length, PAGE_SIZE),
		.new_length = ALIGN_UP(new_length, PAGE_SIZE),
		.flags = flags,
	};

	if (flags & ~(u32)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) &&
	    (!(flags & MREMAP_MAYMOVE) || move.old_length != move.new_length))
		return -EINVAL;
	if (address % PAGE_SIZE != 0 || move.new_length == 0)
		return -EINVAL;
	if (address >= USER_TOP || move.old_length > USER_TOP - address)
		return address >= USER_TOP ? -EFAULT : -EINVAL;
	rwlock_write_lock(&space->map_lock);
	long result = adjust_huge(space, &move, new_address);
	if (result == 0)
		result = remap_locked(space, &move, new_address);
	struct region *region = result >= 0 ? region_find(space, (vaddr_t)result) : NULL;
	bool populate = region != NULL && (region->flags & REGION_LOCKED) &&
			move.new_length > move.old_length;
	if (result < 0)
		userfault_forget(userfault_take_notices(space));
	space_write_unlock(space);
	if (populate)
		(void)!populate_range(space, (vaddr_t)result, (vaddr_t)result + move.new_length,
				      true);
	return result;
}
