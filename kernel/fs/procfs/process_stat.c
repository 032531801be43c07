/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: stat, statm and status of a process or thread, in Linux's formats (proc_pid_stat(5),
 * proc_pid_status(5)).
 */
#include "arch/cpu.h"
#include "fs/device.h"
#include "fs/procfs/procfs.h"
#include "fs/procfs/sysfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/rlimit.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/seccomp.h"
#include "proc/signal.h"
#include "proc/user_namespace.h"

#define TICK (NSEC_PER_SEC / 100)

/* All that the three files tell, gathered once. */
struct summary {
	struct task *task;
	struct process *process;
	char comm[TASK_COMM_LENGTH];
	char state;
	pid_t pid, tid, parent, group, session, foreground;
	struct pid *group_pid, *session_pid; /* held; NULL: none */
	dev_t terminal;                      /* 0: none */
	u32 threads;
	struct process_usage usage, children;
	struct vm_space_stats memory;
	struct signal_sets signals;
	struct vm_layout layout;
	bool has_memory;
};

/* The numbers of those that it belongs to, in the namespace. */
static void gather_family(const struct process *process, const struct pid_namespace *space,
			  struct summary *summary)
{
	unsigned long flags = process_tree_lock();

	if (process->parent != NULL)
		summary->parent = pid_number_in(process->parent->numbers, space);
	if (process->group != NULL) {
		summary->group = pid_number_in(process->group->pid, space);
		summary->session = pid_number_in(process->group->session->pid, space);
		summary->group_pid = pid_hold(process->group->pid);
		summary->session_pid = pid_hold(process->group->session->pid);
	}
	process_tree_unlock(flags);
}

static int gather(const struct proc_node *node, struct summary *summary)
{
	memset(summary, 0, sizeof(*summary));
	struct task *task = summary->task = proc_node_task(node);
	if (task == NULL)
		return -ESRCH;
	struct process *process = summary->process = task->process;
	task_get_name(task, summary->comm);
	summary->state = task_state_letter(task);
	summary->pid = pid_number_in(process->numbers, node->space);
	summary->tid = pid_number_in(task->numbers, node->space);
	gather_family(process, node->space, summary);
	process_terminal(process, node->space, &summary->terminal, &summary->foreground);
	if (node->thread)
		task_usage(task, &summary->usage);
	else
		process_usage(process, &summary->usage);
	signal_get_sets(task, &summary->signals);

	unsigned long flags = spin_lock_irqsave(&process->lock);
	summary->threads = process->thread_count;
	summary->children = process->children_usage;
	spin_unlock_irqrestore(&process->lock, flags);

	struct address_space *space = proc_process_space(process);
	if (space != NULL) {
		vmm_space_stats(space, &summary->memory);
		summary->layout = space->layout;
		summary->has_memory = true;
		vmm_put_address_space(space);
	}
	return 0;
}

static void finish(struct summary *summary)
{
	if (summary != NULL && summary->task != NULL) {
		pid_release(summary->group_pid);
		pid_release(summary->session_pid);
		task_put(summary->task);
	}
	kfree(summary);
}

static unsigned long ticks(nsec_t time)
{
	return (unsigned long)(time / TICK);
}

static void show_stat_times(const struct summary *s, struct text *text)
{
	text_printf(text, " %lu %lu %lu %lu %lu %lu %ld %ld", (unsigned long)s->usage.minor_faults,
		    (unsigned long)s->children.minor_faults, (unsigned long)s->usage.major_faults,
		    (unsigned long)s->children.major_faults, ticks(s->usage.user_time),
		    ticks(s->usage.system_time), (long)ticks(s->children.user_time),
		    (long)ticks(s->children.system_time));
	/* priority, nice, threads, the timer that is always 0, the start. */
	text_printf(text, " %d %d %u 0 %lu",
		    s->task->sched.priority > 0 ? -1 - s->task->sched.priority
						: 20 + s->task->sched.nice,
		    s->task->sched.nice, s->threads, ticks(s->task->start_time));
}

