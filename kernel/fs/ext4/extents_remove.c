/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extents: taking blocks from a file, from the end of the range to its beginning, so that what is
 * left is right whenever a transaction ends.
 */
#include "fs/ext4/extents_internal.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/string.h"

/* A leaf without entries goes, and the nodes above that have nothing else. */
static int drop_empty(struct ext4_extent_path *path)
{
	u32 i;

	for (i = path->depth; i > 0 && path->levels[i].header->entries == 0; i--) {
		struct ext4_level *above = &path->levels[i - 1];
		int error = ext4_space_free(path->handle, path->volume,
					    path->levels[i].block->number, 1, true);

		if (error)
			return error;
		ext4_node_count(path->volume, path->node, -1);
		ext4_level_remove(above, above->at);
		ext4_level_seal(path, above);
	}
	if (path->levels[0].header->entries == 0)
		path->levels[0].header->depth = 0;
	else if (i < path->depth && i > 0 && path->levels[i].at == 0)
		ext4_path_fix_keys(path, i);
	return 0;
}

int ext4_extents_flatten(struct ext4_handle *handle, struct ext4_volume *volume,
			 struct ext4_node *node)
{
	struct ext4_disk_extent_header *root = (void *)node->body;

	while (root->depth > 0 && root->entries == 1) {
		struct ext4_extent_path path;
		struct ext4_level *below = &path.levels[1];
		u64 number;
		int error = ext4_path_open(&path, handle, volume, node, 0);

		if (error)
			return error;
		number = below->block->number;
		if (below->header->entries > root->max) {
			ext4_path_close(&path);
			return 0;
		}
		memcpy(root + 1, below->header + 1,
		       below->header->entries * sizeof(struct ext4_disk_extent));
		root->entries = below->header->entries;
		root->depth--;
		ext4_path_close(&path);
		error = ext4_space_free(handle, volume, number, 1, true);
		if (error)
			return error;
		ext4_node_count(volume, node, -1);
	}
	return 0;
}

/* The entry at the leaf's `at` loses [from, to), which it has; there is room for one more if that
 * is in its middle. */
static int cut_entry(struct ext4_extent_path *path, u32 from, u64 to)
{
	struct ext4_level *leaf = ext4_leaf_of(path);
	struct ext4_disk_extent *entry = ext4_extents_of(leaf) + leaf->at, whole = *entry;
	bool written = ext4_extent_is_written(&whole);
	u64 start = ext4_extent_start(&whole), end = whole.block + (u64)ext4_extent_length(&whole);
	struct ext4_disk_extent first =
		ext4_extent_make(whole.block, start, from - whole.block, written);
	struct ext4_disk_extent last =
		ext4_extent_make((u32)to, start + (to - whole.block), (u32)(end - to), written);

	if (from > whole.block && to < end) {
		*entry = first;
		ext4_leaf_insert(path, leaf->at + 1, &last);
	} else if (from > whole.block) {
		*entry = first;
		ext4_level_seal(path, leaf);
	} else if (to < end) {
		*entry = last;
		ext4_level_seal(path, leaf);
		if (leaf->at == 0)
			ext4_path_fix_keys(path, path->depth);
	} else {
		ext4_level_remove(leaf, leaf->at);
		ext4_level_seal(path, leaf);
		if (leaf->header->entries == 0)
			return drop_empty(path);
		if (leaf->at == 0)
			ext4_path_fix_keys(path, path->depth);
	}
	return 0;
}

/*
 * Cuts the last piece of [first, *last] that the file has, and frees it; *last goes before it.
 * -ENODATA: there is none.
 */
static int cut_last(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		    u32 first, u64 *last)
{
	struct ext4_extent_path path;
	const struct ext4_disk_extent *entry;
	u64 end, start, behind;
	u32 from;
	int error = ext4_path_open(&path, handle, volume, node, (u32)*last);

	if (error)
		return error;
	entry = ext4_extents_of(ext4_leaf_of(&path)) + ext4_leaf_of(&path)->at;
	end = ext4_leaf_of(&path)->at < 0 ? 0 : entry->block + (u64)ext4_extent_length(entry);
	if (end <= first) {
		ext4_path_close(&path);
		return -ENODATA;
	}
	from = MAX(first, entry->block);
	behind = MIN(end, *last + 1);
	start = ext4_extent_start(entry) + (from - entry->block);
	if (from > entry->block && behind < end) {
		ext4_path_close(&path);
		error = ext4_path_open_room(&path, handle, volume, node, from, 1);
		if (error)
			return error;
	}
	error = cut_entry(&path, from, behind);
	ext4_path_close(&path);
	if (!error)
		error = ext4_space_free(handle, volume, start, behind - from, !S_ISREG(node->mode));
	if (!error)
		ext4_node_count(volume, node, -(s64)(behind - from));
	*last = (u64)from - 1;
	return error;
}

int ext4_extents_remove(struct ext4_handle *handle, struct ext4_volume *volume,
			struct ext4_node *node, u32 first, u32 last, bool *done)
{
	u64 at = last;
	int error = 0;

	*done = false;
	do {
		error = cut_last(handle, volume, node, first, &at);
		*done = error == -ENODATA || (!error && (at < first || at == UINT64_MAX));
	} while (!error && !*done && ext4_handle_credits(handle) >= EXT4_CREDITS_MAP / 2);
	if (error == -ENODATA)
		error = 0;
	return error ? error : ext4_extents_flatten(handle, volume, node);
}
