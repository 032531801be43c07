/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Radix trees; the rules are in the header.
 *
 * Invariants: every node has at least one slot in use; the top has more than its slot 0 in use
 * unless its shift is 0; bit n of `present` says whether slot n is in use; bit n of a tag word of
 * an inner node is set exactly if that word of the child in slot n is not 0.
 *
 * Nodes are published by release stores and found by acquire loads, for the sake of radix_lookup.
 */
#include "lib/errno.h"
#include "lib/radix.h"
#include "lib/string.h"

enum { BITS = 6, SLOTS = 1 << BITS, PRESENT = RADIX_TAGS, MARKS };

struct radix_node {
	struct radix_node *parent;
	u8 shift;  /* the index bits that this node consumes start here; 0: the slots hold items */
	u8 offset; /* the slot of the parent that this node is in */
	u64 marks[MARKS]; /* the tags, and as the last one PRESENT: bit n belongs to slot n */
	void *slots[SLOTS];
};

static unsigned int slot_of(const struct radix_node *node, u64 index)
{
	return (unsigned int)(index >> node->shift) % SLOTS;
}

/* Does @index lie beyond what a tree with the top @node can hold? */
static bool is_beyond(const struct radix_node *node, u64 index)
{
	return node->shift + BITS < 64 && index >> (node->shift + BITS) != 0;
}

static void *slot_load(const struct radix_node *node, unsigned int slot)
{
	return __atomic_load_n(&node->slots[slot], __ATOMIC_ACQUIRE);
}

static void slot_store(struct radix_node *node, unsigned int slot, void *value)
{
	__atomic_store_n(&node->slots[slot], value, __ATOMIC_RELEASE);
}

static void set_top(struct radix_tree *tree, struct radix_node *top)
{
	__atomic_store_n(&tree->top, top, __ATOMIC_RELEASE);
}

static struct radix_node *new_node(struct radix_tree *tree, unsigned int shift)
{
	struct radix_node *node = tree->ops->alloc_node(sizeof(*node));

	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->shift = (u8)shift;
	return node;
}

static void free_node(struct radix_tree *tree, struct radix_node *node)
{
	tree->ops->free_node(node, sizeof(*node));
}

/* Hangs @child, complete with its marks, into an unused slot. */
static void attach(struct radix_node *node, unsigned int slot, struct radix_node *child)
{
	child->parent = node;
	child->offset = (u8)slot;
	for (int mark = 0; mark < MARKS; mark++)
		if (child->marks[mark])
			node->marks[mark] |= BIT(slot);
	node->marks[PRESENT] |= BIT(slot);
	slot_store(node, slot, child);
}

/* Empties a slot whose tags are clear already. */
static void detach(struct radix_node *node, unsigned int slot)
{
	node->marks[PRESENT] &= ~BIT(slot);
	slot_store(node, slot, NULL);
}

/* Restores the invariants after a slot of @node was emptied or never filled. */
static void prune(struct radix_tree *tree, struct radix_node *node)
{
	while (node && !node->marks[PRESENT]) {
		struct radix_node *parent = node->parent;

		if (parent)
			detach(parent, node->offset);
		else
			set_top(tree, NULL);
		free_node(tree, node);
		node = parent;
	}
	while (tree->top && tree->top->shift && tree->top->marks[PRESENT] == 1) {
		struct radix_node *top = tree->top;
		struct radix_node *child = top->slots[0];

		child->parent = NULL;
		set_top(tree, child);
		free_node(tree, top);
	}
}

/* Makes the tree high enough for @index. */
static int grow(struct radix_tree *tree, u64 index)
{
	if (!tree->top) {
		struct radix_node *top = new_node(tree, 0);

		if (!top)
			return -ENOMEM;
		while (is_beyond(top, index))
			top->shift += BITS;
		set_top(tree, top);
	}
	while (is_beyond(tree->top, index)) {
		struct radix_node *top = new_node(tree, tree->top->shift + BITS);

		if (!top)
			return -ENOMEM;
		attach(top, 0, tree->top);
		set_top(tree, top);
	}
	return 0;
}

int radix_insert(struct radix_tree *tree, u64 index, void *item)
{
	struct radix_node *node = NULL;

	if (grow(tree, index) != 0)
		goto no_memory;
	node = tree->top;
	while (node->shift) {
		unsigned int slot = slot_of(node, index);
		struct radix_node *child = node->slots[slot];

		if (!child) {
			child = new_node(tree, node->shift - BITS);
			if (!child)
				goto no_memory;
			attach(node, slot, child);
		}
		node = child;
	}
	if (node->slots[slot_of(node, index)])
		return -EEXIST;
	node->marks[PRESENT] |= BIT(slot_of(node, index));
	slot_store(node, slot_of(node, index), item);
	tree->count++;
	return 0;

no_memory:
	prune(tree, node);
	return -ENOMEM;
}

/* The lowest node on the way to @index, or NULL if the way ends before. */
static struct radix_node *find_leaf(const struct radix_tree *tree, u64 index)
{
	struct radix_node *node = __atomic_load_n(&tree->top, __ATOMIC_ACQUIRE);

	if (!node || is_beyond(node, index))
		return NULL;
	while (node && node->shift)
		node = slot_load(node, slot_of(node, index));
	return node;
}

