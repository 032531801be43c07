/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tracee's stops.
 *
 * The tracee notes why it stops and tells the tracer under process_tree_lock, then sleeps until
 * `stopped` is false.  Death ends the stop as well, unless the tracer is just looking (`frozen`);
 * so the tracer finds registers and memory as they were.  What the tracer has decided is in
 * resume_signal and in the task's registers, and single steps in call_work.
 *
 * Registers that the tracer has changed are all loaded only on the way out through signal delivery,
 * so each stop but the one at a call's entry is followed by that (TASK_WORK_SIGNAL).
 */
#include "arch/debug.h"
#include "lib/abi/wait.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/ptrace_internal.h"
#include "proc/sched.h"
#include "proc/signal_internal.h"
#include "proc/pid_namespace.h"
#include "proc/user_namespace.h"
#include "proc/wait.h"

/* Information for stops that are no signal's. */
static void describe_stop(struct siginfo *info, u32 code)
{
	siginfo_init(info, SIGTRAP, (int)code);
	info->sender.pid = task_shown(current);
	info->sender.uid = uid_shown(current->credentials->uid);
}

static void tell_tracer_locked(struct task *task)
{
	struct process *tracer = task->ptrace.tracer->process;
	struct child_event event = {
		.pid = pid_number_in(task->numbers, pid_namespace_of(tracer->numbers)),
		.uid = current->credentials->uid,
		.code = CLD_TRAPPED,
		.status = (int)task->ptrace.code & 0x7f,
	};

	signal_notify_parent(tracer, SIGCHLD, &event);
	wake_up_all(&tracer->child_wait);
}

/* Steps end where the task stops. */
static void stop_stepping(struct task *task)
{
	if (!(task->call_work & CALL_STEP))
		return;
	__atomic_and_fetch(&task->call_work, ~(u32)CALL_STEP, __ATOMIC_RELAXED);
	arch_step(task_frame_of(task), false);
}

/*
 * Stops with a code, information (or NULL) and a message, until the tracer or death says otherwise.
 * False when there was no tracer.
 */
static bool stop(u32 code, const struct siginfo *info, u64 message)
{
	struct ptrace_task *mine = &current->ptrace;

	unsigned long flags = process_tree_lock();
	if (mine->tracer == NULL || task_kill_pending(current)) {
		process_tree_unlock(flags);
		return false;
	}
	stop_stepping(current);
	mine->code = code;
	mine->message = message;
	mine->has_info = info != NULL;
	if (info != NULL)
		mine->info = *info;
	mine->resume_signal = 0;
	mine->reported = false;
	mine->stopped = true;
	task_set_state(TASK_TRACED);
	tell_tracer_locked(current);
	while (mine->stopped && (mine->frozen || !task_kill_pending(current))) {
		task_set_state(TASK_TRACED);
		process_tree_unlock(flags);
		schedule();
		flags = process_tree_lock();
	}
	task_set_state(TASK_RUNNING);
	mine->stopped = false;
	mine->listening = false;
	if (mine->has_info && info != NULL)
		mine->has_info = false;
	process_tree_unlock(flags);
	return true;
}

/* --- Signals --- */

int ptrace_signal(int signal, struct siginfo *info)
{
	struct ptrace_task *mine = &current->ptrace;
	struct process *process = current->process;

	if (!ptrace_is_traced(current) || signal == SIGKILL)
		return signal;
	if (!stop((u32)signal, info, 0))
		return signal;
	if (task_kill_pending(current) || mine->resume_signal == 0)
		return 0;
	if (mine->resume_signal == signal)
		*info = mine->info;
	else
		siginfo_init(info, mine->resume_signal, SI_USER);
	/* The tracer's choice may be blocked: then it waits like any other. */
	if (!(SIGNAL_BIT(mine->resume_signal) & current->signals.blocked))
		return mine->resume_signal;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	(void)signal_send_locked(process, current, info, NULL);
	spin_unlock_irqrestore(&process->lock, flags);
	return 0;
}

void ptrace_job_stop(int signal)
{
	struct siginfo info;
	u32 code = (u32)signal;

	if (READ_ONCE(current->ptrace.seized)) {
		code = (u32)(signal != 0 ? signal : SIGTRAP) | PTRACE_EVENT_STOP << 8;
		describe_stop(&info, code);
		stop(code, &info, 0);
	} else if (signal != 0) {
		stop(code, NULL, 0);
	}
}

void ptrace_handler_entered(void)
{
	struct siginfo info;

	if (!(current->call_work & CALL_STEP))
		return;
	describe_stop(&info, SIGTRAP);
	stop(SIGTRAP, &info, 0);
}

/* --- Events --- */

