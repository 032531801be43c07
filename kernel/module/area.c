/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of modules: pages in the area that the machine keeps for them near the kernel, so that
 * code reaches its data and the kernel's functions with 32-bit distances.
 *
 * Ranges are kept in a list by address; a new one goes into the first gap that holds it and a page
 * more on both sides, which is never mapped.  The first range of a boot begins at a place that is
 * drawn.
 *
 * W^X: pages are made writable and not executable, filled, and then changed: text to executable and
 * read-only, constants to read-only.  No mapping in the area is ever both.
 *
 * The checking build's lock checker remembers places in the source for good, those of modules too:
 * there a module's data and constants stay mapped when it goes.
 *
 * Locks: area_lock (mutex) guards the list.  The page-table entries of a range belong to whoever
 * has it.
 */
#include "arch/mmu.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/tree.h"
#include "module/module_internal.h"
#include "proc/random.h"

enum { FIRST_PLACES = 16384 };

#ifdef CONFIG_CHECKING
static const bool names_stay = true;
#else
static const bool names_stay = false;
#endif

static mutex_t area_lock = MUTEX_INIT(area_lock);
static struct list_head ranges = LIST_INIT(ranges); /* area_lock */
static vaddr_t area_start;                          /* set once */

void module_area_init(void)
{
	u32 random;

	random_bytes(&random, sizeof(random));
	area_start = MODULE_AREA + PAGE_SIZE * (random % FIRST_PLACES);
}

/* Gives the range addresses, and puts it into the list. */
static bool find_gap(struct module_memory *memory)
{
	size_t wanted = ((size_t)memory->pages + 1) * PAGE_SIZE;
	vaddr_t at = area_start + PAGE_SIZE;
	struct list_head *before = &ranges;
	const struct module_memory *range;

	list_for_each_entry (range, &ranges, link) {
		if (range->start - at >= wanted)
			break;
		at = range->start + ((size_t)range->pages + 1) * PAGE_SIZE;
		before = (struct list_head *)&range->link;
	}
	if (wanted > MODULE_AREA + MODULE_AREA_SIZE - at)
		return false;
	memory->start = at;
	list_add(&memory->link, before);
	return true;
}

static void unmap(struct module_memory *memory, u32 pages)
{
	for (u32 i = 0; i < pages; i++) {
		vaddr_t at = memory->start + i * PAGE_SIZE;
		phys_t frame = pte_phys(pte_exchange(kernel_slot(at), entry_none()));
		tlb_flush_kernel(at, at + PAGE_SIZE);
		frame_free(frame);
	}
	mutex_lock(&area_lock);
	list_remove(&memory->link);
	mutex_unlock(&area_lock);
	kfree(memory);
}

struct module_memory *module_memory_get(u64 size)
{
	struct module_memory *memory = kzalloc(sizeof(*memory));
	bool fits;

	if (memory == NULL)
		return NULL;
	memory->pages = (u32)DIV_ROUND_UP(size, PAGE_SIZE);
	mutex_lock(&area_lock);
	fits = find_gap(memory);
	mutex_unlock(&area_lock);
	if (!fits) {
		kfree(memory);
		return NULL;
	}
	for (u32 i = 0; i < memory->pages; i++) {
		pte_t *slot = kernel_slot_create(memory->start + i * PAGE_SIZE);
		phys_t frame = slot != NULL ? frame_alloc_zeroed() : 0;
		if (frame == 0) {
			unmap(memory, i);
			return NULL;
		}
		pte_write(slot, pte_leaf(frame,
					 PAGE_PRESENT | PAGE_WRITABLE | PAGE_GLOBAL | PAGE_NX |
						 PAGE_ACCESSED | PAGE_DIRTY,
					 1));
	}
	return memory;
}

void module_memory_protect(const struct module_memory *memory, enum object_part part)
{
	if (memory == NULL || part == OBJECT_DATA)
		return;
	vaddr_t end = memory->start + memory->pages * PAGE_SIZE;
	for (vaddr_t at = memory->start; at < end; at += PAGE_SIZE) {
		pte_t *slot = kernel_slot(at);
		pte_t entry = pte_clear(pte_read(slot), PAGE_WRITABLE | PAGE_DIRTY);
		pte_write(slot, part == OBJECT_TEXT ? pte_clear(entry, PAGE_NX) : entry);
	}
	tlb_flush_kernel(memory->start, end);
}

void module_memory_put(struct module_memory *memory, enum object_part part)
{
	if (memory != NULL && (part == OBJECT_TEXT || !names_stay))
		unmap(memory, memory->pages);
}
