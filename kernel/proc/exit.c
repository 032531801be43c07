/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of threads and processes.
 *
 * A thread that exits lets go of its memory, files and context, hands its children on if it was the
 * last to begin to exit, and leaves the tree.  All but the leader vanish at once; the leader stays
 * as a zombie until all others have gone and the parent has waited (proc/wait.c), or at once if the
 * parent does not care.
 *
 * exit_group, fatal signals and exec end other threads by TASK_WORK_KILL, which each sees before it
 * next runs user code. Children belong to the process, so they are handed on only when it dies: to
 * the nearest ancestor that asked for it (PR_SET_CHILD_SUBREAPER), or init.
 */
#include "lib/abi/signal.h"
#include "lib/abi/wait.h"
#include "lib/assert.h"
#include "lib/lock_order.h"
#include "lib/panic.h"
#include "lib/trace.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/acct.h"
#include "proc/coredump.h"
#include "proc/credentials.h"
#include "proc/hooks.h"
#include "proc/namespace.h"
#include "proc/pid_namespace.h"
#include "proc/proc_internal.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "proc/time.h"

#define KILL_STATES (TASK_INTERRUPTIBLE | TASK_KILLABLE | TASK_STOPPED | TASK_TRACED)

void task_kill(struct task *task)
{
	task_work_set(task, TASK_WORK_KILL);
	task_interrupt(task, KILL_STATES);
}

void process_begin_exit_locked(struct process *process, int status)
{
	struct task *task;

	if (!process->exiting) {
		process->exiting = true;
		process->exit_group_status = status;
	}
	for_each_thread(task, process)
	{
		if (!task_kill_pending(task))
			task_kill(task);
	}
}

void process_exit_group(int status)
{
	struct process *process = current->process;

	unsigned long flags = spin_lock_irqsave(&process->lock);
	process_begin_exit_locked(process, status);
	status = process->exit_group_status;
	spin_unlock_irqrestore(&process->lock, flags);
	task_exit(status);
}

/* --- Letting go --- */

static void clear_child_tid(struct task *task)
{
	vaddr_t address = task->clear_child_tid;
	u32 zero = 0;

	task->clear_child_tid = 0;
	/* Nobody waits in a memory that goes away with us. */
	if (!address || __atomic_load_n(&task->space->refs, __ATOMIC_RELAXED) == 1)
		return;
	if (put_user(zero, address) == 0 && futex_hooks)
		futex_hooks->wake(address, 1);
}

static void record_peak(struct process *process, const struct address_space *space)
{
	u64 peak = READ_ONCE(space->peak_resident) * PAGE_SIZE;

	unsigned long flags = spin_lock_irqsave(&process->lock);
	process->dead_threads.max_resident = MAX(process->dead_threads.max_resident, peak);
	spin_unlock_irqrestore(&process->lock, flags);
}

void task_leave_space(struct address_space *next)
{
	struct task *task = current;
	struct address_space *old = task->space;

	if (old) {
		if (futex_hooks)
			futex_hooks->release(task);
		clear_child_tid(task);
		record_peak(task->process, old);
	}
	preempt_disable();
	unsigned long flags = spin_lock_irqsave(&task->lock);
	task->space = next;
	spin_unlock_irqrestore(&task->lock, flags);
	vmm_switch_address_space(next);
	preempt_enable();
	vfork_complete(task);
	vmm_put_address_space(old);
}

static void leave_files(struct task *task)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	struct files *files = task->files;
	struct fs_context *fs = task->fs;
	task->files = NULL;
	task->fs = NULL;
	spin_unlock_irqrestore(&task->lock, flags);

	if (files)
		file_hooks->files_put(files);
	if (fs)
		file_hooks->fs_put(fs);
}

/* --- The family --- */

/* Tells the parent of a zombie; true when nobody wants to wait for it. */
static bool notify_death_locked(struct process *process)
{
	struct process *parent = process->parent;
	struct process_usage usage;
	int status = process->exit_status;
	int signal = status & 0x7f;

	process_usage(process, &usage);
	struct child_event event = {
		.pid = pid_number_in(process->numbers, pid_namespace_of(parent->numbers)),
		.uid = process_uid(process),
		.code = signal == 0                 ? CLD_EXITED
			: status & WAIT_STATUS_CORE ? CLD_DUMPED
						    : CLD_KILLED,
		.status = signal == 0 ? status >> 8 & 0xff : signal,
		.user_time = usage.user_time,
		.system_time = usage.system_time,
	};
	bool unwanted = signal_notify_parent(parent, process->exit_signal, &event);
	wake_up_all(&parent->child_wait);
	return unwanted;
}

