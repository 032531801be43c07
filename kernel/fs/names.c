/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and removing names: mkdir, mknod, symlink, link, unlink, rmdir.
 *
 * Each walks to the directory, locks it for writing, looks the last component up, checks
 * everything, and then lets the file system act; the name cache follows.  A removed name leaves the
 * cache at once, so a dentry never turns negative.
 */
#include "fs/acl.h"
#include "fs/fs_internal.h"
#include "fs/landlock.h"
#include "fs/notify.h"

#include "proc/credentials.h"
#include "proc/task.h"

int may_create(const struct inode *directory)
{
	if (directory->flags & INODE_DEAD)
		return -ENOENT;
	return inode_permission((struct inode *)directory, MAY_WRITE | MAY_EXEC);
}

/* In a sticky directory only the owner of the file or of the directory removes names. */
static bool is_protected_by_sticky(const struct inode *directory, const struct inode *victim)
{
	uid_t me = current_credentials()->fsuid;

	return directory->mode & S_ISVTX && victim->uid != me && directory->uid != me &&
	       !capable_over(victim->uid, victim->gid, CAP_FOWNER);
}

int may_delete(const struct inode *directory, const struct dentry *victim, bool is_directory)
{
	struct inode *inode = dentry_inode(victim);
	int error;

	if (!inode)
		return -ENOENT;
	error = inode_permission((struct inode *)directory, MAY_WRITE | MAY_EXEC);
	if (error)
		return error;
	if (directory->flags & INODE_APPEND_ONLY ||
	    inode->flags & (INODE_APPEND_ONLY | INODE_IMMUTABLE | INODE_SWAPFILE) ||
	    is_protected_by_sticky(directory, inode))
		return -EPERM;
	if (is_directory) {
		if (!S_ISDIR(inode->mode))
			return -ENOTDIR;
		if (victim->flags & DENTRY_ROOT)
			return -EBUSY;
	} else if (S_ISDIR(inode->mode)) {
		return -EISDIR;
	}
	return directory->flags & INODE_DEAD ? -ENOENT : 0;
}

/*
 * Walks to where a name is to be made, locks the directory and looks the name up: *result is then a
 * negative, referenced dentry, and end_create must follow.  `right`: Landlock's for what is made, 0:
 * it is looked at later.
 */
static int begin_create(struct walk *walk, int directory, const char *text, u32 right,
			struct dentry **result)
{
	struct inode *parent;
	struct dentry *dentry;
	int error;

	if (!*text)
		return -ENOENT;
	error = walk_begin(walk, directory, text, 0);
	if (error)
		return error;
	error = walk_to_parent(walk);
	if (!error && walk->last_kind != LAST_NAME)
		error = -EEXIST;
	if (error)
		goto out_walk;
	parent = path_inode(&walk->path);
	rwlock_write_lock(&parent->lock);
	dentry = dentry_lookup_locked(walk->path.dentry, &walk->last);
	if (IS_ERR(dentry)) {
		error = (int)PTR_ERR(dentry);
		goto out_unlock;
	}
	if (dentry_inode(dentry))
		error = -EEXIST;
	else if (walk->must_be_directory && right != LANDLOCK_MAKE_DIR)
		error = -ENOENT;
	else
		error = mount_want_write(walk->path.mount);
	if (!error && right)
		error = landlock_check(&walk->path, right);
	if (!error)
		error = may_create(parent);
	if (!error) {
		*result = dentry;
		return 0;
	}
	dentry_put(dentry);
out_unlock:
	rwlock_write_unlock(&parent->lock);
out_walk:
	walk_end(walk);
	return error;
}

static void end_create(struct walk *walk, struct dentry *dentry)
{
	rwlock_write_unlock(&path_inode(&walk->path)->lock);
	dentry_put(dentry);
	walk_end(walk);
}

