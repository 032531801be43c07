/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checking build looks, once all CPUs run, whether the kernel's page tables permit what they
 * should and nothing else: a walk over every leaf of the upper half, and a look at each guard page
 * and each CPU's protection switches.
 */
#include "arch/machine.h"
#include "boot/x86_64/start.h"
#include "lib/panic.h"
#include "machine_internal.h"
#include "x86.h"

static bool in_text(vaddr_t address)
{
	return address >= (vaddr_t)image_text_start && address < (vaddr_t)image_text_end;
}

/* The image's text and constants, at their own address or in the direct map. */
static bool is_constant(vaddr_t start, u64 size)
{
	vaddr_t image = (vaddr_t)image_text_start, end = (vaddr_t)image_rodata_end;
	vaddr_t shift = DIRECT_MAP_BASE - KERNEL_IMAGE_BASE;

	return (start < end && start + size > image) ||
	       (start - shift < end && start - shift + size > image);
}

static void check_leaf(vaddr_t address, u64 size, bool writable, bool executable, bool user)
{
	const char *wrong = NULL;

	if (user)
		wrong = "within reach of programs";
	else if (writable && executable)
		wrong = "writable and executable";
	else if (executable && !in_text(address))
		wrong = "executable, but no text";
	else if (writable && is_constant(address, size))
		wrong = "writable, but constant";
	if (wrong != NULL)
		panic("kernel page tables: %lx (%lx bytes) is %s", address, size, wrong);
}

/* What a leaf permits is what every entry on the way to it permits. */
static void check_table(const pte_t *table, u32 level, vaddr_t start, u64 above)
{
	for (u32 i = level == PT_LEVELS ? PTES_PER_TABLE / 2 : 0; i < PTES_PER_TABLE; i++) {
		pte_t entry = pte_read(&table[i]);
		vaddr_t address = start + i * pt_span(level);
		u64 flags = pte_flags(entry);
		u64 permits = above & (flags | PAGE_NX);

		if (!pte_is_present(entry))
			continue;
		if (level == PT_LEVELS)
			address |= ~(USER_TOP | (PAGE_SIZE - 1)); /* sign extension */
		if (flags & PAGE_NX)
			permits &= ~PAGE_NX;
		if (!pte_is_leaf(entry, level))
			check_table(phys_to_virt(pte_phys(entry)), level - 1, address, permits);
		else
			check_leaf(address, pt_span(level), permits & PAGE_WRITABLE,
				   permits & PAGE_NX, permits & PAGE_USER);
	}
}

static void check_hole(vaddr_t address)
{
	const pte_t *table = phys_to_virt(mmu_kernel_root());

	for (u32 level = PT_LEVELS; level > 0; level--) {
		pte_t entry = pte_read(&table[pt_index(address, level)]);
		if (!pte_is_present(entry))
			return;
		if (pte_is_leaf(entry, level))
			break;
		table = phys_to_virt(pte_phys(entry));
	}
	panic("kernel page tables: the guard page at %lx is mapped", address);
}

static void check_switches(void *argument __unused)
{
	const struct cpu_features *features = &cpu_features;
	u64 wanted0 = CR0_WP | CR0_AM, wanted4 = 0;

	wanted4 |= features->smep ? CR4_SMEP : 0;
	wanted4 |= features->smap ? CR4_SMAP : 0;
	wanted4 |= features->umip ? CR4_UMIP : 0;
	if ((cr0_read() & wanted0) != wanted0 || (cr4_read() & wanted4) != wanted4)
		panic("cpu %u: protection is off: cr0 %lx, cr4 %lx", cpu_id(), cr0_read(),
		      cr4_read());
}

void arch_check_protection(void)
{
	/* For the walk the bit says that a leaf may be executed. */
	check_table(phys_to_virt(mmu_kernel_root()), PT_LEVELS, 0,
		    PAGE_NX | PAGE_WRITABLE | PAGE_USER);
	check_hole((vaddr_t)boot_stack_guard);
	for (cpumask_t cpus = cpus_online(); cpus != 0; cpus &= cpus - 1) {
		u32 cpu = (u32)__builtin_ctzll(cpus);
		for (u32 stack = IST_NMI; stack <= IST_COUNT; stack++)
			check_hole(cpu_stack_top(cpu, stack) - CPU_STACK_SIZE - PAGE_SIZE);
	}
	check_switches(NULL);
	cpus_call(cpus_online(), check_switches, NULL);
}
