/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to the x86-64 part: what its files offer one another beyond the arch interface. */
#ifndef ARCH_X86_64_MACHINE_INTERNAL_H
#define ARCH_X86_64_MACHINE_INTERNAL_H

#include "arch/context.h"
#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch/trap.h"
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
void kernel_tree_finish(void); /* frame_alloc works now */
/*
 * Maps a CPU's exception stacks and, for all but the boot CPU, the stack on which it starts and
 * later idles; below each is a hole.  -ENOMEM.
 */
int __must_check cpu_stacks_map(u32 cpu);
enum { CPU_STACK_START = 0 }; /* the others: enum interrupt_stack */
vaddr_t cpu_stack_top(u32 cpu, u32 which);
/* Maps device registers (uncached) or firmware tables (read-only) for good; NULL when memory or the
 * area run out. */
volatile void *device_map(phys_t address, size_t size);
const void *firmware_map(phys_t address, size_t size);

/* context.c: the current task's vector registers to memory; and to what a fresh program finds. */
void vector_init(void);
void vector_save(void *area); /* interrupts off */
void vector_reset(void);

/* The current program's rights by protection key, PKRU; nothing without keys. */
u32 key_rights_read(void);
void key_rights_write(u32 rights);
/* As a fresh program has them, and a signal handler. */
void key_rights_reset(void);
extern u8 vector_fresh[]; /* what a program starts with; constant after vector_init */
enum { VECTOR_STATE_LIMIT = 4096 };

/*
 * Bytes of the vector state that the hardware leaves to software; Linux tells programs there what
 * follows: MAGIC1, size with MAGIC2, components, size.  vector_reset fills them in.
 */
enum {
	FX_SOFTWARE = 464,
	FX_SOFTWARE_FEATURES = FX_SOFTWARE + 8,
	FX_SOFTWARE_SIZE = FX_SOFTWARE + 16,
	FX_END = 512,
	XSAVE_HEADER_SIZE = 64, /* behind it; what XSAVE does not write of it must be 0 */
	FX_MAGIC1 = 0x46505853,
	FX_MAGIC2 = 0x46505845,
};

/* debug.c: at a switch that leaves or enters a task with breakpoints; interrupts off. */
void debug_load(struct arch_task *arch);
/* A debug exception of the current program: notes what it was; true for a breakpoint, false for a
 * step.  Interrupts off. */
bool debug_settle(struct trap_frame *frame);
/* One that the kernel met at a program's watched place. */
void debug_pass_over(void);

/* trap.c, called by entry.S */
void trap_dispatch(struct trap_frame *frame, u32 vector, u64 error);
void special_dispatch(struct trap_frame *frame, u32 vector, u64 error);

/* panic.c: panic with the registers of a frame */
void panic_frame(const struct trap_frame *frame, const char *format, ...) __noreturn __printf(2, 3);

/* irq.c */
void irq_init(void);
void interrupt_handle(u32 vector); /* any vector but the exceptions' */

/* clock.c */
void clock_init_cpu(void);
void clock_timer_fired(void);
u64 clock_tsc_khz(void);

/* smp.c */
void nmi_handle(void); /* the panicking CPU wants the others to stop */
void cpus_stop(void);  /* stops all others, for good */
void cpus_call_handle(void);
void kick_handle(void);    /* somebody may wait for this CPU's locks */
void smp_count_cpus(void); /* after ACPI's tables are read */
void smp_reserve_trampoline(struct boot_info *info);

/* probe.c: a breakpoint that the kernel met; true: it was at a function that was to be watched, and
 * `frame` goes on behind it. */
bool probe_breakpoint(struct trap_frame *frame);

/* symbols.c */
void backtrace_from(vaddr_t ip, vaddr_t frame_pointer);

/* usercopy.S */
bool probe_read_u64(u64 *value, vaddr_t address); /* of the kernel's; false when it is not mapped */
int __must_check user_exchange_u32(vaddr_t address, u32 operand, u32 *old);
int __must_check user_add_u32(vaddr_t address, u32 operand, u32 *old);
/* The current task's vector registers to a program's memory and back: 0 or -EFAULT. */
int __must_check user_vector_save(vaddr_t area, u64 mask, bool xsave);
int __must_check user_vector_restore(vaddr_t area, u64 mask, bool xsave);

/* --- Tables and symbols that the linker script makes --- */

/* Instructions that may fault on a program's memory, and where to go on. */
struct fixup {
	u64 from, to;
};
extern const struct fixup exception_table_start[], exception_table_end[];

/* No-ops that STAC or CLAC replace. */
struct smap_site {
	u8 *address;
	u64 opcode; /* third byte of the instruction */
};
extern const struct smap_site smap_sites_start[], smap_sites_end[];

/* From tools/ksyms.awk: functions sorted by address, then the names. */
struct symbol {
	u32 address; /* low half; the high one is all ones */
	u32 name;    /* offset behind the array */
};
struct symbol_table {
	u32 count;
	struct symbol symbols[];
};
extern const struct symbol_table symbol_table_start;

extern const char vdso_image_start[], vdso_image_end[];

#endif
