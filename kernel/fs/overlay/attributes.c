/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes of the overlay's files: those of the real ones, which are copied up to be changed.
 */
#include "fs/acl.h"
#include "fs/overlay/overlay_internal.h"

#include "lib/string.h"

/* The caller may, by what the file says, and the mounter may, by what its layer says. */
static int permission(struct inode *inode, unsigned mask)
{
	const struct overlay_node *node = overlay_node(inode);
	struct inode *real = overlay_real_inode(node);
	const struct credentials *before;
	int error;

	/* The node has owner and mode of the real file, and no list of its own. */
	if (real->acl)
		error = acl_permission(real, current_credentials(), mask);
	else
		error = credentials_permission(current_credentials(), inode->uid, inode->gid,
					       inode->mode, mask);
	if (error)
		return error;
	before = overlay_act(overlay_super_of(node));
	/* A lower file is read, to be copied, when somebody writes. */
	if (!overlay_upper(node) && mask & MAY_WRITE)
		mask = (mask & ~(unsigned)MAY_WRITE) | MAY_READ;
	error = inode_permission(real, mask);
	credentials_act(before);
	return error;
}

static int get_status(const struct path *path __unused, struct inode *inode,
		      struct file_status *status)
{
	const struct overlay_node *node = overlay_node(inode);
	dev_t device = status->device;
	ino_t ino = status->ino;
	u32 nlink = status->nlink;
	struct path real = overlay_real_path(node);
	int error = path_status(&real, status);

	if (error)
		return error;
	status->device = device;
	status->ino = ino;
	/* Links of merged directories are not counted, and 1 says so. */
	if (S_ISDIR(inode->mode))
		status->nlink =
			node->lower_count + (overlay_upper(node) ? 1 : 0) > 1 ? 1 : status->nlink;
	else if (nlink == 0)
		status->nlink = 0;
	return 0;
}

/* The change has been checked and completed; inode->lock held for writing. */
static int set_attributes(struct inode *inode, const struct attr_change *change)
{
	struct overlay_node *node = overlay_node(inode);
	struct attr_change real = *change;
	const struct credentials *before;
	int error = overlay_copy_up(node, change->valid & ATTR_SIZE ? change->size : OVERLAY_ALL);

	if (error)
		return error;
	/* Given times are these; others are now. */
	if (real.valid & ATTR_ATIME)
		real.valid |= ATTR_ATIME_SET;
	if (real.valid & ATTR_MTIME)
		real.valid |= ATTR_MTIME_SET;
	real.valid &= ~(u32)(ATTR_TOUCH | ATTR_NEEDS_OWNER | ATTR_KILL_SETID);
	real.valid |= ATTR_FORCE;
	/* A truncation may have taken bits of the mode. */
	if (!(real.valid & ATTR_MODE) && real.valid & ATTR_SIZE &&
	    inode->mode != overlay_real_inode(node)->mode) {
		real.mode = inode->mode;
		real.valid |= ATTR_MODE;
	}
	before = overlay_act(overlay_super_of(node));
	error = inode_change(overlay_real_inode(node), &real);
	credentials_act(before);
	overlay_mirror(node);
	return error;
}

static ssize_t get_xattr(struct inode *inode, const char *name, void *value, size_t size)
{
	const struct overlay_node *node = overlay_node(inode);
	const struct credentials *before;
	ssize_t result;

	if (overlay_is_private(overlay_super_of(node), name))
		return -EOPNOTSUPP;
	before = overlay_act(overlay_super_of(node));
	result = xattr_get(overlay_real_inode(node), name, value, size);
	credentials_act(before);
	return result;
}

static int list_xattrs(struct inode *inode, void (*function)(void *context, const char *name),
		       void *context)
{
	const struct overlay_node *node = overlay_node(inode);
	const struct overlay_super *super = overlay_super_of(node);
	struct inode *real = overlay_real_inode(node);
	const struct credentials *before = overlay_act(super);
	ssize_t size = xattr_list(real, NULL, 0);
	char *list = NULL;

	if (size > 0) {
		list = kmalloc((size_t)size);
		size = list ? xattr_list(real, list, (size_t)size) : -ENOMEM;
	}
	credentials_act(before);
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(list + at) + 1)
		if (!overlay_is_private(super, list + at))
			function(context, list + at);
	kfree(list);
	return size < 0 ? (int)size : 0;
}

static int set_xattr(struct inode *inode, const char *name, const void *value, size_t size,
		     int flags)
{
	struct overlay_node *node = overlay_node(inode);
	const struct overlay_super *super = overlay_super_of(node);
	const struct credentials *before;
	int error = 0;

	if (overlay_is_private(super, name))
		return -EOPNOTSUPP;
	before = overlay_act(super);
	/* What is not there needs no copy to be removed from. */
	if (!value && !overlay_upper(node)) {
		ssize_t there = xattr_get(overlay_real_inode(node), name, NULL, 0);

		error = there < 0 ? (int)there : 0;
	}
	if (!error)
		error = overlay_copy_up(node, OVERLAY_ALL);
	if (!error)
		error = value ? xattr_set(overlay_real_inode(node), name, value, size, flags)
			      : xattr_remove(overlay_real_inode(node), name);
	credentials_act(before);
	/* A list may have changed the mode. */
	overlay_mirror(node);
	return error;
}

static int get_link(struct dentry *dentry __unused, struct inode *inode, struct link_target *target)
{
	const struct overlay_node *node = overlay_node(inode);
	struct dentry *dentry_real = overlay_real(node);
	struct inode *real = dentry_inode(dentry_real);
	const struct credentials *before;
	int error = 0;

	if (real->ops && real->ops->get_link) {
		before = overlay_act(overlay_super_of(node));
		error = real->ops->get_link(dentry_real, real, target);
		credentials_act(before);
	}
	if (!error && !target->text && !target->allocated && !target->jump.dentry)
		target->text = real->link_text;
	return error;
}

#define ATTRIBUTES                                                                            \
	.permission = permission, .get_status = get_status, .status_sleeps = true,            \
	.set_attributes = set_attributes, .get_xattr = get_xattr, .list_xattrs = list_xattrs, \
	.set_xattr = set_xattr

const struct inode_operations overlay_directory_inode_ops = {
	.lookup = overlay_lookup,
	.create = overlay_create,
	.mkdir = overlay_mkdir,
	.symlink = overlay_symlink,
	.link = overlay_link,
	.unlink = overlay_unlink,
	.rmdir = overlay_rmdir,
	.rename = overlay_rename,
	.tmpfile = overlay_tmpfile,
	ATTRIBUTES,
};

const struct inode_operations overlay_file_inode_ops = {.direct = true, ATTRIBUTES};

const struct inode_operations overlay_special_inode_ops = {.get_link = get_link, ATTRIBUTES};
