/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries in bulk: changing their access, marking them, moving them.
 *
 * All run on nodes that are the space's own; changing access and moving with the map lock held for
 * writing, so no fault is on its way.  Truncation may be, which is why the leaves are locked all
 * the same.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/pin_internal.h"
#include "mm/space.h"
#include "mm/tree.h"

/* --- mprotect --- */

/* May the entry permit writing without a fault?  Only if nobody would have to be asked. */
static bool may_write_at_once(const struct region *region, struct node *leaf, const pte_t *slot,
			      pte_t entry)
{
	if (!(region->flags & REGION_WRITE) || entry_is_special(entry) || entry_marks(entry) != 0)
		return false;
	if (region->flags & REGION_SHARED)
		return region->backing->ops->written == NULL;
	return entry_is_exclusive(entry) || leaf_is_sole_owner(leaf, slot, entry);
}

/* `access`: what the region's entries have in common. */
static inline pte_t protected_entry(const struct region *region, struct node *leaf, pte_t *slot,
				    pte_t entry, u64 access)
{
	phys_t frame = entry_phys(entry);
	bool special = entry_is_special(entry);

	u64 marks = entry_marks(entry);
	/* A frame that is pinned must stay this entry's, whatever it permits meanwhile. */
	bool exclusive = entry_is_exclusive(entry);
	if (!(region->flags & REGION_ACCESS))
		return entry_add_marks(exclusive && leaf->may_pin ? entry_hidden_exclusive(frame)
								  : entry_hidden(frame, special),
				       marks);
	u64 flags = access | marks | (special ? PAGE_SPECIAL : 0);
	if (!may_write_at_once(region, leaf, slot, entry))
		return exclusive ? entry_exclusive(slot, frame, flags) : pte_leaf(frame, flags, 1);
	flags |= PAGE_WRITABLE | PAGE_DIRTY;
	return region->flags & REGION_SHARED ? pte_leaf(frame, flags, 1)
					     : entry_exclusive(slot, frame, flags);
}

static void protect_span(const struct region *region, const struct tree_span *span,
			 struct gather *gather)
{
	u64 access = region_entry_flags(region, false);

	for (u32 i = 0; i < span->count; i++) {
		pte_t *slot = &span->slot[i];
		pte_t entry = pte_read(slot);
		/* What is swapped gets its permissions when it comes back. */
		if (entry_is_vacant(entry) || entry_is_swapped(entry))
			continue;
		pte_exchange(slot, protected_entry(region, span->node, slot, entry, access));
		/* What was hidden is in no TLB. */
		if (pte_is_present(entry))
			gather_range(gather, span->start + i * PAGE_SIZE,
				     span->start + (i + 1) * PAGE_SIZE);
	}
}

void protect_region_entries(struct address_space *space, const struct region *region, vaddr_t start,
			    vaddr_t end)
{
	struct node *leaf = tree_exclusive_leaf(space, start, end);
	struct gather gather;
	struct tree_span span;
	vaddr_t at = start;

	if (leaf == NULL)
		return;
	gather_begin(&gather, space);
	if (leaf != TREE_WALK) {
		span.slot = &node_table(leaf)[pt_index(start, 1)];
		span.node = leaf;
		span.start = start;
		span.count = (u32)((end - start) >> PAGE_SHIFT);
		spin_lock(&leaf->lock);
		protect_span(region, &span, &gather);
		spin_unlock(&leaf->lock);
	} else {
		while (tree_lock_span(space, &at, end, &span)) {
			protect_span(region, &span, &gather);
			tree_unlock_span(space, &span);
		}
	}
	gather_finish(&gather);
}

/* --- Marks --- */

static pte_t marked_entry(pte_t entry, u64 set, u64 drop)
{
	if (unlikely(entry_is_watch(entry)))
		return drop & PAGE_WATCHED ? entry_none() : entry;
	entry = entry_drop_marks(entry, drop);
	if (set == 0)
		return entry;
	if (pte_is_present(entry))
		entry = pte_clear(entry, PAGE_WRITABLE);
	return entry_add_marks(entry, set);
}

/* Does a TLB have to forget it?  The processor may set bits of its own meanwhile. */
static bool mark_entry(pte_t *slot, u64 set, u64 drop)
{
	pte_t entry = pte_read(slot), wanted;

	do {
		if (pte_is_none(entry))
			return false;
		wanted = marked_entry(entry, set, drop);
		if (wanted.value == entry.value)
			return false;
	} while (!pte_compare_exchange(slot, &entry, wanted));
	return set != 0 && entry_is_writable(entry);
}

