/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of huge pages: what they have in their page cache, and what is promised to them; see
 * hugetlb.h.
 *
 * A block is put into the cache frame by frame, in order, under the file's lock: so it is there if
 * its last frame is.  Truncation takes it out in the same order and raises the cache's sequence
 * afterwards, as for every file.
 *
 * A page that is promised and comes uses its promise up.  What has been promised and is cut off is
 * promised no more, though programs may still map that part of the file.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/hugetlb_internal.h"
#include "mm/kmalloc.h"
#include "mm/pagecache_internal.h"

#define TAG_NEW RADIX_TAG_0 /* promised just now */

static void *alloc_node(size_t size)
{
	return kmalloc(size);
}

static void free_node(void *node, size_t size __unused)
{
	kfree(node);
}

static const struct radix_ops node_ops = {.alloc_node = alloc_node, .free_node = free_node};

/* Pages have gone. */
static int charge(struct page_cache *cache, long pages)
{
	struct hugetlb_file *file = cache->huge;
	size_t blocks = (size_t)-pages / hugetlb_frames(file->size);

	ASSERT(pages <= 0);
	(void)!hugetlb_quota_put(file->quota, blocks, 0);
	return 0;
}

static const struct page_cache_ops cache_ops = {.charge = charge};

void hugetlb_file_init(struct hugetlb_file *file, struct page_cache *cache, enum hugetlb_size size,
		       struct hugetlb_quota *quota)
{
	*file = (struct hugetlb_file){.cache = cache, .size = size, .quota = quota};
	mutex_init(&file->lock);
	radix_init(&file->promised, &node_ops);
	cache->ops = &cache_ops;
	cache->huge = file;
}

/* The huge page that a page is in. */
static u64 block_of(const struct hugetlb_file *file, u64 index)
{
	return index / hugetlb_frames(file->size);
}

bool hugetlb_file_has(struct hugetlb_file *file, u64 index)
{
	u64 frames = hugetlb_frames(file->size);

	return page_cache_has(file->cache, ALIGN_DOWN(index, frames) + frames - 1);
}

static bool has_block(struct hugetlb_file *file, u64 block)
{
	return hugetlb_file_has(file, block * hugetlb_frames(file->size));
}

/* --- Promises --- */

/* Ends those for blocks [first, last] that are tagged, or all. */
static size_t forget(struct hugetlb_file *file, u64 first, u64 last, bool tagged)
{
	size_t count = 0;

	for (u64 at = first; at <= last; at++) {
		if ((tagged ? radix_next_tagged(&file->promised, &at, TAG_NEW)
			    : radix_next(&file->promised, &at)) == NULL ||
		    at > last)
			break;
		radix_erase(&file->promised, at);
		count++;
	}
	return count;
}

/* Notes those that are new; how many, or -ENOMEM. */
static long note_new(struct hugetlb_file *file, u64 first, u64 end)
{
	long count = 0;

	for (u64 at = first; at < end; at++) {
		if (has_block(file, at))
			continue;
		int result = radix_insert(&file->promised, at, file);
		if (result == -ENOMEM)
			return result;
		if (result == 0) {
			radix_tag_set(&file->promised, at, TAG_NEW);
			count++;
		}
	}
	return count;
}

/* Has them reserved in the pool. */
static long reserve_new(struct hugetlb_file *file, size_t count)
{
	long wanted = hugetlb_quota_get(file->quota, count);

	if (wanted < 0 || hugetlb_pool_reserve(file->size, (size_t)wanted))
		return MIN(wanted, 0L);
	hugetlb_pool_unreserve(file->size,
			       hugetlb_quota_put(file->quota, count, count - (size_t)wanted));
	return -ENOMEM;
}

int hugetlb_file_reserve(struct hugetlb_file *file, u64 start, u64 end)
{
	u64 first = start >> hugetlb_shift(file->size), last = end >> hugetlb_shift(file->size);

	if (first >= last)
		return 0;
	if (end - start > frame_get_total_memory())
		return -ENOMEM;
	mutex_lock(&file->lock);
	long result = note_new(file, first, last);
	if (result > 0)
		result = reserve_new(file, (size_t)result);
	if (result < 0)
		(void)forget(file, first, last - 1, true);
	for (u64 at = first; radix_next_tagged(&file->promised, &at, TAG_NEW) != NULL && at < last;
	     at++)
		radix_tag_clear(&file->promised, at, TAG_NEW);
	mutex_unlock(&file->lock);
	return (int)result;
}

/* Blocks [first, last] are promised no more. */
static void unreserve(struct hugetlb_file *file, u64 first, u64 last)
{
	mutex_lock(&file->lock);
	size_t count = forget(file, first, last, false);
	if (count != 0)
		hugetlb_pool_unreserve(file->size, hugetlb_quota_put(file->quota, count, count));
	mutex_unlock(&file->lock);
}

void hugetlb_file_destroy(struct hugetlb_file *file)
{
	page_cache_destroy(file->cache);
	unreserve(file, 0, UINT64_MAX - 1);
}

/* --- Pages --- */

static void take_out(struct page_cache *cache, u64 index, u32 count)
{
	spin_lock(&cache->lock);
	for (u32 i = 0; i < count; i++)
		radix_erase(&cache->pages, index + i);
	cache->page_count -= count;
	spin_unlock(&cache->lock);
}

