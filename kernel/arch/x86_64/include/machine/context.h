/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept of a task that does not run, x86-64.
 *
 * The general registers lie on its kernel stack below `sp`.  The top of the kernel stack, from
 * above:
 *
 *	stack + KERNEL_STACK_SIZE
 *	    vector state (FXSAVE or XSAVE format), aligned to 64
 *	    struct trap_frame of the entry from user mode
 *	kernel_sp: where an entry from user mode starts to push is the end of that frame
 *
 * A kernel thread that has not run a program has no vector state: `vector_state` is NULL, nothing
 * is saved.
 */
#ifndef MACHINE_CONTEXT_H
#define MACHINE_CONTEXT_H

#include "lib/types.h"

/* A program's own debug registers (Intel SDM vol. 3, 18.2). */
struct arch_debug {
	u64 address[4];
	u64 status;  /* what the last exception found */
	u64 control; /* 0: no breakpoints */
};

struct arch_task {
	u64 sp;               /* saved kernel stack pointer while switched out */
	u64 kernel_sp;        /* end of the user frame */
	void *vector_state;   /* or NULL; current only while switched out: otherwise the registers
				 hold it */
	u64 fs_base, gs_base; /* the program's; current only while switched out */
	u32 key_rights;       /* PKRU; the same */
	struct arch_debug debug;
};

#endif
