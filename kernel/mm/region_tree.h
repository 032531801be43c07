/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A persistent B+tree: regions by address, shared between address spaces in constant time; for mm's
 * own files.
 *
 * The tree knows of a region only where it lies and that it has a reference count; region.h says
 * what a region is.  Nodes and regions are counted: a node by the links to it, a region by the
 * leaves that name it.  What has more than one reference belongs to several trees and does not
 * change; a tree that changes copies the path from its root to the place first, so that the others
 * never see it.  region_tree_share() is therefore "one more reference to the root".
 *
 * Every change replaces regions that follow each other by others: none by one to insert, some by
 * none to remove, one by one or two to change bounds or to divide.  It has two phases, so that
 * nothing fails half-way: region_change_plan() says what is to be replaced by how many and finds
 * the place, and region_change_allocate() takes the nodes that this may need in the worst case.
 * Where the path is the tree's own and has room, that is none.  Applying it cannot fail.
 *
 *	struct region_change change;
 *
 *	region_change_plan(&change, tree, region->start, region->end, 2);
 *	if (region_change_allocate(&change) != 0)
 *		return -ENOMEM;
 *	region_change_apply(&change, two_slots);
 *	region_change_end(&change);
 *
 * Locks: whoever owns a tree (the map lock of its space): for reading to find, for writing to
 * change, share or destroy.  Trees that share nodes need no lock between them.  Nothing here sleeps
 * unless `put` does.
 */
#ifndef MM_REGION_TREE_H
#define MM_REGION_TREE_H

#include "lib/types.h"

struct region;
struct region_node;

/* All zero: an empty tree. */
struct region_tree {
	struct region_node *root;
	size_t count; /* regions */
};

union region_child {
	struct region *region;
	struct region_node *node; /* in the tree's upper nodes */
};

/* A region as the tree sees it: whole pages [start, end). */
struct region_slot {
	vaddr_t start, end;
	u64 hole; /* 0; for a node, the largest hole inside */
	union region_child child;
	bool guarded; /* wants REGION_TREE_GUARD bytes free in front of it: a stack */
	bool stays;   /* is one of those replaced: comes back, with other bounds perhaps */
};

#define REGION_TREE_GUARD ((u64)1 * MIB)

/*
 * Once, before the first tree.  `get` and `put` take and drop a leaf's reference to a region; the
 * last `put` frees it.
 */
void region_tree_setup(void (*get)(struct region *region), void (*put)(struct region *region));

/* --- Looking --- */

/* The region that contains the address or lies above it and is the first to do so; NULL. */
struct region *region_tree_find(const struct region_tree *tree, vaddr_t address);
/* The last region that starts below the address; NULL. */
struct region *region_tree_find_before(const struct region_tree *tree, vaddr_t address);
/* The last one that starts below `start`, and the first that ends above `end`, which is not below
 * `start`: what the two functions above say, for less. */
void region_tree_find_around(const struct region_tree *tree, vaddr_t start, vaddr_t end,
			     struct region **below, struct region **above);
/* Where the highest region ends; 0 for an empty tree. */
vaddr_t region_tree_end(const struct region_tree *tree);
/*
 * The highest `length` free bytes, a multiple of the page size, within [low, high), keeping the
 * guard gaps; 0 when there are none.
 */
vaddr_t region_tree_find_hole(const struct region_tree *tree, u64 length, vaddr_t low,
			      vaddr_t high);

/* --- Life --- */

/* `tree`, empty, becomes a copy of `other`. */
void region_tree_share(struct region_tree *tree, const struct region_tree *other);
/* Drops all regions; the tree is empty then. */
void region_tree_destroy(struct region_tree *tree);

/* --- Changing --- */

enum {
	REGION_CHANGE_MOST = 3,  /* regions that one change puts in */
	REGION_TREE_LEVELS = 16, /* a tree of so many would take years to grow */
};

/* A change on its way; on the stack of its maker. */
struct region_change {
	struct region_tree *tree;
	vaddr_t start, end;        /* regions that start here go */
	vaddr_t tail;              /* if `wide`: those from here on do not lie in that leaf */
	struct region_node *spare; /* nodes in reserve, linked by their first child */
	u32 needed;                /* of them */
	u8 count;                  /* regions that come */
	u8 removed;                /* slots that go from the leaf at the end of the path */
	bool wide;                 /* more than that leaf is concerned, or it would be empty */
	bool solid; /* set by the caller: what comes covers what goes; neither has holes */
	u8 path[REGION_TREE_LEVELS]; /* the slot at each level, from the leaf's up */
};

/*
 * `count` regions, at most REGION_CHANGE_MOST, will come in the place of those that start in
 * [start, end), none of which reaches over `end`.  To insert: end = start, where no region is.
 * Says whether the whole path to the first of them is the tree's alone, and so stays.
 */
bool region_change_plan(struct region_change *change, struct region_tree *tree, vaddr_t start,
			vaddr_t end, u32 count);
/* The same for a region at another place than the first one's. */
bool region_tree_is_own(const struct region_tree *tree, vaddr_t start);
/* Takes what the plan needs.  0; -ENOMEM, and nothing is held. */
int __must_check region_change_take_nodes(struct region_change *change);
static inline int __must_check region_change_allocate(struct region_change *change)
{
	return change->needed != 0 ? region_change_take_nodes(change) : 0;
}
/* Does it.  The slots are in order, and so with the neighbours.  Takes over the caller's reference
 * to each region that is not one of those replaced. */
void region_change_apply(struct region_change *change, const struct region_slot *slots);
/* Gives back what was not needed. */
void region_change_free_nodes(struct region_change *change);
static inline void region_change_end(struct region_change *change)
{
	if (change->spare != NULL)
		region_change_free_nodes(change);
}

#endif
