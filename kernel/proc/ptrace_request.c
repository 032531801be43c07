/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a tracer asks for: resuming, and looking.
 *
 * A request on a stopped tracee freezes it first: nothing wakes it until the request is done, and
 * it has left its CPU, so that its registers are in memory.
 */
#include "arch/debug.h"
#include "lib/abi/wait.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/ptrace_internal.h"
#include "proc/sched.h"
#include "proc/signal.h"

/* 0, or -ESRCH when it is not ours or not stopped. */
static long freeze(struct task *task)
{
	unsigned long flags = process_tree_lock();
	bool ours = task->ptrace.tracer == current && task->ptrace.stopped &&
		    !task->ptrace.listening && !task->ptrace.frozen;

	if (ours)
		task->ptrace.frozen = true;
	process_tree_unlock(flags);
	if (!ours)
		return -ESRCH;
	while (task_is_running(task) || READ_ONCE(task->state) != TASK_TRACED)
		task_yield();
	return 0;
}

static void thaw(struct task *task)
{
	unsigned long flags = process_tree_lock();

	task->ptrace.frozen = false;
	if (task_kill_pending(task) || !task->ptrace.stopped)
		task_wake_if(task, TASK_TRACED);
	process_tree_unlock(flags);
}

static long resume(struct task *task, long request, u64 signal)
{
	if (signal > SIGNAL_MAX)
		return -EIO;
	unsigned long flags = process_tree_lock();
	u32 work = request == PTRACE_SYSCALL ? CALL_TRACE : 0;
	if (request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP)
		work = CALL_EMULATE;
	if (request == PTRACE_SINGLESTEP || request == PTRACE_SYSEMU_SINGLESTEP) {
		work |= CALL_STEP;
		arch_step(task_frame_of(task), true);
	}
	__atomic_and_fetch(&task->call_work, ~(u32)CALL_PTRACE, __ATOMIC_RELAXED);
	__atomic_or_fetch(&task->call_work, work, __ATOMIC_RELAXED);
	ptrace_resume_locked(task, (int)signal);
	process_tree_unlock(flags);
	return 0;
}

static long set_options(struct task *task, u64 options)
{
	if (options & ~(u64)PTRACE_O_MASK)
		return -EINVAL;
	WRITE_ONCE(task->ptrace.options, (u32)options);
	return 0;
}

/* Only in a stop of PTRACE_SEIZE's kind. */
static long listen(struct task *task)
{
	struct process *process = task->process;
	long result = -EIO;

	unsigned long flags = process_tree_lock();
	spin_lock(&process->lock);
	if (task->ptrace.seized && task->ptrace.code >> 8 == PTRACE_EVENT_STOP) {
		result = 0;
		task->ptrace.listening = true;
		/* What would have ended the stop came while it was no such one yet. */
		if (task->ptrace.trap_wanted)
			ptrace_continued_locked(task);
	}
	spin_unlock(&process->lock);
	process_tree_unlock(flags);
	return result;
}

static long request_stopped(struct task *task, long request, vaddr_t address, vaddr_t data)
{
	switch (request) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
		return resume(task, request, data);
	case PTRACE_DETACH:
		return ptrace_detach(task, data);
	case PTRACE_SETOPTIONS:
	case PTRACE_OLDSETOPTIONS:
		return set_options(task, data);
	case PTRACE_LISTEN:
		return listen(task);
	default:
		return ptrace_look(task, request, address, data);
	}
}

static long kill_tracee(struct task *task)
{
	struct siginfo info;

	if (READ_ONCE(task->ptrace.tracer) != current)
		return -ESRCH;
	siginfo_init_user(&info, SIGKILL, SI_USER);
	return signal_send_task(task, &info);
}

static long request_on(struct task *task, long request, vaddr_t address, vaddr_t data)
{
	switch (request) {
	case PTRACE_ATTACH:
		return ptrace_attach(task);
	case PTRACE_SEIZE:
		return ptrace_seize(task, address, data);
	case PTRACE_INTERRUPT:
		return ptrace_interrupt(task);
	case PTRACE_KILL:
		return kill_tracee(task);
	}
	long result = freeze(task);
	if (result != 0)
		return result;
	result = request_stopped(task, request, address, data);
	thaw(task);
	return result;
}

long ptrace_request(long request, pid_t tid, vaddr_t address, vaddr_t data)
{
	if (request == PTRACE_TRACEME)
		return ptrace_trace_me();
	struct task *task = task_find(tid);
	if (task == NULL)
		return -ESRCH;
	long result = request_on(task, request, address, data);
	task_put(task);
	return result;
}
