/* SPDX-License-Identifier: BSD-2-Clause */
/* What smp_entry.S and smp.c share. */
#ifndef ARCH_X86_64_SMP_ENTRY_H
#define ARCH_X86_64_SMP_ENTRY_H

#include "lib/types.h"

struct cpu_local;

extern char smp_trampoline[], smp_trampoline_end[]; /* copied to a page below 1 MiB */
extern struct cpu_local *smp_starting;              /* the CPU that starts now */
extern u64 smp_start_stack;                         /* and its stack's top */
extern u64 smp_kernel_root;

void smp_start(void) __noreturn; /* in the higher half, on that stack */

#endif
