/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way from an inode to a leaf of its extents: extents.c, extents_remove.c.
 *
 * An index entry's block is exactly the first block below it.  Level 0 of a path is the inode's own
 * 60 bytes.  A path's blocks are in the transaction, so its nodes may be changed; each changed node
 * is sealed at once.
 */
#ifndef FS_EXT4_EXTENTS_INTERNAL_H
#define FS_EXT4_EXTENTS_INTERNAL_H

#include "fs/ext4/change.h"

struct ext4_level {
	struct ext4_block *block; /* NULL: the inode */
	struct ext4_disk_extent_header *header;
	int at; /* the entry on the way; in the leaf the last that is not behind, or -1 */
};

struct ext4_extent_path {
	struct ext4_handle *handle;
	struct ext4_volume *volume;
	struct ext4_node *node;
	u32 depth; /* the leaf's level */
	struct ext4_level levels[EXT4_EXTENT_DEPTH_MAX + 1];
};

static inline struct ext4_disk_extent *ext4_extents_of(struct ext4_level *level)
{
	return (struct ext4_disk_extent *)(level->header + 1);
}
static inline struct ext4_disk_extent_index *ext4_indexes_of(struct ext4_level *level)
{
	return (struct ext4_disk_extent_index *)(level->header + 1);
}
static inline struct ext4_level *ext4_leaf_of(struct ext4_extent_path *path)
{
	return &path->levels[path->depth];
}

static inline bool ext4_extent_is_written(const struct ext4_disk_extent *extent)
{
	return extent->length <= EXT4_EXTENT_LENGTH_MAX;
}
static inline u32 ext4_extent_length(const struct ext4_disk_extent *extent)
{
	return ext4_extent_is_written(extent) ? extent->length
					      : extent->length - EXT4_EXTENT_LENGTH_MAX;
}
static inline u64 ext4_extent_start(const struct ext4_disk_extent *extent)
{
	return extent->start_lo | (u64)extent->start_hi << 32;
}
static inline struct ext4_disk_extent ext4_extent_make(u32 block, u64 start, u32 length,
						       bool written)
{
	return (struct ext4_disk_extent){
		.block = block,
		.length = (u16)(written ? length : length + EXT4_EXTENT_LENGTH_MAX),
		.start_hi = (u16)(start >> 32),
		.start_lo = (u32)start,
	};
}

/* Opens the way to a block, to be closed unless there is an error. */
int __must_check ext4_path_open(struct ext4_extent_path *path, struct ext4_handle *handle,
				struct ext4_volume *volume, struct ext4_node *node, u32 block);
/* The same, and the leaf has room for that many entries more: splits what has none. */
int __must_check ext4_path_open_room(struct ext4_extent_path *path, struct ext4_handle *handle,
				     struct ext4_volume *volume, struct ext4_node *node, u32 block,
				     u32 room);
void ext4_path_close(struct ext4_extent_path *path);
/* A level was changed: its checksum. */
void ext4_level_seal(struct ext4_extent_path *path, struct ext4_level *level);
/* The first entry of the leaf was changed: those above say so. */
void ext4_path_fix_keys(struct ext4_extent_path *path, u32 from);
/* Puts an extent in at `at` of the leaf, which has room. */
void ext4_leaf_insert(struct ext4_extent_path *path, int at, const struct ext4_disk_extent *extent);
/* Takes the entry `at` of a level out; the level is not sealed yet. */
void ext4_level_remove(struct ext4_level *level, int at);
/* Joins the entry `at` of the leaf with its neighbours, if they continue each other. */
void ext4_leaf_merge(struct ext4_extent_path *path, int at);

/* A tree whose only leaf fits into the inode moves there. */
int __must_check ext4_extents_flatten(struct ext4_handle *handle, struct ext4_volume *volume,
				      struct ext4_node *node);

#endif
