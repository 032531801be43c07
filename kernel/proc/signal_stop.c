/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Group stops: a stop signal halts all threads of a process, SIGCONT lets them go on.
 *
 * The thread that takes the stop signal marks all threads (stop_pending) and counts them in
 * stop_remaining; each stops at its next chance, in signal_deliver (`stopped`, TASK_STOPPED).  The
 * one that brings the count to 0 has the parent told.  SIGCONT undoes the marks and wakes the
 * stopped.
 *
 * The parent is told under process_tree_lock, which is outside process->lock; so whoever notices
 * under the latter notes it in `report`, and the next thread of the process that holds no lock
 * delivers the note.
 */
#include "lib/assert.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/signal_internal.h"

static void note_report_locked(struct process *process, int code, int status)
{
	process->signals.report = code;
	process->signals.report_status = status;
}

void signal_report_to_parent(struct process *process)
{
	struct signal_process *signals = &process->signals;

	if (READ_ONCE(signals->report) == 0)
		return;
	unsigned long flags = process_tree_lock();
	spin_lock(&process->lock);
	int code = signals->report;
	int status = signals->report_status;
	signals->report = 0;
	spin_unlock(&process->lock);
	if (code != 0)
		process_report_stop_locked(process, code, status);
	process_tree_unlock(flags);
}

void signal_continue_locked(struct process *process)
{
	struct signal_process *signals = &process->signals;
	struct task *task;

	signals->continues++;
	signal_flush_locked(process, SIGNALS_STOP);
	for_each_thread(task, process) ptrace_continued_locked(task);
	if (signals->stop_signal == 0)
		return;
	if (signals->stop_remaining == 0)
		note_report_locked(process, CLD_CONTINUED, SIGCONT);
	signals->stop_signal = 0;
	signals->stop_remaining = 0;
	for_each_thread(task, process)
	{
		task->signals.stop_pending = false;
		if (!task->signals.stopped)
			continue;
		task->signals.stopped = false;
		task_wake_if(task, TASK_STOPPED);
	}
}

void signal_begin_stop_locked(struct process *process, int signal)
{
	struct signal_process *signals = &process->signals;
	struct task *task;

	if (signals->stop_remaining != 0)
		return;
	signals->stop_signal = signal;
	for_each_thread(task, process)
	{
		if (task->signals.exiting || task->signals.stopped)
			continue;
		task->signals.stop_pending = true;
		signals->stop_remaining++;
		task_work_set(task, TASK_WORK_STOP);
		task_interrupt(task, TASK_INTERRUPTIBLE);
	}
}

void signal_join_locked(struct process *process, struct task *task)
{
	if (process->signals.stop_signal == 0)
		return;
	task->signals.stop_pending = true;
	process->signals.stop_remaining++;
	task_work_set(task, TASK_WORK_STOP);
}

/* One thread less to wait for. */
static void stop_arrived_locked(struct process *process)
{
	struct signal_process *signals = &process->signals;

	ASSERT(signals->stop_remaining > 0);
	if (--signals->stop_remaining == 0)
		note_report_locked(process, CLD_STOPPED, signals->stop_signal);
}

void signal_take_part_in_stop(void)
{
	struct process *process = current->process;
	struct signal_task *mine = &current->signals;
	unsigned long flags = spin_lock_irqsave(&process->lock);

	task_work_clear(current, TASK_WORK_STOP);
	if (mine->stop_pending) {
		mine->stop_pending = false;
		mine->stopped = true;
		stop_arrived_locked(process);
	}
	bool trap = current->ptrace.trap_wanted;
	current->ptrace.trap_wanted = false;
	spin_unlock_irqrestore(&process->lock, flags);
	signal_report_to_parent(process);

	flags = spin_lock_irqsave(&process->lock);
	while ((mine->stopped || trap) && !task_kill_pending(current)) {
		if (ptrace_is_traced(current)) {
			int signal = process->signals.stop_signal;
			spin_unlock_irqrestore(&process->lock, flags);
			ptrace_job_stop(signal);
			flags = spin_lock_irqsave(&process->lock);
			break;
		}
		trap = false;
		if (!mine->stopped)
			break;
		task_set_state(TASK_STOPPED);
		spin_unlock_irqrestore(&process->lock, flags);
		schedule();
		flags = spin_lock_irqsave(&process->lock);
	}
	task_set_state(TASK_RUNNING);
	mine->stopped = false;
	signal_update_current_locked();
	spin_unlock_irqrestore(&process->lock, flags);
	signal_report_to_parent(process);
}

void signal_exit_task(void)
{
	struct process *process = current->process;
	struct signal_task *mine = &current->signals;

	if (process->signals.actions == NULL)
		return;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	mine->exiting = true;
	signal_retarget_locked(process, ~mine->blocked);
	if (mine->stop_pending) {
		mine->stop_pending = false;
		stop_arrived_locked(process);
	}
	spin_unlock_irqrestore(&process->lock, flags);
	signal_report_to_parent(process);
}
