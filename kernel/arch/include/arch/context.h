/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Execution contexts: what is saved of a task when another runs, and how tasks and signal frames
 * are made.
 *
 * struct arch_task (<machine/context.h>) is embedded in struct task as `arch`, at whatever offset.
 * It holds the saved kernel stack pointer, the user TLS bases and the floating-point/vector state.
 */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

#include "arch/trap.h"
#include "lib/abi/signal.h"
#include "lib/types.h"

#include <machine/context.h>

struct task;

#define KERNEL_STACK_SIZE ((size_t)16 * 1024)

/*
 * Prepares a fresh kernel thread: when first switched to, it calls entry(argument) on the given
 * stack with interrupts on. `stack` is the lowest address of KERNEL_STACK_SIZE bytes.  entry never
 * returns.
 */
void arch_task_init_kernel(struct arch_task *arch, void *stack, void (*entry)(void *),
			   void *argument);

/*
 * Prepares a child of fork or clone: it returns to user mode with `parent`'s registers, result 0,
 * and, where not 0, another stack pointer; when set_tls, another TLS base.  Vector state and TLS of
 * `from` are copied.  Before the first return the scheduler's finish_switch runs.  -ENOMEM.
 */
int __must_check arch_task_init_fork(struct arch_task *arch, void *stack,
				     const struct arch_task *from, const struct trap_frame *parent,
				     vaddr_t user_sp, bool set_tls, vaddr_t tls);
void arch_task_release(struct arch_task *arch); /* frees what the init functions allocated */

/* The frame through which `task` (with that kernel stack) entered the kernel from user mode. */
struct trap_frame *arch_user_frame(void *stack);

/*
 * Switches from one task to the other: registers, kernel stack, vector state, TLS, cpu_current().
 * Interrupts off, run-queue lock held.  Returns, on the new stack, the task that was left (for the
 * scheduler's clean-up).  Address spaces are switched by the caller before.
 */
struct task *arch_switch(struct task *from, struct arch_task *from_arch, void *to_stack,
			 struct task *to, struct arch_task *to_arch);

/*
 * The scheduler's: what a task does first after it was switched to for the first time, with the
 * task that was left; later switches do the same after arch_switch returns.  Interrupts off,
 * run-queue lock held; releases it.  A kernel thread's entry then runs with interrupts on.
 */
void finish_switch(struct task *previous);

/* Turns the current task into a fresh program: clears registers, vector state and TLS, sets ip and
 * sp in the frame. */
void arch_exec(struct arch_task *arch, struct trap_frame *frame, vaddr_t ip, vaddr_t sp);

/* Enters user mode through `frame`, for the first program, whose kernel thread has none yet (see
 * arch_user_frame). */
void arch_enter_user(struct trap_frame *frame) __noreturn;

/* --- Signals: the machine's layout of a signal frame (Linux's rt_sigframe) --- */

/* A task's last exception, for the signal frame. */
struct signal_trap {
	u64 number;
	u64 error_code;
	vaddr_t address;
};

struct signal_delivery {
	const struct linux_sigaction *action;
	const struct siginfo *siginfo;
	const struct linux_stack *alt_stack; /* to record in the frame */
	const struct signal_trap *trap;
	vaddr_t stack_top; /* where to build: the alternate stack's top, or 0 for the current stack
			    */
	u64 mask;          /* to be restored by sigreturn */
};

/* Builds the frame and points `frame` at the handler.  -EFAULT when the stack cannot be written.
 * May fault, may sleep. */
int __must_check arch_signal_push(struct trap_frame *frame, const struct signal_delivery *delivery);

struct signal_return {
	u64 mask;
	struct linux_stack alt_stack;
};
/* rt_sigreturn: restores registers from the program's stack, trusting nothing.  -EFAULT or -EINVAL.
 * May fault. */
int __must_check arch_signal_pop(struct trap_frame *frame, struct signal_return *result);

/* --- Protection keys (pkeys(7)) --- */

/* What the current thread may do from now on with memory that has a key: bit 0 forbids all access,
 * bit 1 writing. */
void arch_key_set_rights(u32 key, u32 rights);

/* arch_prctl(2) and its kin; -EINVAL for what the machine has not. */
long arch_prctl(struct arch_task *arch, int option, vaddr_t address);

#endif
