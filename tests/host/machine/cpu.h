/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine's CPUs: see machine.h.  One host thread plays all of them in turn, or a
 * thread each, of which one runs (actors.h); so nothing here is atomic.
 */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include "lib/types.h"
#include "machine/actors.h"

struct task;

struct simulated_cpu {
	u32 preempt_count;
	bool interrupts_off;
	struct task *task;
};

extern u32 machine_cpu; /* which CPU runs just now */
extern struct simulated_cpu machine_cpus[];

static inline u32 cpu_id(void)
{
	return machine_cpu;
}

static inline u32 cpu_token(void)
{
	return machine_cpu + 1;
}

static inline struct task *cpu_current(void)
{
	return machine_cpus[machine_cpu].task;
}

static inline void preempt_count_add(s32 delta)
{
	machine_cpus[machine_cpu].preempt_count += (u32)delta;
	machine_pause();
}

static inline u32 preempt_count_read(void)
{
	return machine_cpus[machine_cpu].preempt_count;
}

static inline bool need_resched(void)
{
	return false;
}

static inline void set_need_resched(bool wanted __attribute__((unused))) {}

/* Somebody else has to release a lock: without actors there is nobody. */
void cpu_relax(void);

static inline unsigned long irq_save(void)
{
	bool were_on = !machine_cpus[machine_cpu].interrupts_off;

	machine_cpus[machine_cpu].interrupts_off = true;
	return were_on;
}

static inline void irq_restore(unsigned long were_on)
{
	machine_cpus[machine_cpu].interrupts_off = !were_on;
}

static inline void irq_disable(void)
{
	machine_cpus[machine_cpu].interrupts_off = true;
}

static inline void irq_enable(void)
{
	machine_cpus[machine_cpu].interrupts_off = false;
}

static inline bool irq_flags_on(unsigned long were_on)
{
	return were_on;
}

static inline bool irq_enabled(void)
{
	return !machine_cpus[machine_cpu].interrupts_off;
}

static inline void cpu_wait_for_interrupt(void) {}

void spin_lock_wait(u32 *held, bool interrupts);

static inline void cpu_lock_wait(u32 *held, bool interrupts)
{
	spin_lock_wait(held, interrupts);
}

static inline void mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void rmb(void)
{
	mb();
}

static inline void wmb(void)
{
	mb();
}

static inline u64 cpu_cycles(void)
{
	static u64 cycles;

	return cycles += 1000;
}

#endif
