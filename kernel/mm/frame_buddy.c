/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zones' free blocks: the buddy system of block_lists.h over the frame array, in units that
 * the rest of the frame allocator wants.
 */
#include "lib/string.h"
#include "mm/block_lists.h"
#include "mm/frame_internal.h"

size_t buddy_take_singles_locked(struct zone *zone, u32 *pfns, size_t wanted)
{
	struct block_lists *lists = &zone->lists;
	size_t left = wanted; /* places below those that are filled */

	while (left > 0 && lists->nonempty != 0) {
		u32 order = (u32)__builtin_ctz(lists->nonempty);
		while (order > 0 && (size_t)1 << order > left)
			order--;
		pfn_t pfn = block_lists_take(lists, order);
		for (pfn_t end = pfn + ((pfn_t)1 << order); pfn < end; pfn++)
			pfns[--left] = (u32)pfn;
	}
	if (left > 0)
		memmove(pfns, pfns + left, (wanted - left) * sizeof(pfns[0]));
	return wanted - left;
}

pfn_t buddy_take_run_locked(struct zone *zone, size_t blocks)
{
	const pfn_t step = (pfn_t)1 << FRAME_MAX_ORDER;
	struct block_lists *lists = &zone->lists;
	pfn_t head, i;

	for (head = lists->heads[FRAME_MAX_ORDER]; head != 0; head = frame_array[head].next) {
		for (i = 1; i < blocks; i++)
			if (!block_lists_has(lists, head + i * step, FRAME_MAX_ORDER))
				break;
		if (i == blocks)
			break;
	}
	for (i = 0; head != 0 && i < blocks; i++)
		block_lists_take_this(lists, head + i * step, FRAME_MAX_ORDER);
	return head;
}

void buddy_give_range_locked(struct zone *zone, pfn_t start, pfn_t end)
{
	while (start < end) {
		u32 order = block_order(start, end);
		block_lists_give(&zone->lists, start, order);
		start += (pfn_t)1 << order;
	}
}

/* The free block that covers a group and is at least as large; its order, or 0. */
static u32 covering_block(const struct block_lists *lists, pfn_t start)
{
	for (u32 order = FRAME_GROUP_ORDER; order <= FRAME_MAX_ORDER; order++)
		if (block_lists_has(lists, ALIGN_DOWN(start, (pfn_t)1 << order), order))
			return order;
	return 0;
}

bool buddy_take_group_locked(struct zone *zone, pfn_t start)
{
	struct block_lists *lists = &zone->lists;
	u32 order = covering_block(lists, start);
	pfn_t end = start + ((pfn_t)1 << FRAME_GROUP_ORDER), head;

	if (order != 0) {
		head = ALIGN_DOWN(start, (pfn_t)1 << order);
		block_lists_take_this(lists, head, order);
		buddy_give_range_locked(zone, head, start);
		buddy_give_range_locked(zone, end, head + ((pfn_t)1 << order));
		return true;
	}
	for (head = start; head < end; head += (pfn_t)1 << frame_array[head].order)
		if (!block_lists_has(lists, head, frame_array[head].order))
			return false;
	for (head = start; head < end; head += (pfn_t)1 << order) {
		order = frame_array[head].order;
		block_lists_take_this(lists, head, order);
	}
	return true;
}

void buddy_give_range(pfn_t start, pfn_t end)
{
	while (start < end) {
		u32 order = block_order(start, end);
		struct zone *zone = zone_of(start);
		unsigned long flags = spin_lock_irqsave(&zone->lock);
		block_lists_give(&zone->lists, start, order);
		spin_unlock_irqrestore(&zone->lock, flags);
		start += (pfn_t)1 << order;
	}
}
