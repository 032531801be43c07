/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: what each region of a process has in memory, and all of them together: smaps and
 * smaps_rollup (proc_pid_smaps(5)).
 */
#include "fs/procfs/procfs.h"
#include "lib/abi/mman.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"

static void line(struct text *text, const char *name, u64 bytes)
{
	text_printf(text, "%-16s%8lu kB\n", name, (unsigned long)(bytes / KIB));
}

/* `rollup`: with the proportional size by kind. */
static void show_usage(struct text *text, const struct region_usage *usage, u64 shared_memory,
		       u64 locked, bool rollup)
{
	line(text, "Rss:", usage->resident);
	line(text, "Pss:", usage->proportional);
	line(text, "Pss_Dirty:", usage->proportional_dirty);
	if (rollup) {
		line(text, "Pss_Anon:", usage->proportional_anonymous);
		line(text, "Pss_File:",
		     usage->proportional - usage->proportional_anonymous - shared_memory);
		line(text, "Pss_Shmem:", shared_memory);
	}
	line(text, "Shared_Clean:", usage->shared_clean);
	line(text, "Shared_Dirty:", usage->shared_dirty);
	line(text, "Private_Clean:", usage->private_clean);
	line(text, "Private_Dirty:", usage->private_dirty);
	line(text, "Referenced:", usage->referenced);
	line(text, "Anonymous:", usage->anonymous);
	line(text, "LazyFree:", usage->lazy);
	line(text, "AnonHugePages:", usage->huge);
	line(text, "ShmemPmdMapped:", 0);
	line(text, "FilePmdMapped:", 0);
	text_printf(text, "Shared_Hugetlb: %8lu kB\nPrivate_Hugetlb: %7lu kB\n",
		    (unsigned long)(usage->hugetlb_shared / KIB),
		    (unsigned long)(usage->hugetlb_private / KIB));
	line(text, "Swap:", usage->swapped);
	line(text, "SwapPss:", usage->swapped_proportional);
	line(text, "Locked:", locked);
}

static u64 page_size_of(const struct region_info *region)
{
	return region->gigantic ? GIB : region->hugetlb ? 2 * MIB : PAGE_SIZE;
}

static void show_flags(struct text *text, const struct region_info *region)
{
	const struct {
		bool set;
		const char *name;
	} flags[] = {
		{region->prot & PROT_READ, "rd"},
		{region->prot & PROT_WRITE, "wr"},
		{region->prot & PROT_EXEC, "ex"},
		{region->shared, "sh"},
		{region->may_read, "mr"},
		{region->may_write, "mw"},
		{region->may_execute, "me"},
		{region->shared, "ms"},
		{region->grows_down, "gd"},
		{region->watch_missing, "um"},
		{region->watch_writes, "uw"},
		{region->locked, "lo"},
		{region->no_fork, "dc"},
		{region->io, "de"},
		{region->lock_on_fault, "lf"},
		{region->committed, "ac"},
		{region->no_reserve, "nr"},
		{region->wipe_on_fork, "wf"},
		{region->no_dump, "dd"},
		{!region->tracked, "sd"},
		{region->huge, "hg"},
		{region->no_huge, "nh"},
		{region->hugetlb, "ht"},
		{region->watch_minor, "ui"},
	};

	text_printf(text, "VmFlags: ");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].set)
			text_printf(text, "%s ", flags[i].name);
	text_append(text, "\n", 1);
}

int proc_show_smaps(const struct proc_node *node, struct text *text)
{
	struct address_space *space;
	struct region_usage usage;
	vaddr_t at = 0;
	int error = proc_inspect_space(node, &space);

	if (error || space == NULL)
		return error;
	struct region_info *region = kmalloc(sizeof(*region));
	while (region != NULL && vmm_next_region(space, at, region, false)) {
		proc_show_region(region, text);
		line(text, "Size:", region->end - region->start);
		line(text, "KernelPageSize:", page_size_of(region));
		line(text, "MMUPageSize:", page_size_of(region));
		vmm_region_usage(space, region->start, region->end, &usage);
		show_usage(text, &usage, 0, region->locked ? usage.proportional : 0, false);
		text_printf(text, "THPeligible:    %d\n", region->huge_eligible);
		if (arch_key_count() != 0)
			text_printf(text, "ProtectionKey:  %8u\n", region->key);
		show_flags(text, region);
		at = region->end;
	}
	error = region != NULL ? 0 : -ENOMEM;
	kfree(region);
	vmm_put_address_space(space);
	return error;
}

static void add(struct region_usage *sum, const struct region_usage *usage)
{
	sum->resident += usage->resident;
	sum->proportional += usage->proportional;
	sum->proportional_dirty += usage->proportional_dirty;
	sum->proportional_anonymous += usage->proportional_anonymous;
	sum->shared_clean += usage->shared_clean;
	sum->shared_dirty += usage->shared_dirty;
	sum->private_clean += usage->private_clean;
	sum->private_dirty += usage->private_dirty;
	sum->referenced += usage->referenced;
	sum->anonymous += usage->anonymous;
	sum->huge += usage->huge;
	sum->hugetlb_shared += usage->hugetlb_shared;
	sum->hugetlb_private += usage->hugetlb_private;
}

int proc_show_smaps_rollup(const struct proc_node *node, struct text *text)
{
	struct address_space *space;
	struct region_usage usage, sum = {.resident = 0};
	u64 locked = 0, shared_memory = 0;
	vaddr_t first = 0, at = 0;
	int error = proc_inspect_space(node, &space);

	if (error || space == NULL)
		return error != 0 ? error : -ESRCH;
	struct region_info *region = kmalloc(sizeof(*region));
	while (region != NULL && vmm_next_region(space, at, region, false)) {
		vmm_region_usage(space, region->start, region->end, &usage);
		add(&sum, &usage);
		locked += region->locked ? usage.proportional : 0;
		if (region->shared && region->kind == KIND_SHARED)
			shared_memory += usage.proportional;
		first = at == 0 ? region->start : first;
		at = region->end;
	}
	if (region != NULL) {
		*region = (struct region_info){.start = first, .end = at, .name = "[rollup]"};
		proc_show_region(region, text);
		show_usage(text, &sum, shared_memory, locked, true);
	}
	error = region != NULL ? 0 : -ENOMEM;
	kfree(region);
	vmm_put_address_space(space);
	return error;
}
