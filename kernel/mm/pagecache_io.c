/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read(2) and write(2) through the page cache.
 *
 * No lock is held while data moves to or from a program, only a reference to the page, so that a
 * fault on the way can be served, even from the same file.  A page that a write covers from the
 * start of what the file has is filled by the copy itself before anyone sees it.  Who finds no
 * memory waits for reclaim.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/pagecache_internal.h"

ssize_t page_cache_read(struct page_cache *cache, struct io_cursor *cursor, u64 position)
{
	size_t done = 0;
	ssize_t result = 0;

	while (cursor->remaining > 0) {
		u64 size = page_cache_size(cache);
		if (position >= size)
			break;
		size_t offset = position % PAGE_SIZE;
		size_t piece = MIN(MIN(PAGE_SIZE - offset, size - position), cursor->remaining);
		phys_t frame;
		result = page_cache_get(cache, position / PAGE_SIZE, PAGE_CACHE_READ, &frame);
		if (result == -ENOMEM && reclaim_wait())
			continue;
		if (result != 0)
			break;
		if (frame != 0) {
			page_cache_note_use(frame);
			result = io_copy_to(cursor, (char *)phys_to_virt(frame) + offset, piece);
			frame_free(frame);
		} else {
			result = io_clear(cursor, piece);
		}
		if (result < 0)
			break;
		done += (size_t)result;
		position += (size_t)result;
		if ((size_t)result < piece)
			break;
	}
	return done > 0 ? (ssize_t)done : result;
}

/* `copied` bytes have been written at a place of a page.  The file is longer first and the page dirty
 * then: a write-back that comes between would leave out what lies behind the end. */
static void note_written(struct page_cache *cache, u64 index, size_t offset, ssize_t copied)
{
	u64 end = index * PAGE_SIZE + offset + (copied > 0 ? (size_t)copied : 0);

	if (copied > 0 && end > cache->size)
		WRITE_ONCE(cache->size, end);
	page_cache_mark_dirty(cache, index);
}

/* Copies what a write has brought so far into the page that is in the cache. */
static void copy_into(struct page_cache *cache, u64 index, phys_t frame, const char *from,
		      size_t offset, size_t size)
{
	memcpy((char *)phys_to_virt(frame) + offset, from, size);
	note_written(cache, index, offset, (ssize_t)size);
	frame_free(frame);
}

/*
 * The copy for a whole page ended early, at a program's bad address: what the file has in the rest
 * of the page stays.
 */
static ssize_t keep_rest(struct page_cache *cache, u64 index, const char *page, size_t offset,
			 size_t copied)
{
	phys_t present;
	int result = page_cache_get(cache, index, PAGE_CACHE_CREATE, &present);

	if (result != 0)
		return result;
	copy_into(cache, index, present, page + offset, offset, copied);
	return (ssize_t)copied;
}

/*
 * A page for a write of [offset, offset + piece) where the cache has a hole: the copy fills it
 * before it is inserted. Bytes copied or negative errno.
 */
static ssize_t write_new_page(struct page_cache *cache, struct io_cursor *cursor, u64 index,
			      size_t offset, size_t piece)
{
	bool filled = cache->ops != NULL && cache->ops->fill != NULL;
	phys_t frame = frame_alloc_kind(FRAME_CACHE);

	if (frame == 0)
		return -ENOMEM;
	char *page = phys_to_virt(frame);
	ssize_t copied = io_copy_from(cursor, page + offset, piece);
	if (copied > 0 && (size_t)copied < piece && filled)
		copied = keep_rest(cache, index, page, offset, (size_t)copied);
	if (copied < 0 || ((size_t)copied < piece && filled)) {
		frame_free(frame);
		return copied;
	}
	memset(page, 0, offset);
	memset(page + offset + copied, 0, PAGE_SIZE - offset - (size_t)copied);
	phys_t present = frame;
	page_cache_note_use(frame);
	frame_get(frame);
	int result = page_cache_add(cache, index, &present);
	if (result != 0)
		frame_free(frame);
	if (result == -EAGAIN)
		result = page_cache_get(cache, index, PAGE_CACHE_CREATE, &present);
	if (result != 0) {
		frame_free(frame);
		return result;
	}
	if (present != frame) {
		/* A fault put a page there meanwhile, and programs may see it already, if it is not
		 * even in swap space by now: ours goes into it. */
		copy_into(cache, index, present, page + offset, offset, (size_t)copied);
	} else {
		note_written(cache, index, offset, copied);
		frame_free(present);
	}
	frame_free(frame);
	return copied;
}

static ssize_t write_piece(struct page_cache *cache, struct io_cursor *cursor, u64 position,
			   size_t piece)
{
	size_t offset = position % PAGE_SIZE;
	u64 index = position / PAGE_SIZE;
	phys_t frame;
	int result = page_cache_look_up(cache, index, &frame);

	if (result != 0)
		return result;
	if (frame == 0) {
		bool filled = cache->ops != NULL && cache->ops->fill != NULL;
		if (!filled || piece == PAGE_SIZE)
			return write_new_page(cache, cursor, index, offset, piece);
		result = page_cache_get(cache, index, PAGE_CACHE_CREATE, &frame);
		if (result != 0)
			return result;
	}
	page_cache_note_use(frame);
	ssize_t copied = io_copy_from(cursor, (char *)phys_to_virt(frame) + offset, piece);
	/* A copy that failed may have changed bytes all the same. */
	note_written(cache, index, offset, copied);
	frame_free(frame);
	return copied;
}

/* What is copied behind the end does not belong to the file before the copy is over, and is not to
 * be cleared for that. */
static void set_growing(struct page_cache *cache, u64 end)
{
	spin_lock(&cache->lock);
	cache->growing = end;
	spin_unlock(&cache->lock);
}

ssize_t page_cache_write(struct page_cache *cache, struct io_cursor *cursor, u64 position)
{
	bool grows = cache->ops != NULL && cache->ops->write != NULL &&
		     position + cursor->remaining > cache->size;
	size_t done = 0;
	ssize_t result = 0;

	if (grows)
		set_growing(cache, position + cursor->remaining);
	while (cursor->remaining > 0) {
		size_t piece = MIN(PAGE_SIZE - position % PAGE_SIZE, cursor->remaining);
		result = write_piece(cache, cursor, position, piece);
		if (result == -ENOMEM && reclaim_wait())
			continue;
		if (result < 0)
			break;
		done += (size_t)result;
		position += (size_t)result;
		if ((size_t)result < piece)
			break;
	}
	if (grows)
		set_growing(cache, 0);
	return done > 0 ? (ssize_t)done : result;
}
