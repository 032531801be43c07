/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madvise(2).
 *
 * Advice falls into three classes: what changes flags of regions (map lock for writing), what drops
 * pages (for reading suffices, as the tables' locks order it against faults), and hints, of which
 * those about pages that are not needed now are followed (reclaim.h).
 */
#include "lib/errno.h"
#include "mm/collapse.h"
#include "mm/hugetlb.h"
#include "mm/reclaim.h"
#include "mm/space.h"
#include "mm/userfault.h"

enum class {
	CLASS_UNKNOWN,
	CLASS_HINT,
	CLASS_DROP,
	CLASS_FLAGS,
	CLASS_POPULATE,
	CLASS_REMOVE,
	CLASS_COLLAPSE
};

static const u8 classes[] = {
	[MADV_NORMAL] = CLASS_HINT,
	[MADV_RANDOM] = CLASS_HINT,
	[MADV_SEQUENTIAL] = CLASS_HINT,
	[MADV_WILLNEED] = CLASS_HINT,
	[MADV_DONTNEED] = CLASS_DROP,
	[MADV_FREE] = CLASS_DROP,
	[MADV_REMOVE] = CLASS_REMOVE,
	[MADV_DONTFORK] = CLASS_FLAGS,
	[MADV_DOFORK] = CLASS_FLAGS,
	[MADV_HUGEPAGE] = CLASS_FLAGS,
	[MADV_NOHUGEPAGE] = CLASS_FLAGS,
	[MADV_DONTDUMP] = CLASS_FLAGS,
	[MADV_DODUMP] = CLASS_FLAGS,
	[MADV_WIPEONFORK] = CLASS_FLAGS,
	[MADV_KEEPONFORK] = CLASS_FLAGS,
	[MADV_COLD] = CLASS_HINT,
	[MADV_PAGEOUT] = CLASS_HINT,
	[MADV_POPULATE_READ] = CLASS_POPULATE,
	[MADV_POPULATE_WRITE] = CLASS_POPULATE,
	[MADV_COLLAPSE] = CLASS_COLLAPSE,
	[MADV_DONTNEED_LOCKED] = CLASS_DROP,
};

static enum class class_of(int advice) {
	return advice >= 0 && (size_t)advice < ARRAY_SIZE(classes) ? classes[advice]
								   : CLASS_UNKNOWN;
}

/* --- MADV_REMOVE: holes in the file --- */

static int check_remove(const struct region *region)
{
	if (region->flags & REGION_LOCKED || region->backing == NULL)
		return -EINVAL;
	if ((region->flags & (REGION_SHARED | REGION_WRITE)) != (REGION_SHARED | REGION_WRITE))
		return -EACCES;
	return region->backing->ops->punch != NULL ? 0 : -EOPNOTSUPP;
}

/* The backing, with a reference, of the first region at or above *start, and the file's range that
 * it maps there; *start moves behind.  1: there was a hole in front; negative errno. */
static int next_to_remove(struct address_space *space, vaddr_t *start, vaddr_t end,
			  struct backing **backing, u64 *from, u64 *to)
{
	struct region *region = region_find_first(space, *start);

	if (region == NULL || region->start >= end)
		return -ENOMEM;
	int result = check_remove(region);
	if (result != 0)
		return result;
	vaddr_t first = MAX(*start, region->start), stop = MIN(region->end, end);
	*backing = region->backing;
	(*backing)->ops->get(*backing);
	*from = region->offset + (first - region->start);
	*to = *from + (stop - first);
	result = first > *start;
	*start = stop;
	return result;
}

/* The file's own locks are outside of the map lock. */
static int remove_pages(struct address_space *space, vaddr_t start, vaddr_t end)
{
	int holes = 0;

	while (start < end) {
		struct backing *backing;
		u64 from, to;
		rwlock_read_lock(&space->map_lock);
		int result = next_to_remove(space, &start, end, &backing, &from, &to);
		rwlock_read_unlock(&space->map_lock);
		if (result < 0)
			return result;
		if (result > 0)
			holes = -ENOMEM;
		result = backing->ops->punch(backing, from, to);
		backing->ops->put(backing);
		if (result != 0)
			return result;
	}
	return holes;
}

/* --- The rest --- */

static int drop(struct address_space *space, const struct region *region, vaddr_t start,
		vaddr_t end, int advice)
{
	if (region->flags & REGION_SPECIAL)
		return -EINVAL;
	if (unlikely(region->flags & REGION_HUGETLB)) {
		u64 size = hugetlb_bytes(region_hugetlb_size(region));
		if (advice == MADV_FREE || start % size != 0)
			return -EINVAL;
		end = ALIGN_DOWN(end, size);
		return start < end ? zap_own(space, start, end, region_keeps_watches(region)) : 0;
	}
	if ((region->flags & REGION_LOCKED) && advice != MADV_DONTNEED_LOCKED)
		return -EINVAL;
	if (advice == MADV_FREE && (region->backing != NULL || (region->flags & REGION_SHARED)))
		return -EINVAL;
	if (advice == MADV_FREE) {
		reclaim_give_up(space, start, end);
		return 0;
	}
	return zap_own(space, start, end, region_keeps_watches(region));
}

/* The flags that a region would have; -EINVAL when the advice does not suit it. */
static int advised_flags(const struct region *region, int advice)
{
	u32 flags = region->flags;

	switch (advice) {
	case MADV_DONTFORK:
		return (int)(flags | REGION_NO_FORK);
	case MADV_DOFORK:
		return (int)(flags & ~(u32)REGION_NO_FORK);
	case MADV_WIPEONFORK:
		if (region->backing != NULL ||
		    (flags & (REGION_SHARED | REGION_SPECIAL | REGION_HUGETLB)))
			return -EINVAL;
		return (int)(flags | REGION_WIPE_ON_FORK);
	case MADV_KEEPONFORK:
		return (int)(flags & ~(u32)REGION_WIPE_ON_FORK);
	case MADV_HUGEPAGE:
		return (int)((flags & ~(u32)REGION_NO_HUGE) | REGION_HUGE);
	case MADV_NOHUGEPAGE:
		return (int)((flags & ~(u32)REGION_HUGE) | REGION_NO_HUGE);
	case MADV_DONTDUMP:
		return (int)(flags | REGION_NO_DUMP);
	default:
		return flags & REGION_SPECIAL ? -EINVAL : (int)(flags & ~(u32)REGION_NO_DUMP);
	}
}

static int change_flags(struct address_space *space, struct region *region, vaddr_t start,
			vaddr_t end, int advice)
{
	int flags = advised_flags(region, advice);

	if (flags < 0 || (u32)flags == region->flags)
		return MIN(flags, 0);
	return region_set_flags(space, region, start, end, (u32)flags);
}

static int hint(struct address_space *space, const struct region *region, vaddr_t start,
		vaddr_t end, int advice)
{
	if (advice == MADV_WILLNEED) {
		reclaim_bring_ahead(space, region, start, end);
		return 0;
	}
	if (advice != MADV_COLD && advice != MADV_PAGEOUT)
		return 0;
	if (region->flags & (REGION_LOCKED | REGION_SPECIAL | REGION_HUGETLB))
		return -EINVAL;
	reclaim_region(space, region, &start, end, advice == MADV_COLD ? RECLAIM_COLD : RECLAIM_ALL,
		       UINTPTR_MAX);
	return 0;
}

/* Holes are skipped, and reported at the end. */
static int advise_locked(struct address_space *space, vaddr_t start, vaddr_t end, int advice)
{
	int holes = 0;

	while (start < end) {
		struct region *region = region_find_first(space, start);
		if (region == NULL || region->start >= end)
			return -ENOMEM;
		if (region->start > start)
			holes = -ENOMEM;
		start = MAX(start, region->start);
		vaddr_t stop = MIN(region->end, end);
		int result;
		switch (class_of(advice)) {
		case CLASS_DROP:
			result = drop(space, region, start, stop, advice);
			break;
		case CLASS_FLAGS:
			result = change_flags(space, region, start, stop, advice);
			break;
		default:
			result = hint(space, region, start, stop, advice);
		}
		if (result != 0)
			return result;
		start = stop;
	}
	return holes;
}

int vmm_madvise(struct address_space *space, vaddr_t address, size_t length, int advice)
{
	enum class class = class_of(advice);
	size_t whole = ALIGN_UP(length, PAGE_SIZE);
	vaddr_t end = address + whole;

	if (class == CLASS_UNKNOWN || address % PAGE_SIZE != 0 || (length != 0 && whole == 0) ||
	    end < address)
		return -EINVAL;
	if (whole == 0)
		return 0;
	if (class == CLASS_POPULATE)
		return vmm_populate(space, address, whole, advice == MADV_POPULATE_WRITE);
	if ((class == CLASS_REMOVE || class == CLASS_DROP) &&
	    unlikely(!list_empty(&space->userfaults))) {
		int result = userfault_tell_remove(space, address, end);
		if (result != 0)
			return result;
	}
	if (class == CLASS_COLLAPSE)
		return vmm_collapse(space, address, end);
	if (class == CLASS_REMOVE)
		return remove_pages(space, address, end);
	if (class == CLASS_FLAGS)
		rwlock_write_lock(&space->map_lock);
	else
		rwlock_read_lock(&space->map_lock);
	int result = advise_locked(space, address, end, advice);
	if (class == CLASS_FLAGS)
		rwlock_write_unlock(&space->map_lock);
	else
		rwlock_read_unlock(&space->map_lock);
	return result;
}
