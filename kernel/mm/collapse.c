/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making huge pages of pages that are there already: khugepaged's work, and MADV_COLLAPSE.
 *
 * A leaf whose entries are a block in order, writable, gets a huge link in the place of its own:
 * nothing moves.  Otherwise a block is allocated, and with the map locked for writing, so that no
 * fault, no reclaim and no fork is on its way, the entries go, the space's CPUs are flushed, the
 * pages are copied, and the same leaf is filled anew.  Threads that touch the pages meanwhile wait
 * for the map lock.
 *
 * Pages that are swapped out, pinned, or shared with other processes stay as they are; a program
 * that asks (MADV_COLLAPSE) gets copies of shared ones.
 *
 * khugepaged goes round all spaces (space_round.h): it looks at some leaves each time it wakes, and
 * goes on where it stopped.
 */
#include "mm/collapse.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/compact.h"
#include "mm/family.h"
#include "mm/huge.h"
#include "mm/kmalloc.h"
#include "mm/space.h"

static struct space_round spaces = SPACE_ROUND_INIT(spaces);

/* --- One leaf --- */

enum verdict {
	FIT,     /* its pages can be copied to a block */
	FIT_NOW, /* they are one */
	DONE,    /* it is a huge page */
	UNFIT,   /* too few are there, or some are where they cannot be copied from */
	BUSY,    /* somebody has a page in use */
};

/* May the page of an entry be copied, and the entry be replaced?  The leaf is locked. */
static bool is_movable(struct node *leaf, const pte_t *slot, pte_t entry, bool asked)
{
	if (entry_is_exclusive(entry))
		return frame_refs(entry_phys(entry)) == 1;
	return asked || leaf_is_sole_owner(leaf, slot, entry);
}

/* The leaf is locked, shared or not. */
static enum verdict examine(struct node *leaf, bool asked)
{
	u32 empty = 0, in_order = 0,
	    most = asked ? PTES_PER_TABLE : READ_ONCE(huge_settings.max_empty);
	pte_t *table = node_table(leaf), first = pte_read(table);

	for (u32 i = 0; i < PTES_PER_TABLE; i++) {
		pte_t entry = pte_read(&table[i]);
		if (pte_is_none(entry) || entry_is_special(entry)) {
			empty++;
			continue;
		}
		if (!pte_is_present(entry) || !frame_is_anonymous(entry_phys(entry)) ||
		    entry_marks(entry) != 0)
			return UNFIT;
		if (!is_movable(leaf, &table[i], entry, asked))
			return BUSY;
		/* Behind a huge link no write would show in an entry that was given up. */
		in_order += entry_is_exclusive(entry) && entry_is_writable(entry) &&
			    !(pte_flags(entry) & PAGE_LAZY) &&
			    pte_phys(entry) == pte_phys(first) + i * PAGE_SIZE;
	}
	if (in_order == PTES_PER_TABLE && pte_phys(first) % HUGE_SIZE == 0)
		return FIT_NOW;
	return !asked && (empty > most || empty == PTES_PER_TABLE) ? UNFIT : FIT;
}

/* The same for what is there; map lock held for reading. */
static enum verdict look(struct address_space *space, vaddr_t base, bool asked)
{
	vaddr_t at = base;
	struct tree_span span;
	enum verdict verdict = UNFIT;

	if (!tree_look_span(space, &at, base + HUGE_SIZE, &span))
		return UNFIT;
	if (link_is_huge(pte_read(span.link)))
		verdict = DONE;
	else if (asked || span.others == 0)
		verdict = examine(span.node, asked);
	tree_unlock_span(space, &span);
	return verdict;
}

/* Takes all entries out of a leaf, which is locked; the frames, or 0, with a reference for each. */
static void take_out(struct node *leaf, phys_t *frames)
{
	pte_t *table = node_table(leaf);
	bool ring = ring_lock(leaf);

	for (u32 i = 0; i < PTES_PER_TABLE; i++) {
		pte_t entry = pte_exchange(&table[i], entry_none());
		frames[i] = entry_has_frame(entry) ? entry_phys(entry) : 0;
		if (frames[i] != 0 && ring && ring_shares(leaf, i, entry))
			frame_get(frames[i]);
	}
	ring_unlock(leaf, ring);
}

static void drop_frames(phys_t *frames)
{
	u32 count = 0;

	for (u32 i = 0; i < PTES_PER_TABLE; i++)
		if (frames[i] != 0)
			frames[count++] = frames[i];
	frame_free_batch(frames, count);
}

/* The leaf's pages move to a block.  It is locked, the map lock held for writing. */
static void fill_anew(struct address_space *space, vaddr_t base, struct node *leaf,
		      const struct region *region, phys_t block, phys_t *frames)
{
	take_out(leaf, frames);
	space_flush(space, base, base + HUGE_SIZE);
	for (u32 i = 0; i < PTES_PER_TABLE; i++) {
		void *page = phys_to_virt(block + i * PAGE_SIZE);
		if (frames[i] != 0)
			page_copy(page, phys_to_virt(frames[i]));
		else
			page_clear(page);
	}
	huge_leaf_fill(leaf, region, block);
}

/* Map lock held for writing.  *block is 0 afterwards if it was used. */
static enum verdict collapse_locked(struct address_space *space, vaddr_t base, bool asked,
				    phys_t *block, phys_t *frames)
{
	const struct region *region = region_find(space, base);
	struct tree_leaf leaf;

	if (region == NULL || !huge_is_allowed(space, region, base, asked))
		return UNFIT;
	enum verdict verdict = look(space, base, asked);
	if (verdict != FIT && verdict != FIT_NOW)
		return verdict;
	/* This may be a way with W = 0 to nodes that nobody else has any more. */
	if (tree_lock_leaf(space, base, TREE_OWN, &leaf) != 0)
		return BUSY;
	verdict = examine(leaf.node, asked);
	if (verdict == FIT && *block != 0) {
		fill_anew(space, base, leaf.node, region, *block, frames);
		*block = 0;
		verdict = FIT_NOW;
	}
	if (verdict == FIT_NOW) {
		pte_t *link = tree_exclusive_link(space, base);
		pte_write(link, huge_link_make(leaf.node));
	}
	tree_unlock_leaf(&leaf);
	return verdict == FIT_NOW ? DONE : verdict;
}

