/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups of 2 MiB: what is in one, and setting one apart so that it becomes free.
 *
 * An isolated group's free frames are in a set of their own (block_lists.h), where requests look
 * last of all; the new place of a page that moves is never there.  frame_groups says of each group
 * which set it belongs to, under the lock of its zone.
 */
#include "arch/cpu.h"
#include "mm/frame_internal.h"

enum { GROUP = 1 << FRAME_GROUP_ORDER };

/* How many frames from this one on are alike, and what they are. */
static u32 look_at(pfn_t pfn, u8 zone, u32 **counter, struct frame_group_use *use)
{
	const struct frame *frame = &frame_array[pfn];
	u32 order = READ_ONCE(frame->order);

	*counter = &use->fixed;
	if (READ_ONCE(frame->zone) != zone)
		return 1;
	switch (READ_ONCE(frame->kind)) {
	case FRAME_FREE:
		*counter = &use->free;
		return order <= FRAME_MAX_ORDER ? 1u << order : 1;
	case FRAME_USER:
	case FRAME_CACHE:
		if (order == 0)
			*counter = &use->movable;
	}
	return 1;
}

void frame_group_look(pfn_t first, struct frame_group_use *use)
{
	pfn_t end = MIN(first + GROUP, frame_array_length);
	u32 *counter, step;

	*use = (struct frame_group_use){.fixed = (u32)(first + GROUP - end)};
	if (frame_block_head(first) != first) {
		use->fixed = GROUP;
		return;
	}
	u8 zone = READ_ONCE(frame_array[first].zone);
	for (pfn_t pfn = first; pfn < end; pfn += step) {
		step = MIN(look_at(pfn, zone, &counter, use), (u32)(end - pfn));
		*counter += step;
	}
}

void frame_group_isolate(pfn_t first)
{
	const pfn_t end = first + GROUP;
	struct zone *zone = zone_of(first);
	unsigned long flags = spin_lock_irqsave(&zone->lock);
	u32 order = buddy_covering_order_locked(zone, first);

	if (order > FRAME_GROUP_ORDER) {
		pfn_t head = ALIGN_DOWN(first, (pfn_t)1 << order);
		block_lists_take_this(&zone->lists, head, order);
		frame_groups[first >> FRAME_GROUP_ORDER] = SET_ISOLATED;
		buddy_give_range_locked(zone, head, first);
		buddy_give_range_locked(zone, first, end);
		buddy_give_range_locked(zone, end, head + ((pfn_t)1 << order));
	} else {
		block_lists_move_group(&zone->lists, first, SET_ISOLATED);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

void frame_group_release(pfn_t first)
{
	struct zone *zone = zone_of(first);
	unsigned long flags = spin_lock_irqsave(&zone->lock);

	if (frame_groups[first >> FRAME_GROUP_ORDER] == SET_ISOLATED)
		block_lists_move_group(&zone->lists, first, SET_MOVABLE);
	spin_unlock_irqrestore(&zone->lock, flags);
}

bool frame_group_is_isolated(pfn_t pfn)
{
	return READ_ONCE(frame_groups[pfn >> FRAME_GROUP_ORDER]) == SET_ISOLATED;
}

static void drain_this_cpu(void *argument __unused)
{
	frame_drain();
}

void frame_drain_all(void)
{
	frame_drain();
	cpus_call(cpus_online(), drain_this_cpu, NULL);
}
