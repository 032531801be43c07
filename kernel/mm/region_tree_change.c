/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a region tree; see region_tree.h.
 *
 * A change goes down from the root, making each node on its way the tree's own: a node that
 * somebody else has a link to, or whose parent somebody else has, is copied first.  (Copying the
 * parent raises the child's count, so looking at each node's own count on the way down is enough.)
 * In the leaf it puts some slots in the place of others.  On the way up each parent learns what
 * changed of its child, until nothing does.
 *
 * A node that is full is divided; two thin neighbours become one.  Joining pulls the neighbour's
 * children over and drops the neighbour, whether it was shared or not, so it needs no new node.
 *
 * What goes from other leaves than the first is removed before that, in a way of its own, which
 * may drop whole subtrees.
 */
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/region_tree_internal.h"

static __attribute__((noinline)) struct region_node *copy_node(struct region_change *change,
							       struct region_node **link)
{
	struct region_node *node = *link, *copy = take_spare(change);

	memcpy(copy, node, sizeof(*copy));
	copy->refs = 1;
	for (u32 i = 0; i < copy->count; i++)
		region_node_get_child(copy, i);
	*link = copy;
	region_node_put(node);
	return copy;
}

/* Makes the node that a link of our own names our own. */
static inline struct region_node *own(struct region_change *change, struct region_node **link)
{
	return likely(!region_node_is_shared(*link)) ? *link : copy_node(change, link);
}

static struct region_node *new_root(struct region_change *change, u32 level)
{
	struct region_node *root = take_spare(change);

	ENSURE(level < REGION_TREE_LEVELS);
	root->level = (u8)level;
	root->count = 0;
	root->guarded = 0;
	root->largest = 0;
	return root;
}

/* --- Removing --- */

/*
 * Child i, which a removal has gone through or past, may have become thin: joins it with its
 * neighbours, which are not copied.  Says whether it did.
 */
static bool mend(struct region_change *change, struct region_node *node, u32 i)
{
	bool right = i + 1 < node->count && region_node_are_thin(node, i);
	bool left = i > 0 && region_node_are_thin(node, i - 1);

	if (likely(!right && !left))
		return false;
	own(change, &node->slots[i].child.node);
	if (right)
		region_node_join(node, i, i + 1);
	if (i > 0 && region_node_are_thin(node, i - 1)) {
		region_node_join(node, i, i - 1);
		i--;
	}
	region_node_describe(node, i);
	return true;
}

static size_t count_regions(const struct region_node *node)
{
	size_t count = 0;

	if (node->level == 0)
		return node->count;
	for (u32 i = 0; i < node->count; i++)
		count += count_regions(node->slots[i].child.node);
	return count;
}

/* Takes out slots [first, last) of a node of our own, with all that is below them. */
static void drop_slots(struct region_change *change, struct region_node *node, u32 first, u32 last)
{
	union region_child dropped[REGION_NODE_SLOTS];

	for (u32 i = first; i < last; i++) {
		dropped[i - first] = node->slots[i].child;
		change->tree->count -=
			node->level == 0 ? 1 : count_regions(node->slots[i].child.node);
	}
	if (first != last)
		region_node_replace(node, first, last - first, NULL, 0);
	for (u32 i = 0; i < last - first; i++)
		region_child_put(dropped[i], node->level);
}

/*
 * Says whether anything went.  Never leaves a child empty: one that is covered wholly is dropped by
 * its parent.
 */
static bool remove_below(struct region_change *change, struct region_node **link, vaddr_t start,
			 vaddr_t end)
{
	struct region_node *node = own(change, link);
	u32 first = region_node_below(node, start), last = region_node_below(node, end);

	if (node->level == 0 && last == first + 1) {
		union region_child child = node->slots[first].child;
		change->tree->count--;
		region_node_replace(node, first, last - first, NULL, 0);
		region_child_put(child, 0);
		return true;
	}
	if (node->level == 0) {
		drop_slots(change, node, first, last);
		return first != last;
	}
	/* Slots [first, last) begin in the range.  The last of them may reach over its end, and the
	   slot before them reach into it. */
	bool into = first > 0 && node->slots[first - 1].end > start;
	bool over = first < last && node->slots[last - 1].end > end;
	bool changed = last - over != first;
	if (into && remove_below(change, &node->slots[first - 1].child.node, start, end))
		changed |= region_node_describe(node, first - 1);
	if (over && remove_below(change, &node->slots[last - 1].child.node, start, end))
		changed |= region_node_describe(node, last - 1);
	drop_slots(change, node, first, last - over);
	/* The upper one first, while its number holds. */
	if (over)
		changed |= mend(change, node, first);
	if (first > 0)
		changed |= mend(change, node, first - 1);
	return changed;
}

/* A root with one child is none. */
static void drop_thin_root(struct region_tree *tree)
{
	while (tree->root->level != 0 && tree->root->count == 1) {
		struct region_node *root = tree->root;
		region_node_get_child(root, 0);
		tree->root = root->slots[0].child.node;
		region_node_put(root);
	}
}

