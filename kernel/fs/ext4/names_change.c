/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing directories: entries in a block, and directories without an index.
 *
 * An entry reaches to the next; its name may need less.  A new name goes where an entry has enough
 * to spare, a removed one's room goes to the entry before it.  A directory that fills its first block
 * gets an index, if the volume has them, and never shrinks.
 */
#include "fs/ext4/names_internal.h"
#include "lib/crc32c.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { DOT_SIZE = 12, TYPE_DIRECTORY = 2 };

/* --- Blocks --- */

int ext4_names_open(struct ext4_volume *volume, const struct ext4_node *node, u64 number,
		    struct ext4_block **block)
{
	struct ext4_run run;
	int error = ext4_map(volume, node, number, &run);

	if (!error && run.start == 0)
		error = -EUCLEAN;
	if (!error)
		error = ext4_block_get(volume, run.start, block);
	if (error || ext4_is_checked(*block, EXT4_CHECKED_NAMES))
		return error;
	error = ext4_directory_check(volume, node, number, (*block)->data);
	if (error)
		ext4_block_put(*block);
	else
		ext4_set_checked(*block, EXT4_CHECKED_NAMES);
	return error;
}

int ext4_names_append(struct ext4_directory *directory, u64 *number, struct ext4_block **block)
{
	struct ext4_volume *volume = directory->volume;
	struct ext4_node *node = directory->node;
	u64 place;
	int error;

	*number = node->size >> volume->block_shift;
	error = ext4_space_take(directory->handle, volume, ext4_map_goal(volume, node, *number),
				&place);
	if (error)
		return error;
	error = ext4_map_insert(directory->handle, volume, node, *number, place, 1, false);
	if (error) {
		int freed = ext4_space_free(directory->handle, volume, place, 1, false);

		return freed ? freed : error;
	}
	error = ext4_handle_new(directory->handle, place, block);
	if (error)
		return error;
	ext4_set_checked(*block, EXT4_CHECKED_NAMES);
	node->size += volume->block_size;
	return 0;
}

void ext4_names_seal(struct ext4_directory *directory, struct ext4_block *block)
{
	u32 used = ext4_entries_size(directory->volume);
	struct ext4_disk_entry_tail *tail = (void *)(block->data + used);

	if (!directory->volume->checksums)
		return;
	*tail = (struct ext4_disk_entry_tail){.length = sizeof(*tail), .type = EXT4_TAIL_TYPE};
	tail->checksum = crc32c(directory->node->seed, block->data, used);
}

void ext4_names_clear(struct ext4_directory *directory, struct ext4_block *block, u32 offset)
{
	struct ext4_disk_entry *entry = (void *)(block->data + offset);

	memset(entry, 0, directory->volume->block_size - offset);
	entry->length = (u16)(ext4_entries_size(directory->volume) - offset);
	ext4_names_seal(directory, block);
}

/* --- Entries of a block --- */

static void fill_entry(const struct ext4_volume *volume, struct ext4_disk_entry *entry,
		       const struct ext4_name *name)
{
	entry->ino = name->ino;
	entry->name_length = (u8)name->length;
	entry->type = ext4_has_incompat(volume, EXT4_INCOMPAT_FILETYPE) ? name->type : 0;
	memcpy(entry->name, name->text, name->length);
}

int ext4_names_enter(struct ext4_directory *directory, struct ext4_block *block,
		     const struct ext4_name *name)
{
	const struct ext4_volume *volume = directory->volume;
	u32 size = ext4_entries_size(volume), wanted = ext4_entry_size(name->length);

	for (u32 offset = 0; offset < size;) {
		struct ext4_disk_entry *entry = (void *)(block->data + offset), *rest;
		u32 used;
		int error;

		if (!ext4_entry_at(volume, block->data, offset, size))
			return -EUCLEAN;
		used = entry->ino != 0 ? ext4_entry_size(entry->name_length) : 0;
		offset += entry->length;
		if (entry->length - used < wanted)
			continue;
		error = ext4_handle_change(directory->handle, block);
		if (error)
			return error;
		rest = (void *)((u8 *)entry + used);
		if (used > 0) {
			rest->length = (u16)(entry->length - used);
			entry->length = (u16)used;
		}
		fill_entry(volume, rest, name);
		ext4_names_seal(directory, block);
		return 0;
	}
	return -ENOSPC;
}

int ext4_names_search(const struct ext4_volume *volume, const struct ext4_block *block,
		      const char *name, u32 length, struct ext4_place *place)
{
	u32 size = volume->block_size, before = 0;

	/* A checksum at the end looks like an unused entry. */
	for (u32 offset = 0; offset < size;) {
		const struct ext4_disk_entry *entry =
			ext4_entry_at(volume, block->data, offset, size);

		if (!entry)
			return -EUCLEAN;
		if (entry->ino != 0 && entry->name_length == length &&
		    memcmp(entry->name, name, length) == 0) {
			place->offset = offset;
			place->before = before;
			return 0;
		}
		before = offset;
		offset += entry->length;
	}
	return -ENOENT;
}

/* --- Directories --- */

/* Where a name is: the block is referenced then. */
static int locate(struct ext4_volume *volume, const struct ext4_node *node, const char *name,
		  u32 length, struct ext4_place *place)
{
	bool dots = length <= 2 && memcmp(name, "..", length) == 0;
	u64 blocks = dots ? 1 : node->size >> volume->block_shift;

	if (node->flags & EXT4_INODE_INLINE_DATA)
		return -EROFS;
	if (!dots && ext4_has_index(volume, node)) {
		int error = ext4_index_locate(volume, node, name, length, place);

		if (error != -EAGAIN)
			return error;
	}
	for (place->number = 0; place->number < blocks; place->number++) {
		int error = ext4_names_open(volume, node, place->number, &place->block);

		if (error)
			return error;
		/* In an index's first block only the first two are names. */
		error = ext4_names_search(volume, place->block, name, length, place);
		if (!error)
			return 0;
		ext4_block_put(place->block);
		if (error != -ENOENT)
			return error;
	}
	return -ENOENT;
}

