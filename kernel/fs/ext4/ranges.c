/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of ranges in a tree; see ranges.h. */
#include "fs/ext4/ranges.h"

#include "fs/ext4/volume.h"
#include "lib/errno.h"

struct range {
	struct rb_node node;
	u64 start, end;
};

static struct range *range_of(struct rb_node *node)
{
	return rb_entry_or_null(node, struct range, node);
}

/* The first range that ends at or behind `number`. */
static struct range *find(const struct ext4_ranges *ranges, u64 number)
{
	struct rb_node *at = ranges->root.top;
	struct range *best = NULL;

	while (at) {
		struct range *range = range_of(at);

		if (range->end >= number) {
			best = range;
			at = at->left;
		} else {
			at = at->right;
		}
	}
	return best;
}

static struct range *next_of(struct range *range)
{
	return range_of(rb_next(&range->node));
}

static int insert(struct ext4_ranges *ranges, u64 start, u64 end)
{
	struct rb_node **link = &ranges->root.top, *parent = NULL;
	struct range *range = ranges->ops->allocate(sizeof(*range));

	if (!range)
		return -ENOMEM;
	range->start = start;
	range->end = end;
	while (*link) {
		parent = *link;
		link = start < range_of(parent)->start ? &parent->left : &parent->right;
	}
	rb_insert(&ranges->root, &range->node, parent, link);
	ranges->count += end - start;
	return 0;
}

static void erase(struct ext4_ranges *ranges, struct range *range)
{
	ranges->count -= range->end - range->start;
	rb_erase(&ranges->root, &range->node);
	ranges->ops->release(range);
}

int ext4_ranges_add(struct ext4_ranges *ranges, u64 start, u64 count)
{
	struct range *range = find(ranges, start), *next;
	u64 end = start + count;

	if (count == 0)
		return 0;
	if (!range || range->start > end)
		return insert(ranges, start, end);
	/* It touches this one, which grows, over the next ones if need be. */
	while ((next = next_of(range)) && next->start <= end) {
		end = MAX(end, next->end);
		erase(ranges, next);
	}
	start = MIN(start, range->start);
	end = MAX(end, range->end);
	ranges->count += (end - start) - (range->end - range->start);
	range->start = start;
	range->end = end;
	return 0;
}

int ext4_ranges_remove(struct ext4_ranges *ranges, u64 start, u64 count)
{
	struct range *range = find(ranges, start + 1), *next;
	u64 end = start + count;

	for (; range && range->start < end; range = next) {
		next = next_of(range);
		if (range->start < start && range->end > end) {
			u64 behind = range->end;
			int error;

			ranges->count -= behind - start;
			range->end = start;
			error = insert(ranges, end, behind);
			if (error) {
				range->end = behind;
				ranges->count += behind - start;
			}
			return error;
		}
		if (range->start < start) {
			ranges->count -= range->end - start;
			range->end = start;
		} else if (range->end > end) {
			ranges->count -= end - range->start;
			range->start = end;
		} else {
			erase(ranges, range);
		}
	}
	return 0;
}

void ext4_ranges_clear(struct ext4_ranges *ranges)
{
	while (ranges->root.top)
		erase(ranges, range_of(ranges->root.top));
}

bool ext4_ranges_next(const struct ext4_ranges *ranges, u64 from, u64 *start, u64 *count)
{
	const struct range *range = find(ranges, from + 1);

	if (!range)
		return false;
	*start = MAX(from, range->start);
	*count = range->end - *start;
	return true;
}

u64 ext4_ranges_count_in(const struct ext4_ranges *ranges, u64 start, u64 count)
{
	u64 end = start + count, found = 0, at, length;

	while (start < end && ext4_ranges_next(ranges, start, &at, &length) && at < end) {
		found += MIN(length, end - at);
		start = at + length;
	}
	return found;
}
