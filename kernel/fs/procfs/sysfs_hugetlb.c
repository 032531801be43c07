/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: /sys/kernel/mm/hugepages, the pools of huge pages by size, the same of each node below
 * /sys/devices/system/node, and the lines of /proc/meminfo about them (hugetlbpage.rst).
 *
 * An entry's `which` is the size of the pool.
 */
#include "fs/procfs/sysfs.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"
#include "mm/mempolicy.h"

static enum hugetlb_size size_of(const struct proc_node *node)
{
	return (enum hugetlb_size)node->entry->which;
}

static int show_figure(struct text *text, size_t figure)
{
	text_printf(text, "%zu\n", figure);
	return 0;
}

static int parse(char *value, size_t size, u64 *number)
{
	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
	return parse_u64(value, 10, number) ? -EINVAL : 0;
}

/* --- Of all nodes --- */

static struct hugetlb_stats stats_of(const struct proc_node *node)
{
	struct hugetlb_stats stats;

	hugetlb_get_stats(size_of(node), HUGETLB_ALL_NODES, &stats);
	return stats;
}

static int show_total(const struct proc_node *node, struct text *text)
{
	return show_figure(text, stats_of(node).total);
}

static int show_free(const struct proc_node *node, struct text *text)
{
	return show_figure(text, stats_of(node).free);
}

static int show_reserved(const struct proc_node *node, struct text *text)
{
	return show_figure(text, stats_of(node).reserved);
}

static int show_surplus(const struct proc_node *node, struct text *text)
{
	return show_figure(text, stats_of(node).surplus);
}

static int show_overcommit(const struct proc_node *node, struct text *text)
{
	return show_figure(text, hugetlb_overcommit(size_of(node)));
}

static int store_total(const struct proc_node *node, char *value, size_t size)
{
	u64 blocks;
	int error = parse(value, size, &blocks);

	if (error == 0)
		hugetlb_resize(size_of(node), HUGETLB_ALL_NODES, blocks);
	return error;
}

/* The nodes are those of the writer's memory policy. */
static int store_by_policy(const struct proc_node *node, char *value, size_t size)
{
	u64 blocks;
	int error = parse(value, size, &blocks);

	if (error == 0)
		hugetlb_resize(size_of(node), mempolicy_task_nodes(), blocks);
	return error;
}

static int store_overcommit(const struct proc_node *node, char *value, size_t size)
{
	u64 blocks;
	int error = parse(value, size, &blocks);

	if (error != 0 || size_of(node) == HUGETLB_1G)
		return -EINVAL;
	hugetlb_set_overcommit(size_of(node), blocks);
	return 0;
}

#define FIGURE(entry_name, bits, size, show_function, store_function)            \
	{                                                                        \
		.name = (entry_name), .mode = S_IFREG | (bits), .which = (size), \
		.show = (show_function), .store = (store_function)               \
	}
#define POOL(size)                                                                                 \
	{                                                                                          \
		FIGURE("free_hugepages", 0444, size, show_free, NULL),                             \
			FIGURE("nr_hugepages", 0644, size, show_total, store_total),               \
			FIGURE("nr_hugepages_mempolicy", 0644, size, show_total, store_by_policy), \
			FIGURE("nr_overcommit_hugepages", 0644, size, show_overcommit,             \
			       store_overcommit),                                                  \
			FIGURE("resv_hugepages", 0444, size, show_reserved, NULL),                 \
			FIGURE("surplus_hugepages", 0444, size, show_surplus, NULL), PROC_END      \
	}

static const struct proc_entry small_entries[] = POOL(HUGETLB_2M);
static const struct proc_entry gigantic_entries[] = POOL(HUGETLB_1G);

static const struct proc_entry sizes[] = {
	PROC_DIRECTORY("hugepages-1048576kB", gigantic_entries),
	PROC_DIRECTORY("hugepages-2048kB", small_entries),
	PROC_END,
};

/* --- Of one --- */

static struct hugetlb_stats stats_of_node(const struct proc_node *node)
{
	struct hugetlb_stats stats;

	hugetlb_get_stats(size_of(node), BIT(node->number), &stats);
	return stats;
}

static int show_node_total(const struct proc_node *node, struct text *text)
{
	return show_figure(text, stats_of_node(node).total);
}

static int show_node_free(const struct proc_node *node, struct text *text)
{
	return show_figure(text, stats_of_node(node).free);
}

static int show_node_surplus(const struct proc_node *node, struct text *text)
{
	return show_figure(text, stats_of_node(node).surplus);
}

static int store_node_total(const struct proc_node *node, char *value, size_t size)
{
	u64 blocks;
	int error = parse(value, size, &blocks);

	if (error == 0)
		hugetlb_resize_node(size_of(node), node->number, blocks);
	return error;
}

#define NODE_POOL(size)                                                                            \
	{                                                                                          \
		FIGURE("free_hugepages", 0444, size, show_node_free, NULL),                        \
			FIGURE("nr_hugepages", 0644, size, show_node_total, store_node_total),     \
			FIGURE("surplus_hugepages", 0444, size, show_node_surplus, NULL), PROC_END \
	}

static const struct proc_entry small_node_entries[] = NODE_POOL(HUGETLB_2M);
static const struct proc_entry gigantic_node_entries[] = NODE_POOL(HUGETLB_1G);

const struct proc_entry sysfs_hugetlb_node_entries[] = {
	PROC_DIRECTORY("hugepages-1048576kB", gigantic_node_entries),
	PROC_DIRECTORY("hugepages-2048kB", small_node_entries),
	PROC_END,
};

/* --- Where they are --- */

static const struct proc_entry folder = PROC_DIRECTORY("hugepages", sizes);
static struct proc_addition addition = {.entry = &folder};

void sysfs_hugetlb_init(void)
{
	sysfs_add(SYSFS_KERNEL_MM, &addition);
}

void proc_show_hugetlb(struct text *text)
{
	enum hugetlb_size usual = hugetlb_default();
	struct hugetlb_stats stats;
	u64 bytes = 0;

	for (int i = 0; i < HUGETLB_SIZES; i++) {
		hugetlb_get_stats((enum hugetlb_size)i, HUGETLB_ALL_NODES, &stats);
		bytes += stats.total * hugetlb_bytes((enum hugetlb_size)i);
	}
	hugetlb_get_stats(usual, HUGETLB_ALL_NODES, &stats);
	text_printf(text,
		    "HugePages_Total:   %5zu\nHugePages_Free:    %5zu\n"
		    "HugePages_Rsvd:    %5zu\nHugePages_Surp:    %5zu\n"
		    "Hugepagesize:   %8lu kB\nHugetlb:        %8lu kB\n",
		    stats.total, stats.free, stats.reserved, stats.surplus,
		    (unsigned long)(hugetlb_bytes(usual) / KIB), (unsigned long)(bytes / KIB));
}
