/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, linking and removing files.
 *
 * What may find no room comes first and is undone if it does not; anything else that goes wrong,
 * with things half done, is a reason to abort the volume.
 */
#include "fs/ext4/operations.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { OLD_DEVICE_MAX = 256, TYPE_SHIFT = 12, TYPE_SLOTS = 16 };

u8 ext4_type_of(u32 mode)
{
	static const u8 types[TYPE_SLOTS] = {
		[S_IFREG >> TYPE_SHIFT] = 1, [S_IFDIR >> TYPE_SHIFT] = 2,
		[S_IFCHR >> TYPE_SHIFT] = 3, [S_IFBLK >> TYPE_SHIFT] = 4,
		[S_IFIFO >> TYPE_SHIFT] = 5, [S_IFSOCK >> TYPE_SHIFT] = 6,
		[S_IFLNK >> TYPE_SHIFT] = 7};

	return types[mode >> TYPE_SHIFT & (TYPE_SLOTS - 1)];
}

int ext4_links_add(const struct ext4_volume *volume, struct ext4_node *directory)
{
	bool uncounted =
		volume->ro_compat & EXT4_RO_COMPAT_DIR_NLINK && directory->flags & EXT4_INODE_INDEX;

	if (directory->links == 1)
		return 0;
	if (directory->links + 1 >= EXT4_LINKS_MAX && !uncounted)
		return -EMLINK;
	directory->links = directory->links + 1 >= EXT4_LINKS_MAX ? 1 : directory->links + 1;
	return 0;
}

void ext4_links_drop(struct ext4_node *directory)
{
	if (directory->links > 2)
		directory->links--;
}

/* Is it an error that a caller may meet on a sound volume? */
static bool is_ordinary(int error)
{
	return error == -ENOSPC || error == -EMLINK || error == -EEXIST || error == -ENOENT ||
	       error == -ENODATA || error == -ENAMETOOLONG || error == -ERANGE ||
	       error == -EOPNOTSUPP || error == -EFBIG || error == -EINVAL;
}

int ext4_operation_end(struct ext4_handle *handle, int error)
{
	int stopped;

	if (error && !is_ordinary(error))
		ext4_transaction_abort(ext4_handle_volume(handle), error,
				       "an operation failed half way");
	stopped = ext4_transaction_stop(handle);
	return error ? error : stopped;
}

int ext4_node_store(struct ext4_volume *volume, const struct ext4_node *node)
{
	struct ext4_handle *handle;
	int error = ext4_transaction_start(volume, EXT4_CREDITS_NODE, &handle);

	if (error)
		return error;
	return ext4_operation_end(handle, ext4_node_write(handle, volume, node, false));
}

/* --- Making --- */

static void set_device(struct ext4_node *node, const struct ext4_fresh *fresh)
{
	u32 numbers[2] = {0};

	if (fresh->major < OLD_DEVICE_MAX && fresh->minor < OLD_DEVICE_MAX)
		numbers[0] = fresh->major << 8 | fresh->minor;
	else
		numbers[1] =
			(fresh->minor & 0xff) | fresh->major << 8 | (fresh->minor & ~0xffu) << 12;
	memcpy(node->body, numbers, sizeof(numbers));
	node->major = fresh->major;
	node->minor = fresh->minor;
}

/* A link's text: in the inode, or in a block. */
static int set_text(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		    const char *text)
{
	size_t length = strlen(text);
	struct ext4_block *block;
	u64 number;
	int error;

	node->size = length;
	if (length < EXT4_INLINE_BYTES) {
		node->flags &= ~(u32)EXT4_INODE_EXTENTS;
		memset(node->body, 0, sizeof(node->body));
		memcpy(node->body, text, length);
		return 0;
	}
	if (length >= volume->block_size)
		return -ENAMETOOLONG;
	error = ext4_space_take(handle, volume, ext4_node_goal(volume, node->ino), &number);
	if (!error)
		error = ext4_map_insert(handle, volume, node, 0, number, 1, false);
	if (!error)
		error = ext4_handle_new(handle, number, &block);
	if (error)
		return error;
	memcpy(block->data, text, length);
	ext4_block_put(block);
	return 0;
}

static void set_times(struct ext4_node *node, const struct ext4_fresh *fresh)
{
	node->atime = node->mtime = node->ctime = node->btime = fresh->seconds;
	node->atime_ns = node->mtime_ns = node->ctime_ns = node->btime_ns = fresh->nanoseconds;
}

static int set_lists(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node,
		     const struct ext4_fresh *fresh)
{
	int error = 0;

	if (fresh->acl)
		error = ext4_xattr_set(handle, volume, node, "system.posix_acl_access", fresh->acl,
				       fresh->acl_size, 0);
	if (!error && fresh->default_acl)
		error = ext4_xattr_set(handle, volume, node, "system.posix_acl_default",
				       fresh->default_acl, fresh->default_acl_size, 0);
	return error;
}

