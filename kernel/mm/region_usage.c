/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a region has in memory, page by page: for /proc/PID/smaps.
 *
 * A frame is shared when more than one process maps it: its references count the entries, one for
 * all of a ring, and the page cache's own for a file's page; and a leaf may be shared itself.
 * Somebody who holds a page for a moment is counted along.
 */
#include "lib/string.h"
#include "mm/space.h"
#include "mm/tree.h"

static void count_entry(const struct tree_span *span, u32 index, pte_t entry,
			struct region_usage *usage)
{
	phys_t frame = entry_phys(entry);
	bool anonymous = frame_of(frame)->kind == FRAME_USER;
	u64 flags = pte_is_present(entry) ? pte_flags(entry) : 0;
	/* Anonymous pages exist nowhere else, so none of them is clean but those that need not. */
	bool lazy = anonymous && entry_is_lazy(entry);
	bool dirty = (anonymous && !lazy) || (flags & PAGE_DIRTY);
	u32 refs = frame_refs(frame);
	u32 entries = MAX(anonymous ? refs : refs - MIN(refs, 1u), 1u) + span->others +
		      ring_count(span->node, index, entry);
	u64 part = PAGE_SIZE / entries;

	usage->resident += PAGE_SIZE;
	usage->proportional += part;
	usage->anonymous += anonymous ? PAGE_SIZE : 0;
	usage->lazy += lazy ? PAGE_SIZE : 0;
	usage->proportional_anonymous += anonymous ? part : 0;
	usage->proportional_dirty += dirty ? part : 0;
	usage->referenced += flags & PAGE_ACCESSED ? PAGE_SIZE : 0;
	if (entries > 1)
		*(dirty ? &usage->shared_dirty : &usage->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &usage->private_dirty : &usage->private_clean) += PAGE_SIZE;
}

static void count_swapped(const struct tree_span *span, u32 index, pte_t entry,
			  struct region_usage *usage)
{
	u32 entries = swap_count(entry_swap_slot(entry)) + span->others +
		      ring_count(span->node, index, entry);

	usage->swapped += PAGE_SIZE;
	usage->swapped_proportional += PAGE_SIZE / entries;
}

void vmm_region_usage(struct address_space *space, vaddr_t start, vaddr_t end,
		      struct region_usage *usage)
{
	struct tree_span span;

	*usage = (struct region_usage){.resident = 0};
	rwlock_read_lock(&space->map_lock);
	while (tree_look_span(space, &start, end, &span)) {
		pte_t link = pte_read(span.link);
		bool ring = ring_lock(span.node);
		u64 referenced = usage->referenced;
		for (u32 i = 0; i < span.count; i++) {
			pte_t entry = pte_read(&span.slot[i]);
			if (entry_has_frame(entry))
				count_entry(&span, slot_index(span.slot) + i, entry, usage);
			else if (entry_is_swapped(entry))
				count_swapped(&span, slot_index(span.slot) + i, entry, usage);
		}
		ring_unlock(span.node, ring);
		if (link_is_huge(link)) {
			/* The machine marks the link. */
			usage->huge += span.count * PAGE_SIZE;
			usage->referenced =
				referenced +
				(pte_flags(link) & PAGE_ACCESSED ? span.count * PAGE_SIZE : 0);
		}
		tree_unlock_span(space, &span);
	}
	const struct region *region = region_find(space, end - 1);
	if (region != NULL && (region->flags & REGION_HUGETLB))
		*usage = (struct region_usage){
			.hugetlb_shared = usage->shared_clean + usage->shared_dirty,
			.hugetlb_private = usage->private_clean + usage->private_dirty,
		};
	rwlock_read_unlock(&space->map_lock);
}
