/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free blocks of 2^order pages, in lists by order: Knuth's buddy system ("The Art of Computer
 * Programming", 2.5C).  See block_lists.h.
 */
#include "mm/block_lists.h"

#include "lib/assert.h"

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
	for (u32 i = 0; lists->groups != NULL && i < 1u << (order - FRAME_GROUP_ORDER); i++)
		group_of(lists, head)[i] = (u8)set;
}

static void list_block(struct block_lists *lists, pfn_t head, u32 order)
{
	struct frame *frame = &lists->descriptors[head];
	enum block_set set = set_at(lists, head);

	if (order >= FRAME_GROUP_ORDER && set != SET_ISOLATED) {
		set = SET_MOVABLE;
		set_groups(lists, head, order, set);
	}
	u32 next = lists->sets[set].heads[order];
	frame->kind = FRAME_FREE;
	frame->order = (u8)order;
	frame->set = (u8)set;
	frame->next = next;
	frame->previous = 0;
	if (next != 0)
		lists->descriptors[next].previous = (u32)head;
	lists->sets[set].heads[order] = (u32)head;
	lists->sets[set].nonempty |= 1u << order;
	lists->counts[order]++;
}

static void unlist_block(struct block_lists *lists, pfn_t head, u32 order)
{
	struct frame *frame = &lists->descriptors[head];
	u32 set = frame->set;

	ASSERT(frame->kind == FRAME_FREE && frame->order == order && set < BLOCK_SETS);
	if (frame->previous != 0)
		lists->descriptors[frame->previous].next = frame->next;
	else
		lists->sets[set].heads[order] = frame->next;
	if (frame->next != 0)
		lists->descriptors[frame->next].previous = frame->previous;
	frame->kind = FRAME_RESERVED;
	frame->order = 0;
	frame->set = 0;
	frame->owner = 0;
	if (lists->sets[set].heads[order] == 0)
		lists->sets[set].nonempty &= ~(1u << order);
	lists->counts[order]--;
}

pfn_t block_lists_take(struct block_lists *lists, u32 order, u32 least, enum block_set from,
		       enum block_set to)
{
	u32 fitting = lists->sets[from].nonempty >> least;

	if (fitting == 0)
		return 0;
	u32 found = least + (u32)__builtin_ctz(fitting);
	pfn_t head = lists->sets[from].heads[found];
	unlist_block(lists, head, found);
	while (found > MAX(order, (u32)FRAME_GROUP_ORDER)) {
		found--;
		list_block(lists, head + ((pfn_t)1 << found), found);
	}
	if (found >= FRAME_GROUP_ORDER)
		set_groups(lists, head, found, to);
	while (found > order) {
		found--;
		list_block(lists, head + ((pfn_t)1 << found), found);
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

/* Within a group all is of one set; a group that is free now is of another than before, perhaps. */
static bool is_joined(const struct block_lists *lists, pfn_t head, pfn_t buddy, u32 order)
{
	if (!block_lists_has(lists, buddy, order))
		return false;
	return order < FRAME_GROUP_ORDER ||
	       (set_at(lists, head) == SET_ISOLATED) == (set_at(lists, buddy) == SET_ISOLATED);
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
	list_block(lists, head, order);
}

void block_lists_move_group(struct block_lists *lists, pfn_t first, enum block_set set)
{
	const pfn_t end = first + ((pfn_t)1 << FRAME_GROUP_ORDER);
	u32 order;

	*group_of(lists, first) = (u8)set;
	for (pfn_t head = first; head < end; head += (pfn_t)1 << order) {
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
