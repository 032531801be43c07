/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending signals.
 *
 * A signal goes to one thread's queue or to the process's.  Before it is queued it takes effect in
 * two ways that do not wait for delivery: SIGCONT ends a stop, and stop signals and SIGCONT cancel
 * each other.  One that is ignored and not blocked is dropped here.  Then a thread is chosen that
 * does not block it, flagged and kicked; if the signal will kill the process for sure, the whole
 * process is told to exit at once, so that even a thread that never returns to user mode soon goes.
 *
 * TASK_WORK_SIGNAL is a hint: it may be set with nothing to deliver (another thread took the
 * signal).  It is set here, and cleared by the task itself alone, in signal_deliver, so that a
 * system call that was interrupted always passes there and has its -ERESTART result replaced.
 */
#include "proc/signal.h"

#include "arch/cpu.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/trace.h"
#include "proc/credentials.h"
#include "proc/pid_namespace.h"
#include "proc/ptrace.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/signal_internal.h"
#include "proc/user_namespace.h"

void siginfo_init(struct siginfo *info, int signal, int code)
{
	*info = (struct siginfo){.signo = signal, .code = code};
}

void siginfo_init_user(struct siginfo *info, int signal, int code)
{
	siginfo_init(info, signal, code);
	info->sender.pid = process_shown(current->process);
	info->sender.uid = uid_shown(current->credentials->uid);
}

bool signal_is_default_ignored(const struct process *process, int signal)
{
	vaddr_t handler = signal_handler(process, signal);

	return handler == SIG_IGN || (handler == SIG_DFL && (SIGNAL_BIT(signal) & SIGNALS_IGNORE));
}

void signal_flush_locked(struct process *process, sigset_t set)
{
	struct task *task;

	signal_queue_flush(&process->signals.pending, set);
	for_each_thread(task, process) signal_queue_flush(&task->signals.pending, set);
}

void signal_update_current_locked(void)
{
	sigset_t pending =
		current->signals.pending.present | current->process->signals.pending.present;

	if (pending & ~signal_blocked_now(current))
		task_work_set(current, TASK_WORK_SIGNAL);
}

/* A stopped thread takes nothing but SIGKILL: the rest waits until it goes on, when it looks at
 * what is pending. */
static bool can_take(const struct task *task, int signal)
{
	const struct signal_task *its = &task->signals;

	if (its->exiting)
		return false;
	if (signal == SIGKILL)
		return true;
	return !its->stopped && !its->stop_pending &&
	       !(SIGNAL_BIT(signal) & signal_blocked_now(task));
}

/* A thread that can take the signal at once, the leader rather than another; NULL: it waits until
 * somebody unblocks it. */
static struct task *choose_thread(struct process *process, int signal)
{
	struct task *task, *second = NULL;

	if (process->leader != NULL && can_take(process->leader, signal))
		return process->leader;
	for_each_thread(task, process)
	{
		if (!can_take(task, signal))
			continue;
		if (!(task_work(task) & TASK_WORK_SIGNAL))
			return task;
		if (second == NULL)
			second = task;
	}
	return second;
}

void signal_retarget_locked(struct process *process, sigset_t set)
{
	sigset_t waiting = process->signals.pending.present & set;
	struct task *task;

	if (waiting == 0)
		return;
	for_each_thread(task, process)
	{
		sigset_t taken = waiting & ~signal_blocked_now(task);

		if (task == current || task->signals.exiting || taken == 0)
			continue;
		task_work_set(task, TASK_WORK_SIGNAL);
		task_interrupt(task, TASK_INTERRUPTIBLE);
		waiting &= ~taken;
		if (waiting == 0)
			return;
	}
}

/* Would delivering it to a thread that does not block it end the process? */
static bool is_fatal(const struct process *process, int signal)
{
	if (signal_handler(process, signal) != SIG_DFL)
		return false;
	if (SIGNAL_BIT(signal) & (SIGNALS_IGNORE | SIGNALS_STOP))
		return false;
	/* The thread itself writes the core. */
	if (SIGNAL_BIT(signal) & SIGNALS_CORE && process->limits[RLIMIT_CORE].soft != 0)
		return false;
	return !process->signals.unkillable || signal == SIGKILL;
}

