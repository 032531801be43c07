/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is to be done between the kernel and the program: giving way to other tasks, dying, signals.
 */
#include "arch/trap.h"
#include "lib/abi/signal.h"
#include "mm/usercopy.h"
#include "proc/hooks.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/rseq.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/task.h"

#define SIGNAL_WORK (TASK_WORK_SIGNAL | TASK_WORK_STOP | TASK_WORK_RESTORE_MASK)

_Static_assert(offsetof(struct task, work_flags) == 0, "the machine's assembly looks at it");

bool user_return_work_pending(void)
{
	return need_resched() || task_work(current) != 0;
}

/* CLONE_CHILD_SETTID: in the child's memory, by the child.  A bad address is the program's own
 * business. */
static void set_child_tid(struct task *task)
{
	pid_t tid = task_shown(task);

	task_work_clear(task, TASK_WORK_SET_TID);
	(void)!put_user(tid, task->set_child_tid);
}

static void __noreturn die(struct process *process)
{
	/* Without an exit of the whole process, it is an exec that ends the other threads. */
	task_exit(READ_ONCE(process->exiting) ? process->exit_group_status : SIGKILL);
}

void user_return_work(struct trap_frame *frame)
{
	struct task *task = current;

	do {
		irq_enable();
		if (need_resched())
			preempt_offer();
		u32 work = task_work(task);
		if (work & TASK_WORK_GIVE_WAY)
			sched_give_way();
		if (work & TASK_WORK_SET_TID)
			set_child_tid(task);
		if (work & TASK_WORK_KILL)
			die(task->process);
		if (work & TASK_WORK_CALL_EXIT) {
			task_work_clear(task, TASK_WORK_CALL_EXIT);
			ptrace_syscall_exit();
		}
		if (work & TASK_WORK_URING && uring_hook) {
			task_work_clear(task, TASK_WORK_URING);
			uring_hook();
			/* A call that was interrupted for it starts again. */
			task_work_set(task, TASK_WORK_SIGNAL);
		}
		if (work & SIGNAL_WORK)
			signal_deliver(frame);
		if (work & TASK_WORK_RSEQ)
			rseq_resume(frame);
		irq_disable();
	} while (user_return_work_pending());
}
