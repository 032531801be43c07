/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries in bulk: sharing them with a child, changing their access, moving them.
 *
 * All run with the map lock held for writing, so no fault is on its way in the space; truncation
 * may be, which is why the table locks are taken all the same.
 */
#include "lib/errno.h"
#include "mm/space.h"
#include "mm/tree.h"

/* --- fork --- */

/* Shares the entries of one span with the child's table, of which nobody knows yet. */
static void clone_span(struct region *child, const struct tree_span *from, pte_t *to)
{
	s64 shared[RESIDENT_KINDS] = {0};
	enum resident_kind file_kind = region_file_kind(child);

	spin_lock(entry_lock(from->slot));
	for (u32 i = 0; i < from->count; i++) {
		pte_t entry = pte_read(&from->slot[i]);
		if (pte_is_none(entry))
			continue;
		if (entry_is_writable(entry) && !entry_is_special(entry)) {
			entry = pte_clear(entry, PAGE_WRITABLE);
			pte_write(&from->slot[i], entry);
		}
		if (!entry_is_special(entry)) {
			phys_t frame = entry_phys(entry);
			frame_get(frame);
			shared[frame_of(frame)->kind == FRAME_USER ? RESIDENT_ANONYMOUS
								   : file_kind]++;
		}
		pte_write(&to[i], entry);
	}
	spin_unlock(entry_lock(from->slot));
	for (int kind = 0; kind < RESIDENT_KINDS; kind++)
		if (shared[kind] != 0)
			space_add_resident(child->space, kind, shared[kind]);
}

int clone_region_entries(struct region *child, struct region *parent)
{
	struct tree_span span;
	vaddr_t at = parent->start;

	while (tree_next_span(&parent->space->tree, &at, parent->end, &span)) {
		pte_t *to = tree_create(&child->space->tree, span.start);
		if (to == NULL)
			return -ENOMEM;
		clone_span(child, &span, to);
	}
	return 0;
}

/* --- mprotect --- */

/* May the entry permit writing without a fault?  Only if nobody would have to be asked: the frame
 * is this entry's alone. */
static bool may_write_at_once(const struct region *region, phys_t frame, bool special)
{
	if (!(region->flags & REGION_WRITE) || special)
		return false;
	if (region->flags & REGION_SHARED)
		return region->backing->ops->written == NULL;
	return frame_of(frame)->kind == FRAME_USER && frame_refs(frame) == 1;
}

static pte_t protected_entry(const struct region *region, pte_t entry)
{
	phys_t frame = entry_phys(entry);
	bool special = entry_is_special(entry);

	if (!(region->flags & REGION_ACCESS))
		return entry_hidden(frame, special);
	u64 flags = PAGE_PRESENT | PAGE_USER | PAGE_ACCESSED | (special ? PAGE_SPECIAL : 0) |
		    (region->flags & REGION_EXECUTE ? 0 : PAGE_NX);
	if (may_write_at_once(region, frame, special))
		flags |= PAGE_WRITABLE | PAGE_DIRTY;
	return pte_leaf(frame, flags, 1);
}

void protect_region_entries(struct region *region, vaddr_t start, vaddr_t end)
{
	struct gather gather;
	struct tree_span span;
	vaddr_t at = start;

	gather_begin(&gather, region->space);
	while (tree_next_span(&region->space->tree, &at, end, &span)) {
		spin_lock(entry_lock(span.slot));
		for (u32 i = 0; i < span.count; i++) {
			pte_t entry = pte_read(&span.slot[i]);
			if (pte_is_none(entry))
				continue;
			pte_exchange(&span.slot[i], protected_entry(region, entry));
			/* What was hidden is in no TLB. */
			if (pte_is_present(entry))
				gather_page(&gather, span.start + i * PAGE_SIZE);
		}
		spin_unlock(entry_lock(span.slot));
	}
	gather_finish(&gather);
}

/* --- mremap --- */

int move_prepare(struct address_space *space, vaddr_t to, size_t length)
{
	vaddr_t last = to + length - PAGE_SIZE;

	for (vaddr_t at = to; at < last; at = ALIGN_DOWN(at, pt_span(2)) + pt_span(2))
		if (tree_create(&space->tree, at) == NULL)
			return -ENOMEM;
	return tree_create(&space->tree, last) != NULL ? 0 : -ENOMEM;
}

/* Entry by entry: the tables of both ends seldom line up.  Truncation finds a page at the old place
 * or the new one, because the caller holds the mappings_lock of a file. */
void move_entries(struct address_space *space, vaddr_t from, vaddr_t to, size_t length)
{
	struct gather gather;
	struct tree_span span;
	vaddr_t at = from;

	gather_begin(&gather, space);
	while (tree_next_span(&space->tree, &at, from + length, &span)) {
		for (u32 i = 0; i < span.count; i++) {
			vaddr_t page = span.start + i * PAGE_SIZE;
			pte_t entry = pte_read(&span.slot[i]);
			if (pte_is_none(entry))
				continue;
			pte_t *target = tree_find(&space->tree, to + (page - from));
			pte_exchange(&span.slot[i], entry_none());
			pte_write(target, entry);
			gather_page(&gather, page);
		}
	}
	gather_finish(&gather);
}
