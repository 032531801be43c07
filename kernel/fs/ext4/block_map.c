/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block maps of ext2 and ext3: adding blocks, and taking them away.
 *
 * Twelve numbers in the inode, then a table of numbers, a table of tables and a table of those.  A
 * table comes with the first number in it and goes with the last.
 */
#include "fs/ext4/change.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { DIRECT = 12, LEVELS = 3, CREDITS_EACH = 8 };

/* --- Adding --- */

/* A fresh table, whose number goes to *place. */
static int make_table(struct ext4_handle *handle, struct ext4_volume *volume,
		      struct ext4_node *node, u64 goal, u32 *place, struct ext4_block **table)
{
	u64 number;
	int error = ext4_space_take(handle, volume, goal, &number);

	if (!error && number > UINT32_MAX)
		error = -EFBIG;
	if (!error)
		error = ext4_handle_new(handle, number, table);
	if (error)
		return error;
	*place = (u32)number;
	ext4_node_count(volume, node, 1);
	return 0;
}

/* The table that *place names, in the transaction; `place` may be changed. */
static int open_table(struct ext4_handle *handle, struct ext4_volume *volume,
		      struct ext4_node *node, u64 goal, u32 *place, struct ext4_block **table)
{
	int error;

	if (*place == 0)
		return make_table(handle, volume, node, goal, place, table);
	if (*place <= volume->first_data_block || *place >= volume->blocks)
		return -EUCLEAN;
	error = ext4_block_get(volume, *place, table);
	if (error)
		return error;
	error = ext4_handle_change(handle, *table);
	if (error)
		ext4_block_put(*table);
	return error;
}

/* Enters up to `count` numbers below a table's place, from its block `block` on: how many.  Start 0
 * takes them out again. */
static int enter(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		 u32 *place, u32 level, u64 block, u64 start, u64 count, u64 *entered)
{
	u32 shift = volume->block_shift - 2, each = 1u << shift;
	struct ext4_block *table, *next;
	int error = open_table(handle, volume, node, start, place, &table);

	if (error)
		return error;
	for (; level > 1; level--) {
		u32 *below = (u32 *)table->data + (block >> shift * (level - 1));

		error = open_table(handle, volume, node, start, below, &next);
		ext4_block_put(table);
		if (error)
			return error;
		table = next;
		block &= (1ull << shift * (level - 1)) - 1;
	}
	*entered = MIN(count, each - block);
	for (u64 i = 0; i < *entered && !error; i++) {
		u32 *at = (u32 *)table->data + block + i;

		if (start != 0 && *at != 0)
			error = -EUCLEAN;
		else
			*at = start != 0 ? (u32)(start + i) : 0;
	}
	ext4_block_put(table);
	return error;
}

static int insert_some(struct ext4_handle *handle, struct ext4_volume *volume,
		       struct ext4_node *node, u64 block, u64 start, u64 count, u64 *entered)
{
	u32 *numbers = (u32 *)node->body, shift = volume->block_shift - 2;

	if (block < DIRECT) {
		if (start != 0 && numbers[block] != 0)
			return -EUCLEAN;
		numbers[block] = (u32)start;
		*entered = 1;
		return 0;
	}
	block -= DIRECT;
	for (u32 level = 1; level <= LEVELS; level++) {
		u64 covers = 1ull << shift * level;

		if (block < covers)
			return enter(handle, volume, node, &numbers[DIRECT + level - 1], level,
				     block, start, count, entered);
		block -= covers;
	}
	return -EFBIG;
}

/* There was no room for a table: what was entered goes again. */
static int take_back(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		     u64 block, u64 end)
{
	while (block < end) {
		u64 entered = 0;
		int error = insert_some(handle, volume, node, block, 0, end - block, &entered);

		if (error)
			return error;
		block += entered;
	}
	return 0;
}

int ext4_blocks_insert(struct ext4_handle *handle, struct ext4_volume *volume,
		       struct ext4_node *node, u64 block, u64 start, u64 count)
{
	u64 first = block;

