/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: /sys/kernel/mm/hugepages, the pools of huge pages by size, and the lines of /proc/meminfo
 * about them (hugetlbpage.rst).
 *
 * There are pages of 2 MiB.  The pool of 1 GiB pages is empty and cannot be filled: writes to it
 * have no effect, as where Linux finds no such block.
 */
#include "fs/procfs/sysfs.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/hugetlb.h"

enum figure { FIGURE_TOTAL, FIGURE_FREE, FIGURE_RESERVED, FIGURE_SURPLUS, FIGURE_OVERCOMMIT };

static size_t value_of(enum figure figure)
{
	struct hugetlb_stats stats;

	hugetlb_get_stats(&stats);
	switch (figure) {
	case FIGURE_TOTAL:
		return stats.total;
	case FIGURE_FREE:
		return stats.free;
	case FIGURE_RESERVED:
		return stats.reserved;
	case FIGURE_SURPLUS:
		return stats.surplus;
	default:
		return 0;
	}
}

static const struct {
	const char *name;
	enum figure figure;
} names[] = {
	{"nr_hugepages", FIGURE_TOTAL},
	{"free_hugepages", FIGURE_FREE},
	{"resv_hugepages", FIGURE_RESERVED},
	{"surplus_hugepages", FIGURE_SURPLUS},
	{"nr_overcommit_hugepages", FIGURE_OVERCOMMIT},
};

static int show_small(const struct proc_node *node, struct text *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].name, node->entry->name) == 0)
			text_printf(text, "%zu\n", value_of(names[i].figure));
	return 0;
}

static int show_none(const struct proc_node *node __unused, struct text *text)
{
	text_append(text, "0\n", 2);
	return 0;
}

static int parse(char *value, size_t size, u64 *number)
{
	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
	return parse_u64(value, 10, number) ? -EINVAL : 0;
}

static int store_size(const struct proc_node *node __unused, char *value, size_t size)
{
	u64 blocks;
	int error = parse(value, size, &blocks);

	if (error == 0)
		hugetlb_resize(blocks);
	return error;
}

static int store_none(const struct proc_node *node __unused, char *value, size_t size)
{
	u64 number;

	return parse(value, size, &number);
}

/* More than the pool has cannot be had. */
static int store_overcommit(const struct proc_node *node __unused, char *value, size_t size)
{
	u64 number;
	int error = parse(value, size, &number);

	return error != 0 ? error : number != 0 ? -EINVAL : 0;
}

static const struct proc_entry small_entries[] = {
	PROC_FILE("free_hugepages", 0444, show_small),
	PROC_SETTING("nr_hugepages", 0644, show_small, store_size),
	PROC_SETTING("nr_overcommit_hugepages", 0644, show_small, store_overcommit),
	PROC_FILE("resv_hugepages", 0444, show_small),
	PROC_FILE("surplus_hugepages", 0444, show_small),
	PROC_END,
};

static const struct proc_entry gigantic_entries[] = {
	PROC_FILE("free_hugepages", 0444, show_none),
	PROC_SETTING("nr_hugepages", 0644, show_none, store_none),
	PROC_SETTING("nr_overcommit_hugepages", 0644, show_none, store_overcommit),
	PROC_FILE("resv_hugepages", 0444, show_none),
	PROC_FILE("surplus_hugepages", 0444, show_none),
	PROC_END,
};

static const struct proc_entry sizes[] = {
	PROC_DIRECTORY("hugepages-1048576kB", gigantic_entries),
	PROC_DIRECTORY("hugepages-2048kB", small_entries),
	PROC_END,
};

static const struct proc_entry folder = PROC_DIRECTORY("hugepages", sizes);
static struct proc_addition addition = {.entry = &folder};

void sysfs_hugetlb_init(void)
{
	sysfs_add(SYSFS_KERNEL_MM, &addition);
}

void proc_show_hugetlb(struct text *text)
{
	struct hugetlb_stats stats;

	hugetlb_get_stats(&stats);
	text_printf(text,
		    "HugePages_Total:   %5zu\nHugePages_Free:    %5zu\n"
		    "HugePages_Rsvd:    %5zu\nHugePages_Surp:    %5zu\n"
		    "Hugepagesize:   %8lu kB\nHugetlb:        %8lu kB\n",
		    stats.total, stats.free, stats.reserved, stats.surplus,
		    (unsigned long)(HUGE_SIZE / KIB),
		    (unsigned long)(stats.total * HUGE_SIZE / KIB));
}
