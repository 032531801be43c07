/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the root directory's table and its small files.
 */
#include "arch/clock.h"
#include "boot/boot_info.h"
#include "fs/block/block_device.h"
#include "fs/device.h"
#include "fs/file.h"
#include "fs/procfs/procfs.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/swap.h"
#include "module/module.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/uts.h"
#include "trace/trace.h"

static int show_uptime(const struct proc_node *node __unused, struct text *text)
{
	nsec_t up = clock_monotonic(), idle = scheduler_idle_time();

	text_printf(text, "%lu.%02lu %lu.%02lu\n", (unsigned long)(up / NSEC_PER_SEC),
		    (unsigned long)(up % NSEC_PER_SEC / 10000000),
		    (unsigned long)(idle / NSEC_PER_SEC),
		    (unsigned long)(idle % NSEC_PER_SEC / 10000000));
	return 0;
}

static int show_loadavg(const struct proc_node *node __unused, struct text *text)
{
	u64 load[3];

	scheduler_load(load);
	for (int i = 0; i < 3; i++)
		text_printf(text, "%lu.%02lu ", (unsigned long)(load[i] / 2048),
			    (unsigned long)(load[i] % 2048 * 100 / 2048));
	text_printf(text, "%u/%u %d\n", scheduler_runnable(), task_count(), pid_last());
	return 0;
}

static int show_version(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%s version %s (%s) %s\n", UTS_SYSNAME, UTS_RELEASE, __VERSION__,
		    UTS_VERSION);
	return 0;
}

static int show_cmdline(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "%s\n", boot_info.command_line);
	return 0;
}

static void show_filesystem(const struct filesystem *type, void *text)
{
	text_printf(text, "%s\t%s\n", type->needs_device ? "" : "nodev", type->name);
}

static int show_filesystems(const struct proc_node *node __unused, struct text *text)
{
	filesystem_iterate(show_filesystem, text);
	return 0;
}

static void show_device(u32 major, const char *name, void *text)
{
	text_printf(text, "%3u %s\n", major, name);
}

static int show_devices(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "Character devices:\n");
	device_iterate(show_device, text);
	text_printf(text, "\nBlock devices:\n");
	block_show_majors(text);
	return 0;
}

/* As Linux lines the columns up. */
static void show_area(struct text *text, const struct swap_area_info *area)
{
	unsigned long size = area->pages * PAGE_SIZE / KIB, used = area->used * PAGE_SIZE / KIB;
	size_t length = strlen(area->name);

	text_printf(text, "%s%*s%s\t%lu\t%s%lu\t%s%d\n", area->name,
		    length < 40 ? (int)(40 - length) : 1, " ",
		    area->is_file ? "file\t" : "partition", size, size < 10000000 ? "\t" : "", used,
		    used < 10000000 ? "\t" : "", area->priority);
}

