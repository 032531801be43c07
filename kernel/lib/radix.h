/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Radix trees: u64 index -> pointer, with three tags a slot.  Made for the page cache.
 *
 * Each node has 64 slots and consumes six bits of the index.  The tree is as high as its greatest
 * index asks: indices below 64 need one node.  A tag set on a slot is also set on all links above
 * it, so that a search for tagged slots skips what has none.
 *
 * The tree allocates nodes through its owner's operations, because it lives below the heap.
 *
 * Locking: the owner serialises everything that changes the tree, and the searches (radix_next,
 * radix_next_tagged).  radix_lookup alone may run at the same time as a change, if free_node lets
 * no node be reused while a look-up may be in it; it returns what the slot held at some time during
 * the call.
 */
#ifndef LIB_RADIX_H
#define LIB_RADIX_H

#include "lib/types.h"

/* What the tags mean is the owner's business. */
enum radix_tag { RADIX_TAG_0, RADIX_TAG_1, RADIX_TAG_2, RADIX_TAGS };

struct radix_node;

struct radix_ops {
	/* @size bytes aligned to 8, contents of no matter, or NULL.  Called with the owner's lock
	 * held. */
	void *(*alloc_node)(size_t size);
	void (*free_node)(void *node, size_t size);
};

struct radix_tree {
	const struct radix_ops *ops;
	struct radix_node *top; /* NULL: empty */
	u64 count;              /* items */
};

#define RADIX_TREE_INIT(operations) ((struct radix_tree){.ops = (operations)})

static inline void radix_init(struct radix_tree *tree, const struct radix_ops *ops)
{
	*tree = RADIX_TREE_INIT(ops);
}

static inline bool radix_is_empty(const struct radix_tree *tree)
{
	return tree->count == 0;
}

/*
 * Stores @item, which is not NULL, without tags.  Returns 0, -EEXIST if @index is taken, or
 * -ENOMEM; on an error the tree is as it was.
 */
int __must_check radix_insert(struct radix_tree *tree, u64 index, void *item);

/* The item at @index, or NULL. */
void *radix_lookup(const struct radix_tree *tree, u64 index);

/* Puts @item in the place of the one at @index, tags kept.  Returns the old one; NULL: there was
 * none. */
void *radix_replace(struct radix_tree *tree, u64 index, void *item);

/* Takes the item at @index out with its tags, and returns it, or NULL. */
void *radix_erase(struct radix_tree *tree, u64 index);

/*
 * The first item at or after *@index, whose index goes to *@index; NULL if there is none.  To walk
 * all:
 *
 *	for (u64 i = 0; (item = radix_next(tree, &i)); i++)		(the last index, ~0, apart)
 */
void *radix_next(const struct radix_tree *tree, u64 *index);

/* The same among the items that have @tag. */
void *radix_next_tagged(const struct radix_tree *tree, u64 *index, enum radix_tag tag);

/* Sets or clears @tag on the item at @index, if there is one; tells whether it is set. */
void radix_tag_set(struct radix_tree *tree, u64 index, enum radix_tag tag);
void radix_tag_clear(struct radix_tree *tree, u64 index, enum radix_tag tag);
bool radix_tag_test(const struct radix_tree *tree, u64 index, enum radix_tag tag);

/* Has any item @tag? */
bool radix_tagged(const struct radix_tree *tree, enum radix_tag tag);

/* Frees all nodes after handing each item to @release (which may be NULL) with @context.  Leaves an
 * empty tree. */
void radix_destroy(struct radix_tree *tree, void (*release)(void *item, u64 index, void *context),
		   void *context);

#endif
