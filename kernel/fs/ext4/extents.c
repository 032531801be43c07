/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extents: mapping more blocks.
 *
 * A leaf gets room first, one split after the other, each of which leaves a tree that is right; what
 * is then done in the leaf cannot fail.  A node without room moves its upper half to a new one, or
 * only its last entry when the file grows at its end.  When all up to the inode are full, what the
 * inode has moves to a block, and the tree is one level deeper.
 */
#include "fs/ext4/extents_internal.h"
#include "lib/abi/stat.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { ENTRY_SIZE = sizeof(struct ext4_disk_extent) };

/* --- Nodes --- */

static u32 block_room(const struct ext4_volume *volume)
{
	return (volume->block_size - (u32)sizeof(struct ext4_disk_extent_header)) / ENTRY_SIZE;
}

static u32 *tail_of(const struct ext4_level *level)
{
	return (u32 *)(level->block->data + sizeof(*level->header) +
		       (size_t)level->header->max * ENTRY_SIZE);
}

void ext4_level_seal(struct ext4_extent_path *path, struct ext4_level *level)
{
	u32 *tail;

	if (!level->block || !path->volume->checksums)
		return;
	tail = tail_of(level);
	*tail = crc32c(path->node->seed, level->block->data,
		       (size_t)((u8 *)tail - level->block->data));
}

static int check_level(const struct ext4_extent_path *path, struct ext4_level *level, u32 depth)
{
	const struct ext4_disk_extent_header *header = level->header;
	u32 most = level->block ? block_room(path->volume)
				: (EXT4_INLINE_BYTES - (u32)sizeof(*header)) / ENTRY_SIZE;

	if (header->magic != EXT4_EXTENT_MAGIC || header->depth != depth || header->max > most ||
	    header->entries > header->max || header->max == 0)
		return -EUCLEAN;
	if (depth > 0 && header->entries == 0)
		return -EUCLEAN;
	if (!level->block || !path->volume->checksums ||
	    ext4_is_checked(level->block, EXT4_CHECKED_EXTENTS))
		return 0;
	if (*tail_of(level) != crc32c(path->node->seed, level->block->data,
				      (size_t)((u8 *)tail_of(level) - level->block->data)))
		return -EBADMSG;
	ext4_set_checked(level->block, EXT4_CHECKED_EXTENTS);
	return 0;
}

