/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of a space, node by node: see inspect.h.
 *
 * The nodes are noted under the space's tree_lock, without sleeping.  A node lies at the same
 * address in every space that has it, so who shares it is found afterwards by looking there in each
 * member of the family.
 */
#include "mm/family.h"
#include "mm/huge.h"
#include "mm/inspect.h"
#include "mm/space.h"
#include "mm/tree.h"

struct listing {
	struct tree_node_info *nodes;
	size_t limit, total;
};

static u32 ring_members(struct node *leaf)
{
	u32 members = 1;
	bool ring = ring_lock(leaf);

	for (const struct node *other = leaf->ring; other != leaf; other = other->ring)
		members++;
	ring_unlock(leaf, ring);
	return members;
}

static u32 count_entries(const pte_t *table, u32 limit)
{
	u32 count = 0;

	for (u32 i = 0; (i = entries_skip_empty(table, i)) < limit; i++)
		count++;
	return count;
}

static void note_leaf(struct node *leaf, struct tree_node_info *info)
{
	spin_lock(&leaf->lock);
	info->ring = ring_members(leaf);
	for (int kind = 0; kind < RESIDENT_KINDS; kind++)
		info->resident[kind] = leaf->counts[kind];
	spin_unlock(&leaf->lock);
}

static void note(struct listing *listing, struct node *node, vaddr_t start, bool writable)
{
	size_t index = listing->total++;

	if (index >= listing->limit)
		return;
	listing->nodes[index] = (struct tree_node_info){
		.start = start,
		.table = node->table,
		.level = node->level,
		.refs = READ_ONCE(node->refs),
		.entries = count_entries(node_table(node), PTES_PER_TABLE),
		.writable = writable,
		.may_pin = READ_ONCE(node->may_pin),
		.huge_links = READ_ONCE(node->huge_links),
	};
	if (node->level == 1)
		note_leaf(node, &listing->nodes[index]);
}

/* As deep as the tree is high. */
static void list_below(struct listing *listing, pte_t *table, u32 level, vaddr_t base, u32 limit)
{
	for (u32 i = 0; (i = entries_skip_empty(table, i)) < limit; i++) {
		pte_t link = pte_read(&table[i]);
		struct node *node = tree_link_node(&table[i], link);
		vaddr_t start = base + i * pt_span(level);
		note(listing, node, start, link_is_writable(link));
		if (level > 2)
			list_below(listing, node_table(node), level - 1, start, PTES_PER_TABLE);
	}
}

/* The table of a node at this place, or 0.  The tree_lock is held. */
static phys_t table_at(const struct address_space *space, const struct tree_node_info *info)
{
	phys_t table = space->tree.root;

	for (u32 level = PT_LEVELS; level > info->level; level--) {
		pte_t *entries = phys_to_virt(table);
		pte_t *slot = &entries[pt_index(info->start, level)];
		pte_t link = pte_read(slot);
		if (!pte_is_present(link))
			return 0;
		table = tree_link_node(slot, link)->table;
	}
	return table;
}

/* Counts the space in where it has the same node. */
static void count_sharer(struct address_space *space, struct tree_node_info *nodes, size_t count)
{
	spin_lock(&space->tree_lock);
	for (size_t i = 0; i < count; i++)
		nodes[i].spaces += table_at(space, &nodes[i]) == nodes[i].table;
	spin_unlock(&space->tree_lock);
}

size_t vmm_describe_tree(struct address_space *space, struct tree_node_info *nodes, size_t limit)
{
	struct listing listing = {.nodes = nodes, .limit = limit};

	spin_lock(&space->tree_lock);
	list_below(&listing, phys_to_virt(space->tree.root), PT_LEVELS, 0,
		   pt_index(KERNEL_BASE, PT_LEVELS));
	spin_unlock(&space->tree_lock);
	struct address_space *member = family_next(space->family, NULL);
	while (member != NULL) {
		struct address_space *next;
		count_sharer(member, nodes, MIN(listing.total, limit));
		next = family_next(space->family, member);
		vmm_put_address_space(member);
		member = next;
	}
	return listing.total;
}
