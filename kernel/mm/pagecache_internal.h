/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the page cache's files: pagecache.c (look-up and insertion), pagecache_io.c (read and
 * write), pagecache_size.c (truncation, holes), pagecache_dirty.c (write-back), pagecache_swap.c
 * (pages in swap space), pagecache_reclaim.c (pages that go), and reclaim_cache.c (whose turn it
 * is).
 */
#ifndef MM_PAGECACHE_INTERNAL_H
#define MM_PAGECACHE_INTERNAL_H

#include "mm/pagecache.h"
#include "mm/reclaim_internal.h"
#include "mm/swap.h"

/* The radix tree holds physical addresses of frames as pointers, or swap slots, marked by their
 * lowest bit. */
static inline void *item_of(phys_t frame)
{
	return (void *)frame;
}

static inline void *item_of_slot(swap_entry_t slot)
{
	return (void *)(uintptr_t)(slot << 1 | 1);
}

static inline bool item_is_swapped(const void *item)
{
	return (uintptr_t)item & 1;
}

static inline swap_entry_t slot_of_item(const void *item)
{
	return (uintptr_t)item >> 1;
}

static inline phys_t frame_of_item(const void *item)
{
	return (phys_t)item;
}

/* The page with a reference for the caller, or 0: it is not in memory. */
phys_t page_cache_peek(struct page_cache *cache, u64 index);
/* The same, of a cache without fill; a page in swap space comes back, and 0 is a hole.  0, -ENOMEM,
 * -EIO.  May sleep. */
int __must_check page_cache_look_up(struct page_cache *cache, u64 index, phys_t *frame);

/* It was read or written: reclaim will see. */
static inline void page_cache_note_use(phys_t frame)
{
	if (!frame_of(frame)->used)
		frame_of(frame)->used = 1;
}

/* The radix tree's tag of dirty pages. */
#define TAG_DIRTY RADIX_TAG_0

/* A page is about to leave the tree: takes it out of the count of dirty ones.  The cache's lock is
 * held. */
void page_cache_forget_dirty_locked(struct page_cache *cache, u64 index);
/* `count` dirty pages less. */
void page_cache_count_dirty(struct page_cache *cache, long change);

/*
 * Inserts a complete page, unless one is there already; *frame, of which the caller holds the only
 * reference, becomes the page that is in the cache now, with a reference for the caller.  0,
 * -ENOMEM, -ENOSPC: *frame is still the caller's; -EAGAIN, likewise: there is a page in swap space.
 */
int __must_check page_cache_add(struct page_cache *cache, u64 index, phys_t *frame);

/* Takes the pages [first, last] out of the cache, unmaps them everywhere and frees them.
 * Truncation also takes the copies that private mappings have made, a punched hole leaves them. */
enum page_cache_copies { COPIES_STAY, COPIES_GO };
void page_cache_drop(struct page_cache *cache, u64 first, u64 last, enum page_cache_copies copies);

/* --- pagecache_swap.c --- */

/*
 * The page in `slot`, of which the caller gives a count that it has for it, comes back to page
 * `index`, if it is still there: *frame with a reference.  0; -EAGAIN: look again; -ENOMEM, -EIO.
 * May sleep.
 */
int __must_check page_cache_bring_back(struct page_cache *cache, u64 index, swap_entry_t slot,
				       phys_t *frame);
/* Puts the page, whose frame nobody else uses, into swap space: *slot has it, with a count for the
 * caller, who stores it and drops that.  The cache's lock is held.  0 or -ENOMEM. */
int __must_check page_cache_swap_out_locked(struct page_cache *cache, u64 index, phys_t frame,
					    swap_entry_t *slot);

/* --- pagecache_reclaim.c --- */

/* What the pages of a cache are for reclaim; false: they stay. */
bool page_cache_reclaim_kind(const struct page_cache *cache, enum reclaim_kind *kind);

/*
 * Takes pages of [*at, last] that nobody maps or uses just now, as many as the round wants; *at
 * moves to where it stopped.  How many frames became free.  May sleep.
 */
size_t page_cache_reclaim(struct page_cache *cache, u64 *at, u64 last, enum reclaim_flags flags,
			  struct reclaim_round *round);

/* --- reclaim_cache.c --- */

/* A cache gets its first page, and is visited from then on; its lock is not held. */
void reclaim_add_cache(struct page_cache *cache);
/* It will not be visited any more.  May sleep. */
void reclaim_remove_cache(struct page_cache *cache);
static inline bool reclaim_has_cache(const struct page_cache *cache)
{
	return READ_ONCE(cache->reclaim_link.next) != &cache->reclaim_link;
}

#endif