/* All of a block or none; the cache takes over the frames' references. */
static int put_in(struct page_cache *cache, u64 index, phys_t block, u32 count)
{
	int result = 0;
	u32 done = 0;

	while (done < count && result == 0) {
		enum { PIECE = 64 };
		spin_lock(&cache->lock);
		u32 before = done;
		while (done < count && done < before + PIECE && result == 0) {
			result = radix_insert(&cache->pages, index + done,
					      item_of(block + done * PAGE_SIZE));
			done += result == 0;
		}
		cache->page_count += done - before;
		spin_unlock(&cache->lock);
	}
	if (result != 0)
		take_out(cache, index, done);
	return result;
}

/* A block for a page that is not there, with this content, or zeros for NULL.  The file's lock is
 * held. */
static int make_locked(struct hugetlb_file *file, u64 index, const phys_t *content)
{
	u64 block_index = block_of(file, index);
	u32 frames = hugetlb_frames(file->size);
	bool promised = radix_lookup(&file->promised, block_index) != NULL;
	/* What is kept for the mount is as good as a promise. */
	long wanted = promised ? 0 : hugetlb_quota_get(file->quota, 1);

	if (wanted < 0)
		return -ENOSPC;
	phys_t block = hugetlb_pool_take(file->size, wanted == 0, FRAME_CACHE, NULL, 0);
	int result = -ENOSPC;
	if (block != 0) {
		hugetlb_block_write(file->size, block, content);
		result = put_in(file->cache, block_index * frames, block, frames);
	}
	if (result == 0) {
		if (promised)
			radix_erase(&file->promised, block_index);
		return 0;
	}
	if (block != 0)
		hugetlb_block_put(file->size, block);
	/* The promise stands, if it can be kept. */
	bool again = block == 0 || wanted != 0 || hugetlb_pool_reserve(file->size, 1);
	if (promised && !again) {
		radix_erase(&file->promised, block_index);
		(void)!hugetlb_quota_put(file->quota, 1, 0);
	} else if (!promised) {
		hugetlb_pool_unreserve(file->size,
				       hugetlb_quota_put(file->quota, 1, wanted == 0 && again));
	}
	return result;
}

int hugetlb_file_make(struct hugetlb_file *file, u64 index, phys_t *frame)
{
	int result = 0;

	mutex_lock(&file->lock);
	if (!hugetlb_file_has(file, index))
		result = make_locked(file, index, NULL);
	if (result == 0) {
		*frame = page_cache_peek(file->cache, index);
		/* Truncated just now. */
		if (*frame == 0)
			result = -EAGAIN;
	}
	mutex_unlock(&file->lock);
	return result;
}

int hugetlb_file_fill(struct hugetlb_file *file, u64 index, const phys_t *content)
{
	mutex_lock(&file->lock);
	int result = hugetlb_file_has(file, index) ? -EEXIST : make_locked(file, index, content);
	mutex_unlock(&file->lock);
	return result;
}

int hugetlb_file_allocate(struct hugetlb_file *file, u64 start, u64 end)
{
	u64 step = hugetlb_frames(file->size);

	for (u64 index = ALIGN_DOWN(start / PAGE_SIZE, step); index < DIV_ROUND_UP(end, PAGE_SIZE);
	     index += step) {
		phys_t frame;
		int result = page_cache_get(file->cache, index, PAGE_CACHE_CREATE, &frame);
		if (result != 0)
			return result;
		frame_free(frame);
	}
	return 0;
}

/* --- Sizes and holes --- */

void hugetlb_file_extend(struct hugetlb_file *file, u64 size)
{
	mutex_lock(&file->lock);
	if (page_cache_size(file->cache) < size)
		WRITE_ONCE(file->cache->size, size);
	mutex_unlock(&file->lock);
}

int hugetlb_file_truncate(struct hugetlb_file *file, u64 size)
{
	if (size % hugetlb_bytes(file->size) != 0)
		return -EINVAL;
	page_cache_truncate(file->cache, size);
	unreserve(file, size >> hugetlb_shift(file->size), UINT64_MAX - 1);
	return 0;
}

static void clear(struct hugetlb_file *file, u64 start, u64 end)
{
	while (start < end) {
		size_t piece = MIN(PAGE_SIZE - start % PAGE_SIZE, end - start);
		phys_t frame = page_cache_peek(file->cache, start / PAGE_SIZE);
		if (frame != 0) {
			memset((char *)phys_to_virt(frame) + start % PAGE_SIZE, 0, piece);
			frame_free(frame);
		}
		start += piece;
	}
}

void hugetlb_file_punch(struct hugetlb_file *file, u64 start, u64 end)
{
	u64 bytes = hugetlb_bytes(file->size);
	u64 first = ALIGN_UP(start, bytes), last = ALIGN_DOWN(end, bytes);

	if (first > last) {
		clear(file, start, end);
		return;
	}
	clear(file, start, first);
	clear(file, last, end);
	if (first == last)
		return;
	unreserve(file, first / bytes, last / bytes - 1);
	page_cache_punch(file->cache, first, last);
}
