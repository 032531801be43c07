/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names in the layers: looked up, made, removed and moved as a program would, but by dentry.
 *
 * Each takes the directory's lock of the layer's file system, and none keeps it.
 */
#include "fs/overlay/overlay_internal.h"

#include "fs/notify.h"
#include "lib/format.h"
#include "lib/string.h"

bool overlay_is_whiteout(const struct inode *inode)
{
	return inode && S_ISCHR(inode->mode) && inode->rdev == 0;
}

int overlay_look(struct dentry *directory, const struct name *name, struct dentry **result)
{
	struct inode *inode = dentry_inode(directory);
	int error = inode_permission(inode, MAY_EXEC);
	struct dentry *dentry;

	if (error)
		return error;
	dentry = dentry_find(directory, name);
	if (dentry && dentry->ops && dentry->ops->revalidate && !dentry->ops->revalidate(dentry)) {
		dentry_drop_tree(dentry);
		dentry_put(dentry);
		dentry = NULL;
	}
	if (!dentry) {
		rwlock_write_lock(&inode->lock);
		dentry = dentry_lookup_locked(directory, name);
		rwlock_write_unlock(&inode->lock);
	}
	if (IS_ERR(dentry))
		return (int)PTR_ERR(dentry);
	*result = dentry;
	return 0;
}

static int make_locked(struct inode *parent, struct dentry *dentry,
		       const struct overlay_making *what)
{
	const struct inode_operations *ops = parent->ops;
	int error = dentry_inode(dentry) ? -EEXIST : may_create(parent);

	if (error)
		return error;
	if (what->link)
		return ops->link ? ops->link(parent, dentry, what->link) : -EPERM;
	switch (what->mode & S_IFMT) {
	case S_IFDIR:
		return ops->mkdir ? ops->mkdir(parent, dentry, what->mode) : -EPERM;
	case S_IFLNK:
		return ops->symlink ? ops->symlink(parent, dentry, what->target) : -EPERM;
	default:
		return ops->create ? ops->create(parent, dentry, what->mode, what->device) : -EPERM;
	}
}

int overlay_make(struct dentry *directory, const struct name *name,
		 const struct overlay_making *what, struct dentry **result)
{
	struct inode *parent = dentry_inode(directory);
	struct dentry *dentry;
	int error;

	rwlock_write_lock(&parent->lock);
	dentry = dentry_lookup_locked(directory, name);
	if (IS_ERR(dentry)) {
		error = (int)PTR_ERR(dentry);
	} else {
		error = make_locked(parent, dentry, what);
		if (!error)
			notify_create(parent, dentry);
	}
	rwlock_write_unlock(&parent->lock);
	if (!error)
		*result = dentry;
	else if (!IS_ERR(dentry))
		dentry_put(dentry);
	return error;
}

int overlay_make_temporary(struct overlay_super *super, const struct overlay_making *what,
			   struct dentry **result)
{
	alignas(u64) char text[16] = {0};
	struct name name;
	int error;

	do {
		u32 number = __atomic_add_fetch(&super->last_name, 1, __ATOMIC_RELAXED);

		memset(text, 0, sizeof(text));
		name = name_of(text, ksnprintf(text, sizeof(text), "#%x", number));
		error = overlay_make(super->work.dentry, &name, what, result);
	} while (error == -EEXIST);
	return error;
}

static int remove_locked(struct inode *parent, struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);
	bool is_directory = inode && S_ISDIR(inode->mode);
	int error = may_delete(parent, dentry, is_directory);

	if (error)
		return error;
	if (READ_ONCE(dentry->mounts) > 0)
		return -EBUSY;
	if (!is_directory)
		return parent->ops->unlink ? parent->ops->unlink(parent, dentry) : -EPERM;
	if (!parent->ops->rmdir)
		return -EPERM;
	rwlock_write_lock_nested(&inode->lock, INODE_NEST_CHILD);
	error = parent->ops->rmdir(parent, dentry);
	if (!error)
		inode->flags |= INODE_DEAD;
	rwlock_write_unlock(&inode->lock);
	return error;
}

