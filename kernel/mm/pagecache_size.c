/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing what a file has: truncation, punched holes, allocation, and finding data and holes.
 *
 * Taking a page out races with faults that have just looked it up.  So: the size is set, the pages
 * leave the cache, `sequence` is raised, then every mapping of the range is unmapped.  A fault
 * compares the sequence under the table lock before it maps what it found: either it sees the new
 * sequence and starts over, or its entry is there for the unmapping to find.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/mapping.h"
#include "mm/pagecache.h"
#include "mm/pagecache_internal.h"

enum { DROP_BATCH = 32 };

/* Takes up to DROP_BATCH pages in [first, last] out, and those in swap space in between; returns
 * how many, and in *swapped how many of the latter. */
static size_t take_out(struct page_cache *cache, u64 first, u64 last, phys_t *frames,
		       size_t *swapped)
{
	size_t count = 0;
	void *item;

	*swapped = 0;
	spin_lock(&cache->lock);
	for (u64 at = first; count < DROP_BATCH && *swapped < DROP_BATCH &&
			     (item = radix_next(&cache->pages, &at)) != NULL && at <= last;
	     at++) {
		page_cache_forget_dirty_locked(cache, at);
		radix_erase(&cache->pages, at);
		if (unlikely(item_is_swapped(item))) {
			swap_free(slot_of_item(item));
			++*swapped;
		} else {
			frames[count++] = frame_of_item(item);
		}
	}
	cache->page_count -= count;
	cache->swapped_count -= *swapped;
	spin_unlock(&cache->lock);
	return count;
}

void page_cache_drop(struct page_cache *cache, u64 first, u64 last, enum page_cache_copies copies)
{
	phys_t frames[DROP_BATCH];
	size_t count, swapped;
	long total = 0;

	if (first > last)
		return;
	do {
		count = take_out(cache, first, last, frames, &swapped);
		/* Entries that map a page hold references of their own, so this cannot pull it
		 * away. */
		frame_free_batch(frames, count);
		total += (long)(count + swapped);
	} while (count + swapped > 0);
	__atomic_fetch_add(&cache->sequence, 1, __ATOMIC_SEQ_CST);
	mapping_unmap_range(cache, first, last, copies == COPIES_GO ? ZAP_ALL : ZAP_FILE_PAGES);
	if (total != 0 && cache->ops != NULL && cache->ops->charge != NULL)
		(void)!cache->ops->charge(cache, -total);
}

/* Clears [start, end), which lies in one page, if the file has that page.  One that cannot come
 * back from swap space for want of memory, or is damaged there, stays as it is. */
static void clear_part(struct page_cache *cache, u64 start, u64 end)
{
	phys_t frame;
	int result;

	do
		result = page_cache_look_up(cache, start / PAGE_SIZE, &frame);
	while (result == -ENOMEM && reclaim_wait());
	if (result != 0 || frame == 0)
		return;
	memset((char *)phys_to_virt(frame) + start % PAGE_SIZE, 0, end - start);
	page_cache_mark_dirty(cache, start / PAGE_SIZE);
	frame_free(frame);
}

void page_cache_truncate(struct page_cache *cache, u64 size)
{
	u64 old = cache->size;

	WRITE_ONCE(cache->size, size);
	if (size >= old)
		return;
	if (size % PAGE_SIZE != 0)
		clear_part(cache, size, ALIGN_UP(size, PAGE_SIZE));
	page_cache_drop(cache, DIV_ROUND_UP(size, PAGE_SIZE), UINT64_MAX / PAGE_SIZE, COPIES_GO);
}

void page_cache_punch(struct page_cache *cache, u64 start, u64 end)
{
	u64 first = DIV_ROUND_UP(start, PAGE_SIZE), last = end / PAGE_SIZE;

	if (start >= end)
		return;
	if (first > last) {
		clear_part(cache, start, end);
		return;
	}
	if (start % PAGE_SIZE != 0)
		clear_part(cache, start, first * PAGE_SIZE);
	if (end % PAGE_SIZE != 0)
		clear_part(cache, last * PAGE_SIZE, end);
	if (first < last)
		page_cache_drop(cache, first, last - 1, COPIES_STAY);
}

int page_cache_allocate(struct page_cache *cache, u64 start, u64 end)
{
	for (u64 index = start / PAGE_SIZE; index < DIV_ROUND_UP(end, PAGE_SIZE); index++) {
		phys_t frame;
		int result;
		do
			result = page_cache_get(cache, index, PAGE_CACHE_CREATE, &frame);
		while (result == -ENOMEM && reclaim_wait());
		if (result != 0)
			return result;
		frame_free(frame);
	}
	return 0;
}

/* With a fill operation we do not know the holes: all is data then. */
static bool knows_holes(const struct page_cache *cache)
{
	return cache->ops == NULL || cache->ops->fill == NULL;
}

s64 page_cache_seek_data(struct page_cache *cache, u64 position)
{
	if (position >= page_cache_size(cache))
		return -ENXIO;
	if (!knows_holes(cache))
		return (s64)position;
	u64 index = position / PAGE_SIZE;
	spin_lock(&cache->lock);
	void *item = radix_next(&cache->pages, &index);
	spin_unlock(&cache->lock);
	position = MAX(position, index * PAGE_SIZE);
	return item != NULL && position < page_cache_size(cache) ? (s64)position : -ENXIO;
}

s64 page_cache_seek_hole(struct page_cache *cache, u64 position)
{
	u64 size = page_cache_size(cache);

	if (position >= size)
		return -ENXIO;
	if (!knows_holes(cache))
		return (s64)size;
	u64 index = position / PAGE_SIZE;
	spin_lock(&cache->lock);
	while (index * PAGE_SIZE < size && radix_lookup(&cache->pages, index) != NULL)
		index++;
	spin_unlock(&cache->lock);
	return (s64)MIN(MAX(position, index * PAGE_SIZE), size);
}
