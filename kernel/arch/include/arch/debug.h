/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stopped program's registers, for whoever debugs it, and stopping it at instructions and data.
 *
 * All functions but the first are for a task that is stopped in the kernel and does not run, by
 * somebody who keeps it so; `frame` is where it entered the kernel.  Sets of registers have Linux's
 * numbers (ELF note types) and layouts.
 */
#ifndef ARCH_DEBUG_H
#define ARCH_DEBUG_H

#include "arch/context.h"
#include "lib/types.h"

enum {
	REGSET_GENERAL = 1, /* NT_PRSTATUS: struct user_regs_struct */
	REGSET_FLOAT = 2,   /* NT_PRFPREG: struct user_fpregs_struct */
};

/* The current task traps after its next instruction in user mode, or no more. */
void arch_step(struct trap_frame *frame, bool wanted);

/* Bytes of a set; 0 when the machine has not got it. */
size_t arch_regset_size(u32 type);
/* The current task's own registers to where the sets are taken from. */
void arch_regset_capture(struct arch_task *arch);
/* Copies a whole set out. */
void arch_regset_get(const struct arch_task *arch, const struct trap_frame *frame, u32 type,
		     void *buffer);
/* Takes the first `size` bytes of a set over.  -EINVAL, -EIO for values that cannot be. */
int __must_check arch_regset_set(struct arch_task *arch, struct trap_frame *frame, u32 type,
				 const void *buffer, size_t size);

/* One word of Linux's struct user (PTRACE_PEEKUSER): registers and debug registers; the rest is 0.
 * -EIO outside of it. */
int __must_check arch_user_word_get(const struct arch_task *arch, const struct trap_frame *frame,
				    u64 offset, u64 *value);
/* -EIO, -EINVAL. */
int __must_check arch_user_word_set(struct arch_task *arch, struct trap_frame *frame, u64 offset,
				    u64 value);

/* No breakpoints in debug registers any more. */
void arch_debug_clear(struct arch_task *arch);

/* For PTRACE_GET_SYSCALL_INFO: AUDIT_ARCH_*. */
u32 arch_audit_number(void);
/* The number of the call that is about to be made, as a tracer may have changed it; -1: none. */
long arch_syscall_number(const struct trap_frame *frame);

#endif
