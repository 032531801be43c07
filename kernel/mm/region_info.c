/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions as others may see them: for /proc/PID/maps and smaps.
 */
#include "lib/string.h"
#include "mm/huge.h"
#include "mm/space.h"
#include "mm/tree.h"

static void count_pages(struct address_space *space, const struct region *region,
			struct region_info *info)
{
	struct tree_span span;
	vaddr_t at = region->start;

	while (tree_look_span(space, &at, region->end, &span)) {
		for (u32 i = 0; i < span.count; i++) {
			pte_t entry = pte_read(&span.slot[i]);
			if (!entry_has_frame(entry))
				continue;
			info->resident_pages++;
			info->anonymous_pages += frame_of(entry_phys(entry))->kind == FRAME_USER;
		}
		tree_unlock_span(space, &span);
	}
}

static void describe(const struct address_space *space, struct region *region,
		     struct region_info *info)
{
	u32 flags = region->flags;

	*info = (struct region_info){
		.start = region->start,
		.end = region->end,
		.prot = flags & REGION_ACCESS,
		.shared = flags & REGION_SHARED,
		.grows_down = flags & REGION_GROWS_DOWN,
		.locked = flags & REGION_LOCKED,
		.io = flags & REGION_SPECIAL,
		.no_reserve = flags & REGION_NO_RESERVE,
		.no_fork = flags & REGION_NO_FORK,
		.wipe_on_fork = flags & REGION_WIPE_ON_FORK,
		.no_dump = flags & REGION_NO_DUMP,
		.huge = flags & REGION_HUGE,
		.no_huge = flags & REGION_NO_HUGE,
		.hugetlb = flags & REGION_HUGETLB,
		.gigantic = flags & REGION_GIGANTIC,
		.huge_eligible =
			huge_is_allowed(space, region, ALIGN_UP(region->start, HUGE_SIZE), false),
		.watch_missing = flags & REGION_WATCH_MISSING,
		.watch_writes = flags & REGION_WATCH_WRITES,
		.watch_minor = flags & REGION_WATCH_MINOR,
		.tracked = flags & REGION_TRACKED,
		.lock_on_fault = flags & REGION_LOCK_ON_FAULT,
		.committed = region_is_committed(flags),
		.key = region_flags_key(flags),
		.may_read = flags & REGION_MAY_READ,
		.may_write = flags & REGION_MAY_WRITE,
		.may_execute = flags & REGION_MAY_EXECUTE,
		.kind = region->kind,
		.offset = region->backing != NULL ? region->offset : 0,
	};
	if (region->name != NULL)
		strscpy(info->name, region->name, sizeof(info->name));
	else if (region->kind == KIND_HEAP)
		strscpy(info->name, "[heap]", sizeof(info->name));
}

bool vmm_next_region(struct address_space *space, vaddr_t address, struct region_info *info,
		     bool count)
{
	struct backing *backing = NULL;

	rwlock_read_lock(&space->map_lock);
	struct region *region = region_find_first(space, address);
	if (region != NULL) {
		describe(space, region, info);
		if (count)
			count_pages(space, region, info);
		backing = region->backing;
		if (backing != NULL)
			backing->ops->get(backing);
	}
	rwlock_read_unlock(&space->map_lock);
	/* The file system's locks are not for under the map lock. */
	if (backing != NULL) {
		if (backing->ops->name != NULL &&
		    backing->ops->name(backing, info->name, sizeof(info->name)) < 0)
			info->name[0] = '\0';
		if (backing->ops->identity != NULL)
			backing->ops->identity(backing, &info->device, &info->inode);
		backing->ops->put(backing);
	}
	return region != NULL;
}
