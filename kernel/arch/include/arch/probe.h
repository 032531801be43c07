/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Breakpoints at the beginning of kernel functions, and the context that an interrupt came into.
 *
 * A breakpoint costs nothing where there is none, and a trap where there is one.  Only functions
 * that begin in the usual way, by saving the frame pointer, can have one: what the breakpoint took
 * the place of is done by the trap handler.
 */
#ifndef ARCH_PROBE_H
#define ARCH_PROBE_H

#include "lib/types.h"

/* Functions that the trap handler itself needs, and that hence have no breakpoints. */
#define __noprobe __attribute__((noinline, section(".text.noprobe")))

/* Puts a breakpoint at a function, or takes it away.  -EINVAL: it cannot have one.  One caller at a
 * time. */
int __must_check arch_probe_insert(vaddr_t function);
void arch_probe_remove(vaddr_t function);
/* Afterwards every CPU meets the breakpoints that were put in before, none meets one that was taken
 * away, and none is in probe_hit for such a one.  Interrupts on. */
void arch_probe_synchronize(void);

/* Upcall (trace/count.c): the function is called.  False: nobody put a breakpoint there.
 * Interrupts off; must be __noprobe with all that it calls. */
bool probe_hit(vaddr_t function);

/* Calls `function` for each function of the kernel's, in the order of addresses. */
void symbol_iterate(void (*function)(const char *name, vaddr_t address, void *argument),
		    void *argument);

/*
 * From an interrupt handler: where the CPU was, the innermost address first, then the return
 * addresses if that was in the kernel.  How many, at most `limit`; 0 outside of interrupts.
 */
size_t backtrace_interrupted(vaddr_t *addresses, size_t limit);

#endif
