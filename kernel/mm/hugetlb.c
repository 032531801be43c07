/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings of huge pages from the pool: reservations, faults, and where they may be cut; see
 * hugetlb.h.
 *
 * A space keeps the number of blocks that are reserved for it; which of its mappings they are for
 * does not matter.  It never has more than there are 2 MiB in its mappings without a page.
 */
#include "mm/hugetlb.h"

#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/hugetlb_internal.h"

int hugetlb_reserve(struct address_space *space, size_t length)
{
	size_t blocks = length / HUGE_SIZE;

	if (!hugetlb_pool_reserve(blocks))
		return -ENOMEM;
	__atomic_fetch_add(&space->huge_reserved, blocks, __ATOMIC_RELAXED);
	return 0;
}

void hugetlb_unreserve(struct address_space *space, size_t blocks)
{
	size_t some = MIN(blocks, READ_ONCE(space->huge_reserved));

	if (some == 0)
		return;
	__atomic_fetch_sub(&space->huge_reserved, some, __ATOMIC_RELAXED);
	hugetlb_pool_unreserve(some);
}

/* 2 MiB of [start, end) without a leaf. */
static size_t count_missing(struct address_space *space, vaddr_t start, vaddr_t end)
{
	struct tree_span span;
	size_t missing = (end - start) / HUGE_SIZE;
	vaddr_t at = start;

	while (tree_look_span(space, &at, end, &span)) {
		missing--;
		tree_unlock_span(space, &span);
	}
	return missing;
}

size_t hugetlb_count_promised_slowly(struct address_space *space, vaddr_t start, vaddr_t end)
{
	const struct region *region;
	size_t promised = 0;

	for (vaddr_t at = start; at < end; at = region->end) {
		region = region_find_first(space, at);
		if (region == NULL || region->start >= end)
			break;
		if ((region->flags & (REGION_HUGETLB | REGION_NO_RESERVE)) == REGION_HUGETLB)
			promised +=
				count_missing(space, MAX(at, region->start), MIN(end, region->end));
	}
	return promised;
}

static bool cuts(struct address_space *space, vaddr_t at)
{
	const struct region *region = at % HUGE_SIZE != 0 ? region_find(space, at) : NULL;

	return region != NULL && (region->flags & REGION_HUGETLB);
}

int hugetlb_check_cut_slowly(struct address_space *space, vaddr_t start, vaddr_t end)
{
	if (likely(space->hugetlb_pages == 0))
		return 0;
	return cuts(space, start) || cuts(space, end) ? -EINVAL : 0;
}

/* --- Faults --- */

/* Mappings with MAP_NORESERVE have no part in what is promised. */
static phys_t take_block(struct address_space *space, const struct region *region, bool *promised)
{
	size_t reserved = __atomic_load_n(&space->huge_reserved, __ATOMIC_RELAXED);

	while (reserved != 0 && !(region->flags & REGION_NO_RESERVE))
		if (__atomic_compare_exchange_n(&space->huge_reserved, &reserved, reserved - 1,
						true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			*promised = true;
			return hugetlb_pool_take(true);
		}
	*promised = false;
	return hugetlb_pool_take(false);
}

/* A leaf is there already, without entries since its pages were given up: it is filled, and stays a
 * table. */
static enum fault_result refill(struct fault *fault, vaddr_t base, phys_t block)
{
	struct tree_leaf leaf;

	if (tree_lock_leaf(fault->space, base, TREE_OWN, &leaf) != 0)
		return FAULT_NO_MEMORY;
	bool empty = entries_skip_empty(node_table(leaf.node), 0) == PTES_PER_TABLE;
	if (empty)
		huge_leaf_fill(leaf.node, fault->region, block);
	tree_unlock_leaf(&leaf);
	return empty ? FAULT_DONE : FAULT_RETRY;
}

/* Maps a block; only with FAULT_DONE the caller's references are gone. */
static enum fault_result map_block(struct fault *fault, vaddr_t base, phys_t block)
{
	pte_t *link = tree_own_leaf_link(fault->space, base), empty = entry_none();

	if (link == NULL)
		return FAULT_NO_MEMORY;
	if (!pte_is_none(pte_read(link)))
		return refill(fault, base, block);
	struct node *leaf = node_alloc_unfilled(1);
	if (leaf == NULL)
		return FAULT_NO_MEMORY;
	huge_leaf_fill(leaf, fault->region, block);
	node_extend(node_of_slot(link), slot_index(link));
	if (pte_compare_exchange(link, &empty, huge_link_make(leaf)))
		return FAULT_DONE;
	huge_link_gone(leaf);
	/* The block stays the caller's. */
	for (u32 i = 0; i < PTES_PER_TABLE; i++)
		frame_get(block + i * PAGE_SIZE);
	node_put(leaf);
	return FAULT_RETRY;
}

enum fault_result fault_hugetlb(struct fault *fault)
{
	bool promised;
	phys_t block = take_block(fault->space, fault->region, &promised);

	if (block == 0)
		return FAULT_NO_PAGE;
	huge_block_clear(block);
	enum fault_result result = map_block(fault, ALIGN_DOWN(fault->page, HUGE_SIZE), block);
	if (result == FAULT_DONE)
		return result;
	for (u32 i = 0; i < PTES_PER_TABLE; i++)
		frame_free(block + i * PAGE_SIZE);
	/* The promise stands for another page. */
	if (promised)
		(void)!hugetlb_reserve(fault->space, HUGE_SIZE);
	return result;
}
