/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the page cache's files: pagecache.c (look-up and insertion), pagecache_io.c (read and
 * write), pagecache_size.c (truncation, holes), pagecache_dirty.c (write-back).
 */
#ifndef MM_PAGECACHE_INTERNAL_H
#define MM_PAGECACHE_INTERNAL_H

#include "mm/pagecache.h"

/* The radix tree holds physical addresses of frames as pointers. */
static inline void *item_of(phys_t frame)
{
	return (void *)frame;
}

static inline phys_t frame_of_item(const void *item)
{
	return (phys_t)item;
}

/* The page with a reference for the caller, or 0. */
phys_t page_cache_peek(struct page_cache *cache, u64 index);

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
 * -ENOMEM, -ENOSPC: *frame is still the caller's.
 */
int __must_check page_cache_add(struct page_cache *cache, u64 index, phys_t *frame);

/* Takes the pages [first, last] out of the cache, unmaps them everywhere and frees them.
 * Truncation also takes the copies that private mappings have made, a punched hole leaves them. */
enum page_cache_copies { COPIES_STAY, COPIES_GO };
void page_cache_drop(struct page_cache *cache, u64 first, u64 last, enum page_cache_copies copies);

#endif
