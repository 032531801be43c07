/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of numbers that come in long runs, kept as ranges that neither touch nor overlap: blocks
 * that are spoken for, pages that have no blocks yet.
 *
 * The owner of a set says which lock guards it.
 */
#ifndef FS_EXT4_RANGES_H
#define FS_EXT4_RANGES_H

#include "lib/rbtree.h"
#include "lib/types.h"

struct ext4_volume_ops;

struct ext4_ranges {
	const struct ext4_volume_ops *ops; /* for memory */
	struct rb_root root;               /* by start */
	u64 count;                         /* numbers in all */
};

static inline void ext4_ranges_init(struct ext4_ranges *ranges, const struct ext4_volume_ops *ops)
{
	*ranges = (struct ext4_ranges){.ops = ops};
}

/* Adds [start, start + count); some may be there already.  0, -ENOMEM (nothing is added). */
int __must_check ext4_ranges_add(struct ext4_ranges *ranges, u64 start, u64 count);
/* Takes [start, start + count) out, as far as it is there.  0, -ENOMEM: it was to become two
 * ranges; nothing is changed then. */
int __must_check ext4_ranges_remove(struct ext4_ranges *ranges, u64 start, u64 count);
void ext4_ranges_clear(struct ext4_ranges *ranges);
/* The first range that ends behind `from`: its part from there on.  false: there is none. */
bool ext4_ranges_next(const struct ext4_ranges *ranges, u64 from, u64 *start, u64 *count);

static inline bool ext4_ranges_has(const struct ext4_ranges *ranges, u64 number)
{
	u64 start, count;

	return ranges->count > 0 && ext4_ranges_next(ranges, number, &start, &count) &&
	       start == number;
}

/* How many of [start, start + count) are there. */
u64 ext4_ranges_count_in(const struct ext4_ranges *ranges, u64 start, u64 count);

#endif
