/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Indexed directories: block 0 has a table of hashes and blocks, which are leaves with names, or,
 * up to three levels deep, more tables.
 *
 *	root:	"."  ".."  info  [limit, count | block] [hash | block] …
 *	node:	unused entry     [limit, count | block] [hash | block] …
 *
 * An entry's block has the names with hashes from its own up to the next entry's.  A hash with its
 * lowest bit set says that names with that hash are also in the block before.  A look-up therefore
 * goes to the last entry that is not behind the wanted hash, and on to those that continue it.
 */
#include "fs/ext4/volume.h"
#include "lib/errno.h"

enum { LEVELS = 2, LEVELS_LARGE = 3 };

struct search {
	const struct ext4_volume *volume;
	const struct ext4_node *node;
	const char *name;
	u32 length;
	u32 hash;
	u64 budget; /* blocks that may still be looked at: no more than the directory has */
	u32 *ino;
};

/* A table, if it lies within its block; NULL: it makes no sense. */
static const struct ext4_disk_index_entry *table_at(const struct search *search, const u8 *bytes,
						    u32 offset)
{
	const struct ext4_disk_index_entry *table = (const void *)(bytes + offset);

	if (table->count == 0 || table->count > table->limit ||
	    table->limit > (search->volume->block_size - offset) / sizeof(*table))
		return NULL;
	return table;
}

static int search_block(struct search *search, u64 block, u32 level);

/* Below a table `level` levels above the leaves. */
static int search_table(struct search *search, const struct ext4_disk_index_entry *table, u32 level)
{
	u32 low = 1, high = table->count;

	/* The last entry whose hash is not behind the wanted one; the first one has none. */
	while (low < high) {
		u32 middle = (low + high) / 2;

		if (table[middle].hash <= search->hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (u32 i = low - 1; i < table->count; i++) {
		int error;

		if (i >= low && table[i].hash != (search->hash | 1))
			break;
		error = search_block(search, table[i].block, level);
		if (error != -ENOENT)
			return error;
	}
	return -ENOENT;
}

/* A leaf (level 0) or a table. */
static int search_block(struct search *search, u64 block, u32 level)
{
	const struct ext4_volume *volume = search->volume;
	const struct ext4_disk_index_entry *table;
	u8 *buffer;
	int error;

	if (search->budget-- == 0)
		return -EAGAIN;
	buffer = volume->ops->allocate(volume->block_size);
	if (!buffer)
		return -ENOMEM;
	error = ext4_directory_block(volume, search->node, block, buffer);
	if (!error && level == 0) {
		error = ext4_entries_find(volume, buffer, volume->block_size, search->name,
					  search->length, search->ino);
	} else if (!error) {
		table = table_at(search, buffer, EXT4_ENTRY_HEADER);
		error = table ? search_table(search, table, level - 1) : -EAGAIN;
	}
	volume->ops->release(buffer);
	return error;
}

static int search_root(struct search *search, const u8 *bytes)
{
	const struct ext4_volume *volume = search->volume;
	const struct ext4_disk_index_info *info = (const void *)(bytes + EXT4_INDEX_INFO);
	const struct ext4_disk_index_entry *table =
		table_at(search, bytes, EXT4_INDEX_INFO + EXT4_INDEX_INFO_SIZE);
	u32 levels = ext4_has_incompat(volume, EXT4_INCOMPAT_LARGE_DIR) ? LEVELS_LARGE : LEVELS;

	if (info->reserved != 0 || info->info_length != EXT4_INDEX_INFO_SIZE ||
	    info->levels >= levels || !table ||
	    !ext4_hash(volume, info->hash_version, search->name, search->length, &search->hash))
		return -EAGAIN;
	return search_table(search, table, info->levels);
}

int ext4_index_find(const struct ext4_volume *volume, const struct ext4_node *node,
		    const char *name, u32 length, u32 *ino)
{
	struct search search = {
		.volume = volume,
		.node = node,
		.name = name,
		.length = length,
		.budget = node->size >> volume->block_shift,
		.ino = ino,
	};
	u8 *buffer = volume->ops->allocate(volume->block_size);
	int error;

	if (!buffer)
		return -ENOMEM;
	error = ext4_directory_block(volume, node, 0, buffer);
	if (!error)
		error = search_root(&search, buffer);
	volume->ops->release(buffer);
	return error;
}
