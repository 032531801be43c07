/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zones' free blocks: the buddy system of block_lists.h over the frame array, in units that
 * the rest of the frame allocator wants.
 */
#include "lib/string.h"
#include "mm/block_lists.h"
#include "mm/frame_internal.h"

/* A free block of this order tells that its group has much that is free: the kernel may have it. */
enum { CLAIM_ORDER = 5 };

/* What cannot be moved shall be in few groups: it gets new ones as wholes, if there are such, or
 * else those with large free blocks. */
static pfn_t take_unmovable(struct block_lists *lists, u32 order)
{
	u32 whole = MAX(order, (u32)FRAME_GROUP_ORDER);
	pfn_t head = block_lists_take(lists, order, order, SET_UNMOVABLE, SET_UNMOVABLE);

	if (likely(head != 0))
		return head;
	head = block_lists_take(lists, order, whole, SET_MOVABLE, SET_UNMOVABLE);
	u32 nonempty = lists->nonempty[SET_MOVABLE];
	if (head != 0 || nonempty >> order == 0)
		return head;
	u32 largest = 31 - (u32)__builtin_clz(nonempty);
	if (lists->groups == NULL || largest < CLAIM_ORDER)
		return block_lists_take(lists, order, largest, SET_MOVABLE, SET_UNMOVABLE);
	block_lists_move_group(lists,
			       ALIGN_DOWN((pfn_t)lists->heads[SET_MOVABLE][largest],
					  (pfn_t)1 << FRAME_GROUP_ORDER),
			       SET_UNMOVABLE);
	return block_lists_take(lists, order, order, SET_UNMOVABLE, SET_UNMOVABLE);
}

static pfn_t take_movable(struct block_lists *lists, u32 order)
{
	pfn_t head = block_lists_take(lists, order, order, SET_MOVABLE, SET_MOVABLE);

	if (unlikely(head == 0))
		head = block_lists_take(lists, order, order, SET_UNMOVABLE, SET_UNMOVABLE);
	return head;
}

pfn_t buddy_take_locked(struct zone *zone, u32 order, enum frame_use use)
{
	struct block_lists *lists = &zone->lists;
	pfn_t head =
		use == USE_UNMOVABLE ? take_unmovable(lists, order) : take_movable(lists, order);

	/* Better that a group does not become free than that somebody gets nothing. */
	if (unlikely(head == 0) && use != USE_MOVING)
		head = block_lists_take(lists, order, order, SET_ISOLATED, SET_ISOLATED);
	return head;
}

/* A block of at most this order. */
static pfn_t take_at_most(struct zone *zone, u32 *order, enum frame_use use)
{
	pfn_t pfn = buddy_take_locked(zone, *order, use);

	while (pfn == 0 && *order > 0)
		pfn = buddy_take_locked(zone, --*order, use);
	return pfn;
}

size_t buddy_take_singles_locked(struct zone *zone, u32 *pfns, size_t wanted, enum frame_use use)
{
	struct block_lists *lists = &zone->lists;
	enum block_set set = use == USE_UNMOVABLE ? SET_UNMOVABLE : SET_MOVABLE;
	size_t left = wanted; /* places below those that are filled */

	while (left > 0) {
		u32 order = MIN(63 - (u32)__builtin_clzll(left), (u32)FRAME_MAX_ORDER);
		u32 nonempty = lists->nonempty[set];
		pfn_t pfn;
		if (likely(nonempty != 0)) {
			order = MIN(order, (u32)__builtin_ctz(nonempty));
			pfn = block_lists_take(lists, order, order, set, set);
		} else {
			pfn = take_at_most(zone, &order, use);
		}
		if (pfn == 0)
			break;
		for (pfn_t end = pfn + ((pfn_t)1 << order); pfn < end; pfn++)
			pfns[--left] = (u32)pfn;
	}
	if (left > 0)
		memmove(pfns, pfns + left, (wanted - left) * sizeof(pfns[0]));
	return wanted - left;
}

pfn_t buddy_take_run_locked(struct zone *zone, size_t blocks, size_t align)
{
	const pfn_t step = (pfn_t)1 << FRAME_MAX_ORDER;
	struct block_lists *lists = &zone->lists;
	pfn_t head, i;

	for (head = lists->heads[SET_MOVABLE][FRAME_MAX_ORDER]; head != 0;
	     head = frame_array[head].next) {
		if (head % (align * step) != 0)
			continue;
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

u32 buddy_covering_order_locked(const struct zone *zone, pfn_t start)
{
	for (u32 order = FRAME_GROUP_ORDER; order <= FRAME_MAX_ORDER; order++)
		if (block_lists_has(&zone->lists, ALIGN_DOWN(start, (pfn_t)1 << order), order))
			return order;
	return 0;
}

bool buddy_take_group_locked(struct zone *zone, pfn_t start)
{
	struct block_lists *lists = &zone->lists;
	u32 order = buddy_covering_order_locked(zone, start);
	pfn_t end = start + ((pfn_t)1 << FRAME_GROUP_ORDER), head;

	if (order != 0) {
		head = ALIGN_DOWN(start, (pfn_t)1 << order);
		block_lists_take_this(lists, head, order);
		frame_groups[start >> FRAME_GROUP_ORDER] = SET_MOVABLE;
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