static int show_swaps(const struct proc_node *node __unused, struct text *text)
{
	struct swap_area_info area;

	text_printf(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	for (size_t i = 0; swap_area_info(i, &area); i++)
		show_area(text, &area);
	return 0;
}

/* Who has no number here finds nothing. */
static void read_self(const struct proc_node *node, char *buffer, size_t size)
{
	pid_t pid = pid_number_in(current->numbers, node->space);

	if (pid != 0)
		snprintf(buffer, size, "%d", pid_number_in(current->process->numbers, node->space));
}

static void read_thread_self(const struct proc_node *node, char *buffer, size_t size)
{
	pid_t tid = pid_number_in(current->numbers, node->space);

	if (tid != 0)
		snprintf(buffer, size, "%d/task/%d",
			 pid_number_in(current->process->numbers, node->space), tid);
}

static void read_mounts(const struct proc_node *node __unused, char *buffer, size_t size)
{
	snprintf(buffer, size, "self/mounts");
}

/* Those that wait are not shown. */
static int show_locks(const struct proc_node *node __unused, struct text *text)
{
	size_t count;
	struct lock_shown *locks = locks_shown(&count);
	u32 number = 0;

	if (locks == NULL)
		return -ENOMEM;
	for (const struct lock_shown *lock = locks; lock < locks + count; lock++) {
		pid_t pid = lock->is_of_file ? -1 : pid_show_number(lock->pid);

		if (pid == 0)
			continue;
		text_printf(text, "%u: %s ADVISORY  %s %d %02x:%02x:%lu ", ++number,
			    lock->is_flock     ? "FLOCK "
			    : lock->is_of_file ? "OFDLCK"
					       : "POSIX ",
			    lock->is_write ? "WRITE" : "READ", pid, device_major(lock->device),
			    device_minor(lock->device), (unsigned long)lock->ino);
		if (lock->end == INT64_MAX)
			text_printf(text, "%ld EOF\n", (long)lock->start);
		else
			text_printf(text, "%ld %ld\n", (long)lock->start, (long)lock->end);
	}
	kfree(locks);
	return 0;
}

static void read_net(const struct proc_node *node __unused, char *buffer, size_t size)
{
	snprintf(buffer, size, "self/net");
}

#define PROC_TEXT_LINK(entry_name, function)                                         \
	{                                                                            \
		.name = (entry_name), .mode = S_IFLNK | 0777, .readlink = (function) \
	}

const struct proc_entry proc_root_entries[] = {
	PROC_FILE("buddyinfo", 0444, proc_show_buddyinfo),
	PROC_FILE("cmdline", 0444, show_cmdline),
	PROC_FILE("cow", 0444, proc_show_cow),
	PROC_FILE("cpuinfo", 0444, proc_show_cpuinfo),
	PROC_FILE("devices", 0444, show_devices),
	PROC_FILE("diskstats", 0444, proc_show_diskstats),
	PROC_FILE("filesystems", 0444, show_filesystems),
	PROC_FILE("kallsyms", 0444, proc_show_kallsyms),
	{.name = "kpagecgroup", .mode = S_IFREG | 0400, .operations = &proc_kpagecgroup_operations},
	{.name = "kpagecount", .mode = S_IFREG | 0400, .operations = &proc_kpagecount_operations},
	{.name = "kpageflags", .mode = S_IFREG | 0400, .operations = &proc_kpageflags_operations},
	PROC_FILE("loadavg", 0444, show_loadavg),
	PROC_FILE("locks", 0444, show_locks),
#ifdef CONFIG_CHECKING
	PROC_FILE("lock_order", 0444, proc_show_lock_order),
#endif
	PROC_FILE("meminfo", 0444, proc_show_meminfo),
	PROC_FILE("modules", 0444, proc_show_modules),
	PROC_TEXT_LINK("mounts", read_mounts),
	PROC_TEXT_LINK("net", read_net),
	PROC_FILE("pagetypeinfo", 0400, proc_show_pagetypeinfo),
	PROC_FILE("partitions", 0444, proc_show_partitions),
	PROC_DIRECTORY("pressure", proc_pressure_entries),
	PROC_TEXT_LINK("self", read_self),
	PROC_FILE("schedstat", 0444, proc_show_cpu_schedstat),
	PROC_FILE("slabinfo", 0400, proc_show_slabinfo),
	PROC_FILE("stat", 0444, proc_show_system_stat),
	PROC_FILE("swaps", 0444, show_swaps),
	PROC_DIRECTORY("sys", proc_sys_entries),
	PROC_DIRECTORY("sysvipc", proc_sysvipc_entries),
	PROC_TEXT_LINK("thread-self", read_thread_self),
	{.name = "trace", .mode = S_IFREG | 0400, .operations = &trace_file_operations},
	PROC_SETTING("trace_control", 0600, trace_show_control, trace_store_control),
	PROC_FILE("trace_counts", 0400, trace_show_counts),
	PROC_FILE("trace_profile", 0400, trace_show_profile),
	PROC_FILE("uptime", 0444, show_uptime),
	PROC_FILE("version", 0444, show_version),
	PROC_FILE("vmstat", 0444, proc_show_vmstat),
	PROC_FILE("zoneinfo", 0444, proc_show_zoneinfo),
	PROC_END,
};
