/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between hugetlb_pool.c, which has the blocks, hugetlb_block.c, where they come from, hugetlb.c and
 * hugetlb_fault.c, which map them, and hugetlb_file.c, hugetlb_quota.c.
 */
#ifndef MM_HUGETLB_INTERNAL_H
#define MM_HUGETLB_INTERNAL_H

#include "mm/fault.h"
#include "mm/hugetlb.h"

static inline u32 hugetlb_frames(enum hugetlb_size size)
{
	return 1u << (hugetlb_shift(size) - PAGE_SHIFT);
}

/* --- hugetlb_pool.c --- */

/* Promises blocks; false: there are not so many.  Takes promises back. */
bool __must_check hugetlb_pool_reserve(enum hugetlb_size size, size_t blocks);
void hugetlb_pool_unreserve(enum hugetlb_size size, size_t blocks);

/* A block, `reserved` by the caller or not, each frame of `kind` with a reference, of undefined
 * content; as the policy for that page says, if there is one.  0: there is none. */
phys_t __must_check hugetlb_pool_take(enum hugetlb_size size, bool reserved, enum frame_kind kind,
				      const struct mempolicy *policy, vaddr_t address);
/* Drops a reference of each frame of a block. */
void hugetlb_block_put(enum hugetlb_size size, phys_t block);

/* --- hugetlb_block.c --- */

/* A block from the allocator, of this node if there are several, marked as pooled; 0: there is none
 * at once.  `compact`: moves pages for it; may sleep then. */
phys_t __must_check hugetlb_block_alloc(enum hugetlb_size size, u32 node, bool compact);
/* Back to the allocator.  Any context. */
void hugetlb_block_release(enum hugetlb_size size, phys_t block);
/* Its frames, which nobody has, get a reference each. */
void hugetlb_block_begin(enum hugetlb_size size, phys_t block, enum frame_kind kind);
/* One of them is free; interrupts off. */
void hugetlb_block_frame_end(struct frame *frame);
/* The content of as many frames as it has, or zeros for NULL. */
void hugetlb_block_write(enum hugetlb_size size, phys_t block, const phys_t *content);

/* --- hugetlb_quota.c --- */

/* Charges so many blocks: how many have to be reserved in the pool, the others are; -ENOMEM. */
long __must_check hugetlb_quota_get(struct hugetlb_quota *quota, size_t blocks);
/* Gives so many back, of which `reserved` are in the pool: how many reservations the caller has to
 * end. */
size_t hugetlb_quota_put(struct hugetlb_quota *quota, size_t blocks, size_t reserved);

/* --- hugetlb_file.c --- */

/* Is the huge page there that this page is in? */
bool hugetlb_file_has(struct hugetlb_file *file, u64 index);
/* Brings the huge page of 2 MiB in that this page is in, with this content.  0, -EEXIST, -ENOMEM,
 * -ENOSPC.  May sleep. */
int __must_check hugetlb_file_fill(struct hugetlb_file *file, u64 index, const phys_t *content);

/* --- hugetlb_fault.c --- */

/* The page of 2 MiB at a fault in private memory, which is vacant, gets this content. */
enum fault_result hugetlb_fill_private(struct fault *fault, const phys_t *content);
/* Maps the 2 MiB around a fault in a file's mapping, which the cache has.  FAULT_RETRY: done. */
enum fault_result hugetlb_map_file(struct fault *fault, struct page_cache *cache, u64 sequence);

/* --- hugetlb.c --- */

/* Takes a promise of the space for a page of this region; false: it has none. */
bool hugetlb_use_promise(struct address_space *space, const struct region *region);
/* And puts it back. */
void hugetlb_renew_promise(struct address_space *space, const struct region *region);

#endif
