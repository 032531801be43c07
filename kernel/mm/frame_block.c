/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of 2^order frames, and the blocks of 2 MiB that each CPU keeps.
 *
 * A CPU keeps up to KEPT blocks of 2 MiB of its own node, as long as memory is plenty, so that huge
 * pages come and go without a zone lock and without joining and splitting.  A place for one is an
 * atomic word, empty or the block's number: whoever exchanges it owns the block.  So any CPU that
 * finds the lists empty can take them all back, and nothing is hidden from it.
 */
#include "lib/assert.h"
#include "mm/checking.h"
#include "mm/frame_internal.h"

enum { KEPT = 2, KEPT_ORDER = 9 };

static struct {
	u32 blocks[KEPT]; /* atomic; 0: none */
} __cacheline kept[MAX_CPUS];

static pfn_t take_kept(void)
{
	u32 *blocks = kept[cpu_id()].blocks;

	for (u32 i = 0; i < KEPT; i++) {
		u32 block = __atomic_load_n(&blocks[i], __ATOMIC_RELAXED);
		if (block != 0)
			block = __atomic_exchange_n(&blocks[i], 0, __ATOMIC_ACQUIRE);
		if (block != 0)
			return block;
	}
	return 0;
}

static bool keep(pfn_t block)
{
	u32 cpu = cpu_id();

	if (zone_of(block) - zones != frame_cpus[cpu].node * ZONES + ZONE_NORMAL &&
	    zone_of(block) - zones != frame_cpus[cpu].node * ZONES + ZONE_DMA32)
		return false;
	if (zones_free() < frame_usable / 4)
		return false;
	for (u32 i = 0; i < KEPT; i++) {
		u32 empty = 0;
		if (__atomic_compare_exchange_n(&kept[cpu].blocks[i], &empty, (u32)block, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static void give_to_lists(pfn_t pfn, u32 order)
{
	struct zone *zone = zone_of(pfn);
	unsigned long flags = spin_lock_irqsave(&zone->lock);

	block_lists_give(&zone->lists, pfn, order);
	spin_unlock_irqrestore(&zone->lock, flags);
}

void block_release(pfn_t pfn, u32 order)
{
	if (order != KEPT_ORDER || !keep(pfn))
		give_to_lists(pfn, order);
}

bool blocks_drain(void)
{
	bool any = false;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		for (u32 i = 0; i < KEPT; i++) {
			if (READ_ONCE(kept[cpu].blocks[i]) == 0)
				continue;
			u32 block = __atomic_exchange_n(&kept[cpu].blocks[i], 0, __ATOMIC_ACQUIRE);
			if (block == 0)
				continue;
			give_to_lists(block, KEPT_ORDER);
			any = true;
		}
	}
	return any;
}

size_t blocks_kept(void)
{
	size_t blocks = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		for (u32 i = 0; i < KEPT; i++)
			blocks += READ_ONCE(kept[cpu].blocks[i]) != 0;
	return blocks << KEPT_ORDER;
}

static void (*fragmentation_hook)(u32 order); /* set once */

void frame_set_fragmentation_hook(void (*hook)(u32 order))
{
	fragmentation_hook = hook;
}

static bool has_block(u32 order)
{
	u32 orders = 0;

	for (u32 i = 0; i < zone_count; i++)
		orders |= READ_ONCE(zones[i].lists.nonempty[SET_MOVABLE]);
	return orders >> order != 0;
}

/* Tells of a block that was not there, or the last large one that is taken. */
static void tell(u32 order, pfn_t taken)
{
	if (fragmentation_hook == NULL || order == 0)
		return;
	if (taken == 0 || (order == KEPT_ORDER && !has_block(order)))
		fragmentation_hook(order);
}

static pfn_t take_block_once(u32 order, enum frame_kind kind, enum zone_id highest,
			     const struct frame_placement *placement)
{
	unsigned long flags = irq_save();
	pfn_t pfn = 0;

	if (order == KEPT_ORDER && highest == ZONE_NORMAL && placement == NULL)
		pfn = take_kept();
	if (pfn == 0)
		pfn = nodes_take_block(placement, order, highest, use_of_kind(kind));
	if (pfn != 0) {
		frame_begin(&frame_array[pfn], kind, order);
		frame_account(kind, (s64)1 << order);
	}
	irq_restore(flags);
	return pfn;
}

static phys_t take_block(u32 order, enum frame_kind kind, enum zone_id highest,
			 const struct frame_placement *placement)
{
	pfn_t pfn;

	if (checking_must_fail())
		return 0;
	do
		pfn = frame_may_take(kind) ? take_block_once(order, kind, highest, placement) : 0;
	while (unlikely(pfn == 0) && frame_reclaim());
	tell(order, pfn);
	return pfn << PAGE_SHIFT;
}

phys_t frames_alloc_kind(u32 order, enum frame_kind kind)
{
	ASSERT(order <= FRAME_MAX_ORDER);
	return take_block(order, kind, ZONE_NORMAL, NULL);
}

phys_t frames_alloc_placed(u32 order, enum frame_kind kind, const struct frame_placement *placement)
{
	ASSERT(order <= FRAME_MAX_ORDER);
	return take_block(order, kind, ZONE_NORMAL, placement);
}

phys_t frames_alloc(u32 order)
{
	if (order > FRAME_MAX_ORDER)
		return 0;
	return take_block(order, FRAME_KERNEL, ZONE_NORMAL, NULL);
}

phys_t frames_alloc_dma32(u32 order)
{
	if (order > FRAME_MAX_ORDER)
		return 0;
	return take_block(order, FRAME_KERNEL, ZONE_DMA32, NULL);
}

phys_t frames_try_placed(u32 order, enum frame_kind kind, const struct frame_placement *placement)
{
	ASSERT(order <= FRAME_MAX_ORDER);
	if (checking_must_fail() || !frame_may_take(kind))
		return 0;
	return take_block_once(order, kind, ZONE_NORMAL, placement) << PAGE_SHIFT;
}

void frames_free(phys_t frames, u32 order)
{
	ASSERT(frame_of(frames)->order == order);
	(void)order;
	frame_free(frames);
}
