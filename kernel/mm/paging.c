/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checked door to page-table trees; see paging.h.
 */
#include "mm/paging.h"

#include "lib/errno.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/tree.h"

/* The root of the tree that an address belongs to: the kernel's for the upper half. */
static phys_t root_for(vaddr_t address)
{
	return address >= KERNEL_BASE ? mmu_kernel_root() : mmu_current_root();
}

static bool is_canonical(vaddr_t address)
{
	return address < USER_TABLES_TOP || address >= KERNEL_BASE;
}

int paging_map_page(vaddr_t address, phys_t frame, u64 flags)
{
	if (address % PAGE_SIZE != 0 || frame % PAGE_SIZE != 0 || !is_canonical(address))
		return -EINVAL;
	struct address_space *space = vmm_current_space();
	if (address < KERNEL_BASE)
		return space != NULL ? vmm_map_page(space, address, frame, flags) : -EINVAL;
	pte_t *slot = kernel_slot_create(address);
	if (slot == NULL)
		return -ENOMEM;
	pte_t expected = entry_none();
	return pte_compare_exchange(slot, &expected, pte_leaf(frame, flags | PAGE_PRESENT, 1))
		       ? 0
		       : -EEXIST;
}

void paging_unmap_page(vaddr_t address)
{
	struct address_space *space = vmm_current_space();

	if (!is_canonical(address))
		return;
	if (address < KERNEL_BASE) {
		if (space != NULL)
			vmm_unmap_page(space, address);
		return;
	}
	pte_t *slot = kernel_slot(address);
	pte_t entry = slot != NULL ? pte_exchange(slot, entry_none()) : entry_none();
	if (!pte_is_present(entry))
		return;
	address = ALIGN_DOWN(address, PAGE_SIZE);
	tlb_flush_kernel(address, address + PAGE_SIZE);
	if (!entry_is_special(entry))
		frame_free(pte_phys(entry));
}

phys_t paging_get_physical(vaddr_t address)
{
	u32 level;

	if (!is_canonical(address))
		return 0;
	const pte_t *slot = tree_walk(root_for(address), address, &level);
	return slot != NULL ? pte_phys(pte_read(slot)) + address % pt_span(level) : 0;
}

/* A directory of this door's is the tree of an address space of its own. */
static struct address_space *space_of(page_directory_t *directory)
{
	return container_of(directory, struct address_space, tree);
}

page_directory_t *paging_create_directory(void)
{
	struct address_space *space = vmm_create_address_space();

	return space != NULL ? &space->tree : NULL;
}

void paging_free_directory(page_directory_t *directory)
{
	vmm_put_address_space(space_of(directory));
}

void paging_switch_directory(page_directory_t *directory)
{
	vmm_switch_address_space(directory != NULL ? space_of(directory) : NULL);
}

page_directory_t *paging_clone_directory(page_directory_t *directory)
{
	struct address_space *copy = vmm_copy_address_space(space_of(directory));

	return copy != NULL ? &copy->tree : NULL;
}