/* The last entry that is not behind a block, or -1; indexes and extents begin alike. */
static int find_entry(struct ext4_level *level, u32 block)
{
	const struct ext4_disk_extent *entries = ext4_extents_of(level);
	int low = 0, high = level->header->entries;

	while (low < high) {
		int middle = (low + high) / 2;

		if (entries[middle].block <= block)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

/* --- Paths --- */

void ext4_path_close(struct ext4_extent_path *path)
{
	for (u32 i = 0; i <= path->depth; i++)
		ext4_block_put(path->levels[i].block);
	path->depth = 0;
	path->levels[0].block = NULL;
}

/* The level below `level`, `depth` above the leaves. */
static int open_level(struct ext4_extent_path *path, struct ext4_level *level,
		      struct ext4_level *above, u32 depth)
{
	const struct ext4_disk_extent_index *index = &ext4_indexes_of(above)[above->at];
	int error = ext4_block_get(path->volume, index->leaf_lo | (u64)index->leaf_hi << 32,
				   &level->block);

	if (error)
		return error;
	level->header = (void *)level->block->data;
	error = check_level(path, level, depth);
	if (!error)
		error = ext4_handle_change(path->handle, level->block);
	if (error)
		ext4_block_put(level->block);
	return error;
}

int ext4_path_open(struct ext4_extent_path *path, struct ext4_handle *handle,
		   struct ext4_volume *volume, struct ext4_node *node, u32 block)
{
	u32 depth;
	int error;

	*path = (struct ext4_extent_path){.handle = handle, .volume = volume, .node = node};
	path->levels[0].header = (void *)node->body;
	depth = path->levels[0].header->depth;
	error = depth <= EXT4_EXTENT_DEPTH_MAX ? check_level(path, &path->levels[0], depth)
					       : -EUCLEAN;
	if (error)
		return error;
	for (;;) {
		struct ext4_level *level = &path->levels[path->depth];

		level->at = find_entry(level, block);
		if (path->depth == depth)
			return 0;
		level->at = MAX(level->at, 0);
		error = open_level(path, level + 1, level, depth - path->depth - 1);
		if (error)
			break;
		path->depth++;
	}
	ext4_path_close(path);
	return error;
}

void ext4_path_fix_keys(struct ext4_extent_path *path, u32 from)
{
	for (u32 i = from; i > 0 && path->levels[i].header->entries > 0; i--) {
		u32 key = ext4_extents_of(&path->levels[i])[0].block;
		struct ext4_level *above = &path->levels[i - 1];
		struct ext4_disk_extent_index *index = &ext4_indexes_of(above)[above->at];

		if (index->block == key)
			return;
		index->block = key;
		ext4_level_seal(path, above);
		if (above->at != 0)
			return;
	}
}

/* --- Growing --- */

static int new_node(struct ext4_extent_path *path, struct ext4_level *level, u32 depth)
{
	struct ext4_volume *volume = path->volume;
	u64 goal = ext4_map_goal(volume, path->node, 0), number;
	int error = ext4_space_take(path->handle, volume, goal, &number);

	if (error)
		return error;
	error = ext4_handle_new(path->handle, number, &level->block);
	if (error) {
		int freed = ext4_space_free(path->handle, volume, number, 1, false);

		return freed ? freed : error;
	}
	ext4_set_checked(level->block, EXT4_CHECKED_EXTENTS);
	level->header = (void *)level->block->data;
	*level->header = (struct ext4_disk_extent_header){
		.magic = EXT4_EXTENT_MAGIC, .max = (u16)block_room(volume), .depth = (u16)depth};
	ext4_node_count(volume, path->node, 1);
	return 0;
}

static struct ext4_disk_extent_index index_of(u32 key, const struct ext4_level *level)
{
	return (struct ext4_disk_extent_index){.block = key,
					       .leaf_lo = (u32)level->block->number,
					       .leaf_hi = (u16)(level->block->number >> 32)};
}

/* What the inode has moves to a block of its own. */
static int deepen(struct ext4_extent_path *path)
{
	struct ext4_level *root = &path->levels[0], below;
	int error;

	if (root->header->depth == EXT4_EXTENT_DEPTH_MAX)
		return -EFBIG;
	error = new_node(path, &below, root->header->depth);
	if (error)
		return error;
	memcpy(below.header + 1, root->header + 1, (size_t)root->header->entries * ENTRY_SIZE);
	below.header->entries = root->header->entries;
	ext4_level_seal(path, &below);
	root->header->depth++;
	root->header->entries = 1;
	ext4_indexes_of(root)[0] = index_of(ext4_extents_of(&below)[0].block, &below);
	ext4_block_put(below.block);
	return 0;
}

/* Moves a part of a node to a new one; the node above has room. */
static int split(struct ext4_extent_path *path, u32 depth)
{
	struct ext4_level *level = &path->levels[depth], *above = level - 1, fresh;
	u32 entries = level->header->entries, kept = entries / 2;
	struct ext4_disk_extent_index index, *at;
	int error = new_node(path, &fresh, level->header->depth);

	if (error)
		return error;
	if (level->at == (int)entries - 1)
		kept = entries - 1;
	memcpy(fresh.header + 1, ext4_extents_of(level) + kept,
	       (size_t)(entries - kept) * ENTRY_SIZE);
	fresh.header->entries = (u16)(entries - kept);
	level->header->entries = (u16)kept;
	index = index_of(ext4_extents_of(&fresh)[0].block, &fresh);
	at = ext4_indexes_of(above) + above->at + 1;
	memmove(at + 1, at, (size_t)(above->header->entries - above->at - 1) * ENTRY_SIZE);
	*at = index;
	above->header->entries++;
	ext4_level_seal(path, &fresh);
	ext4_level_seal(path, level);
	ext4_level_seal(path, above);
	ext4_block_put(fresh.block);
	return 0;
}

/* One step towards room in the leaf. */
static int make_room(struct ext4_extent_path *path)
{
	for (u32 i = path->depth; i > 0; i--)
		if (path->levels[i - 1].header->entries < path->levels[i - 1].header->max)
			return split(path, i);
	return deepen(path);
}

int ext4_path_open_room(struct ext4_extent_path *path, struct ext4_handle *handle,
			struct ext4_volume *volume, struct ext4_node *node, u32 block, u32 room)
{
	for (;;) {
		const struct ext4_disk_extent_header *leaf;
		int error = ext4_path_open(path, handle, volume, node, block);

		if (error)
			return error;
		leaf = ext4_leaf_of(path)->header;
		if (leaf->entries + room <= leaf->max)
			return 0;
		error = make_room(path);
		ext4_path_close(path);
		if (error)
			return error;
	}
}

/* --- In a leaf --- */

void ext4_leaf_insert(struct ext4_extent_path *path, int at, const struct ext4_disk_extent *extent)
{
	struct ext4_level *leaf = ext4_leaf_of(path);
	struct ext4_disk_extent *place = ext4_extents_of(leaf) + at;

	memmove(place + 1, place, (size_t)(leaf->header->entries - at) * ENTRY_SIZE);
	*place = *extent;
	leaf->header->entries++;
	ext4_level_seal(path, leaf);
	if (at == 0)
		ext4_path_fix_keys(path, path->depth);
}

void ext4_level_remove(struct ext4_level *level, int at)
{
	struct ext4_disk_extent *place = ext4_extents_of(level) + at;

	memmove(place, place + 1, (size_t)(level->header->entries - at - 1) * ENTRY_SIZE);
	level->header->entries--;
}

/* Does the second continue the first, and may they be one? */
static bool continues(const struct ext4_disk_extent *first, const struct ext4_disk_extent *second)
{
	u32 length = ext4_extent_length(first), sum = length + ext4_extent_length(second);
	bool written = ext4_extent_is_written(first);

	return written == ext4_extent_is_written(second) &&
	       first->block + length == second->block &&
	       ext4_extent_start(first) + length == ext4_extent_start(second) &&
	       sum <= (written ? EXT4_EXTENT_LENGTH_MAX : EXT4_EXTENT_LENGTH_MAX - 1);
}

void ext4_leaf_merge(struct ext4_extent_path *path, int at)
{
	struct ext4_level *leaf = ext4_leaf_of(path);
	struct ext4_disk_extent *entries = ext4_extents_of(leaf);

	for (int i = at; i >= MAX(at - 1, 0); i--) {
		if (i + 1 >= leaf->header->entries || !continues(&entries[i], &entries[i + 1]))
			continue;
		entries[i].length = (u16)(entries[i].length + ext4_extent_length(&entries[i + 1]));
		ext4_level_remove(leaf, i + 1);
	}
	ext4_level_seal(path, leaf);
}

/* Makes the entry at `at` longer by an extent that continues it, or is continued by it. */
static bool extend(struct ext4_extent_path *path, const struct ext4_disk_extent *extent)
{
	struct ext4_level *leaf = ext4_leaf_of(path);
	struct ext4_disk_extent *entries = ext4_extents_of(leaf), *entry;
	int at = leaf->at;

	if (at >= 0 && continues(&entries[at], extent)) {
		entries[at].length = (u16)(entries[at].length + ext4_extent_length(extent));
		ext4_leaf_merge(path, at);
		return true;
	}
	entry = &entries[at + 1];
	if (at + 1 >= leaf->header->entries || !continues(extent, entry))
		return false;
	entry->block = extent->block;
	entry->start_lo = extent->start_lo;
	entry->start_hi = extent->start_hi;
	entry->length = (u16)(entry->length + ext4_extent_length(extent));
	ext4_level_seal(path, leaf);
	if (at + 1 == 0)
		ext4_path_fix_keys(path, path->depth);
	return true;
}

/* --- Mapping --- */

/* Is there nothing in [block, block + count) yet? */
static bool is_hole(struct ext4_extent_path *path, u32 block, u32 count)
{
	struct ext4_level *leaf = ext4_leaf_of(path);
	const struct ext4_disk_extent *entries = ext4_extents_of(leaf);
	int at = leaf->at;

	if (at >= 0 && entries[at].block + (u64)ext4_extent_length(&entries[at]) > block)
		return false;
	return at + 1 >= leaf->header->entries || entries[at + 1].block >= (u64)block + count;
}

static int insert_one(struct ext4_handle *handle, struct ext4_volume *volume,
		      struct ext4_node *node, const struct ext4_disk_extent *extent)
{
	struct ext4_extent_path path;
	int error = ext4_path_open(&path, handle, volume, node, extent->block);
	bool extended;

	if (error)
		return error;
	extended = false;
	if (!is_hole(&path, extent->block, ext4_extent_length(extent)))
		error = -EUCLEAN;
	else
		extended = extend(&path, extent);
	ext4_path_close(&path);
	if (error || extended)
		return error;
	error = ext4_path_open_room(&path, handle, volume, node, extent->block, 1);
	if (error)
		return error;
	ext4_leaf_insert(&path, ext4_leaf_of(&path)->at + 1, extent);
	ext4_path_close(&path);
	return 0;
}

int ext4_extents_insert(struct ext4_handle *handle, struct ext4_volume *volume,
			struct ext4_node *node, u32 block, u64 start, u32 count, bool unwritten)
{
	u32 most = unwritten ? EXT4_EXTENT_LENGTH_MAX - 1 : EXT4_EXTENT_LENGTH_MAX;
	int error = 0;

	while (count > 0 && !error) {
		u32 part = MIN(count, most);
		struct ext4_disk_extent extent = ext4_extent_make(block, start, part, !unwritten);

		error = insert_one(handle, volume, node, &extent);
		block += part;
		start += part;
		count -= part;
	}
	return error ? error : ext4_extents_flatten(handle, volume, node);
}

/* Converts the part [block, end) of the entry at the leaf's `at`; there is room for two more. */
static void convert(struct ext4_extent_path *path, u32 block, u64 end)
{
	struct ext4_level *leaf = ext4_leaf_of(path);
	struct ext4_disk_extent *entry = ext4_extents_of(leaf) + leaf->at, whole = *entry;
	u32 length = ext4_extent_length(&whole), before = block - whole.block;
	u32 part = (u32)(end - block), behind = length - before - part;
	u64 start = ext4_extent_start(&whole);
	struct ext4_disk_extent middle = ext4_extent_make(block, start + before, part, true);
	struct ext4_disk_extent last =
		ext4_extent_make((u32)end, start + before + part, behind, false);
	int at = leaf->at;

	if (behind > 0)
		ext4_leaf_insert(path, at + 1, &last);
	if (before > 0) {
		*entry = ext4_extent_make(whole.block, start, before, false);
		ext4_leaf_insert(path, ++at, &middle);
	} else {
		*entry = middle;
	}
	ext4_leaf_merge(path, at);
}

int ext4_extents_written(struct ext4_handle *handle, struct ext4_volume *volume,
			 struct ext4_node *node, u32 block, u32 count)
{
	u64 end = (u64)block + count;

	while (block < end) {
		struct ext4_extent_path path;
		const struct ext4_disk_extent *entry;
		u64 entry_end;
		int error = ext4_path_open_room(&path, handle, volume, node, block, 2);

		if (error)
			return error;
		entry = ext4_extents_of(ext4_leaf_of(&path)) + ext4_leaf_of(&path)->at;
		entry_end = ext4_leaf_of(&path)->at < 0
				    ? 0
				    : entry->block + (u64)ext4_extent_length(entry);
		if (entry_end <= block) {
			ext4_path_close(&path);
			return -EUCLEAN;
		}
		if (!ext4_extent_is_written(entry))
			convert(&path, block, MIN(end, entry_end));
		block = (u32)MIN(end, entry_end);
		ext4_path_close(&path);
	}
	return ext4_extents_flatten(handle, volume, node);
}
