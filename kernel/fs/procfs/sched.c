/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the scheduler's figures, of a thread (sched, schedstat) and of each CPU
 * (/proc/schedstat), in Linux's formats.
 *
 * What Linux counts only after sched_schedstats has been set to 1 (who woke whom, and where) is 0
 * here as it is there.
 */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "fs/procfs/procfs.h"
#include "lib/abi/sched.h"
#include "proc/process.h"
#include "proc/sched.h"

/* A clock that counts hundredths of seconds, as the others in this file do nanoseconds. */
#define TICK (NSEC_PER_SEC / 100)

int proc_show_schedstat(const struct proc_node *node, struct text *text)
{
	struct task *task = proc_node_task(node);
	struct task_sched_info info;

	if (task == NULL)
		return -ESRCH;
	task_sched_info(task, &info);
	task_put(task);
	text_printf(text, "%lu %lu %lu\n", (unsigned long)info.run_time, (unsigned long)info.waited,
		    (unsigned long)info.turns);
	return 0;
}

static void show_time(struct text *text, const char *name, nsec_t time)
{
	text_printf(text, "%-45s:%14lu.%06lu\n", name, (unsigned long)(time / NSEC_PER_MSEC),
		    (unsigned long)(time % NSEC_PER_MSEC));
}

static void show_number(struct text *text, const char *name, s64 number)
{
	text_printf(text, "%-45s:%21ld\n", name, (long)number);
}

int proc_show_sched(const struct proc_node *node, struct text *text)
{
	struct task *task = proc_node_task(node);
	char name[TASK_COMM_LENGTH];
	struct task_sched_info info;

	if (task == NULL)
		return -ESRCH;
	task_get_name(task, name);
	task_sched_info(task, &info);
	text_printf(text, "%s (%d, #threads: %u)\n", name, task->tid,
		    READ_ONCE(task->process->thread_count));
	task_put(task);
	text_printf(text, "---------------------------------------------------------"
			  "----------\n");
	show_time(text, "se.exec_start", info.run_start);
	show_time(text, "se.vruntime", info.virtual_time);
	show_time(text, "se.sum_exec_runtime", info.run_time);
	show_number(text, "se.nr_migrations", (s64)info.migrations);
	show_number(text, "nr_switches",
		    (s64)(info.switches_voluntary + info.switches_involuntary));
	show_number(text, "nr_voluntary_switches", (s64)info.switches_voluntary);
	show_number(text, "nr_involuntary_switches", (s64)info.switches_involuntary);
	show_number(text, "se.load.weight", (s64)info.weight * 1024);
	show_number(text, "policy", info.policy);
	show_number(text, "prio", info.priority);
	if (info.policy == SCHED_DEADLINE) {
		show_number(text, "dl.runtime", info.runtime);
		show_number(text, "dl.deadline", (s64)info.deadline);
	}
	return 0;
}

int proc_show_cpu_schedstat(const struct proc_node *node __unused, struct text *text)
{
	struct cpu_sched_info info;

	text_printf(text, "version 15\ntimestamp %lu\n", (unsigned long)(clock_monotonic() / TICK));
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		if (!scheduler_cpu_info(cpu, &info))
			continue;
		text_printf(text, "cpu%u %lu 0 %lu %lu 0 0 %lu %lu %lu\n", cpu,
			    (unsigned long)info.yields, (unsigned long)info.switches,
			    (unsigned long)info.idles, (unsigned long)info.busy,
			    (unsigned long)info.delayed,
			    (unsigned long)(info.switches - info.idles));
	}
	return 0;
}
