/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying up: a lower file gets an upper one like it, before it is changed.
 *
 * The copy is made in the work directory, with data, attributes, owner, mode and times, and renamed to
 * its place when it is complete and on the disk.  The directories above it come first, from the top
 * down.  A file that was unlinked while somebody had it open gets a copy without a name.
 *
 * Whoever takes a node's name away holds its copy_lock meanwhile, so that no copy comes back under a
 * name that has gone.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/string.h"

enum { COPY_CHUNK = 64 * KIB, XATTR_LIST_CHUNK = 64 * KIB };

/* --- Data --- */

/* Copies a stretch that is data. */
static int copy_stretch(struct file *from, struct file *to, u8 *buffer, off_t at, off_t end)
{
	while (at < end) {
		ssize_t got = file_read_kernel(from, buffer,
					       (size_t)MIN(end - at, (off_t)COPY_CHUNK), at);
		ssize_t put;

		if (got <= 0)
			return got < 0 ? (int)got : -EIO;
		put = file_write_kernel(to, buffer, (size_t)got, at);
		if (put <= 0)
			return put < 0 ? (int)put : -EIO;
		at += put;
	}
	return 0;
}

/* Where data or a hole begins.  The file is nobody else's. */
static off_t find(struct file *file, off_t at, int whence)
{
	return file->ops->seek ? file->ops->seek(file, at, whence) : -EINVAL;
}

/* Holes stay holes. */
static int copy_stretches(struct file *from, struct file *to, u8 *buffer, off_t size)
{
	off_t at = 0;

	while (at < size) {
		off_t end, data = find(from, at, SEEK_DATA);
		int error;

		if (data == -ENXIO)
			return 0;
		if (data < 0)
			data = at;
		end = find(from, data, SEEK_HOLE);
		if (end <= data || end > size)
			end = size;
		if (data >= end)
			return 0;
		error = copy_stretch(from, to, buffer, data, end);
		if (error)
			return error;
		at = end;
	}
	return 0;
}

static int copy_data(struct overlay_node *node, struct dentry *copy, off_t size)
{
	const struct overlay_super *super = overlay_super_of(node);
	struct path from_path = overlay_real_path(node), to_path = {super->upper.path.mount, copy};
	struct file *from, *to;
	u8 *buffer;
	int error;

	if (size == 0)
		return 0;
	buffer = kmalloc(COPY_CHUNK);
	if (!buffer)
		return -ENOMEM;
	from = overlay_open_real(&from_path, from_path.dentry, O_RDONLY);
	if (IS_ERR(from)) {
		error = (int)PTR_ERR(from);
		goto out_buffer;
	}
	to = overlay_open_real(&to_path, copy, O_WRONLY);
	if (IS_ERR(to)) {
		error = (int)PTR_ERR(to);
		goto out_from;
	}
	error = copy_stretches(from, to, buffer, size);
	if (!error && inode_size(to->inode) != size)
		error = inode_truncate(to->inode, size);
	if (!error && to->ops->fsync)
		error = to->ops->fsync(to, 0, INT64_MAX, false);
	file_put(to);
out_from:
	file_put(from);
out_buffer:
	kfree(buffer);
	return error;
}

/* --- Attributes --- */

/* Must the copy have it, or is it no copy? */
static bool must_copy(const char *name)
{
	return strncmp(name, "security.", 9) == 0;
}

static int copy_xattr(struct inode *from, struct inode *to, const char *name)
{
	ssize_t size = xattr_get(from, name, NULL, 0);
	void *value;
	int error;

	if (size < 0)
		return (int)size;
	value = kmalloc((size_t)size + 1);
	if (!value)
		return -ENOMEM;
	size = xattr_get(from, name, value, (size_t)size + 1);
	error = size < 0 ? (int)size : xattr_set(to, name, value, (size_t)size, 0);
	kfree(value);
	return error == -EOPNOTSUPP && !must_copy(name) ? 0 : error;
}

static int copy_xattrs(const struct overlay_super *super, struct inode *from, struct inode *to)
{
	char *list;
	ssize_t size;
	int error = 0;

	if (!from->superblock->has_xattrs)
		return 0;
	size = xattr_list(from, NULL, 0);
	if (size <= 0)
		return (int)size;
	list = kmalloc(XATTR_LIST_CHUNK);
	if (!list)
		return -ENOMEM;
	size = xattr_list(from, list, XATTR_LIST_CHUNK);
	if (size < 0)
		error = (int)size;
	for (ssize_t at = 0; at < size && !error; at += (ssize_t)strlen(list + at) + 1)
		if (!overlay_is_private(super, list + at))
			error = copy_xattr(from, to, list + at);
	kfree(list);
	return error;
}

