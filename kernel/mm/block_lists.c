/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free blocks of 2^order pages, in lists by order: Knuth's buddy system ("The Art of Computer
 * Programming", 2.5C).  See block_lists.h.
 */
#include "mm/block_lists.h"

#include "lib/assert.h"

static void list_block(struct block_lists *lists, pfn_t head, u32 order)
{
	struct frame *frame = &lists->descriptors[head];
	u32 next = lists->heads[order];

	frame->kind = FRAME_FREE;
	frame->order = (u8)order;
	frame->next = next;
	frame->previous = 0;
	if (next != 0)
		lists->descriptors[next].previous = (u32)head;
	lists->heads[order] = (u32)head;
	lists->nonempty |= 1u << order;
	lists->counts[order]++;
}

static void unlist_block(struct block_lists *lists, pfn_t head, u32 order)
{
	struct frame *frame = &lists->descriptors[head];

	ASSERT(frame->kind == FRAME_FREE && frame->order == order);
	if (frame->previous != 0)
		lists->descriptors[frame->previous].next = frame->next;
	else
		lists->heads[order] = frame->next;
	if (frame->next != 0)
		lists->descriptors[frame->next].previous = frame->previous;
	frame->kind = FRAME_RESERVED;
	frame->order = 0;
	frame->owner = 0;
	if (lists->heads[order] == 0)
		lists->nonempty &= ~(1u << order);
	lists->counts[order]--;
}

pfn_t block_lists_take(struct block_lists *lists, u32 order)
{
	u32 fitting = lists->nonempty >> order;

	if (fitting == 0)
		return 0;
	u32 found = order + (u32)__builtin_ctz(fitting);
	pfn_t head = lists->heads[found];
	unlist_block(lists, head, found);
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

void block_lists_give(struct block_lists *lists, pfn_t head, u32 order)
{
	lists->free += (size_t)1 << order;
	while (order < FRAME_MAX_ORDER) {
		pfn_t buddy = head ^ ((pfn_t)1 << order);
		if (!block_lists_has(lists, buddy, order))
			break;
		unlist_block(lists, buddy, order);
		head &= ~((pfn_t)1 << order);
		order++;
	}
	list_block(lists, head, order);
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
