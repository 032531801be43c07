/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of free blocks of 2^order pages: the buddy system, shared by the frame allocator's zones
 * (frame_buddy.c) and the pool of buddy.h (buddy.c).
 *
 * Pages are known by number.  Each has a struct frame; the head of a free block has kind
 * FRAME_FREE, its order, and the links of its list, by number, so free memory itself is never
 * touched.  The inside of a block is FRAME_RESERVED.  A block's buddy is the one whose number
 * differs in bit `order`; two free buddies are always joined, up to FRAME_MAX_ORDER, so the free
 * blocks of a given set of free pages are always the same ones.
 *
 * Free blocks are kept in sets.  Each group of 2^FRAME_GROUP_ORDER pages belongs to one set, and so
 * do all free blocks in it; the owner may move a group to another.  Groups that are wholly free
 * belong to SET_MOVABLE, unless they are isolated; so blocks of a group and more are there, and who
 * takes one for another set moves its groups.  Blocks of different sets are not joined.  Without
 * `groups` there is only SET_MOVABLE.
 *
 * Number 0 ends a list, and is therefore never given.  No locks: the owner says which one guards
 * the lists and the descriptors of free blocks.
 */
#ifndef MM_BLOCK_LISTS_H
#define MM_BLOCK_LISTS_H

#include "lib/types.h"
#include "mm/frame.h"

enum block_set {
	SET_MOVABLE,   /* pages that can be moved, and whole groups */
	SET_UNMOVABLE, /* those that cannot */
	SET_ISOLATED,  /* groups that somebody wants to be free */
	BLOCK_SETS
};

struct block_lists {
	struct frame *descriptors;          /* of number 0, which need not exist */
	pfn_t start, end;                   /* the numbers that have descriptors */
	u8 zone;                            /* of the descriptors of its pages */
	u8 *groups;                         /* by number / group size: enum block_set; or NULL */
	u32 nonempty[BLOCK_SETS];           /* bit n: the set has a free block of order n */
	u32 heads[BLOCK_SETS][16];          /* first block of each set and order; 0: none */
	size_t counts[FRAME_MAX_ORDER + 1]; /* of all sets */
	size_t free;                        /* pages */
};

/* A block of exactly this order out of a set, cut from one of order `least` (not below `order`) or
 * more; or 0.  Its head is FRAME_RESERVED, order 0, owner 0.  If it is a part of a wholly free
 * group, that belongs to set `to` from now on. */
pfn_t __must_check block_lists_take(struct block_lists *lists, u32 order, u32 least,
				    enum block_set from, enum block_set to);
/* Takes this free block, the head of a list's block of that order, as it is. */
void block_lists_take_this(struct block_lists *lists, pfn_t head, u32 order);
/* Is there a free block of exactly this order here? */
bool block_lists_has(const struct block_lists *lists, pfn_t head, u32 order);
/* Gives a block and joins it with its buddies. */
void block_lists_give(struct block_lists *lists, pfn_t head, u32 order);
/* Moves the group that begins at `first`, with its free blocks, to another set; it is no part of a
 * larger free block. */
void block_lists_move_group(struct block_lists *lists, pfn_t first, enum block_set set);
/* The order of the largest aligned block that starts at `start` and ends by `end`, which is above.
 */
u32 block_order(pfn_t start, pfn_t end);

#endif
