/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * O_DIRECT: a device reads and writes the memory of programs itself.
 *
 * The pages are pinned (mm/pin.h), so it does not matter what the program does meanwhile: unmap
 * them, fork, exit.  A chunk of up to PAGES pages at a time is pinned, transferred and unpinned.
 * Memory that cannot be pinned, shared mappings of files on disks to be written, goes through the
 * page cache instead.
 *
 * The page cache is always the same as what is transferred.  A read writes back first what is dirty
 * in its range.  A write does so, too, and then drops the pages that are there, or changes those of
 * which it writes a part, before the transfer and after it: before it, so that no write-back of a neighbour brings old bytes to the
 * disk, and after it, as pages may have been read meanwhile.  Those that are still being read are
 * not put into the cache (page_cache_outdate).  Buffered writers wait: device->lock, held for
 * reading, keeps them out, and other direct writers not.
 *
 * File systems do the same with stretches of files: the cache is the file's then, and its owner keeps
 * others out.
 *
 * Transfers have a shape that every driver takes: only the first segment begins, and only the last
 * one ends within a page.  Where the program's pieces do not lie so, a chunk is a piece, and is not
 * merged with others.
 */
#include "fs/block/block_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/pin.h"
#include "proc/signal.h"
#include "proc/task.h"

enum { PAGES = 128, MEMORY_ALIGNMENT = 512 };

struct chunk {
	struct block_device *device;
	struct page_cache *cache; /* of the device, or of the file whose data it is */
	mutex_t *write_back_lock; /* the cache's */
	rwlock_t *lock;           /* keeps buffered writers out; NULL: the caller does */
	enum block_op op;
	u64 position;    /* of the device, bytes */
	u64 cached;      /* of the cache, bytes */
	u32 length;      /* bytes */
	u32 frame_count; /* pinned */
	u32 segment_count;
	u32 segment_limit, length_limit;
	phys_t frames[PAGES];
	struct block_segment segments[PAGES];
};

static u64 end_of(const struct block_segment *segment)
{
	return segment->address + segment->length;
}

/* May memory at this place in a page follow what the chunk has? */
static bool continues(const struct chunk *chunk, u64 address)
{
	if (chunk->segment_count == 0)
		return true;
	return (address | end_of(&chunk->segments[chunk->segment_count - 1])) % PAGE_SIZE == 0;
}

static void add_segment(struct chunk *chunk, phys_t address, u32 length)
{
	struct block_segment *last = &chunk->segments[chunk->segment_count - 1];

	if (chunk->segment_count > 0 && end_of(last) == address)
		last->length += length;
	else
		chunk->segments[chunk->segment_count++] = (struct block_segment){address, length};
	chunk->length += length;
}

/* Pins the beginning of the cursor's next piece.  0; -EAGAIN: the chunk is full; negative errno:
 * the memory is bad. */
static int add_piece(struct chunk *chunk, struct io_cursor *cursor)
{
	u32 room = MIN((u32)PAGES, chunk->segment_limit) - chunk->frame_count;
	size_t length, left = chunk->length_limit - chunk->length;
	vaddr_t at = io_cursor_user_piece(cursor, &length);
	u32 offset = at % PAGE_SIZE;

	if (room == 0 || left == 0 || !continues(chunk, at))
		return -EAGAIN;
	length = MIN(MIN(length, left), (size_t)room * PAGE_SIZE - offset);
	ssize_t pinned = vmm_pin(current->space, at, DIV_ROUND_UP(offset + length, PAGE_SIZE),
				 chunk->op == BLOCK_READ, chunk->frames + chunk->frame_count);
	if (pinned < 0)
		return (int)pinned;
	length = MIN(length, (size_t)pinned * PAGE_SIZE - offset);
	for (u32 i = 0; i < (u32)pinned; i++) {
		u32 start = i == 0 ? offset : 0;
		u32 end = (u32)MIN(offset + length - i * PAGE_SIZE, PAGE_SIZE);
		add_segment(chunk, chunk->frames[chunk->frame_count + i] + start, end - start);
	}
	chunk->frame_count += (u32)pinned;
	io_cursor_advance(cursor, length);
	return 0;
}

