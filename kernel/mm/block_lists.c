/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free blocks of 2^order pages, in lists by order: Knuth's buddy system ("The Art of Computer
 * Programming", 2.5C).  See block_lists.h.
 */
#include "mm/block_lists.h"

#include "lib/assert.h"
#include "lib/string.h"

static u8 *group_of(const struct block_lists *lists, pfn_t page)
{
	return &lists->groups[page >> FRAME_GROUP_ORDER];
}

static enum block_set set_at(const struct block_lists *lists, pfn_t page)
{
	return lists->groups != NULL ? *group_of(lists, page) : SET_MOVABLE;
}

/* The groups of a block of whole groups now belong to a set. */
static void set_groups(struct block_lists *lists, pfn_t head, u32 order, enum block_set set)
{
	if (lists->groups != NULL)
		memset(group_of(lists, head), (int)set, (size_t)1 << (order - FRAME_GROUP_ORDER));
}

static inline void list_block(struct block_lists *lists, pfn_t head, u32 order, enum block_set set)
{
	struct frame *frame = &lists->descriptors[head];
	u32 *first = &lists->heads[set][order], next = *first;

	frame->kind = FRAME_FREE;
	frame->order = (u8)order;
	frame->set = (u8)set;
	frame->next = next;
	frame->previous = 0;
	if (next != 0)
		lists->descriptors[next].previous = (u32)head;
	*first = (u32)head;
	lists->nonempty[set] |= 1u << order;
	lists->counts[order]++;
}

static inline void unlist_block(struct block_lists *lists, pfn_t head, u32 order)
{
	struct frame *frame = &lists->descriptors[head];
	u32 set = frame->set, next = frame->next;

	ASSERT(frame->kind == FRAME_FREE && frame->order == order && set < BLOCK_SETS);
	if (next != 0)
		lists->descriptors[next].previous = frame->previous;
	if (frame->previous != 0)
		lists->descriptors[frame->previous].next = next;
	else
		lists->heads[set][order] = next;
	if (next == 0 && frame->previous == 0)
		lists->nonempty[set] &= ~(1u << order);
	frame->kind = FRAME_RESERVED;
	frame->order = 0;
	frame->set = 0;
	frame->owner = 0;
	lists->counts[order]--;
}

/* Halves a block of order `found`, which is on no list, down to `order`; what is left over goes to
 * a set. */
static inline void split(struct block_lists *lists, pfn_t head, u32 found, u32 order,
			 enum block_set set)
{
	while (found > order) {
		found--;
		list_block(lists, head + ((pfn_t)1 << found), found, set);
	}
}

pfn_t block_lists_take(struct block_lists *lists, u32 order, u32 least, enum block_set from,
		       enum block_set to)
{
	u32 fitting = lists->nonempty[from] >> least;

	if (fitting == 0)
		return 0;
	u32 found = least + (u32)__builtin_ctz(fitting);
	pfn_t head = lists->heads[from][found];
	unlist_block(lists, head, found);
	if (likely(found < FRAME_GROUP_ORDER)) {
		split(lists, head, found, order, from);
	} else {
		u32 whole = MAX(order, (u32)FRAME_GROUP_ORDER);
		split(lists, head, found, whole, from);
		set_groups(lists, head, whole, to);
		split(lists, head, whole, order, to);
	}
	lists->free -= (size_t)1 << order;
	return head;
}

void block_lists_take_this(struct block_lists *lists, pfn_t head, u32 order)
{
	unlist_block(lists, head, order);
	lists->free -= (size_t)1 << order;
}

bool block_lists_has(const struct block_lists *lists, pfn_t head, u32 order)
{
	return head >= lists->start && head < lists->end &&
	       lists->descriptors[head].kind == FRAME_FREE &&
	       lists->descriptors[head].order == order &&
	       lists->descriptors[head].zone == lists->zone;
}

/* Within a group all is of one set; isolated groups do not join with others. */
static bool is_joined(const struct block_lists *lists, pfn_t head, pfn_t buddy, u32 order)
{
	if (!block_lists_has(lists, buddy, order))
		return false;
	return order < FRAME_GROUP_ORDER ||
	       (set_at(lists, head) != SET_ISOLATED && set_at(lists, buddy) != SET_ISOLATED);
}

void block_lists_give(struct block_lists *lists, pfn_t head, u32 order)
{
	lists->free += (size_t)1 << order;
	while (order < FRAME_MAX_ORDER) {
		pfn_t buddy = head ^ ((pfn_t)1 << order);
		if (!is_joined(lists, head, buddy, order))
			break;
		unlist_block(lists, buddy, order);
		head &= ~((pfn_t)1 << order);
		order++;
	}
	enum block_set set = set_at(lists, head);
	if (order >= FRAME_GROUP_ORDER && set != SET_ISOLATED) {
		set = SET_MOVABLE;
		set_groups(lists, head, order, set);
	}
	list_block(lists, head, order, set);
}

void block_lists_move_group(struct block_lists *lists, pfn_t first, enum block_set set)
{
	/* The first and the last group of memory need not be there as a whole. */
	const pfn_t end = MIN(first + ((pfn_t)1 << FRAME_GROUP_ORDER), lists->end);
	u32 order;

	*group_of(lists, first) = (u8)set;
	for (pfn_t head = MAX(first, lists->start); head < end; head += (pfn_t)1 << order) {
		const struct frame *frame = &lists->descriptors[head];
		bool listed = frame->kind == FRAME_FREE && frame->zone == lists->zone;
		order = listed ? frame->order : 0;
		if (!listed)
			continue;
		block_lists_take_this(lists, head, order);
		block_lists_give(lists, head, order);
		/* It may be a part of a larger block now: then it was the whole group. */
	}
}

u32 block_order(pfn_t start, pfn_t end)
{
	u32 aligned = start != 0 ? (u32)__builtin_ctzll(start) : FRAME_MAX_ORDER;
	u32 fitting = 63 - (u32)__builtin_clzll(end - start);

	return MIN(MIN(aligned, fitting), (u32)FRAME_MAX_ORDER);
}

u32 block_fragmentation(const size_t *counts, u32 order)
{
	size_t all = 0, useful = 0;

	for (u32 i = 0; i <= FRAME_MAX_ORDER; i++) {
		all += counts[i] << i;
		if (i >= order)
			useful += counts[i] << i;
	}
	return all == 0 ? 1000 : (u32)((all - useful) * 1000 / all);
}
