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
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/pagecache_internal.h"
#include "mm/reclaim_internal.h"
#include "mm/space.h"
#include "mm/swap.h"
#include "mm/tree.h"
#include "mm/workingset.h"
#include "mm/zap.h"

enum { BATCH = 64 };
_Static_assert((int)BATCH <= (int)GATHER_FRAMES, "a batch fits a gather");

struct eviction {
	enum reclaim_how how;
	struct reclaim_round *round;
	const struct region *region;
	bool swap;                /* there is room for anonymous pages */
	struct page_cache *cache; /* of the region, if its pages can go */
	enum reclaim_kind cache_kind;
	struct gather gather;
	size_t scanned;                   /* anonymous pages that were not used lately */
	size_t used;                      /* pages that were found in use */
	u64 unmapped_first, unmapped_end; /* pages of the file */
	size_t forgotten;                 /* lazy pages that went */
	u32 count;
	swap_entry_t slots[BATCH]; /* to be stored; a count of each is ours */
};

/* Was the entry used since the last visit?  Not so from now on.  TLBs are not told; they forget by
 * themselves. */
static bool take_mark(pte_t *slot, pte_t entry)
{
	if (!pte_is_present(entry) || !(pte_flags(entry) & PAGE_ACCESSED))
		return false;
	(void)pte_compare_exchange(slot, &entry, pte_clear(entry, PAGE_ACCESSED));
	return true;
}