/* Pins as much as a transfer takes.  0, or negative errno when the first byte is bad. */
static int fill_chunk(struct chunk *chunk, struct io_cursor *cursor)
{
	struct block_device *device = chunk->device;
	int result = 0;

	chunk->length = 0;
	chunk->frame_count = chunk->segment_count = 0;
	chunk->segment_limit = block_max_segments(device);
	chunk->length_limit = (u32)MIN(
		ALIGN_DOWN(block_max_sectors(device) << SECTOR_SHIFT, block_logical_size(device)),
		(u64)PAGES * PAGE_SIZE);
	while (result == 0 && cursor->remaining > 0)
		result = add_piece(chunk, cursor);
	return chunk->length > 0 ? 0 : result;
}

static int transfer(struct chunk *chunk)
{
	u64 edges = chunk->segments[0].address | end_of(&chunk->segments[chunk->segment_count - 1]);
	struct block_io io = {
		.device = chunk->device,
		.op = chunk->op,
		.flags = edges % PAGE_SIZE != 0 ? BLOCK_ALONE : 0,
		.sector = chunk->position >> SECTOR_SHIFT,
		.sectors = chunk->length >> SECTOR_SHIFT,
		.segments = chunk->segments,
		.segment_count = chunk->segment_count,
	};

	return block_submit_wait(&io);
}

/* --- The page cache --- */

/* Copies what is written to the pages that the cache has. */
static void change_cached(const struct chunk *chunk)
{
	struct page_cache *cache = chunk->cache;
	u64 position = chunk->cached;

	if (page_cache_pages(cache) == 0)
		return;
	for (u32 i = 0; i < chunk->segment_count; i++) {
		const char *from = phys_to_virt(chunk->segments[i].address);
		for (size_t left = chunk->segments[i].length, piece; left > 0; left -= piece) {
			size_t offset = position % PAGE_SIZE;
			phys_t frame;
			piece = MIN(left, PAGE_SIZE - offset);
			if (page_cache_find(cache, position / PAGE_SIZE, 1, &frame) != 0) {
				memcpy((char *)phys_to_virt(frame) + offset, from, piece);
				frame_free(frame);
			}
			from += piece;
			position += piece;
		}
	}
}

/* Whole pages go, to be read again one day; of others the cache gets what is written. */
static void renew_cached(const struct chunk *chunk)
{
	if ((chunk->cached | chunk->length) % PAGE_SIZE != 0)
		change_cached(chunk);
	else if (page_cache_pages(chunk->cache) != 0)
		page_cache_punch(chunk->cache, chunk->cached, chunk->cached + chunk->length);
}

/* What is dirty in the chunk's range goes to the disk; write_back_lock held. */
static int clean_locked(struct chunk *chunk)
{
	if (page_cache_dirty_pages(chunk->cache) == 0 && !page_cache_mapped_writable(chunk->cache))
		return 0;
	return page_cache_write_back(chunk->cache, chunk->cached / PAGE_SIZE,
				     (chunk->cached + chunk->length - 1) / PAGE_SIZE);
}

static int write_chunk(struct chunk *chunk)
{
	if (chunk->lock != NULL)
		rwlock_read_lock(chunk->lock);
	mutex_lock(chunk->write_back_lock);
	int error = clean_locked(chunk);
	if (error == 0)
		renew_cached(chunk);
	mutex_unlock(chunk->write_back_lock);
	if (error == 0) {
		error = transfer(chunk);
		page_cache_outdate(chunk->cache);
		renew_cached(chunk);
	}
	if (chunk->lock != NULL)
		rwlock_read_unlock(chunk->lock);
	return error;
}

static int read_chunk(struct chunk *chunk)
{
	int error;

	mutex_lock(chunk->write_back_lock);
	error = clean_locked(chunk);
	mutex_unlock(chunk->write_back_lock);
	return error != 0 ? error : transfer(chunk);
}