/* The same if @index is in use. */
static struct radix_node *find_leaf_of_item(const struct radix_tree *tree, u64 index)
{
	struct radix_node *leaf = find_leaf(tree, index);

	return leaf && leaf->slots[slot_of(leaf, index)] ? leaf : NULL;
}

void *radix_lookup(const struct radix_tree *tree, u64 index)
{
	const struct radix_node *leaf = find_leaf(tree, index);

	return leaf ? slot_load(leaf, slot_of(leaf, index)) : NULL;
}

void *radix_replace(struct radix_tree *tree, u64 index, void *item)
{
	struct radix_node *leaf = find_leaf_of_item(tree, index);
	void *old;

	if (!leaf)
		return NULL;
	old = leaf->slots[slot_of(leaf, index)];
	slot_store(leaf, slot_of(leaf, index), item);
	return old;
}

static void clear_mark(struct radix_node *node, unsigned int slot, int mark)
{
	for (; node; slot = node->offset, node = node->parent) {
		node->marks[mark] &= ~BIT(slot);
		if (node->marks[mark])
			return;
	}
}

void *radix_erase(struct radix_tree *tree, u64 index)
{
	struct radix_node *leaf = find_leaf_of_item(tree, index);
	unsigned int slot;
	void *item;

	if (!leaf)
		return NULL;
	slot = slot_of(leaf, index);
	item = leaf->slots[slot];
	for (int tag = 0; tag < RADIX_TAGS; tag++)
		clear_mark(leaf, slot, tag);
	detach(leaf, slot);
	tree->count--;
	prune(tree, leaf);
	return item;
}

/*
 * The first item at or after *@index that has @mark.  Goes down as long as there is such a slot,
 * and where there is none, starts again from the top with the index that follows this node's last.
 */
static void *find_next(const struct radix_tree *tree, u64 *index, int mark)
{
	const struct radix_node *node = tree->top;
	u64 at = *index;

	if (!node || is_beyond(node, at))
		return NULL;
	while (node) {
		unsigned int slot = slot_of(node, at);
		u64 later = node->marks[mark] & ~(u64)0 << slot;

		if (!later) {
			unsigned int end = node->shift + BITS;

			if (!node->parent || at >> end == UINT64_MAX >> end)
				return NULL;
			at = ((at >> end) + 1) << end;
			node = tree->top;
			if (is_beyond(node, at))
				return NULL;
			continue;
		}
		if (!(later & BIT(slot))) {
			u64 found = (u64)__builtin_ctzll(later) - slot;

			at = ((at >> node->shift) + found) << node->shift;
			slot = slot_of(node, at);
		}
		if (!node->shift) {
			*index = at;
			return node->slots[slot];
		}
		node = node->slots[slot];
	}
	return NULL;
}

void *radix_next(const struct radix_tree *tree, u64 *index)
{
	return find_next(tree, index, PRESENT);
}

void *radix_next_tagged(const struct radix_tree *tree, u64 *index, enum radix_tag tag)
{
	return find_next(tree, index, (int)tag);
}

void radix_tag_set(struct radix_tree *tree, u64 index, enum radix_tag tag)
{
	struct radix_node *node = find_leaf_of_item(tree, index);

	for (; node; node = node->parent)
		node->marks[tag] |= BIT(slot_of(node, index));
}

void radix_tag_clear(struct radix_tree *tree, u64 index, enum radix_tag tag)
{
	struct radix_node *leaf = find_leaf_of_item(tree, index);

	if (leaf)
		clear_mark(leaf, slot_of(leaf, index), (int)tag);
}

bool radix_tag_test(const struct radix_tree *tree, u64 index, enum radix_tag tag)
{
	const struct radix_node *leaf = find_leaf(tree, index);

	return leaf && (leaf->marks[tag] & BIT(slot_of(leaf, index)));
}

bool radix_tagged(const struct radix_tree *tree, enum radix_tag tag)
{
	return tree->top && tree->top->marks[tag];
}

/* The index of the item in @slot of the leaf @node: each node on the way up adds its six bits. */
static u64 index_of(const struct radix_node *node, unsigned int slot)
{
	u64 index = slot;

	for (; node->parent; node = node->parent)
		index |= (u64)node->offset << node->parent->shift;
	return index;
}

void radix_destroy(struct radix_tree *tree, void (*release)(void *item, u64 index, void *context),
		   void *context)
{
	struct radix_node *node = tree->top;

	while (node) {
		struct radix_node *parent = node->parent;

		if (node->marks[PRESENT] && node->shift) {
			unsigned int slot = (unsigned int)__builtin_ctzll(node->marks[PRESENT]);

			node->marks[PRESENT] &= ~BIT(slot);
			node = node->slots[slot];
			continue;
		}
		for (; node->marks[PRESENT]; node->marks[PRESENT] &= node->marks[PRESENT] - 1) {
			unsigned int slot = (unsigned int)__builtin_ctzll(node->marks[PRESENT]);

			if (release)
				release(node->slots[slot], index_of(node, slot), context);
		}
		free_node(tree, node);
		node = parent;
	}
	tree->top = NULL;
	tree->count = 0;
}
