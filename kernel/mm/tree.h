/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-table tree, for mm's own files: find, create, walk, clone, protect, move and drop
 * ranges.
 *
 * A leaf entry is one of: empty; present; or *hidden*: not present, but holding a frame, because
 * the region permits no access (PROT_NONE).  An entry holds one reference to its frame unless it is
 * special (zero page, devices, vDSO).
 *
 * Locks.  An entry changes only under the lock of its table (in the table's frame descriptor).
 * Tables are added by anyone who holds the map lock, also for reading, with an atomic exchange of
 * the parent's empty entry; they go away only under the map lock held for writing, below regions
 * that are gone.  Whoever walks without the map lock (truncation) is kept safe by the page cache's
 * mappings_lock: a region leaves the cache's list before its tables can go.
 *
 * A walk goes by spans: the entries of one table that lie in the range.
 */
#ifndef MM_TREE_H
#define MM_TREE_H

#include "arch/mmu.h"
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "mm/paging.h"

struct address_space;
struct gather;
struct region;

/* Entries of one leaf table: `count` of them from `slot` on, the first for the page at `start`. */
struct tree_span {
	pte_t *slot;
	vaddr_t start;
	u32 count;
};

/* --- Leaf entries --- */

enum { HIDDEN_MARK = 1, HIDDEN_SPECIAL = 2, HIDDEN_SHIFT = 2 };

static inline pte_t entry_none(void)
{
	return pte_swap(0);
}

static inline pte_t entry_hidden(phys_t frame, bool special)
{
	return pte_swap((frame >> PAGE_SHIFT) << HIDDEN_SHIFT | HIDDEN_MARK |
			(special ? HIDDEN_SPECIAL : 0));
}

static inline phys_t entry_phys(pte_t entry)
{
	if (likely(pte_is_present(entry)))
		return pte_phys(entry);
	return pte_swap_payload(entry) >> HIDDEN_SHIFT << PAGE_SHIFT;
}

static inline bool entry_is_special(pte_t entry)
{
	if (likely(pte_is_present(entry)))
		return pte_flags(entry) & PAGE_SPECIAL;
	return pte_swap_payload(entry) & HIDDEN_SPECIAL;
}

static inline bool entry_is_writable(pte_t entry)
{
	return pte_is_present(entry) && (pte_flags(entry) & PAGE_WRITABLE);
}

/* The lock of the table that the entry lies in. */
static inline spinlock_t *entry_lock(const pte_t *slot)
{
	return &frame_of(virt_to_phys(slot))->lock;
}

/* --- The tree --- */

/* 0 or -ENOMEM. */
int __must_check tree_init(page_directory_t *tree);
/* Frees the root; all tables below the user half must be gone (tree_free_tables). */
void tree_destroy(page_directory_t *tree);

/* The entry of a page; NULL when there is no table for it.  tree_create makes the tables, NULL: no
 * memory. */
pte_t *tree_find(const page_directory_t *tree, vaddr_t address);
pte_t *tree_create(page_directory_t *tree, vaddr_t address);

/*
 * The next span in [*at, end) with a table; *at moves behind it.  False when there is no more.
 *
 *	vaddr_t at = start;
 *	while (tree_next_span(tree, &at, end, &span))
 *		…
 */
bool tree_next_span(const page_directory_t *tree, vaddr_t *at, vaddr_t end, struct tree_span *span);

/* Where the tables of the user half end: a multiple of what a root entry spans. */
#define USER_TABLES_TOP ALIGN_UP(USER_TOP, pt_span(PT_LEVELS))

/*
 * Takes out every table whose whole span lies within [floor, ceiling) and that touches [start,
 * end); their entries are empty.  The gather frees them after the flush.
 */
void tree_free_tables(page_directory_t *tree, vaddr_t start, vaddr_t end, vaddr_t floor,
		      vaddr_t ceiling, struct gather *gather);

/* A walk over any tree and all leaf sizes, without locks: the entry and its level, or NULL. */
const pte_t *tree_walk(phys_t root, vaddr_t address, u32 *level);

#endif