static int copy_attributes(struct inode *to, const struct file_status *status)
{
	struct attr_change change = {
		.valid = ATTR_UID | ATTR_GID | ATTR_MODE | ATTR_ATIME | ATTR_ATIME_SET |
			 ATTR_MTIME | ATTR_MTIME_SET | ATTR_FORCE,
		.mode = status->mode & S_IALLUGO,
		.uid = status->uid,
		.gid = status->gid,
		.atime = status->atime,
		.mtime = status->mtime,
	};

	if (S_ISLNK(status->mode))
		change.valid &= ~(u32)ATTR_MODE;
	return inode_change(to, &change);
}

/* The times that a directory had before a name was put into it, as far as that can be. */
static void restore_times(struct inode *directory, const struct file_status *status)
{
	struct attr_change change = {
		.valid = ATTR_ATIME | ATTR_ATIME_SET | ATTR_MTIME | ATTR_MTIME_SET | ATTR_FORCE,
		.atime = status->atime,
		.mtime = status->mtime,
	};
	int error = inode_change(directory, &change);

	(void)error;
}

/* --- One file --- */

static int make_copy(struct overlay_super *super, const struct path *lower,
		     const struct file_status *status, struct dentry **copy)
{
	struct overlay_making what = {.mode = status->mode & S_IFMT, .device = status->rdev};
	char *target = NULL;
	int error;

	if (S_ISLNK(status->mode)) {
		ssize_t length;

		target = kzalloc(PATH_MAX);
		if (!target)
			return -ENOMEM;
		length = path_readlink(lower, target, PATH_MAX - 1);
		if (length < 0) {
			kfree(target);
			return (int)length;
		}
		what.target = target;
	} else {
		/* Nobody else until it has its owner. */
		what.mode |= S_IRUSR | S_IWUSR;
	}
	error = overlay_make_temporary(super, &what, copy);
	kfree(target);
	return error;
}

static int fill_copy(struct overlay_node *node, struct dentry *copy,
		     const struct file_status *status, off_t size)
{
	const struct overlay_super *super = overlay_super_of(node);
	struct inode *lower = dentry_inode(node->lowers[0].dentry), *upper = dentry_inode(copy);
	int error = 0;

	if (S_ISREG(status->mode))
		error = copy_data(node, copy,
				  size == OVERLAY_ALL ? (off_t)status->size
						      : MIN(size, (off_t)status->size));
	if (!error)
		error = copy_xattrs(super, lower, upper);
	if (!error)
		error = overlay_set_origin(super, upper, lower);
	return error ? error : copy_attributes(upper, status);
}

static int put_in_place(struct overlay_node *node, struct dentry *copy)
{
	struct overlay_super *super = overlay_super_of(node);
	struct dentry *parent = overlay_upper(node->parent);
	struct path path = {super->upper.path.mount, parent};
	struct name name = name_of(node->name, node->name_length);
	struct file_status status;
	int error = path_status(&path, &status);

	if (!error)
		error = overlay_set_impure(node->parent);
	if (!error)
		error = overlay_install(super, copy, parent, &name, 0);
	if (!error)
		restore_times(dentry_inode(parent), &status);
	return error;
}

/* copy_lock held; its directory is there, or it needs none. */
static int copy_up_locked(struct overlay_node *node, off_t size)
{
	struct overlay_super *super = overlay_super_of(node);
	struct path lower = overlay_real_path(node);
	struct file_status status;
	struct dentry *copy;
	int error = path_status(&lower, &status);

	if (!error)
		error = make_copy(super, &lower, &status, &copy);
	if (error)
		return error;
	error = fill_copy(node, copy, &status, size);
	if (!error && !node->gone)
		error = put_in_place(node, copy);
	if (error || node->gone)
		overlay_remove_temporary(super, copy);
	if (error) {
		dentry_put(copy);
		return error;
	}
	overlay_node_rise(node, copy);
	return 0;
}

/* The first that has to be copied on the way from the root to the node. */
static struct overlay_node *uppermost_missing(struct overlay_node *node)
{
	while (!READ_ONCE(node->gone) && !overlay_upper(node->parent))
		node = node->parent;
	return node;
}

int overlay_copy_up(struct overlay_node *node, off_t size)
{
	struct overlay_super *super = overlay_super_of(node);
	const struct credentials *before;
	int error = 0;

	if (overlay_upper(node))
		return 0;
	if (!super->upper.path.dentry)
		return -EROFS;
	before = overlay_act(super);
	while (!error && !overlay_upper(node)) {
		struct overlay_node *at = uppermost_missing(node);

		mutex_lock(&at->copy_lock);
		if (!overlay_upper(at) && (at->gone || overlay_upper(at->parent)))
			error = copy_up_locked(at, at == node ? size : OVERLAY_ALL);
		mutex_unlock(&at->copy_lock);
	}
	credentials_act(before);
	return error;
}
