/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the directory of a process, and of a thread, as tables; and the small files in it.
 */
#include "fs/procfs/procfs.h"
#include "lib/format.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/oom.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/sched.h"

static int show_comm(const struct proc_node *node, struct text *text)
{
	char name[TASK_COMM_LENGTH];
	struct task *task = proc_node_task(node);

	if (task == NULL)
		return -ESRCH;
	task_get_name(task, name);
	task_put(task);
	text_printf(text, "%s\n", name);
	return 0;
}

static int store_comm(const struct proc_node *node, char *value, size_t size)
{
	struct task *task = proc_node_task(node);

	if (task == NULL)
		return -ESRCH;
	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
	int error = task->process == current->process ? 0 : -EINVAL;
	if (!error)
		task_set_name(task, value);
	task_put(task);
	return error;
}

static const struct {
	const char *name, *unit;
} limit_names[RLIMIT_COUNT] = {
	[RLIMIT_CPU] = {"Max cpu time", "seconds"},
	[RLIMIT_FSIZE] = {"Max file size", "bytes"},
	[RLIMIT_DATA] = {"Max data size", "bytes"},
	[RLIMIT_STACK] = {"Max stack size", "bytes"},
	[RLIMIT_CORE] = {"Max core file size", "bytes"},
	[RLIMIT_RSS] = {"Max resident set", "bytes"},
	[RLIMIT_NPROC] = {"Max processes", "processes"},
	[RLIMIT_NOFILE] = {"Max open files", "files"},
	[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
	[RLIMIT_AS] = {"Max address space", "bytes"},
	[RLIMIT_LOCKS] = {"Max file locks", "locks"},
	[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
	[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
	[RLIMIT_NICE] = {"Max nice priority", ""},
	[RLIMIT_RTPRIO] = {"Max realtime priority", ""},
	[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
};

static void show_limit(u64 value, struct text *text)
{
	if (value == RLIM_INFINITY)
		text_printf(text, "%-20s ", "unlimited");
	else
		text_printf(text, "%-20lu ", (unsigned long)value);
}

static int show_limits(const struct proc_node *node, struct text *text)
{
	struct process *process = proc_node_process(node);

	if (process == NULL)
		return -ESRCH;
	text_printf(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit",
		    "Units");
	for (unsigned i = 0; i < RLIMIT_COUNT; i++) {
		struct rlimit64 limit = rlimit_pair(process, i);

		text_printf(text, "%-25s ", limit_names[i].name);
		show_limit(limit.soft, text);
		show_limit(limit.hard, text);
		text_printf(text, "%-10s\n", limit_names[i].unit);
	}
	process_put(process);
	return 0;
}

static int show_oom_adjust(const struct proc_node *node, struct text *text)
{
	struct process *process = proc_node_process(node);

	if (process == NULL)
		return -ESRCH;
	text_printf(text, "%d\n", READ_ONCE(process->oom_score_adjust));
	process_put(process);
	return 0;
}

static int store_oom_adjust(const struct proc_node *node, char *value, size_t size)
{
	bool negative = value[0] == '-';
	u64 number;

	if (size > 0 && value[size - 1] == '\n')
		value[size - 1] = '\0';
	if (parse_u64(value + negative, 10, &number) || number > 1000)
		return -EINVAL;
	struct process *process = proc_node_process(node);
	if (process == NULL)
		return -ESRCH;
	s32 adjust = negative ? -(s32)number : (s32)number;
	/* To be spared costs the others: only a privileged program may ask for it. */
	int error = adjust < READ_ONCE(process->oom_score_adjust) && !capable(CAP_SYS_RESOURCE)
			    ? -EACCES
			    : 0;
	if (!error)
		WRITE_ONCE(process->oom_score_adjust, adjust);
	process_put(process);
	return error;
}

static int show_oom_score(const struct proc_node *node, struct text *text)
{
	struct process *process = proc_node_process(node);

	if (process == NULL)
		return -ESRCH;
	unsigned long flags = process_tree_lock();
	s64 bytes = oom_badness(process);
	process_tree_unlock(flags);
	process_put(process);
	/* Thousandths of the memory; Linux shifts and scales them likewise (proc_pid_oom_score(5)).
	 */
	s64 points = bytes / (s64)(frame_get_total_memory() / 1000);
	text_printf(text, "%d\n",
		    bytes == INT64_MIN ? 0 : (int)((1000 + MAX(points, (s64)-1000)) * 2 / 3));
	return 0;
}

static int show_personality(const struct proc_node *node, struct text *text)
{
	struct process *process = proc_node_process(node);

	if (process == NULL)
		return -ESRCH;
	text_printf(text, "%08lx\n", (unsigned long)process->personality);
	process_put(process);
	return 0;
}

/* --- Threads --- */

static const struct proc_entry task_entry = {
	.name = "TID",
	.mode = S_IFDIR | 0555,
	.children = proc_task_entries,
};

static bool find_thread(const struct proc_node *node, const char *name, size_t length,
			struct proc_node *child)
{
	int number = proc_parse_number(name, length);
	bool found = false;

	unsigned long flags = process_tree_lock();
	struct pid *pid = number > 0 ? pid_find_in_locked(node->space, number) : NULL;
	if (pid != NULL && pid->task != NULL && node->pid->task != NULL &&
	    pid->task->process == node->pid->task->process) {
		child->entry = &task_entry;
		child->thread = true;
		if (pid != node->pid)
			child->pid = pid_get(pid);
		found = true;
	}
	process_tree_unlock(flags);
	return found;
}

static bool next_thread(const struct proc_node *node, u64 *position, struct proc_child *child)
{
	struct process *process = proc_node_process(node);

	if (process == NULL)
		return false;
	struct task *task = *position <= INT_MAX
				    ? process_next_thread(process, node->space, (pid_t)*position)
				    : NULL;
	if (task != NULL) {
		unsigned long flags = process_tree_lock();
		/* One that has been buried meanwhile has no number any more. */
		struct pid *pid = task->pid != NULL ? task->pid : node->pid;
		child->node = (struct proc_node){.entry = &task_entry,
						 .pid = pid,
						 .fd = -1,
						 .thread = true,
						 .space = node->space};
		if (pid != node->pid)
			pid_get(pid);
		process_tree_unlock(flags);
		pid_t number = pid_number_in(task->numbers, node->space);
		snprintf(child->name, sizeof(child->name), "%d", number);
		*position = (u64)number + 1;
		task_put(task);
	}
	process_put(process);
	return task != NULL;
}

/* --- The tables --- */

#define PROC_LINK(entry_name, function)                                              \
	{                                                                            \
		.name = (entry_name), .mode = S_IFLNK | 0777, .get_link = (function) \
	}
#define PROC_DYNAMIC(entry_name, bits, find_function, next_function)                     \
	{                                                                                \
		.name = (entry_name), .mode = S_IFDIR | (bits), .find = (find_function), \
		.next = (next_function)                                                  \
	}

/* There is the root group alone. */
static int show_cgroup(const struct proc_node *node __unused, struct text *text)
{
	text_printf(text, "0::/\n");
	return 0;
}

/* What processes and threads both have. */
#define COMMON_ENTRIES                                                                             \
	PROC_FILE("auxv", 0400, proc_show_auxv), PROC_FILE("cgroup", 0444, show_cgroup),           \
		PROC_SETTING("clear_refs", 0200, NULL, proc_store_clear_refs),                     \
		PROC_FILE("cmdline", 0444, proc_show_cmdline),                                     \
		PROC_SETTING("comm", 0644, show_comm, store_comm), PROC_LINK("cwd", proc_get_cwd), \
		PROC_FILE("environ", 0400, proc_show_environ), PROC_LINK("exe", proc_get_exe),     \
		PROC_DYNAMIC("fd", 0500, proc_find_fd, proc_next_fd),                              \
		PROC_DYNAMIC("fdinfo", 0555, proc_find_fdinfo, proc_next_fdinfo),                  \
		PROC_SETTING("gid_map", 0644, proc_show_gid_map, proc_store_gid_map),              \
		PROC_FILE("limits", 0644, show_limits), PROC_FILE("maps", 0444, proc_show_maps),   \
		{.name = "mem", .mode = S_IFREG | 0600, .operations = &proc_memory_operations},    \
		PROC_FILE("mountinfo", 0444, proc_show_mountinfo),                                 \
		PROC_FILE("mounts", 0444, proc_show_mounts),                                       \
		PROC_DYNAMIC("net", 0555, proc_find_net, proc_next_net),                           \
		{.name = "ns", .mode = S_IFDIR | 0511, .children = proc_ns_entries},               \
		PROC_FILE("oom_score", 0444, show_oom_score),                                      \
		PROC_SETTING("oom_score_adj", 0644, show_oom_adjust, store_oom_adjust),            \
		{.name = "pagemap",                                                                \
		 .mode = S_IFREG | 0400,                                                           \
		 .operations = &proc_pagemap_operations},                                          \
		PROC_FILE("personality", 0400, show_personality),                                  \
		PROC_SETTING("projid_map", 0644, proc_show_projid_map, proc_store_projid_map),     \
		PROC_LINK("root", proc_get_root), PROC_FILE("sched", 0444, proc_show_sched),       \
		PROC_FILE("schedstat", 0444, proc_show_schedstat),                                 \
		PROC_SETTING("setgroups", 0644, proc_show_setgroups, proc_store_setgroups),        \
		PROC_FILE("smaps", 0444, proc_show_smaps),                                         \
		PROC_FILE("smaps_rollup", 0444, proc_show_smaps_rollup),                           \
		PROC_FILE("stat", 0444, proc_show_stat),                                           \
		PROC_FILE("statm", 0444, proc_show_statm),                                         \
		PROC_FILE("status", 0444, proc_show_status),                                       \
		PROC_FILE("tree", 0400, proc_show_tree),                                           \
		PROC_SETTING("uid_map", 0644, proc_show_uid_map, proc_store_uid_map)

const struct proc_entry proc_process_entries[] = {
	COMMON_ENTRIES,
	PROC_DYNAMIC("task", 0555, find_thread, next_thread),
	PROC_END,
};

/* The child with the lowest number above `after`, or 0. */
static pid_t next_child(const struct proc_node *node, struct process *process, pid_t after)
{
	struct process *child;
	pid_t found = 0;
	unsigned long flags = process_tree_lock();

	list_for_each_entry (child, &process->children, sibling_link) {
		pid_t number = pid_number_in(child->numbers, node->space);

		if (number > after && (found == 0 || number < found))
			found = number;
	}
	process_tree_unlock(flags);
	return found;
}

/* Children belong to processes here: they are shown with the first thread. */
static int show_children(const struct proc_node *node, struct text *text)
{
	struct process *process = proc_node_process(node);

	if (process == NULL)
		return -ESRCH;
	if (node->pid->number == process->pid)
		for (pid_t child = 0; (child = next_child(node, process, child)) != 0;)
			text_printf(text, "%d ", child);
	process_put(process);
	return 0;
}

const struct proc_entry proc_task_entries[] = {
	PROC_FILE("children", 0444, show_children),
	COMMON_ENTRIES,
	PROC_END,
};
