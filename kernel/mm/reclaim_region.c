/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking the pages of one region: see reclaim.h.
 *
 * Up to BATCH entries of a leaf at a time.  Under the leaf's lock each page gets a slot of swap
 * space, and its entry names the slot from then on; then the TLBs of the family are flushed, still
 * under the lock: nobody may bring the page back, and write to a copy, while another CPU can still
 * write to the frame.  Without the locks the pages are stored.  A fault meanwhile finds the frame
 * in the swap cache.  A count of our own keeps the slot until it is stored.
 *
 * Whose page is it?  An exclusive entry is its frame's only one; if the frame has more references,
 * somebody has pinned it, or reads or writes it just now, and it is left alone.  Others permit no
 * writing.  A frame that several entries name gets one slot for all (swap_make_known), and goes
 * when the last of them has been visited.
 *
 * A shared leaf loses its entries for all its sharers, and is looked at once a pass.
 */
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/reclaim_internal.h"
#include "mm/space.h"
#include "mm/swap.h"
#include "mm/tree.h"
#include "mm/zap.h"

enum { BATCH = 64 };
_Static_assert((int)BATCH <= (int)GATHER_FRAMES, "a batch fits a gather");

struct eviction {
	enum reclaim_how how;
	bool swap;                /* there is room for anonymous pages */
	struct page_cache *cache; /* of the region, if its pages can be read again */
	struct gather gather;
	size_t unmapped; /* pages of the file */
	u32 count;
	swap_entry_t slots[BATCH]; /* to be stored; a count of each is ours */
};

/* The entry was used since the last visit: not so from now on.  TLBs are not told; they forget by
 * themselves. */
static bool age(pte_t *slot, pte_t entry)
{
	if (!pte_is_present(entry) || !(pte_flags(entry) & PAGE_ACCESSED))
		return false;
	(void)pte_compare_exchange(slot, &entry, pte_clear(entry, PAGE_ACCESSED));
	return true;
}

/* May the frame be taken from the entry?  *shared: others name it, too. */
static bool is_evictable(const struct eviction *eviction, pte_t entry, bool in_ring, bool *shared)
{
	u32 refs = frame_refs(entry_phys(entry));

	if (entry_is_exclusive(entry))
		return refs == 1;
	*shared = in_ring || refs > 1;
	return !*shared || eviction->how != RECLAIM_ALL;
}

/* An anonymous page.  The leaf is locked, and its ring. */
static void evict_anonymous(struct eviction *eviction, struct node *leaf, pte_t *slot, pte_t entry,
			    bool ring)
{
	bool in_ring = ring && ring_shares(leaf, slot_index(slot), entry), shared = false;
	phys_t frame = entry_phys(entry);
	swap_entry_t to;

	if (!is_evictable(eviction, entry, in_ring, &shared))
		return;
	if (swap_reserve(frame, &to) != 0) {
		eviction->swap = false;
		return;
	}
	if (shared)
		swap_make_known(to);
	swap_dup(to);
	eviction->slots[eviction->count++] = to;
	pte_t swapped = entry_swapped(to);
	pte_exchange(slot, swapped);
	leaf_count(leaf, entry, -1);
	leaf_count(leaf, swapped, 1);
	if (ring && ring_shares(leaf, slot_index(slot), swapped))
		swap_free(to);
	/* A reference that the ring still has stays; ours is for the time until the flush. */
	if (in_ring)
		frame_get(frame);
	eviction->gather.frames[eviction->gather.count++] = frame;
}

/* The leaf is locked, and its ring.  Was the entry's page taken? */
static bool evict_entry(struct eviction *eviction, struct node *leaf, pte_t *slot, bool ring)
{
	pte_t entry = pte_read(slot);
	u32 before = eviction->gather.count;

	if (!entry_has_frame(entry))
		return false;
	if (eviction->how == RECLAIM_UNUSED || eviction->how == RECLAIM_COLD)
		if (age(slot, entry) || eviction->how == RECLAIM_COLD)
			return false;
	bool anonymous = frame_is_anonymous(entry_phys(entry));
	reclaim_note(anonymous ? RECLAIM_SCANNED : RECLAIM_SCANNED_FILES, 1);
	if (anonymous && eviction->swap) {
		evict_anonymous(eviction, leaf, slot, entry, ring);
	} else if (!anonymous && eviction->cache != NULL) {
		zap_entry(leaf, slot, entry, ring, &eviction->gather);
		eviction->unmapped++;
	}
	return eviction->gather.count != before;
}

/* At most BATCH entries; their leaf is locked. */
static void evict_span(struct eviction *eviction, const struct tree_span *span)
{
	bool ring = ring_lock(span->node);

	for (u32 i = 0; i < span->count; i++) {
		vaddr_t page = span->start + i * PAGE_SIZE;
		if (evict_entry(eviction, span->node, &span->slot[i], ring))
			gather_range(&eviction->gather, page, page + PAGE_SIZE);
	}
	ring_unlock(span->node, ring);
	gather_finish(&eviction->gather);
}

/* Stores what was evicted.  Returns how many pages. */
static size_t write_out(struct eviction *eviction)
{
	int error = 0;
	size_t stored = 0, dropped = 0;

	if (eviction->count != 0)
		stored = swap_write_many(eviction->slots, eviction->count, &error);
	for (u32 i = 0; i < eviction->count; i++)
		swap_free(eviction->slots[i]);
	if (stored < eviction->count)
		eviction->swap = false;
	if (eviction->unmapped != 0)
		dropped = page_cache_shrink(eviction->cache, eviction->unmapped);
	reclaim_note(RECLAIM_STOLEN, stored);
	reclaim_note(RECLAIM_STOLEN_FILES, dropped);
	eviction->count = 0;
	eviction->unmapped = 0;
	return stored + dropped;
}

/* Has another space shown us this leaf in this pass? */
static bool was_visited(const struct address_space *space, const struct tree_span *span,
			enum reclaim_how how)
{
	struct node *leaf = span->node;

	if (how != RECLAIM_UNUSED)
		return false;
	if (leaf->scan_pass == reclaim_pass && leaf->scan_space != space)
		return true;
	leaf->scan_pass = reclaim_pass;
	leaf->scan_space = space;
	return false;
}

static struct page_cache *refillable_cache(const struct region *region)
{
	struct page_cache *cache = region_cache(region);

	return cache != NULL && cache->ops != NULL && cache->ops->fill != NULL ? cache : NULL;
}

size_t reclaim_region(struct address_space *space, const struct region *region, vaddr_t *at,
		      vaddr_t end, enum reclaim_how how, size_t target)
{
	struct eviction eviction;
	struct tree_span span;
	size_t freed = 0;

	if (region->flags & (REGION_LOCKED | REGION_SPECIAL) || region->kind == KIND_KERNEL) {
		*at = end;
		return 0;
	}
	eviction.how = how;
	eviction.swap = reclaim_has_swap();
	eviction.cache = refillable_cache(region);
	eviction.count = 0;
	eviction.unmapped = 0;
	gather_begin(&eviction.gather, space);
	eviction.gather.family = true;
	while (freed < target && tree_lock_span(space, at, end, &span)) {
		if (span.count > BATCH) {
			span.count = BATCH;
			*at = span.start + BATCH * PAGE_SIZE;
		}
		if (!was_visited(space, &span, how))
			evict_span(&eviction, &span);
		tree_unlock_span(space, &span);
		freed += write_out(&eviction);
	}
	return freed;
}
