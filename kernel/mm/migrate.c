/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving anonymous pages; see migrate.h.
 *
 * Up to BATCH entries of a leaf at a time.  Under the leaf's lock each entry becomes a hidden one,
 * which still names the old frame, so nothing is counted anew; then the TLBs of the family are
 * flushed, still under the lock: from there on nobody reads or writes the page, and whoever faults
 * waits for the lock or tries again.  Then the bytes are copied, and the entries get the new frame
 * with the rights that they had.  As no CPU has a translation of the old frame, the new one may be
 * writable at once.
 *
 * Whose page is it?  A frame that leaf entries alone have has one reference, and all entries that
 * name it are of one index of one ring.  So the ring's lock is taken for the whole of the batch,
 * and the locks of its other leaves are tried: who has one of them may be waiting for the ring.  If
 * that fails, only pages move that no other leaf names.  The ring's lock keeps its leaves from
 * being freed.  A frame with more references stays.
 *
 * Fork is excluded by the map lock, so an entry's right to write is not taken away meanwhile; in a
 * shared leaf it forbids writing already.
 */
#include "mm/migrate.h"

#include "mm/frame.h"
#include "mm/space.h"
#include "mm/tree.h"
#include "mm/zap.h"

enum { BATCH = 32, AT_ONCE = 512 };

static struct migrate_stats totals; /* atomic */

void migrate_note(size_t moved, size_t left)
{
	__atomic_fetch_add(&totals.moved, moved, __ATOMIC_RELAXED);
	__atomic_fetch_add(&totals.left, left, __ATOMIC_RELAXED);
}

void migrate_get_stats(struct migrate_stats *stats)
{
	stats->moved = READ_ONCE(totals.moved);
	stats->left = READ_ONCE(totals.left);
}

/* Leaves of a ring, the first of which is the one that was asked for; all are locked. */
struct ring {
	struct node *leaves[RING_LIMIT];
	u32 count;
	bool locked;   /* the ring's lock is held: the leaf has company */
	bool complete; /* all leaves of the ring are here */
};

struct batch {
	struct migration *migration;
	struct ring ring;
	u32 count;
	u32 index[BATCH];
	phys_t from[BATCH], to[BATCH];
	pte_t entries[RING_LIMIT][BATCH]; /* as they were; empty: not to be changed */
};

static void unlock_others(struct ring *ring)
{
	while (ring->count > 1)
		spin_unlock(&ring->leaves[--ring->count]->lock);
}

/* The leaf is locked. */
static void lock_ring(struct ring *ring, struct node *leaf)
{
	ring->leaves[0] = leaf;
	ring->count = 1;
	ring->complete = true;
	ring->locked = ring_lock(leaf);
	if (!ring->locked)
		return;
	for (struct node *other = leaf->ring; other != leaf; other = other->ring) {
		bool locked = spin_trylock(&other->lock);
		if (locked)
			ring->leaves[ring->count++] = other;
		/* What is mapped by a huge link does not change. */
		if (!locked || other->huge_links != 0) {
			unlock_others(ring);
			ring->complete = false;
			return;
		}
	}
}

static void unlock_ring(struct ring *ring)
{
	unlock_others(ring);
	ring_unlock(ring->leaves[0], ring->locked);
}

/* An entry like this one that names another frame. */
static pte_t entry_with_frame(pte_t *slot, pte_t entry, phys_t frame)
{
	const u64 marks = ((u64)1 << PAYLOAD_SHIFT) - 1;

	if (entry_is_exclusive(entry))
		frame_of(frame)->owner = virt_to_phys(slot);
	if (!pte_is_present(entry))
		return pte_swap((pte_swap_payload(entry) & marks) | (frame >> PAGE_SHIFT)
									    << PAYLOAD_SHIFT);
	return pte_leaf(frame, pte_flags(entry), 1);
}

/* May the frame of an entry move?  Counts it if not. */
static bool is_movable(struct batch *batch, const struct tree_span *span, u32 index, pte_t entry)
{
	const struct ring *ring = &batch->ring;
	bool in_ring = ring->locked && ring_shares(span->node, index, entry);

	if (frame_refs(entry_phys(entry)) != 1 || (in_ring && !ring->complete)) {
		batch->migration->left_busy++;
		return false;
	}
	if (!batch->migration->shared && (in_ring || span->others != 0)) {
		batch->migration->left_shared++;
		return false;
	}
	return true;
}

