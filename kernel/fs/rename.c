/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rename(2) and renameat2(2).
 *
 * Two directories are locked ancestor first; a file system's rename_lock keeps the tree's shape
 * while we find out which one that is, and while directories move between parents, so that none can
 * become its own descendant.
 */
#include "fs/fs_internal.h"
#include "fs/landlock.h"
#include "fs/notify.h"

/* The two ends of a rename. */
struct renaming {
	struct walk from, to;
	struct dentry *source, *target; /* referenced once looked up */
	unsigned flags;
	struct notify_rename source_notice, target_notice;
};

/*
 * Locks both directories.  *trap: the child of one directory that is, or is above, the other; it
 * may not be renamed (NULL: none).
 */
static struct dentry *lock_directories(struct dentry *one, struct dentry *other)
{
	struct inode *first = dentry_inode(one), *second = dentry_inode(other);
	struct dentry *trap = NULL;

	if (one == other) {
		rwlock_write_lock(&first->lock);
		return NULL;
	}
	mutex_lock(&one->superblock->rename_lock);
	spin_lock(dentry_move_lock());
	for (struct dentry *at = other; at->parent != at; at = at->parent)
		if (at->parent == one) {
			trap = at;
			break;
		}
	for (struct dentry *at = one; !trap && at->parent != at; at = at->parent)
		if (at->parent == other) {
			trap = at;
			first = dentry_inode(other);
			second = dentry_inode(one);
		}
	spin_unlock(dentry_move_lock());
	if (!trap && first > second) {
		first = dentry_inode(other);
		second = dentry_inode(one);
	}
	rwlock_write_lock(&first->lock);
	rwlock_write_lock_nested(&second->lock, INODE_NEST_DIRECTORY);
	return trap;
}

static void unlock_directories(struct dentry *one, struct dentry *other)
{
	rwlock_write_unlock(&dentry_inode(one)->lock);
	if (one == other)
		return;
	rwlock_write_unlock(&dentry_inode(other)->lock);
	mutex_unlock(&one->superblock->rename_lock);
}

