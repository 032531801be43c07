/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the memory manager looks like from outside: for people, tests and debuggers.
 *
 * Everything here is a snapshot of what changes meanwhile: right for a system at rest, near it for
 * a busy one.  Functions take references and locks themselves, may sleep, and want no lock held.
 */
#ifndef MM_INSPECT_H
#define MM_INSPECT_H

#include "lib/types.h"
#include "mm/vmm.h"

/* --- Copy-on-write, over all spaces --- */

typedef struct cow_stats {
	u64 pages;       /* frames that several spaces have, the first to write gets a copy */
	u64 peak_pages;  /* the most that any call has found */
	u64 mappings;    /* how often spaces have these frames */
	u64 faults;      /* writes to such pages, or through tables that were shared */
	u64 duplicated;  /* pages that were copied for them */
	u64 reused;      /* pages that the writer turned out to have alone */
	u64 saved;       /* bytes: what copies of all these pages would take besides */
	u64 bookkeeping; /* bytes: descriptors of page tables and of families */
} cow_stats_t;

/* Walks every space: takes as long as they are large. */
void cow_get_stats(cow_stats_t *stats);

/* --- A tree of page tables --- */

struct tree_node_info {
	vaddr_t start;
	phys_t table;
	u32 level;                    /* of its entries; 1: a leaf */
	u32 refs;                     /* links that name it */
	u32 huge_links;               /* of a leaf: those of them that map its block */
	u32 spaces;                   /* that reach it */
	u32 ring;                     /* of a leaf: members of its ring */
	u32 entries;                  /* that are not empty */
	u32 resident[RESIDENT_KINDS]; /* of a leaf */
	bool writable;                /* the link on the way to it permits writing */
	bool may_pin;                 /* pinned frames may be below: it is never shared */
};

/*
 * The nodes below a space's root, upper ones before those below them, by address: the first `limit`
 * in `nodes`.  Returns how many there are.
 */
size_t vmm_describe_tree(struct address_space *space, struct tree_node_info *nodes, size_t limit);

/* --- Single pages --- */

/* Linux's /proc/PID/pagemap. */
#define PAGEMAP_FRAME     (BIT(55) - 1)
#define PAGEMAP_WRITTEN   BIT(55) /* since vmm_clear_written, "soft-dirty" */
#define PAGEMAP_EXCLUSIVE BIT(56)
#define PAGEMAP_WATCHED   BIT(57) /* write-protected by a userfaultfd */
#define PAGEMAP_FILE      BIT(61) /* or shared memory */
#define PAGEMAP_SWAPPED   BIT(62)
#define PAGEMAP_PRESENT   BIT(63)

/* Words for `count` pages from `start` on; with frame numbers if `frames`. */
void vmm_page_words(struct address_space *space, vaddr_t start, size_t count, bool frames,
		    u64 *words);

enum referenced_what { REFERENCED_ALL, REFERENCED_ANONYMOUS, REFERENCED_FILE };
/* Forgets that pages have been accessed; the processor notes it anew. */
void vmm_clear_referenced(struct address_space *space, enum referenced_what what);
/*
 * Forgets that pages have been written; it is noted anew, as entries lose their permission to write
 * and get the mark PAGE_CLEAN, and regions get REGION_TRACKED, so that what is new in them counts,
 * too.  The space's tables become its own for that.  0 or -ENOMEM: some are not cleared.
 */
int __must_check vmm_clear_written(struct address_space *space);
/* The peak of resident memory begins anew. */
void vmm_reset_peak(struct address_space *space);

#endif
