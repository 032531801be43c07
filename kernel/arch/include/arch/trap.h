/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps: entering the kernel from a program, and leaving it.
 *
 * struct trap_frame (<machine/trap.h>) holds a program's registers while the kernel runs.  The
 * generic kernel reads and writes it only through the functions here.
 */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include "lib/types.h"

#include <machine/trap.h>

/* From <machine/trap.h>, inline:
 *	bool trap_from_user(const struct trap_frame *)
 *	vaddr_t trap_ip(f), trap_sp(f); void trap_set_ip(f, v), trap_set_sp(f, v)
 *	long trap_syscall_number(f)            -1 when the frame is not a system call's
 *	u64 trap_syscall_argument(f, 0..5)
 *	void trap_set_result(f, long)          what the program finds in the result register
 *	long trap_result(f)
 *	void trap_restart_syscall(f)           back up so that returning executes the call again with
 *	                                       its first arguments
 *	void trap_restart_syscall_as(f, number)  the same with another call number
 *	                                       (restart_syscall)
 *	void trap_clear_syscall(f)             from now on the frame is no system call's: nothing to
 *	                                       restart
 */

/* --- What the machine calls, provided by higher floors --- */

/* A system call: performs it (syscall/dispatch.c).  The machine stores the result in the frame.
 * Interrupts on. */
long syscall_entry(u64 first, u64 second, u64 third, u64 fourth, u64 fifth, u64 sixth, u32 number);

/*
 * A page fault (proc/fault.c).  Called with interrupts on if they were on.  From user mode:
 * resolves it or queues a signal.  From the kernel: true if resolved; false lets the machine look
 * for a usercopy fix-up, then panic.
 */
bool fault_entry(struct trap_frame *frame, vaddr_t address, unsigned fault_flags);

/* Another exception from user mode that means a signal (division, breakpoint, illegal instruction,
 * …). */
void exception_entry(struct trap_frame *frame, int signal, int si_code, vaddr_t si_addr,
		     int trap_number, u64 error_code);

/*
 * Called by the machine each time it is about to return to user mode, interrupts off, when
 * current's work flag is set (task_work_pending(), see proc) or need_resched(): delivers signals,
 * switches, stops.  Returns with interrupts off, nothing pending.
 */
void user_return_work(struct trap_frame *frame);
/*
 * Cheap test that the machine's C makes before user_return_work.  Its assembly makes it by hand, so
 * struct task must begin with a u32 that is not 0 when current has such work.
 */
bool user_return_work_pending(void);

/* At the end of an interrupt that came while the kernel ran: may switch tasks (kernel preemption).
 */
void preempt_from_interrupt(void);

/* Another CPU has called cpu_kick for this one.  Interrupt context. */
void kick_entry(void);

/* The per-CPU timer fired (proc/timer.c), in a program or in the kernel.  Interrupt context. */
void timer_entry(bool user);

#endif
