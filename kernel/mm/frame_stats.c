/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Figures about frames, for people and for whoever decides by them.  No locks but where a zone's
 * figures must fit together: snapshots.
 */
#include "lib/string.h"
#include "mm/frame_internal.h"

/* So many frames the kernel keeps for itself whatever anybody sets: 256 KiB. */
#define RESERVE_LEAST ((size_t)64)

size_t frame_count_kind(enum frame_kind kind)
{
	s64 sum = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		sum += READ_ONCE(frame_cpus[cpu].kinds[kind]);
	return sum > 0 ? (size_t)sum : 0;
}

size_t frame_get_total_memory(void)
{
	return READ_ONCE(frame_usable) * PAGE_SIZE;
}

static size_t free_frames(void)
{
	size_t sum = zones_free() + blocks_kept();

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		sum += READ_ONCE(frame_cpus[cpu].clean.count);
		for (u32 use = 0; use < STOCKS; use++)
			sum += READ_ONCE(frame_cpus[cpu].stocks[use].count);
	}
	return sum;
}

size_t frame_get_free_memory(void)
{
	return free_frames() * PAGE_SIZE;
}

bool frame_is_short(void)
{
	return zones_free() < READ_ONCE(frame_usable) / 16;
}

void frame_get_stats(frame_stats_t *stats)
{
	*stats = (frame_stats_t){
		.total_frames = frame_usable,
		.free_frames = free_frames(),
		.reserved_frames = frame_usable - frame_managed,
		.user_frames = frame_count_kind(FRAME_USER),
	};
}

void frame_note_ballooned(const phys_t *frames, size_t count, bool gone)
{
	size_t change = gone ? -count : count;

	for (size_t i = 0; i < count; i++)
		__atomic_fetch_add(&zone_of(frames[i] >> PAGE_SHIFT)->managed, gone ? -1 : 1,
				   __ATOMIC_RELAXED);
	__atomic_fetch_add(&frame_usable, change, __ATOMIC_RELAXED);
	__atomic_fetch_add(&frame_managed, change, __ATOMIC_RELAXED);
	nodes_set_watermarks();
}

void frame_set_min_free(size_t bytes)
{
	WRITE_ONCE(frame_reserve, CLAMP(bytes / PAGE_SIZE, RESERVE_LEAST, frame_usable / 4));
	nodes_set_watermarks();
}

void frame_get_watermarks(struct frame_watermarks *marks)
{
	size_t min = READ_ONCE(frame_reserve);

	*marks = (struct frame_watermarks){.min = min, .low = min + min / 4, .high = min + min / 2};
}

void frame_count_orders(size_t *counts)
{
	memset(counts, 0, (FRAME_MAX_ORDER + 1) * sizeof(counts[0]));
	for (u32 i = 0; i < zone_count; i++)
		for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
			counts[order] += READ_ONCE(zones[i].lists.counts[order]);
}

u32 frame_fragmentation(u32 order)
{
	size_t counts[FRAME_MAX_ORDER + 1];

	frame_count_orders(counts);
	return block_fragmentation(counts, order);
}

/* --- Of zones and nodes --- */

static const char *const zone_names[ZONES] = {"DMA32", "Normal"};

/* A zone has the part of its node's marks that it has of the node's memory. */
static size_t part(size_t mark, size_t mine, size_t all)
{
	return all != 0 ? mark * mine / all : 0;
}

bool frame_zone_info(u32 index, struct frame_zone_info *info)
{
	if (index >= zone_count)
		return false;
	u32 node = index / ZONES;
	struct zone *zone = &zones[index];
	size_t all =
		READ_ONCE(zones[node * ZONES].managed) + READ_ONCE(zones[node * ZONES + 1].managed);
	struct frame_watermarks marks;

	frame_node_watermarks(node, &marks);
	unsigned long flags = spin_lock_irqsave(&zone->lock);
	*info = (struct frame_zone_info){
		.name = zone_names[index % ZONES],
		.node = node,
		.free = zone->lists.free,
		.present = zone->present,
		.managed = zone->managed,
		.start = zone->start,
		.end = zone->end,
		.stats = zone->stats,
	};
	memcpy(info->counts, zone->lists.counts, sizeof(info->counts));
	spin_unlock_irqrestore(&zone->lock, flags);
	info->marks.min = part(marks.min, info->managed, all);
	info->marks.low = part(marks.low, info->managed, all);
	info->marks.high = part(marks.high, info->managed, all);
	return true;
}

/* The kind of a frame, and how many frames from it on share its fate. */
static size_t extent(pfn_t pfn, enum frame_kind *kind)
{
	const struct frame *frame = &frame_array[pfn];
	u32 order = READ_ONCE(frame->order);

	*kind = MIN(READ_ONCE(frame->kind), FRAME_KINDS - 1);
	if (*kind == FRAME_KERNEL && order == FRAME_RUN)
		return MAX(READ_ONCE(frame->owner), (u64)1);
	return *kind == FRAME_SLAB || order > FRAME_MAX_ORDER ? 1 : (size_t)1 << order;
}

void frame_node_count_kinds(u32 node, size_t *counts)
{
	enum frame_kind kind;
	size_t step;

	memset(counts, 0, FRAME_KINDS * sizeof(counts[0]));
	for (u32 z = node * ZONES; z < (node + 1) * ZONES; z++) {
		for (pfn_t pfn = zones[z].start; pfn < zones[z].end; pfn += step) {
			step = extent(pfn, &kind);
			if (frame_array[pfn].zone == z)
				counts[kind] += MIN(step, zones[z].end - pfn);
		}
	}
}