static bool is_a_programs(const struct siginfo *info)
{
	return info->code == SI_USER || info->code == SI_QUEUE || info->code == SI_TKILL;
}

/* Does a program send it that the process cannot see, being in a namespace below? */
static bool is_from_above(const struct process *process, const struct siginfo *info)
{
	return is_a_programs(info) && process->numbers != NULL && process->numbers->level > 0 &&
	       current->numbers != NULL &&
	       pid_number_in(current->numbers, pid_namespace_of(process->numbers)) == 0;
}

static void announce(struct process *process, struct task *task, int signal)
{
	/* Who changes its mask without the lock looks at what is pending afterwards. */
	mb();
	if (wait_queue_active(&process->signals.watchers))
		wake_up_all(&process->signals.watchers);
	if (task == NULL)
		task = choose_thread(process, signal);
	else if (!can_take(task, signal))
		task = NULL;
	if (task == NULL)
		return;
	if (is_fatal(process, signal) && (signal == SIGKILL || !ptrace_is_traced(task)) &&
	    !(SIGNAL_BIT(signal) & task->signals.waited)) {
		process_begin_exit_locked(process, signal);
		return;
	}
	task_work_set(task, TASK_WORK_SIGNAL);
	task_interrupt(task, TASK_INTERRUPTIBLE);
}

/* Is the signal to be thrown away?  A blocked one is kept, because the handler may change before it
 * is unblocked. */
static bool is_dropped(const struct process *process, const struct task *task,
		       const struct siginfo *info)
{
	int signal = info->signo;

	if (process->exiting || process->zombie)
		return true;
	if (process->signals.unkillable && signal_handler(process, signal) == SIG_DFL &&
	    !(SIGNAL_BIT(signal) & SIGNALS_UNBLOCKABLE && is_from_above(process, info)))
		return true;
	if (task == NULL)
		task = process->leader;
	if (task != NULL && (task->signals.blocked & SIGNAL_BIT(signal)))
		return false;
	if (task != NULL && ptrace_is_traced(task) && signal != SIGKILL)
		return false;
	return signal_is_default_ignored(process, signal);
}

/* The sender as the receiver's namespaces have it. */
static void translate_sender(const struct process *process, struct siginfo *info)
{
	struct task *receiver = process->leader;

	if (is_from_above(process, info))
		info->sender.pid = 0;
	if (receiver == NULL || !namespace_made(NAMESPACE_USER))
		return;
	struct credentials *theirs = credentials_of_task(receiver);
	if (theirs->user_namespace != current->credentials->user_namespace)
		info->sender.uid =
			uid_shown_in(theirs->user_namespace, uid_given(info->sender.uid));
	credentials_put(theirs);
}

int signal_send_locked(struct process *process, struct task *task, const struct siginfo *info,
		       struct signal_entry *entry)
{
	int signal = info->signo;
	struct signal_queue *queue =
		task != NULL ? &task->signals.pending : &process->signals.pending;

	trace_point(TRACE_SIGNAL, (u64)signal, (u64)(task != NULL ? task->tid : process->pid),
		    (u64)info->code, 0);
	if (process->signals.actions == NULL || (task != NULL && task->signals.exiting))
		return 1;
	if (SIGNAL_BIT(signal) & SIGNALS_STOP)
		signal_flush_locked(process, SIGNAL_BIT(SIGCONT));
	else if (signal == SIGCONT)
		signal_continue_locked(process);
	/* One that stopped on its way out, for its tracer. */
	if (signal == SIGKILL && process->exiting)
		process_begin_exit_locked(process, SIGKILL);
	if (is_dropped(process, task, info))
		return 1;
	if (entry == NULL && signal < SIGRTMIN && (queue->present & SIGNAL_BIT(signal)))
		return 0;
	if (entry == NULL && task != NULL && signal < SIGRTMIN &&
	    task->signals.entry.queue == NULL) {
		entry = &task->signals.entry;
		entry->account = NULL;
		entry->timer = NULL;
	}
	if (entry == NULL) {
		struct task *charged = task != NULL ? task : process->leader;

		entry = signal_entry_create(charged, signal < SIGRTMIN && info->code >= 0);
		if (entry == NULL && signal >= SIGRTMIN && info->code != SI_USER)
			return -EAGAIN;
	}
	if (entry != NULL) {
		entry->info = *info;
		if (is_a_programs(info))
			translate_sender(process, &entry->info);
		signal_queue_add(queue, entry);
	} else {
		queue->present |= SIGNAL_BIT(signal);
	}
	announce(process, task, signal);
	return 0;
}

