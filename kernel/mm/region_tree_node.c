/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One node of a region tree: putting slots in the place of others, dividing it, joining two; see
 * region_tree_internal.h.
 *
 * All of this is for nodes that the tree has alone, and keeps what a node says of its holes right.
 * Telling the parents is the caller's.
 */
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/region_tree_internal.h"

/* --- Slots --- */

static struct region_slot slot_at(const struct region_node *node, u32 i)
{
	const struct region_node_slot *slot = &node->slots[i];

	return (struct region_slot){
		.start = slot->start,
		.end = slot->end,
		.hole = slot->hole,
		.child = slot->child,
		.guarded = node->guarded >> i & 1,
	};
}

static inline void write_slot(struct region_node *node, u32 i, const struct region_slot *slot)
{
	node->slots[i] = (struct region_node_slot){
		.start = slot->start, .end = slot->end, .hole = slot->hole, .child = slot->child};
}

/* The largest hole in slots [first, last), or in front of slots [from, to]. */
static inline u64 largest_of(const struct region_node *node, u32 first, u32 last, u32 from, u32 to)
{
	u64 hole = 0;

	if (node->level != 0)
		for (u32 i = first; i < last; i++)
			hole = MAX(hole, node->slots[i].hole);
	for (u32 i = MAX(from, 1u); i <= to && i < node->count; i++)
		hole = region_node_gap_above(node, i, hole);
	return hole;
}

static void find_largest(struct region_node *node)
{
	node->largest = largest_of(node, 0, node->count, 1, node->count);
}

/* Moves the slots from `from` on to `to`.  There are few: cheaper than memmove(). */
static inline void move_slots(struct region_node *node, u32 to, u32 from)
{
	struct region_node_slot *first = &node->slots[from], *end = &node->slots[node->count];
	struct region_node_slot *target;

	if (to < from) {
		target = &node->slots[to];
		while (first < end)
			*target++ = *first++;
	} else if (to > from) {
		target = end + (to - from);
		while (end > first)
			*--target = *--end;
	}
}

void region_node_exchange(struct region_node *node, u32 at, u32 removed,
			  const struct region_slot *slots, u32 count)
{
	u32 stop = at + removed, next = at + count;
	u32 guarded = (node->guarded & ((1u << at) - 1)) | (u32)node->guarded >> stop << next;

	move_slots(node, next, stop);
	for (u32 i = at; i < next; i++, slots++) {
		write_slot(node, i, slots);
		guarded |= (u32)slots->guarded << i;
	}
	node->guarded = (u16)guarded;
	node->count = (u8)(node->count + count - removed);
}

void region_node_replace(struct region_node *node, u32 at, u32 removed,
			 const struct region_slot *slots, u32 count)
{
	u32 stop = at + removed, next = at + count;
	u32 low = 0, high = 0;

	/* Where the ends stay as they are, the holes beside them do. */
	if (removed != 0 && count != 0) {
		low = node->slots[at].start == slots[0].start &&
		      (node->guarded >> at & 1) == slots[0].guarded;
		high = node->slots[stop - 1].end == slots[count - 1].end;
	}
	u64 before = largest_of(node, at, stop, at + low, stop - high);
	region_node_exchange(node, at, removed, slots, count);
	u64 after = largest_of(node, at, next, at + low, next - high);
	if (after >= node->largest)
		node->largest = after;
	else if (before == node->largest)
		find_largest(node);
}

struct region_slot region_node_slot_of(struct region_node *node)
{
	return (struct region_slot){
		.start = node->slots[0].start,
		.end = node->slots[node->count - 1].end,
		.hole = node->largest,
		.child.node = node,
		.guarded = node->guarded & 1,
	};
}

bool region_node_describe(struct region_node *node, u32 i)
{
	struct region_slot slot = region_node_slot_of(node->slots[i].child.node);
	const struct region_node_slot *old = &node->slots[i];

	if (old->start == slot.start && old->end == slot.end && old->hole == slot.hole &&
	    (node->guarded >> i & 1) == slot.guarded)
		return false;
	region_node_replace(node, i, 1, &slot, 1);
	return true;
}

