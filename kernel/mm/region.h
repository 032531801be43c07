/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: the map of what may be where in an address space; for mm's own files.
 *
 * A region is a range of whole pages with one protection and one backing.  Regions of a space do
 * not overlap; neighbours that could be one are joined where that is cheap, but nothing depends on
 * it.  A space keeps them in a tree (region_tree.h) that fork shares with the child: a region then
 * belongs to several spaces, and whoever changes it gets one of its own first.  So a pointer to a
 * region is good until the space's map changes, and everything here that changes it says which
 * region there is then, or leaves it to be found again.
 *
 * Changes are all or nothing: -ENOMEM leaves the map as it was.
 *
 * Locks.  Everything here wants the space's map lock: for reading to find, for writing to change.
 * The bounds of a region that maps a file are also read under the page cache's mappings_lock by
 * truncation, so they change under that too; it is inside of the map lock.
 */
#ifndef MM_REGION_H
#define MM_REGION_H

#include "lib/abi/mman.h"
#include "mm/mempolicy.h"
#include "mm/region_tree.h"
#include "mm/vmm.h"

struct userfault;

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
	REGION_HUGE = 1 << 15,          /* MADV_HUGEPAGE */
	REGION_HUGETLB = 1 << 17,       /* MAP_HUGETLB: hugetlb.h; aligned to huge pages */
	REGION_NO_HUGE = 1 << 16,       /* MADV_NOHUGEPAGE */
	REGION_GIGANTIC = 1 << 18,      /* with REGION_HUGETLB: of 1 GiB */
	REGION_WATCH_MISSING = 1 << 20, /* what a userfaultfd is asked about: userfault.h */
	REGION_WATCH_WRITES = 1 << 21,
	REGION_WATCH_MINOR = 1 << 22,
	REGION_WATCH = REGION_WATCH_MISSING | REGION_WATCH_WRITES | REGION_WATCH_MINOR,
	REGION_TRACKED = 1 << 23, /* which pages are written is noted: inspect.h */
	REGION_KEY_SHIFT = 24,    /* protection key, four bits: mprotect.c */
	REGION_KEY = 15 << 24,
};

static inline u32 region_flags_key(u32 flags)
{
	return (flags & REGION_KEY) >> REGION_KEY_SHIFT;
}

/* Does not change while more than one leaf of region trees names it, or a leaf that is shared. */
struct region {
	u32 refs;  /* atomic: leaves that name it */
	u32 flags; /* enum region_flags */
	vaddr_t start, end;
	struct backing *backing;     /* NULL: private anonymous; a reference */
	u64 offset;                  /* bytes in the file that `start` maps; 0 without one */
	const char *name;            /* "[vdso]" and the like, or NULL; constant */
	struct family *family;       /* of all spaces that have it; constant */
	struct list_head mapping;    /* in backing->cache->mappings; see mapping.h */
	u64 pass;                    /* when truncation last came by; mappings_lock */
	struct mempolicy policy;     /* mbind(2) */
	struct userfault *userfault; /* a reference; NULL without REGION_WATCH */
	u8 kind;                     /* enum region_kind */
};

/* mmap(2) without MAP_FIXED gives no address below this; and the most regions a space may have:
 * Linux's defaults. */
#define MMAP_MINIMUM    ((vaddr_t)64 * KIB)
#define REGION_LIMIT    65530
#define STACK_GUARD_GAP REGION_TREE_GUARD

static inline size_t region_pages(const struct region *region)
{
	return (region->end - region->start) >> PAGE_SHIFT;
}

static inline struct page_cache *region_cache(const struct region *region)
{
	return region->backing != NULL ? region->backing->cache : NULL;
}

/* The byte of the file that is mapped at an address, within the region or not; 0 without a file. */
static inline u64 region_offset(const struct region *region, vaddr_t address)
{
	return region->backing != NULL ? region->offset + (address - region->start) : 0;
}

/* The page of the file that is mapped at an address. */
static inline u64 region_index(const struct region *region, vaddr_t address)
{
	return (region->offset + (address - region->start)) >> PAGE_SHIFT;
}

