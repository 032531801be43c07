/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine as the tests of kernel/lib see it: each thread of the program is a CPU, and there are
 * no interrupts.  The tests of higher floors use the simulated machine instead.
 */
#ifndef TESTS_HOST_LIB_MACHINE_CPU_H
#define TESTS_HOST_LIB_MACHINE_CPU_H

#include <sched.h>

#include "lib/types.h"

/* The CPU that a thread is; set by each thread that a test starts, 0 in the first. */
extern _Thread_local u32 test_cpu;

static inline u32 cpu_id(void)
{
	return test_cpu;
}

static inline u32 cpu_token(void)
{
	return test_cpu + 1;
}

static inline void cpu_relax(void)
{
	sched_yield();
}

static inline unsigned long irq_save(void)
{
	return 0;
}

static inline void irq_restore(unsigned long flags)
{
	(void)flags;
}

static inline bool irq_flags_on(unsigned long flags)
{
	(void)flags;
	return true;
}

static inline void irq_disable(void) {}

static inline void irq_enable(void) {}

static inline bool irq_enabled(void)
{
	return true;
}

void spin_lock_wait(u32 *held, bool interrupts);

static inline void cpu_lock_wait(u32 *held, bool interrupts)
{
	spin_lock_wait(held, interrupts);
}

struct task;

static inline struct task *cpu_current(void)
{
	return NULL;
}

static inline void preempt_count_add(s32 delta)
{
	(void)delta;
}

static inline u32 preempt_count_read(void)
{
	return 0;
}

static inline bool need_resched(void)
{
	return false;
}

#endif
