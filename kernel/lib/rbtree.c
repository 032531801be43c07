/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black trees: insertion and removal after Cormen, Leiserson, Rivest and Stein, "Introduction
 * to Algorithms", chapter 13, with NULL for the black leaves.
 *
 * Left and right are mirror images.  The repair loops are written once, for a `side` and the other
 * one, with child() turning a side into a link.
 */
#include "lib/rbtree.h"

enum side { LEFT, RIGHT };

static enum side other(enum side side)
{
	return side == LEFT ? RIGHT : LEFT;
}

static struct rb_node **child(struct rb_node *node, enum side side)
{
	return side == LEFT ? &node->left : &node->right;
}

static bool is_black(const struct rb_node *node)
{
	return !node || (node->parent_colour & 1);
}

static bool is_red(const struct rb_node *node)
{
	return !is_black(node);
}

static void set_black(struct rb_node *node)
{
	node->parent_colour |= 1;
}

static void set_red(struct rb_node *node)
{
	node->parent_colour &= ~(uintptr_t)1;
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_colour = (uintptr_t)parent | (node->parent_colour & 1);
}

static void copy_colour(struct rb_node *node, const struct rb_node *from)
{
	node->parent_colour = (node->parent_colour & ~(uintptr_t)1) | (from->parent_colour & 1);
}

/* The link that points at @node, in its parent or the root. */
static struct rb_node **link_to(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (!parent)
		return &root->top;
	return parent->left == node ? &parent->left : &parent->right;
}

static void augment(struct rb_root *root, struct rb_node *node)
{
	if (root->augment)
		root->augment(node);
}

void rb_augment_path(struct rb_root *root, struct rb_node *node)
{
	if (!root->augment)
		return;
	for (; node; node = rb_parent(node))
		root->augment(node);
}

/*
 * Rotates @node down to @side; its child on the other side takes its place (drawn for LEFT):
 *
 *	    node               up
 *	   /    \             /  \
 *	  a      up   =>   node   c
 *	        /  \       /  \
 *	       b    c     a    b
 */
static void rotate(struct rb_root *root, struct rb_node *node, enum side side)
{
	struct rb_node *up = *child(node, other(side));
	struct rb_node *moved = *child(up, side);

	*link_to(root, node) = up;
	set_parent(up, rb_parent(node));
	*child(node, other(side)) = moved;
	if (moved)
		set_parent(moved, node);
	*child(up, side) = node;
	set_parent(node, up);
	augment(root, node);
	augment(root, up);
}

/* @node is red; its parent may be red too, which is the only rule broken. */
static void repair_after_insert(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *parent;

	while ((parent = rb_parent(node)) && is_red(parent)) {
		struct rb_node *grandparent =
			rb_parent(parent); /* exists: a red node is never top */
		enum side side = grandparent->left == parent ? LEFT : RIGHT;
		struct rb_node *uncle = *child(grandparent, other(side));

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grandparent);
			node = grandparent;
			continue;
		}
		if (node == *child(parent, other(side))) {
			rotate(root, parent, side);
			parent = node;
		}
		set_black(parent);
		set_red(grandparent);
		rotate(root, grandparent, other(side));
		break;
	}
	set_black(root->top);
}

void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
	       struct rb_node **link)
{
	node->left = NULL;
	node->right = NULL;
	node->parent_colour = (uintptr_t)parent; /* red */
	*link = node;
	rb_augment_path(root, node);
	repair_after_insert(root, node);
}

/*
 * The paths through @node (may be NULL), a child of @parent, have one black node less than the
 * others.
 */
static void repair_after_erase(struct rb_root *root, struct rb_node *node, struct rb_node *parent)
{
	while (parent && is_black(node)) {
		enum side side = parent->left == node ? LEFT : RIGHT;
		struct rb_node *sibling =
			*child(parent, other(side)); /* exists: it has black below */

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(root, parent, side);
			sibling = *child(parent, other(side));
		}
		if (is_black(sibling->left) && is_black(sibling->right)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (is_black(*child(sibling, other(side)))) {
			set_black(*child(sibling, side));
			set_red(sibling);
			rotate(root, sibling, other(side));
			sibling = *child(parent, other(side));
		}
		copy_colour(sibling, parent);
		set_black(parent);
		set_black(*child(sibling, other(side)));
		rotate(root, parent, side);
		return;
	}
	if (node)
		set_black(node);
}

/* Puts @substitute (may be NULL) where @node hangs. */
static void transplant(struct rb_root *root, struct rb_node *node, struct rb_node *substitute)
{
	*link_to(root, node) = substitute;
	if (substitute)
		set_parent(substitute, rb_parent(node));
}

void rb_erase(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *orphan; /* takes the place of what leaves its place */
	struct rb_node *parent; /* of the orphan, where black may be missing now */
	bool lost_black;

	if (!node->left || !node->right) {
		orphan = node->left ? node->left : node->right;
		parent = rb_parent(node);
		lost_black = is_black(node);
		transplant(root, node, orphan);
	} else {
		struct rb_node *successor = node->right;

		while (successor->left)
			successor = successor->left;
		orphan = successor->right;
		lost_black = is_black(successor);
		parent = rb_parent(successor);
		if (parent == node) {
			parent = successor;
		} else {
			transplant(root, successor, orphan);
			successor->right = node->right;
			set_parent(successor->right, successor);
		}
		transplant(root, node, successor);
		successor->left = node->left;
		set_parent(successor->left, successor);
		copy_colour(successor, node);
	}
	rb_augment_path(root, parent);
	if (lost_black)
		repair_after_erase(root, orphan, parent);
}

void rb_replace(struct rb_root *root, struct rb_node *node, struct rb_node *replacement)
{
	*replacement = *node;
	*link_to(root, node) = replacement;
	if (replacement->left)
		set_parent(replacement->left, replacement);
	if (replacement->right)
		set_parent(replacement->right, replacement);
	rb_augment_path(root, replacement);
}

static struct rb_node *outermost(struct rb_node *node, enum side side)
{
	while (node && *child(node, side))
		node = *child(node, side);
	return node;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->top, LEFT);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->top, RIGHT);
}

static struct rb_node *neighbour(const struct rb_node *start, enum side side)
{
	struct rb_node *node = (struct rb_node *)start;
	struct rb_node *parent;

	if (*child(node, side))
		return outermost(*child(node, side), other(side));
	while ((parent = rb_parent(node)) && *child(parent, side) == node)
		node = parent;
	return parent;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, RIGHT);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, LEFT);
}