void mark_entries(struct address_space *space, vaddr_t start, vaddr_t end, u64 set, u64 drop)
{
	struct gather gather;
	struct tree_span span;
	vaddr_t at = start;

	gather_begin(&gather, space);
	while (tree_lock_span(space, &at, end, &span)) {
		for (u32 i = 0; i < span.count; i++) {
			vaddr_t page = span.start + i * PAGE_SIZE;
			if (mark_entry(&span.slot[i], set, drop))
				gather_range(&gather, page, page + PAGE_SIZE);
		}
		tree_unlock_span(space, &span);
	}
	gather_finish(&gather);
}

/* The entries of one leaf, which is locked: what is empty becomes a watch. */
static void watch_leaf(struct tree_leaf *leaf, vaddr_t page, vaddr_t end, struct gather *gather)
{
	for (pte_t *slot = leaf->slot; page < end; slot++, page += PAGE_SIZE) {
		if (pte_is_none(pte_read(slot)))
			leaf_put(leaf->node, slot, entry_watch());
		else if (mark_entry(slot, PAGE_WATCHED, 0))
			gather_range(gather, page, page + PAGE_SIZE);
	}
}

int watch_entries(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct gather gather;
	int result = 0;

	gather_begin(&gather, space);
	while (start < end && result == 0) {
		vaddr_t stop = MIN(ALIGN_DOWN(start, pt_span(2)) + pt_span(2), end);
		struct tree_leaf leaf;
		result = tree_lock_leaf(space, start, TREE_OWN, &leaf);
		if (result != 0)
			break;
		watch_leaf(&leaf, start, stop, &gather);
		tree_unlock_leaf(&leaf);
		start = stop;
	}
	gather_finish(&gather);
	return result;
}

/* --- mremap --- */

enum { MOVE_PIECE = 32 };

/* Takes the entries of a span out, with a reference each to what they name. */
static void take_out(const struct tree_span *span, pte_t *entries)
{
	bool ring = ring_lock(span->node);

	for (u32 i = 0; i < span->count; i++) {
		pte_t entry = entries[i] = pte_exchange(&span->slot[i], entry_none());
		if (!entry_has_content(entry))
			continue;
		leaf_count(span->node, entry, -1);
		if (ring && ring_shares(span->node, slot_index(span->slot) + i, entry))
			content_get(entry);
	}
	ring_unlock(span->node, ring);
}

/* Puts an entry that was taken out at an empty slot.  A reference that its ring holds already is
 * left to the gather. */
static void put_entry(struct address_space *space, vaddr_t page, pte_t entry, struct gather *gather)
{
	struct tree_leaf leaf;
	int result = tree_lock_leaf(space, page, TREE_OWN, &leaf);

	ASSERT(result == 0);
	(void)result;
	bool taken = true;
	if (!entry_has_content(entry))
		leaf_put(leaf.node, leaf.slot, entry);
	else
		taken = leaf_fill(leaf.node, leaf.slot, entry);
	if (!taken && entry_is_swapped(entry))
		swap_free(entry_swap_slot(entry));
	else if (!taken)
		gather_frame(gather, entry_phys(entry));
	if (entry_is_exclusive(entry)) {
		frame_of(entry_phys(entry))->owner = virt_to_phys(leaf.slot);
		/* It may be pinned. */
		if (space->may_pin)
			pin_note_path(space, page);
	}
	tree_unlock_leaf(&leaf);
}

/* Piece by piece: the tables of both ends seldom line up.  Truncation finds a page at the old place
 * or the new one, because the caller holds the mappings_lock of a file. */
void move_entries(struct address_space *space, vaddr_t from, vaddr_t to, size_t length)
{
	struct gather gather;
	struct tree_span span;
	pte_t entries[MOVE_PIECE];
	vaddr_t at = from;

	gather_begin(&gather, space);
	while (at < from + length) {
		vaddr_t end = MIN(at + MOVE_PIECE * PAGE_SIZE, from + length);
		if (!tree_lock_span(space, &at, end, &span))
			continue;
		take_out(&span, entries);
		tree_unlock_span(space, &span);
		gather_range(&gather, span.start, at);
		for (u32 i = 0; i < span.count; i++)
			if (!pte_is_none(entries[i]))
				put_entry(space, to + (span.start - from) + i * PAGE_SIZE,
					  entries[i], &gather);
	}
	gather_finish(&gather);
}
