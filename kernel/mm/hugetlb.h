/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages on request: MAP_HUGETLB, from a pool of blocks of 2 MiB that is set apart.
 *
 * The pool owns `total` blocks.  A mapping reserves at mmap what it may need, so that a fault of
 * its space finds a block; the reservation is the space's, a child has none.  A block that is
 * handed out is 512 single frames, as of any huge page (huge.h): fork shares them, a write to a
 * shared one copies 4 KiB to an ordinary frame and so never fails, munmap and mprotect split.  The
 * frames have order FRAME_POOLED, by which the allocator knows where they belong: the last one that
 * becomes free gives the block back to the pool.
 *
 * Private anonymous memory alone is mapped so; there is no pool of 1 GiB pages: its size is 0 and
 * stays so, as the largest block of the allocator is smaller.
 */
#ifndef MM_HUGETLB_H
#define MM_HUGETLB_H

#include "mm/huge.h"
#include "mm/vmm.h"

struct fault;

/* --- The pool --- */

struct hugetlb_stats {
	size_t total;    /* blocks that the pool owns */
	size_t free;     /* of these, not handed out */
	size_t reserved; /* of the free ones, promised */
	size_t surplus;  /* handed out, and more than the pool shall have */
};
void hugetlb_get_stats(struct hugetlb_stats *stats);
/* Makes the pool so large, as far as there are blocks, and fewer are in use.  May sleep. */
void hugetlb_resize(size_t blocks);

/* A frame of a block is free: what the allocator calls for frames with order FRAME_POOLED.  Any
 * context. */
void hugetlb_frame_freed(phys_t frame);

/* --- Regions (REGION_HUGETLB); map lock held for writing --- */

/* Reserves the blocks for a new mapping.  0 or -ENOMEM. */
int __must_check hugetlb_reserve(struct address_space *space, size_t length);
/* What is reserved for pages of [start, end) that are not there; to be given back when the regions
 * have gone. */
size_t hugetlb_count_promised_slowly(struct address_space *space, vaddr_t start, vaddr_t end);
static inline size_t hugetlb_count_promised(struct address_space *space, vaddr_t start, vaddr_t end)
{
	return likely(READ_ONCE(space->huge_reserved) == 0)
		       ? 0
		       : hugetlb_count_promised_slowly(space, start, end);
}
void hugetlb_unreserve(struct address_space *space, size_t blocks);
/* May [start, end) be cut out of what is mapped?  0, or -EINVAL where a huge page would be cut. */
int __must_check hugetlb_check_cut_slowly(struct address_space *space, vaddr_t start, vaddr_t end);
static inline int __must_check hugetlb_check_cut(struct address_space *space, vaddr_t start,
						 vaddr_t end)
{
	return unlikely(space->has_hugetlb) ? hugetlb_check_cut_slowly(space, start, end) : 0;
}

/* An entry of such a region is empty.  Map lock held for reading. */
enum fault_result fault_hugetlb(struct fault *fault);

#endif