/* Takes out the regions that start in [start, end), wherever they lie. */
static void remove_range(struct region_change *change, vaddr_t start, vaddr_t end)
{
	struct region_tree *tree = change->tree;

	if (start <= tree->root->slots[0].start && end >= region_tree_end(tree)) {
		region_tree_destroy(tree);
		return;
	}
	remove_below(change, &tree->root, start, end);
	drop_thin_root(tree);
}

/* --- Applying a plan --- */

/* Writes the change's path anew, after the tree has changed elsewhere. */
static void find_path(struct region_change *change)
{
	const struct region_node *node = change->tree->root;

	for (; node->level != 0; node = node->slots[change->path[node->level]].child.node)
		change->path[node->level] = (u8)region_node_toward(node, change->start);
	change->path[0] = (u8)region_node_below(node, change->start);
}

/*
 * Takes out what lies in other leaves than the first.  Regions that stay must not go with them:
 * they get a reference more, and all in the first leaf lose one afterwards.
 */
static void clear_tail(struct region_change *change, const struct region_slot *slots)
{
	for (u32 i = 0; i < change->count; i++)
		if (slots[i].stays)
			region_child_get(slots[i].child, 0);
	remove_range(change, change->tail, change->end);
	find_path(change);
}

/* What the leaf named and does not any more. */
struct replaced {
	union region_child child[REGION_NODE_SLOTS];
	u32 count;
};

static bool comes_back(const struct region_slot *slots, u32 count, const struct region *region)
{
	for (u32 i = 0; i < count; i++)
		if (slots[i].child.region == region)
			return true;
	return false;
}

static void note_replaced(const struct region_change *change, const struct region_node *leaf,
			  const struct region_slot *slots, struct replaced *replaced)
{
	replaced->count = 0;
	for (u32 i = 0; i < change->removed; i++) {
		union region_child child = leaf->slots[change->path[0] + i].child;
		if (change->wide || !comes_back(slots, change->count, child.region))
			replaced->child[replaced->count++] = child;
	}
}

/* Puts slots into a node of our own.  The node that is split off, or NULL. */
static struct region_node *splice(struct region_change *change, struct region_node *node, u32 at,
				  u32 removed, const struct region_slot *slots, u32 count)
{
	if (likely(node->count - removed + count <= REGION_NODE_SLOTS)) {
		if (node->level == 0 && change->solid)
			region_node_exchange(node, at, removed, slots, count);
		else
			region_node_replace(node, at, removed, slots, count);
		return NULL;
	}
	struct region_node *upper = take_spare(change);
	region_node_divide(node, upper, at, removed, slots, count);
	return upper;
}

/*
 * Tells the parents, from the leaf's up, which are in `nodes` by level.  `upper`: the node that was
 * split off the leaf, or NULL; returns the one that was split off the root.
 */
static struct region_node *climb(struct region_change *change, struct region_node **nodes,
				 u32 height, struct region_node *upper)
{
	bool fewer = change->count < change->removed, news = true;

	for (u32 level = 1; level < height && (news || fewer); level++) {
		struct region_node *node = nodes[level];
		u32 i = change->path[level];
		news = news && region_node_describe(node, i);
		if (upper != NULL) {
			struct region_slot slot = region_node_slot_of(upper);
			upper = splice(change, node, i + 1, 0, &slot, 1);
			news = true;
		} else if (fewer) {
			news |= mend(change, node, i);
		}
	}
	return upper;
}

/* The root has been divided. */
static void grow(struct region_change *change, struct region_node *upper)
{
	struct region_node *lower = change->tree->root;
	struct region_slot slots[2] = {region_node_slot_of(lower), region_node_slot_of(upper)};

	change->tree->root = new_root(change, lower->level + 1u);
	region_node_replace(change->tree->root, 0, 0, slots, 2);
}

void region_change_apply(struct region_change *change, const struct region_slot *slots)
{
	struct region_tree *tree = change->tree;
	struct region_node **link = &tree->root, *nodes[REGION_TREE_LEVELS], *node, *upper;
	struct replaced replaced;

	if (unlikely(change->wide)) {
		if (change->count == 0) {
			remove_range(change, change->tail, change->end);
			return;
		}
		clear_tail(change, slots);
	}
	if (unlikely(tree->root == NULL))
		tree->root = new_root(change, 0);
	while ((node = own(change, link))->level != 0) {
		nodes[node->level] = node;
		link = &node->slots[change->path[node->level]].child.node;
	}
	note_replaced(change, node, slots, &replaced);
	upper = splice(change, node, change->path[0], change->removed, slots, change->count);
	tree->count += (size_t)change->count - change->removed;
	if (tree->root != node)
		upper = climb(change, nodes, tree->root->level + 1u, upper);
	if (unlikely(upper != NULL))
		grow(change, upper);
	else
		drop_thin_root(tree);
	for (u32 i = 0; i < replaced.count; i++)
		region_child_put(replaced.child[i], 0);
}