/* Visits an entry: is it its page's turn to go? */
static bool visit(struct eviction *eviction, pte_t *slot, pte_t entry)
{
	struct frame *frame = frame_of(entry_phys(entry));
	bool used;

	switch (eviction->how) {
	case RECLAIM_COLD:
		(void)take_mark(slot, entry);
		frame->generation = 0;
		return false;
	case RECLAIM_UNUSED:
		used = take_mark(slot, entry);
		eviction->used += used;
		return generation_visit(frame, used, eviction->round->pressing);
	default:
		return true;
	}
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
	workingset_evicted(RECLAIM_ANONYMOUS, to);
	eviction->slots[eviction->count++] = to;
	pte_t swapped = entry_add_marks(entry_swapped(to), entry_marks(entry));
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

/* A page that its program gave up goes, unless it is written at the last moment; no CPU can write
 * any more once the entry is empty, as none has it as dirty.  The leaf is locked. */
static void forget(struct eviction *eviction, struct node *leaf, pte_t *slot, pte_t entry)
{
	if (frame_refs(entry_phys(entry)) != 1)
		return;
	entry = pte_exchange(slot, entry_none());
	if (!entry_is_lazy(entry)) {
		pte_write(slot, entry);
		return;
	}
	leaf_count(leaf, entry, -1);
	eviction->gather.frames[eviction->gather.count++] = entry_phys(entry);
	eviction->forgotten++;
}

/* A page of a file: the cache lets go of it when nothing else maps it. */
static void unmap_file(struct eviction *eviction, struct node *leaf, pte_t *slot, pte_t entry,
		       vaddr_t page, bool ring)
{
	u64 index = region_index(eviction->region, page);

	zap_entry(leaf, slot, entry, ring, &eviction->gather);
	if (eviction->unmapped_end == 0)
		eviction->unmapped_first = index;
	eviction->unmapped_end = index + 1;
}

/* The leaf is locked, and its ring.  Was the entry's page taken? */
static bool evict_entry(struct eviction *eviction, struct node *leaf, pte_t *slot, vaddr_t page,
			bool ring)
{
	struct reclaim_round *round = eviction->round;
	pte_t entry = pte_read(slot);
	u32 before = eviction->gather.count;

	if (!entry_has_frame(entry))
		return false;
	bool lazy = entry_is_lazy(entry) && eviction->how != RECLAIM_COLD;
	if (!(lazy || visit(eviction, slot, entry)) || !round_wants_frame(round, entry_phys(entry)))
		return false;
	if (lazy) {
		forget(eviction, leaf, slot, entry);
	} else if (frame_is_anonymous(entry_phys(entry))) {
		eviction->scanned++;
		if (eviction->swap && round->left[RECLAIM_ANONYMOUS] > eviction->count)
			evict_anonymous(eviction, leaf, slot, entry, ring);
	} else if (eviction->cache != NULL && round->left[eviction->cache_kind] != 0) {
		unmap_file(eviction, leaf, slot, entry, page, ring);
	}
	return eviction->gather.count != before;
}

/*
 * Of a huge page the link says whether it was used: if so, it is let be; else it is split, and its
 * pages are asked one by one from now on.  Are the entries to be looked at?  Not while other spaces
 * map it as one, whose turn comes.
 */
static bool open_span(struct eviction *eviction, struct tree_span *span)
{
	if (likely(!span->huge))
		return true;
	if (eviction->how == RECLAIM_COLD || eviction->how == RECLAIM_UNUSED) {
		pte_t link = pte_read(span->link);
		bool used = link_is_huge(link) && take_mark(span->link, link);
		eviction->used += used ? span->count : 0;
		if (used || eviction->how == RECLAIM_COLD)
			return false;
	}
	return tree_split_span(span);
}

/* At most BATCH entries; their leaf is locked. */
static void evict_span(struct eviction *eviction, const struct tree_span *span)
{
	bool ring = ring_lock(span->node);

	for (u32 i = 0; i < span->count; i++) {
		vaddr_t page = span->start + i * PAGE_SIZE;
		if (evict_entry(eviction, span->node, &span->slot[i], page, ring))
			gather_range(&eviction->gather, page, page + PAGE_SIZE);
	}
	ring_unlock(span->node, ring);
	gather_finish(&eviction->gather);
}

/* Stores what was evicted.  Returns how many frames became free. */
static size_t write_out(struct eviction *eviction)
{
	int error = 0;
	size_t stored = 0, dropped = 0;

	if (eviction->count != 0)
		stored = swap_write_many(eviction->slots, eviction->count, &error);
	for (u32 i = 0; i < eviction->count; i++)
		swap_free(eviction->slots[i]);
	/* That some pages do not compress says nothing of others. */
	if (error != 0 && error != -E2BIG)
		eviction->swap = false;
	if (eviction->unmapped_end != 0)
		dropped = page_cache_reclaim(
			eviction->cache, &eviction->unmapped_first, eviction->unmapped_end - 1,
			eviction->how == RECLAIM_UNUSED ? RECLAIM_ASK : 0, eviction->round);
	round_took(eviction->round, RECLAIM_ANONYMOUS, stored + eviction->forgotten);
	reclaim_note(RECLAIM_SCANNED, eviction->scanned);
	reclaim_note(RECLAIM_STOLEN, stored + eviction->forgotten);
	reclaim_note(RECLAIM_FORGOTTEN, eviction->forgotten);
	dropped += eviction->forgotten;
	workingset_used(HAND_SPACES, eviction->used);
	eviction->count = 0;
	eviction->scanned = eviction->used = eviction->forgotten = 0;
	eviction->unmapped_end = 0;
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

/* The cache whose pages a region maps, if these can be read again or swapped. */
static struct page_cache *evictable_cache(const struct region *region, enum reclaim_kind *kind)
{
	struct page_cache *cache = region_cache(region);

	return cache != NULL && page_cache_reclaim_kind(cache, kind) ? cache : NULL;
}

static size_t evict_region(struct address_space *space, const struct region *region, vaddr_t *at,
			   vaddr_t end, enum reclaim_how how, struct reclaim_round *round)
{
	struct eviction eviction;
	struct tree_span span;
	size_t freed = 0;

	if (region->flags & (REGION_LOCKED | REGION_SPECIAL | REGION_HUGETLB) ||
	    region->kind == KIND_KERNEL) {
		*at = end;
		return 0;
	}
	eviction.how = how;
	eviction.round = round;
	eviction.region = region;
	eviction.swap = reclaim_has_swap();
	eviction.cache = evictable_cache(region, &eviction.cache_kind);
	eviction.count = 0;
	eviction.scanned = eviction.used = eviction.forgotten = 0;
	eviction.unmapped_end = 0;
	gather_begin(&eviction.gather, space);
	eviction.gather.keep_watches = region_keeps_watches(region);
	eviction.gather.family = true;
	while ((round->left[RECLAIM_ANONYMOUS] != 0 || round->left[RECLAIM_FILE] != 0) &&
	       tree_look_span(space, at, end, &span)) {
		if (!open_span(&eviction, &span)) {
			tree_unlock_span(space, &span);
			continue;
		}
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

size_t reclaim_region(struct address_space *space, const struct region *region, vaddr_t *at,
		      vaddr_t end, enum reclaim_how how, size_t target)
{
	struct reclaim_round round = {.left = {target, target}, .node = RECLAIM_ANY_NODE};

	return evict_region(space, region, at, end, how, &round);
}

size_t reclaim_region_round(struct address_space *space, const struct region *region, vaddr_t *at,
			    struct reclaim_round *round)
{
	return evict_region(space, region, at, region->end, RECLAIM_UNUSED, round);
}