/* Takes an unwanted zombie out of the tree; its leader goes on the list for bury_all. */
static void reap_locked(struct process *process, struct list_head *dead)
{
	process->reaped = true;
	struct task *leader = process_unlink_locked(process);
	list_add_tail(&leader->thread_link, dead);
}

void tasks_bury(struct list_head *dead)
{
	struct task *task, *following;

	list_for_each_entry_safe (task, following, dead, thread_link) {
		list_remove(&task->thread_link);
		if (task->ptrace.dead)
			task_put(task);
		else
			process_bury(task->process, task);
	}
}

/* The process is a zombie once its leader and all others are done. */
static void check_zombie_locked(struct process *process, struct list_head *dead)
{
	if (process->zombie || !process->leader->exited || process->thread_count != 1 ||
	    process->exec_task)
		return;
	process->exit_status =
		process->exiting ? process->exit_group_status : process->leader->exit_status;
	process->stop_report = 0;
	process->continue_report = false;
	WRITE_ONCE(process->zombie, true);
	if (wait_queue_active(&process->end_watchers))
		wake_up_all(&process->end_watchers);
	struct task *leader = process->leader;
	if (leader->ptrace.tracer && leader->ptrace.tracer->process != process->parent)
		ptrace_report_death_locked(leader, process->exit_status);
	else if (notify_death_locked(process))
		reap_locked(process, dead);
}

static struct process *find_reaper_locked(struct process *process)
{
	struct process *last = pid_namespace_reaper_locked(process);

	for (struct process *at = process->parent; at && at != last; at = at->parent) {
		/* Not beyond the namespace. */
		if (at == &kernel_process || at->numbers->level < process->numbers->level)
			break;
		if (at->child_subreaper && at->live_threads != 0)
			return at;
	}
	return last;
}

static void send_parent_death_signal_locked(struct process *child)
{
	struct task *task;

	for_each_thread(task, child)
	{
		if (task->parent_death_signal) {
			struct siginfo info;
			siginfo_init_user(&info, task->parent_death_signal, SI_USER);
			(void)!signal_send_task(task, &info);
		}
	}
}

/* The last thread hands all children on. */
static void hand_on_children_locked(struct process *process, struct list_head *dead)
{
	struct process *child, *following, *reaper = find_reaper_locked(process);

	list_for_each_entry_safe (child, following, &process->children, sibling_link) {
		child->parent = reaper;
		WRITE_ONCE(child->parent_pid,
			   pid_number_in(reaper->numbers, pid_namespace_of(child->numbers)));
		child->parent_thread = NULL;
		child->exit_signal = SIGCHLD;
		list_move_tail(&child->sibling_link, &reaper->children);
		send_parent_death_signal_locked(child);
		if (child->zombie && !child->reaped && !child->leader->ptrace.dead &&
		    notify_death_locked(child))
			reap_locked(child, dead);
	}
}

void process_reap_zombies(struct process *process)
{
	struct list_head dead = LIST_INIT(dead);
	struct process *child, *following;

	unsigned long flags = process_tree_lock();
	list_for_each_entry_safe (child, following, &process->children, sibling_link) {
		if (child->zombie && !child->reaped && !child->leader->ptrace.dead)
			reap_locked(child, &dead);
	}
	process_tree_unlock(flags);
	tasks_bury(&dead);
}

/* A thread that is not the last: its children become the leader's, for those who ask (__WNOTHREAD).
 */
static void hand_on_to_sibling_locked(struct task *task)
{
	struct process *child;

	list_for_each_entry (child, &task->process->children, sibling_link) {
		if (child->parent_thread == task) {
			child->parent_thread = task->process->leader;
			send_parent_death_signal_locked(child);
		}
	}
}

void thread_leave_process_locked(struct task *task)
{
	struct process *process = task->process;
	struct process_usage usage;

	task_usage(task, &usage);
	process_remove_thread_locked(process, task);
	spin_lock(&process->lock);
	usage_add(&process->dead_threads, &usage);
	spin_unlock(&process->lock);
}

/* A thread, not the leader, is gone for good: the caller has the reference that its number held. */
static void forget_thread_locked(struct task *task)
{
	ptrace_unlink_locked(task);
	if (!list_empty(&task->thread_link))
		thread_leave_process_locked(task);
	task_unhash_locked(task);
}

/* Leaves the tree.  Returns the reference that the number held, if it is gone.  A traced thread
 * stays for its tracer; an exec does not wait for that. */
static struct task *leave_tree_locked(struct task *task)
{
	struct process *process = task->process;

	task->exited = true;
	if (task == process->leader)
		return NULL;
	if (task->ptrace.tracer) {
		if (process->exec_task)
			thread_leave_process_locked(task);
		ptrace_report_death_locked(task, task->exit_status);
		return NULL;
	}
	forget_thread_locked(task);
	return task;
}

