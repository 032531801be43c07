/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renaming, in one transaction.
 *
 * The new name comes first, since it may find no room.
 */
#include "fs/ext4/operations.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"

/* A directory has another parent. */
static int move_dots(struct ext4_handle *handle, struct ext4_volume *volume,
		     struct ext4_node *moved, const struct ext4_node *parent)
{
	return ext4_directory_replace(handle, volume, moved, "..", 2, parent->ino,
				      ext4_type_of(moved->mode));
}

static int set_entry(struct ext4_handle *handle, struct ext4_volume *volume,
		     const struct ext4_entry *entry, const struct ext4_node *node)
{
	return ext4_directory_replace(handle, volume, entry->directory, entry->name, entry->length,
				      node->ino, ext4_type_of(node->mode));
}

static int exchange(struct ext4_handle *handle, struct ext4_volume *volume,
		    const struct ext4_rename *rename)
{
	struct ext4_node *from = rename->from.directory, *to = rename->to.directory;
	bool there = S_ISDIR(rename->moved->mode), back = S_ISDIR(rename->target->mode);
	int error = 0;

	if (from != to && there && !back)
		error = ext4_links_add(volume, to);
	if (from != to && back && !there)
		error = ext4_links_add(volume, from);
	if (error)
		return error;
	error = set_entry(handle, volume, &rename->to, rename->moved);
	if (!error)
		error = set_entry(handle, volume, &rename->from, rename->target);
	if (from == to || error)
		return error;
	if (there && !back)
		ext4_links_drop(from);
	if (back && !there)
		ext4_links_drop(to);
	if (there)
		error = move_dots(handle, volume, rename->moved, to);
	if (!error && back)
		error = move_dots(handle, volume, rename->target, from);
	return error;
}

/* The old name goes, or a whiteout takes it. */
static int leave(struct ext4_handle *handle, struct ext4_volume *volume,
		 const struct ext4_rename *rename)
{
	const struct ext4_entry *from = &rename->from;
	int error;

	if (!rename->whiteout)
		return ext4_directory_remove(handle, volume, from->directory, from->name,
					     from->length);
	error = set_entry(handle, volume, from, rename->whiteout);
	if (!error)
		error = ext4_orphan_remove(handle, volume, rename->whiteout->ino);
	return error ? error : ext4_node_write(handle, volume, rename->whiteout, false);
}

/* What the new name was has one name less. */
static int end_target(struct ext4_handle *handle, struct ext4_volume *volume,
		      const struct ext4_rename *rename)
{
	struct ext4_node *target = rename->target;

	if (S_ISDIR(target->mode)) {
		target->links = 0;
		ext4_links_drop(rename->to.directory);
	} else if (target->links > 0) {
		target->links--;
	}
	return target->links == 0 ? ext4_orphan_add(handle, volume, target->ino) : 0;
}

static int move(struct ext4_handle *handle, struct ext4_volume *volume,
		const struct ext4_rename *rename)
{
	struct ext4_node *from = rename->from.directory, *to = rename->to.directory;
	bool directory = S_ISDIR(rename->moved->mode) && from != to;
	int error = 0;

	if (directory)
		error = ext4_links_add(volume, to);
	if (error)
		return error;
	error = rename->target
			? set_entry(handle, volume, &rename->to, rename->moved)
			: ext4_directory_add(handle, volume, to, rename->to.name, rename->to.length,
					     rename->moved->ino, ext4_type_of(rename->moved->mode));
	if (error && directory)
		ext4_links_drop(to);
	if (error)
		return error;
	error = leave(handle, volume, rename);
	if (!error && directory) {
		ext4_links_drop(from);
		error = move_dots(handle, volume, rename->moved, to);
	}
	if (!error && rename->target)
		error = end_target(handle, volume, rename);
	return error;
}

static int write_nodes(struct ext4_handle *handle, struct ext4_volume *volume,
		       const struct ext4_rename *rename)
{
	int error = ext4_node_write(handle, volume, rename->from.directory, false);

	if (!error && rename->to.directory != rename->from.directory)
		error = ext4_node_write(handle, volume, rename->to.directory, false);
	if (!error)
		error = ext4_node_write(handle, volume, rename->moved, false);
	if (!error && rename->target)
		error = ext4_node_write(handle, volume, rename->target, false);
	return error;
}

int ext4_rename(struct ext4_volume *volume, const struct ext4_rename *rename)
{
	struct ext4_handle *handle;
	int error, written;

	if (!rename->exchange && rename->target && S_ISDIR(rename->target->mode)) {
		int empty = ext4_directory_is_empty(volume, rename->target);

		if (empty <= 0)
			return empty ? empty : -ENOTEMPTY;
	}
	error = ext4_transaction_start(volume, 2 * EXT4_CREDITS_NAME + 6 * EXT4_CREDITS_NODE,
				       &handle);
	if (error)
		return error;
	error = rename->exchange ? exchange(handle, volume, rename) : move(handle, volume, rename);
	written = write_nodes(handle, volume, rename);
	return ext4_operation_end(handle, error ? error : written);
}
