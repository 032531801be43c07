/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which memory the frame allocator gets: the usable ranges of the boot protocol's map, less the
 * holes.
 *
 * The holes are the first megabyte (firmware tables, start-up code of other CPUs), the kernel's
 * image, the initramfs and the descriptor array itself.  Memory above FRAME_EARLY_LIMIT waits for
 * frame_init_rest.  All this happens on the boot CPU.
 */
#include "boot/boot_info.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame_internal.h"

struct frame *frame_array;
u8 *frame_groups;
pfn_t frame_array_length;
size_t frame_usable, frame_managed, frame_reserve;

static const struct boot_info *map; /* the boot protocol's, which stays */

struct span {
	phys_t start, end;
};

enum { HOLES = 4 };
static struct span holes[HOLES]; /* sorted by nothing; may be empty */

static struct span usable_range(size_t index)
{
	const struct memory_range *range = &map->memory[index];
	struct span span = {ALIGN_UP(range->start, PAGE_SIZE),
			    ALIGN_DOWN(range->start + range->size, PAGE_SIZE)};

	if (range->kind != MEMORY_USABLE || span.end < span.start)
		span.end = span.start;
	return span;
}

static bool overlap(struct span a, struct span b)
{
	return a.start < b.end && b.start < a.end;
}

/* Finds `size` bytes of usable memory below FRAME_EARLY_LIMIT that no hole touches; 0 when there
 * are none. */
static phys_t find_room(size_t size)
{
	for (size_t i = 0; i < map->memory_ranges; i++) {
		struct span range = usable_range(i);
		struct span candidate = {range.start, range.start + size};
		for (int h = 0; h < HOLES; h++) {
			if (!overlap(candidate, holes[h]))
				continue;
			candidate.start = ALIGN_UP(holes[h].end, PAGE_SIZE);
			candidate.end = candidate.start + size;
			h = -1;
		}
		if (candidate.end <= MIN(range.end, FRAME_EARLY_LIMIT))
			return candidate.start;
	}
	return 0;
}

void frame_split(phys_t start, phys_t stop, void (*function)(u32 zone, pfn_t start, pfn_t end))
{
	pfn_t last = stop >> PAGE_SHIFT, end;

	for (pfn_t at = start >> PAGE_SHIFT; at < last; at = end) {
		u32 zone = zone_at(at, &end);
		end = MIN(end, last);
		function(zone, at, end);
	}
}

/* The same, less the holes from number `first` on. */
static void split_span(struct span span, int first,
		       void (*function)(u32 zone, pfn_t start, pfn_t end))
{
	if (span.start >= span.end)
		return;
	for (int h = first; h < HOLES; h++) {
		if (!overlap(span, holes[h]))
			continue;
		split_span((struct span){span.start, ALIGN_DOWN(holes[h].start, PAGE_SIZE)}, h + 1,
			   function);
		split_span((struct span){ALIGN_UP(holes[h].end, PAGE_SIZE), span.end}, h + 1,
			   function);
		return;
	}
	frame_split(span.start, span.end, function);
}

/* The same for what is usable within `window`. */
static void split_window(struct span window, void (*function)(u32 zone, pfn_t start, pfn_t end))
{
	for (size_t i = 0; i < map->memory_ranges; i++) {
		struct span range = usable_range(i);
		range.start = MAX(range.start, window.start);
		range.end = MIN(range.end, window.end);
		split_span(range, 0, function);
	}
}

static void count_managed(u32 zone, pfn_t start, pfn_t end)
{
	__atomic_fetch_add(&zones[zone].managed, end - start, __ATOMIC_RELAXED);
}

static void count_present(u32 index, pfn_t start, pfn_t end)
{
	struct zone *zone = &zones[index];

	zone->start = zone->present == 0 ? start : MIN(zone->start, start);
	zone->end = MAX(zone->end, end);
	zone->present += end - start;
}

void frame_give(u32 zone, pfn_t start, pfn_t end)
{
	if (zone != 0)
		for (pfn_t pfn = start; pfn < end; pfn++)
			frame_array[pfn].zone = (u8)zone;
	buddy_give_range(start, end);
	count_managed(zone, start, end);
	__atomic_fetch_add(&frame_managed, end - start, __ATOMIC_RELAXED);
}

static void give_window(struct span window)
{
	split_window(window, frame_give);
	nodes_set_watermarks();
}

