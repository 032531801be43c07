/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dropping page-table entries; see zap.h.
 *
 * A frame or a node is dropped only after every CPU that could still reach it through its TLB, or
 * walk through it, has been flushed; the gather holds the references until then.  Few pages are
 * flushed one by one, many by dropping the whole user half of the TLBs.
 */
#include "mm/zap.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/family.h"
#include "mm/frame.h"
#include "mm/huge.h"

enum { FLUSH_ALL_PAGES = 64 };

static void flush_of(cpumask_t cpus, vaddr_t start, vaddr_t end)
{
	if (cpus == 0)
		return;
	if (end - start > FLUSH_ALL_PAGES * PAGE_SIZE)
		tlb_flush_user(cpus);
	else if (end - start == PAGE_SIZE)
		tlb_flush_page(cpus, start);
	else
		tlb_flush_range(cpus, start, end);
}

static __noinline void flush_in_use(cpumask_t cpus, vaddr_t start, vaddr_t end)
{
	flush_of(tlb_excuse_paused(cpus), start, end);
}

/* `tables`: some that could be walked go, too. */
static void flush_cpus(const cpumask_t *set, vaddr_t start, vaddr_t end, bool tables)
{
	/* Pairs with vmm_switch_address_space: it enters the set before it can load an entry. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cpumask_t cpus = __atomic_load_n(set, __ATOMIC_RELAXED);
	if (unlikely(cpus & (cpus - 1)) && !tables)
		flush_in_use(cpus, start, end);
	else
		flush_of(cpus, start, end);
}

void space_flush(struct address_space *space, vaddr_t start, vaddr_t end)
{
	flush_cpus(&space->cpus, start, end, false);
}

void space_flush_tables(struct address_space *space, vaddr_t start, vaddr_t end)
{
	flush_cpus(&space->cpus, start, end, true);
}

void gather_finish(struct gather *gather)
{
	bool family = gather->family, keep = gather->keep_watches;

	if (gather->start < gather->end)
		flush_cpus(family ? &gather->space->family->cpus : &gather->space->cpus,
			   gather->start, gather->end, gather->node_count > 0);
	if (gather->count > 0)
		frame_free_batch(gather->frames, gather->count);
	for (u32 i = 0; i < gather->node_count; i++)
		node_put(gather->nodes[i]);
	gather_begin(gather, gather->space);
	gather->family = family;
	gather->keep_watches = keep;
}

/* A frame is kept for the gather to drop, also when the ring still has it: until the flush we may
 * read it.  What is swapped is in no TLB. */
void zap_entry(struct node *leaf, pte_t *slot, pte_t entry, bool ring, struct gather *gather)
{
	phys_t frame = entry_phys(entry);
	bool keep = unlikely(gather->keep_watches) && (entry_marks(entry) & PAGE_WATCHED);

	pte_exchange(slot, keep ? entry_watch() : entry_none());
	if (entry_is_special(entry))
		return;
	leaf_count(leaf, entry, -1);
	if (unlikely(entry_is_swapped(entry))) {
		if (!ring || !ring_shares(leaf, slot_index(slot), entry))
			swap_free(entry_swap_slot(entry));
		return;
	}
	if (unlikely(ring) && ring_shares(leaf, slot_index(slot), entry))
		frame_get(frame);
	gather->frames[gather->count++] = frame;
}

/* The leaf is locked. */
static void zap_span(const struct tree_span *span, enum zap_what what, struct gather *gather)
{
	enum { PIECE = 64 };
	vaddr_t address = span->start;

	for (u32 done = 0; done < span->count; done += PIECE) {
		/* Finishing would wait for the locks of rings. */
		if (gather->count > GATHER_FRAMES - PIECE)
			gather_finish(gather);
		bool ring = ring_lock(span->node);
		u32 stop = MIN(done + PIECE, span->count);
		for (u32 i = done; i < stop; i++, address += PAGE_SIZE) {
			pte_t entry = pte_read(&span->slot[i]);
			if (pte_is_none(entry))
				continue;
			if (what != ZAP_ALL &&
			    (!entry_has_frame(entry) || frame_is_anonymous(entry_phys(entry))))
				continue;
			if (likely(!entry_is_swapped(entry)))
				gather_range(gather, address, address + PAGE_SIZE);
			zap_entry(span->node, &span->slot[i], entry, ring, gather);
		}
		ring_unlock(span->node, ring);
	}
}

void zap_revoke(struct address_space *space, vaddr_t start, vaddr_t end, enum zap_what what)
{
	struct gather gather;
	struct tree_span span;
	vaddr_t at = start;

	gather_begin(&gather, space);
	gather.family = true;
	gather.keep_watches = what == ZAP_WATCHED_PAGES;
	while (tree_lock_span(space, &at, end, &span)) {
		zap_span(&span, what, &gather);
		tree_unlock_span(space, &span);
	}
	gather_finish(&gather);
}

/* --- In one space alone --- */

/*
 * The tree_lock is given back from time to time, so that nobody waits long for this CPU: before
 * nodes are freed, which may hold any number of pages, and after so many entries.  The map lock
 * keeps what is left to do as it is.
 */
enum { PIECE_ENTRIES = 1024, DROP_PAUSE = 1 };

struct drop {
	vaddr_t start, end;     /* the entries that go */
	vaddr_t at;             /* below it all is done */
	u32 entries;            /* that have gone since the last pause */
	vaddr_t floor, ceiling; /* nothing else is wanted here */
	bool alone;             /* nobody else is in the tree: own nodes may go, too */
	struct gather gather;
};

static void drop_leaf(struct drop *drop, struct node *leaf, vaddr_t base)
{
	vaddr_t first = MAX(base, drop->start), stop = MIN(base + pt_span(2), drop->end);
	struct tree_span span = {
		.slot = &node_table(leaf)[pt_index(first, 1)],
		.node = leaf,
		.start = first,
		.count = (u32)((stop - first) >> PAGE_SHIFT),
	};

	zap_span(&span, ZAP_ALL, &drop->gather);
	drop->entries += span.count;
}

static int drop_below(struct drop *drop, pte_t *table, u32 level, vaddr_t base);

/* What is below one link, which names a table for [at, at + span).  0; DROP_PAUSE: go on at
 * drop->at; -ENOMEM. */
static int drop_link(struct drop *drop, pte_t *slot, u32 level, vaddr_t at, u64 span)
{
	pte_t link = pte_read(slot);
	struct node *node = node_of(link), *replaced = NULL;
	bool locked = false;
	int result = 0;

	/* Shared nodes that lie within go as they are, not copied. */
	if (at >= drop->floor && at + span <= drop->ceiling &&
	    (drop->alone || !link_is_writable(link))) {
		pte_write(slot, entry_none());
		if (link_is_huge(link))
			huge_link_gone(node);
		gather_range(&drop->gather, MAX(at, drop->start), MIN(at + span, drop->end));
		gather_node(&drop->gather, node);
		drop->at = at + span;
		return drop->gather.node_count == GATHER_NODES ? DROP_PAUSE : 0;
	}
	/* From here on the gather may have to be finished under the lock. */
	if (drop->gather.node_count > 0 && (level == 2 || !link_is_writable(link))) {
		drop->at = MAX(at, drop->start);
		return DROP_PAUSE;
	}
	if (!link_is_writable(link)) {
		link = tree_own_link(slot, link, &replaced);
		if (pte_is_none(link))
			return -ENOMEM;
		node = node_of(link);
		locked = level == 2;
	}
	if (replaced != NULL) {
		/* The way to the original goes before anybody may act on the copy. */
		gather_range(&drop->gather, MAX(at, drop->start), MIN(at + span, drop->end));
		gather_node(&drop->gather, replaced);
		gather_finish(&drop->gather);
	}
	if (unlikely(level == 2 && link_is_huge(link))) {
		if (locked)
			spin_unlock(&node->lock);
		locked = false;
		huge_link_split(slot);
	}
	if (level > 2)
		result = drop_below(drop, node_table(node), level - 1, at);
	if (level == 2) {
		if (!locked)
			spin_lock(&node->lock);
		drop_leaf(drop, node, at);
		spin_unlock(&node->lock);
		drop->at = at + span;
		if (drop->entries >= PIECE_ENTRIES)
			result = DROP_PAUSE;
	}
	return result;
}

/* The links of a table, whose entries are of `level` and which spans from `base`. */
static int drop_below(struct drop *drop, pte_t *table, u32 level, vaddr_t base)
{
	u64 span = pt_span(level);
	vaddr_t first = MAX(base, ALIGN_DOWN(drop->at, span));
	u32 index = (u32)((first - base) / span);
	u32 limit = entries_limit(base, span, drop->end);
	int result = 0;

	for (; result == 0 && (index = entries_skip_empty_below(table, index, limit)) < limit;
	     index++) {
		vaddr_t at = base + index * span;
		result = drop_link(drop, &table[index], level, at, span);
	}
	return result;
}

static int drop_range(struct address_space *space, vaddr_t start, vaddr_t end, vaddr_t floor,
		      vaddr_t ceiling, bool alone, bool keep_watches)
{
	struct drop drop;

	drop.start = drop.at = start;
	drop.entries = 0;
	drop.end = end;
	drop.floor = floor;
	drop.ceiling = ceiling;
	drop.alone = alone;
	struct node *leaf = tree_exclusive_leaf(space, start, end);
	vaddr_t base = ALIGN_DOWN(start, pt_span(2));
	int result = 0;
	if (leaf == NULL)
		return 0;
	gather_begin(&drop.gather, space);
	drop.gather.keep_watches = keep_watches;
	if (leaf != TREE_WALK && (base < floor || base + pt_span(2) > ceiling)) {
		spin_lock(&leaf->lock);
		drop_leaf(&drop, leaf, base);
		spin_unlock(&leaf->lock);
	} else {
		spin_lock(&space->tree_lock);
		while ((result = drop_below(&drop, phys_to_virt(space->tree.root), PT_LEVELS, 0)) ==
		       DROP_PAUSE) {
			spin_unlock(&space->tree_lock);
			gather_finish(&drop.gather);
			drop.entries = 0;
			spin_lock(&space->tree_lock);
		}
		spin_unlock(&space->tree_lock);
	}
	gather_finish(&drop.gather);
	return result;
}

int zap_own(struct address_space *space, vaddr_t start, vaddr_t end, bool keep_watches)
{
	return drop_range(space, start, end, start, end, false, keep_watches);
}

void zap_nodes(struct address_space *space, vaddr_t start, vaddr_t end, vaddr_t floor,
	       vaddr_t ceiling)
{
	int result = drop_range(space, start, end, floor, ceiling, true, false);

	ASSERT(result == 0);
	(void)result;
}
