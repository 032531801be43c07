/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is added and removed while the machine runs.
 *
 * Descriptors for all of it exist from the start (frame_array_grow), so adding is giving frames to
 * the lists for the first time.  Removing takes groups of 2 MiB off the lists again, which only
 * works where all frames of the group are free: what CPUs keep for themselves is given back first.
 * Frames that are not there look like the inside of a block: nothing ever joins with them.
 *
 * `lock` (sleeps) lets one change happen at a time.
 */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/sync.h"
#include "mm/frame_internal.h"

enum { GROUP = 1 << FRAME_GROUP_ORDER };
#define GROUP_SIZE (GROUP * PAGE_SIZE)

static mutex_t lock = MUTEX_INIT(lock);

static int check(phys_t start, size_t size)
{
	phys_t end;

	if (size == 0 || !IS_ALIGNED(start | size, GROUP_SIZE) ||
	    __builtin_add_overflow(start, size, &end))
		return -EINVAL;
	return end >> PAGE_SHIFT > frame_array_length ? -ERANGE : 0;
}

/* Frames of a zone are there, or (negative) are no more. */
static void count(struct zone *zone, ssize_t frames)
{
	__atomic_fetch_add(&zone->present, (size_t)frames, __ATOMIC_RELAXED);
	__atomic_fetch_add(&frame_usable, (size_t)frames, __ATOMIC_RELAXED);
}

static void add(u32 index, pfn_t start, pfn_t end)
{
	struct zone *zone = &zones[index];

	zone->start = zone->present == 0 ? start : MIN(zone->start, start);
	zone->end = MAX(zone->end, end);
	count(zone, (ssize_t)(end - start));
	frame_give(index, start, end);
}

int frame_add_memory(phys_t start, size_t size)
{
	int error = check(start, size);

	if (error == 0)
		error = direct_map_extend(start, size);
	if (error != 0)
		return error;
	mutex_lock(&lock);
	frame_split(start, start + size, add);
	nodes_note_memory();
	nodes_set_watermarks();
	mutex_unlock(&lock);
	return 0;
}

static bool remove_group(pfn_t start)
{
	struct zone *zone = zone_of(start);
	unsigned long flags = spin_lock_irqsave(&zone->lock);
	bool taken = buddy_take_group_locked(zone, start);

	spin_unlock_irqrestore(&zone->lock, flags);
	return taken;
}

/* All groups of [start, end), or none. */
static int remove_locked(pfn_t start, pfn_t end)
{
	pfn_t at;

	for (at = start; at < end; at += GROUP)
		if (!remove_group(at))
			break;
	if (at < end) {
		while (at > start) {
			at -= GROUP;
			buddy_give_range(at, at + GROUP);
		}
		return -EBUSY;
	}
	for (at = start; at < end; at += GROUP) {
		struct zone *zone = zone_of(at);
		count(zone, -GROUP);
		__atomic_fetch_sub(&zone->managed, GROUP, __ATOMIC_RELAXED);
	}
	__atomic_fetch_sub(&frame_managed, end - start, __ATOMIC_RELAXED);
	return 0;
}

int frame_remove_memory(phys_t start, size_t size)
{
	int error = check(start, size);

	if (error != 0)
		return error;
	mutex_lock(&lock);
	frame_drain_all();
	error = remove_locked(start >> PAGE_SHIFT, (start + size) >> PAGE_SHIFT);
	if (error == 0) {
		nodes_note_memory();
		nodes_set_watermarks();
	}
	mutex_unlock(&lock);
	return error;
}
