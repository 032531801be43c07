/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to the x86-64 part: instructions that C has no words for, and the machine's per-CPU data.
 */
#ifndef ARCH_X86_64_X86_H
#define ARCH_X86_64_X86_H

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch/port_io.h"
#include "lib/types.h"

/* --- Model-specific registers, control registers --- */

enum msr {
	MSR_APIC_BASE = 0x1b,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC = 0x800,
	MSR_EFER = 0xc0000080,
	MSR_STAR = 0xc0000081,
	MSR_LSTAR = 0xc0000082,
	MSR_CSTAR = 0xc0000083,
	MSR_FMASK = 0xc0000084,
	MSR_FS_BASE = 0xc0000100,
	MSR_GS_BASE = 0xc0000101,
	MSR_KERNEL_GS_BASE = 0xc0000102, /* the program's while the kernel runs */
};

static inline u64 msr_read(u32 msr)
{
	u32 low, high;
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void msr_write(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

#define DEFINE_CONTROL_REGISTER(n)                                              \
	static inline u64 cr##n##_read(void)                                    \
	{                                                                       \
		u64 value;                                                      \
		__asm__ volatile("movq %%cr" #n ", %0" : "=r"(value));          \
		return value;                                                   \
	}                                                                       \
	static inline void cr##n##_write(u64 value)                             \
	{                                                                       \
		__asm__ volatile("movq %0, %%cr" #n : : "r"(value) : "memory"); \
	}
DEFINE_CONTROL_REGISTER(0)
DEFINE_CONTROL_REGISTER(2)
DEFINE_CONTROL_REGISTER(3)
DEFINE_CONTROL_REGISTER(4)

enum control_bits {
	CR0_MP = 1 << 1,
	CR0_EM = 1 << 2,
	CR0_TS = 1 << 3,
	CR0_NE = 1 << 5,
	CR0_WP = 1 << 16,
	CR0_AM = 1 << 18, /* programs may ask for alignment checks, by RFLAGS.AC */
	CR4_PGE = 1 << 7,
	CR4_OSFXSR = 1 << 9,
	CR4_OSXMMEXCPT = 1 << 10,
	CR4_UMIP = 1 << 11,
	CR4_FSGSBASE = 1 << 16,
	CR4_OSXSAVE = 1 << 18,
	CR4_SMEP = 1 << 20,
	CR4_SMAP = 1 << 21,
	CR4_PKE = 1 << 22,
};

enum processor_flags {
	RFLAGS_FIXED = 1 << 1, /* always set */
	RFLAGS_TF = 1 << 8,
	RFLAGS_IF = 1 << 9,
	RFLAGS_DF = 1 << 10,
	RFLAGS_IOPL = 3 << 12,
	RFLAGS_NT = 1 << 14,
	RFLAGS_RF = 1 << 16,
	RFLAGS_AC = 1 << 18,
	RFLAGS_ID = 1 << 21,
	/* What sigreturn takes from a program: the arithmetic flags, DF, TF, RF, AC. */
	RFLAGS_USER = 0x50dd5,
};

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid result;
	__asm__ volatile("cpuid"
			 : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
			 : "a"(leaf), "c"(subleaf));
	return result;
}

/* --- Features: found once on the boot CPU; further CPUs are expected to have the same --- */

struct cpu_features {
	bool smep, smap, umip, pku, fsgsbase, gigabyte_pages, xsave, x2apic, tsc_deadline, rdrand,
		rdseed;
	u64 xsave_mask;  /* the XCR0 that is set */
	u32 vector_size; /* bytes of the vector state, a multiple of 64 */
	u32 xsave_size;  /* of which the hardware writes so many */
};
extern struct cpu_features cpu_features;

/* --- Per-CPU data --- */

struct task_state_segment {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, io_map;
} __packed;

#define GDT_ENTRIES 16

enum interrupt_stack {
	IST_NONE,
	IST_NMI,
	IST_DOUBLE_FAULT,
	IST_MACHINE_CHECK,
	IST_DEBUG,
	IST_COUNT = 4
};

/*
 * All fields are the CPU's own unless they say otherwise.
 */
struct cpu_local {
	struct cpu_head head; /* first: GS points here */
	u32 apic_id;          /* constant once started */
	u32 online;           /* atomic: set by the CPU itself */
	u64 calls_waiting;    /* atomic: bit n: CPU n wants call_function run here, see smp.c */
	void (*call_function)(void *argument); /* what this CPU wants others to run */
	void *call_argument;
	u64 call_pending; /* atomic: CPUs that have not run it yet */
	cpumask_t halted; /* atomic: CPUs that halt until this one has dropped its locks */
	bool call_halts;  /* atomic: waits for the last of them with the CPU halted */
	u8 tlb_state;     /* atomic: enum tlb_state, see mmu.c */
	struct arch_task *debugged; /* whose breakpoints are loaded, or NULL */
	const struct trap_frame
		*interrupted; /* what the interrupt came into; NULL outside of one */
	struct task_state_segment tss;
	u64 gdt[GDT_ENTRIES];
} __cacheline;
_Static_assert(offsetof(struct cpu_head, task) == 8 && offsetof(struct cpu_head, id) == 16 &&
		       offsetof(struct cpu_head, preempt_count) == 20 &&
		       offsetof(struct cpu_head, interrupt_depth) == 24 &&
		       offsetof(struct cpu_head, need_resched) == 28 &&
		       offsetof(struct cpu_head, kernel_sp) == 32 &&
		       offsetof(struct cpu_head, user_sp) == 40 &&
		       offsetof(struct cpu_head, token) == 48,
	       "known to assembly");

extern struct cpu_local cpu_locals[MAX_CPUS];

static inline struct cpu_local *this_cpu(void)
{
	struct cpu_local *cpu;
	__asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

/* --- Start-up steps of a CPU --- */

void cpu_detect(void);          /* fills cpu_features; boot CPU */
void cpu_patch_smap(void);      /* puts STAC and CLAC into place; boot CPU, text still writable */
void cpu_enable_features(void); /* control registers, XCR0 */
void idt_init(void);            /* boot CPU */
void cpu_load_tables(struct cpu_local *cpu); /* GDT, TSS, IDT; the exception stacks are mapped */
void cpu_set_syscall_entry(void);

/* --- entry.S --- */

extern char trap_stubs[], syscall_enter[], kernel_thread_begin[], fork_begin[];
struct task *context_switch(u64 *from_sp, u64 to_sp, struct task *from);

#endif
