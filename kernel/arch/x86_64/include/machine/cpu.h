/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The running CPU, x86-64.
 *
 * GS points at the CPU's struct cpu_local while the kernel runs (SWAPGS on each crossing), so each
 * of these is one instruction.  Assembly knows the offsets below; cpu.c asserts them.
 */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include "lib/types.h"

struct task;

/* The part of a CPU's data that the generic kernel reads; the rest follows in cpu_local (x86.h). */
struct cpu_head {
	struct cpu_head *self;
	struct task *task; /* the running one */
	u32 id;
	u32 preempt_count; /* only this CPU writes these three */
	u32 interrupt_depth;
	u32 need_resched; /* others set it too, atomically, through cpu_request_resched */
	u64 kernel_sp;    /* where SYSCALL starts to push: the end of the current task's frame */
	u64 user_sp;      /* SYSCALL's scratch */
	u32 token;        /* id + 1; constant */
};

static inline u32 cpu_id(void)
{
	u32 id;
	__asm__ volatile("movl %%gs:16, %0" : "=r"(id));
	return id;
}

static inline u32 cpu_token(void)
{
	u32 token;
	__asm__ volatile("movl %%gs:48, %0" : "=r"(token));
	return token;
}

/* Not volatile: for whoever asks, the answer never changes. */
static inline struct task *cpu_current(void)
{
	struct task *task;
	__asm__("movq %%gs:8, %0" : "=r"(task));
	return task;
}

/* For the scheduler's start; later the switch does it. */
static inline void cpu_set_current(struct task *task)
{
	__asm__ volatile("movq %0, %%gs:8" : : "r"(task) : "memory");
}

static inline void preempt_count_add(s32 delta)
{
	__asm__ volatile("addl %0, %%gs:20" : : "ri"(delta) : "memory", "cc");
}

static inline u32 preempt_count_read(void)
{
	u32 count;
	__asm__ volatile("movl %%gs:20, %0" : "=r"(count));
	return count;
}

static inline bool need_resched(void)
{
	bool wanted;
	__asm__ volatile("cmpl $0, %%gs:28" : "=@ccne"(wanted));
	return wanted;
}

static inline void set_need_resched(bool wanted)
{
	__asm__ volatile("movl %0, %%gs:28" : : "ri"((u32)wanted) : "memory");
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

#define CPU_FLAG_INTERRUPT 0x200ul

static inline unsigned long irq_save(void)
{
	unsigned long flags;
	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void irq_restore(unsigned long flags)
{
	if (flags & CPU_FLAG_INTERRUPT)
		irq_enable();
}

static inline bool irq_flags_on(unsigned long flags)
{
	return flags & CPU_FLAG_INTERRUPT;
}

static inline bool irq_enabled(void)
{
	unsigned long flags;
	__asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return irq_flags_on(flags);
}

/* STI holds interrupts back for one more instruction, so none can slip in before HLT. */
static inline void cpu_wait_for_interrupt(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}

void cpu_lock_wait_entry(void); /* lock_wait.S: for assembly */

static inline void cpu_lock_wait(u32 *held, bool interrupts)
{
	u64 both = (u64)held | interrupts;
	__asm__ volatile("call cpu_lock_wait_entry" : "+a"(both) : : "memory", "cc");
}

static inline void mb(void)
{
	__asm__ volatile("mfence" : : : "memory");
}

static inline void rmb(void)
{
	__asm__ volatile("lfence" : : : "memory");
}

static inline void wmb(void)
{
	__asm__ volatile("sfence" : : : "memory");
}

/* CPUID is a serialising instruction (Intel SDM vol. 3, 9.3). */
static inline void cpu_serialize(void)
{
	u32 leaf = 0, b, c = 0, d;
	__asm__ volatile("cpuid" : "+a"(leaf), "=b"(b), "+c"(c), "=d"(d) : : "memory");
}

static inline u64 cpu_cycles(void)
{
	u64 low, high; /* RDTSC clears the upper halves */
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return high << 32 | low;
}

#endif