bool ptrace_wants_event(int event)
{
	return ptrace_is_traced(current) &&
	       READ_ONCE(current->ptrace.options) & BIT((unsigned)event);
}

void ptrace_event(int event, u64 message)
{
	struct siginfo info;
	u32 code = SIGTRAP | (u32)event << 8;

	if (!ptrace_wants_event(event))
		return;
	describe_stop(&info, code);
	stop(code, &info, message);
	task_work_set(current, TASK_WORK_SIGNAL);
	/* The call that this belongs to began before anybody wanted to see its end. */
	if (current->call_work & CALL_PTRACE && !current->ptrace.in_call)
		task_work_set(current, TASK_WORK_CALL_EXIT);
}

pid_t ptrace_number(const struct task *task)
{
	pid_t number = 0;

	if (!ptrace_is_traced(current))
		return 0;
	unsigned long flags = process_tree_lock();
	if (current->ptrace.tracer != NULL)
		number = pid_number_in(task->numbers,
				       pid_namespace_of(current->ptrace.tracer->numbers));
	process_tree_unlock(flags);
	return number;
}

void ptrace_exec(pid_t old_tid)
{
	struct siginfo info;

	if (!ptrace_is_traced(current))
		return;
	__atomic_and_fetch(&current->call_work, ~(u32)CALL_STEP, __ATOMIC_RELAXED);
	if (ptrace_wants_event(PTRACE_EVENT_EXEC)) {
		ptrace_event(PTRACE_EVENT_EXEC, (u64)old_tid);
	} else if (!READ_ONCE(current->ptrace.seized)) {
		siginfo_init(&info, SIGTRAP, SI_USER);
		info.sender.pid = task_shown(current);
		(void)signal_send_task(current, &info);
	}
}

/* --- System calls --- */

static void stop_at_syscall(u64 phase)
{
	struct siginfo info;
	u32 code = SIGTRAP;

	if (READ_ONCE(current->ptrace.options) & PTRACE_O_TRACESYSGOOD)
		code |= 0x80;
	describe_stop(&info, code);
	if (!stop(code, &info, phase))
		return;
	if (phase == SYSCALL_INFO_EXIT)
		task_work_set(current, TASK_WORK_SIGNAL);
	if (current->ptrace.resume_signal != 0) {
		siginfo_init_user(&info, current->ptrace.resume_signal, SI_USER);
		(void)signal_send_task(current, &info);
	}
}

bool ptrace_syscall_enter(void)
{
	current->ptrace.in_call = true;
	if (current->call_work & (CALL_TRACE | CALL_EMULATE))
		stop_at_syscall(SYSCALL_INFO_ENTRY);
	return !task_kill_pending(current);
}

void ptrace_syscall_exit(void)
{
	struct siginfo info;

	current->ptrace.in_call = false;
	if ((current->call_work & (CALL_STEP | CALL_EMULATE)) == CALL_STEP) {
		siginfo_init(&info, SIGTRAP, TRAP_TRACE);
		info.fault.address = trap_ip(task_frame());
		signal_force(&info);
	} else if (current->call_work & CALL_TRACE) {
		stop_at_syscall(SYSCALL_INFO_EXIT);
	}
}

/* --- Going on --- */

void ptrace_resume_locked(struct task *task, int signal)
{
	struct ptrace_task *its = &task->ptrace;

	if (!its->stopped)
		return;
	its->resume_signal = signal;
	its->stopped = false;
	its->listening = false;
	task_wake_if(task, TASK_TRACED);
}

void ptrace_continued_locked(struct task *task)
{
	struct ptrace_task *its = &task->ptrace;

	if (!ptrace_is_traced(task) || !its->seized)
		return;
	its->trap_wanted = true;
	task_work_set(task, TASK_WORK_STOP);
	if (READ_ONCE(its->listening)) {
		WRITE_ONCE(its->stopped, false);
		task_wake_if(task, TASK_TRACED);
	} else {
		task_interrupt(task, TASK_INTERRUPTIBLE);
	}
}

/* --- Death --- */

void ptrace_report_death_locked(struct task *task, int status)
{
	struct process *tracer = task->ptrace.tracer->process;
	int signal = status & 0x7f;
	struct child_event event = {
		.pid = pid_number_in(task->numbers, pid_namespace_of(tracer->numbers)),
		.uid = process_uid(task->process),
		.code = signal == 0 ? CLD_EXITED : CLD_KILLED,
		.status = signal == 0 ? status >> 8 & 0xff : signal,
	};

	task->ptrace.dead = true;
	task->ptrace.code = (u32)status;
	signal_notify_parent(tracer, SIGCHLD, &event);
	wake_up_all(&tracer->child_wait);
}
