/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is done with swapped pages while nobody waits: frames that only the swap cache holds are
 * dropped, and pages move from the pool to areas when the pool has too many.
 *
 * Both go round all slots with a hand of their own, a chunk at a time: what was swapped out long
 * ago comes before what was swapped out just now, roughly, and each slot has its turn.
 */
#include "lib/errno.h"
#include "mm/compress.h"
#include "mm/frame.h"
#include "mm/swap_internal.h"

/* So many slots of a chunk are worked on at once. */
enum { BATCH = 16 };

struct hand {
	mutex_t lock;
	u32 index; /* lock: of a chunk */
};

static struct hand cache_hand = {.lock = MUTEX_INIT(cache_hand.lock)};
static struct hand pool_hand = {.lock = MUTEX_INIT(pool_hand.lock)};

/* --- The swap cache --- */

/* The next chunk, locked; NULL when the hand has come to the end, and is at the start again. */
static struct chunk *advance(struct hand *hand)
{
	struct chunk *chunk = chunk_next(&hand->index);

	hand->index = chunk != NULL ? hand->index + 1 : 0;
	return chunk;
}

/* Takes unused frames out of the cache of slots of a locked chunk, up to *room into `frames`, and
 * entries that have to be written first into `unwritten`, with a count; unlocks it.  What did not
 * compress is not tried again without a place on an area. */
static size_t collect_unused(struct chunk *chunk, phys_t *frames, size_t room,
			     swap_entry_t *unwritten, size_t *unwritten_count)
{
	bool areas = area_has_room();
	size_t count = 0;

	for (u32 i = 0; i < CHUNK_SLOTS && count < room; i++) {
		struct slot *slot = &chunk->slots[i];
		phys_t frame = (phys_t)slot->frame << PAGE_SHIFT;
		if (slot->count == 0 || frame == 0 || slot->reading || slot->writing ||
		    frame_refs(frame) != 1)
			continue;
		if (slot->kind != SLOT_FRAME) {
			frames[count++] = slot_uncache_locked(slot);
		} else if (*unwritten_count < BATCH && (areas || !slot->refused)) {
			slot_hold_locked(slot);
			unwritten[(*unwritten_count)++] = chunk_entry(chunk, i);
		}
	}
	slot_unlock(chunk);
	return count;
}

size_t swap_cache_shrink(size_t frames)
{
	swap_entry_t unwritten[BATCH];
	phys_t unused[BATCH];
	size_t dropped = 0;
	u32 laps = 0;

	mutex_lock(&cache_hand.lock);
	while (dropped < frames && slots_cached() != 0) {
		struct chunk *chunk = advance(&cache_hand);
		if (chunk == NULL) {
			if (++laps == 2)
				break;
			continue;
		}
		size_t writes = 0;
		size_t count = collect_unused(chunk, unused, MIN(frames - dropped, (size_t)BATCH),
					      unwritten, &writes);
		frame_free_batch(unused, count);
		dropped += count;
		for (size_t i = 0; i < writes; i++) {
			dropped += swap_write(unwritten[i]) == 0;
			swap_free(unwritten[i]);
		}
	}
	mutex_unlock(&cache_hand.lock);
	return dropped;
}

/* --- From the pool to areas --- */

/* Unpacks the page of a packed slot, and marks it as being written, with a count; the chunk is
 * locked. */
static bool begin_move_locked(struct slot *slot, void *page)
{
	struct compressed object = {slot->value, COMPRESSED_PACKED};

	if (slot->count == 0 || slot->kind != SLOT_PACKED || slot->writing ||
	    compress_load(&object, page) != 0)
		return false;
	slot->writing = 1;
	slot_hold_locked(slot);
	return true;
}

/* The page is at `place` from now on, or, when that is 0, where it was. */
static void end_move(swap_entry_t entry, u64 place)
{
	struct chunk *chunk;
	struct slot *slot = slot_lock(entry, &chunk);

	slot->writing = 0;
	if (place != 0) {
		slot_forget_locked(slot);
		slot->kind = SLOT_AREA;
		slot->value = place;
	}
	slot_drop_unlock(slot, chunk);
	slot_wake(entry);
}

/* Unpacks packed slots of the hand's chunk, from *at on, to the writes' frames.  How many. */
static size_t collect_packed(u32 *at, struct area_write *writes, size_t room)
{
	u32 index = pool_hand.index;
	struct chunk *chunk = chunk_next(&index);
	size_t count = 0;

	if (chunk == NULL)
		return 0;
	for (; index == pool_hand.index && *at < CHUNK_SLOTS && count < room; ++*at)
		if (begin_move_locked(&chunk->slots[*at], phys_to_virt(writes[count].frame)))
			writes[count++].entry = chunk_entry(chunk, *at);
	slot_unlock(chunk);
	return count;
}

/* Moves up to `pages` pages of the hand's chunk by way of `room` frames.  How many; *result says
 * why it ended early. */
static size_t move_chunk(struct area_write *writes, size_t room, size_t pages, int *result)
{
	size_t moved = 0;
	u32 at = 0;

	while (moved < pages && *result == 0) {
		size_t count = collect_packed(&at, writes, MIN(room, pages - moved));
		if (count == 0)
			break;
		*result = area_write(writes, count);
		for (size_t i = 0; i < count; i++) {
			moved += writes[i].place != 0;
			end_move(writes[i].entry, writes[i].place);
		}
	}
	return moved;
}

size_t swap_write_back(size_t pages)
{
	struct area_write writes[AREA_BATCH];
	phys_t frames[AREA_BATCH];
	size_t moved = 0, room = frame_alloc_batch(FRAME_KERNEL, frames, AREA_BATCH);
	int result = room != 0 ? 0 : -ENOMEM;

	for (size_t i = 0; i < room; i++)
		writes[i].frame = frames[i];
	mutex_lock(&pool_hand.lock);
	for (u32 left = chunk_limit(); left > 0 && moved < pages && result == 0; left--) {
		moved += move_chunk(writes, room, pages - moved, &result);
		if (moved < pages)
			pool_hand.index = (pool_hand.index + 1) % MAX(chunk_limit(), 1u);
	}
	mutex_unlock(&pool_hand.lock);
	frame_free_batch(frames, room);
	return moved;
}