int vfs_mkdir(int directory, const char *text, mode_t mode)
{
	struct walk walk;
	struct dentry *dentry;
	struct inode *parent;
	int error = begin_create(&walk, directory, text, LANDLOCK_MAKE_DIR, &dentry);

	if (error)
		return error;
	parent = path_inode(&walk.path);
	mode = S_IFDIR | (acl_umask(parent, mode) & (S_IRWXUGO | S_ISVTX));
	error = parent->ops->mkdir ? parent->ops->mkdir(parent, dentry, mode) : -EPERM;
	if (!error)
		notify_create(parent, dentry);
	end_create(&walk, dentry);
	return error;
}

static int check_node_type(mode_t mode, dev_t device)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFCHR:
		/* The whiteout of overlays is open to all. */
		return device == 0 || capable(CAP_MKNOD) ? 0 : -EPERM;
	case S_IFBLK:
		return capable(CAP_MKNOD) ? 0 : -EPERM;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

int vfs_mknod_path(int directory, const char *text, mode_t mode, dev_t device, struct path *result)
{
	struct walk walk;
	struct dentry *dentry;
	struct inode *parent;
	int error;

	if ((mode & S_IFMT) == 0)
		mode |= S_IFREG;
	if (S_ISDIR(mode) ||
	    !(S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) || S_ISBLK(mode)))
		return check_node_type(mode, device);
	error = begin_create(&walk, directory, text, landlock_making(mode), &dentry);
	if (error)
		return error;
	parent = path_inode(&walk.path);
	error = check_node_type(mode, device);
	if (!error) {
		mode = (mode & S_IFMT) | (acl_umask(parent, mode) & S_IALLUGO);
		error = parent->ops->create ? parent->ops->create(parent, dentry, mode, device)
					    : -EPERM;
	}
	if (!error)
		notify_create(parent, dentry);
	if (!error && result) {
		*result = (struct path){walk.path.mount, dentry};
		path_get(result);
	}
	end_create(&walk, dentry);
	return error;
}

int vfs_mknod(int directory, const char *text, mode_t mode, dev_t device)
{
	return vfs_mknod_path(directory, text, mode, device, NULL);
}

int vfs_symlink(const char *target, int directory, const char *text)
{
	struct walk walk;
	struct dentry *dentry;
	struct inode *parent;
	int error;

	if (!*target)
		return -ENOENT;
	error = begin_create(&walk, directory, text, LANDLOCK_MAKE_SYM, &dentry);
	if (error)
		return error;
	parent = path_inode(&walk.path);
	error = parent->ops->symlink ? parent->ops->symlink(parent, dentry, target) : -EPERM;
	if (!error)
		notify_create(parent, dentry);
	end_create(&walk, dentry);
	return error;
}

/* Landlock's say in a second name.  Whatever has no directory of its own comes from nowhere. */
static int check_link(const struct walk *walk, const struct dentry *dentry, const struct path *from)
{
	if (likely(current_credentials()->landlock == NULL))
		return 0;
	struct path above = {from->mount, dentry_get_parent(from->dentry)};
	const struct landlock_move move = {
		.from = &above, .to = &walk->path, .source = from->dentry, .target = dentry};
	int error = landlock_check_move(&move);

	dentry_put(above.dentry);
	return error;
}

static int link_checked(struct walk *walk, struct dentry *dentry, const struct path *from)
{
	struct inode *parent = path_inode(&walk->path), *inode = path_inode(from);

	if (from->mount != walk->path.mount)
		return -EXDEV;
	if (inode->flags & (INODE_APPEND_ONLY | INODE_IMMUTABLE))
		return -EPERM;
	if (S_ISDIR(inode->mode) || !parent->ops->link)
		return -EPERM;
	if (inode->nlink == 0 && !(inode->flags & INODE_LINKABLE))
		return -ENOENT;
	int error = check_link(walk, dentry, from);

	if (error)
		return error;
	error = parent->ops->link(parent, dentry, inode);

	if (error)
		return error;
	notify_links(inode);
	notify_create(parent, dentry);
	return 0;
}

