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
static int touch_parent_slot(struct fat_volume *volume, const struct fat_rename *rename,
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
	rename->moved->place = rename->target->place;
	return fat_node_store(volume, rename->moved);
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

/* The old name stays: the new one goes again. */
static int undo(struct fat_volume *volume, const struct fat_rename *rename)
{
	struct fat_entry entry;
	int error;

	if (rename->target)
		return fat_node_store(volume, rename->target);
	error = fat_directory_find(volume, rename->to, rename->to_name, rename->to_length, &entry);
	if (!error)
		error = fat_name_touch(volume, rename->to, &entry);
	if (!error)
		fat_name_remove(volume, rename->to, &entry);
	return error;
}

int fat_rename(struct fat_volume *volume, const struct fat_rename *rename)
{
	u64 old_place = rename->moved->place;
	struct fat_slot *parent = NULL;
	struct fat_entry entry;
	int error = volume->failed ? -EIO
				   : fat_directory_find(volume, rename->from, rename->from_name,
							rename->from_length, &entry);

	if (!error && entry.place != old_place)
		error = fat_fail(volume, "a name is not where it was", entry.place);
	if (error)
		return error;
	/* This may commit; nothing behind it does. */
	error = rename->target ? take_over(volume, rename) : name_anew(volume, rename);
	if (error)
		goto fail;
	error = fat_name_touch(volume, rename->from, &entry);
	if (!error)
		error = touch_parent_slot(volume, rename, &parent);
	if (error) {
		int undone = undo(volume, rename);

		error = undone ? fat_fail(volume, "a file has two names", entry.place) : error;
		goto fail;
	}
	if (parent)
		fat_slot_set_start(volume, parent,
				   rename->to->chain.start == volume->root_cluster
					   ? 0
					   : rename->to->chain.start);
	fat_name_remove(volume, rename->from, &entry);
	if (rename->target)
		rename->target->place = 0;
	return 0;
fail:
	rename->moved->place = old_place;
	return error;
}
