/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the processor can do, and switching it on.
 *
 * Protection first: NX and WP are required and on since entry.S; SMEP, SMAP and UMIP follow where
 * the CPU has them. FSGSBASE lets programs set their TLS base without a system call, so a switch
 * has to read it back (context.c), and the sign of the GS base tells nothing about who runs
 * (entry.S).
 */
#include "arch/cpu.h"
#include "arch/machine.h"
#include "machine_internal.h"
#include "x86.h"
#include "lib/panic.h"

struct cpu_features cpu_features;
struct cpu_local cpu_locals[MAX_CPUS];

enum { XSAVE_X87 = 1, XSAVE_SSE = 2, XSAVE_AVX = 4, XSAVE_AVX512 = 7 << 5 };
enum { FXSAVE_SIZE = 512 };

static u32 basic_leaves;

static void xcr0_write(u64 value)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

/* Vector state: x87, SSE, AVX, AVX-512.  The size depends on what XCR0 enables, so that is set
 * first. */
static void detect_xsave(void)
{
	struct cpu_features *features = &cpu_features;

	features->xsave_size = FXSAVE_SIZE;
	if (features->xsave && basic_leaves >= 0xd) {
		struct cpuid leaf = cpuid(0xd, 0);
		features->xsave_mask =
			leaf.eax & (XSAVE_X87 | XSAVE_SSE | XSAVE_AVX | XSAVE_AVX512);
		if ((features->xsave_mask & XSAVE_AVX512) != XSAVE_AVX512 ||
		    !(features->xsave_mask & XSAVE_AVX))
			features->xsave_mask &= ~(u64)XSAVE_AVX512;
		cr4_write(cr4_read() | CR4_OSXSAVE);
		xcr0_write(features->xsave_mask);
		features->xsave_size = cpuid(0xd, 0).ebx;
	} else {
		features->xsave = false;
	}
	if (features->xsave_size > VECTOR_STATE_LIMIT)
		panic("vector state of %u bytes", features->xsave_size);
	features->vector_size = ALIGN_UP(features->xsave_size, 64u);
}

void cpu_detect(void)
{
	struct cpu_features *features = &cpu_features;
	u32 extended_leaves = cpuid(0x80000000, 0).eax;
	struct cpuid leaf;

	basic_leaves = cpuid(0, 0).eax;
	leaf = cpuid(1, 0);
	features->x2apic = leaf.ecx & BIT(21);
	features->tsc_deadline = leaf.ecx & BIT(24);
	features->xsave = leaf.ecx & BIT(26);
	features->rdrand = leaf.ecx & BIT(30);
	if (basic_leaves >= 7) {
		leaf = cpuid(7, 0);
		features->fsgsbase = leaf.ebx & BIT(0);
		features->smep = leaf.ebx & BIT(7);
		features->rdseed = leaf.ebx & BIT(18);
		features->smap = leaf.ebx & BIT(20);
		features->umip = leaf.ecx & BIT(2);
		features->pku = leaf.ecx & BIT(3);
	}
	if (extended_leaves >= 0x80000001)
		features->gigabyte_pages = cpuid(0x80000001, 0).edx & BIT(26);
	detect_xsave();
}

void cpu_patch_smap(void)
{
	if (!cpu_features.smap)
		return;
	for (const struct smap_site *site = smap_sites_start; site < smap_sites_end; site++) {
		site->address[1] = 0x01;
		site->address[2] = (u8)site->opcode;
	}
}

void cpu_enable_features(void)
{
	const struct cpu_features *features = &cpu_features;
	u64 cr4 = cr4_read() | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	cr0_write((cr0_read() & ~(u64)(CR0_EM | CR0_TS)) | CR0_WP | CR0_AM | CR0_MP | CR0_NE);
	if (features->smep)
		cr4 |= CR4_SMEP;
	if (features->smap)
		cr4 |= CR4_SMAP;
	if (features->umip)
		cr4 |= CR4_UMIP;
	if (features->pku)
		cr4 |= CR4_PKE;
	if (features->fsgsbase)
		cr4 |= CR4_FSGSBASE;
	if (features->xsave)
		cr4 |= CR4_OSXSAVE;
	cr4_write(cr4);
	if (features->xsave)
		xcr0_write(features->xsave_mask);
	__asm__ volatile("fninit");
}

bool cpu_random(u64 *value)
{
	u8 good = 0;

	for (int attempt = 0; attempt < 10 && !good; attempt++) {
		if (cpu_features.rdseed)
			__asm__ volatile("rdseed %0; setc %1" : "=r"(*value), "=qm"(good) : : "cc");
		else if (cpu_features.rdrand)
			__asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(good) : : "cc");
	}
	return good;
}

bool in_interrupt(void)
{
	return this_cpu()->head.interrupt_depth != 0;
}

void cpu_request_resched(u32 cpu)
{
	__atomic_store_n(&cpu_locals[cpu].head.need_resched, 1, __ATOMIC_SEQ_CST);
}

const char *arch_name(void)
{
	return "x86_64";
}

u16 arch_elf_machine(void)
{
	return 62;
}

/* Linux gives the feature word of CPUID leaf 1. */
u64 arch_hwcap(void)
{
	return cpuid(1, 0).edx;
}