static enum verdict collapse_with(struct address_space *space, vaddr_t base, bool asked,
				  phys_t block)
{
	phys_t *frames = kmalloc(PTES_PER_TABLE * sizeof(*frames));
	enum verdict verdict = BUSY;

	if (frames != NULL) {
		bool needed = block != 0;
		for (u32 i = 0; i < PTES_PER_TABLE; i++)
			frames[i] = 0;
		rwlock_write_lock(&space->map_lock);
		verdict = collapse_locked(space, base, asked, &block, frames);
		rwlock_write_unlock(&space->map_lock);
		if (needed && block == 0)
			huge_note(HUGE_COLLAPSED);
		drop_frames(frames);
		kfree(frames);
	}
	if (block != 0 && !huge_block_free(block))
		panic("a block that nobody has seen is in use");
	return verdict;
}

/* Makes the 2 MiB at `base` a huge page: 0, or what madvise(2) says; no lock is held. */
static int collapse(struct address_space *space, vaddr_t base, bool asked)
{
	struct mempolicy policy = {.mode = MPOL_DEFAULT};
	enum verdict verdict = UNFIT;
	phys_t block = 0;

	rwlock_read_lock(&space->map_lock);
	const struct region *region = region_find(space, base);
	if (region != NULL && huge_is_allowed(space, region, base, asked)) {
		policy = region->policy;
		verdict = look(space, base, asked);
	}
	rwlock_read_unlock(&space->map_lock);
	if (verdict == FIT) {
		block = huge_block_alloc(&policy, base);
		if (block == 0 && !frame_is_short() && (asked || READ_ONCE(huge_settings.defrag)) &&
		    compact_for(FRAME_GROUP_ORDER))
			block = huge_block_alloc(&policy, base);
		if (block == 0) {
			huge_note(HUGE_COLLAPSE_FAILED);
			return -ENOMEM;
		}
	}
	if (verdict == FIT || verdict == FIT_NOW)
		verdict = collapse_with(space, base, asked, block);
	if (verdict == DONE)
		return 0;
	return verdict == BUSY ? -EAGAIN : -EINVAL;
}

/* --- MADV_COLLAPSE --- */

/* The part of the first region at or above *start that may have huge pages.  0, -ENOMEM for a hole,
 * -EINVAL for a region that may have none. */
static int next_piece(struct address_space *space, vaddr_t start, vaddr_t end, vaddr_t *stop)
{
	int result = 0;

	rwlock_read_lock(&space->map_lock);
	const struct region *region = region_find(space, start);
	if (region == NULL) {
		result = -ENOMEM;
	} else {
		*stop = MIN(region->end, end);
		vaddr_t base = ALIGN_UP(start, HUGE_SIZE);
		if (base + HUGE_SIZE <= region->end && !huge_is_allowed(space, region, base, true))
			result = -EINVAL;
	}
	rwlock_read_unlock(&space->map_lock);
	return result;
}

int vmm_collapse(struct address_space *space, vaddr_t start, vaddr_t end)
{
	vaddr_t stop;

	for (; start < end; start = stop) {
		int result = next_piece(space, start, end, &stop);
		if (result != 0)
			return result;
		for (vaddr_t base = ALIGN_UP(start, HUGE_SIZE); base + HUGE_SIZE <= stop;
		     base += HUGE_SIZE) {
			int one = collapse(space, base, true);
			result = one != 0 ? one : result;
		}
		if (result != 0)
			return result;
	}
	return 0;
}

/* --- khugepaged --- */

void collapse_add_space(struct address_space *space)
{
	space_round_add(&spaces, &space->collapse_turn, space);
}

void collapse_remove_space(struct address_space *space)
{
	space_round_remove(&spaces, &space->collapse_turn);
}

/* The next aligned 2 MiB of a space that may become a huge page; 0: there is none, or the map is
 * being changed. */
static vaddr_t next_candidate(struct address_space *space)
{
	vaddr_t found = 0, at = space->collapse_turn.at;
	const struct region *region;

	if (!rwlock_try_read_lock(&space->map_lock))
		return 0;
	while (found == 0 && (region = region_find_first(space, at)) != NULL) {
		vaddr_t base = ALIGN_UP(MAX(at, region->start), HUGE_SIZE);
		at = region->end;
		if (huge_is_allowed(space, region, base, false))
			found = base;
	}
	rwlock_read_unlock(&space->map_lock);
	return found;
}

bool collapse_round(void)
{
	size_t left = READ_ONCE(huge_settings.scan_pages) / PTES_PER_TABLE + 1;
	size_t visits = READ_ONCE(spaces.count) + 1;
	struct address_space *space;
	bool room = true;

	while (room && left > 0 && visits > 0 && (space = space_round_first(&spaces)) != NULL) {
		vaddr_t base = next_candidate(space);
		if (base != 0) {
			room = collapse(space, base, false) != -ENOMEM;
			space->collapse_turn.at = base + HUGE_SIZE;
			left--;
		} else {
			space_round_advance(&spaces, &space->collapse_turn);
			visits--;
		}
		vmm_put_address_space(space);
	}
	huge_note(HUGE_SCANS);
	return room;
}
