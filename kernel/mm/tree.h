/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-table tree of an address space; for mm's own files.
 *
 * The root is the space's own; below it are nodes (node.h), which spaces of a family share. W(link)
 * says that a link permits writing.  A page's path is *exclusive* when every link on it has W: then
 * no other space reaches these nodes.  Work on a leaf is of one of these classes:
 *
 *	fill	an empty entry gets content (a read fault): in a shared leaf too, for all sharers
 *	own	an entry gets content of its own, or permission to write: on an exclusive path only,
 *		which is made here: a link with W = 0 to a node that has no other link gets W back
 *		(*regain*), another node is copied (*unshare*)
 *	revoke	an entry loses its content or rights for all sharers (truncation): in a shared leaf
 *		too; the CPUs of the family are flushed
 *	remap	the space's regions change: nodes over the range are made the space's own first
 *		(tree_isolate), or given up whole
 *
 * All spaces that reach a node have the same regions over its span.
 *
 * Locks.  Fill and own hold the map lock for reading: fork, which holds it for writing, is
 * excluded, so an exclusive path stays what it is, and is walked without further locks.  A path
 * that is not exclusive is walked, and links are replaced or removed, under the space's
 * `tree_lock`: a spin lock, held with interrupts on also while other CPUs are flushed.  Then comes
 * the lock of the leaf.
 */
#ifndef MM_TREE_H
#define MM_TREE_H

#include "mm/entry.h"
#include "mm/node.h"

struct gather;

static inline bool link_is_writable(pte_t link)
{
	return (pte_flags(link) & (PAGE_PRESENT | PAGE_WRITABLE)) == (PAGE_PRESENT | PAGE_WRITABLE);
}

/* 0 or -ENOMEM. */
int __must_check tree_init(page_directory_t *tree);
/* Frees the root; all below it must be gone. */
void tree_destroy(page_directory_t *tree);

/* --- One entry --- */

enum tree_intent {
	TREE_FIND, /* only if there is a table already */
	TREE_FILL,
	TREE_OWN,
	TREE_GRANT, /* own, by who leaves entries that permit writing alone: so a huge page whose
		       entries do need not be split */
};

/* The entry of a page, with its leaf locked. */
struct tree_leaf {
	struct address_space *space;
	pte_t *slot, *link; /* `link` leads to the leaf; only for the way there */
	struct node *node;
	bool exclusive;           /* the path to it */
	bool tree_locked;         /* the tree_lock is held */
	u8 replaced_count;        /* nodes whose links were replaced by copies, */
	struct node *replaced[3]; /* and flushed already */
};

/*
 * Locks the leaf of a page, made if necessary.  0, -ENOMEM; -ENOENT: TREE_FIND found no table.  Map
 * lock held for reading at least.
 */
int __must_check tree_lock_leaf(struct address_space *space, vaddr_t page, enum tree_intent intent,
				struct tree_leaf *leaf);
void tree_unlock_leaf(struct tree_leaf *leaf);

/* The slot of a page whose path is exclusive; NULL: it is not, or there is no table.  It stays so
 * while the map lock is held. */
pte_t *tree_exclusive_slot(const struct address_space *space, vaddr_t page);
/* The link to its leaf likewise. */
pte_t *tree_exclusive_link(const struct address_space *space, vaddr_t page);
/* What the entry of a page is just now. */
pte_t tree_peek(struct address_space *space, vaddr_t page);

/* --- Many entries --- */

/*
 * What a range that lies below one link to a leaf has there: NULL: no leaf; a leaf whose path is
 * exclusive; or TREE_WALK: look closer, the range is larger, or the path is not exclusive.  It
 * stays so while the map lock is held for writing; while it is held for reading, NULL does not.
 */
#define TREE_WALK ((struct node *)1)
struct node *tree_exclusive_leaf(const struct address_space *space, vaddr_t start, vaddr_t end);

/*
 * The link of a page's leaf, on an exclusive path down to it, which is made if necessary: it may be
 * empty, and does not permit writing if the leaf is shared.  NULL: no memory.  Map lock held for
 * reading at least.
 */
