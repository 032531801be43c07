/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the memory manager laid open: /proc/cow, and of a process: tree, pagemap, clear_refs
 * (proc(5) has the last two).
 *
 * In /sys/kernel/mm, the switch fault_ahead says how many pages come with a fault in a sequence.
 *
 * tree shows the page tables below the root, at most NODES of them, indented by level.
 */
#include "fs/procfs/sysfs.h"
#include "lib/errno.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/inspect.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/process.h"

enum { NODES = 1024, WORDS = 64 };

/* --- cow --- */

static void figure(struct text *text, const char *name, u64 value)
{
	text_printf(text, "%-18s %lu\n", name, (unsigned long)value);
}

int proc_show_cow(const struct proc_node *node __unused, struct text *text)
{
	cow_stats_t stats;
	vmm_stats_t faults;

	cow_get_stats(&stats);
	vmm_get_stats(&faults);
	figure(text, "cow_pages", stats.pages);
	figure(text, "cow_pages_peak", stats.peak_pages);
	figure(text, "cow_mappings", stats.mappings);
	figure(text, "pages_duplicated", stats.duplicated);
	figure(text, "pages_reused", stats.reused);
	figure(text, "bytes_saved", stats.saved);
	figure(text, "bytes_bookkeeping", stats.bookkeeping);
	figure(text, "faults", faults.total_faults);
	figure(text, "faults_cow", stats.faults);
	figure(text, "faults_demand", faults.demand_faults);
	figure(text, "faults_file", faults.file_faults);
	figure(text, "faults_protection", faults.protection_faults);
	return 0;
}

/* --- tree --- */

static void show_node(struct text *text, const struct tree_node_info *node)
{
	vaddr_t end = node->start + pt_span(node->level + 1);

	text_printf(text, "%*slevel %u %012lx-%012lx %s refs %u spaces %u entries %u",
		    (int)(2 * (PT_LEVELS - node->level)), "", node->level,
		    (unsigned long)node->start, (unsigned long)end, node->writable ? "rw" : "r-",
		    node->refs, node->spaces, node->entries);
	if (node->level == 1)
		text_printf(text, " anonymous %u file %u shared %u ring %u huge %u",
			    node->resident[RESIDENT_ANONYMOUS], node->resident[RESIDENT_FILE],
			    node->resident[RESIDENT_SHARED], node->ring, node->huge_links);
	text_printf(text, "%s\n", node->may_pin ? " pins" : "");
}

static void show_nodes(struct text *text, const struct tree_node_info *nodes, size_t total)
{
	size_t shown = MIN(total, (size_t)NODES), shared = 0;

	for (size_t i = 0; i < shown; i++)
		shared += nodes[i].spaces > 1;
	text_printf(text, "level %u root, nodes below %zu, shown %zu, shared %zu\n", PT_LEVELS,
		    total, shown, shared);
	for (size_t i = 0; i < shown; i++)
		show_node(text, &nodes[i]);
}

int proc_show_tree(const struct proc_node *node, struct text *text)
{
	struct address_space *space;
	int error = proc_inspect_space(node, &space);

	if (error || space == NULL)
		return error;
	struct tree_node_info *nodes = kmalloc(NODES * sizeof(*nodes));
	if (nodes != NULL)
		show_nodes(text, nodes, vmm_describe_tree(space, nodes, NODES));
	error = nodes != NULL ? 0 : -ENOMEM;
	kfree(nodes);
	vmm_put_address_space(space);
	return error;
}

/* --- pagemap --- */

struct open_pagemap {
	struct address_space *space; /* a reference, or NULL */
	bool frames;                 /* who opened it may know frame numbers */
};

static int pagemap_open(struct inode *inode, struct file *file)
{
	struct open_pagemap *map = kmalloc(sizeof(*map));

	if (map == NULL)
		return -ENOMEM;
	map->frames = capable(CAP_SYS_ADMIN);
	int error = proc_inspect_space(proc_node_of(inode), &map->space);
	if (error)
		kfree(map);
	else
		file->private = map;
	return error;
}

static void pagemap_release(struct file *file)
{
	struct open_pagemap *map = file->private;

	if (map->space != NULL)
		vmm_put_address_space(map->space);
	kfree(map);
}

static ssize_t pagemap_read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	const struct open_pagemap *map = file->private;
	u64 words[WORDS], limit = USER_TOP / PAGE_SIZE;
	ssize_t done = 0;

	if (*position < 0 || *position % sizeof(u64) != 0 || cursor->remaining % sizeof(u64) != 0)
		return -EINVAL;
	while (map->space != NULL && cursor->remaining != 0) {
		u64 page = (u64)*position / sizeof(u64);
		if (page >= limit)
			break;
		size_t count = MIN(MIN(cursor->remaining / sizeof(u64), (size_t)WORDS),
				   (size_t)(limit - page));
		vmm_page_words(map->space, page * PAGE_SIZE, count, map->frames, words);
		ssize_t copied = io_copy_to(cursor, words, count * sizeof(u64));
		if (copied <= 0)
			return done != 0 ? done : -EFAULT;
		done += copied;
		*position += copied;
	}
	return done;
}

const struct file_operations proc_pagemap_operations = {
	.open = pagemap_open,
	.release = pagemap_release,
	.read = pagemap_read,
};

/* --- clear_refs --- */

enum { CLEAR_ALL = 1, CLEAR_ANONYMOUS, CLEAR_FILE, CLEAR_SOFT_DIRTY, CLEAR_PEAK };

static int clear(struct address_space *space, u64 what)
{
	if (what == CLEAR_SOFT_DIRTY)
		return vmm_clear_written(space);
	if (what == CLEAR_PEAK)
		vmm_reset_peak(space);
	else
		vmm_clear_referenced(space, what == CLEAR_ALL         ? REFERENCED_ALL
					    : what == CLEAR_ANONYMOUS ? REFERENCED_ANONYMOUS
								      : REFERENCED_FILE);
	return 0;
}

int proc_store_clear_refs(const struct proc_node *node, char *value, size_t size)
{
	u64 what;

	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
	if (parse_u64(value, 10, &what) || what < CLEAR_ALL || what > CLEAR_PEAK)
		return -EINVAL;
	struct process *process = proc_node_process(node);
	if (process == NULL)
		return -ESRCH;
	struct address_space *space = proc_process_space(process);
	int error = 0;
	if (space != NULL) {
		error = clear(space, what);
		vmm_put_address_space(space);
	}
	process_put(process);
	return error;
}

/* --- In sysfs --- */

static int show_fault_ahead(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%u\n", READ_ONCE(fault_settings.ahead_pages));
	return 0;
}

static int store_fault_ahead(const struct proc_node *node __unused, char *value, size_t size)
{
	u64 pages;

	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
	if (parse_u64(value, 10, &pages) || pages > FAULT_AHEAD_MOST)
		return -EINVAL;
	WRITE_ONCE(fault_settings.ahead_pages, (u32)pages);
	return 0;
}

static const struct proc_entry fault_ahead_entry =
	PROC_SETTING("fault_ahead", 0644, show_fault_ahead, store_fault_ahead);
static struct proc_addition fault_ahead_addition = {.entry = &fault_ahead_entry};

void proc_inspect_init(void)
{
	sysfs_add(SYSFS_KERNEL_MM, &fault_ahead_addition);
}
