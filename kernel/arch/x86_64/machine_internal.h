/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to the x86-64 part: what its files offer one another beyond the arch interface. */
#ifndef ARCH_X86_64_MACHINE_INTERNAL_H
#define ARCH_X86_64_MACHINE_INTERNAL_H

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "lib/types.h"

struct boot_info;

/* console.c */
void early_console_init(void);
void early_console_log(
	const char *command_line); /* shows the log there, unless console= names another */

/* memory.c */
/* Builds the kernel's tree, direct map included, from memory that is carved out of the map, and
 * switches to it. */
void kernel_tree_build(struct boot_info *info);
/* Maps a CPU's exception stacks, with a guard page under each; returns the top of the one asked
 * for. -ENOMEM. */
int __must_check cpu_stacks_map(u32 cpu);
vaddr_t cpu_stack_top(u32 cpu, u32 which);
/* Maps device registers, uncached, for good; NULL when the tables' frames or the area run out. */
volatile void *device_map(phys_t address, size_t size);

/* Stacks of a CPU in its area: three for exceptions, and the one on which it starts and later
 * idles. */
enum { CPU_STACK_START = 0, CPU_STACKS = 4 };

#endif