pte_t *__must_check tree_own_leaf_link(struct address_space *space, vaddr_t page);

/* Entries of one leaf: `count` of them from `slot` on, the first for the page at `start`. */
struct tree_span {
	pte_t *slot;
	struct node *node;
	vaddr_t start;
	u32 count;
	u32 others;  /* spaces that share the leaf with this one; an estimate */
	pte_t *link; /* that leads to the leaf */
	bool huge;   /* and maps its block (huge.h): the entries do not change */
};

/*
 * The next span in [*at, end) that has a table, its leaf locked, shared or not; *at moves behind
 * it. Huge pages are split; those that other spaces map as such by links of their own are passed
 * over (anonymous ones, and only shared leaves can be). False when there is no more.
 *
 *	vaddr_t at = start;
 *	while (tree_lock_span(space, &at, end, &span)) {
 *		…
 *		tree_unlock_span(space, &span);
 *	}
 */
bool tree_lock_span(struct address_space *space, vaddr_t *at, vaddr_t end, struct tree_span *span);
/* The same for who only looks: huge pages stay what they are. */
bool tree_look_span(struct address_space *space, vaddr_t *at, vaddr_t end, struct tree_span *span);
/* Splits the huge page that a span looks at.  May its entries change now?  Not if other spaces map
 * it as one by links of theirs. */
bool tree_split_span(struct tree_span *span);
void tree_unlock_span(struct address_space *space, struct tree_span *span);

/*
 * Makes a link with W = 0 the space's own: the link to go on with, which has W, or empty: no
 * memory. A leaf comes locked.  *replaced: the node that the link named before, to be put after a
 * flush; NULL if it still does.  tree_lock held.
 */
pte_t tree_own_link(pte_t *slot, pte_t link, struct node **replaced);

/* --- Shape --- */

/* Where the tables of the user half end: a multiple of what a root entry spans. */
#define USER_TABLES_TOP ALIGN_UP(USER_TOP, pt_span(PT_LEVELS))

/* What becomes of a shared node that lies wholly within a range that is isolated. */
enum tree_covered {
	COVERED_COPY,  /* its content stays: it is copied */
	COVERED_GOES,  /* it has none that is wanted: the link is removed */
	COVERED_STAYS, /* the caller will remove it (zap_nodes) */
};

/*
 * Makes every node that touches [start, end) the space's own, before its regions there change.  0
 * or -ENOMEM: what has been copied by then means the same as before.  Map lock held for writing.
 */
int __must_check tree_isolate(struct address_space *space, vaddr_t start, vaddr_t end,
			      enum tree_covered covered);

/* Makes the tables for [start, end), which are the space's own.  0 or -ENOMEM.  Map lock held for
 * writing. */
int __must_check tree_prepare(struct address_space *space, vaddr_t start, vaddr_t end);

/*
 * The child's empty tree becomes the same as the parent's: every link of the root is shared, but
 * for ways to pinned frames (pin.h), which are copied.  0; -ENOMEM: only with pinned frames, and
 * then the child has a part of the tree.  Map locks of both held for writing; the caller flushes
 * the parent's CPUs, then calls pin_finish_fork, before the child runs.
 */
int __must_check tree_share(struct address_space *child, struct address_space *parent);

/* What a tree has: entries that name frames by kind, and tables.  Any time; approximate while
 * others are at work. */
struct tree_counts {
	size_t resident[RESIDENT_KINDS];
	size_t swapped;
	size_t tables;
};
void tree_count(struct address_space *space, struct tree_counts *counts);
/* The same for those who cannot wait, as interrupts are off; says whether it could. */
bool tree_try_count(struct address_space *space, struct tree_counts *counts);

/* --- Any tree --- */

/* The slot of a page of the kernel half, whose tables have no descriptors and never go: NULL
 * without a table, or for kernel_slot_create without memory for one. */
pte_t *kernel_slot(vaddr_t address);
pte_t *kernel_slot_create(vaddr_t address);

/* A walk over any tree and all leaf sizes, without locks: the entry and its level, or NULL. */
const pte_t *tree_walk(phys_t root, vaddr_t address, u32 *level);

#endif
