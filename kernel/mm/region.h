/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: the map of what may be where in an address space; for mm's own files.
 *
 * A region is a range of whole pages with one protection and one backing.  Regions of a space do
 * not overlap; neighbours that could be one are joined where that is cheap, but nothing depends on
 * it.  They are kept in a balanced tree by address, in which each node knows the largest hole in
 * front of any region below it, so that a hole is found in logarithmic time.
 *
 * Everything here wants the space's map lock: for reading to find, for writing to change.  The
 * bounds of a region that maps a file are also read under the page cache's mappings_lock by
 * truncation, so they change under that too.
 */
#ifndef MM_REGION_H
#define MM_REGION_H

#include "lib/abi/mman.h"
#include "mm/mempolicy.h"
#include "mm/vmm.h"

enum region_flags {
	REGION_READ = PROT_READ,
	REGION_WRITE = PROT_WRITE,
	REGION_EXECUTE = PROT_EXEC,
	REGION_ACCESS = REGION_READ | REGION_WRITE | REGION_EXECUTE,
	REGION_MAY_READ = 1 << 3, /* mprotect may grant it */
	REGION_MAY_WRITE = 1 << 4,
	REGION_MAY_EXECUTE = 1 << 5,
	REGION_SHARED = 1 << 6,
	REGION_GROWS_DOWN = 1 << 7,
	REGION_LOCKED = 1 << 8,
	REGION_LOCK_ON_FAULT = 1 << 9,
	REGION_NO_FORK = 1 << 10,
	REGION_WIPE_ON_FORK = 1 << 11,
	REGION_NO_RESERVE = 1 << 12, /* MAP_NORESERVE: not counted as committed */
	REGION_SPECIAL = 1 << 13,    /* vDSO: all entries are there from the start, no faults */
	REGION_NO_DUMP = 1 << 14,
};

struct region {
	struct rb_node node;
	vaddr_t start, end;
	u64 gap;         /* free bytes in front of it, less the guard gap of a stack */
	u64 largest_gap; /* of its subtree */
	u32 flags;       /* enum region_flags */
	u8 kind;         /* enum region_kind */
	struct address_space *space;
	struct backing *backing;  /* NULL: private anonymous; a reference */
	u64 offset;               /* bytes in the file that `start` maps */
	const char *name;         /* "[vdso]" and the like, or NULL; constant */
	struct list_head mapping; /* in backing->cache->mappings */
	struct mempolicy policy;  /* mbind(2) */
};

/* mmap(2) without MAP_FIXED gives no address below this; and the most regions a space may have:
 * Linux's defaults. */
#define MMAP_MINIMUM    ((vaddr_t)64 * KIB)
#define REGION_LIMIT    65530
#define STACK_GUARD_GAP ((u64)1 * MIB)

static inline size_t region_pages(const struct region *region)
{
	return (region->end - region->start) >> PAGE_SHIFT;
}

static inline struct page_cache *region_cache(const struct region *region)
{
	return region->backing != NULL ? region->backing->cache : NULL;
}

/* The page of the file that is mapped at an address. */
static inline u64 region_index(const struct region *region, vaddr_t address)
{
	return (region->offset + (address - region->start)) >> PAGE_SHIFT;
}

void regions_init(void); /* once */
void region_map_init(struct address_space *space);

struct region *__must_check region_alloc(void);
void region_free(
	struct region *region); /* drops its reference to the backing; on no map any more */

/* The region that contains the address; the first that ends above it (may start above too); NULL.
 */
struct region *region_find(struct address_space *space, vaddr_t address);
struct region *region_find_first(struct address_space *space, vaddr_t address);
struct region *region_next(const struct region *region);
struct region *region_previous(const struct region *region);
/* Does any region touch [start, end)? */
static inline bool region_range_is_free(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct region *region = region_find_first(space, start);

	return region == NULL || region->start >= end;
}

/*
 * The highest hole of `length` bytes within [low, high), aligned to pages; 0 when there is none.
 */
vaddr_t region_find_hole(struct address_space *space, u64 length, vaddr_t low, vaddr_t high);

/* Puts a region into the map (and its page cache's list), or takes it out; keeps the space's
 * counts. */
void region_insert(struct address_space *space, struct region *region);
void region_remove(struct address_space *space, struct region *region);

/*
 * Divides a region at `address`, which lies inside; `upper`, freshly allocated, becomes the upper
 * part, with a reference of its own to the backing.
 */
void region_split(struct region *region, vaddr_t address, struct region *upper);
/* Joins a region with its neighbours where they continue each other; returns the one that is left.
 */
struct region *region_merge(struct region *region);
/* Moves one end, over addresses that are free. */
void region_set_start(struct region *region, vaddr_t start);
void region_set_end(struct region *region, vaddr_t end);
/* Changes flags, and the space's counts with them. */
void region_set_flags(struct region *region, u32 flags);

/*
 * Makes region boundaries at `start` and `end`, so that what follows deals with whole regions.  0
 * or -ENOMEM, nothing changed that a program sees.
 */
int __must_check region_isolate(struct address_space *space, vaddr_t start, vaddr_t end);

/* Would `pages` more of private writable memory, or mapped memory, be within the limits of the
 * process?  0 or -ENOMEM. */
int __must_check region_check_limits(struct address_space *space, size_t pages, u32 flags);
/* Do pages of a region with these flags count as promised (commit.h)? */
bool region_is_committed(u32 flags);

#endif
