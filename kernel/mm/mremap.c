/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mremap(2): growing and shrinking in place, and moving.
 *
 * Moving makes the new region and its tables first; then the entries move, and the old region goes.
 * All under the map lock held for writing.
 */
#include "lib/errno.h"
#include "mm/mapping.h"
#include "mm/space.h"

struct move {
	vaddr_t from, to;
	size_t old_length, new_length; /* whole pages */
	u32 flags;
};

/* May the region be resized so?  Linux's vma_to_resize. */
static int check_resize(struct region *region, const struct move *move)
{
	struct address_space *space = region->space;

	if (move->old_length == 0 && !(region->flags & REGION_SHARED))
		return -EINVAL;
	if ((move->flags & MREMAP_DONTUNMAP) && (region->flags & REGION_SPECIAL))
		return -EINVAL;
	if (move->old_length > region->end - move->from)
		return -EFAULT;
	if (move->new_length == move->old_length)
		return 0;
	if (region->offset + (move->from - region->start) + move->new_length < move->new_length)
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

/* Copies what [from, from + old_length) of `old` is to the new place; the caller inserts nothing
 * else there.  0 or -ENOMEM. */
static int make_target(struct region *old, const struct move *move)
{
	struct address_space *space = old->space;
	struct region *target = region_alloc();

	if (target == NULL)
		return -ENOMEM;
	size_t moved = MIN(move->old_length, move->new_length);
	if (tree_isolate(space, move->to, move->to + move->new_length, COVERED_GOES) != 0 ||
	    tree_isolate(space, move->from, move->from + moved, COVERED_COPY) != 0 ||
	    tree_prepare(space, move->to, move->to + moved) != 0) {
		region_free(target);
		return -ENOMEM;
	}
	target->start = move->to;
	target->end = move->to + move->new_length;
	target->flags = old->flags;
	target->kind = old->kind;
	target->name = old->name;
	target->policy = old->policy;
	target->backing = old->backing;
	target->offset = old->backing != NULL ? old->offset + (move->from - old->start) : 0;
	if (target->backing != NULL)
		target->backing->ops->get(target->backing);
	region_insert(space, target);
	return 0;
}

/* Map lock held for writing; the target range is free. */
static long move_locked(struct address_space *space, struct region *region, const struct move *move)
{
	int result;

	if (move->old_length != 0) {
		result = region_isolate(space, move->from, move->from + move->old_length);
		if (result != 0)
			return result;
		region = region_find(space, move->from);
	}
	result = make_target(region, move);
	if (result != 0) {
		region_merge(region);
		return result;
	}
	if (move->old_length != 0) {
		mapping_lock(region);
		move_entries(space, move->from, move->to, MIN(move->old_length, move->new_length));
		mapping_unlock(region);
		if (move->flags & MREMAP_DONTUNMAP)
			region_set_flags(region, region->flags & ~(u32)(REGION_LOCKED |
									REGION_LOCK_ON_FAULT));
		else
			space_remove_regions_locked(space, move->from,
						    move->from + move->old_length);
	}
	if (space->layout.vdso == move->from &&
	    (region_find(space, move->to)->flags & REGION_SPECIAL))
		space->layout.vdso = move->to;
	region_merge(region_find(space, move->to));
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
	if (space->region_count + 2 > REGION_LIMIT - 3)
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
	result = check_resize(region, &move);
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
static bool has_room(struct region *region, size_t more)
{
	struct region *next = region_next(region);

	if (more > USER_TOP - region->end)
		return false;
	if (next == NULL)
		return true;
	return next->start - region->end >=
	       more + (next->flags & REGION_GROWS_DOWN ? STACK_GUARD_GAP : 0);
}

static long grow(struct address_space *space, struct region *region, struct move move)
{
	int result = check_resize(region, &move);

	if (result != 0)
		return result;
	if (move.old_length == region->end - move.from &&
	    has_room(region, move.new_length - move.old_length)) {
		if (tree_isolate(space, region->end, move.from + move.new_length, COVERED_GOES) !=
		    0)
			return -ENOMEM;
		region_set_end(region, move.from + move.new_length);
		region_merge(region);
		return (long)move.from;
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
	long result = remap_locked(space, &move, new_address);
	struct region *region = result >= 0 ? region_find(space, (vaddr_t)result) : NULL;
	bool populate = region != NULL && (region->flags & REGION_LOCKED) &&
			move.new_length > move.old_length;
	rwlock_write_unlock(&space->map_lock);
	if (populate)
		(void)!populate_range(space, (vaddr_t)result, (vaddr_t)result + move.new_length,
				      true);
	return result;
}