int overlay_remove(struct dentry *directory, const struct name *name)
{
	struct inode *parent = dentry_inode(directory);
	struct dentry *dentry;
	int error;

	rwlock_write_lock(&parent->lock);
	dentry = dentry_lookup_locked(directory, name);
	error = IS_ERR(dentry) ? (int)PTR_ERR(dentry) : remove_locked(parent, dentry);
	if (!error) {
		dentry_drop_tree(dentry);
		notify_unlinked(parent, dentry);
	}
	rwlock_write_unlock(&parent->lock);
	if (!IS_ERR(dentry))
		dentry_put(dentry);
	return error;
}

void overlay_remove_temporary(struct overlay_super *super, struct dentry *dentry)
{
	struct name name = name_of(dentry->text, dentry->length);
	int error = overlay_remove(super->work.dentry, &name);

	/* What stays is in nobody's way; the next mount tries again. */
	(void)error;
}

int overlay_install(struct overlay_super *super, struct dentry *temporary, struct dentry *directory,
		    const struct name *name, unsigned flags)
{
	struct name from = name_of(temporary->text, temporary->length);

	return vfs_rename_in(super->work.dentry, &from, directory, name, flags);
}

/* --- Listing --- */

struct listing_context {
	struct dir_context base;
	bool (*function)(void *context, const char *name, size_t length, ino_t ino, unsigned type);
	void *context;
	bool ended;
};

static bool take_entry(struct dir_context *base, const char *name, size_t length, ino_t ino,
		       unsigned type)
{
	struct listing_context *listing = container_of(base, struct listing_context, base);

	if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')))
		return true;
	listing->ended = !listing->function(listing->context, name, length, ino, type);
	return !listing->ended;
}

int overlay_list(const struct path *directory,
		 bool (*function)(void *context, const char *name, size_t length, ino_t ino,
				  unsigned type),
		 void *context)
{
	struct listing_context listing = {
		.base.emit = take_entry, .function = function, .context = context};
	struct inode *inode = path_inode(directory);
	struct file *file = file_alloc(directory, O_RDONLY | O_DIRECTORY);
	off_t before;
	int error;

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	error = inode_permission(inode, MAY_READ);
	if (!error)
		error = file_open_checked(file);
	if (!error && !file->ops->readdir)
		error = -ENOTDIR;
	file->mode |= FILE_QUIET;
	if (error)
		goto out;
	rwlock_read_lock(&inode->lock);
	do {
		before = listing.base.position;
		error = file->ops->readdir(file, &listing.base);
	} while (!error && !listing.ended && listing.base.position != before);
	rwlock_read_unlock(&inode->lock);
out:
	file_put(file);
	return error;
}

/* --- Emptying --- */

/* One name of a directory. */
struct found_name {
	alignas(u64) char text[NAME_MAX + 9];
	size_t length;
	bool found;
};

static bool take_first(void *context, const char *name, size_t length, ino_t ino __unused,
		       unsigned type __unused)
{
	struct found_name *found = context;

	memset(found->text, 0, sizeof(found->text));
	memcpy(found->text, name, MIN(length, (size_t)NAME_MAX));
	found->length = length;
	found->found = true;
	return false;
}

/* Removes one name after the other; with `only_whiteouts` it ends at anything else. */
static int empty(const struct path *directory, bool only_whiteouts)
{
	struct found_name *found = kmalloc(sizeof(*found));
	int error;

	if (!found)
		return -ENOMEM;
	for (;;) {
		struct dentry *dentry;
		struct name name;

		found->found = false;
		error = overlay_list(directory, take_first, found);
		if (error || !found->found)
			break;
		name = name_of(found->text, found->length);
		error = overlay_look(directory->dentry, &name, &dentry);
		if (error)
			break;
		if (only_whiteouts && !overlay_is_whiteout(dentry_inode(dentry)))
			error = -ENOTEMPTY;
		dentry_put(dentry);
		if (!error)
			error = overlay_remove(directory->dentry, &name);
		/* Directories in the work directory have whiteouts at most. */
		if (error == -ENOTEMPTY && !only_whiteouts) {
			error = overlay_look(directory->dentry, &name, &dentry);
			if (!error) {
				struct path below = {directory->mount, dentry};

				error = empty(&below, true);
				dentry_put(dentry);
			}
		}
		if (error)
			break;
	}
	kfree(found);
	return error;
}

int overlay_remove_whiteouts(const struct overlay_super *super, struct dentry *directory)
{
	struct path path = {super->upper.path.mount, directory};

	return empty(&path, true);
}

int overlay_clean_work(const struct overlay_super *super)
{
	return empty(&super->work, false);
}