/* What the inode holds, and its name. */
static int fill_in(struct ext4_handle *handle, struct ext4_volume *volume,
		   const struct ext4_fresh *fresh, struct ext4_node *node)
{
	const struct ext4_entry *entry = fresh->entry;
	int error = ext4_node_write(handle, volume, node, true);

	if (!error)
		error = set_lists(handle, volume, node, fresh);
	if (!error && S_ISDIR(node->mode))
		error = ext4_directory_make(handle, volume, node, fresh->parent->ino);
	else if (!error && S_ISLNK(node->mode))
		error = set_text(handle, volume, node, fresh->text);
	else if (!error && (S_ISCHR(node->mode) || S_ISBLK(node->mode)))
		set_device(node, fresh);
	if (!error && S_ISDIR(node->mode) && entry)
		error = ext4_links_add(volume, entry->directory);
	if (error || !entry)
		return error;
	error = ext4_directory_add(handle, volume, entry->directory, entry->name, entry->length,
				   node->ino, ext4_type_of(node->mode));
	if (error && S_ISDIR(node->mode))
		ext4_links_drop(entry->directory);
	return error;
}

/* There was no room for all of it. */
static int undo(struct ext4_handle *handle, struct ext4_volume *volume, struct ext4_node *node)
{
	bool done = true;
	int error = 0;

	if ((S_ISDIR(node->mode) || S_ISLNK(node->mode)) && node->sectors > 0 &&
	    (S_ISDIR(node->mode) || node->size >= EXT4_INLINE_BYTES))
		error = ext4_map_remove(handle, volume, node, 0, UINT64_MAX, &done);
	if (!error)
		error = ext4_xattr_drop(handle, volume, node);
	node->links = 0;
	node->size = 0;
	if (!error)
		error = ext4_node_write(handle, volume, node, false);
	if (!error)
		error = ext4_number_free(handle, volume, node->ino, S_ISDIR(node->mode));
	return error;
}

int ext4_create(struct ext4_volume *volume, const struct ext4_fresh *fresh, struct ext4_node *node)
{
	const struct ext4_entry *entry = fresh->entry;
	struct ext4_handle *handle;
	u32 ino;
	int error = ext4_transaction_start(volume, 2 * EXT4_CREDITS_NAME + 3 * EXT4_CREDITS_NODE,
					   &handle);

	if (error)
		return error;
	error = ext4_number_take(handle, volume, fresh->parent, S_ISDIR(fresh->mode), &ino);
	if (error)
		return ext4_operation_end(handle, error);
	ext4_node_init(volume, node, fresh->parent, ino, fresh->mode);
	node->uid = fresh->uid;
	node->gid = fresh->gid;
	set_times(node, fresh);
	if (!entry)
		node->links = 0;
	error = fill_in(handle, volume, fresh, node);
	if (!error) {
		error = ext4_node_write(handle, volume, node, false);
		if (!error && !entry)
			error = ext4_orphan_add(handle, volume, ino);
	} else {
		int undone = undo(handle, volume, node);

		error = undone ? undone : error;
	}
	if (entry) {
		int written = ext4_node_write(handle, volume, entry->directory, false);

		error = error ? error : written;
	}
	return ext4_operation_end(handle, error);
}

/* --- Names --- */

int ext4_link(struct ext4_volume *volume, const struct ext4_entry *entry, struct ext4_node *node)
{
	struct ext4_handle *handle;
	int error, written;

	if (node->links >= EXT4_LINKS_MAX)
		return -EMLINK;
	error = ext4_transaction_start(volume, EXT4_CREDITS_NAME + 3 * EXT4_CREDITS_NODE, &handle);
	if (error)
		return error;
	error = ext4_directory_add(handle, volume, entry->directory, entry->name, entry->length,
				   node->ino, ext4_type_of(node->mode));
	written = ext4_node_write(handle, volume, entry->directory, false);
	if (written)
		error = written;
	if (!error && node->links++ == 0)
		error = ext4_orphan_remove(handle, volume, node->ino);
	if (!error)
		error = ext4_node_write(handle, volume, node, false);
	return ext4_operation_end(handle, error);
}

int ext4_unlink(struct ext4_volume *volume, const struct ext4_entry *entry, struct ext4_node *node)
{
	struct ext4_handle *handle;
	int error =
		ext4_transaction_start(volume, EXT4_CREDITS_NAME + 3 * EXT4_CREDITS_NODE, &handle);

	if (error)
		return error;
	error = ext4_directory_remove(handle, volume, entry->directory, entry->name, entry->length);
	if (!error)
		error = ext4_node_write(handle, volume, entry->directory, false);
	if (!error) {
		if (node->links > 0)
			node->links--;
		if (node->links == 0)
			error = ext4_orphan_add(handle, volume, node->ino);
	}
	if (!error)
		error = ext4_node_write(handle, volume, node, false);
	return ext4_operation_end(handle, error);
}

int ext4_rmdir(struct ext4_volume *volume, const struct ext4_entry *entry, struct ext4_node *node)
{
	struct ext4_handle *handle;
	int empty = ext4_directory_is_empty(volume, node), error;

	if (empty <= 0)
		return empty ? empty : -ENOTEMPTY;
	error = ext4_transaction_start(volume, EXT4_CREDITS_NAME + 3 * EXT4_CREDITS_NODE, &handle);
	if (error)
		return error;
	error = ext4_directory_remove(handle, volume, entry->directory, entry->name, entry->length);
	if (!error) {
		ext4_links_drop(entry->directory);
		error = ext4_node_write(handle, volume, entry->directory, false);
	}
	if (!error) {
		node->links = 0;
		error = ext4_orphan_add(handle, volume, node->ino);
	}
	if (!error)
		error = ext4_node_write(handle, volume, node, false);
	return ext4_operation_end(handle, error);
}
