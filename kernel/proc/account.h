/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose time it is: user or kernel mode.
 *
 * The entry from user mode and the return to it stamp the cycle counter; the cycles since the last
 * stamp belong to the mode that ends.  The scheduler knows the nanoseconds of each stretch that a
 * task has a CPU, and divides them in the proportion of the cycles (proc/run_queue.c).  Interrupts
 * that go back to the program at once count as the program's.
 */
#ifndef PROC_ACCOUNT_H
#define PROC_ACCOUNT_H

#include "arch/cpu.h"
#include "proc/task.h"

/* The current task has just come from user mode. */
static inline void account_enter_kernel(struct task *task)
{
	u64 now = cpu_cycles();

	task->times.user_cycles += now - task->times.stamp;
	task->times.stamp = now;
}

/* The current task is about to go to user mode.  Also before the scheduler looks at its times. */
static inline void account_leave_kernel(struct task *task)
{
	u64 now = cpu_cycles();

	task->times.system_cycles += now - task->times.stamp;
	task->times.stamp = now;
}

#endif