int ext4_names_find(struct ext4_volume *volume, const struct ext4_node *node, const char *name,
		    u32 length, u32 *ino)
{
	struct ext4_place place;
	int error = locate(volume, node, name, length, &place);

	if (error)
		return error;
	*ino = ((const struct ext4_disk_entry *)(place.block->data + place.offset))->ino;
	ext4_block_put(place.block);
	return 0;
}

static void seal_place(struct ext4_directory *directory, const struct ext4_place *place)
{
	if (place->number == 0 && ext4_has_index(directory->volume, directory->node))
		ext4_index_seal(directory, place->block, EXT4_INDEX_INFO + EXT4_INDEX_INFO_SIZE);
	else
		ext4_names_seal(directory, place->block);
}

static int add_linear(struct ext4_directory *directory, const struct ext4_name *name)
{
	struct ext4_volume *volume = directory->volume;
	u64 blocks = directory->node->size >> volume->block_shift, number;
	struct ext4_block *block;
	int error = -ENOSPC;

	for (number = 0; number < blocks && error == -ENOSPC; number++) {
		error = ext4_names_open(volume, directory->node, number, &block);
		if (error)
			return error;
		error = ext4_names_enter(directory, block, name);
		ext4_block_put(block);
	}
	if (error != -ENOSPC)
		return error;
	if (blocks == 1 && volume->compat & EXT4_COMPAT_DIR_INDEX) {
		error = ext4_index_make(directory);
		return error ? error : ext4_index_add(directory, name);
	}
	error = ext4_names_append(directory, &number, &block);
	if (error)
		return error;
	ext4_names_clear(directory, block, 0);
	error = ext4_names_enter(directory, block, name);
	ext4_block_put(block);
	return error;
}

int ext4_directory_add(struct ext4_handle *handle, struct ext4_volume *volume,
		       struct ext4_node *node, const char *text, u32 length, u32 ino, u8 type)
{
	struct ext4_directory directory = {handle, volume, node};
	struct ext4_name name = {text, length, ino, type};

	if (length == 0 || length > EXT4_NAME_MAX)
		return -ENAMETOOLONG;
	if (node->flags & EXT4_INODE_INLINE_DATA)
		return -EROFS;
	return ext4_has_index(volume, node) ? ext4_index_add(&directory, &name)
					    : add_linear(&directory, &name);
}

int ext4_directory_remove(struct ext4_handle *handle, struct ext4_volume *volume,
			  struct ext4_node *node, const char *name, u32 length)
{
	struct ext4_directory directory = {handle, volume, node};
	struct ext4_disk_entry *entry, *before;
	struct ext4_place place;
	int error = locate(volume, node, name, length, &place);

	if (error)
		return error;
	error = ext4_handle_change(handle, place.block);
	if (!error) {
		entry = (void *)(place.block->data + place.offset);
		before = (void *)(place.block->data + place.before);
		if (entry != before)
			before->length = (u16)(before->length + entry->length);
		else
			entry->ino = 0;
		seal_place(&directory, &place);
	}
	ext4_block_put(place.block);
	return error;
}

int ext4_directory_replace(struct ext4_handle *handle, struct ext4_volume *volume,
			   struct ext4_node *node, const char *name, u32 length, u32 ino, u8 type)
{
	struct ext4_directory directory = {handle, volume, node};
	struct ext4_disk_entry *entry;
	struct ext4_place place;
	int error = locate(volume, node, name, length, &place);

	if (error)
		return error;
	error = ext4_handle_change(handle, place.block);
	if (!error) {
		entry = (void *)(place.block->data + place.offset);
		entry->ino = ino;
		if (ext4_has_incompat(volume, EXT4_INCOMPAT_FILETYPE))
			entry->type = type;
		seal_place(&directory, &place);
	}
	ext4_block_put(place.block);
	return error;
}

int ext4_directory_make(struct ext4_handle *handle, struct ext4_volume *volume,
			struct ext4_node *node, u32 parent)
{
	struct ext4_directory directory = {handle, volume, node};
	struct ext4_name dot = {".", 1, node->ino, TYPE_DIRECTORY};
	struct ext4_name dots = {"..", 2, parent, TYPE_DIRECTORY};
	struct ext4_disk_entry *first;
	struct ext4_block *block;
	u64 number;
	int error = ext4_names_append(&directory, &number, &block);

	if (error)
		return error;
	first = (void *)block->data;
	first->length = DOT_SIZE;
	fill_entry(volume, first, &dot);
	first = (void *)(block->data + DOT_SIZE);
	first->length = (u16)(ext4_entries_size(volume) - DOT_SIZE);
	fill_entry(volume, first, &dots);
	ext4_names_seal(&directory, block);
	ext4_block_put(block);
	return 0;
}

/* Stops at the first real name. */
static bool is_dots(void *context, u64 position __unused, const char *name, u32 length,
		    u32 ino __unused, u8 type __unused)
{
	bool *empty = context;

	if (length > 2 || memcmp(name, "..", length) != 0)
		*empty = false;
	return *empty;
}

int ext4_directory_is_empty(const struct ext4_volume *volume, const struct ext4_node *node)
{
	bool empty = true;
	u64 position = 0;
	int error = ext4_directory_list(volume, node, &position, is_dots, &empty);

	return error ? error : empty;
}
