/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extents: moving all that a file has behind a place, to lower block numbers or to higher ones.
 *
 * The tree stays as it is, only the numbers in it change: leaf by leaf, from the side that things
 * move to, so that it is in order whenever a transaction ends.
 */
#include "fs/ext4/extents_internal.h"
#include "lib/errno.h"

/* An extent that lies across the beginning of `block` becomes two. */
static int divide(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		  u32 block)
{
	struct ext4_extent_path path;
	struct ext4_disk_extent *entry, whole, last;
	struct ext4_level *leaf;
	int error = ext4_path_open_room(&path, handle, volume, node, block, 1);

	if (error)
		return error;
	leaf = ext4_leaf_of(&path);
	entry = ext4_extents_of(leaf) + leaf->at;
	if (leaf->at >= 0 && entry->block < block &&
	    block < entry->block + (u64)ext4_extent_length(entry)) {
		bool written = ext4_extent_is_written(entry);
		u32 kept = block - entry->block;

		whole = *entry;
		last = ext4_extent_make(block, ext4_extent_start(&whole) + kept,
					ext4_extent_length(&whole) - kept, written);
		*entry = ext4_extent_make(whole.block, ext4_extent_start(&whole), kept, written);
		ext4_leaf_insert(&path, leaf->at + 1, &last);
	}
	ext4_path_close(&path);
	return 0;
}

/* Is there room behind the file's last block? */
static int check_end(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		     u32 distance)
{
	struct ext4_extent_path path;
	const struct ext4_disk_extent *entry;
	int error = ext4_path_open(&path, handle, volume, node, UINT32_MAX);

	if (error)
		return error;
	entry = ext4_extents_of(ext4_leaf_of(&path)) + ext4_leaf_of(&path)->at;
	if (ext4_leaf_of(&path)->at >= 0 &&
	    entry->block + (u64)ext4_extent_length(entry) + distance > UINT32_MAX)
		error = -EINVAL;
	ext4_path_close(&path);
	return error;
}

/* The entries [from, to] of the leaf. */
static void move_entries(struct ext4_extent_path *path, int from, int to, s64 distance)
{
	struct ext4_level *leaf = ext4_leaf_of(path);
	struct ext4_disk_extent *entries = ext4_extents_of(leaf);

	for (int i = from; i <= to; i++)
		entries[i].block = (u32)(entries[i].block + distance);
	ext4_level_seal(path, leaf);
	if (from == 0)
		ext4_path_fix_keys(path, path->depth);
}

/* A leaf's worth from block *at on; *at goes behind it. */
static int move_down(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		     u32 distance, u64 *at)
{
	struct ext4_extent_path path;
	const struct ext4_disk_extent *last;
	struct ext4_level *leaf;
	struct ext4_run run;
	int error = ext4_map(volume, node, *at, &run);

	if (error)
		return error;
	if (run.start == 0 && run.held == 0) {
		*at += run.length;
		return 0;
	}
	error = ext4_path_open(&path, handle, volume, node, (u32)*at);
	if (error)
		return error;
	leaf = ext4_leaf_of(&path);
	last = ext4_extents_of(leaf) + leaf->header->entries - 1;
	*at = last->block + (u64)ext4_extent_length(last);
	move_entries(&path, leaf->at, leaf->header->entries - 1, -(s64)distance);
	ext4_leaf_merge(&path, leaf->at);
	ext4_path_close(&path);
	return 0;
}

/* A leaf's worth up to block *at; *at goes before it, or becomes UINT64_MAX. */
static int move_up(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		   u32 first, u32 distance, u64 *at)
{
	struct ext4_extent_path path;
	const struct ext4_disk_extent *entries;
	struct ext4_level *leaf;
	int from, error = ext4_path_open(&path, handle, volume, node, (u32)*at);

	if (error)
		return error;
	leaf = ext4_leaf_of(&path);
	entries = ext4_extents_of(leaf);
	from = leaf->at + 1;
	while (from > 0 && entries[from - 1].block >= first)
		from--;
	*at = UINT64_MAX;
	if (from <= leaf->at) {
		if (from == 0 && entries[0].block > first)
			*at = entries[0].block - 1;
		move_entries(&path, from, leaf->at, distance);
	}
	ext4_path_close(&path);
	return 0;
}

int ext4_extents_shift(struct ext4_handle *handle, struct ext4_volume *volume,
		       struct ext4_node *node, u32 first, s64 distance, u64 *at, bool *done)
{
	int error = 0;

	*done = false;
	if (distance > 0 && *at == EXT4_SHIFT_BEGIN) {
		error = check_end(handle, volume, node, (u32)distance);
		if (!error)
			error = divide(handle, volume, node, first);
		*at = UINT32_MAX;
	} else if (*at == EXT4_SHIFT_BEGIN) {
		*at = first;
	}
	while (!error && !*done && ext4_handle_credits(handle) >= EXT4_CREDITS_MAP / 2) {
		error = distance < 0 ? move_down(handle, volume, node, (u32)-distance, at)
				     : move_up(handle, volume, node, first, (u32)distance, at);
		*done = *at > UINT32_MAX;
	}
	return error;
}
