/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees and translation look-aside buffers.
 *
 * Address-space identifiers (PCID) are not used: a switch of trees empties the TLB of all but the
 * kernel's entries, which are global.  Flushing others' TLBs goes through cpus_call.
 *
 * A CPU that waits for something, and meanwhile touches no program's memory, need not be
 * interrupted: it has paused its TLB, and whoever wants it flushed only notes that.  The note is an
 * atomic exchange after the change of the tables, and so is the end of the pause before the next
 * access; what is not noted has been seen paused no more, and is interrupted.
 */
#include "arch/mmu.h"
#include "machine_internal.h"
#include "x86.h"

/* From so many pages on, emptying the TLB is cheaper than flushing page by page. */
enum { FLUSH_LIMIT_PAGES = 32 };

enum tlb_state { TLB_IN_USE, TLB_PAUSED, TLB_PAUSED_STALE };

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

/* --- Pauses --- */

bool tlb_pause(void)
{
	struct cpu_local *self = this_cpu();

	if (__atomic_load_n(&self->tlb_state, __ATOMIC_RELAXED) != TLB_IN_USE)
		return false;
	__atomic_store_n(&self->tlb_state, TLB_PAUSED, __ATOMIC_RELEASE);
	return true;
}

void tlb_resume(bool paused)
{
	if (paused && __atomic_exchange_n(&this_cpu()->tlb_state, TLB_IN_USE, __ATOMIC_SEQ_CST) ==
			      TLB_PAUSED_STALE)
		flush_user_here(NULL);
}

cpumask_t tlb_excuse_paused(cpumask_t cpus)
{
	cpumask_t left = cpus;

	for (cpumask_t rest = cpus; rest != 0; rest &= rest - 1) {
		u32 cpu = (u32)__builtin_ctzll(rest);
		u8 *state = &cpu_locals[cpu].tlb_state, paused = TLB_PAUSED;
		if (__atomic_load_n(state, __ATOMIC_RELAXED) == TLB_IN_USE)
			continue;
		if (__atomic_compare_exchange_n(state, &paused, TLB_PAUSED_STALE, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
		    paused == TLB_PAUSED_STALE)
			left &= ~cpumask_of(cpu);
	}
	return left;
}

/* --- Flushes --- */

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
