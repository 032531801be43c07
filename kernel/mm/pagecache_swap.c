/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of files that live in memory alone (tmpfs, memfd, shared anonymous memory, SysV segments),
 * in swap space and back.
 *
 * A page goes when the cache holds the one reference to its frame, so nothing maps it; from then on
 * the radix tree has its slot in the place of the frame, with the one lasting count.  The owner's
 * quota (ops->charge) goes on counting it, and it is data, not a hole.
 *
 * Who wants it takes a count for himself, under the cache's lock, reads the page (swap_in), and
 * puts the frame into the tree in the place of the slot, unless somebody else was faster; whoever
 * was slower starts over.  What several read of one slot is one frame, or copies of the same
 * content: nobody writes to a page that is not in the tree.
 */
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/pagecache_internal.h"
#include "mm/workingset.h"

int page_cache_swap_out_locked(struct page_cache *cache, u64 index, phys_t frame,
			       swap_entry_t *slot)
{
	if (swap_reserve(frame, slot) != 0)
		return -ENOMEM;
	swap_dup(*slot);
	(void)radix_replace(&cache->pages, index, item_of_slot(*slot));
	cache->page_count--;
	cache->swapped_count++;
	/* The slot has one. */
	frame_free(frame);
	workingset_evicted(RECLAIM_ANONYMOUS, *slot);
	return 0;
}

/* The frame takes the place of the slot, if that is still there. */
static bool replace(struct page_cache *cache, u64 index, swap_entry_t slot, phys_t frame)
{
	spin_lock(&cache->lock);
	bool done = radix_lookup(&cache->pages, index) == item_of_slot(slot) &&
		    swap_detach(slot, frame);
	if (done) {
		if (frame_of(frame)->kind != FRAME_CACHE)
			frame_change_kind(frame, FRAME_CACHE);
		frame_of(frame)->shared_memory = cache->shared_memory;
		frame_of(frame)->used = 1;
		(void)radix_replace(&cache->pages, index, item_of(frame));
		frame_get(frame);
		cache->page_count++;
		cache->swapped_count--;
	}
	spin_unlock(&cache->lock);
	return done;
}

int page_cache_bring_back(struct page_cache *cache, u64 index, swap_entry_t slot, phys_t *frame)
{
	int result = swap_in(slot, frame);
	bool done = false;

	if (result >= 0) {
		swap_wait(slot);
		done = replace(cache, index, slot, *frame);
		if (!done)
			frame_free(*frame);
	}
	if (done)
		swap_free(slot);
	swap_free(slot);
	if (result >= 0 || result == -ENOENT)
		return done ? 0 : -EAGAIN;
	return result;
}