/* --- Dividing --- */

/*
 * Of so many slots, how many stay in a node that is divided: half, but for the pattern of addresses
 * that only fall, or only rise, so that what is left behind is rather full.
 */
static u32 lower_part(u32 total, bool lowest, bool highest)
{
	if (lowest)
		return MAX((u32)REGION_NODE_THIN, total - MIN(total, (u32)REGION_NODE_SLOTS));
	if (highest)
		return MIN(total - REGION_NODE_THIN, (u32)REGION_NODE_SLOTS);
	return (total + 1) / 2;
}

void region_node_divide(struct region_node *node, struct region_node *upper, u32 at, u32 removed,
			const struct region_slot *slots, u32 count)
{
	struct region_node old = *node;
	u32 total = old.count - removed + count;
	u32 lower = lower_part(total, at == 0, at + removed == old.count);

	upper->level = node->level;
	upper->guarded = node->guarded = 0;
	node->count = (u8)lower;
	upper->count = (u8)(total - lower);
	for (u32 i = 0; i < total; i++) {
		struct region_node *target = i < lower ? node : upper;
		u32 place = i < lower ? i : i - lower;
		struct region_slot slot;
		if (i >= at && i < at + count)
			slot = slots[i - at];
		else
			slot = slot_at(&old, i < at ? i : i - count + removed);
		write_slot(target, place, &slot);
		target->guarded |= (u16)((u32)slot.guarded << place);
	}
	find_largest(node);
	find_largest(upper);
}

/* --- Joining --- */

/* Moves the slots from `from` on to `to`; those that are overwritten have been dealt with. */
static void shift(struct region_node *node, u32 to, u32 from)
{
	u32 moved = node->count - from;
	u32 above = (u32)node->guarded >> from << to;

	if (moved != 0)
		memmove(&node->slots[to], &node->slots[from], moved * sizeof(node->slots[0]));
	node->guarded = (u16)((node->guarded & ((1u << MIN(to, from)) - 1)) | above);
	node->count = (u8)(to + moved);
}

/* Copies slots [first, last) of another node to `at`; the caller minds the rest. */
static void copy_slots(struct region_node *node, u32 at, const struct region_node *other, u32 first,
		       u32 last)
{
	u32 more = last - first, mask = (1u << more) - 1;
	u32 guarded = (u32)other->guarded >> first & mask;

	memcpy(&node->slots[at], &other->slots[first], more * sizeof(node->slots[0]));
	node->guarded = (u16)((node->guarded & ~(mask << at)) | guarded << at);
}

bool region_node_are_thin(const struct region_node *node, u32 i)
{
	return node->slots[i].child.node->count + node->slots[i + 1].child.node->count <=
	       REGION_NODE_THIN;
}

/* Children i and i + 1 of a node of our own have become neighbours by a join.  If they are thin,
 * and one of them is our own, they are joined too; else it stays so until a removal comes by. */
static void mend_seam(struct region_node *node, u32 i)
{
	if (node->level == 0 || !region_node_are_thin(node, i))
		return;
	if (!region_node_is_shared(node->slots[i].child.node))
		region_node_join(node, i, i + 1);
	else if (!region_node_is_shared(node->slots[i + 1].child.node))
		region_node_join(node, i + 1, i);
	else
		return;
	region_node_describe(node, i);
}

void region_node_join(struct region_node *node, u32 to, u32 from)
{
	struct region_node *target = node->slots[to].child.node,
			   *source = node->slots[from].child.node;
	u32 at = from > to ? target->count : 0;
	u32 seam = from > to ? at : source->count;

	for (u32 i = 0; i < source->count; i++)
		region_node_get_child(source, i);
	if (at == 0)
		shift(target, source->count, 0);
	else
		target->count = (u8)(at + source->count);
	copy_slots(target, at, source, 0, source->count);
	find_largest(target);
	region_node_put(source);
	region_node_replace(node, from, 1, NULL, 0);
	mend_seam(target, seam - 1);
}
