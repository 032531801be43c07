/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table entries, x86-64 (Intel SDM vol. 3, 4.5).  The portable PAGE_* flags were chosen to be
 * the hardware's bits, with the three software flags in the bits that it ignores (9 to 11), so
 * there is nothing to translate.
 *
 *	63  62..59  58..55   54..52  51..12   11 10 9   8 7 6 5 4   3   2  1 0
 *	NX  key     ignored  marks   address  software  G S D A PCD PWT US W P      S: a leaf above
 *1
 *
 * A not-present entry keeps its payload in bits 11 to 62: clear of all that ptes_share touches.
 */
#ifndef MACHINE_MMU_H
#define MACHINE_MMU_H

#include "lib/types.h"

#include <machine/layout.h>

#define PT_LEVELS      4u
#define PTES_PER_TABLE 512u
#define PTES_PER_RUN   8u

typedef struct {
	u64 value;
} pte_t;

#define PTE_ADDRESS_MASK ((u64)0x000ffffffffff000)
#define PTE_FLAGS_MASK   (PAGE_NX | PAGE_KEY_MASK | PAGE_MARKS | PAGE_LAZY | (u64)0xfff)

static inline pte_t pte_leaf(phys_t address, u64 flags, u32 level)
{
	return (pte_t){address | flags | (level > 1 ? PAGE_HUGE : 0)};
}

static inline pte_t pte_table(phys_t address, u64 flags)
{
	return (pte_t){address |
		       (flags & (PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER | PAGE_COW | PAGE_EXCL |
				 PAGE_SPECIAL)) |
		       PAGE_PRESENT | PAGE_ACCESSED};
}

static inline pte_t pte_swap(u64 payload)
{
	return (pte_t){payload << 11};
}

static inline u64 pte_swap_payload(pte_t entry)
{
	return entry.value >> 11;
}

static inline bool pte_is_none(pte_t entry)
{
	return entry.value == 0;
}

static inline bool pte_is_present(pte_t entry)
{
	return entry.value & PAGE_PRESENT;
}

static inline bool pte_is_leaf(pte_t entry, u32 level)
{
	return level == 1 || (entry.value & PAGE_HUGE);
}

/* A large leaf has nothing but zeros between its flags and its address (we never set its PAT bit,
 * 12). */
static inline phys_t pte_phys(pte_t entry)
{
	return entry.value & PTE_ADDRESS_MASK;
}

static inline u64 pte_flags(pte_t entry)
{
	return entry.value & PTE_FLAGS_MASK;
}

static inline pte_t pte_set(pte_t entry, u64 flags)
{
	return (pte_t){entry.value | flags};
}

static inline pte_t pte_clear(pte_t entry, u64 flags)
{
	return (pte_t){entry.value & ~flags};
}

static inline pte_t pte_read(const pte_t *slot)
{
	return (pte_t){__atomic_load_n(&slot->value, __ATOMIC_RELAXED)};
}

static inline void pte_write(pte_t *slot, pte_t entry)
{
	__atomic_store_n(&slot->value, entry.value, __ATOMIC_RELEASE);
}

static inline pte_t pte_exchange(pte_t *slot, pte_t entry)
{
	return (pte_t){__atomic_exchange_n(&slot->value, entry.value, __ATOMIC_SEQ_CST)};
}

static inline bool pte_compare_exchange(pte_t *slot, pte_t *expected, pte_t entry)
{
	return __atomic_compare_exchange_n(&slot->value, &expected->value, entry.value, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline u32 pt_index(vaddr_t address, u32 level)
{
	return (address >> (PAGE_SHIFT + 9 * (level - 1))) & (PTES_PER_TABLE - 1);
}

static inline u64 pt_span(u32 level)
{
	return (u64)1 << (PAGE_SHIFT + 9 * (level - 1));
}

static inline void *phys_to_virt(phys_t address)
{
	return (void *)(address + DIRECT_MAP_BASE);
}

/* Of an address in the direct map only: not of the kernel image, not of vmalloc's. */
static inline phys_t virt_to_phys(const void *pointer)
{
	return (phys_t)pointer - DIRECT_MAP_BASE;
}

/* Eight bytes a step: the step is what costs, on hardware without fast short strings and on
 * emulators. */
static inline void page_clear(void *page)
{
	u64 count = PAGE_SIZE / sizeof(u64);
	__asm__ volatile("rep stosq" : "+D"(page), "+c"(count) : "a"((u64)0) : "memory");
}

static inline void page_copy(void *to, const void *from)
{
	u64 count = PAGE_SIZE / sizeof(u64);
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

/* One instruction an entry: what is not present has zeros there, and an accessed bit that the
 * hardware sets meanwhile may be lost. */
static inline void ptes_share(pte_t *first, u32 count)
{
	for (u32 i = 0; i < count; i += PTES_PER_RUN) {
		pte_t *run = &first[i];
		const u64 keep = ~(u64)(PAGE_WRITABLE | PAGE_EXCL);
		run[0].value &= keep;
		run[1].value &= keep;
		run[2].value &= keep;
		run[3].value &= keep;
		run[4].value &= keep;
		run[5].value &= keep;
		run[6].value &= keep;
		run[7].value &= keep;
	}
}

static inline void ptes_copy(pte_t *to, const pte_t *from, u32 count)
{
	u64 left = count;
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(left) : : "memory");
}

static inline void ptes_clear(pte_t *first, u32 count)
{
	u64 left = count;
	__asm__ volatile("rep stosq" : "+D"(first), "+c"(left) : "a"((u64)0) : "memory");
}

static inline void tlb_flush_page_local(vaddr_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

#endif
