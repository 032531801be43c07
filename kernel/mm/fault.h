/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files that resolve faults: fault.c (which case it is), fault_anonymous.c (zero pages
 * and copies), fault_file.c (pages of files), fault_swap.c (pages that were swapped),
 * stack_growth.c.
 *
 * The map lock is held for reading throughout.  Each step ends with one of the results below;
 * "retry" means that another thread changed the entry or the file meanwhile, and the program's next
 * try decides.
 */
#ifndef MM_FAULT_H
#define MM_FAULT_H

#include "mm/space.h"
#include "mm/tree.h"

enum fault_result {
	FAULT_DONE,
	FAULT_RETRY,      /* look again */
	FAULT_NO_ADDRESS, /* SIGSEGV, SEGV_MAPERR */
	FAULT_NO_ACCESS,  /* SIGSEGV, SEGV_ACCERR */
	FAULT_NO_PAGE,    /* SIGBUS, BUS_ADRERR */
	FAULT_NO_MEMORY,  /* allocation failed */
	FAULT_WAIT,       /* until a program has resolved it: userfault.h */
	FAULT_NO_BLOCK,   /* look again after making room for a huge page */
};

/* One fault on its way. */
struct fault {
	struct address_space *space;
	struct region *region;
	vaddr_t address;
	vaddr_t page;   /* address of the page */
	pte_t *slot;    /* its entry, if the path to it is exclusive; else NULL */
	unsigned flags; /* FAULT_* */
	u32 key;        /* after FAULT_NO_ACCESS: the region's */
	bool major;     /* a device was waited for */
	bool forced;    /* a debugger's: the region's protection does not count */
	bool made_room; /* for a huge page, or tried to */
	bool own;       /* as a write, but nothing is written: the page gets a frame of its own */
};

/* Over all spaces; approximate counts, added to without atomics by each CPU. */
enum fault_count {
	COUNT_FAULTS,
	COUNT_COW,
	COUNT_DEMAND,
	COUNT_FILE,
	COUNT_PROTECTION,
	COUNT_COPIED,
	COUNT_REUSED,
	COUNT_SWAP_IN,
	COUNT_MAJOR,
	FAULT_COUNTS
};
void fault_count(enum fault_count what);

/* An entry of a private region without a file is empty. */
enum fault_result fault_anonymous(struct fault *fault);
/* The same as a huge page, if no table is there yet: FAULT_DONE, FAULT_RETRY, FAULT_NO_BLOCK, or
 * FAULT_NO_PAGE: there is no huge page to be had. */
enum fault_result fault_huge(struct fault *fault);
/* A present, write-protected entry of a private region is written. */
enum fault_result fault_copy_on_write(struct fault *fault);
/* An entry is swapped: it gets a frame, and the fault is looked at again. */
enum fault_result fault_swapped(struct fault *fault);
/* An entry of a region with a file is empty, or write-protected in a shared region. */
enum fault_result fault_file(struct fault *fault);

/*
 * Puts `frame` (a reference that the entry takes over) in the place of a present entry, and drops
 * what was there, so that no CPU reads the old frame after another has written the new one.  The
 * table's lock is held, interrupts on.
 */
void fault_replace_locked(struct fault *fault, struct tree_leaf *leaf, pte_t old, phys_t frame);

/* Locks the leaf of the page, as tree_lock_leaf. */
static inline int fault_lock_leaf(const struct fault *fault, enum tree_intent intent,
				  struct tree_leaf *leaf)
{
	if (unlikely(fault->slot == NULL))
		return tree_lock_leaf(fault->space, fault->page, intent, leaf);
	*leaf = (struct tree_leaf){
		.space = fault->space,
		.slot = fault->slot,
		.node = node_of_slot(fault->slot),
		.exclusive = true,
	};
	spin_lock(&leaf->node->lock);
	return 0;
}

/*
 * As vmm_fault for a write that a debugger makes: the region need not permit writing, and then the
 * entry gets a frame of its own, but stays read-only.
 */
int fault_forced(struct address_space *space, vaddr_t address);

/* The page, if it is there and private, gets a frame that no other entry has, so that it can be
 * pinned; whether it may be written stays as it is.  0, -EFAULT, -ENOMEM. */
int fault_own(struct address_space *space, vaddr_t address);

/* Grows a stack to contain the address, if a region above may grow.  Map lock not held.  0 or
 * -EFAULT, -ENOMEM. */
int stack_grow(struct address_space *space, vaddr_t address);

/* No memory: makes room by the hook of vmm_set_out_of_memory_hook.  Says whether to try again. */
bool fault_out_of_memory(struct address_space *space);

/* The frame of zeros that all read faults share. */
phys_t zero_frame(void);
void zero_frame_init(void);

#endif
