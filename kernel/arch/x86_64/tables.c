/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables: the GDT and the TSS of each CPU, and the IDT that all share.
 *
 * Segments mean little in 64-bit mode: the code segment's privilege level counts, and the TSS names
 * the stacks.  The last GDT entry carries the CPU's number in its limit, which a program may read
 * with LSL: that is how the vDSO finds the CPU.
 *
 * There is no 32-bit user code segment, though SYSRET's arithmetic leaves room for one: no program
 * gets into compatibility mode, from which SYSCALL would enter elsewhere.
 */
#include "machine_internal.h"
#include "x86.h"

struct idt_entry {
	u16 offset_low, selector;
	u8 stack, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};
_Static_assert(sizeof(struct idt_entry) == 16, "the hardware's size");

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

enum {
	VECTORS = 256,
	TRAP_STUB_SIZE = 16,
	GATE_INTERRUPT = 0x8e,
	GATE_USER = 0x60, /* programs may use it by INT n */
	VECTOR_DEBUG = 1,
	VECTOR_NMI = 2,
	VECTOR_BREAKPOINT = 3,
	VECTOR_OVERFLOW = 4,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_MACHINE_CHECK = 18,
};

#define DESCRIPTOR_KERNEL_CODE 0x00af9b000000ffffull
#define DESCRIPTOR_KERNEL_DATA 0x00cf93000000ffffull
#define DESCRIPTOR_USER_DATA   0x00cff3000000ffffull
#define DESCRIPTOR_USER_CODE   0x00affb000000ffffull
#define DESCRIPTOR_CPU_NUMBER  0x0040f50000000000ull
#define DESCRIPTOR_TSS         0x0000890000000000ull

static struct idt_entry idt[VECTORS] __attribute__((aligned(16)));

void idt_init(void)
{
	for (u32 vector = 0; vector < VECTORS; vector++) {
		u64 address = (u64)trap_stubs + vector * TRAP_STUB_SIZE;
		idt[vector] = (struct idt_entry){
			.offset_low = (u16)address,
			.selector = SEGMENT_KERNEL_CODE,
			.type = GATE_INTERRUPT,
			.offset_middle = (u16)(address >> 16),
			.offset_high = (u32)(address >> 32),
		};
	}
	idt[VECTOR_BREAKPOINT].type |= GATE_USER;
	idt[VECTOR_OVERFLOW].type |= GATE_USER;
	idt[VECTOR_DEBUG].stack = IST_DEBUG;
	idt[VECTOR_NMI].stack = IST_NMI;
	idt[VECTOR_DOUBLE_FAULT].stack = IST_DOUBLE_FAULT;
	idt[VECTOR_MACHINE_CHECK].stack = IST_MACHINE_CHECK;
}

static void gdt_fill(struct cpu_local *cpu)
{
	u64 tss = (u64)&cpu->tss;

	cpu->gdt[SEGMENT_KERNEL_CODE / 8] = DESCRIPTOR_KERNEL_CODE;
	cpu->gdt[SEGMENT_KERNEL_DATA / 8] = DESCRIPTOR_KERNEL_DATA;
	cpu->gdt[SEGMENT_USER_DATA / 8] = DESCRIPTOR_USER_DATA;
	cpu->gdt[SEGMENT_USER_CODE / 8] = DESCRIPTOR_USER_CODE;
	cpu->gdt[SEGMENT_TSS / 8] = DESCRIPTOR_TSS | (sizeof(cpu->tss) - 1) |
				    (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	cpu->gdt[SEGMENT_TSS / 8 + 1] = tss >> 32;
	cpu->gdt[SEGMENT_CPU_NUMBER / 8] = DESCRIPTOR_CPU_NUMBER | cpu->head.id;
}

void cpu_load_tables(struct cpu_local *cpu)
{
	struct table_pointer gdt_pointer = {sizeof(cpu->gdt) - 1, (u64)cpu->gdt};
	struct table_pointer idt_pointer = {sizeof(idt) - 1, (u64)idt};

	gdt_fill(cpu);
	cpu->tss.io_map = sizeof(cpu->tss);
	for (u32 which = IST_NMI; which <= IST_COUNT; which++) {
		vaddr_t top = cpu_stack_top(cpu->head.id, which) - 16;
		*(struct cpu_local **)top = cpu; /* special_common in entry.S looks for it there */
		cpu->tss.ist[which - 1] = top;
	}

	__asm__ volatile("lgdt %0" : : "m"(gdt_pointer));
	/* The boot GDT has the same selectors, so the cached segments stay right. */
	__asm__ volatile("ltr %w0" : : "r"(SEGMENT_TSS));
	__asm__ volatile("lidt %0" : : "m"(idt_pointer));
}

void cpu_set_syscall_entry(void)
{
	msr_write(MSR_STAR, (u64)SEGMENT_USER_CODE32 << 48 | (u64)SEGMENT_KERNEL_CODE << 32);
	msr_write(MSR_LSTAR, (u64)syscall_enter);
	msr_write(MSR_CSTAR, 0);
	msr_write(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT |
				     RFLAGS_RF | RFLAGS_AC);
}
