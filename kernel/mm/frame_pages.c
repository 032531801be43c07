/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be said of one frame, and of the blocks of 2 MiB that frames lie in: for /proc/kpage*
 * and /proc/pagetypeinfo.  Read without locks, so a frame that changes hands meanwhile may be told
 * of as neither the one nor the other.
 */
#include "lib/abi/kpageflags.h"
#include "lib/string.h"
#include "mm/frame_internal.h"

enum { GROUP_ORDER = FRAME_GROUP_ORDER, GROUP = 1 << GROUP_ORDER };

pfn_t frame_limit(void)
{
	return frame_array_length;
}

/* The frame whose descriptor speaks for this one: the head of its block, or itself. */
pfn_t frame_block_head(pfn_t pfn)
{
	for (u32 order = 1; order <= FRAME_MAX_ORDER; order++) {
		pfn_t head = ALIGN_DOWN(pfn, (pfn_t)1 << order);
		const struct frame *frame = &frame_array[head];
		u32 length = READ_ONCE(frame->order);
		if (head != pfn && length >= order && length <= FRAME_MAX_ORDER &&
		    READ_ONCE(frame->kind) > FRAME_FREE && READ_ONCE(frame->kind) != FRAME_SLAB)
			return head;
	}
	return pfn;
}

/* The page cache's own reference is no mapping. */
static u64 mappings(const struct frame *frame)
{
	u32 refs = READ_ONCE(frame->refs);

	switch (READ_ONCE(frame->kind)) {
	case FRAME_USER:
		return refs;
	case FRAME_CACHE:
		return refs > 0 ? refs - 1 : 0;
	default:
		return 0;
	}
}

u64 frame_page_count(pfn_t pfn)
{
	return pfn < frame_array_length ? mappings(&frame_array[frame_block_head(pfn)]) : 0;
}

static u64 kind_flags(const struct frame *frame)
{
	const u64 page = BIT(KPF_UPTODATE) | BIT(KPF_LRU);

	switch (READ_ONCE(frame->kind)) {
	case FRAME_FREE:
		return BIT(KPF_BUDDY);
	case FRAME_SLAB:
		return BIT(KPF_SLAB);
	case FRAME_TABLE:
		return BIT(KPF_PGTABLE);
	case FRAME_USER:
		return page | BIT(KPF_ANON) | BIT(KPF_SWAPBACKED);
	case FRAME_CACHE:
		return page;
	case FRAME_BALLOON:
		return BIT(KPF_OFFLINE);
	default:
		return 0;
	}
}

/* The frames of a huge page are single ones; the first one's descriptor tells of all (huge.h). */
static u64 huge_flags(pfn_t pfn)
{
	const struct frame *first = &frame_array[ALIGN_DOWN(pfn, GROUP)];

	if (READ_ONCE(first->order) == FRAME_POOLED)
		return BIT(KPF_HUGE) |
		       (pfn % GROUP == 0 ? BIT(KPF_COMPOUND_HEAD) : BIT(KPF_COMPOUND_TAIL));
	if (READ_ONCE(first->kind) != FRAME_USER || !first->huge)
		return 0;
	return BIT(KPF_THP) | (pfn % GROUP == 0 ? BIT(KPF_COMPOUND_HEAD) : BIT(KPF_COMPOUND_TAIL));
}

u64 frame_page_flags(pfn_t pfn)
{
	if (pfn >= frame_array_length)
		return BIT(KPF_NOPAGE);
	pfn_t head = frame_block_head(pfn);
	const struct frame *frame = &frame_array[head];
	u64 flags = kind_flags(frame);
	u32 order = READ_ONCE(frame->order), kind = READ_ONCE(frame->kind);
	if (mappings(frame) != 0)
		flags |= BIT(KPF_MMAP);
	if (order != 0 && order <= FRAME_MAX_ORDER && kind > FRAME_FREE)
		flags |= pfn == head ? BIT(KPF_COMPOUND_HEAD) : BIT(KPF_COMPOUND_TAIL);
	return flags | huge_flags(pfn);
}

/* What the frames in use of a group let happen to it. */
static enum frame_group group_type(pfn_t first)
{
	enum frame_group type = FRAME_GROUP_MOVABLE;
	pfn_t head = frame_block_head(first);
	size_t step = 1;

	/* The inside of a block says nothing itself. */
	if (head != first && READ_ONCE(frame_array[head].kind) == FRAME_KERNEL)
		return FRAME_GROUP_UNMOVABLE;

	for (pfn_t pfn = first; pfn < first + GROUP && pfn < frame_array_length; pfn += step) {
		const struct frame *frame = &frame_array[pfn];
		u32 order = READ_ONCE(frame->order);
		step = READ_ONCE(frame->kind) == FRAME_FREE && order <= FRAME_MAX_ORDER
			       ? (size_t)1 << order
			       : 1;
		switch (READ_ONCE(frame->kind)) {
		case FRAME_KERNEL:
		case FRAME_TABLE:
		case FRAME_BALLOON:
			return FRAME_GROUP_UNMOVABLE;
		case FRAME_SLAB:
			type = FRAME_GROUP_RECLAIMABLE;
			break;
		}
	}
	return type;
}

static void count_group(pfn_t first, struct frame_group_counts *counts)
{
	enum frame_group type = group_type(first);

	counts->groups[type]++;
	for (pfn_t pfn = first; pfn < first + GROUP && pfn < frame_array_length; pfn++) {
		u32 order = READ_ONCE(frame_array[pfn].order);
		if (READ_ONCE(frame_array[pfn].kind) == FRAME_FREE && order <= FRAME_MAX_ORDER)
			counts->free[type][order]++;
	}
}

bool frame_count_groups(u32 index, struct frame_group_counts *counts)
{
	if (index >= zone_count)
		return false;
	memset(counts, 0, sizeof(*counts));
	if (zones[index].present == 0)
		return true;
	for (pfn_t pfn = ALIGN_DOWN(zones[index].start, GROUP); pfn < zones[index].end;
	     pfn += GROUP)
		if (frame_array[MAX(pfn, zones[index].start)].zone == index)
			count_group(pfn, counts);
	return true;
}