/* --- All of it --- */

bool block_direct_fits(struct block_device *device, const struct io_cursor *cursor, u64 position)
{
	u32 block = block_logical_size(device);

	if ((position | cursor->remaining) % block != 0)
		return false;
	return cursor->kind == IO_KERNEL || io_cursor_is_aligned(cursor, MEMORY_ALIGNMENT, block);
}

/* Through the page cache, at most `length` bytes. */
static ssize_t move_buffered(struct chunk *chunk, struct io_cursor *cursor, size_t length)
{
	struct block_device *device = chunk->device;
	size_t behind = cursor->remaining - MIN(cursor->remaining, length);
	ssize_t done;

	io_cursor_truncate(cursor, length);
	if (chunk->op == BLOCK_READ) {
		done = page_cache_read(chunk->cache, cursor, chunk->cached);
	} else if (chunk->cache != &device->cache) {
		done = page_cache_write(chunk->cache, cursor, chunk->cached);
	} else {
		done = block_cache_write(device, cursor, chunk->position);
		if (done > 0) {
			u64 end = chunk->position + (u64)done;
			int error = block_cache_write_back(device, chunk->position, end);
			done = error != 0 ? error : done;
		}
	}
	cursor->remaining += behind;
	return done;
}

static ssize_t move_chunk(struct chunk *chunk, struct io_cursor *cursor)
{
	int error = fill_chunk(chunk, cursor);
	size_t length;

	if (error == -EOPNOTSUPP) {
		vaddr_t at = io_cursor_user_piece(cursor, &length);
		return move_buffered(chunk, cursor, MIN(length, PAGE_SIZE - at % PAGE_SIZE));
	}
	if (error == 0)
		error = chunk->op == BLOCK_READ ? read_chunk(chunk) : write_chunk(chunk);
	vmm_unpin(chunk->frames, chunk->frame_count);
	return error != 0 ? error : (ssize_t)chunk->length;
}

/* All of the cursor, from the chunk's positions on. */
static ssize_t move_all(struct chunk *chunk, struct io_cursor *cursor)
{
	u32 block = block_logical_size(chunk->device);
	u64 position = chunk->position, cached = chunk->cached;
	ssize_t total = 0, part = 0;

	bool direct = cursor->kind != IO_KERNEL && io_cursor_is_aligned(cursor, block, block);
	while (cursor->remaining > 0) {
		chunk->position = position + (u64)total;
		chunk->cached = cached + (u64)total;
		part = direct ? move_chunk(chunk, cursor)
			      : move_buffered(chunk, cursor, cursor->remaining);
		if (part <= 0)
			break;
		total += part;
		if (signal_fatal_pending(current))
			break;
	}
	return total > 0 ? total : part;
}

ssize_t block_direct(struct block_device *device, enum block_op op, struct io_cursor *cursor,
		     u64 position)
{
	struct chunk *chunk = kmalloc(sizeof(*chunk));
	ssize_t done;

	if (chunk == NULL)
		return -ENOMEM;
	chunk->device = device;
	chunk->cache = &device->cache;
	chunk->write_back_lock = &device->write_back_lock;
	chunk->lock = &device->lock;
	chunk->op = op;
	chunk->position = chunk->cached = position;
	done = move_all(chunk, cursor);
	kfree(chunk);
	return done;
}

ssize_t block_direct_file(struct block_device *device, enum block_op op, struct io_cursor *cursor,
			  u64 position, struct page_cache *cache, mutex_t *write_back_lock,
			  u64 cached)
{
	struct chunk *chunk = kmalloc(sizeof(*chunk));
	ssize_t done;

	if (chunk == NULL)
		return -ENOMEM;
	chunk->device = device;
	chunk->cache = cache;
	chunk->write_back_lock = write_back_lock;
	chunk->lock = NULL;
	chunk->op = op;
	chunk->position = position;
	chunk->cached = cached;
	done = move_all(chunk, cursor);
	kfree(chunk);
	return done;
}
