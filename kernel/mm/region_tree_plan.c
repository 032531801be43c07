/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Planning a change of a region tree: its place, and how many nodes it may need at most; see
 * region_tree.h.
 *
 * A node is needed for each on the path that has to be copied, from the first that is shared on,
 * and for each that has no room for what comes, as far up as they follow each other.  Regions to be
 * removed from other leaves than the first add the paths to their ends.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/region_tree_internal.h"

/* How many nodes the path to an address has from the first shared one on. */
static u32 count_shared(const struct region_tree *tree, vaddr_t address)
{
	const struct region_node *node = tree->root;
	u32 count = 0;

	while (node != NULL) {
		count += count != 0 || region_node_is_shared(node);
		if (node->level == 0)
			break;
		node = node->slots[region_node_toward(node, address)].child.node;
	}
	return count;
}

bool region_tree_is_own(const struct region_tree *tree, vaddr_t start)
{
	return count_shared(tree, start) == 0;
}

/* An address of the page before, where the path to what lies in front of `start` leads. */
static vaddr_t before(vaddr_t start)
{
	return start != 0 ? start - 1 : 0;
}

/* Finds the slots of the leaf that go, and whether that is all. */
static void plan_leaf(struct region_change *change, const struct region_node *leaf)
{
	u32 at = region_node_below(leaf, change->start), stop = at;

	while (stop < leaf->count && leaf->slots[stop].start < change->end)
		stop++;
	change->path[0] = (u8)at;
	change->removed = (u8)(stop - at);
	change->wide = false;
	if (likely(stop != leaf->count))
		return;
	change->tail = MAX(leaf->slots[stop - 1].end, change->start);
	change->wide = change->tail < change->end || (at == 0 && change->count == 0);
}

static u32 plan_wide(struct region_change *change)
{
	if (change->count == 0)
		change->tail = change->start;
	return count_shared(change->tree, before(change->tail)) +
	       count_shared(change->tree, before(change->end));
}

bool region_change_plan(struct region_change *change, struct region_tree *tree, vaddr_t start,
			vaddr_t end, u32 count)
{
	const struct region_node *node = tree->root;
	u32 copies = 0, divided = 0;

	ASSERT(count <= REGION_CHANGE_MOST);
	change->tree = tree;
	change->start = start;
	change->end = end;
	change->spare = NULL;
	change->count = (u8)count;
	change->solid = false;
	if (unlikely(node == NULL)) {
		change->needed = 1;
		change->removed = change->path[0] = 0;
		change->wide = false;
		return true;
	}
	for (; node->level != 0; node = node->slots[change->path[node->level]].child.node) {
		copies += copies != 0 || region_node_is_shared(node);
		divided = node->count == REGION_NODE_SLOTS ? divided + 1 : 0;
		change->path[node->level] = (u8)region_node_toward(node, start);
	}
	copies += copies != 0 || region_node_is_shared(node);
	plan_leaf(change, node);
	change->needed = copies;
	/* Dividing goes up to the first node that has room, or to a new root; the root of now may
	 * be gone by then, if regions go from elsewhere. */
	if (unlikely(node->count - change->removed + count > REGION_NODE_SLOTS))
		change->needed += divided + 2;
	if (unlikely(change->wide))
		change->needed += plan_wide(change);
	return copies == 0;
}

int region_change_take_nodes(struct region_change *change)
{
	for (; change->needed > 0; change->needed--) {
		struct region_node *node = region_node_alloc();
		if (node == NULL) {
			region_change_free_nodes(change);
			return -ENOMEM;
		}
		node->slots[0].child.node = change->spare;
		change->spare = node;
	}
	return 0;
}

void region_change_free_nodes(struct region_change *change)
{
	struct region_node *node = change->spare;

	while (node != NULL) {
		struct region_node *next = node->slots[0].child.node;
		region_node_free(node);
		node = next;
	}
	change->spare = NULL;
	change->needed = 0;
}
