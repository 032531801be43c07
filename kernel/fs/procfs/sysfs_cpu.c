/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: /sys/devices/system/cpu, the machine's processors.  Each counts as a package with one core
 * and one thread, as in /proc/cpuinfo.
 */
#include "arch/cpu.h"
#include "fs/procfs/sysfs.h"
#include "lib/format.h"
#include "lib/string.h"

static int show_online(const struct proc_node *node __unused, struct text *text)
{
	sysfs_show_set(text, cpus_online());
	return 0;
}

static u64 all_cpus(void)
{
	return CPUMASK_ALL >> (MAX_CPUS - cpu_count());
}

static int show_possible(const struct proc_node *node __unused, struct text *text)
{
	sysfs_show_set(text, all_cpus());
	return 0;
}

static int show_offline(const struct proc_node *node __unused, struct text *text)
{
	sysfs_show_set(text, all_cpus() & ~cpus_online());
	return 0;
}

static int show_kernel_max(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%u\n", MAX_CPUS - 1);
	return 0;
}

/* --- One CPU --- */

static int show_package(const struct proc_node *node, struct text *text)
{
	text_printf(text, "%u\n", node->number);
	return 0;
}

static int show_zero(const struct proc_node *node __unused, struct text *text)
{
	text_append(text, "0\n", 2);
	return 0;
}

static int show_itself(const struct proc_node *node, struct text *text)
{
	sysfs_show_cpumap(text, cpumask_of(node->number));
	return 0;
}

static int show_itself_list(const struct proc_node *node, struct text *text)
{
	sysfs_show_set(text, cpumask_of(node->number));
	return 0;
}

static const struct proc_entry topology_entries[] = {
	PROC_FILE("core_cpus", 0444, show_itself),
	PROC_FILE("core_cpus_list", 0444, show_itself_list),
	PROC_FILE("core_id", 0444, show_zero),
	PROC_FILE("core_siblings", 0444, show_itself),
	PROC_FILE("core_siblings_list", 0444, show_itself_list),
	PROC_FILE("die_id", 0444, show_zero),
	PROC_FILE("package_cpus", 0444, show_itself),
	PROC_FILE("package_cpus_list", 0444, show_itself_list),
	PROC_FILE("physical_package_id", 0444, show_package),
	PROC_FILE("thread_siblings", 0444, show_itself),
	PROC_FILE("thread_siblings_list", 0444, show_itself_list),
	PROC_END,
};

static const struct proc_entry cpu_entries[] = {
	PROC_DIRECTORY("topology", topology_entries),
	PROC_END,
};

static const struct proc_entry one_cpu = PROC_DIRECTORY("cpuN", cpu_entries);

static bool find_cpu(const struct proc_node *node __unused, const char *name, size_t length,
		     struct proc_node *child)
{
	int number;

	if (length <= 3 || memcmp(name, "cpu", 3) != 0)
		return false;
	number = proc_parse_number(name + 3, length - 3);
	if (number < 0 || (u32)number >= cpu_count())
		return false;
	child->entry = &one_cpu;
	child->number = (u32)number;
	return true;
}

static bool next_cpu(const struct proc_node *node __unused, u64 *position, struct proc_child *child)
{
	if (*position >= cpu_count())
		return false;
	child->node = (struct proc_node){.entry = &one_cpu, .fd = -1, .number = (u32)*position};
	snprintf(child->name, sizeof(child->name), "cpu%u", (u32)*position);
	(*position)++;
	return true;
}

static const struct proc_entry folder_entries[] = {
	PROC_FILE("kernel_max", 0444, show_kernel_max), PROC_FILE("offline", 0444, show_offline),
	PROC_FILE("online", 0444, show_online),         PROC_FILE("possible", 0444, show_possible),
	PROC_FILE("present", 0444, show_possible),      PROC_END,
};

const struct proc_entry sysfs_cpu_entry = {
	.name = "cpu",
	.mode = S_IFDIR | 0555,
	.children = folder_entries,
	.find = find_cpu,
	.next = next_cpu,
};
