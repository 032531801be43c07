/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages: 2 MiB of private memory that the machine translates by one entry; for mm's own files,
 * and the switches for those who show them.
 *
 * A huge page is an ordinary leaf (node.h) whose 512 entries are all present and name the frames of
 * one aligned block, in order, with the same rights.  Only a *link* to it may differ: a huge link
 * maps the block itself instead of naming the table.  So everything that reads entries finds them
 * in the table, each frame has its own references, and *splitting* is one store, which turns the
 * huge link into the table's: it never fails, and as neither frames nor rights change, nothing has
 * to be flushed for it.  (A CPU may keep the large translation for a while.  It says what the
 * entries say, and flushing an address drops it: arch/mmu.h.)  The dirty and accessed bits of a
 * huge link are the machine's; the entries' are as they were when it was made.
 *
 *	level 2		leaf			level 2		leaf
 *	  |W   table ---> 512 entries		  |W huge	512 entries, the same
 *	  |			| | | |   <-->	  |	\	| | | |
 *	  '-------------' frames		  '-------> block of frames
 *
 * Invariants, while `huge_links` of a leaf is not 0:
 *	- its entries do not change, but for losing W and EXCL together when it is copied: so the
 *	  first one tells of all, and whoever wants to change one splits first, and looks, with the
 *	  leaf locked, whether huge links are left that only other spaces can reach;
 *	- the block's first frame knows where the first entry is (`owner`): so the way from a huge
 *	  link to the leaf is found;
 *	- a huge link has W only as other links do (node.h), and if the entries have it.
 *
 * Locks.  Huge links are split with the tree_lock of a space that reaches them held, and inside it
 * the lock of the node that they are in.  Who holds neither finds the leaf by tree_link_node.  They
 * are made on exclusive paths only, with tree_lock and leaf locked, or where there was no link.
 */
#ifndef MM_HUGE_H
#define MM_HUGE_H

#include "mm/node.h"

struct address_space;
struct fault;
struct mempolicy;
struct region;

#define HUGE_SIZE  ((u64)PAGE_SIZE * PTES_PER_TABLE)
#define HUGE_ORDER 9
enum { HUGE_SHIFT = 21, GIGANTIC_SHIFT = 30 };

/* --- Links --- */

/* Makes the link that maps the block of a leaf, whose entries are filled in and as they must be,
 * and counts it: it is to be published. */
pte_t huge_link_make(struct node *leaf);
/* A copy of a node has the huge links of the original. */
void huge_link_copied(struct node *leaf);
/* A huge link to the leaf is there no more, or does not come to be. */
void huge_link_gone(struct node *leaf);

/* Splits: the table link that is in the slot from now on, whoever made it.  tree_lock held, leaf
 * not locked. */
pte_t huge_link_split(pte_t *slot);

/* The leaf that a link in the slot leads to, if somebody may split it meanwhile; `link` is what was
 * read there.  The way to the slot stays. */
struct node *huge_link_node(pte_t *slot);
static inline struct node *tree_link_node(pte_t *slot, pte_t link)
{
	return unlikely(link_is_huge(link)) ? huge_link_node(slot) : node_of(link);
}

/* Do the entries of a leaf with huge links permit writing?  The caller's locks keep both. */
static inline bool huge_may_write(const struct node *leaf)
{
	return entry_is_writable(pte_read(node_table(leaf)));
}

/* Huge pages that are mapped as such anywhere: leaves with huge links. */
size_t huge_pages_mapped(void);

/* --- Blocks --- */

/*
 * A block of 2 MiB for anonymous memory, of which each frame has a reference of its own and kind
 * FRAME_USER; content undefined.  0: there is none at once, or memory is short.
 */
phys_t __must_check huge_block_alloc(const struct mempolicy *policy, vaddr_t address);
/* Frees all frames of a block if each has one reference, the caller's; false: nothing has changed.
 */
bool __must_check huge_block_free(phys_t block);
void huge_block_clear(phys_t block);

/* Makes a whole block, whose references it takes over, the content of a leaf that has none (its
 * table's is undefined). */
void huge_leaf_fill(struct node *leaf, const struct region *region, phys_t block);

/* --- Policy --- */

enum huge_mode { HUGE_NEVER, HUGE_ADVISED, HUGE_ALWAYS };

/* When a fault that could bring a huge page finds no block: whether pages are moved to make one. */
enum huge_defrag {
	DEFRAG_ALWAYS,        /* by the fault, which waits */
	DEFRAG_DEFER,         /* in the background, for faults to come */
	DEFRAG_DEFER_ADVISED, /* by the fault where the program asked for huge pages, else deferred */
	DEFRAG_ADVISED,       /* by the fault where the program asked for them */
	DEFRAG_NEVER,
};

/* Read without lock. */
struct huge_settings {
	u32 enabled;      /* enum huge_mode */
	u32 fault_defrag; /* enum huge_defrag */
	u32 defrag;       /* khugepaged makes room for huge pages */
	u32 scan_pages, scan_sleep, alloc_sleep, max_empty; /* khugepaged's: milliseconds, pages */
};
extern struct huge_settings huge_settings;
void huge_init(void); /* once, when memory is known */

/* May the aligned 2 MiB at `base` be a huge page of the region?  `asked`: a program asks for it
 * now, and the switches do not count.  Map lock held. */
bool huge_is_allowed(const struct address_space *space, const struct region *region, vaddr_t base,
		     bool asked);

/* --- Events, since boot --- */

enum huge_event {
	HUGE_FAULTED,         /* a fault brought a huge page */
	HUGE_FAULT_FALLBACK,  /* there was no block for one */
	HUGE_COLLAPSED,       /* pages were made one huge page */
	HUGE_COLLAPSE_FAILED, /* there was no block for that */
	HUGE_SPLIT_LINKS,
	HUGE_SPLIT_PAGES, /* leaves that have lost their last huge link so */
	HUGE_SCANS,       /* times that khugepaged came round */
	HUGE_EVENTS
};
void huge_note(enum huge_event event);
u64 huge_events(enum huge_event event);

#endif
