/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of a space one by one, and which of them have been accessed or written lately: see
 * inspect.h.
 *
 * The processor sets the accessed bit in the entry when it fills its TLB.  Clearing it in a leaf
 * that several spaces share clears it for all of them.
 */
#include "lib/string.h"
#include "mm/inspect.h"
#include "mm/space.h"
#include "mm/tree.h"

static u32 sharers(const struct tree_span *span, u32 index, pte_t entry)
{
	u32 refs = frame_refs(entry_phys(entry));

	if (!frame_is_anonymous(entry_phys(entry)))
		refs -= MIN(refs, 1u); /* the page cache's */
	return refs + span->others + ring_count(span->node, index, entry);
}

/* What its marks say, for a region that is tracked and watched. */
static u64 marks_word(pte_t entry)
{
	u64 marks = entry_marks(entry);

	return (marks & PAGE_CLEAN ? 0 : PAGEMAP_WRITTEN) |
	       (marks & PAGE_WATCHED ? PAGEMAP_WATCHED : 0);
}

static u64 page_word(const struct tree_span *span, u32 index, pte_t entry, bool frames)
{
	if (pte_is_none(entry))
		return 0;
	u64 word = marks_word(entry);
	if (entry_is_watch(entry))
		return word & PAGEMAP_WATCHED;
	/* Where Linux has the area's number, there is none: slots are counted over all. */
	if (entry_is_swapped(entry))
		return word | PAGEMAP_SWAPPED |
		       (frames ? (u64)entry_swap_slot(entry) << 5 & PAGEMAP_FRAME : 0);
	word |= PAGEMAP_PRESENT;
	if (frames)
		word |= (entry_phys(entry) >> PAGE_SHIFT) & PAGEMAP_FRAME;
	if (entry_is_special(entry))
		return word;
	word |= frame_is_anonymous(entry_phys(entry)) ? 0 : PAGEMAP_FILE;
	word |= sharers(span, index, entry) == 1 ? PAGEMAP_EXCLUSIVE : 0;
	return word;
}

/* Marks are believed in some regions only, and in those that are not tracked everything counts as
 * written. */
static void apply_regions(struct address_space *space, vaddr_t start, vaddr_t end, u64 *words)
{
	struct region *region = region_find_first(space, start);

	for (; region != NULL && region->start < end; region = region_next(space, region)) {
		u64 set = region->flags & REGION_TRACKED ? 0 : PAGEMAP_WRITTEN;
		u64 drop = region->flags & REGION_WATCH_WRITES ? 0 : PAGEMAP_WATCHED;
		vaddr_t stop = MIN(region->end, end);
		for (vaddr_t page = MAX(region->start, start); page < stop; page += PAGE_SIZE) {
			u64 *word = &words[(page - start) >> PAGE_SHIFT];
			*word = (*word & ~drop) | set;
		}
	}
}

void vmm_page_words(struct address_space *space, vaddr_t start, size_t count, bool frames,
		    u64 *words)
{
	struct tree_span span;
	vaddr_t at = start, end = MIN(start + count * PAGE_SIZE, (vaddr_t)USER_TOP);

	memset(words, 0, count * sizeof(*words));
	rwlock_read_lock(&space->map_lock);
	while (tree_look_span(space, &at, end, &span)) {
		size_t first = (span.start - start) >> PAGE_SHIFT;
		bool ring = ring_lock(span.node);
		for (u32 i = 0; i < span.count; i++)
			words[first + i] = page_word(&span, slot_index(span.slot) + i,
						     pte_read(&span.slot[i]), frames);
		ring_unlock(span.node, ring);
		tree_unlock_span(space, &span);
	}
	apply_regions(space, start, end, words);
	rwlock_read_unlock(&space->map_lock);
}

/* --- Written pages --- */

static int track(struct address_space *space, struct region *region)
{
	vaddr_t start = region->start, end = region->end;
	int result = tree_isolate(space, start, end, COVERED_COPY);

	if (result == 0)
		result =
			region_set_flags(space, region, start, end, region->flags | REGION_TRACKED);
	if (result == 0)
		mark_entries(space, start, end, PAGE_CLEAN, 0);
	return result;
}

int vmm_clear_written(struct address_space *space)
{
	int result = 0;

	rwlock_write_lock(&space->map_lock);
	struct region *region = region_find_first(space, 0);
	while (region != NULL && result == 0) {
		vaddr_t end = region->end;
		if (!(region->flags & (REGION_SPECIAL | REGION_HUGETLB)) &&
		    region->kind != KIND_KERNEL)
			result = track(space, region);
		region = region_find_first(space, end);
	}
	rwlock_write_unlock(&space->map_lock);
	return result;
}

/* --- Accessed pages --- */

/* Clears the bit, whatever the processor does to the entry meanwhile. */
static void clear_accessed(pte_t *slot, enum referenced_what what)
{
	pte_t entry = pte_read(slot);

	if (!pte_is_present(entry) || !(pte_flags(entry) & PAGE_ACCESSED) ||
	    entry_is_special(entry))
		return;
	if (what != REFERENCED_ALL &&
	    frame_is_anonymous(entry_phys(entry)) != (what == REFERENCED_ANONYMOUS))
		return;
	while (pte_is_present(entry) &&
	       !pte_compare_exchange(slot, &entry, pte_clear(entry, PAGE_ACCESSED)))
		;
}

static void clear_link_accessed(pte_t *slot)
{
	pte_t link = pte_read(slot);

	while (link_is_huge(link) && (pte_flags(link) & PAGE_ACCESSED) &&
	       !pte_compare_exchange(slot, &link, pte_clear(link, PAGE_ACCESSED)))
		;
}

void vmm_clear_referenced(struct address_space *space, enum referenced_what what)
{
	struct tree_span span;
	struct gather gather;
	vaddr_t at = 0;

	rwlock_read_lock(&space->map_lock);
	gather_begin(&gather, space);
	while (tree_look_span(space, &at, USER_TOP, &span)) {
		for (u32 i = 0; i < span.count; i++)
			clear_accessed(&span.slot[i], what);
		/* Of a huge page the machine marks the link. */
		if (span.huge && what != REFERENCED_FILE)
			clear_link_accessed(span.link);
		gather.family |= span.others != 0;
		gather_range(&gather, span.start, span.start + span.count * PAGE_SIZE);
		tree_unlock_span(space, &span);
	}
	gather_finish(&gather);
	rwlock_read_unlock(&space->map_lock);
}

void vmm_reset_peak(struct address_space *space)
{
	WRITE_ONCE(space->peak_resident, 0);
	vmm_space_weight(space);
}
