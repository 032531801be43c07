/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees of mounts that only a file holds, and the attributes of mounts: open_tree(2),
 * mount_setattr(2), and what fsmount(2) returns.
 *
 * Such a tree is in no namespace; its top has `detached` set until it is moved to a place
 * (mount_move_path).  The file is one of O_PATH, whose last close undoes a tree that is still
 * detached.  The change mutex guards all of that.
 */
#include "fs/fs_internal.h"

#define LOCKABLE (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

static void release_tree(struct file *file)
{
	struct mount *mount = file->path.mount;

	mount_change_lock();
	if (mount->detached) {
		mount->detached = false;
		mount_discard_tree(mount);
	}
	mount_change_unlock();
}

static const struct file_operations tree_operations = {.release = release_tree};

struct file *mount_detached_file(struct mount *mount)
{
	const struct path path = {mount, mount->root};
	struct file *file = file_open_path(&path, O_PATH);

	mount_change_lock();
	if (IS_ERR(file)) {
		mount_discard_tree(mount);
	} else {
		mount->detached = true;
		file->ops = &tree_operations;
	}
	mount_change_unlock();
	return file;
}

static bool has_locked_below(const struct mount *mount, struct dentry *root)
{
	const struct mount *child;

	list_for_each_entry (child, &mount->children, sibling)
		if (child->locked && dentry_is_below(child->mountpoint, root))
			return true;
	return false;
}

/* A copy of what is mounted at a place; ERR_PTR.  Change mutex held. */
static struct mount *clone(const struct path *path, bool recursive)
{
	struct mount *mount;

	if (path->mount->unbindable || !mount_is_mine(path->mount) ||
	    (!recursive && has_locked_below(path->mount, path->dentry)))
		return ERR_PTR(-EINVAL);
	mount = recursive ? mount_copy_tree(path->mount, path->dentry, COPY_PEER)
			  : mount_copy(path->mount, path->dentry, COPY_PEER);
	if (!mount)
		return ERR_PTR(-ENOMEM);
	mount->locked = false;
	return mount;
}

struct file *mount_open_tree(const struct path *path, bool copy, bool recursive)
{
	struct mount *mount;

	if (!copy)
		return file_open_path(path, O_PATH);
	mount_change_lock();
	mount = clone(path, recursive);
	mount_change_unlock();
	return IS_ERR(mount) ? ERR_PTR(PTR_ERR(mount)) : mount_detached_file(mount);
}

/* --- Attributes --- */

static u32 changed_flags(const struct mount *mount, const struct mount_attributes *change)
{
	return (mount->flags & ~change->clear) | change->set;
}

static int check_attributes(const struct mount *mount, const struct mount_attributes *change)
{
	u32 flags = changed_flags(mount, change);

	if (mount->locked_flags & LOCKABLE & ~flags)
		return -EPERM;
	return flags & MS_RDONLY && !mount_is_readonly(mount) &&
			       __atomic_load_n(&mount->writers, __ATOMIC_RELAXED) > 0
		       ? -EBUSY
		       : 0;
}

static struct mount *next_of(struct mount *at, struct mount *top, bool recursive)
{
	return recursive ? mount_next_locked(at, top) : NULL;
}

int mount_set_attributes(const struct path *path, const struct mount_attributes *change,
			 bool recursive)
{
	struct mount *top = path->mount, *at;
	int error = 0;

	if (path->dentry != top->root)
		return -EINVAL;
	mount_change_lock();
	if (!(top->parent ? mount_is_mine(top) : top->detached))
		error = -EINVAL;
	for (at = top; at && !error; at = next_of(at, top, recursive))
		error = check_attributes(at, change);
	if (!error) {
		spin_lock(mount_tree_lock());
		for (at = top; at; at = next_of(at, top, recursive))
			WRITE_ONCE(at->flags, changed_flags(at, change));
		spin_unlock(mount_tree_lock());
		for (at = top; at && change->propagation; at = next_of(at, top, recursive))
			mount_change_propagation(at, change->propagation);
	}
	mount_change_unlock();
	return error;
}
