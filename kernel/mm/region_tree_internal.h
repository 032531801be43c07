/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes of the region tree; for region_tree*.c and their test.
 *
 *	node    [ slot 0 | slot 1 | … | slot count-1 ]    slots by address, at least one
 *	           child    child         child           one level lower; at level 0, regions
 *
 * A slot says from where to where its child reaches and how large the largest hole between two
 * regions below the child is.  The hole between two children is not written down: it follows from
 * their ends.  So a change matters to nothing but its own path.
 *
 * Invariants: slots are in order and say the truth; all leaves are at level 0; the root is a leaf
 * or has two children at least.  Two neighbours in one node have more than REGION_NODE_THIN
 * children together, so that the height is logarithmic; only where nodes are shared, and joining
 * two would mean to copy one that the change does not pass, two thin ones may stay neighbours.
 */
#ifndef MM_REGION_TREE_INTERNAL_H
#define MM_REGION_TREE_INTERNAL_H

#include "lib/assert.h"
#include "mm/region_tree.h"

/* A node of 15 slots is just below 512 bytes. */
#ifndef REGION_TREE_FANOUT
#define REGION_TREE_FANOUT 15
#endif

enum {
	REGION_NODE_SLOTS = REGION_TREE_FANOUT,
	/* Neighbours that have so many children together, or fewer, become one; and a divided node
	   has so many in either part at least. */
	REGION_NODE_THIN = (REGION_NODE_SLOTS + 2) / 3,
};

struct region_node_slot {
	vaddr_t start, end;
	u64 hole; /* largest inside of the child; 0 at level 0 */
	union region_child child;
};

/* Immutable while `refs` of this node, or of any on the way to it, is more than 1. */
struct region_node {
	u32 refs;    /* atomic: links */
	u8 level;    /* 0: a leaf */
	u8 count;    /* slots in use */
	u16 guarded; /* bit i: the first region of slot i wants a guard gap in front */
	u64 largest; /* hole between slots or inside of a child */
	struct region_node_slot slots[REGION_NODE_SLOTS];
};

/* Free bytes between slot i - 1 and slot i, less the guard gap. */
static inline u64 region_node_gap(const struct region_node *node, u32 i)
{
	u64 free = node->slots[i].start - node->slots[i - 1].end;

	if (unlikely(node->guarded >> i & 1))
		free -= MIN(free, REGION_TREE_GUARD);
	return free;
}

/* The same, or `least` if that is more. */
static inline u64 region_node_gap_above(const struct region_node *node, u32 i, u64 least)
{
	/* Most are smaller, whether there is a guard gap or not. */
	if (node->slots[i].start - node->slots[i - 1].end <= least)
		return least;
	return MAX(least, region_node_gap(node, i));
}

/* The first slot that ends above the address; node->count when there is none. */
static inline u32 region_node_above(const struct region_node *node, vaddr_t address)
{
	u32 low = 0, high = node->count;

	while (low < high) {
		u32 middle = (low + high) / 2;
		if (node->slots[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* How many slots start below the address. */
static inline u32 region_node_below(const struct region_node *node, vaddr_t address)
{
	u32 low = 0, high = node->count;

	while (low < high) {
		u32 middle = (low + high) / 2;
		if (node->slots[middle].start < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The slot on the way to the last region that starts at or below the address, or to the first. */
static inline u32 region_node_toward(const struct region_node *node, vaddr_t address)
{
	u32 below = region_node_below(node, address + 1);

	return below != 0 ? below - 1 : 0;
}

static inline bool region_node_is_shared(const struct region_node *node)
{
	/* Acquire: whoever held it too is done reading it. */
	return __atomic_load_n(&node->refs, __ATOMIC_ACQUIRE) > 1;
}

/* A node in reserve.  There is one. */
static inline struct region_node *take_spare(struct region_change *change)
{
	struct region_node *node = change->spare;

	ENSURE(node != NULL);
	change->spare = node->slots[0].child.node;
	node->refs = 1;
	return node;
}

/* --- region_tree_node.c: one node, which the tree has alone --- */

/* Puts `count` slots in the place of slots [at, at + removed); there is room.  The exchange alone is
 * for those that cover what went, as it did, without holes between them. */
void region_node_exchange(struct region_node *node, u32 at, u32 removed,
			  const struct region_slot *slots, u32 count);
void region_node_replace(struct region_node *node, u32 at, u32 removed,
			 const struct region_slot *slots, u32 count);
/* The same where there is no room: the upper part goes to `upper`, a node without content. */
void region_node_divide(struct region_node *node, struct region_node *upper, u32 at, u32 removed,
			const struct region_slot *slots, u32 count);
/* What the node's parent has to know of it. */
struct region_slot region_node_slot_of(struct region_node *node);
/* Writes into slot i what its child is now.  Says whether that is news. */
bool region_node_describe(struct region_node *node, u32 i);
/* Have children i and i + 1 few enough children to be one? */
bool region_node_are_thin(const struct region_node *node, u32 i);
/* The children of child `from`, a neighbour of child `to`, go over to that one, which is the tree's
 * own; child `from` goes. */
void region_node_join(struct region_node *node, u32 to, u32 from);

/* Between region_tree.c (life, looking), region_tree_plan.c and region_tree_change.c. */
struct region_node *__must_check region_node_alloc(void);
void region_node_free(struct region_node *node); /* which has no children */
void region_node_put(struct region_node *node);
void region_node_get_child(const struct region_node *node, u32 i);
/* A reference of a node at `level` to its child. */
void region_child_get(union region_child child, u32 level);
void region_child_put(union region_child child, u32 level);

#endif
