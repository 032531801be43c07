/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bond between tracer and tracee: how it begins and ends.
 *
 * A tracee is on its tracer's list `traced`; all of it is under process_tree_lock.  A traced thread
 * that dies stays, as a zombie of its own, until the tracer has waited for it; a traced process
 * whose tracer is not its parent is a zombie for the tracer first.  When the bond ends before that,
 * these are settled as if nobody had traced them.
 */
#include "arch/debug.h"
#include "lib/errno.h"
#include "proc/access.h"
#include "proc/credentials.h"
#include "proc/landlock.h"
#include "proc/proc_internal.h"
#include "proc/process.h"
#include "proc/ptrace_internal.h"
#include "proc/sched.h"
#include "proc/signal_internal.h"

static void link_locked(struct task *task, struct task *tracer)
{
	struct ptrace_task *its = &task->ptrace;

	its->stopped = its->listening = its->dead = false;
	WRITE_ONCE(its->tracer, tracer);
	list_add_tail(&its->traced_link, &tracer->ptrace.traced);
}

void ptrace_unlink_locked(struct task *task)
{
	struct ptrace_task *its = &task->ptrace;

	if (its->tracer == NULL)
		return;
	list_remove(&its->traced_link);
	WRITE_ONCE(its->tracer, NULL);
	its->options = 0;
	its->seized = false;
}

/* A group stop is in force that the tracee did not keep while it was traced. */
static void rejoin_group_stop_locked(struct task *task)
{
	struct process *process = task->process;

	spin_lock(&process->lock);
	if (process->signals.stop_signal != 0 && !task->signals.exiting &&
	    !task->signals.stop_pending && !task->signals.stopped)
		signal_join_locked(process, task);
	task->ptrace.trap_wanted = false;
	spin_unlock(&process->lock);
}

void ptrace_end_locked(struct task *task)
{
	ptrace_unlink_locked(task);
	if (task->exited)
		return;
	if (task->ptrace.stopped) {
		arch_step(task_frame_of(task), false);
		arch_debug_clear(&task->arch);
	}
	__atomic_and_fetch(&task->call_work, ~(u32)CALL_PTRACE, __ATOMIC_RELAXED);
	rejoin_group_stop_locked(task);
}

/* --- Beginning --- */

long ptrace_trace_me(void)
{
	struct task *thread, *tracer = NULL;
	long result = -EPERM;

	unsigned long flags = process_tree_lock();
	struct process *parent = current->process->parent;
	for_each_thread(thread, parent)
	{
		if (tracer == NULL || thread == current->process->parent_thread)
			tracer = thread;
	}
	if (current->ptrace.tracer == NULL && tracer != NULL && parent != &kernel_process &&
	    landlock_may_trace(tracer, current) == 0) {
		link_locked(current, tracer);
		result = 0;
	}
	process_tree_unlock(flags);
	return result;
}

static int may_attach(struct task *task)
{
	if (task->flags & TASK_KERNEL || task->process == current->process)
		return -EPERM;
	return task_may_inspect(task);
}

/* The bond, unless there is one or the task exits. */
static long bind(struct task *task, u64 options, bool seize)
{
	long result = may_attach(task);

	if (result != 0)
		return result;
	unsigned long flags = process_tree_lock();
	if (task->ptrace.tracer != NULL || task->exited || task->signals.exiting) {
		result = -EPERM;
	} else {
		task->ptrace.options = (u32)options;
		task->ptrace.seized = seize;
		task->ptrace.privileged = capable(CAP_SYS_PTRACE);
		link_locked(task, current);
	}
	process_tree_unlock(flags);
	return result;
}

/* One that is in a group stop goes over to a stop for us. */
static void wake_stopped(struct task *task)
{
	struct process *process = task->process;
	unsigned long flags = spin_lock_irqsave(&process->lock);

	if (task->signals.stopped)
		task_wake_if(task, TASK_STOPPED);
	spin_unlock_irqrestore(&process->lock, flags);
}

long ptrace_attach(struct task *task)
{
	struct siginfo info;
	long result = bind(task, 0, false);

	if (result != 0)
		return result;
	siginfo_init(&info, SIGSTOP, SI_KERNEL);
	(void)signal_send_task(task, &info);
	wake_stopped(task);
	return 0;
}

long ptrace_seize(struct task *task, u64 address, u64 options)
{
	if (address != 0 || options & ~(u64)PTRACE_O_MASK)
		return -EIO;
	long result = bind(task, options, true);
	if (result == 0)
		wake_stopped(task);
	return result;
}

long ptrace_interrupt(struct task *task)
{
	struct process *process = task->process;
	long result = -EIO;

	unsigned long flags = process_tree_lock();
	if (task->ptrace.tracer != current || task->exited) {
		result = -ESRCH;
	} else if (task->ptrace.seized) {
		result = 0;
		spin_lock(&process->lock);
		if (task->ptrace.listening) {
			ptrace_continued_locked(task);
		} else {
			task->ptrace.trap_wanted = true;
			task_work_set(task, TASK_WORK_STOP);
			task_interrupt(task, TASK_INTERRUPTIBLE);
		}
		spin_unlock(&process->lock);
	}
	process_tree_unlock(flags);
	return result;
}

void ptrace_join_locked(struct task *child)
{
	const struct ptrace_task *mine = &current->ptrace;

	child->ptrace.options = mine->options;
	child->ptrace.seized = mine->seized;
	child->ptrace.privileged = mine->privileged;
	link_locked(child, mine->tracer);
	if (mine->seized) {
		child->ptrace.trap_wanted = true;
		task_work_set(child, TASK_WORK_STOP);
	} else {
		child->signals.pending.present |= SIGNAL_BIT(SIGSTOP);
		task_work_set(child, TASK_WORK_SIGNAL);
	}
}

/* --- Ending --- */

long ptrace_detach(struct task *task, u64 signal)
{
	if (signal > SIGNAL_MAX)
		return -EIO;
	unsigned long flags = process_tree_lock();
	ptrace_end_locked(task);
	ptrace_resume_locked(task, (int)signal);
	process_tree_unlock(flags);
	return 0;
}

static void let_go_locked(struct task *task, struct list_head *dead)
{
	bool was_dead = task->ptrace.dead;

	if (task->ptrace.options & PTRACE_O_EXITKILL && !task->exited) {
		spin_lock(&task->process->lock);
		process_begin_exit_locked(task->process, SIGKILL);
		spin_unlock(&task->process->lock);
	}
	ptrace_end_locked(task);
	ptrace_resume_locked(task, 0);
	if (was_dead)
		task_settle_death_locked(task, dead);
}

void ptrace_tracer_exits_locked(struct task *task, struct list_head *dead)
{
	struct task *tracee, *following;

	list_for_each_entry_safe (tracee, following, &task->ptrace.traced, ptrace.traced_link)
		let_go_locked(tracee, dead);
}

pid_t ptrace_tracer_number(struct task *task)
{
	unsigned long flags = process_tree_lock();
	pid_t number = task->ptrace.tracer != NULL ? task_shown(task->ptrace.tracer) : 0;

	process_tree_unlock(flags);
	return number;
}
