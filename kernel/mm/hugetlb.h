/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages on request: MAP_HUGETLB and files of huge pages, from pools of blocks of 2 MiB and of
 * 1 GiB that are set apart.
 *
 * A pool owns `total` blocks.  Who will need some reserves them, so that a fault finds a block: for
 * private mappings the space does, at mmap (a child has no reservation), for shared ones the file,
 * page by page, until it is truncated or ends.  A block that is handed out is single frames, as of
 * any huge page (huge.h).  Private memory of the pool is mapped by huge links; fork shares them, a
 * write to a shared one copies 4 KiB to an ordinary frame and so never fails, munmap and mprotect
 * split.  Pages of files are in the file's page cache, 4 KiB by 4 KiB, all of a block or none, and
 * their mappings have tables.  A page of 1 GiB is 512 leaves in a private mapping.
 *
 * The frames have order FRAME_POOLED, by which the allocator knows where they belong: the last one
 * that becomes free gives the block back to its pool.
 */
#ifndef MM_HUGETLB_H
#define MM_HUGETLB_H

#include "lib/radix.h"
#include "lib/sync.h"
#include "mm/huge.h"
#include "mm/region.h"
#include "mm/vmm.h"

struct fault;

static inline u32 hugetlb_shift(enum hugetlb_size size)
{
	return size == HUGETLB_1G ? GIGANTIC_SHIFT : HUGE_SHIFT;
}
static inline u64 hugetlb_bytes(enum hugetlb_size size)
{
	return (u64)1 << hugetlb_shift(size);
}
/* The size whose logarithm that is; 0: the usual one.  False: there is none. */
bool __must_check hugetlb_size_of_shift(u32 shift, enum hugetlb_size *size);
/* What MAP_HUGETLB means without a size: 2 MiB, unless the kernel's command line says otherwise. */
enum hugetlb_size hugetlb_default(void);
/* hugepagesz=, hugepages= and default_hugepagesz= of the kernel's command line.  Once, after
 * vmm_init, before the first program. */
void hugetlb_init(const char *cmdline);

/* --- The pools --- */

struct hugetlb_stats {
	size_t total;    /* blocks that the pool owns */
	size_t free;     /* of these, not handed out */
	size_t reserved; /* of the free ones, promised; 0 of a single node */
	size_t surplus;  /* more than the pool shall have: they go when they are free */
};
#define HUGETLB_ALL_NODES UINT64_MAX
/* Of the nodes whose bits are set: one, or all. */
void hugetlb_get_stats(enum hugetlb_size size, u64 nodes, struct hugetlb_stats *stats);
/* Makes the pool so large, taking blocks from and giving them to these nodes, as far as there are
 * blocks, and fewer are in use.  May sleep. */
void hugetlb_resize(enum hugetlb_size size, u64 nodes, size_t blocks);
/* The same so that one node has so many of it. */
void hugetlb_resize_node(enum hugetlb_size size, u32 node, size_t blocks);
/* How many more the pool may take when it has too few. */
size_t hugetlb_overcommit(enum hugetlb_size size);
void hugetlb_set_overcommit(enum hugetlb_size size, size_t blocks);

/* A frame of a block is free: what the allocator calls for frames with order FRAME_POOLED.  Any
 * context. */
void hugetlb_frame_freed(phys_t frame);

/* --- Regions (REGION_HUGETLB); map lock held for writing --- */

static inline enum hugetlb_size region_hugetlb_size(const struct region *region)
{
	return region->flags & REGION_GIGANTIC ? HUGETLB_1G : HUGETLB_2M;
}

/* Reserves blocks for a new private mapping.  0 or -ENOMEM. */
int __must_check hugetlb_reserve(struct address_space *space, enum hugetlb_size size,
				 size_t length);

/* What is reserved for pages of [start, end) that are not there; to be given back when the regions
 * have gone. */
struct hugetlb_promise {
	size_t blocks[HUGETLB_SIZES];
};
void hugetlb_count_promised(struct address_space *space, vaddr_t start, vaddr_t end,
			    struct hugetlb_promise *promise);
void hugetlb_unreserve(struct address_space *space, const struct hugetlb_promise *promise);
/* All that is left, at the end of the space. */
void hugetlb_unreserve_all(struct address_space *space);

/* May [start, end) be cut out of what is mapped?  0, or -EINVAL where a huge page would be cut. */
int __must_check hugetlb_check_cut_slowly(struct address_space *space, vaddr_t start, vaddr_t end);
static inline int __must_check hugetlb_check_cut(struct address_space *space, vaddr_t start,
						 vaddr_t end)
{
	return unlikely(space->has_hugetlb) ? hugetlb_check_cut_slowly(space, start, end) : 0;
}

/* An entry of such a region is empty: of private memory, or of a file's mapping.  Map lock held for
 * reading. */
enum fault_result fault_hugetlb(struct fault *fault);
enum fault_result fault_hugetlb_file(struct fault *fault);

/* --- Files --- */

/*
 * What the files of one mount may have together: size= and min_size= of hugetlbfs.  `least` is
 * reserved from the start, and stays so until somebody has it.
 */
struct hugetlb_quota {
	enum hugetlb_size size; /* constant, like the next two */
	size_t most;            /* blocks; SIZE_MAX: no limit */
	size_t least;
	spinlock_t lock;
	size_t used;     /* lock: by pages that are there or promised */
	size_t reserved; /* lock: of `least`, what is kept in the pool for it */
};
/* 0, or -ENOMEM: the pool has not got the least. */
int __must_check hugetlb_quota_init(struct hugetlb_quota *quota, enum hugetlb_size size,
				    size_t most, size_t least);
void hugetlb_quota_end(struct hugetlb_quota *quota);

/*
 * A file of huge pages: what its page cache names as `huge`.  `promised` has the index of each huge
 * page that is reserved and not there.
 *
 * `lock` is taken inside of map locks, and of the owner's lock for the size of the file.
 */
struct hugetlb_file {
	struct page_cache *cache;
	enum hugetlb_size size;
	struct hugetlb_quota *quota; /* NULL: none */
	mutex_t lock;                /* pages come under it */
	struct radix_tree promised;  /* lock */
};
/* Makes a cache, fresh from page_cache_init, one of huge pages. */
void hugetlb_file_init(struct hugetlb_file *file, struct page_cache *cache, enum hugetlb_size size,
		       struct hugetlb_quota *quota);
/* The cache is destroyed, and promises end.  May sleep. */
void hugetlb_file_destroy(struct hugetlb_file *file);

/* Promises the pages of [start, end), in bytes, whole huge pages, that are not there.  0, -ENOMEM.
 * May sleep, as all that follow. */
int __must_check hugetlb_file_reserve(struct hugetlb_file *file, u64 start, u64 end);
/* For a mapping that may write: the file is at least so large. */
void hugetlb_file_extend(struct hugetlb_file *file, u64 size);
/* page_cache_get for a hole: brings the huge page in.  0, -ENOMEM; -ENOSPC: the pool has none. */
int __must_check hugetlb_file_make(struct hugetlb_file *file, u64 index, phys_t *frame);
/* The owner's lock for the size is held.  A size that is not a multiple: -EINVAL. */
int __must_check hugetlb_file_truncate(struct hugetlb_file *file, u64 size);
/* Frees the whole huge pages in [start, end), and clears the rest of it. */
void hugetlb_file_punch(struct hugetlb_file *file, u64 start, u64 end);
/* Brings every huge page in that touches [start, end).  0, -ENOMEM, -ENOSPC. */
int __must_check hugetlb_file_allocate(struct hugetlb_file *file, u64 start, u64 end);

#endif
