/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading ahead: read_ahead.h. */
#include "mm/read_ahead.h"

#include "mm/frame.h"

enum { FIRST = 4, STEP = 4 };

u32 read_ahead_count(struct read_ahead *state, u64 index, u64 pages)
{
	u32 count = 1;

	if (index == 0)
		count = FIRST;
	else if (index == READ_ONCE(state->end))
		count = MIN(READ_ONCE(state->pages) * STEP, (u32)READ_AHEAD_LIMIT);
	WRITE_ONCE(state->pages, count);
	WRITE_ONCE(state->end, index + count);
	return (u32)MIN((u64)count, index < pages ? pages - index : 1);
}

u32 read_ahead_frames(struct page_cache *cache, u64 index, u32 wanted, phys_t *frames)
{
	phys_t present[READ_AHEAD_LIMIT];
	u32 count = 1;

	if (wanted == 1 || READ_ONCE(cache->random))
		return 1;
	page_cache_find(cache, index + 1, wanted - 1, present);
	while (count < wanted && present[count - 1] == 0)
		count++;
	for (u32 i = count - 1; i < wanted - 1; i++)
		if (present[i] != 0)
			frame_free(present[i]);
	return count == 1 ? 1 : 1 + (u32)frame_alloc_batch(FRAME_CACHE, frames + 1, count - 1);
}

void read_ahead_insert(struct page_cache *cache, u64 index, const phys_t *frames, u32 count,
		       u64 sequence, int error)
{
	for (u32 i = 1; i < count; i++)
		if (error || page_cache_insert(cache, index + i, frames[i], sequence))
			frame_free(frames[i]);
}