int vfs_link_path(const struct path *from, int to_directory, const char *to)
{
	struct walk walk;
	struct dentry *dentry;
	int error = begin_create(&walk, to_directory, to, 0, &dentry);

	if (error)
		return error;
	error = link_checked(&walk, dentry, from);
	end_create(&walk, dentry);
	return error;
}

int vfs_link(int from_directory, const char *from, int to_directory, const char *to,
	     u32 lookup_flags)
{
	struct path path;
	int error = path_lookup(from_directory, from, lookup_flags, &path);

	if (error)
		return error;
	error = vfs_link_path(&path, to_directory, to);
	path_put(&path);
	return error;
}

static int unlink_locked(struct walk *walk, struct dentry *dentry)
{
	struct inode *parent = path_inode(&walk->path), *inode = dentry_inode(dentry);
	int error;

	if (!inode)
		return -ENOENT;
	if (walk->must_be_directory)
		return S_ISDIR(inode->mode) ? -EISDIR : -ENOTDIR;
	error = mount_want_write(walk->path.mount);
	if (!error)
		error = landlock_check(&walk->path, LANDLOCK_REMOVE_FILE);
	if (!error)
		error = may_delete(parent, dentry, false);
	if (error)
		return error;
	if (!parent->ops->unlink)
		return -EPERM;
	if (READ_ONCE(dentry->mounts) > 0)
		return -EBUSY;
	error = parent->ops->unlink(parent, dentry);
	if (error)
		return error;
	dentry_drop(dentry);
	notify_unlinked(parent, dentry);
	return 0;
}

static int rmdir_locked(struct walk *walk, struct dentry *dentry)
{
	struct inode *parent = path_inode(&walk->path), *inode = dentry_inode(dentry);
	int error;

	if (!inode)
		return -ENOENT;
	error = mount_want_write(walk->path.mount);
	if (!error)
		error = landlock_check(&walk->path, LANDLOCK_REMOVE_DIR);
	if (!error)
		error = may_delete(parent, dentry, true);
	if (error)
		return error;
	if (!parent->ops->rmdir)
		return -EPERM;
	if (READ_ONCE(dentry->mounts) > 0)
		return -EBUSY;
	rwlock_write_lock_nested(&inode->lock, INODE_NEST_CHILD);
	error = parent->ops->rmdir(parent, dentry);
	if (!error)
		inode->flags |= INODE_DEAD;
	rwlock_write_unlock(&inode->lock);
	if (error)
		return error;
	dentry_drop_tree(dentry);
	notify_unlinked(parent, dentry);
	return 0;
}

static int remove_name(int directory, const char *text, bool is_directory)
{
	struct walk walk;
	struct inode *parent;
	struct dentry *dentry;
	int error;

	if (!*text)
		return -ENOENT;
	error = walk_begin(&walk, directory, text, 0);
	if (error)
		return error;
	error = walk_to_parent(&walk);
	if (error)
		goto out;
	if (walk.last_kind != LAST_NAME) {
		if (!is_directory)
			error = -EISDIR;
		else if (walk.last_kind == LAST_DOT)
			error = -EINVAL;
		else
			error = walk.last_kind == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
		goto out;
	}
	parent = path_inode(&walk.path);
	rwlock_write_lock(&parent->lock);
	dentry = dentry_lookup_locked(walk.path.dentry, &walk.last);
	if (IS_ERR(dentry))
		error = (int)PTR_ERR(dentry);
	else
		error = is_directory ? rmdir_locked(&walk, dentry) : unlink_locked(&walk, dentry);
	rwlock_write_unlock(&parent->lock);
	if (!IS_ERR(dentry))
		dentry_put(dentry);
out:
	walk_end(&walk);
	return error;
}

int vfs_unlink(int directory, const char *text)
{
	return remove_name(directory, text, false);
}

int vfs_rmdir(int directory, const char *text)
{
	return remove_name(directory, text, true);
}
