/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files that implement vmm.h.
 */
#ifndef MM_SPACE_H
#define MM_SPACE_H

#include "mm/hugetlb.h"
#include "mm/region.h"
#include "mm/zap.h"

/* Unmaps [start, end) of whole pages, which no boundary of a region needs to match.  Map lock held
 * for writing.  0, -ENOMEM. */
int __must_check space_unmap_locked(struct address_space *space, vaddr_t start, vaddr_t end);

/* Gives every present entry of the region's range the access that its flags say now; flushes.  The
 * range is isolated; map lock held for writing. */
void protect_region_entries(struct address_space *space, const struct region *region, vaddr_t start,
			    vaddr_t end);

/*
 * Gives every entry of [start, end) that is not empty the marks `set` (entry.h), and takes `drop`
 * from it; what is marked permits no writing afterwards; flushes.  The range's leaves are not
 * shared with other spaces; map lock held, for reading at least.
 */
void mark_entries(struct address_space *space, vaddr_t start, vaddr_t end, u64 set, u64 drop);

/*
 * The same with PAGE_WATCHED for all of [start, end), whose leaves are made: what is empty becomes a
 * watch.  0, -ENOMEM: some are not marked.
 */
int __must_check watch_entries(struct address_space *space, vaddr_t start, vaddr_t end);

/* The flags of an entry for a page of this region; PAGE_WRITABLE only when `writable` and the
 * region permits it. */
u64 region_entry_flags(const struct region *region, bool writable);

/* The marks of an entry that is made for reading, so that it has not been written. */
static inline u64 region_fresh_marks(const struct region *region)
{
	return region->flags & REGION_TRACKED ? PAGE_CLEAN : 0;
}

/* Does a userfault hear of writes to marked pages of the region? */
bool region_watches_writes(const struct region *region);
/* Does the mark of a page that goes stay, as a watch?  Pages of files, and of the pools, come back. */
static inline bool region_keeps_watches(const struct region *region)
{
	return unlikely(region->flags & REGION_WATCH_WRITES) &&
	       (region->backing != NULL || (region->flags & REGION_HUGETLB));
}

/* The flags of an entry that comes in the place of `old`, which is vacant: the mark of a watch
 * stays, and forbids writing. */
static inline u64 region_watched_flags(const struct region *region, pte_t old, u64 flags)
{
	if (likely(pte_is_none(old)) || !region_watches_writes(region))
		return flags;
	return (flags & ~(u64)(PAGE_WRITABLE | PAGE_DIRTY)) | PAGE_WATCHED;
}

/* Moves entries from one range, which is isolated, to another of the same space, empty one.  Cannot
 * fail: tables exist (tree_prepare). */
void move_entries(struct address_space *space, vaddr_t from, vaddr_t to, size_t length);

/*
 * A place for `length` bytes as mmap without MAP_FIXED chooses it: the hint if it is free, else the
 * highest hole.  Negative errno when there is none.  Map lock held.
 */
long __must_check space_find_place(struct address_space *space, vaddr_t hint, size_t length,
				   u32 flags);

/* May the caller put a mapping at this address?  The lowest ones are for the privileged. */
bool space_may_map(vaddr_t address);

/* May the process lock so many pages more?  0, -EPERM, or `error`. */
int __must_check space_check_locked(struct address_space *space, size_t pages, int error);

/* Brings in what MAP_POPULATE, mlock and the like want; map lock not held.  0, -ENOMEM; -EFAULT:
 * some of it permits no access, the rest is there, if nothing else failed. */
int __must_check populate_range(struct address_space *space, vaddr_t start, vaddr_t end,
				bool only_locked);

/* The object behind shared anonymous memory, with one reference; NULL: no memory.  `promised`: it
 * counts as committed (commit.h) as long as it lives. */
struct backing *__must_check shared_memory_create(size_t size, bool promised);
/* The same of huge pages: hugetlb_memory.c. */
struct backing *__must_check huge_memory_create(size_t size, enum hugetlb_size which);
void shared_memory_init(void);

#endif
