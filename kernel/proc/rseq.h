/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences, rseq(2): a thread's area says on which CPU it runs, and which short
 * sequence of instructions is to be abandoned when the thread loses the CPU or gets a signal.
 *
 * The state belongs to its task; a switch looks at it on the CPU that switches.  The work itself is
 * done on the way back to the program, under TASK_WORK_RSEQ.
 */
#ifndef PROC_RSEQ_H
#define PROC_RSEQ_H

#include "lib/types.h"
#include "proc/task.h"

struct trap_frame;

/*
 * Two tasks change places on this CPU.  A task that was inside a system call cannot have been in a
 * sequence; it has work only if it wakes on another CPU.
 */
static inline void rseq_switch(struct task *previous, struct task *next, u32 cpu)
{
	if (previous->rseq.area != 0 && trap_syscall_number(task_frame_of(previous)) < 0)
		task_work_set(previous, TASK_WORK_RSEQ);
	if (next->rseq.area != 0 && next->rseq.cpu != cpu)
		task_work_set(next, TASK_WORK_RSEQ);
}

/*
 * The current task returns to its program: abandons the sequence it is in, if any, and tells it its
 * CPU.  -EFAULT, -EINVAL: the area, or what it points to, is bad; the program is to get SIGSEGV.
 * May fault.
 */
int __must_check rseq_settle(struct trap_frame *frame);
/* The same, and SIGSEGV. */
void rseq_resume(struct trap_frame *frame);

/* A child has its parent's area unless they share memory. */
void rseq_fork(struct task *child, u64 clone_flags);
/* A new program has none. */
void rseq_exec(void);

/* rseq(2).  0, -EINVAL, -EFAULT, -EPERM, -EBUSY. */
long rseq_register(vaddr_t area, u32 size, int flags, u32 signature);

#endif
