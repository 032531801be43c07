/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: its directories.
 *
 * Additions are linked in front of a folder's list with one atomic exchange and never taken out, so
 * readers need no lock.
 */
#include "fs/procfs/sysfs.h"

#include "arch/cpu.h"

#define SYSFS_MAGIC 0x62656572

static struct superblock *sysfs; /* the one instance; set once */
static struct proc_addition *additions[SYSFS_FOLDERS];

void sysfs_add(enum sysfs_folder folder, struct proc_addition *addition)
{
	struct proc_addition *first = __atomic_load_n(&additions[folder], __ATOMIC_RELAXED);

	do
		addition->next = first;
	while (!__atomic_compare_exchange_n(&additions[folder], &first, addition, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

void sysfs_show_set(struct text *text, u64 set)
{
	const char *comma = "";

	for (u32 i = 0; i < 64; i++) {
		u32 last = i;
		if (!(set & BIT(i)))
			continue;
		while (last < 63 && (set & BIT(last + 1)))
			last++;
		if (last == i)
			text_printf(text, "%s%u", comma, i);
		else
			text_printf(text, "%s%u-%u", comma, i, last);
		comma = ",";
		i = last;
	}
	text_append(text, "\n", 1);
}

void sysfs_show_cpumap(struct text *text, u64 set)
{
	if (cpu_count() > 32)
		text_printf(text, "%08x,%08x\n", (u32)(set >> 32), (u32)set);
	else
		text_printf(text, "%0*x\n", (int)DIV_ROUND_UP(cpu_count(), 4u), (u32)set);
}

static struct proc_addition cpu_addition = {.entry = &sysfs_cpu_entry};
static struct proc_addition node_addition = {.entry = &sysfs_node_entry};

#define FOLDER(entry_name, table, folder)                                          \
	{                                                                          \
		.name = (entry_name), .mode = S_IFDIR | 0555, .children = (table), \
		.additions = &additions[folder]                                    \
	}

static const struct proc_entry device_entries[] = {
	FOLDER("system", NULL, SYSFS_DEVICES_SYSTEM),
	FOLDER("virtual", NULL, SYSFS_DEVICES_VIRTUAL),
	PROC_END,
};

static const struct proc_entry kernel_entries[] = {
	FOLDER("mm", NULL, SYSFS_KERNEL_MM),
	PROC_END,
};

static const struct proc_entry root_entries[] = {
	FOLDER("class", NULL, SYSFS_CLASS),
	PROC_DIRECTORY("devices", device_entries),
	FOLDER("kernel", kernel_entries, SYSFS_KERNEL),
	PROC_END,
};

static const struct proc_entry root_entry = FOLDER("sys", root_entries, SYSFS_ROOT);

static int sysfs_mount(const struct filesystem *type __unused, u64 flags __unused,
		       const char *source __unused, const char *options __unused,
		       struct superblock **result)
{
	__atomic_fetch_add(&sysfs->refs, 1, __ATOMIC_RELAXED);
	*result = sysfs;
	return 0;
}

static struct filesystem sysfs_type = {
	.name = "sysfs", .mount = sysfs_mount, .in_user_namespaces = true};

void sysfs_init(void)
{
	sysfs_add(SYSFS_DEVICES_SYSTEM, &node_addition);
	sysfs_add(SYSFS_DEVICES_SYSTEM, &cpu_addition);
	proc_frames_init();
	proc_inspect_init();
	sysfs_huge_init();
	sysfs_hugetlb_init();
	sysfs = proc_superblock(&sysfs_type, SYSFS_MAGIC, &root_entry, NULL);
	if (sysfs != NULL)
		filesystem_register(&sysfs_type);
}
