/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table trees, one page at a time, under the names that the project promises.
 *
 * This is the small, checked door to the tree for those outside of mm: drivers, tests, people who
 * look around.  Address spaces use mm/tree.h, which works on ranges.  Addresses in the user half
 * belong to the current address space, whose map lock the caller holds, or which nobody else uses;
 * addresses in the kernel half are shared by all.
 */
#ifndef MM_PAGING_H
#define MM_PAGING_H

#include "arch/mmu.h"
#include "lib/types.h"

/* A tree of page tables: the user half is its own, the kernel half shared. */
typedef struct page_directory {
	phys_t root;
} page_directory_t;

/*
 * Maps the page at `address` to `frame`, with PAGE_* flags, in the current tree.  The mapping takes
 * over one reference of the caller's to the frame unless PAGE_SPECIAL is given.  0; -EINVAL: an
 * address that is not page-aligned or not canonical; -EEXIST: something is mapped there; -ENOMEM:
 * the tree is as it was.
 */
int __must_check paging_map_page(vaddr_t address, phys_t frame, u64 flags);
/* Drops the mapping and its reference and flushes it from the TLB of every CPU that may hold it.
 * Nothing mapped: nothing done. */
void paging_unmap_page(vaddr_t address);
/* Physical address behind a virtual one, offset included, for leaves of every size; 0 when nothing
 * is mapped there. */
phys_t paging_get_physical(vaddr_t address);

/* A tree with an empty user half; NULL when there is no memory. */
page_directory_t *__must_check paging_create_directory(void);
/* Drops every mapping of the user half and all tables.  No CPU may use it. */
void paging_free_directory(page_directory_t *directory);
/* Makes it this CPU's tree; preemption must be off.  NULL: the kernel's own, without a user half.
 */
void paging_switch_directory(page_directory_t *directory);
/*
 * A copy whose user half shares every frame, copy-on-write: writable pages lose PAGE_WRITABLE in
 * both.  The caller keeps others from changing `directory`.  NULL when there is no memory (the
 * original still works).
 */
page_directory_t *__must_check paging_clone_directory(page_directory_t *directory);

#endif
