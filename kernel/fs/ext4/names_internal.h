/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of directories that are changed: names_change.c, index_change.c. */
#ifndef FS_EXT4_NAMES_INTERNAL_H
#define FS_EXT4_NAMES_INTERNAL_H

#include "fs/ext4/change.h"

/* A directory that is being changed. */
struct ext4_directory {
	struct ext4_handle *handle;
	struct ext4_volume *volume;
	struct ext4_node *node;
};

/* A name, and what it means. */
struct ext4_name {
	const char *text;
	u32 length;
	u32 ino;
	u8 type;
};

/* Where an entry is. */
struct ext4_place {
	struct ext4_block *block; /* referenced */
	u64 number;               /* of the directory */
	u32 offset, before;       /* before: the entry in front of it, or the same: there is none */
};

/* How many bytes of a block entries may use. */
static inline u32 ext4_entries_size(const struct ext4_volume *volume)
{
	return volume->block_size -
	       (volume->checksums ? (u32)sizeof(struct ext4_disk_entry_tail) : 0);
}
static inline u32 ext4_entry_size(u32 name_length)
{
	return (EXT4_ENTRY_HEADER + name_length + 3) & ~3u;
}

/* Block `number` of the directory, checked, referenced. */
int __must_check ext4_names_open(struct ext4_volume *volume, const struct ext4_node *node,
				 u64 number, struct ext4_block **block);
/* A fresh block at its end, full of zeros and in the transaction. */
int __must_check ext4_names_append(struct ext4_directory *directory, u64 *number,
				   struct ext4_block **block);
/* The checksums of a block with entries, and of one with an index. */
void ext4_names_seal(struct ext4_directory *directory, struct ext4_block *block);
void ext4_index_seal(struct ext4_directory *directory, struct ext4_block *block, u32 offset);
/* Adds to a block, in the transaction: -ENOSPC. */
int __must_check ext4_names_enter(struct ext4_directory *directory, struct ext4_block *block,
				  const struct ext4_name *name);
/* One entry that is as large as the block, or what is left of it from `offset` on. */
void ext4_names_clear(struct ext4_directory *directory, struct ext4_block *block, u32 offset);
/* Finds a name in a block: -ENOENT. */
int __must_check ext4_names_search(const struct ext4_volume *volume, const struct ext4_block *block,
				   const char *name, u32 length, struct ext4_place *place);

/* index_change.c */
bool ext4_has_index(const struct ext4_volume *volume, const struct ext4_node *node);
int __must_check ext4_index_add(struct ext4_directory *directory, const struct ext4_name *name);
int __must_check ext4_index_locate(struct ext4_volume *volume, const struct ext4_node *node,
				   const char *name, u32 length, struct ext4_place *place);
/* Gives a directory of one full block an index. */
int __must_check ext4_index_make(struct ext4_directory *directory);

#endif
