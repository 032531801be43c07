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
 * A change has two phases, so that nothing fails half-way: region_change_plan() says where, and
 * region_change_allocate() takes the nodes that this may need in the worst case.  Where the path is
 * the tree's own and has room, that is none.  The change itself cannot fail.
 *
 *	struct region_change change;
 *
 *	region_change_begin(&change, tree);
 *	region_change_plan(&change, region_before(start), 1);
 *	if (region_change_allocate(&change) != 0)
 *		return -ENOMEM;
 *	region_tree_insert(&change, &slot);
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

/* A region as the tree sees it: whole pages [start, end). */
struct region_slot {
	vaddr_t start, end;
	struct region *region;
	bool guarded; /* wants REGION_TREE_GUARD bytes free in front of it: a stack */
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

/* A change on its way; on the stack of its maker. */
struct region_change {
	struct region_tree *tree;
	struct region_node *spare; /* nodes in reserve, linked by their first child */
	u32 needed;                /* of them */
	bool changed;              /* what a parent knows of its child, while climbing up */
};

/* An address of the page before, to plan for what begins at `start`. */
static inline vaddr_t region_before(vaddr_t start)
{
	return start != 0 ? start - 1 : 0;
}

static inline void region_change_begin(struct region_change *change, struct region_tree *tree)
{
	*change = (struct region_change){.tree = tree};
}

/*
 * There will be a change at the last region that starts at or below `address` (or at the first),
 * and behind it at most `inserts` regions that are not there yet.  Once for each place.  Says
 * whether the whole path there is the tree's alone, and so stays.
 */
bool region_change_plan(struct region_change *change, vaddr_t address, u32 inserts);
/* The same for removing [start, end). */
void region_change_plan_removal(struct region_change *change, vaddr_t start, vaddr_t end);
/* The same for removing [start, end) and then inserting regions in its place. */
void region_change_plan_replacement(struct region_change *change, vaddr_t start, vaddr_t end,
				    u32 inserts);
/* Takes what the plans need.  0; -ENOMEM, and nothing is held. */
int __must_check region_change_allocate(struct region_change *change);
/* Gives back what was not needed. */
void region_change_end(struct region_change *change);

/* Puts a region in, where none is; takes over the caller's reference.  Planned: one insert at
 * region_before(slot->start). */
void region_tree_insert(struct region_change *change, const struct region_slot *slot);
/*
 * Gives the entry of the region that starts at `start` new bounds, which still are in order with
 * its neighbours, or another region, whose reference it takes over.  Planned: `start`.
 */
void region_tree_set(struct region_change *change, vaddr_t start, const struct region_slot *slot);
/*
 * Takes out the regions that start in [start, end), none of which reaches over `end`.  Planned.
 */
void region_tree_remove(struct region_change *change, vaddr_t start, vaddr_t end);

#endif