/* Hides the entries of all leaves that name the frame. */
static void hide(struct batch *batch, u32 index, phys_t from, phys_t to)
{
	u32 n = batch->count++;

	batch->index[n] = index;
	batch->from[n] = from;
	batch->to[n] = to;
	for (u32 i = 0; i < batch->ring.count; i++) {
		pte_t *slot = &node_table(batch->ring.leaves[i])[index];
		pte_t entry = pte_read(slot);
		bool same = entry_has_frame(entry) && entry_phys(entry) == from;
		if (same && pte_is_present(entry))
			entry = pte_exchange(slot, entry_hidden(from, false));
		batch->entries[i][n] = same ? entry : entry_none();
	}
}

/* Takes the page of one entry into the batch, if it should move and can. */
static void consider(struct batch *batch, const struct tree_span *span, u32 i)
{
	struct migration *migration = batch->migration;
	pte_t entry = pte_read(&span->slot[i]);
	u32 index = slot_index(&span->slot[i]);
	struct frame_placement placement;
	phys_t to;

	if (!entry_has_frame(entry) || !frame_is_anonymous(entry_phys(entry)) ||
	    !migration->wanted(migration, entry_phys(entry), span->start + i * PAGE_SIZE,
			       &placement) ||
	    !is_movable(batch, span, index, entry))
		return;
	if (frame_alloc_batch_placed(FRAME_USER, &placement, &to, 1) == 0) {
		migration->left_without_room++;
		return;
	}
	hide(batch, index, entry_phys(entry), to);
}

/* No CPU has a translation of the frames any more. */
static void put_new(struct batch *batch)
{
	for (u32 n = 0; n < batch->count; n++) {
		page_copy(phys_to_virt(batch->to[n]), phys_to_virt(batch->from[n]));
		frame_of(batch->to[n])->traits = frame_of(batch->from[n])->traits;
		for (u32 i = 0; i < batch->ring.count; i++) {
			pte_t *slot = &node_table(batch->ring.leaves[i])[batch->index[n]];
			pte_t entry = batch->entries[i][n];
			if (!pte_is_none(entry))
				pte_write(slot, entry_with_frame(slot, entry, batch->to[n]));
		}
	}
}

/* Moves what should move of a span, whose leaf is locked, and stops after BATCH pages.  Returns how
 * many entries it has looked at. */
static u32 move_batch(struct batch *batch, const struct tree_span *span, struct gather *gather)
{
	u32 i = 0;

	batch->count = 0;
	lock_ring(&batch->ring, span->node);
	for (; i < span->count && batch->count < BATCH; i++)
		consider(batch, span, i);
	if (batch->count != 0) {
		vaddr_t base = span->start - slot_index(span->slot) * PAGE_SIZE;
		gather_range(gather, base + batch->index[0] * PAGE_SIZE,
			     base + (batch->index[batch->count - 1] + 1) * PAGE_SIZE);
		/* Only flushes: there is nothing to drop, for which a ring must not be locked. */
		gather_finish(gather);
		put_new(batch);
	}
	unlock_ring(&batch->ring);
	return i;
}

/* May the entries of a span change?  A huge page is split if it is to move, else let be. */
static bool open_span(struct migration *migration, struct tree_span *span)
{
	struct frame_placement placement;

	if (likely(!span->huge))
		return true;
	if (!migration->wanted(migration, entry_phys(pte_read(span->slot)), span->start,
			       &placement))
		return false;
	if (tree_split_span(span))
		return true;
	migration->left_busy++;
	return false;
}

void migrate_anonymous(struct address_space *space, const struct region *region, vaddr_t *at,
		       vaddr_t end, struct migration *migration)
{
	struct batch batch;
	struct gather gather;
	struct tree_span span;
	size_t moved = migration->moved, left = migration_left(migration);

	if (region->flags & (REGION_SPECIAL | REGION_HUGETLB) || region->kind == KIND_KERNEL) {
		*at = end;
		return;
	}
	batch.migration = migration;
	gather_begin(&gather, space);
	gather.family = true;
	while (migration->moved - moved < AT_ONCE && tree_look_span(space, at, end, &span)) {
		if (!open_span(migration, &span)) {
			tree_unlock_span(space, &span);
			continue;
		}
		*at = span.start + move_batch(&batch, &span, &gather) * PAGE_SIZE;
		tree_unlock_span(space, &span);
		frame_free_to_lists(batch.from, batch.count);
		migration->moved += batch.count;
	}
	migrate_note(migration->moved - moved, migration_left(migration) - left);
}
