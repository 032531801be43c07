/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program has one thread when it starts: exec ends the others, and the one that called it becomes
 * the leader.
 *
 * process->exec_task says that this is under way: threads that end wake us instead of looking
 * whether the process is a zombie, and new threads die at birth.  A leader that has ended stays in
 * the tree until then; we take its number over, and it vanishes under ours.
 */
#include "lib/abi/signal.h"
#include "lib/abi/wait.h"
#include "lib/errno.h"
#include "proc/exec_internal.h"
#include "proc/proc_internal.h"
#include "proc/process.h"
#include "proc/ptrace.h"

/* Those that are dead and wait for their tracer only do not count. */
static void part_from_dead_locked(struct process *process)
{
	struct task *task, *following;

	list_for_each_entry_safe (task, following, &process->threads, thread_link) {
		if (task->ptrace.dead && task != process->leader)
			thread_leave_process_locked(task);
	}
}

static bool begin(struct process *process)
{
	struct task *task;

	unsigned long flags = process_tree_lock();
	part_from_dead_locked(process);
	spin_lock(&process->lock);
	bool allowed = !process->exiting && !process->exec_task;
	if (allowed) {
		process->exec_task = current;
		for_each_thread(task, process)
		{
			if (task != current && !task->exited)
				task_kill(task);
		}
	}
	spin_unlock(&process->lock);
	process_tree_unlock(flags);
	return allowed;
}

static void end(struct process *process)
{
	unsigned long flags = process_tree_lock();
	spin_lock(&process->lock);
	process->exec_task = NULL;
	spin_unlock(&process->lock);
	process_tree_unlock(flags);
}

/* Nobody left but us, and perhaps a leader that has ended. */
static bool is_alone(struct process *process)
{
	u32 count = READ_ONCE(process->thread_count);

	if (process->leader == current)
		return count == 1;
	return count == 2 && READ_ONCE(process->leader->exited);
}

/* We get the leader's number, it gets ours. */
static void exchange_numbers_locked(struct task *task, struct task *leader)
{
	struct pid *pid = task->pid, *numbers = task->numbers;

	task->pid = leader->pid;
	leader->pid = pid;
	WRITE_ONCE(task->numbers, leader->numbers);
	WRITE_ONCE(leader->numbers, numbers);
	task->pid->task = task;
	leader->pid->task = leader;
	task->tid = task->pid->number;
	leader->tid = leader->pid->number;
}

/* What the leader made, or was left by other threads, counts as ours. */
static void take_children_locked(struct process *process)
{
	struct process *child;

	list_for_each_entry (child, &process->children, sibling_link)
		child->parent_thread = current;
}

static void replace_leader(struct process *process)
{
	struct task *leader = process->leader;
	struct process_usage usage;

	unsigned long flags = process_tree_lock();
	task_usage(leader, &usage);
	exchange_numbers_locked(current, leader);
	take_children_locked(process);
	ptrace_unlink_locked(leader);
	process_remove_thread_locked(process, leader);
	spin_lock(&process->lock);
	process->leader = current;
	usage_add(&process->dead_threads, &usage);
	spin_unlock(&process->lock);
	task_unhash_locked(leader);
	process_tree_unlock(flags);
	task_put(leader);
}

int exec_become_single(void)
{
	struct process *process = current->process;

	if (!process_is_single(process)) {
		if (!begin(process))
			return -EAGAIN;
		int error = wait_event_killable(&process->child_wait, is_alone(process));
		if (!error && process->leader != current)
			replace_leader(process);
		end(process);
		if (error)
			return -EAGAIN;
	}
	process->exit_signal = SIGCHLD;
	return 0;
}
