/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program says of its pages beforehand: that it does not need them any more (MADV_FREE), or
 * will need them soon (MADV_WILLNEED).
 *
 * Given up is a page by its entry: PAGE_LAZY, and no PAGE_DIRTY (entry.h).  The CPUs are flushed
 * before the leaf's lock is released, so that from then on every write shows in the entry.  Only
 * what is the program's alone is given up: a page that a child shares is the child's, too.
 */
#include "mm/pagecache_internal.h"
#include "mm/reclaim_internal.h"
#include "mm/space.h"
#include "mm/zap.h"

enum { AHEAD_BATCH = 32 };

/* The leaf is locked.  Did the page become lazy just now?  Not if it is pinned: a device may write
 * to it, and leave no dirty bit. */
static bool give_up_page(pte_t *slot, pte_t entry)
{
	const u64 wanted = PAGE_EXCL, unwanted = PAGE_SPECIAL | PAGE_MARKS;

	if (entry_has_frame(entry) && entry_is_pinned(entry))
		return false;
	while (pte_is_present(entry) && (pte_flags(entry) & (wanted | unwanted)) == wanted &&
	       frame_is_anonymous(entry_phys(entry)) && !entry_is_lazy(entry)) {
		pte_t lazy = pte_clear(pte_set(entry, PAGE_LAZY), PAGE_DIRTY | PAGE_ACCESSED);
		if (pte_compare_exchange(slot, &entry, lazy))
			return true;
	}
	return false;
}

/* Slots of one leaf from that of `page` on, which is locked. */
static void give_up_in_leaf(struct tree_leaf *leaf, vaddr_t page, u32 count, struct gather *gather)
{
	bool ring = ring_lock(leaf->node);
	size_t given = 0;

	for (u32 i = 0; i < count; i++, page += PAGE_SIZE) {
		pte_t *slot = leaf->slot + i, entry = pte_read(slot);
		if (entry_is_swapped(entry)) {
			zap_entry(leaf->node, slot, entry, ring, gather);
		} else if (give_up_page(slot, entry)) {
			gather_range(gather, page, page + PAGE_SIZE);
			given++;
		}
	}
	ring_unlock(leaf->node, ring);
	gather_finish(gather);
	reclaim_note(RECLAIM_LAZY, given);
}

/* Locks the leaf of a page if it is the space's own; a huge page is split. */
static bool lock_own_leaf(struct address_space *space, vaddr_t page, struct tree_leaf *leaf)
{
	if (tree_lock_leaf(space, page, TREE_FIND, leaf) != 0)
		return false;
	bool own = leaf->exclusive, huge = leaf->node->huge_links != 0;
	if (own && likely(!huge))
		return true;
	tree_unlock_leaf(leaf);
	/* As the way is its own, this copies nothing. */
	return own && tree_lock_leaf(space, page, TREE_OWN, leaf) == 0;
}

void reclaim_give_up(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct gather gather;

	gather_begin(&gather, space);
	while (start < end) {
		vaddr_t stop = MIN(ALIGN_DOWN(start, pt_span(2)) + pt_span(2), end);
		struct tree_leaf leaf;
		if (lock_own_leaf(space, start, &leaf)) {
			give_up_in_leaf(&leaf, start, (u32)((stop - start) >> PAGE_SHIFT), &gather);
			tree_unlock_leaf(&leaf);
		}
		start = stop;
	}
}

/* --- Ahead --- */

/* Slots that swapped entries of [*at, end) name, with a count each; *at moves behind. */
static size_t collect_slots(struct address_space *space, vaddr_t *at, vaddr_t end,
			    swap_entry_t *slots)
{
	struct tree_span span;
	size_t count = 0;

	if (!tree_lock_span(space, at, end, &span)) {
		*at = end;
		return 0;
	}
	for (u32 i = 0; i < span.count; i++) {
		pte_t entry = pte_read(&span.slot[i]);
		if (!entry_is_swapped(entry))
			continue;
		if (count == AHEAD_BATCH) {
			*at = span.start + i * PAGE_SIZE;
			break;
		}
		slots[count] = entry_swap_slot(entry);
		swap_dup(slots[count++]);
	}
	tree_unlock_span(space, &span);
	return count;
}

/* What a device has to be read for is read; the pool gives its pages as fast when they are touched.
 */
static void bring_anonymous(struct address_space *space, vaddr_t start, vaddr_t end)
{
	swap_entry_t slots[AHEAD_BATCH];
	phys_t frame;

	while (start < end && !frame_is_short()) {
		size_t count = collect_slots(space, &start, end, slots);
		for (size_t i = 0; i < count; i++) {
			if (swap_is_on_area(slots[i]) && swap_in(slots[i], &frame) >= 0)
				frame_free(frame);
			swap_free(slots[i]);
		}
	}
}

void reclaim_bring_ahead(struct address_space *space, const struct region *region, vaddr_t start,
			 vaddr_t end)
{
	struct page_cache *cache = region_cache(region);

	if (region->flags & REGION_SPECIAL)
		return;
	if (cache != NULL)
		page_cache_bring(cache, region_index(region, start), region_index(region, end));
	if (!(region->flags & REGION_SHARED))
		bring_anonymous(space, start, end);
}
