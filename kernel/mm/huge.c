/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which memory may have huge pages, and bringing them by a fault; see huge.h.
 *
 * A fault makes one where there is no leaf yet, for a write to private memory without a file whose
 * region covers all of the 2 MiB, if there is a block at once and memory is not short.  Otherwise
 * it is a fault like any other.  What a program reads first is not worth 2 MiB: it gets the page of
 * zeros.
 */
#include "mm/huge.h"

#include "lib/assert.h"
#include "mm/compact.h"
#include "mm/fault.h"

/* As Linux: machines with less have none unless somebody switches them on. */
#define WORTHWHILE_MEMORY ((size_t)512 * MIB)

struct huge_settings huge_settings = {
	.enabled = HUGE_ALWAYS,
	.fault_defrag = DEFRAG_ADVISED,
	.defrag = 1,
	.scan_pages = 8 * PTES_PER_TABLE,
	.scan_sleep = 10000,
	.alloc_sleep = 60000,
	.max_empty = PTES_PER_TABLE - 1,
};

void huge_init(void)
{
	if (frame_get_total_memory() < WORTHWHILE_MEMORY - WORTHWHILE_MEMORY / 16)
		huge_settings.enabled = HUGE_NEVER;
}

bool huge_is_allowed(const struct address_space *space, const struct region *region, vaddr_t base,
		     bool asked)
{
	u32 mode = asked ? HUGE_ALWAYS : READ_ONCE(huge_settings.enabled);
	const u32 unfit = REGION_SHARED | REGION_SPECIAL | REGION_GROWS_DOWN | REGION_NO_HUGE |
			  REGION_WATCH | REGION_TRACKED | REGION_HUGETLB;

	if (mode == HUGE_NEVER || (mode == HUGE_ADVISED && !(region->flags & REGION_HUGE)))
		return false;
	if (region->backing != NULL || region->kind == KIND_KERNEL || (region->flags & unfit) ||
	    !(region->flags & REGION_WRITE))
		return false;
	if (READ_ONCE(space->no_huge))
		return false;
	return region->start <= base && base + HUGE_SIZE <= region->end;
}

void huge_leaf_fill(struct node *leaf, const struct region *region, phys_t block)
{
	u64 flags = region_entry_flags(region, true);
	pte_t *table = node_table(leaf);

	for (u32 i = 0; i < PTES_PER_TABLE; i++)
		pte_write(&table[i], entry_exclusive(&table[i], block + i * PAGE_SIZE, flags));
	leaf_extend(leaf, 0, PTES_PER_TABLE);
	leaf->counts[RESIDENT_ANONYMOUS] = PTES_PER_TABLE;
}

/* Puts a leaf where there is none yet. */
static enum fault_result publish(pte_t *link, struct node *leaf)
{
	pte_t empty = entry_none();

	node_extend(node_of_slot(link), slot_index(link));
	if (pte_compare_exchange(link, &empty, huge_link_make(leaf)))
		return FAULT_DONE;
	huge_link_gone(leaf);
	node_put(leaf);
	return FAULT_RETRY;
}

/* There is no block.  Shall the fault make one?  Once at most. */
static bool may_make_room(const struct fault *fault)
{
	bool asked = fault->region->flags & REGION_HUGE;

	if (fault->made_room)
		return false;
	switch (READ_ONCE(huge_settings.fault_defrag)) {
	case DEFRAG_ALWAYS:
		return true;
	case DEFRAG_DEFER_ADVISED:
		if (asked)
			return true;
		/* fall through */
	case DEFRAG_DEFER:
		compact_wish(HUGE_ORDER);
		return false;
	case DEFRAG_ADVISED:
		return asked;
	default:
		return false;
	}
}

enum fault_result fault_huge(struct fault *fault)
{
	vaddr_t base = ALIGN_DOWN(fault->page, HUGE_SIZE);

	if (!huge_is_allowed(fault->space, fault->region, base, false))
		return FAULT_NO_PAGE;
	pte_t *link = tree_own_leaf_link(fault->space, base);
	if (link == NULL || !pte_is_none(pte_read(link)))
		return FAULT_NO_PAGE;
	phys_t block = huge_block_alloc(&fault->region->policy, base);
	if (block == 0 && !frame_is_short() && may_make_room(fault))
		return FAULT_NO_BLOCK;
	struct node *leaf = block != 0 ? node_alloc_unfilled(1) : NULL;
	if (leaf == NULL) {
		if (block != 0 && !huge_block_free(block))
			panic("a block that nobody has seen is in use");
		huge_note(HUGE_FAULT_FALLBACK);
		return FAULT_NO_PAGE;
	}
	huge_block_clear(block);
	huge_leaf_fill(leaf, fault->region, block);
	huge_note(HUGE_FAULTED);
	return publish(link, leaf);
}