void task_settle_death_locked(struct task *task, struct list_head *dead)
{
	struct process *process = task->process;

	if (task != process->leader) {
		forget_thread_locked(task);
		list_add_tail(&task->thread_link, dead);
		if (process->exec_task)
			wake_up_all(&process->child_wait);
		else
			check_zombie_locked(process, dead);
		return;
	}
	ptrace_unlink_locked(task);
	task->ptrace.dead = false;
	if (notify_death_locked(process))
		reap_locked(process, dead);
}

static void exit_notify(struct task *task, bool last)
{
	struct process *process = task->process;
	struct list_head dead = LIST_INIT(dead);

	unsigned long flags = process_tree_lock();
	if (last) {
		session_orphan_groups_locked(process);
		hand_on_children_locked(process, &dead);
	} else {
		hand_on_to_sibling_locked(task);
	}
	ptrace_tracer_exits_locked(task, &dead);
	struct task *gone = leave_tree_locked(task);
	if (process->exec_task)
		wake_up_all(&process->child_wait);
	else
		check_zombie_locked(process, &dead);
	process_tree_unlock(flags);

	if (gone)
		task_put(gone);
	tasks_bury(&dead);
}

/* Counts the thread out; true when it is the last to begin to exit. */
static bool begin_exit(struct task *task, int status)
{
	struct process *process = task->process;

	unsigned long flags = process_tree_lock();
	spin_lock(&process->lock);
	task->flags |= TASK_EXITING;
	task->exit_status = process->exiting ? process->exit_group_status : status;
	bool last = --process->live_threads == 0;
	bool awaited = process->dumper != NULL;
	spin_unlock(&process->lock);
	if (awaited)
		wake_up_all(&process->child_wait);
	process_tree_unlock(flags);
	return last;
}

/* Death by SIGKILL does not wait for a tracer. */
static void stop_for_tracer(struct process *process, int status)
{
	if (!ptrace_wants_event(PTRACE_EVENT_EXIT))
		return;
	status = READ_ONCE(process->exiting) ? process->exit_group_status : status;
	if ((status & 0x7f) == SIGKILL)
		return;
	task_work_clear(current, TASK_WORK_KILL);
	ptrace_event(PTRACE_EVENT_EXIT, (u64)status);
	task_work_set(current, TASK_WORK_KILL);
}

static void __noreturn switch_away_for_ever(void)
{
	/* An interrupt that preempted a task already marked dead would have it buried while it is
	 * still queued. */
	irq_disable();
	lock_order_expect_none("a task ends");
	task_set_state(TASK_DEAD);
	schedule();
	panic("a dead task runs");
}

void task_exit(int status)
{
	struct task *task = current;
	struct process *process = task->process;

	ENSURE(!in_interrupt() && !(task->flags & TASK_IDLE));
	trace_point(TRACE_TASK_EXIT, (u32)status, 0, 0, 0);
	if (process != &kernel_process) {
		coredump_park();
		stop_for_tracer(process, status);
		signal_exit_task();
		bool last = begin_exit(task, status);
		sched_task_exit();
		if (last && process == init_process())
			panic("the first program has ended: status %#06x", task->exit_status);
		if (last)
			process_timers_release(process);
		bool recorded = last && acct_is_on();
		u64 pages = recorded ? READ_ONCE(task->space->total_pages) : 0;
		task_leave_space(NULL);
		if (last)
			process_drop_executable(process);
		leave_files(task);
		if (recorded)
			acct_process_end(task->exit_status, pages);
		if (task->sem_undo)
			ipc_hooks->leave_undo(task);
		namespaces_leave(task);
		if (last)
			session_exit(process);
		if (last)
			pid_namespace_end(process);
		exit_notify(task, last);
	}
	switch_away_for_ever();
}

void process_report_stop_locked(struct process *process, int code, int status)
{
	struct process *parent = process->parent;
	const struct task *leader = process->leader;
	struct process_usage usage;

	/* The parent knows it already as the tracer. */
	if (code == CLD_STOPPED && leader && leader->ptrace.tracer &&
	    leader->ptrace.tracer->process == parent)
		return;
	process->stop_report = code == CLD_STOPPED ? status : 0;
	process->continue_report = code == CLD_CONTINUED;
	process_usage(process, &usage);
	struct child_event event = {
		.pid = pid_number_in(process->numbers, pid_namespace_of(parent->numbers)),
		.uid = process_uid(process),
		.code = code,
		.status = status,
		.user_time = usage.user_time,
		.system_time = usage.system_time,
	};
	signal_notify_parent(parent, SIGCHLD, &event);
	wake_up_all(&parent->child_wait);
}
