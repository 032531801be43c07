/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: /sys/devices/system/node, the machine's nodes of memory and processors (numa(7)).
 */
#include "arch/cpu.h"
#include "arch/topology.h"
#include "fs/procfs/sysfs.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/frame.h"

static u64 all_nodes(void)
{
	return BIT(frame_nodes()) - 1;
}

static u64 cpus_of(u32 node)
{
	u64 cpus = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		cpus |= frame_node_of_cpu(cpu) == node ? cpumask_of(cpu) : 0;
	return cpus;
}

static int show_cpulist(const struct proc_node *node, struct text *text)
{
	sysfs_show_set(text, cpus_of(node->number));
	return 0;
}

static int show_cpumap(const struct proc_node *node, struct text *text)
{
	sysfs_show_cpumap(text, cpus_of(node->number));
	return 0;
}

static int show_distance(const struct proc_node *node, struct text *text)
{
	for (u32 to = 0; to < frame_nodes(); to++)
		text_printf(text, to == 0 ? "%u" : " %u",
			    machine_topology()->distance[node->number][to]);
	text_append(text, "\n", 1);
	return 0;
}

static void show_line(struct text *text, u32 node, const char *name, size_t frames)
{
	text_printf(text, "Node %u %-15s %8lu kB\n", node, name,
		    (unsigned long)(frames * PAGE_SIZE / KIB));
}

static int show_meminfo(const struct proc_node *of, struct text *text)
{
	size_t kinds[FRAME_KINDS], total = 0, free = 0;
	struct frame_zone_info info;
	u32 node = of->number;

	for (u32 i = 0; frame_zone_info(i, &info); i++) {
		if (info.node != node)
			continue;
		total += info.managed;
		free += info.free;
	}
	frame_node_count_kinds(node, kinds);
	show_line(text, node, "MemTotal:", total);
	show_line(text, node, "MemFree:", free);
	show_line(text, node, "MemUsed:", total - MIN(total, free));
	show_line(text, node, "FilePages:", kinds[FRAME_CACHE]);
	show_line(text, node, "AnonPages:", kinds[FRAME_USER]);
	show_line(text, node, "PageTables:", kinds[FRAME_TABLE]);
	show_line(text, node, "Slab:", kinds[FRAME_SLAB]);
	show_line(text, node, "SUnreclaim:", kinds[FRAME_SLAB]);
	return 0;
}

static void add_stats(u32 node, struct frame_numa_stats *sum)
{
	struct frame_zone_info info;

	*sum = (struct frame_numa_stats){0};
	for (u32 i = 0; frame_zone_info(i, &info); i++) {
		if (info.node != node)
			continue;
		sum->hit += info.stats.hit;
		sum->miss += info.stats.miss;
		sum->foreign += info.stats.foreign;
		sum->interleave += info.stats.interleave;
		sum->local += info.stats.local;
		sum->other += info.stats.other;
	}
}

static int show_numastat(const struct proc_node *node, struct text *text)
{
	struct frame_numa_stats stats;

	add_stats(node->number, &stats);
	text_printf(text,
		    "numa_hit %lu\nnuma_miss %lu\nnuma_foreign %lu\ninterleave_hit %lu\n"
		    "local_node %lu\nother_node %lu\n",
		    (unsigned long)stats.hit, (unsigned long)stats.miss,
		    (unsigned long)stats.foreign, (unsigned long)stats.interleave,
		    (unsigned long)stats.local, (unsigned long)stats.other);
	return 0;
}

static int show_vmstat(const struct proc_node *node, struct text *text)
{
	size_t kinds[FRAME_KINDS];

	frame_node_count_kinds(node->number, kinds);
	text_printf(text,
		    "nr_free_pages %zu\nnr_anon_pages %zu\nnr_file_pages %zu\n"
		    "nr_slab_unreclaimable %zu\nnr_page_table_pages %zu\n",
		    kinds[FRAME_FREE], kinds[FRAME_USER], kinds[FRAME_CACHE], kinds[FRAME_SLAB],
		    kinds[FRAME_TABLE]);
	return show_numastat(node, text);
}

static const struct proc_entry node_entries[] = {
	PROC_FILE("cpulist", 0444, show_cpulist),
	PROC_FILE("cpumap", 0444, show_cpumap),
	PROC_FILE("distance", 0444, show_distance),
	PROC_DIRECTORY("hugepages", sysfs_hugetlb_node_entries),
	PROC_FILE("meminfo", 0444, show_meminfo),
	PROC_FILE("numastat", 0444, show_numastat),
	PROC_FILE("vmstat", 0444, show_vmstat),
	PROC_END,
};

static const struct proc_entry one_node = PROC_DIRECTORY("nodeN", node_entries);

static bool find_node(const struct proc_node *node __unused, const char *name, size_t length,
		      struct proc_node *child)
{
	int number;

	if (length <= 4 || memcmp(name, "node", 4) != 0)
		return false;
	number = proc_parse_number(name + 4, length - 4);
	if (number < 0 || (u32)number >= frame_nodes())
		return false;
	child->entry = &one_node;
	child->number = (u32)number;
	return true;
}

static bool next_node(const struct proc_node *node __unused, u64 *position,
		      struct proc_child *child)
{
	if (*position >= frame_nodes())
		return false;
	child->node = (struct proc_node){.entry = &one_node, .fd = -1, .number = (u32)*position};
	snprintf(child->name, sizeof(child->name), "node%u", (u32)*position);
	(*position)++;
	return true;
}

static int show_all(const struct proc_node *node __unused, struct text *text)
{
	sysfs_show_set(text, all_nodes());
	return 0;
}

static int show_with_memory(const struct proc_node *node __unused, struct text *text)
{
	sysfs_show_set(text, frame_nodes_with_memory());
	return 0;
}

static int show_with_cpus(const struct proc_node *node __unused, struct text *text)
{
	u64 nodes = 0;

	for (u32 i = 0; i < frame_nodes(); i++)
		nodes |= cpus_of(i) != 0 ? BIT(i) : 0;
	sysfs_show_set(text, nodes);
	return 0;
}

static const struct proc_entry folder_entries[] = {
	PROC_FILE("has_cpu", 0444, show_with_cpus),
	PROC_FILE("has_memory", 0444, show_with_memory),
	PROC_FILE("has_normal_memory", 0444, show_with_memory),
	PROC_FILE("online", 0444, show_all),
	PROC_FILE("possible", 0444, show_all),
	PROC_END,
};

const struct proc_entry sysfs_node_entry = {
	.name = "node",
	.mode = S_IFDIR | 0555,
	.children = folder_entries,
	.find = find_node,
	.next = next_node,
};
