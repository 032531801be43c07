/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renaming: the new name is there before the old one goes.
 *
 * A name that is taken over keeps its slots; its short name's, which leads to the file, changes at
 * once from one file to the other.
 */
#include "fs/fat/fat_parts.h"
#include "lib/errno.h"
#include "lib/string.h"

/* The ".." of a directory that moves: its slot, in a dirty sector; NULL: it has none to change. */
static int find_parent_slot(struct fat_volume *volume, const struct fat_rename *rename,
			    struct fat_slot **result)
{
	struct fat_sector *sector;
	u32 offset;
	int error;

	*result = NULL;
	if (!(rename->moved->attributes & FAT_DIRECTORY) || rename->from == rename->to)
		return 0;
	error = fat_slot_get(volume, rename->moved, FAT_SLOT, &sector, &offset);
	if (error)
		return error == -ENOENT ? 0 : error;
	if (sector->data[offset] != '.' || sector->data[offset + 1] != '.')
		return fat_fail(volume, "a directory has no parent", rename->moved->place);
	error = fat_sector_touch(volume, sector);
	if (!error)
		*result = (struct fat_slot *)(sector->data + offset);
	return error;
}

/* The target's name leads to the file that moves. */
static int take_over(struct fat_volume *volume, const struct fat_rename *rename)
{
	u64 place = rename->moved->place;
	int error;

	rename->moved->place = rename->target->place;
	error = fat_node_store(volume, rename->moved);
	if (error)
		rename->moved->place = place;
	else
		rename->target->place = 0;
	return error;
}

static int name_anew(struct fat_volume *volume, const struct fat_rename *rename)
{
	struct fat_slot slot = {0};

	fat_node_fill(volume, rename->moved, &slot);
	if (!(rename->moved->attributes & FAT_DIRECTORY) && rename->moved->size == 0)
		fat_slot_set_start(volume, &slot, 0);
	return fat_name_add(volume, rename->to, rename->to_name, rename->to_length, &slot,
			    &rename->moved->place);
}

int fat_rename(struct fat_volume *volume, const struct fat_rename *rename)
{
	struct fat_slot *parent;
	struct fat_entry entry;
	int error = volume->failed ? -EIO
				   : fat_directory_find(volume, rename->from, rename->from_name,
							rename->from_length, &entry);

	if (!error && entry.place != rename->moved->place)
		error = fat_fail(volume, "a name is not where it was", entry.place);
	if (!error)
		error = fat_name_touch(volume, rename->from, &entry);
	if (!error)
		error = find_parent_slot(volume, rename, &parent);
	if (!error)
		error = rename->target ? take_over(volume, rename) : name_anew(volume, rename);
	if (error)
		return error;
	if (parent)
		fat_slot_set_start(volume, parent,
				   rename->to->chain.start == volume->root_cluster
					   ? 0
					   : rename->to->chain.start);
	fat_name_remove(volume, rename->from, &entry);
	return 0;
}
