/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Planning a change of a region tree: how many nodes it may need at most; see region_tree.h.
 *
 * A plan looks at the path to one place.  A node is needed for each that has to be copied there,
 * from the first that is shared on, and for each that has no room for what is to be inserted, as
 * far up as they follow each other.
 */
#include "lib/errno.h"
#include "mm/region_tree_internal.h"

bool region_change_plan(struct region_change *change, vaddr_t address, u32 inserts)
{
	const struct region_node *node = change->tree->root;
	u32 copies = 0, divided = 0;
	bool shared = false;

	while (node != NULL) {
		shared = shared || region_node_is_shared(node);
		copies += shared;
		/* Dividing goes up to the first node that has room. */
		divided = node->count + inserts > REGION_NODE_SLOTS ? divided + 1 : 0;
		if (node->level == 0)
			break;
		node = node->slots[region_node_toward(node, address)].child.node;
	}
	/* Or to a new root; the root of now may be gone by then, if regions go, too. */
	if (divided != 0 || change->tree->root == NULL)
		divided++;
	change->needed += copies + inserts * divided;
	return !shared;
}

void region_change_plan_removal(struct region_change *change, vaddr_t start, vaddr_t end)
{
	vaddr_t below = region_before(start), last = region_before(end);
	const struct region_node *node = change->tree->root;
	bool shared = false;

	/* As far as both paths are one, and that is the tree's own, it needs nothing. */
	while (node != NULL && !(shared = region_node_is_shared(node)) && node->level != 0) {
		u32 i = region_node_toward(node, last);
		if (i > 0 && node->slots[i].start > below)
			break;
		node = node->slots[i].child.node;
	}
	if (node == NULL || (node->level == 0 && !shared))
		return;
	region_change_plan(change, below, 0);
	region_change_plan(change, last, 0);
}

/* The lowest address from `address` on at which a region starts; 0: there is none. */
static vaddr_t first_start(const struct region_tree *tree, vaddr_t address)
{
	const struct region_node *node = tree->root;
	vaddr_t found = 0;

	while (node != NULL) {
		u32 below = region_node_below(node, address);
		if (below < node->count)
			found = node->slots[below].start;
		node = below > 0 && node->level != 0 ? node->slots[below - 1].child.node : NULL;
	}
	return found;
}

void region_change_plan_replacement(struct region_change *change, vaddr_t start, vaddr_t end,
				    u32 inserts)
{
	const struct region_node *root = change->tree->root;

	region_change_plan(change, region_before(start), inserts);
	region_change_plan(change, region_before(end), inserts);
	if (root == NULL || root->slots[0].start < start)
		return;
	/* What is inserted becomes the first of all, beside what is the first one by then. */
	vaddr_t next = first_start(change->tree, end);
	if (next != 0)
		region_change_plan(change, next, inserts);
	else
		change->needed++;
}

int region_change_allocate(struct region_change *change)
{
	for (; change->needed > 0; change->needed--) {
		struct region_node *node = region_node_alloc();
		if (node == NULL) {
			region_change_end(change);
			return -ENOMEM;
		}
		node->slots[0].child.node = change->spare;
		change->spare = node;
	}
	return 0;
}

void region_change_end(struct region_change *change)
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