static int send(struct process *process, struct task *task, const struct siginfo *info)
{
	if (info->signo == 0 || process == &kernel_process)
		return 0;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	int result = signal_send_locked(process, task, info, NULL);
	spin_unlock_irqrestore(&process->lock, flags);
	return result > 0 ? 0 : result;
}

int signal_send(struct process *process, const struct siginfo *info)
{
	return send(process, NULL, info);
}

int signal_send_task(struct task *task, const struct siginfo *info)
{
	return send(task->process, task, info);
}

/* Nothing but its handler is concerned with the signal, and the thread's own entry is free for it. */
static bool is_plain_for_current(int signal)
{
	const struct signal_task *mine = &current->signals;

	return signal < SIGRTMIN && signal_handler(current->process, signal) > SIG_IGN &&
	       !(SIGNAL_BIT(signal) & (SIGNALS_STOP | SIGNAL_BIT(SIGCONT))) &&
	       mine->entry.queue == NULL && !(mine->pending.present & SIGNAL_BIT(signal));
}

/* What signal_send_locked comes to then: details filled in where they wait, nobody to choose. */
static void send_to_current_locked(int signal, int code)
{
	struct signal_task *mine = &current->signals;
	struct signal_entry *entry = &mine->entry;

	trace_point(TRACE_SIGNAL, (u64)signal, (u64)current->tid, (u64)code, 0);
	entry->account = NULL;
	entry->timer = NULL;
	siginfo_init_user(&entry->info, signal, code);
	signal_queue_add(&mine->pending, entry);
	mb(); /* a watcher that has queued itself looks at the signals afterwards */
	if (wait_queue_active(&current->process->signals.watchers))
		wake_up_all(&current->process->signals.watchers);
	if (!(SIGNAL_BIT(signal) & mine->blocked))
		task_work_set(current, TASK_WORK_SIGNAL);
}

int signal_send_current(int signal, int code)
{
	struct process *process = current->process;
	struct siginfo info;

	if (signal == 0)
		return 0;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	bool plain = is_plain_for_current(signal);
	if (plain)
		send_to_current_locked(signal, code);
	spin_unlock_irqrestore(&process->lock, flags);
	if (plain)
		return 0;
	siginfo_init_user(&info, signal, code);
	return signal_send_task(current, &info);
}

void signal_send_kernel(struct process *process, int signal)
{
	struct siginfo info;

	siginfo_init(&info, signal, SI_KERNEL);
	(void)signal_send(process, &info);
}

u32 signal_send_group(struct process_group *group, const struct siginfo *info)
{
	struct process *process;
	u32 count = 0;
	unsigned long flags = process_tree_lock();

	list_for_each_entry (process, &group->members, group_link) {
		(void)signal_send(process, info);
		count++;
	}
	process_tree_unlock(flags);
	return count;
}

void signal_force(const struct siginfo *info)
{
	struct process *process = current->process;
	sigset_t bit = SIGNAL_BIT(info->signo);
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct linux_sigaction *action = signal_action_locked(process, info->signo);

	if ((current->signals.blocked & bit) || action->handler == SIG_IGN) {
		spin_lock(&process->signals.actions->lock);
		action->handler = SIG_DFL;
		spin_unlock(&process->signals.actions->lock);
		current->signals.blocked &= ~bit;
	}
	if (action->handler == SIG_DFL)
		process->signals.unkillable = false;
	(void)signal_send_locked(process, current, info, NULL);
	signal_update_current_locked();
	spin_unlock_irqrestore(&process->lock, flags);
}

