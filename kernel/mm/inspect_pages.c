/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of a space one by one, and which of them have been accessed lately: see inspect.h.
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

static u64 page_word(const struct tree_span *span, u32 index, pte_t entry, bool frames)
{
	u64 word = PAGEMAP_PRESENT;

	if (pte_is_none(entry))
		return 0;
	/* Where Linux has the area's number, there is none: slots are counted over all. */
	if (entry_is_swapped(entry))
		return PAGEMAP_SWAPPED |
		       (frames ? (u64)entry_swap_slot(entry) << 5 & PAGEMAP_FRAME : 0);
	if (frames)
		word |= (entry_phys(entry) >> PAGE_SHIFT) & PAGEMAP_FRAME;
	if (entry_is_special(entry))
		return word;
	word |= frame_is_anonymous(entry_phys(entry)) ? 0 : PAGEMAP_FILE;
	word |= sharers(span, index, entry) == 1 ? PAGEMAP_EXCLUSIVE : 0;
	return word;
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
	rwlock_read_unlock(&space->map_lock);
}

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
