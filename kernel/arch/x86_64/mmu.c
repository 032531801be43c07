/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees and translation look-aside buffers.
 *
 * Address-space identifiers (PCID) are not used: a switch of trees empties the TLB of all but the
 * kernel's entries, which are global.  Flushing others' TLBs goes through cpus_call.
 */
#include "arch/mmu.h"
#include "machine_internal.h"
#include "x86.h"

/* From so many pages on, emptying the TLB is cheaper than flushing page by page. */
enum { FLUSH_LIMIT_PAGES = 32 };

struct flush_range {
	vaddr_t start, end;
};

void mmu_switch(phys_t root)
{
	cr3_write(root);
}

phys_t mmu_current_root(void)
{
	return cr3_read() & PTE_ADDRESS_MASK;
}

static void flush_user_here(void *argument __unused)
{
	cr3_write(cr3_read());
}

/* Turning PGE off and on empties everything (Intel SDM vol. 3, 4.10.4.1). */
static void flush_all_here(void)
{
	u64 cr4 = cr4_read();

	cr4_write(cr4 & ~(u64)CR4_PGE);
	cr4_write(cr4);
}

static void flush_range_here(void *argument)
{
	const struct flush_range *range = argument;

	for (vaddr_t page = range->start; page < range->end; page += PAGE_SIZE)
		tlb_flush_page_local(page);
}

static void flush_kernel_here(void *argument)
{
	const struct flush_range *range = argument;

	if ((range->end - range->start) / PAGE_SIZE > FLUSH_LIMIT_PAGES) {
		unsigned long flags = irq_save();
		flush_all_here();
		irq_restore(flags);
	} else {
		flush_range_here(argument);
	}
}

/* Here and elsewhere, with preemption off so that "here" stays the same. */
static void flush(cpumask_t cpus, void (*function)(void *), void *argument)
{
	preempt_disable();
	if (cpus & cpumask_of(cpu_id()))
		function(argument);
	cpus &= ~cpumask_of(cpu_id());
	if (cpus != 0)
		cpus_call(cpus, function, argument);
	preempt_enable();
}

void tlb_flush_page(cpumask_t cpus, vaddr_t address)
{
	struct flush_range range = {address, address + PAGE_SIZE};

	flush(cpus, flush_range_here, &range);
}

void tlb_flush_range(cpumask_t cpus, vaddr_t start, vaddr_t end)
{
	struct flush_range range = {ALIGN_DOWN(start, PAGE_SIZE), end};

	if ((range.end - range.start) / PAGE_SIZE > FLUSH_LIMIT_PAGES)
		tlb_flush_user(cpus);
	else
		flush(cpus, flush_range_here, &range);
}

void tlb_flush_user(cpumask_t cpus)
{
	flush(cpus, flush_user_here, NULL);
}

void tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	struct flush_range range = {ALIGN_DOWN(start, PAGE_SIZE), end};

	flush(cpus_online(), flush_kernel_here, &range);
}
