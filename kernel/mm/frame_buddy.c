/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free blocks of 2^order frames, in lists by order: Knuth's buddy system ("The Art of Computer
 * Programming", 2.5C).
 *
 * The lists are linked through the blocks' descriptors by frame number, so free memory itself is
 * never touched.
 */
#include "lib/assert.h"
#include "mm/frame_internal.h"

struct zone zones[ZONES];

static void list_block(struct zone *zone, pfn_t pfn, u32 order)
{
	struct frame *frame = &frame_array[pfn];
	u32 next = zone->heads[order];

	frame->kind = FRAME_FREE;
	frame->order = (u8)order;
	frame->next = next;
	frame->previous = 0;
	if (next != 0)
		frame_array[next].previous = (u32)pfn;
	zone->heads[order] = (u32)pfn;
	zone->nonempty |= 1u << order;
	zone->counts[order]++;
}

static void unlist_block(struct zone *zone, pfn_t pfn, u32 order)
{
	struct frame *frame = &frame_array[pfn];

	ASSERT(frame->kind == FRAME_FREE && frame->order == order);
	if (frame->previous != 0)
		frame_array[frame->previous].next = frame->next;
	else
		zone->heads[order] = frame->next;
	if (frame->next != 0)
		frame_array[frame->next].previous = frame->previous;
	frame->kind = FRAME_RESERVED;
	frame->order = 0;
	frame->owner = 0;
	if (zone->heads[order] == 0)
		zone->nonempty &= ~(1u << order);
	zone->counts[order]--;
}

pfn_t buddy_take_locked(struct zone *zone, u32 order)
{
	u32 fitting = zone->nonempty >> order;

	if (fitting == 0)
		return 0;
	u32 found = order + (u32)__builtin_ctz(fitting);
	pfn_t pfn = zone->heads[found];
	unlist_block(zone, pfn, found);
	while (found > order) {
		found--;
		list_block(zone, pfn + ((pfn_t)1 << found), found);
	}
	zone->free -= (size_t)1 << order;
	return pfn;
}

size_t buddy_take_singles_locked(struct zone *zone, u32 *pfns, size_t wanted)
{
	size_t got = 0;

	while (got < wanted && zone->nonempty != 0) {
		u32 order = (u32)__builtin_ctz(zone->nonempty);
		while (order > 0 && (size_t)1 << order > wanted - got)
			order--;
		pfn_t pfn = buddy_take_locked(zone, order);
		/* Backwards, because the stock hands out the last one first. */
		for (size_t i = (size_t)1 << order; i-- > 0;)
			pfns[got++] = (u32)(pfn + i);
	}
	return got;
}

void buddy_give_locked(struct zone *zone, pfn_t pfn, u32 order)
{
	zone->free += (size_t)1 << order;
	while (order < FRAME_MAX_ORDER) {
		pfn_t buddy = pfn ^ ((pfn_t)1 << order);
		if (buddy >= frame_array_length || frame_array[buddy].kind != FRAME_FREE ||
		    frame_array[buddy].order != order)
			break;
		unlist_block(zone, buddy, order);
		pfn &= ~((pfn_t)1 << order);
		order++;
	}
	list_block(zone, pfn, order);
}

void buddy_give_range(pfn_t start, pfn_t end)
{
	while (start < end) {
		u32 order = FRAME_MAX_ORDER;
		while (!IS_ALIGNED(start, (pfn_t)1 << order) || start + ((pfn_t)1 << order) > end)
			order--;
		struct zone *zone = zone_of(start);
		unsigned long flags = spin_lock_irqsave(&zone->lock);
		buddy_give_locked(zone, start, order);
		spin_unlock_irqrestore(&zone->lock, flags);
		start += (pfn_t)1 << order;
	}
}

void frame_count_orders(size_t *counts)
{
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
		counts[order] = READ_ONCE(zones[ZONE_DMA32].counts[order]) +
				READ_ONCE(zones[ZONE_NORMAL].counts[order]);
}
