/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region tree: references, and finding regions and holes; see region_tree.h.  Changing it is
 * region_tree_change.c.
 */
#include "lib/assert.h"
#include "mm/region_tree_internal.h"
#include "mm/slab.h"

static slab_cache_t *node_slab; /* set once, as the two below */
static void (*get_region)(struct region *);
static void (*put_region)(struct region *);

void region_tree_setup(void (*get)(struct region *region), void (*put)(struct region *region))
{
	BUILD_ASSERT(REGION_NODE_SLOTS >= 4 && REGION_NODE_SLOTS <= 16);
	node_slab = slab_cache_create("region_node", sizeof(struct region_node), 0, NULL, NULL);
	if (node_slab == NULL)
		panic("no memory for the maps of regions");
	get_region = get;
	put_region = put;
}

/* --- References --- */

struct region_node *region_node_alloc(void)
{
	return slab_alloc(node_slab);
}

void region_node_free(struct region_node *node)
{
	slab_free(node_slab, node);
}

void region_child_get(union region_child child, u32 level)
{
	if (level == 0)
		get_region(child.region);
	else
		__atomic_fetch_add(&child.node->refs, 1, __ATOMIC_RELAXED);
}

void region_node_get_child(const struct region_node *node, u32 i)
{
	region_child_get(node->slots[i].child, node->level);
}

void region_child_put(union region_child child, u32 level)
{
	if (level == 0)
		put_region(child.region);
	else
		region_node_put(child.node);
}

/* The recursion is as deep as the tree is high. */
void region_node_put(struct region_node *node)
{
	if (__atomic_fetch_sub(&node->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	for (u32 i = 0; i < node->count; i++)
		region_child_put(node->slots[i].child, node->level);
	region_node_free(node);
}

void region_tree_share(struct region_tree *tree, const struct region_tree *other)
{
	ASSERT(tree->root == NULL);
	*tree = *other;
	if (tree->root != NULL)
		__atomic_fetch_add(&tree->root->refs, 1, __ATOMIC_RELAXED);
}

void region_tree_destroy(struct region_tree *tree)
{
	struct region_node *root = tree->root;

	*tree = (struct region_tree){0};
	if (root != NULL)
		region_node_put(root);
}

/* --- Regions --- */

struct region *region_tree_find(const struct region_tree *tree, vaddr_t address)
{
	const struct region_node *node = tree->root;

	if (node == NULL)
		return NULL;
	while (true) {
		u32 i = region_node_above(node, address);
		/* Only at the root: below, the parent has looked at our end. */
		if (i == node->count)
			return NULL;
		if (node->level == 0)
			return node->slots[i].child.region;
		node = node->slots[i].child.node;
	}
}

struct region *region_tree_find_before(const struct region_tree *tree, vaddr_t address)
{
	const struct region_node *node = tree->root;

	if (node == NULL || node->slots[0].start >= address)
		return NULL;
	while (node->level != 0)
		node = node->slots[region_node_below(node, address) - 1].child.node;
	return node->slots[region_node_below(node, address) - 1].child.region;
}

void region_tree_find_around(const struct region_tree *tree, vaddr_t start, vaddr_t end,
			     struct region **below, struct region **above)
{
	const struct region_node *node = tree->root;
	u32 first, next;

	*below = *above = NULL;
	if (node == NULL)
		return;
	for (;; node = node->slots[next].child.node) {
		first = region_node_below(node, start);
		next = first != 0 ? first - 1 : 0;
		if (node->level == 0)
			break;
	}
	while (next < node->count && node->slots[next].end <= end)
		next++;
	*below = first != 0 ? node->slots[first - 1].child.region
			    : region_tree_find_before(tree, start);
	*above = next < node->count ? node->slots[next].child.region : region_tree_find(tree, end);
}

vaddr_t region_tree_end(const struct region_tree *tree)
{
	return tree->root != NULL ? tree->root->slots[tree->root->count - 1].end : 0;
}

/* --- Holes --- */

/* What the searches for one hole have in common. */
struct hole_search {
	u64 length;
	vaddr_t low, high;
};

/* The highest place in a hole [bottom, top), if it is large enough where it is wanted; or 0. */
static vaddr_t place_in(const struct hole_search *search, vaddr_t bottom, vaddr_t top)
{
	bottom = MAX(bottom, search->low);
	top = MIN(top, search->high);
	return top > bottom && top - bottom >= search->length ? top - search->length : 0;
}

/* In the hole in front of slot i, which has one before it. */
static inline vaddr_t search_front(const struct hole_search *search, const struct region_node *node,
				   u32 i)
{
	vaddr_t bottom = node->slots[i - 1].end;

	/* Most are too small, whether there is a guard gap or not. */
	if (node->slots[i].start - bottom < search->length)
		return 0;
	return place_in(search, bottom, bottom + region_node_gap(node, i));
}

/* Among the holes between regions of this subtree.  A summary can promise too much only at the two
 * ends of the range, so at most two paths are gone in vain. */
static vaddr_t search_below(const struct hole_search *search, const struct region_node *node)
{
	/* From the first slot that starts behind the range: the hole in front of it may reach in.
	 */
	u32 i = MIN(region_node_below(node, search->high) + 1, (u32)node->count);
	vaddr_t found = 0;

	if (node->level == 0) {
		while (found == 0 && i-- > 1 && node->slots[i].end > search->low)
			found = search_front(search, node, i);
		return found;
	}
	while (found == 0 && i-- > 0 && node->slots[i].end > search->low) {
		if (node->slots[i].hole >= search->length && node->slots[i].start < search->high)
			found = search_below(search, node->slots[i].child.node);
		if (found == 0 && i > 0)
			found = search_front(search, node, i);
	}
	return found;
}

vaddr_t region_tree_find_hole(const struct region_tree *tree, u64 length, vaddr_t low, vaddr_t high)
{
	struct hole_search search = {.length = length, .low = low, .high = high};
	const struct region_node *root = tree->root;

	if (root == NULL)
		return place_in(&search, low, high);
	vaddr_t found = place_in(&search, region_tree_end(tree), high);
	if (found == 0)
		found = search_below(&search, root);
	if (found == 0) {
		u64 guard = root->guarded & 1 ? REGION_TREE_GUARD : 0;
		found = place_in(&search, low,
				 root->slots[0].start - MIN(guard, root->slots[0].start));
	}
	return found;
}