void regions_init(void); /* once */

/* --- Looking --- */

/* The region that contains the address; the first that ends above it (may start above too); NULL.
 */
struct region *region_find(struct address_space *space, vaddr_t address);
struct region *region_find_first(struct address_space *space, vaddr_t address);

static inline struct region *region_next(const struct address_space *space,
					 const struct region *region)
{
	return region_tree_find(&space->regions, region->end);
}

static inline struct region *region_previous(const struct address_space *space,
					     const struct region *region)
{
	return region_tree_find_before(&space->regions, region->start);
}

/* Does any region touch [start, end)? */
static inline bool region_range_is_free(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct region *region = region_find_first(space, start);

	return region == NULL || region->start >= end;
}

/*
 * The highest hole of `length` bytes within [low, high), aligned to pages; 0 when there is none.
 */
static inline vaddr_t region_find_hole(const struct address_space *space, u64 length, vaddr_t low,
				       vaddr_t high)
{
	return region_tree_find_hole(&space->regions, length, low, high);
}

/* --- Changing: 0 or -ENOMEM --- */

/*
 * Makes [wanted->start, wanted->end) what `wanted`, which lives on the caller's stack, says:
 * bounds, flags, kind, backing (the map takes a reference of its own), offset, name, policy.  What
 * was there goes.  Neighbours that continue it become one with it.
 */
int __must_check region_add(struct address_space *space, const struct region *wanted);
/*
 * The same for a place that will get its pages from another one.  It stays a region by itself, and
 * removing it right afterwards needs no memory.  region_join makes it one with its neighbours, if
 * that needs none or there is some.
 */
int __must_check region_add_moved(struct address_space *space, const struct region *wanted);
void region_join(struct address_space *space, struct region *region);
/* Takes [start, end) out of the map; regions that reach over it are cut. */
int __must_check region_remove(struct address_space *space, vaddr_t start, vaddr_t end);
/*
 * Gives the part [start, end) of a region other flags and another policy, and joins it with
 * neighbours that are like it then.
 */
int __must_check region_change(struct address_space *space, struct region *region, vaddr_t start,
			       vaddr_t end, u32 flags, const struct mempolicy *policy);
static inline int __must_check region_set_flags(struct address_space *space, struct region *region,
						vaddr_t start, vaddr_t end, u32 flags)
{
	return region_change(space, region, start, end, flags, &region->policy);
}
/* The same for what the region is watched for, and by whom; NULL: nobody. */
int __must_check region_set_watch(struct address_space *space, struct region *region, vaddr_t start,
				  vaddr_t end, u32 flags, struct userfault *userfault);
/* Moves the ends of a region, over addresses that are free. */
int __must_check region_grow(struct address_space *space, struct region *region, vaddr_t start,
			     vaddr_t end);

/* --- fork and the end --- */

/* Gives a child, whose map is empty, the parent's, whose map lock is held for writing. */
void region_map_share(struct address_space *child, const struct address_space *parent);
/*
 * Then, with the tables shared too, takes from the child what a child does not get: regions and
 * pages that are not for it, locks on memory.  0; -ENOMEM: the child has to go.  The child's map
 * lock is held for writing, if others know it already.
 */
int __must_check region_map_adapt(struct address_space *child);
/* Drops all regions. */
void region_map_destroy(struct address_space *space);

/* --- Limits --- */

/* Would `pages` more of private writable memory, or mapped memory, be within the limits of the
 * process?  0 or -ENOMEM. */
int __must_check region_check_limits(struct address_space *space, size_t pages, u32 flags);
/* Do pages of a region with these flags count as promised (commit.h): does this kind of memory have
 * to be found when a program touches it all?  Shared memory counts itself. */
static inline bool region_is_committed(u32 flags)
{
	return (flags & (REGION_WRITE | REGION_SHARED | REGION_NO_RESERVE | REGION_HUGETLB)) ==
	       REGION_WRITE;
}

#endif
