/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree as a whole: its root, sharing it with a child, making ranges of it the space's own, and
 * what it has; see tree.h.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/huge.h"
#include "mm/pin_internal.h"
#include "mm/tree.h"
#include "mm/zap.h"

int tree_init(page_directory_t *tree)
{
	u32 first = pt_index(KERNEL_BASE, PT_LEVELS);

	tree->root = frame_alloc_kind(FRAME_TABLE);
	if (tree->root == 0)
		return -ENOMEM;
	pte_t *own = phys_to_virt(tree->root);
	const pte_t *kernel = phys_to_virt(mmu_kernel_root());
	memset(own, 0, first * sizeof(*own));
	memcpy(&own[first], &kernel[first], (PTES_PER_TABLE - first) * sizeof(*own));
	return 0;
}

void tree_destroy(page_directory_t *tree)
{
	frame_free(tree->root);
	tree->root = 0;
}

/* --- fork --- */

int tree_share(struct address_space *child, struct address_space *parent)
{
	pte_t *from = phys_to_virt(parent->tree.root), *to = phys_to_virt(child->tree.root);
	u32 end = pt_index(KERNEL_BASE, PT_LEVELS);
	int result = 0;

	ASSERT(READ_ONCE(parent->map_lock.holders) < 0);
	spin_lock(&parent->tree_lock);
	if (unlikely(parent->may_pin))
		parent->may_pin = pin_look_below(from, end);
	for (u32 i = 0; result == 0 && (i = entries_skip_empty(from, i)) < end; i++)
		result = pin_share_link(&to[i], &from[i]);
	parent->has_forked = child->has_forked = true;
	spin_unlock(&parent->tree_lock);
	return result;
}

/* --- remap --- */

struct isolation {
	vaddr_t start, end;
	enum tree_covered covered;
	struct gather gather;
};

/* One link, over [at, at + span), becomes W = 1, or goes.  -ENOMEM, or 0. */
static int isolate_link(struct isolation *isolation, pte_t *slot, pte_t link, vaddr_t at, u64 span)
{
	bool covered = at >= isolation->start && at + span <= isolation->end;
	struct node *replaced = node_of(link);

	if (covered && isolation->covered == COVERED_STAYS)
		return 0;
	if (covered && isolation->covered == COVERED_GOES) {
		pte_write(slot, entry_none());
		if (link_is_huge(link))
			huge_link_gone(replaced);
	} else {
		link = tree_own_link(slot, link, &replaced);
		if (pte_is_none(link))
			return -ENOMEM;
		if (node_of(link)->level == 1)
			spin_unlock(&node_of(link)->lock);
	}
	if (replaced != NULL) {
		gather_range(&isolation->gather, MAX(at, isolation->start),
			     MIN(at + span, isolation->end));
		gather_node(&isolation->gather, replaced);
	}
	return 0;
}

/* The links of a table, whose entries are of `level` and which spans from `base`. */
static int isolate_below(struct isolation *isolation, pte_t *table, u32 level, vaddr_t base)
{
	u64 span = pt_span(level);
	vaddr_t first = MAX(base, ALIGN_DOWN(isolation->start, span));
	u32 index = (u32)((first - base) / span);
	u32 limit = entries_limit(base, span, isolation->end);

	for (; (index = entries_skip_empty_below(table, index, limit)) < limit; index++) {
		vaddr_t at = base + index * span;
		pte_t link = pte_read(&table[index]);
		if (!link_is_writable(link)) {
			int result = isolate_link(isolation, &table[index], link, at, span);
			if (result != 0)
				return result;
		}
		link = pte_read(&table[index]);
		if (level == 2 || !link_is_writable(link))
			continue;
		int result = isolate_below(isolation, node_table(node_of(link)), level - 1, at);
		if (result != 0)
			return result;
	}
	return 0;
}

int tree_isolate(struct address_space *space, vaddr_t start, vaddr_t end, enum tree_covered covered)
{
	struct isolation isolation;

	if (!space->has_forked || start >= end ||
	    tree_exclusive_leaf(space, start, end) != TREE_WALK)
		return 0;
	isolation.start = start;
	isolation.end = end;
	isolation.covered = covered;
	gather_begin(&isolation.gather, space);
	spin_lock(&space->tree_lock);
	int result = isolate_below(&isolation, phys_to_virt(space->tree.root), PT_LEVELS, 0);
	spin_unlock(&space->tree_lock);
	gather_finish(&isolation.gather);
	return result;
}

int tree_prepare(struct address_space *space, vaddr_t start, vaddr_t end)
{
	for (vaddr_t at = start; at < end; at = ALIGN_DOWN(at, pt_span(2)) + pt_span(2)) {
		struct tree_leaf leaf;
		int result = tree_lock_leaf(space, at, TREE_OWN, &leaf);
		if (result != 0)
			return result;
		tree_unlock_leaf(&leaf);
	}
	return 0;
}

/* --- Counts --- */

static void count_below(const pte_t *table, u32 limit, struct tree_counts *counts)
{
	for (u32 i = 0; (i = entries_skip_empty(table, i)) < limit; i++) {
		pte_t link = pte_read(&table[i]);
		counts->tables++;
		/* All entries are there; its leaf would have to be looked for. */
		if (link_is_huge(link)) {
			counts->resident[RESIDENT_ANONYMOUS] += PTES_PER_TABLE;
			continue;
		}
		const struct node *node = node_of(link);
		if (node->level > 1) {
			count_below(node_table(node), PTES_PER_TABLE, counts);
			continue;
		}
		for (int kind = 0; kind < RESIDENT_KINDS; kind++)
			counts->resident[kind] += READ_ONCE(node->counts[kind]);
		counts->swapped += READ_ONCE(node->swapped);
	}
}

static void count_locked(struct address_space *space, struct tree_counts *counts)
{
	*counts = (struct tree_counts){.tables = 1};
	count_below(phys_to_virt(space->tree.root), pt_index(KERNEL_BASE, PT_LEVELS), counts);
	spin_unlock(&space->tree_lock);
}

void tree_count(struct address_space *space, struct tree_counts *counts)
{
	spin_lock(&space->tree_lock);
	count_locked(space, counts);
}

bool tree_try_count(struct address_space *space, struct tree_counts *counts)
{
	if (!spin_trylock(&space->tree_lock))
		return false;
	count_locked(space, counts);
	return true;
}