/* Of the flags those that programs know: ps(1) tells a fork without exec, and kernel threads. */
static u32 flags_of(const struct process *process)
{
	const u32 fork_no_exec = 0x40, kernel_thread = 0x200000;

	return process == &kernel_process ? kernel_thread : process->exec_done ? 0 : fork_no_exec;
}

int proc_show_stat(const struct proc_node *node, struct text *text)
{
	struct summary *s = kmalloc(sizeof(*s));
	int error = s != NULL ? gather(node, s) : -ENOMEM;

	if (error)
		goto out;
	bool may = proc_may_inspect(node) == 0;
	text_printf(text, "%d (%s) %c %d %d %d %d %d %u", s->tid, s->comm, s->state, s->parent,
		    s->group, s->session, (int)device_to_user(s->terminal), s->foreground,
		    flags_of(s->process));
	show_stat_times(s, text);
	text_printf(text, " %lu %lu %lu", (unsigned long)s->memory.total * PAGE_SIZE,
		    (unsigned long)s->memory.resident,
		    (unsigned long)rlimit_of(s->process, RLIMIT_RSS));
	text_printf(text, " %lu %lu %lu 0 0", may ? s->layout.code_start : 1,
		    may ? s->layout.code_end : 1, may ? s->layout.stack_top : 0);
	text_printf(text, " %lu %lu %lu %lu 0 0 0", (unsigned long)s->signals.pending & 0x7fffffff,
		    (unsigned long)s->signals.blocked & 0x7fffffff,
		    (unsigned long)s->signals.ignored & 0x7fffffff,
		    (unsigned long)s->signals.caught & 0x7fffffff);
	text_printf(text, " %d %u %u %u 0 0 0", s->process->exit_signal, task_cpu(s->task),
		    s->task->sched.rt_priority, s->task->sched.policy);
	text_printf(text, " %lu %lu %lu %lu %lu %lu %lu %d\n", may ? s->layout.data_start : 0,
		    may ? s->layout.data_end : 0, may ? s->layout.brk_start : 0,
		    may ? s->layout.argument_start : 0, may ? s->layout.argument_end : 0,
		    may ? s->layout.environment_start : 0, may ? s->layout.environment_end : 0,
		    may ? s->process->exit_status : 0);
out:
	finish(s);
	return error;
}

int proc_show_statm(const struct proc_node *node, struct text *text)
{
	struct address_space *space = proc_node_space(node);
	struct vm_space_stats memory = {0};

	if (space != NULL) {
		vmm_space_stats(space, &memory);
		vmm_put_address_space(space);
	}
	text_printf(text, "%zu %zu %zu %zu 0 %zu 0\n", memory.total, memory.resident,
		    memory.resident_file + memory.resident_shared, memory.code,
		    memory.data + memory.stack);
	return 0;
}

/* --- status --- */

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'D':
		return "D (disk sleep)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "X (dead)";
	}
}

static void show_credentials(const struct credentials *c, struct text *text)
{
	text_printf(text, "Uid:\t%u\t%u\t%u\t%u\n", uid_shown(c->uid), uid_shown(c->euid),
		    uid_shown(c->suid), uid_shown(c->fsuid));
	text_printf(text, "Gid:\t%u\t%u\t%u\t%u\n", gid_shown(c->gid), gid_shown(c->egid),
		    gid_shown(c->sgid), gid_shown(c->fsgid));
}

/* A task's number, or its group's or session's, in the namespace and in each one further in that the
 * task is in: 0 where it has none. */
static void show_numbers(const char *name, const struct pid *pid, const struct summary *s,
			 const struct pid_namespace *space, struct text *text)
{
	const struct pid *own = s->task->numbers;

	text_printf(text, "%s:", name);
	for (u32 level = space->level; own != NULL && level <= own->level; level++)
		text_printf(text, "\t%d", pid_number_in(pid, own->numbers[level].space));
	text_printf(text, "\n");
}

static void show_groups(const struct credentials *c, struct text *text)
{
	text_printf(text, "Groups:\t");
	for (u32 i = 0; i < c->groups->count; i++)
		text_printf(text, "%s%u", i > 0 ? " " : "", gid_shown(c->groups->ids[i]));
	text_printf(text, " \n");
}

