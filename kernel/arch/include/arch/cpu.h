/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor that runs this code: its number, its interrupt state, its preemption count, its
 * current task.
 *
 * The inline parts come from the machine's <machine/cpu.h>, which provides, for the kernel and for
 * the host's simulated machine alike:
 *
 *	u32 cpu_id(void)                       number of this CPU, from 0, stable while preemption
 *	                                       is off
 *	u32 cpu_token(void)                    cpu_id() + 1, as cheap as a constant
 *	struct task *cpu_current(void)         the running task; NULL before the scheduler starts
 *	void cpu_set_current(struct task *)    for the scheduler's start; later arch_switch does it
 *	void cpu_relax(void)                   in a spinning loop
 *	unsigned long irq_save(void)           interrupts off; the former state
 *	void irq_restore(unsigned long)
 *	bool irq_flags_on(unsigned long)       whether they were on in that state
 *	void irq_disable(void), irq_enable(void)
 *	bool irq_enabled(void)
 *	void cpu_wait_for_interrupt(void)      interrupts on and halt, as one step; returns after an
 *	                                       interrupt, with them on
 *	u32 *preempt_count_ptr(void)           or cheaper: preempt_count_add(s32),
 *	                                       preempt_count_read()
 *	bool need_resched(void)                this CPU's request flag
 *	void set_need_resched(bool)
 *	void cpu_lock_wait(u32 *, bool)        calls spin_lock_wait (lib/spinlock.h); what calls it
 *	                                       rarely, from many places, saves no registers for it
 *	void mb(void), rmb(void), wmb(void)    full, read and write barriers, also against devices
 *	void cpu_serialize(void)               instructions fetched ahead are fetched anew
 *	u64 cpu_cycles(void)                   a cheap, free-running counter
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "lib/types.h"

/* The most CPUs that one kernel drives.  Per-CPU data are arrays of this length, each element in
 * its own cache line. */
#define MAX_CPUS 64

#include <machine/cpu.h>

#define current cpu_current()

/* A set of CPUs. */
typedef u64 cpumask_t;
_Static_assert(MAX_CPUS <= 64, "a cpumask_t is one word");
#define CPUMASK_ALL (~(cpumask_t)0)
static inline cpumask_t cpumask_of(u32 cpu)
{
	return (cpumask_t)1 << cpu;
}
static inline u32 cpumask_count(cpumask_t cpus)
{
	u32 count = 0;

	for (; cpus != 0; cpus &= cpus - 1)
		count++;
	return count;
}

/*
 * While the count is not zero the running task keeps its CPU.  preempt_enable offers the CPU when
 * it drops to zero and a switch was asked for meanwhile.
 */
void preempt_offer(void); /* the scheduler's: switches if interrupts are on and need_resched() */

static inline void preempt_disable(void)
{
	preempt_count_add(1);
	__asm__ volatile("" ::: "memory");
}

static inline void preempt_enable(void)
{
	__asm__ volatile("" ::: "memory");
	preempt_count_add(-1);
	if (unlikely(need_resched()) && preempt_count_read() == 0)
		preempt_offer();
}

/* How many CPUs run (bit n of cpus_online(): CPU n takes interrupts and schedules), and how many
 * the machine has. */
cpumask_t cpus_online(void);
u32 cpu_count(void);

/* Starts all CPUs that the firmware tells of; each ends up in scheduler_start_cpu() (proc).  Boot
 * CPU only, once. */
void cpus_start(void);
void scheduler_start_cpu(void)
	__noreturn; /* the scheduler's: interrupts off, on the stack that becomes the idle task's */

/* Interrupts a CPU so that it looks at its need_resched flag (set by the caller through
 * cpu_request_resched). */
void cpu_kick(u32 cpu);
/* Sets need_resched of any CPU; pairs with cpu_kick. */
void cpu_request_resched(u32 cpu);

/*
 * Halts this CPU for as long as *held is `holder`, the cpu_token of the CPU that has that spin lock,
 * or until any interrupt, and no longer than until that CPU has dropped all of its spin locks.
 * Interrupts are taken meanwhile, on or off as they are now; preemption is off.  May return at once.
 */
void cpu_halt_for_lock(const u32 *held, u32 holder);
/* For preempt_offer: this CPU holds no spin lock that an interrupt found it with. */
void cpu_wake_halted(void);

/*
 * Runs function(argument) on every CPU of the set but this one, from their interrupt handlers, and
 * waits until all have run it.  Interrupts must be on (or deadlock with another caller follows);
 * may be called with spin locks held that the function and interrupt handlers do not take.
 */
void cpus_call(cpumask_t cpus, void (*function)(void *), void *argument);

/* Are we in an interrupt handler?  Such code may not sleep. */
bool in_interrupt(void);

/* Random bits from the processor, 0 when it has none: one source of the seed. */
bool cpu_random(u64 *value);

/* A few words about the CPU for /proc/cpuinfo, in Linux's format; returns the length, as snprintf.
 */
int cpu_describe(u32 cpu, char *buffer, size_t size);

#endif
