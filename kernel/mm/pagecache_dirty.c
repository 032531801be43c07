/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty pages: noticing changes, and writing them back.
 *
 * A page is marked after it was changed, by whoever still holds a reference to it.  Write-back
 * clears the mark first, then takes the page from all mappings that may write, then writes it: a
 * change that comes later marks it again (a program's through a fault), and none is lost.  The page
 * itself stays in the cache.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/mapping.h"
#include "mm/pagecache.h"
#include "mm/pagecache_internal.h"

enum { RUN_LIMIT = 128 };

static size_t dirty_total; /* atomic: of all caches */

size_t page_cache_dirty_total(void)
{
	return __atomic_load_n(&dirty_total, __ATOMIC_RELAXED);
}

struct dirty_settings dirty_settings = {
	.ratio = 20,
	.background_ratio = 10,
	.expire_centisecs = 3000,
	.writeback_centisecs = 500,
};

static size_t limit(u32 ratio, u64 bytes)
{
	struct page_cache_totals totals;

	if (ratio == 0)
		return bytes / PAGE_SIZE;
	page_cache_get_totals(&totals);
	size_t files = frame_count_kind(FRAME_CACHE);
	files -= MIN(files, totals.shared);
	return (frame_get_free_memory() / PAGE_SIZE + files) * ratio / 100;
}

size_t page_cache_dirty_limit(void)
{
	return limit(READ_ONCE(dirty_settings.ratio), READ_ONCE(dirty_settings.bytes));
}

size_t page_cache_dirty_background(void)
{
	return limit(READ_ONCE(dirty_settings.background_ratio),
		     READ_ONCE(dirty_settings.background_bytes));
}

void page_cache_count_dirty(struct page_cache *cache, long change)
{
	WRITE_ONCE(cache->dirty_count, cache->dirty_count + (size_t)change);
	__atomic_fetch_add(&dirty_total, (size_t)change, __ATOMIC_RELAXED);
}

void page_cache_forget_dirty_locked(struct page_cache *cache, u64 index)
{
	if (cache->dirty_count > 0 && radix_tag_test(&cache->pages, index, TAG_DIRTY))
		page_cache_count_dirty(cache, -1);
}

void page_cache_mark_dirty(struct page_cache *cache, u64 index)
{
	bool first = false;

	if (cache->ops == NULL || cache->ops->write == NULL)
		return;
	spin_lock(&cache->lock);
	if (radix_lookup(&cache->pages, index) != NULL &&
	    !radix_tag_test(&cache->pages, index, TAG_DIRTY)) {
		radix_tag_set(&cache->pages, index, TAG_DIRTY);
		first = cache->dirty_count == 0;
		page_cache_count_dirty(cache, 1);
	}
	spin_unlock(&cache->lock);
	if (first && cache->ops->dirtied != NULL)
		cache->ops->dirtied(cache);
}

bool page_cache_is_dirty(struct page_cache *cache, u64 index)
{
	if (cache->ops == NULL || cache->ops->write == NULL)
		return true;
	spin_lock(&cache->lock);
	bool dirty = radix_tag_test(&cache->pages, index, TAG_DIRTY);
	spin_unlock(&cache->lock);
	return dirty;
}

/* --- Write-back --- */

/* Takes the marks off the first run of dirty pages in [*index, last], which then begins at *index;
 * referenced.  How many. */
static u32 take_run(struct page_cache *cache, u64 *index, u64 last, phys_t *frames)
{
	u32 count = 0;
	void *item;

	spin_lock(&cache->lock);
	item = radix_next_tagged(&cache->pages, index, TAG_DIRTY);
	for (u64 at = *index; item != NULL && at <= last && count < RUN_LIMIT; at++) {
		radix_tag_clear(&cache->pages, at, TAG_DIRTY);
		frames[count] = frame_of_item(item);
		frame_get(frames[count++]);
		item = radix_tag_test(&cache->pages, at + 1, TAG_DIRTY)
			       ? radix_lookup(&cache->pages, at + 1)
			       : NULL;
	}
	page_cache_count_dirty(cache, -(long)count);
	spin_unlock(&cache->lock);
	return count;
}

int page_cache_write_back(struct page_cache *cache, u64 first, u64 last)
{
	phys_t frames[RUN_LIMIT];
	int error = 0;
	u32 count;

	if (cache->ops == NULL || cache->ops->write == NULL)
		return 0;
	for (u64 index = first; index <= last; index += count) {
		count = take_run(cache, &index, last, frames);
		if (count == 0)
			break;
		if (page_cache_mapped_writable(cache))
			mapping_unmap_range(cache, index, index + count - 1, ZAP_FILE_PAGES);
		int result = cache->ops->write(cache, index, frames, count);
		frame_free_batch(frames, count);
		if (result != 0) {
			page_cache_set_error(cache, result);
			error = error != 0 ? error : result;
		}
	}
	return error;
}

void page_cache_clear_behind_end(struct page_cache *cache, u64 index, phys_t frame)
{
	u64 start = index * PAGE_SIZE, end;

	spin_lock(&cache->lock);
	end = MAX(MAX(page_cache_size(cache), cache->growing), start);
	if (end < start + PAGE_SIZE)
		memset((char *)phys_to_virt(frame) + (end - start), 0, start + PAGE_SIZE - end);
	spin_unlock(&cache->lock);
}

/*
 * --- Errors ---
 *
 * A word: the newest error, a bit that says whether anybody has heard of it, and a count of those
 * that were heard of, so that the next one is another word.
 */

enum { ERROR_BITS = 12, ERROR_MASK = (1 << ERROR_BITS) - 1, ERROR_HEARD = 1 << ERROR_BITS };

static int error_of(u32 word)
{
	return -(int)(word & ERROR_MASK);
}

void page_cache_set_error(struct page_cache *cache, int error)
{
	u32 old = __atomic_load_n(&cache->write_error, __ATOMIC_RELAXED), new;

	do {
		new = (old & ~(u32)(ERROR_MASK | ERROR_HEARD)) | (u32)-error;
		if (old & ERROR_HEARD)
			new += ERROR_HEARD << 1;
	} while (!__atomic_compare_exchange_n(&cache->write_error, &old, new, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

int page_cache_take_error(struct page_cache *cache)
{
	u32 old = __atomic_load_n(&cache->write_error, __ATOMIC_RELAXED);

	if (old == 0 || old & ERROR_HEARD)
		return 0;
	old = __atomic_fetch_or(&cache->write_error, ERROR_HEARD, __ATOMIC_ACQ_REL);
	return old & ERROR_HEARD ? 0 : error_of(old);
}

u32 page_cache_error_mark(struct page_cache *cache)
{
	u32 word = __atomic_load_n(&cache->write_error, __ATOMIC_ACQUIRE);

	return word & ERROR_HEARD ? word : 0;
}

int page_cache_new_error(struct page_cache *cache, u32 *mark)
{
	u32 word = __atomic_load_n(&cache->write_error, __ATOMIC_ACQUIRE);
	u32 seen = __atomic_load_n(mark, __ATOMIC_RELAXED);

	if (word == seen)
		return 0;
	word = __atomic_fetch_or(&cache->write_error, ERROR_HEARD, __ATOMIC_ACQ_REL) | ERROR_HEARD;
	/* Of those who sync the same open file at once, one hears of it. */
	return __atomic_exchange_n(mark, word, __ATOMIC_RELAXED) == word ? 0 : error_of(word);
}