	if (start + count > UINT32_MAX)
		return -EFBIG;
	while (count > 0) {
		u64 entered = 0;
		int error = insert_some(handle, volume, node, block, start, count, &entered);
		int undone = error == -ENOSPC ? take_back(handle, volume, node, first, block) : 0;

		if (error)
			return undone ? undone : error;
		block += entered;
		start += entered;
		count -= entered;
	}
	return 0;
}

/* --- Removing --- */

/* A walk from the end of a range to its beginning. */
struct removal {
	struct ext4_handle *handle;
	struct ext4_volume *volume;
	struct ext4_node *node;
	u64 first, last;  /* blocks of the file */
	u64 start, count; /* numbers to be freed: they lie side by side */
	bool full;        /* the transaction has no room for more */
};

static int free_found(struct removal *removal)
{
	u64 count = removal->count;
	int error;

	if (count == 0)
		return 0;
	removal->count = 0;
	error = ext4_space_free(removal->handle, removal->volume, removal->start, count,
				!S_ISREG(removal->node->mode));
	if (!error)
		ext4_node_count(removal->volume, removal->node, -(s64)count);
	return error;
}

/* Another number was taken out of the map. */
static int note(struct removal *removal, u32 number)
{
	int error = 0;

	if (removal->count == 0 || number != removal->start - 1)
		error = free_found(removal);
	removal->start = number;
	removal->count++;
	if (ext4_handle_credits(removal->handle) < CREDITS_EACH * LEVELS)
		removal->full = true;
	return error;
}

static bool is_zero(const u32 *numbers, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (numbers[i] != 0)
			return false;
	return true;
}

/* Removes below *place, whose first block in the file is `base`. */
static int remove_below(struct removal *removal, u32 *place, u32 level, u64 base)
{
	struct ext4_volume *volume = removal->volume;
	u32 shift = volume->block_shift - 2, each = 1u << shift;
	u64 covers = 1ull << shift * (level - 1);
	struct ext4_block *table;
	int error;

	if (*place == 0 || base > removal->last || base + covers * each <= removal->first)
		return 0;
	error = open_table(removal->handle, volume, removal->node, 0, place, &table);
	if (error)
		return error;
	for (u32 i = each; i-- > 0 && !error && !removal->full;) {
		u32 *at = (u32 *)table->data + i;
		u64 block = base + i * covers;

		if (*at == 0 || block > removal->last || block + covers <= removal->first)
			continue;
		if (level > 1) {
			error = remove_below(removal, at, level - 1, block);
			continue;
		}
		error = note(removal, *at);
		*at = 0;
	}
	if (!error && is_zero((u32 *)table->data, each)) {
		error = free_found(removal);
		if (!error)
			error = ext4_space_free(removal->handle, volume, *place, 1, true);
		if (!error) {
			ext4_node_count(volume, removal->node, -1);
			*place = 0;
		}
	}
	ext4_block_put(table);
	return error;
}

int ext4_blocks_remove(struct ext4_handle *handle, struct ext4_volume *volume,
		       struct ext4_node *node, u64 first, u64 last, bool *done)
{
	u32 *numbers = (u32 *)node->body, shift = volume->block_shift - 2;
	struct removal removal = {
		.handle = handle, .volume = volume, .node = node, .first = first, .last = last};
	int error = 0, freed;

	for (u32 level = LEVELS; level > 0 && !error && !removal.full; level--) {
		u64 base = DIRECT;

		for (u32 i = 1; i < level; i++)
			base += 1ull << shift * i;
		error = remove_below(&removal, &numbers[DIRECT + level - 1], level, base);
	}
	for (u32 i = DIRECT; i-- > 0 && !error && !removal.full;)
		if (numbers[i] != 0 && i >= first && i <= last) {
			error = note(&removal, numbers[i]);
			numbers[i] = 0;
		}
	freed = free_found(&removal);
	*done = !removal.full;
	return error ? error : freed;
}