/* Existence, loops and slashes. */
static int check_names(const struct renaming *r, const struct dentry *trap)
{
	const struct inode *source = dentry_inode(r->source), *target = dentry_inode(r->target);

	if (!source)
		return -ENOENT;
	if (r->flags & RENAME_NOREPLACE && target)
		return -EEXIST;
	if (r->flags & RENAME_EXCHANGE) {
		if (!target)
			return -ENOENT;
		if (!S_ISDIR(target->mode) && r->to.must_be_directory)
			return -ENOTDIR;
	}
	if (!S_ISDIR(source->mode)) {
		if (r->from.must_be_directory)
			return -ENOTDIR;
		if (!(r->flags & RENAME_EXCHANGE) && r->to.must_be_directory)
			return -ENOTDIR;
	}
	if (r->source == trap)
		return -EINVAL;
	if (r->target == trap)
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/* Permissions and types. */
static int check_permissions(const struct renaming *r)
{
	struct inode *from = path_inode(&r->from.path), *to = path_inode(&r->to.path);
	struct inode *source = dentry_inode(r->source), *target = dentry_inode(r->target);
	bool is_directory = S_ISDIR(source->mode);
	const struct landlock_move move = {&r->from.path, &r->to.path, r->source,
					   r->target,     true,        r->flags & RENAME_EXCHANGE};
	/* Without a mount it is the kernel that renames, below an overlay. */
	int error = r->from.path.mount ? landlock_check_move(&move) : 0;

	if (!error)
		error = may_delete(from, r->source, is_directory);

	if (error)
		return error;
	if (!target) {
		error = may_create(to);
	} else {
		bool target_is_directory = S_ISDIR(target->mode);

		error = may_delete(to, r->target,
				   r->flags & RENAME_EXCHANGE ? target_is_directory : is_directory);
	}
	if (error)
		return error;
	if (!from->ops->rename)
		return -EPERM;
	if (from != to) {
		/* ".." of a moved directory changes. */
		if (is_directory)
			error = inode_permission(source, MAY_WRITE);
		if (!error && r->flags & RENAME_EXCHANGE && S_ISDIR(target->mode))
			error = inode_permission(target, MAY_WRITE);
	}
	if (!error && (READ_ONCE(r->source->mounts) > 0 || READ_ONCE(r->target->mounts) > 0))
		error = -EBUSY;
	return error;
}

/*
 * Locks what moves and what it replaces (or NULL).  A directory before a file: the file may have
 * another name inside that directory, and whoever renames that one has locked the directory first.
 */
static void lock_ends(struct inode *source, struct inode *target)
{
	struct inode *first = source, *second = target;
	bool source_is_directory = S_ISDIR(source->mode);

	if (target && (source_is_directory == S_ISDIR(target->mode) ? target < source
								    : !source_is_directory)) {
		first = target;
		second = source;
	}
	rwlock_write_lock_nested(&first->lock, INODE_NEST_CHILD);
	if (second)
		rwlock_write_lock_nested(&second->lock, INODE_NEST_TARGET);
}

static int rename_locked(struct renaming *r, const struct dentry *trap)
{
	struct inode *from = path_inode(&r->from.path), *to = path_inode(&r->to.path);
	struct inode *source, *target;
	int error = check_names(r, trap);

	if (error)
		return error;
	source = dentry_inode(r->source);
	target = dentry_inode(r->target);
	if (source == target)
		return 0;
	error = check_permissions(r);
	if (error)
		return error;
	lock_ends(source, target);
	error = from->ops->rename(from, r->source, to, r->target, r->flags);
	if (!error && target && !(r->flags & RENAME_EXCHANGE) && S_ISDIR(target->mode))
		target->flags |= INODE_DEAD;
	if (target)
		rwlock_write_unlock(&target->lock);
	rwlock_write_unlock(&source->lock);
	if (error)
		return error;
	notify_rename_begin(&r->source_notice, from, r->source);
	if (r->flags & RENAME_EXCHANGE) {
		notify_rename_begin(&r->target_notice, to, r->target);
		dentry_exchange(r->source, r->target);
		notify_rename_end(&r->source_notice, to, r->source, NULL);
		notify_rename_end(&r->target_notice, from, r->target, NULL);
	} else {
		if (target && S_ISDIR(target->mode))
			dentry_drop_tree(r->target);
		dentry_move(r->source, r->target);
		notify_rename_end(&r->source_notice, to, r->source, target);
	}
	return 0;
}

static int lookup_ends(struct renaming *r)
{
	r->source = dentry_lookup_locked(r->from.path.dentry, &r->from.last);
	if (IS_ERR(r->source))
		return (int)PTR_ERR(r->source);
	r->target = dentry_lookup_locked(r->to.path.dentry, &r->to.last);
	if (!IS_ERR(r->target))
		return 0;
	dentry_put(r->source);
	return (int)PTR_ERR(r->target);
}

static int rename_in_directories(struct renaming *r)
{
	struct dentry *from = r->from.path.dentry, *to = r->to.path.dentry;
	struct dentry *trap = lock_directories(from, to);
	int error = lookup_ends(r);

	if (!error) {
		error = rename_locked(r, trap);
		unlock_directories(from, to);
		dentry_put(r->source);
		dentry_put(r->target);
	} else {
		unlock_directories(from, to);
	}
	return error;
}

int vfs_rename_in(struct dentry *from, const struct name *from_name, struct dentry *to,
		  const struct name *to_name, unsigned flags)
{
	struct renaming *r = kzalloc(sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->from.path.dentry = from;
	r->from.last = *from_name;
	r->to.path.dentry = to;
	r->to.last = *to_name;
	r->flags = flags;
	error = rename_in_directories(r);
	kfree(r);
	return error;
}

static int rename_walked(struct renaming *r)
{
	int error;

	if (r->from.path.mount != r->to.path.mount)
		return -EXDEV;
	if (r->from.last_kind != LAST_NAME)
		return -EBUSY;
	if (r->to.last_kind != LAST_NAME)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	error = mount_want_write(r->from.path.mount);
	return error ? error : rename_in_directories(r);
}

static int walk_both(struct renaming *r, int from_directory, const char *from, int to_directory,
		     const char *to)
{
	int error = walk_begin(&r->from, from_directory, from, 0);

	if (error)
		return error;
	error = walk_to_parent(&r->from);
	if (!error && !*to)
		error = -ENOENT;
	if (error)
		goto out_from;
	error = walk_begin(&r->to, to_directory, to, 0);
	if (error)
		goto out_from;
	error = walk_to_parent(&r->to);
	if (!error)
		error = rename_walked(r);
	walk_end(&r->to);
out_from:
	walk_end(&r->from);
	return error;
}

int vfs_rename(int from_directory, const char *from, int to_directory, const char *to,
	       unsigned flags)
{
	struct renaming *r;
	int error;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))
		return -EINVAL;
	if (!*from)
		return -ENOENT;
	/* Two walks are too much for a kernel stack. */
	r = kmalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->flags = flags;
	error = walk_both(r, from_directory, from, to_directory, to);
	kfree(r);
	return error;
}