void signal_force_fault(int signal, int code, vaddr_t address, int trap_number, u64 trap_error)
{
	struct siginfo info;

	current->signals.trap = (struct signal_trap){
		.number = (u64)trap_number, .error_code = trap_error, .address = address};
	siginfo_init(&info, signal, code);
	info.fault.address = address;
	signal_force(&info);
}

void signal_force_key_fault(u32 key, vaddr_t address, int trap_number, u64 trap_error)
{
	struct siginfo info;

	current->signals.trap = (struct signal_trap){
		.number = (u64)trap_number, .error_code = trap_error, .address = address};
	siginfo_init(&info, SIGSEGV, SEGV_PKUERR);
	info.fault.address = address;
	info.fault.extra[1] = key;
	signal_force(&info);
}

static bool same_session_locked(const struct process *left, const struct process *right)
{
	return left->group != NULL && right->group != NULL &&
	       left->group->session == right->group->session;
}

int signal_permission_locked(struct process *process, int signal)
{
	const struct credentials *mine = current->credentials;

	if (process == current->process)
		return 0;
	struct credentials *theirs = credentials_of_process(process);
	bool same_user = mine->euid == theirs->suid || mine->euid == theirs->uid ||
			 mine->uid == theirs->suid || mine->uid == theirs->uid;

	bool may_kill = capable_in(theirs->user_namespace, CAP_KILL);

	credentials_put(theirs);
	if (same_user || may_kill)
		return 0;
	if (signal == SIGCONT && same_session_locked(process, current->process))
		return 0;
	return -EPERM;
}

int signal_permission(struct process *process, int signal)
{
	if (process == current->process)
		return 0;
	unsigned long flags = process_tree_lock();
	int result = signal_permission_locked(process, signal);

	process_tree_unlock(flags);
	return result;
}

/* A user's number as the process knows it. */
static uid_t shown_to(struct process *process, uid_t uid)
{
	if (likely(!namespace_made(NAMESPACE_USER)))
		return uid;
	struct credentials *theirs = credentials_of_process(process);

	uid = uid_shown_in(theirs->user_namespace, uid);
	credentials_put(theirs);
	return uid;
}

bool signal_notify_parent(struct process *parent, int signal, const struct child_event *event)
{
	struct siginfo info;
	bool is_stop = event->code == CLD_STOPPED || event->code == CLD_CONTINUED ||
		       event->code == CLD_TRAPPED;
	bool unwanted = false;

	if (parent == &kernel_process || signal == 0)
		return false;
	siginfo_init(&info, signal, event->code);
	info.child.pid = event->pid;
	info.child.uid = shown_to(parent, event->uid);
	info.child.status = event->status;
	info.child.user_time = (s64)(event->user_time / (NSEC_PER_SEC / LINUX_CLOCKS_PER_SECOND));
	info.child.system_time =
		(s64)(event->system_time / (NSEC_PER_SEC / LINUX_CLOCKS_PER_SECOND));

	unsigned long flags = spin_lock_irqsave(&parent->lock);
	if (parent->signals.actions != NULL) {
		const struct linux_sigaction *action = signal_action_locked(parent, SIGCHLD);

		if (is_stop) {
			if (action->handler != SIG_IGN && !(action->flags & SA_NOCLDSTOP))
				(void)signal_send_locked(parent, NULL, &info, NULL);
		} else {
			if (signal == SIGCHLD)
				unwanted = action->handler == SIG_IGN ||
					   (action->flags & SA_NOCLDWAIT);
			if (signal != SIGCHLD || action->handler != SIG_IGN)
				(void)signal_send_locked(parent, NULL, &info, NULL);
		}
	}
	spin_unlock_irqrestore(&parent->lock, flags);
	return unwanted;
}

bool signal_is_ignored(struct process *process, int signal)
{
	return signal_handler(process, signal) == SIG_IGN;
}

bool signal_is_blocked_or_ignored(int signal)
{
	return (current->signals.blocked & SIGNAL_BIT(signal)) ||
	       signal_is_ignored(current->process, signal);
}
