/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of an interrupted program, x86-64, in the order of Linux's struct pt_regs.  entry.S
 * pushes them.
 */
#ifndef MACHINE_TRAP_H
#define MACHINE_TRAP_H

#include "lib/types.h"

#include <machine/layout.h>

struct trap_frame {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8;
	u64 rax, rcx, rdx, rsi, rdi;
	u64 orig_rax; /* the system call's number, or -1 */
	u64 rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct trap_frame) == 168, "entry.S lays it out");

/* The number of a page fault, for the signal frame. */
enum { TRAP_PAGE_FAULT = 14 };

static inline bool trap_from_user(const struct trap_frame *frame)
{
	return frame->cs & 3;
}

static inline vaddr_t trap_ip(const struct trap_frame *frame)
{
	return frame->rip;
}

static inline vaddr_t trap_sp(const struct trap_frame *frame)
{
	return frame->rsp;
}

/* IRET would fault in the kernel on an address that is not canonical; at USER_TOP the program
 * faults instead. */
static inline void trap_set_ip(struct trap_frame *frame, vaddr_t ip)
{
	frame->rip = ip < USER_TOP ? ip : USER_TOP;
}

static inline void trap_set_sp(struct trap_frame *frame, vaddr_t sp)
{
	frame->rsp = sp;
}

static inline long trap_syscall_number(const struct trap_frame *frame)
{
	return (long)frame->orig_rax < 0 ? -1 : (long)(u32)frame->orig_rax;
}

static inline u64 trap_syscall_argument(const struct trap_frame *frame, unsigned index)
{
	switch (index) {
	case 0:
		return frame->rdi;
	case 1:
		return frame->rsi;
	case 2:
		return frame->rdx;
	case 3:
		return frame->r10;
	case 4:
		return frame->r8;
	default:
		return frame->r9;
	}
}

static inline void trap_set_result(struct trap_frame *frame, long result)
{
	frame->rax = (u64)result;
}

static inline long trap_result(const struct trap_frame *frame)
{
	return (long)frame->rax;
}

/* SYSCALL is two bytes long; arguments are still in their registers. */
static inline void trap_restart_syscall(struct trap_frame *frame)
{
	frame->rax = frame->orig_rax;
	frame->rip -= 2;
}

static inline void trap_restart_syscall_as(struct trap_frame *frame, long number)
{
	frame->rax = (u64)number;
	frame->rip -= 2;
}

static inline void trap_clear_syscall(struct trap_frame *frame)
{
	frame->orig_rax = (u64)-1;
}

#endif
