/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose time it is: user or kernel mode.
 *
 * The entry from user mode and the return to it read the cycle counter, and what lies between is
 * the kernel's.  The scheduler knows the nanoseconds and the cycles of each stretch that a task has
 * a CPU; what was not the kernel's of it was the program's (proc/run_queue.c).  Interrupts that go
 * back to the program at once count as the program's.
 */
#ifndef PROC_ACCOUNT_H
#define PROC_ACCOUNT_H

#include "arch/cpu.h"
#include "proc/task.h"

/* The current task has just come from user mode. */
static inline void account_enter_kernel(struct task *task)
{
	task->times.kernel_since = cpu_cycles();
}

/* The current task is about to go to user mode. */
static inline void account_leave_kernel(struct task *task)
{
	task->times.kernel_cycles += cpu_cycles() - task->times.kernel_since;
}

/* A stretch of a task on a CPU begins, in the kernel. */
static inline void account_stretch(struct task *task, u64 now)
{
	task->times.stretch_since = now;
	task->times.kernel_since = now;
	task->times.kernel_cycles = 0;
}

#endif
