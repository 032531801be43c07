/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a file's blocks are: a tree of extents (ext4), or the twelve blocks and the trees of one,
 * two and three levels that are as old as Unix.
 *
 * Extents: an inode's 60 bytes, or a block, hold a header and its entries, ordered by the file's
 * block.  The last entry that does not begin behind the wanted block leads to it.  The depth in the
 * header falls by one with each level, which is what ends the walk.
 */
#include "fs/ext4/change.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { DIRECT = 12, LEVELS = 3, AT_ONCE = 64 };

/* A run must lie within the volume. */
static int check_run(const struct ext4_volume *volume, u64 start, u64 length)
{
	return start > volume->first_data_block && start < volume->blocks &&
			       length <= volume->blocks - start
		       ? 0
		       : -EUCLEAN;
}

/* --- Extents --- */

static int check_header(const struct ext4_disk_extent_header *header, u32 size, u32 depth)
{
	return header->magic == EXT4_EXTENT_MAGIC && header->depth == depth &&
			       header->entries <= header->max &&
			       header->max <=
				       (size - sizeof(*header)) / sizeof(struct ext4_disk_extent)
		       ? 0
		       : -EUCLEAN;
}

/* The last of the entries whose block is not behind the wanted one, or -1. */
static int find_entry(const struct ext4_disk_extent_header *header, u32 block)
{
	const struct ext4_disk_extent *entries = (const void *)(header + 1);
	int low = 0, high = header->entries;

	while (low < high) {
		int middle = (low + high) / 2;

		if (entries[middle].block <= block)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

/* What a leaf says; holes end at `limit` at the latest. */
static int read_leaf(const struct ext4_volume *volume, const struct ext4_disk_extent_header *header,
		     u32 block, u64 limit, struct ext4_run *run)
{
	const struct ext4_disk_extent *entries = (const void *)(header + 1), *entry;
	int found = find_entry(header, block);
	u64 length, into;
	bool written;
	int error;

	if (found + 1 < header->entries)
		limit = MIN(limit, (u64)entries[found + 1].block);
	*run = (struct ext4_run){.length = MAX(limit, (u64)block + 1) - block};
	if (found < 0)
		return 0;
	entry = &entries[found];
	written = entry->length <= EXT4_EXTENT_LENGTH_MAX;
	length = written ? entry->length : entry->length - EXT4_EXTENT_LENGTH_MAX;
	into = block - entry->block;
	if (into >= length)
		return 0;
	run->length = length - into;
	run->start = (entry->start_lo | (u64)entry->start_hi << 32) + into;
	error = check_run(volume, run->start, run->length);
	if (!written) {
		run->held = run->start;
		run->start = 0;
	}
	return error;
}

/* Is the checksum behind the table right? */
static int check_tail(const struct ext4_volume *volume, const struct ext4_node *node,
		      const struct ext4_disk_extent_header *header)
{
	u32 used = (u32)sizeof(*header) + header->max * (u32)sizeof(struct ext4_disk_extent);
	u32 checksum;

	if (!volume->checksums)
		return 0;
	if (used > volume->block_size - sizeof(checksum))
		return -EUCLEAN;
	memcpy(&checksum, (const u8 *)header + used, sizeof(checksum));
	return crc32c(node->seed, header, used) == checksum ? 0 : -EBADMSG;
}

/* A block of the tree: a copy, or, of a volume that may be changed, as it is in memory, *held. */
struct tree_block {
	void *buffer;
	struct ext4_block *held;
	const struct ext4_disk_extent_header *header;
};

static int read_extents(const struct ext4_volume *volume, const struct ext4_node *node, u64 block,
			u32 depth, struct tree_block *tree)
{
	int error = check_run(volume, block, 1);

	if (error)
		return error;
	ext4_block_put(tree->held);
	tree->held = NULL;
	if (volume->journal)
		error = ext4_block_get((struct ext4_volume *)volume, block, &tree->held);
	else
		error = ext4_read(volume, block, 0, tree->buffer, volume->block_size);
	if (error)
		return error;
	tree->header = tree->held ? (const void *)tree->held->data : tree->buffer;
	error = check_header(tree->header, volume->block_size, depth);
	if (error || (tree->held && ext4_is_checked(tree->held, EXT4_CHECKED_EXTENTS)))
		return error;
	error = check_tail(volume, node, tree->header);
	if (!error && tree->held)
		ext4_set_checked(tree->held, EXT4_CHECKED_EXTENTS);
	return error;
}

static int walk_extents(const struct ext4_volume *volume, const struct ext4_node *node, u32 block,
			struct tree_block *tree, struct ext4_run *run)
{
	u64 limit = (u64)UINT32_MAX + 1;

	for (u32 depth = tree->header->depth;; depth--) {
		const struct ext4_disk_extent_index *entries = (const void *)(tree->header + 1);
		int found, error;

		if (depth == 0)
			return read_leaf(volume, tree->header, block, limit, run);
		found = find_entry(tree->header, block);
		if (found + 1 < tree->header->entries)
			limit = MIN(limit, (u64)entries[found + 1].block);
		if (found < 0) {
			*run = (struct ext4_run){.length = MAX(limit, (u64)block + 1) - block};
			return 0;
		}
		error = read_extents(volume, node,
				     entries[found].leaf_lo | (u64)entries[found].leaf_hi << 32,
				     depth - 1, tree);
		if (error)
			return error;
	}
}

static int map_extents(const struct ext4_volume *volume, const struct ext4_node *node, u32 block,
		       struct ext4_run *run)
{
	struct tree_block tree = {.header = (const void *)node->body};
	int error = tree.header->depth <= EXT4_EXTENT_DEPTH_MAX
			    ? check_header(tree.header, sizeof(node->body), tree.header->depth)
			    : -EUCLEAN;

	if (error)
		return error;
	if (tree.header->depth > 0 && !volume->journal) {
		tree.buffer = volume->ops->allocate(volume->block_size);
		if (!tree.buffer)
			return -ENOMEM;
	}
	error = walk_extents(volume, node, block, &tree, run);
	ext4_block_put(tree.held);
	if (tree.buffer)
		volume->ops->release(tree.buffer);
	return error;
}

/* --- Block maps --- */

/* The run that begins with the first of `count` numbers. */
static int take_numbers(const struct ext4_volume *volume, const u32 *numbers, u32 count,
			struct ext4_run *run)
{
	u32 length = 1;

	while (length < count && numbers[length] == (numbers[0] != 0 ? numbers[0] + length : 0))
		length++;
	*run = (struct ext4_run){.start = numbers[0], .length = length};
	return numbers[0] != 0 ? check_run(volume, numbers[0], length) : 0;
}

/* Below `table`, of the given level, at `block` of what it covers. */
static int map_table(const struct ext4_volume *volume, u32 table, u32 level, u64 block,
		     struct ext4_run *run)
{
	u32 shift = volume->block_shift - 2, numbers[AT_ONCE];

	for (;; level--) {
		u64 below = 1ull << shift * (level - 1), index = block >> shift * (level - 1);
		u32 count = level == 1 ? MIN((u32)AT_ONCE, (1u << shift) - (u32)index) : 1;
		int error;

		if (table == 0) {
			*run = (struct ext4_run){.length = (1ull << shift * level) - block};
			return 0;
		}
		error = check_run(volume, table, 1);
		if (!error)
			error = ext4_read(volume, table, (u32)index * 4, numbers, count * 4);
		if (error)
			return error;
		if (level == 1)
			return take_numbers(volume, numbers, count, run);
		table = numbers[0];
		block &= below - 1;
	}
}

static int map_blocks(const struct ext4_volume *volume, const struct ext4_node *node, u64 block,
		      struct ext4_run *run)
{
	u32 numbers[DIRECT + LEVELS], shift = volume->block_shift - 2;

	memcpy(numbers, node->body, sizeof(numbers));
	if (block < DIRECT)
		return take_numbers(volume, numbers + block, DIRECT - (u32)block, run);
	block -= DIRECT;
	for (u32 level = 1; level <= LEVELS; level++) {
		u64 covers = 1ull << shift * level;

		if (block < covers)
			return map_table(volume, numbers[DIRECT + level - 1], level, block, run);
		block -= covers;
	}
	return -EUCLEAN;
}

int ext4_map(const struct ext4_volume *volume, const struct ext4_node *node, u64 block,
	     struct ext4_run *run)
{
	if (node->flags & EXT4_INODE_INLINE_DATA || block > UINT32_MAX)
		return -EUCLEAN;
	if (node->flags & EXT4_INODE_EXTENTS)
		return map_extents(volume, node, (u32)block, run);
	return map_blocks(volume, node, block, run);
}