static void show_memory(const struct summary *s, struct text *text)
{
	const struct vm_space_stats *m = &s->memory;
	const unsigned long kib = PAGE_SIZE / 1024;

	if (!s->has_memory)
		return;
	text_printf(text,
		    "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t       0 kB\n",
		    m->total * kib, m->total * kib, m->locked * kib);
	text_printf(text,
		    "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu "
		    "kB\nRssShmem:\t%8lu kB\n",
		    MAX(m->peak_resident, m->resident) * kib, m->resident * kib,
		    m->resident_anonymous * kib, m->resident_file * kib, m->resident_shared * kib);
	text_printf(text,
		    "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t       0 kB\n",
		    m->data * kib, m->stack * kib, m->code * kib);
	text_printf(text, "VmPTE:\t%8lu kB\nVmSwap:\t%8lu kB\n", m->page_tables * kib,
		    m->swapped * kib);
}

static void show_signals(const struct summary *s, struct text *text)
{
	const struct signal_sets *g = &s->signals;

	text_printf(text, "Threads:\t%u\nSigQ:\t%u/%lu\n", s->threads, g->queued,
		    (unsigned long)rlimit_of(s->process, RLIMIT_SIGPENDING));
	text_printf(text,
		    "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%"
		    "016lx\n",
		    (unsigned long)g->pending, (unsigned long)g->shared, (unsigned long)g->blocked,
		    (unsigned long)g->ignored, (unsigned long)g->caught);
}

static void show_capabilities(const struct credentials *c, struct text *text)
{
	text_printf(text,
		    "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%"
		    "016lx\n",
		    (unsigned long)c->cap_inheritable, (unsigned long)c->cap_permitted,
		    (unsigned long)c->cap_effective, (unsigned long)c->cap_bounding,
		    (unsigned long)c->cap_ambient);
}

/* Where the thread may run, and have memory. */
static void show_placement(const struct summary *s, struct text *text)
{
	cpumask_t cpus = s->task->sched.allowed & cpus_online();
	u64 nodes = frame_nodes_with_memory();

	text_printf(text, "Cpus_allowed:\t");
	sysfs_show_cpumap(text, cpus);
	text_printf(text, "Cpus_allowed_list:\t");
	sysfs_show_set(text, cpus);
	text_printf(text, "Mems_allowed:\t%08x,%08x\nMems_allowed_list:\t", (u32)(nodes >> 32),
		    (u32)nodes);
	sysfs_show_set(text, nodes);
}

static void show_restrictions(const struct summary *s, struct text *text)
{
	u32 mode, filters;

	seccomp_describe(s->task, &mode, &filters);
	text_printf(text, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\n",
		    READ_ONCE(s->process->no_new_privileges), mode, filters);
}

int proc_show_status(const struct proc_node *node, struct text *text)
{
	struct summary *s = kmalloc(sizeof(*s));
	int error = s != NULL ? gather(node, s) : -ENOMEM;

	if (error)
		goto out;
	struct credentials *credentials = credentials_of_task(s->task);
	text_printf(text,
		    "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%"
		    "d\nTracerPid:\t%d\n",
		    s->comm, proc_task_umask(s->task), state_name(s->state), s->pid, s->tid,
		    s->parent, ptrace_tracer_number(s->task));
	show_credentials(credentials, text);
	text_printf(text, "FDSize:\t64\n");
	show_groups(credentials, text);
	show_numbers("NStgid", s->process->numbers, s, node->space, text);
	show_numbers("NSpid", s->task->numbers, s, node->space, text);
	show_numbers("NSpgid", s->group_pid, s, node->space, text);
	show_numbers("NSsid", s->session_pid, s, node->space, text);
	show_memory(s, text);
	show_signals(s, text);
	show_capabilities(credentials, text);
	show_restrictions(s, text);
	show_placement(s, text);
	text_printf(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		    (unsigned long)s->usage.switches_voluntary,
		    (unsigned long)s->usage.switches_involuntary);
	credentials_put(credentials);
out:
	finish(s);
	return error;
}
