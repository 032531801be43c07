/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of the kernel half, which all trees share from the root on: without descriptors, never
 * copied and never freed; see tree.h.
 */
#include "mm/tree.h"

static inline pte_t *table_of(pte_t link)
{
	return phys_to_virt(pte_phys(link));
}

pte_t *kernel_slot(vaddr_t address)
{
	pte_t *table = phys_to_virt(mmu_kernel_root());

	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t link = pte_read(&table[pt_index(address, level)]);
		if (!pte_is_present(link))
			return NULL;
		table = table_of(link);
	}
	return &table[pt_index(address, 1)];
}

/* Puts a table at an empty link, or finds that somebody else just did. */
static pte_t *add_table(pte_t *slot)
{
	phys_t table = frame_alloc_kind_zeroed(FRAME_TABLE);
	pte_t expected = entry_none();

	if (table == 0)
		return NULL;
	if (pte_compare_exchange(slot, &expected, pte_table(table, PAGE_PRESENT | PAGE_WRITABLE)))
		return phys_to_virt(table);
	frame_free(table);
	return table_of(expected);
}

pte_t *kernel_slot_create(vaddr_t address)
{
	pte_t *table = phys_to_virt(mmu_kernel_root());

	for (u32 level = PT_LEVELS; level > 1; level--) {
		pte_t *slot = &table[pt_index(address, level)];
		pte_t link = pte_read(slot);
		table = pte_is_present(link) ? table_of(link) : add_table(slot);
		if (table == NULL)
			return NULL;
	}
	return &table[pt_index(address, 1)];
}

const pte_t *tree_walk(phys_t root, vaddr_t address, u32 *level)
{
	const pte_t *table = phys_to_virt(root);

	for (*level = PT_LEVELS;; (*level)--) {
		const pte_t *slot = &table[pt_index(address, *level)];
		pte_t entry = pte_read(slot);
		if (!pte_is_present(entry))
			return NULL;
		if (pte_is_leaf(entry, *level))
			return slot;
		table = table_of(entry);
	}
}
