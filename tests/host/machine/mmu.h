/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine's page-table entries.  They are laid out unlike any real machine's on
 * purpose, so that nothing above the machine boundary can rely on a layout:
 *
 *	63  62        61         60    59  58      57..52     51..12   11..3  2..1  0
 *	P   READ_ONLY NO_USER    NX    -   LARGE   software   address  bits   key   -
 *
 * A not-present entry keeps its payload in bits 0 to 57.
 */
#ifndef MACHINE_MMU_H
#define MACHINE_MMU_H

#include "lib/types.h"
#include "machine/actors.h"

#define PT_LEVELS      4u
#define PTES_PER_TABLE 512u
#define PTES_PER_RUN   8u

#define USER_TOP      ((vaddr_t)0x00007ffffffff000)
#define KERNEL_BASE   ((vaddr_t)0xffff800000000000)
#define VMALLOC_START ((vaddr_t)0xffffc00000000000)
#define VMALLOC_END   ((vaddr_t)0xffffc08000000000)

typedef struct {
	u64 value;
} pte_t;

#define SIM_PRESENT   BIT(63)
#define SIM_READ_ONLY BIT(62)
#define SIM_NO_USER   BIT(61)
#define SIM_NX        BIT(60)
#define SIM_LARGE     BIT(58)
/* Protection keys, which an entry names; what they forbid is not simulated. */
#define SIM_KEYS        4u
#define SIM_KEY_SHIFT   1
#define SIM_KEY_MASK    ((u64)(SIM_KEYS - 1))
#define SIM_ADDRESS     ((u64)0x000ffffffffff000)
#define SIM_SOFT_SHIFT  52
#define SIM_MARKS_SHIFT 3
/* Portable flags 0x200, 0x400, 0x800 go to bits 52 to 54, the marks and PAGE_LAZY to 55 to 57; the
 * rest below.
 */
#define SIM_LOW_FLAGS \
	(PAGE_WRITE_THROUGH | PAGE_CACHE_DISABLE | PAGE_ACCESSED | PAGE_DIRTY | PAGE_GLOBAL)

static inline u64 sim_flags(u64 flags)
{
	return (flags & PAGE_PRESENT ? SIM_PRESENT : 0) |
	       (flags & PAGE_WRITABLE ? 0 : SIM_READ_ONLY) | (flags & PAGE_USER ? 0 : SIM_NO_USER) |
	       (flags & PAGE_NX ? SIM_NX : 0) |
	       ((flags & (PAGE_COW | PAGE_EXCL | PAGE_SPECIAL)) >> 9) << SIM_SOFT_SHIFT |
	       (flags & (PAGE_MARKS | PAGE_LAZY)) << SIM_MARKS_SHIFT | (flags & SIM_LOW_FLAGS) |
	       (flags >> PAGE_KEY_SHIFT & SIM_KEY_MASK) << SIM_KEY_SHIFT;
}

static inline u64 pte_flags(pte_t entry)
{
	u64 value = entry.value;

	return (value & SIM_PRESENT ? PAGE_PRESENT : 0) |
	       (value & SIM_READ_ONLY ? 0 : PAGE_WRITABLE) | (value & SIM_NO_USER ? 0 : PAGE_USER) |
	       (value & SIM_NX ? PAGE_NX : 0) | (value & SIM_LARGE ? PAGE_HUGE : 0) |
	       (value >> SIM_SOFT_SHIFT & 7) << 9 |
	       (value >> SIM_MARKS_SHIFT & (PAGE_MARKS | PAGE_LAZY)) | (value & SIM_LOW_FLAGS) |
	       (value >> SIM_KEY_SHIFT & SIM_KEY_MASK) << PAGE_KEY_SHIFT;
}

static inline pte_t pte_leaf(phys_t address, u64 flags, u32 level)
{
	return (pte_t){address | sim_flags(flags) | (level > 1 ? SIM_LARGE : 0)};
}

static inline pte_t pte_table(phys_t address, u64 flags)
{
	return (pte_t){address | sim_flags((flags & (PAGE_WRITABLE | PAGE_USER)) | PAGE_PRESENT)};
}

static inline pte_t pte_swap(u64 payload)
{
	return (pte_t){payload};
}

static inline u64 pte_swap_payload(pte_t entry)
{
	return entry.value;
}

static inline bool pte_is_none(pte_t entry)
{
	return entry.value == 0;
}

static inline bool pte_is_present(pte_t entry)
{
	return entry.value & SIM_PRESENT;
}

static inline bool pte_is_leaf(pte_t entry, u32 level)
{
	return level == 1 || (entry.value & SIM_LARGE);
}

static inline phys_t pte_phys(pte_t entry)
{
	return entry.value & SIM_ADDRESS;
}

static inline pte_t pte_set(pte_t entry, u64 flags)
{
	return (pte_t){(entry.value & (SIM_ADDRESS | SIM_LARGE)) |
		       sim_flags(pte_flags(entry) | flags)};
}

static inline pte_t pte_clear(pte_t entry, u64 flags)
{
	return (pte_t){(entry.value & (SIM_ADDRESS | SIM_LARGE)) |
		       sim_flags(pte_flags(entry) & ~flags)};
}

static inline pte_t pte_read(const pte_t *slot)
{
	return *slot;
}

/* How often entries were written one by one. */
extern u64 machine_entry_writes;

static inline void pte_write(pte_t *slot, pte_t entry)
{
	machine_entry_writes++;
	machine_pause();
	*slot = entry;
}

static inline pte_t pte_exchange(pte_t *slot, pte_t entry)
{
	machine_entry_writes++;
	machine_pause();
	pte_t old = *slot;
	*slot = entry;
	return old;
}

static inline bool pte_compare_exchange(pte_t *slot, pte_t *expected, pte_t entry)
{
	machine_entry_writes++;
	machine_pause();
	if (slot->value != expected->value) {
		*expected = *slot;
		return false;
	}
	*slot = entry;
	return true;
}

static inline u32 pt_index(vaddr_t address, u32 level)
{
	return (u32)(address >> (PAGE_SHIFT + 9 * (level - 1))) & (PTES_PER_TABLE - 1);
}

static inline u64 pt_span(u32 level)
{
	return (u64)1 << (PAGE_SHIFT + 9 * (level - 1));
}

extern char *machine_memory; /* physical address 0 */

static inline void *phys_to_virt(phys_t address)
{
	return machine_memory + address;
}

static inline phys_t virt_to_phys(const void *pointer)
{
	return (phys_t)((const char *)pointer - machine_memory);
}

static inline void ptes_clear(pte_t *first, u32 count)
{
	__builtin_memset(first, 0, count * sizeof(*first));
}

static inline void page_clear(void *page)
{
	__builtin_memset(page, 0, PAGE_SIZE);
}

static inline void page_copy(void *to, const void *from)
{
	__builtin_memcpy(to, from, PAGE_SIZE);
}

static inline void ptes_share(pte_t *first, u32 count)
{
	machine_pause();
	for (u32 i = 0; i < count; i++)
		if (pte_is_present(first[i]))
			first[i] = pte_clear(first[i], PAGE_WRITABLE | PAGE_EXCL);
}

static inline void ptes_copy(pte_t *to, const pte_t *from, u32 count)
{
	machine_pause();
	__builtin_memcpy(to, from, count * sizeof(*to));
}

void machine_tlb_flush_page_local(vaddr_t address);

static inline void tlb_flush_page_local(vaddr_t address)
{
	machine_tlb_flush_page_local(address);
}

#endif
