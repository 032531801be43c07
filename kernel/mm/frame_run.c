/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs: contiguous frames beyond the largest block of the buddy lists.
 *
 * A run is made of largest blocks that happen to lie one behind the other, less the frames at the
 * end that were not asked for.  The search looks at each largest block once for each block of the
 * run: slow where memory is large, but such requests are rare.
 */
#include "lib/assert.h"
#include "mm/checking.h"
#include "mm/frame_internal.h"

enum { BLOCK_FRAMES = 1 << FRAME_MAX_ORDER };

/* Of one node, or any. */
enum { ANY_NODE = UINT32_MAX };

static pfn_t take_run(size_t blocks, size_t align, u32 node)
{
	pfn_t head = 0;

	for (u32 i = zone_count; i-- > 0 && head == 0;) {
		if (node != ANY_NODE && i / ZONES != node)
			continue;
		unsigned long flags = spin_lock_irqsave(&zones[i].lock);
		head = buddy_take_run_locked(&zones[i], blocks, align);
		spin_unlock_irqrestore(&zones[i].lock, flags);
	}
	return head;
}

static void account(s64 frames)
{
	unsigned long flags = irq_save();

	frame_account(FRAME_KERNEL, frames);
	irq_restore(flags);
}

phys_t frames_alloc_run(size_t count)
{
	pfn_t head;

	if (checking_must_fail() || count == 0 || count > frame_managed)
		return 0;
	size_t blocks = DIV_ROUND_UP(count, (size_t)BLOCK_FRAMES);
	do
		head = take_run(blocks, 1, ANY_NODE);
	while (head == 0 && frame_reclaim());
	if (head == 0)
		return 0;
	buddy_give_range(head + count, head + blocks * BLOCK_FRAMES);
	frame_begin(&frame_array[head], FRAME_KERNEL, FRAME_RUN);
	frame_array[head].owner = count;
	wipe_frames_on_alloc(head << PAGE_SHIFT, count);
	account((s64)count);
	return head << PAGE_SHIFT;
}

void frames_free_run(phys_t frames)
{
	struct frame *head = frame_of(frames);
	pfn_t first = frames >> PAGE_SHIFT;
	size_t count = head->owner;

	ENSURE(head->order == FRAME_RUN && head->refs == 1);
	checking_frame_released(frames);
	wipe_frames_on_free(frames, count);
	*head = (struct frame){.kind = FRAME_RESERVED, .zone = head->zone};
	account(-(s64)count);
	buddy_give_range(first, first + count);
}

phys_t frames_alloc_gigantic(u32 node)
{
	const size_t blocks = FRAMES_GIGANTIC / BLOCK_FRAMES;
	pfn_t head;

	if (checking_must_fail())
		return 0;
	head = take_run(blocks, blocks, node);
	if (head != 0)
		account(FRAMES_GIGANTIC);
	return head << PAGE_SHIFT;
}
