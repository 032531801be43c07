/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive red-black trees.
 *
 * The tree knows shape and colour; the owner knows the order.  To insert, the owner walks down from
 * root->top comparing its own keys, and hands the empty link that it arrives at to rb_insert:
 *
 *	struct rb_node **link = &root->top, *parent = NULL;
 *	while (*link) {
 *		parent = *link;
 *		link = key < rb_entry(parent, struct thing, node)->key ? &parent->left :
 *&parent->right;
 *	}
 *	rb_insert(root, &thing->node, parent, link);
 *
 * Invariants: a red node has no red child; every path from a node down to a missing child has the
 * same number of black nodes; so the height is at most twice the logarithm of the size.
 *
 * An augmented tree keeps in each element a summary of the subtree under it (the largest gap, the
 * highest end).  root->augment recomputes the summary of one element from its own data and its
 * children's summaries; the tree calls it, children first, wherever a subtree has changed.
 *
 * No locking: the owner of the root says which lock guards the tree.
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include "lib/types.h"

struct rb_node {
	struct rb_node *left, *right;
	uintptr_t parent_colour; /* the parent's address; bit 0: black */
};

struct rb_root {
	struct rb_node *top;
	void (*augment)(struct rb_node *node); /* NULL: a plain tree */
};

#define RB_ROOT                    ((struct rb_root){NULL, NULL})
#define RB_ROOT_AUGMENTED(augment) ((struct rb_root){NULL, augment})

#define rb_entry(pointer, type, member) container_of(pointer, type, member)

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_colour & ~(uintptr_t)1);
}

static inline bool rb_is_empty(const struct rb_root *root)
{
	return !root->top;
}

/* Inserts @node at the empty @link, which is root->top (@parent NULL) or a child link of @parent.
 */
void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
	       struct rb_node **link);

/* Takes @node, which is in the tree, out of it. */
void rb_erase(struct rb_root *root, struct rb_node *node);

/* The same two for an empty tree, and for one without other nodes (rb_is_only); the owner updates
 * the node's summary. */
static inline void rb_insert_only(struct rb_root *root, struct rb_node *node)
{
	*node = (struct rb_node){.parent_colour = 1};
	root->top = node;
}
static inline bool rb_is_only(const struct rb_root *root, const struct rb_node *node)
{
	return root->top == node && !node->left && !node->right;
}
static inline void rb_erase_only(struct rb_root *root)
{
	root->top = NULL;
}

/* Puts @replacement, whose key sorts the same, in the place of @node. */
void rb_replace(struct rb_root *root, struct rb_node *node, struct rb_node *replacement);

/* Recomputes the summaries from @node up to the top, after the owner changed @node's own data. */
void rb_augment_path(struct rb_root *root, struct rb_node *node);

/* The least and the greatest node, and the neighbours in order; NULL when there is none. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#define rb_entry_or_null(pointer, type, member)                     \
	({                                                          \
		struct rb_node *rb_node_ = (pointer);               \
		rb_node_ ? rb_entry(rb_node_, type, member) : NULL; \
	})

/* Walks the elements in order.  The tree must not change meanwhile. */
#define rb_for_each_entry(element, root, member)                                           \
	for ((element) = rb_entry_or_null(rb_first(root), __typeof__(*(element)), member); \
	     (element); (element) = rb_entry_or_null(rb_next(&(element)->member),          \
						     __typeof__(*(element)), member))

#endif