/* Zones with the memory that the map has for them. */
static void count_all_present(void)
{
	for (u32 i = 0; i < zone_count; i++)
		zones[i].present = zones[i].start = zones[i].end = 0;
	for (size_t i = 0; i < map->memory_ranges; i++)
		if (usable_range(i).start < usable_range(i).end)
			frame_split(usable_range(i).start, usable_range(i).end, count_present);
}

void frame_init_count_zones(void)
{
	count_all_present();
	for (u32 i = 0; i < zone_count; i++)
		zones[i].managed = 0;
	split_window((struct span){0, UINTPTR_MAX & PAGE_MASK}, count_managed);
}

static size_t group_count(pfn_t length)
{
	return DIV_ROUND_UP(length, (pfn_t)1 << FRAME_GROUP_ORDER);
}

/* Bytes for the descriptors of so many frames, and of the groups behind them. */
static size_t descriptors_size(pfn_t length)
{
	return ALIGN_UP(length * sizeof(struct frame) + group_count(length), PAGE_SIZE);
}

static void set_descriptors(phys_t place, pfn_t length)
{
	frame_array = phys_to_virt(place);
	frame_groups = (u8 *)(frame_array + length);
}

void frame_init(const struct boot_info *info)
{
	phys_t top = 0;

	map = info;
	wipe_init(info->command_line);
	for (size_t i = 0; i < map->memory_ranges; i++) {
		struct span range = usable_range(i);
		frame_usable += (range.end - range.start) >> PAGE_SHIFT;
		if (range.end > range.start)
			top = MAX(top, range.end);
	}
	holes[0] = (struct span){0, MIB};
	holes[1] = (struct span){info->kernel_start, info->kernel_end};
	holes[2] = (struct span){info->initramfs, info->initramfs + info->initramfs_size};
	frame_array_length = top >> PAGE_SHIFT;
	size_t size = descriptors_size(frame_array_length);
	phys_t place = find_room(size);
	if (place == 0)
		panic("no room for %zu KiB of frame descriptors", size / KIB);
	holes[3] = (struct span){place, place + size};
	set_descriptors(place, frame_array_length);
	for (size_t at = 0; at < size; at += PAGE_SIZE)
		page_clear((char *)frame_array + at);
	zones_init();
	count_all_present();
	frame_reserve = CLAMP(frame_usable / 64, 256 * KIB / PAGE_SIZE, 8 * MIB / PAGE_SIZE);
	give_window((struct span){0, FRAME_EARLY_LIMIT});
	log_info("memory: %zu KiB, %zu KiB of them for frame descriptors",
		 frame_usable * PAGE_SIZE / KIB, size / KIB);
}

void frame_array_grow(pfn_t length)
{
	size_t size = descriptors_size(length), groups = group_count(frame_array_length);
	const struct frame *old = frame_array;
	const u8 *old_groups = frame_groups;

	/* An extravagant table of the firmware's shall not cost the memory that there is. */
	if (length <= frame_array_length || size > zones_free() * PAGE_SIZE / 4)
		return;
	phys_t place = frames_alloc_run(DIV_ROUND_UP(size, PAGE_SIZE));
	if (place == 0) {
		log_warn("memory: no room for descriptors of memory that may be added");
		return;
	}
	memset(phys_to_virt(place), 0, size);
	set_descriptors(place, length);
	memcpy(frame_array, old, frame_array_length * sizeof(struct frame));
	memcpy(frame_groups, old_groups, groups);
	frame_array_length = length;
	for (u32 i = 0; i < zone_count; i++) {
		zones[i].lists.descriptors = frame_array;
		zones[i].lists.groups = frame_groups;
		zones[i].lists.end = length;
	}
	struct span room = holes[3];
	holes[3] = (struct span){0, 0};
	give_window(room);
}

void frame_init_rest(void)
{
	give_window((struct span){FRAME_EARLY_LIMIT, UINTPTR_MAX & PAGE_MASK});
}

/* From now on the initramfs, or what of it is released, is no hole; the others stay. */
void frame_release_range(phys_t start, size_t size)
{
	struct span range = {ALIGN_UP(start, PAGE_SIZE), ALIGN_DOWN(start + size, PAGE_SIZE)};
	struct span kept = holes[2];

	holes[2] = (struct span){0, 0};
	if (overlap(range, (struct span){0, MIB}) && start >= PAGE_SIZE) {
		struct span low = holes[0];
		holes[0] = (struct span){0, 0};
		give_window(range);
		holes[0] = low;
	} else {
		give_window(range);
	}
	if (kept.start < range.start || kept.end > range.end)
		holes[2] = kept;
}
