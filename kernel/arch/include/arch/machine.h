/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine as a whole: start-up steps, the early console, power.
 */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include "arch/trap.h"
#include "lib/types.h"

struct boot_info;

/* Steps that kernel/main.c takes, in this order. */
void arch_init_early(
	const struct boot_info *info); /* traps, features, early console; before any allocation */
void arch_init_memory(const struct boot_info *info); /* after frame_init: final page tables, W^X,
							direct map, guard pages */
void arch_init_devices(void);                        /* after the heap: ACPI tables, APICs, clock */

/* The checking build: panics unless the kernel's page tables and every CPU's switches protect what
 * they should.  Once all CPUs run. */
#ifdef CONFIG_CHECKING
void arch_check_protection(void);
#else
static inline void arch_check_protection(void) {}
#endif

/* "console=ttyS0": polled output that works from the first instruction to the panic; never sleeps.
 */
void early_console_write(const char *text, size_t length);

void machine_power_off(void) __noreturn;
void machine_restart(void) __noreturn;
void machine_halt(void) __noreturn;

/* Prints a symbolised back trace of the caller, or of a frame, to the log. */
void backtrace_print(void);
/* Writes the return addresses of the callers, the innermost first; returns how many, up to `limit`.
 * Any context. */
size_t backtrace_collect(vaddr_t *addresses, size_t limit);
void trap_frame_print(const struct trap_frame *frame);
/* Name and offset of the kernel function at an address; NULL when unknown. */
const char *symbol_lookup(vaddr_t address, size_t *offset);

/* "x86_64" for uname(2); the ELF machine number; the AT_HWCAP word; AT_PLATFORM. */
const char *arch_name(void);
u16 arch_elf_machine(void);
u64 arch_hwcap(void);

#endif
