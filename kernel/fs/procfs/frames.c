/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: frames by zone, by block and one by one, in Linux's formats: buddyinfo, zoneinfo,
 * pagetypeinfo, kpagecount, kpageflags, kpagecgroup.
 */
#include "arch/cpu.h"
#include "fs/procfs/sysfs.h"
#include "mm/compact.h"
#include "mm/frame.h"

/* --- Zones --- */

/* Calls a function for each zone that has memory. */
static void each_zone(struct text *text, void (*show)(u32 index, const struct frame_zone_info *zone,
						      struct text *text))
{
	struct frame_zone_info info;

	for (u32 i = 0; frame_zone_info(i, &info); i++)
		if (info.present != 0)
			show(i, &info, text);
}

static void show_orders(u32 index __unused, const struct frame_zone_info *zone, struct text *text)
{
	text_printf(text, "Node %u, zone %8s ", zone->node, zone->name);
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
		text_printf(text, "%6lu ", (unsigned long)zone->counts[order]);
	text_append(text, "\n", 1);
}

int proc_show_buddyinfo(const struct proc_node *node __unused, struct text *text)
{
	each_zone(text, show_orders);
	return 0;
}

static void show_unusable(u32 index __unused, const struct frame_zone_info *zone, struct text *text)
{
	text_printf(text, "Node %u, zone %8s ", zone->node, zone->name);
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++) {
		u32 part = block_fragmentation(zone->counts, order);
		text_printf(text, "%u.%03u ", part / 1000, part % 1000);
	}
	text_append(text, "\n", 1);
}

/* A fraction of 1000, as Linux writes it. */
static void show_extfrag(u32 index __unused, const struct frame_zone_info *zone, struct text *text)
{
	text_printf(text, "Node %u, zone %8s ", zone->node, zone->name);
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++) {
		int part = compact_fragmentation_index(zone->counts, order);
		int size = part < 0 ? -part : part;
		text_printf(text, "%s%d.%03d ", part < 0 ? "-" : "", size / 1000, size % 1000);
	}
	text_append(text, "\n", 1);
}

static int show_extfrag_index(const struct proc_node *node __unused, struct text *text)
{
	each_zone(text, show_extfrag);
	return 0;
}

static int show_unusable_index(const struct proc_node *node __unused, struct text *text)
{
	each_zone(text, show_unusable);
	return 0;
}

static void show_zone(u32 index __unused, const struct frame_zone_info *zone, struct text *text)
{
	text_printf(text, "Node %u, zone %8s\n", zone->node, zone->name);
	text_printf(text,
		    "  pages free     %zu\n        boost    0\n        min      %zu\n"
		    "        low      %zu\n        high     %zu\n        spanned  %zu\n"
		    "        present  %zu\n        managed  %zu\n        cma      0\n"
		    "        protection: (0, 0)\n",
		    zone->free, zone->marks.min, zone->marks.low, zone->marks.high,
		    (size_t)(zone->end - zone->start), zone->present, zone->managed);
	text_printf(text,
		    "      nr_free_pages %zu\n      numa_hit %lu\n      numa_miss %lu\n"
		    "      numa_foreign %lu\n      numa_interleave %lu\n      numa_local %lu\n"
		    "      numa_other %lu\n",
		    zone->free, (unsigned long)zone->stats.hit, (unsigned long)zone->stats.miss,
		    (unsigned long)zone->stats.foreign, (unsigned long)zone->stats.interleave,
		    (unsigned long)zone->stats.local, (unsigned long)zone->stats.other);
	text_printf(text, "  node_unreclaimable:  0\n  start_pfn:           %lu\n",
		    (unsigned long)zone->start);
}

int proc_show_zoneinfo(const struct proc_node *node __unused, struct text *text)
{
	each_zone(text, show_zone);
	return 0;
}

/* --- Groups of frames, by what holds them --- */

static const char *const group_names[FRAME_GROUPS] = {"Unmovable", "Movable", "Reclaimable"};

