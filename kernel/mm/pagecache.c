/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking pages up, filling and inserting them; see pagecache.h for the idea and the locks.
 *
 * A page is filled before anyone can see it.  Two threads that miss the same page both fill one,
 * and the second to insert drops its own: no page is ever locked.
 */
#include "mm/pagecache.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"
#include "mm/kmalloc.h"
#include "mm/pagecache_internal.h"
#include "mm/workingset.h"

static void *alloc_node(size_t size)
{
	return kmalloc(size);
}

static void free_node(void *node, size_t size __unused)
{
	kfree(node);
}

static const struct radix_ops node_ops = {.alloc_node = alloc_node, .free_node = free_node};

void page_cache_init(struct page_cache *cache, const struct page_cache_ops *ops)
{
	*cache = (struct page_cache){.ops = ops};
	radix_init(&cache->pages, &node_ops);
	spin_lock_init(&cache->lock);
	mutex_init(&cache->unmap_lock);
	mutex_init(&cache->mappings_lock);
	list_init(&cache->mappings);
	list_init(&cache->reclaim_link);
}

static void release_page(void *item, u64 index __unused, void *context __unused)
{
	if (item_is_swapped(item))
		swap_free(slot_of_item(item));
	else
		frame_free(frame_of_item(item));
}

void page_cache_destroy(struct page_cache *cache)
{
	ASSERT(list_empty(&cache->mappings));
	reclaim_remove_cache(cache);
	long pages = (long)(cache->page_count + cache->swapped_count);
	radix_destroy(&cache->pages, release_page, NULL);
	cache->page_count = cache->swapped_count = 0;
	page_cache_count_dirty(cache, -(long)cache->dirty_count);
	if (pages != 0 && cache->ops != NULL && cache->ops->charge != NULL)
		(void)!cache->ops->charge(cache, -pages);
}

/* What there is of a page: its frame, with a reference; or *slot, with a count; or neither. */
static phys_t look(struct page_cache *cache, u64 index, swap_entry_t *slot)
{
	phys_t frame = 0;

	*slot = 0;
	spin_lock(&cache->lock);
	void *item = radix_lookup(&cache->pages, index);
	if (unlikely(item_is_swapped(item))) {
		*slot = slot_of_item(item);
		swap_dup(*slot);
	} else if (item != NULL) {
		frame = frame_of_item(item);
		frame_get(frame);
	}
	spin_unlock(&cache->lock);
	return frame;
}

phys_t page_cache_peek(struct page_cache *cache, u64 index)
{
	swap_entry_t slot;
	phys_t frame = look(cache, index, &slot);

	if (unlikely(slot != 0))
		swap_free(slot);
	return frame;
}

bool page_cache_has(struct page_cache *cache, u64 index)
{
	spin_lock(&cache->lock);
	bool found = radix_lookup(&cache->pages, index) != NULL;
	spin_unlock(&cache->lock);
	return found;
}

int page_cache_look_up(struct page_cache *cache, u64 index, phys_t *frame)
{
	swap_entry_t slot;
	int result;

	do {
		*frame = look(cache, index, &slot);
		result = unlikely(slot != 0) ? page_cache_bring_back(cache, index, slot, frame) : 0;
	} while (unlikely(result == -EAGAIN));
	return result;
}

size_t page_cache_find(struct page_cache *cache, u64 index, size_t count, phys_t *frames)
{
	size_t present = 0;

	memset(frames, 0, count * sizeof(*frames));
	spin_lock(&cache->lock);
	for (u64 at = index; at < index + count; at++) {
		void *item = radix_next(&cache->pages, &at);
		if (item == NULL || at >= index + count)
			break;
		if (unlikely(item_is_swapped(item)))
			continue;
		frames[at - index] = frame_of_item(item);
		frame_get(frame_of_item(item));
		present++;
	}
	spin_unlock(&cache->lock);
	return present;
}

int page_cache_add(struct page_cache *cache, u64 index, phys_t *frame)
{
	bool charged = cache->ops != NULL && cache->ops->charge != NULL;

	if (charged) {
		int error = cache->ops->charge(cache, 1);
		if (error != 0)
			return error;
	}
	frame_of(*frame)->shared_memory = cache->shared_memory;
	if (unlikely(!reclaim_has_cache(cache)))
		reclaim_add_cache(cache);
	spin_lock(&cache->lock);
	int result = radix_insert(&cache->pages, index, item_of(*frame));
	void *item = result == -EEXIST ? radix_lookup(&cache->pages, index) : item_of(*frame);
	phys_t present = frame_of_item(item);
	if (result == 0)
		cache->page_count++;
	if (unlikely(item_is_swapped(item)))
		result = -EAGAIN;
	else if (result != -ENOMEM)
		frame_get(present);
	spin_unlock(&cache->lock);
	if (result != 0 && charged)
		(void)!cache->ops->charge(cache, -1);
	if (result == -EEXIST) {
		frame_free(*frame);
		*frame = present;
		result = 0;
	}
	return result;
}

int page_cache_insert(struct page_cache *cache, u64 index, phys_t frame, u64 sequence)
{
	int result = -EAGAIN;

	if (unlikely(!reclaim_has_cache(cache)))
		reclaim_add_cache(cache);
	spin_lock(&cache->lock);
	if (page_cache_sequence(cache) == sequence)
		result = radix_insert(&cache->pages, index, item_of(frame));
	cache->page_count += result == 0;
	spin_unlock(&cache->lock);
	if (result == 0)
		workingset_refaulted(RECLAIM_FILE, workingset_file_key(cache, index), frame);
	return result;
}

/*
 * Reads a page and puts it in; *frame is it, or the one that somebody else was faster with, with a
 * reference.  -EAGAIN: pages were taken out meanwhile, this one perhaps, and what was read may be
 * older than that.
 */
static int fill_page(struct page_cache *cache, u64 index, phys_t *frame)
{
	u64 sequence = page_cache_sequence(cache);
	phys_t page = frame_alloc_kind(FRAME_CACHE);

	if (page == 0)
		return -ENOMEM;
	int result = cache->ops->fill(cache, index, phys_to_virt(page));
	if (result == 0) {
		frame_get(page);
		result = page_cache_insert(cache, index, page, sequence);
		if (result != 0)
			frame_free(page);
	}
	if (result == 0) {
		*frame = page;
		return 0;
	}
	frame_free(page);
	return result == -EEXIST ? -EAGAIN : result;
}

/* A page of zeros for a hole. */
static int make_page(struct page_cache *cache, u64 index, phys_t *frame)
{
	if (unlikely(cache->huge != NULL))
		return hugetlb_file_make(cache->huge, index, frame);
	phys_t page = frame_alloc_kind_zeroed(FRAME_CACHE);

	if (page == 0)
		return -ENOMEM;
	int result = page_cache_add(cache, index, &page);
	if (result != 0)
		frame_free(page);
	else
		*frame = page;
	return result;
}

int page_cache_get(struct page_cache *cache, u64 index, enum page_cache_flags flags, phys_t *frame)
{
	bool filled = cache->ops != NULL && cache->ops->fill != NULL;
	int result;

	do {
		result = page_cache_look_up(cache, index, frame);
		if (result != 0 || *frame != 0)
			break;
		if (filled)
			result = fill_page(cache, index, frame);
		else if (flags & PAGE_CACHE_CREATE)
			result = make_page(cache, index, frame);
	} while (result == -EAGAIN);
	return result;
}
