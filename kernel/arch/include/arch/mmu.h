/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory-management unit: page-table entries, address layout, TLB.
 *
 * A table (a node of the tree) is one frame of PTES_PER_TABLE entries.  Levels are counted from the
 * leaves: level 1 maps 4 KiB pages, level 2 entries may map 2 MiB, level 3 entries 1 GiB, and level
 * PT_LEVELS is the root.  Permission to write and to reach from user mode is the AND over all
 * levels (hierarchical), on every machine we support.
 *
 * Portable flags (PAGE_*) are those of the project's interface; <machine/mmu.h> translates.  It
 * provides inline:
 *
 *	pte_t                                  one entry, as the hardware reads it
 *	pte_t pte_leaf(phys_t, u64 flags, u32 level)
 *	                                       an entry that maps a page of that level's size
 *	                                       (PAGE_HUGE implied)
 *	pte_t pte_table(phys_t, u64 flags)     an entry that names a lower table (USER, WRITABLE
 *	                                       count)
 *	pte_t pte_swap(u64 payload)            a not-present entry that keeps 52 bits for software;
 *	                                       payload != 0
 *	u64 pte_swap_payload(pte_t)            0 when the entry is empty
 *	bool pte_is_none(pte_t), pte_is_present(pte_t), pte_is_leaf(pte_t, u32 level)
 *	phys_t pte_phys(pte_t)                 of a leaf or a table
 *	u64 pte_flags(pte_t)                   portable flags
 *	pte_t pte_set(pte_t, u64 flags), pte_clear(pte_t, u64 flags)
 *	pte_t pte_read(const pte_t *)          one untorn load
 *	void pte_write(pte_t *, pte_t)         one untorn store
 *	void ptes_share(pte_t *first, u32 count)
 *	                                       takes WRITABLE and EXCL out of every present entry;
 *	                                       `first` and `count` are multiples of PTES_PER_RUN
 *	void ptes_copy(pte_t *to, const pte_t *from, u32 count)
 *	void ptes_clear(pte_t *first, u32 count)  of a table that no CPU walks yet
 *	pte_t pte_exchange(pte_t *, pte_t)     atomic; no accessed or dirty bit of the hardware's is
 *	                                       lost
 *	bool pte_compare_exchange(pte_t *, pte_t *expected, pte_t)
 *	u32 pt_index(vaddr_t, u32 level)
 *	u64 pt_span(u32 level)                 bytes that one entry of that level maps: 4 KiB, 2 MiB,
 *	                                       1 GiB, 512 GiB
 *	PT_LEVELS, PTES_PER_TABLE, USER_TOP (first address that is not the user's), KERNEL_BASE
 *	void *phys_to_virt(phys_t), phys_t virt_to_phys(const void *)
 *	                                       through the direct map
 *	void page_clear(void *), void page_copy(void *to, const void *from)
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include "arch/cpu.h"
#include "lib/types.h"

#define PAGE_PRESENT       0x001u
#define PAGE_WRITABLE      0x002u
#define PAGE_USER          0x004u
#define PAGE_WRITE_THROUGH 0x008u
#define PAGE_CACHE_DISABLE 0x010u
#define PAGE_ACCESSED      0x020u
#define PAGE_DIRTY         0x040u
#define PAGE_HUGE          0x080u
#define PAGE_GLOBAL        0x100u
#define PAGE_COW           0x200u /* software: write-protected because it is shared */
#define PAGE_EXCL          0x400u /* software: this entry is the frame's only holder */
#define PAGE_SPECIAL \
	0x800u /* software: the frame is not reference-counted (devices, zero page, vDSO) */
#define PAGE_NX ((u64)1 << 63)
/* Software's marks of a leaf, which say something about the program's memory, not about the frame:
 * mm/entry.h. */
#define PAGE_WATCHED ((u64)1 << 52)
#define PAGE_CLEAN   ((u64)1 << 53)
#define PAGE_MARKS   (PAGE_WATCHED | PAGE_CLEAN)
/* The page's protection key, of machines that have keys (arch/context.h). */
#define PAGE_KEY_SHIFT 59
#define PAGE_KEY_MASK  ((u64)15 << PAGE_KEY_SHIFT)
/* Software: of an anonymous page that its program does not need unless it writes to it first. */
#define PAGE_LAZY ((u64)1 << 54)

#include <machine/mmu.h>

/* How many protection keys pages can have; 0: none. */
u32 arch_key_count(void);

/* The tree whose upper half every address space shares; its upper-half root entries never change
 * after start-up. */
phys_t mmu_kernel_root(void);

/* Makes `root` this CPU's tree.  Interrupts may be on; preemption must be off. */
void mmu_switch(phys_t root);
phys_t mmu_current_root(void);

/*
 * What a CPU caches of an upper entry must permit no more than the whole path to it did when it was
 * read: then giving a link its W back needs no flush, whatever links below have lost since.
 *
 * Flushes: no entry for the named addresses, nor any cached upper-level entry on the way to them,
 * survives on the CPUs named.  Those with remote CPUs wait for these, so interrupts must be on and
 * no lock may be held that an interrupt handler takes.  `cpus` may contain this CPU.
 */
void tlb_flush_page(cpumask_t cpus, vaddr_t address);
void tlb_flush_range(cpumask_t cpus, vaddr_t start, vaddr_t end);
void tlb_flush_user(cpumask_t cpus);               /* everything of the lower half */
void tlb_flush_kernel(vaddr_t start, vaddr_t end); /* on every CPU, global entries too */
static inline void tlb_flush_page_local(vaddr_t address);

/*
 * Until tlb_resume this CPU touches no address of the lower half, not in interrupt handlers either:
 * it keeps its translations, but need not be interrupted for them to be flushed.  True: they were
 * in use until now, which is what tlb_resume is told, so pauses may nest.  Preemption is off in
 * between.
 */
bool tlb_pause(void);
void tlb_resume(bool paused);
/*
 * Of the set those that must be interrupted for a flush, which is to follow; the others flush when
 * they resume.  For changes of entries only: a processor may walk a table on its own, so a table
 * that goes must be out of every one's reach before.
 */
cpumask_t tlb_excuse_paused(cpumask_t cpus);

/* A page-fault's error word, the same on every machine: what vmm_handle_page_fault is told. */
enum fault_flags {
	FAULT_PRESENT = 1 << 0, /* the entry was present: a protection fault */
	FAULT_WRITE = 1 << 1,
	FAULT_USER = 1 << 2, /* from user mode */
	FAULT_RESERVED = 1 << 3,
	FAULT_EXECUTE = 1 << 4,
	FAULT_KEY = 1 << 5, /* the page's protection key forbids it */
};

/*
 * Shows memory that was added while running in the direct map.  Whole spans of 2 MiB, next to what
 * the map shows.  0; -ENOMEM; -EINVAL beyond what address spaces that exist can see.  May be called
 * for what is shown already.
 */
int __must_check direct_map_extend(phys_t start, size_t size);

#endif