static void show_free_by_type(u32 index, const struct frame_zone_info *zone, struct text *text)
{
	struct frame_group_counts counts;

	if (!frame_count_groups(index, &counts))
		return;
	for (u32 type = 0; type < FRAME_GROUPS; type++) {
		text_printf(text, "Node %4u, zone %8s, type %12s ", zone->node, zone->name,
			    group_names[type]);
		for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
			text_printf(text, "%6lu ", (unsigned long)counts.free[type][order]);
		text_append(text, "\n", 1);
	}
}

static void show_groups(u32 index, const struct frame_zone_info *zone, struct text *text)
{
	struct frame_group_counts counts;

	if (!frame_count_groups(index, &counts))
		return;
	text_printf(text, "Node %u, zone %8s ", zone->node, zone->name);
	for (u32 type = 0; type < FRAME_GROUPS; type++)
		text_printf(text, "%12lu ", (unsigned long)counts.groups[type]);
	text_append(text, "\n", 1);
}

int proc_show_pagetypeinfo(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "Page block order: %d\nPages per block:  %d\n\n", FRAME_GROUP_ORDER,
		    1 << FRAME_GROUP_ORDER);
	text_printf(text, "%-43s ", "Free pages count per migrate type at order");
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
		text_printf(text, "%6u ", order);
	text_append(text, "\n", 1);
	each_zone(text, show_free_by_type);
	text_printf(text, "\n%-23s", "Number of blocks type ");
	for (u32 type = 0; type < FRAME_GROUPS; type++)
		text_printf(text, "%12s ", group_names[type]);
	text_append(text, "\n", 1);
	each_zone(text, show_groups);
	return 0;
}

/* --- One by one: a word of 64 bits for each frame --- */

static ssize_t read_words(struct io_cursor *cursor, off_t *position, u64 (*word)(pfn_t pfn))
{
	pfn_t pfn = (pfn_t)*position / sizeof(u64);
	ssize_t done = 0;

	if (*position % (off_t)sizeof(u64) != 0 || cursor->remaining % sizeof(u64) != 0)
		return -EINVAL;
	for (; cursor->remaining != 0 && pfn < frame_limit(); pfn++) {
		u64 value = word(pfn);
		if (io_copy_to(cursor, &value, sizeof(value)) != (ssize_t)sizeof(value))
			return done != 0 ? done : -EFAULT;
		done += (ssize_t)sizeof(value);
		*position += (off_t)sizeof(value);
	}
	return done;
}

static ssize_t count_read(struct file *file __unused, struct io_cursor *cursor, off_t *position)
{
	return read_words(cursor, position, frame_page_count);
}

static ssize_t flags_read(struct file *file __unused, struct io_cursor *cursor, off_t *position)
{
	return read_words(cursor, position, frame_page_flags);
}

/* There are no control groups: no frame is charged to one. */
static u64 no_group(pfn_t pfn __unused)
{
	return 0;
}

static ssize_t cgroup_read(struct file *file __unused, struct io_cursor *cursor, off_t *position)
{
	return read_words(cursor, position, no_group);
}

const struct file_operations proc_kpagecount_operations = {.read = count_read};
const struct file_operations proc_kpageflags_operations = {.read = flags_read};
const struct file_operations proc_kpagecgroup_operations = {.read = cgroup_read};

/* --- In sysfs --- */

static const struct proc_entry unusable_entry =
	PROC_FILE("unusable_index", 0444, show_unusable_index);
static struct proc_addition unusable_addition = {.entry = &unusable_entry};
static const struct proc_entry extfrag_entry = PROC_FILE("extfrag_index", 0444, show_extfrag_index);
static struct proc_addition extfrag_addition = {.entry = &extfrag_entry};

void proc_frames_init(void)
{
	sysfs_add(SYSFS_KERNEL_MM, &unusable_addition);
	sysfs_add(SYSFS_KERNEL_MM, &extfrag_addition);
}
