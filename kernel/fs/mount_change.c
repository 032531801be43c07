/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing the tree of mounts: mount(2), umount2(2), pivot_root(2).
 *
 * change_mutex makes changes one after the other; the tree itself is guarded by mount_lock, under
 * which each change is made in one step.  All mounts are private: nothing propagates.
 */
#include "fs/fs_internal.h"

#include "lib/string.h"
#include "proc/process.h"
#include "proc/task.h"

static mutex_t change_mutex =
	MUTEX_INIT(change_mutex); /* outside of all other locks of this floor */

/* What of mount(2)'s flags belongs to the mount; the rest is the superblock's. */
static u32 mount_flags_of(u64 flags)
{
	u32 kept = (u32)flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |
				 MS_NODIRATIME | MS_STRICTATIME);

	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		kept |= MS_RELATIME;
	return kept;
}

static bool is_directory(const struct dentry *dentry)
{
	return S_ISDIR(dentry_inode(dentry)->mode);
}

/* Hangs a mount (reference taken over) at the target.  change_mutex held. */
static int graft(struct mount *mount, const struct path *target)
{
	if (is_directory(mount->root) != is_directory(target->dentry))
		return -ENOTDIR;
	if (path_inode(target)->flags & INODE_DEAD)
		return -ENOENT;
	spin_lock(mount_tree_lock());
	mount_attach_locked(mount, target->mount, target->dentry);
	spin_unlock(mount_tree_lock());
	return 0;
}

static int lookup_target(const char *text, struct path *path)
{
	return path_lookup(AT_FDCWD, text, LOOKUP_FOLLOW, path);
}

static int mount_at(struct superblock *superblock, const char *source, const char *target,
		    u64 flags)
{
	struct mount *mount =
		mount_create(superblock, source ? source : "none", mount_flags_of(flags));
	struct path path;
	int error;

	if (!mount) {
		superblock_put(superblock);
		return -ENOMEM;
	}
	error = lookup_target(target, &path);
	if (!error) {
		if (path.mount->superblock == superblock && path.dentry == path.mount->root)
			error = -EBUSY;
		else
			error = graft(mount, &path);
		path_put(&path);
	}
	if (error)
		mount_put(mount);
	return error;
}

int mount_filesystem(const char *source, const char *target, const char *type_name, u64 flags,
		     const char *options)
{
	const struct filesystem *type = type_name ? filesystem_find(type_name) : NULL;
	struct superblock *superblock;
	struct path path;
	int error;

	if (!type_name)
		return -EINVAL;
	error = lookup_target(target, &path);
	if (error)
		return error;
	path_put(&path);
	if (!type)
		return -ENODEV;
	error = type->mount(type, flags, source, options, &superblock);
	if (error)
		return error;
	if (flags & MS_RDONLY)
		superblock->flags |= MS_RDONLY;
	mutex_lock(&change_mutex);
	error = mount_at(superblock, source, target, flags);
	mutex_unlock(&change_mutex);
	return error;
}

/* Another mount of the same tree from `root` down.  NULL: no memory. */
static struct mount *mount_clone(const struct mount *from, struct dentry *root)
{
	struct mount *mount;

	__atomic_add_fetch(&from->superblock->refs, 1, __ATOMIC_RELAXED);
	mount = mount_create(from->superblock, from->source, from->flags);
	if (!mount) {
		superblock_put(from->superblock);
		return NULL;
	}
	dentry_put(mount->root);
	mount->root = dentry_get(root);
	return mount;
}

/*
 * Unhooks every mount of a tree, leaves first, and lets go of all but the top.  mount_lock held,
 * and released in between: change_mutex keeps others out.
 */
static void unhook_tree_locked(struct mount *top)
{
	for (;;) {
		struct mount *leaf = top;
		struct path was_at;

		while (!list_empty(&leaf->children))
			leaf = list_last_entry(&leaf->children, struct mount, sibling);
		mount_detach_locked(leaf, &was_at);
		spin_unlock(mount_tree_lock());
		path_put(&was_at);
		spin_lock(mount_tree_lock());
		if (leaf == top)
			break;
		spin_unlock(mount_tree_lock());
		mount_put(leaf);
		spin_lock(mount_tree_lock());
	}
}

/* Copies the mounts below `from` (from `root` on) to below `to`.  change_mutex keeps the tree as it
 * is. */
static int clone_children(struct mount *from, struct dentry *root, struct mount *to)
{
	struct mount *child;

	list_for_each_entry (child, &from->children, sibling) {
		struct mount *copy;
		int error;

		if (child == to || !dentry_is_below(child->mountpoint, root))
			continue;
		copy = mount_clone(child, child->root);
		if (!copy)
			return -ENOMEM;
		spin_lock(mount_tree_lock());
		mount_attach_locked(copy, to, child->mountpoint);
		spin_unlock(mount_tree_lock());
		error = clone_children(child, child->root, copy);
		if (error)
			return error;
	}
	return 0;
}

int mount_bind(const char *source, const char *target, bool recursive)
{
	struct path from, to;
	struct mount *mount;
	int error = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);

	if (error)
		return error;
	error = lookup_target(target, &to);
	if (error)
		goto out_from;
	mutex_lock(&change_mutex);
	mount = mount_clone(from.mount, from.dentry);
	error = mount ? graft(mount, &to) : -ENOMEM;
	if (error && mount)
		mount_put(mount);
	if (!error && recursive) {
		error = clone_children(from.mount, from.dentry, mount);
		if (error) {
			spin_lock(mount_tree_lock());
			unhook_tree_locked(mount);
			spin_unlock(mount_tree_lock());
			mount_put(mount);
		}
	}
	mutex_unlock(&change_mutex);
	path_put(&to);
out_from:
	path_put(&from);
	return error;
}

static bool mount_is_below(const struct mount *mount, const struct mount *ancestor)
{
	while (mount && mount != ancestor)
		mount = mount->parent;
	return mount != NULL;
}

/* Moves an attached mount to another place.  change_mutex held. */
static void move_to(struct mount *mount, const struct path *place)
{
	struct path was_at;

	spin_lock(mount_tree_lock());
	mount_detach_locked(mount, &was_at);
	mount_attach_locked(mount, place->mount, place->dentry);
	spin_unlock(mount_tree_lock());
	path_put(&was_at);
}

int mount_move(const char *source, const char *target)
{
	struct path from, to;
	int error = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);

	if (error)
		return error;
	error = lookup_target(target, &to);
	if (error)
		goto out_from;
	mutex_lock(&change_mutex);
	if (from.dentry != from.mount->root || !from.mount->parent)
		error = -EINVAL;
	else if (is_directory(from.dentry) != is_directory(to.dentry))
		error = -EINVAL;
	else if (mount_is_below(to.mount, from.mount))
		error = -ELOOP;
	else
		move_to(from.mount, &to);
	mutex_unlock(&change_mutex);
	path_put(&to);
out_from:
	path_put(&from);
	return error;
}

int mount_remount(const char *target, u64 flags, const char *options, bool bind)
{
	struct superblock *superblock;
	struct path path;
	int error = lookup_target(target, &path);

	if (error)
		return error;
	superblock = path.mount->superblock;
	mutex_lock(&change_mutex);
	if (path.dentry != path.mount->root)
		error = -EINVAL;
	else if (flags & MS_RDONLY && !mount_is_readonly(path.mount) &&
		 __atomic_load_n(&superblock->writers, __ATOMIC_RELAXED) > 0)
		error = -EBUSY;
	if (!error && !bind && superblock->ops->remount)
		error = superblock->ops->remount(superblock, flags, options);
	if (!error) {
		spin_lock(mount_tree_lock());
		path.mount->flags = mount_flags_of(flags);
		if (!bind)
			superblock->flags =
				(superblock->flags & ~(u64)MS_RDONLY) | (flags & MS_RDONLY);
		spin_unlock(mount_tree_lock());
	}
	mutex_unlock(&change_mutex);
	path_put(&path);
	return error;
}

int mount_umount(const char *target, int flags)
{
	struct path path;
	struct mount *mount;
	int error =
		path_lookup(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &path);

	if (error)
		return error;
	mount = path.mount;
	mutex_lock(&change_mutex);
	if (path.dentry != mount->root) {
		error = -EINVAL;
	} else if (!mount->parent) {
		error = mount == mount_root() ? -EBUSY : -EINVAL;
	} else {
		/* The tree's reference and ours: anything more is somebody who uses it. */
		spin_lock(mount_tree_lock());
		if (!(flags & MNT_DETACH) && (!list_empty(&mount->children) ||
					      __atomic_load_n(&mount->refs, __ATOMIC_ACQUIRE) > 2))
			error = -EBUSY;
		else
			unhook_tree_locked(mount);
		spin_unlock(mount_tree_lock());
		if (!error)
			mount_put(mount);
	}
	mutex_unlock(&change_mutex);
	path_put(&path);
	return error;
}

/* Every task whose root or working directory is the old root gets the new one. */
static void replace_roots(const struct path *old_root, const struct path *new_root)
{
	struct process *process;
	pid_t next = 1;

	while ((process = process_next(next)) != NULL) {
		struct task *task;
		pid_t thread = 0;

		next = process->pid + 1;
		while ((task = process_next_thread(process, thread)) != NULL) {
			unsigned long irq = spin_lock_irqsave(&task->lock);
			struct fs_context *context = task->fs;

			thread = task->tid + 1;
			if (context)
				__atomic_add_fetch(&context->refs, 1, __ATOMIC_RELAXED);
			spin_unlock_irqrestore(&task->lock, irq);
			if (context) {
				fs_context_replace(context, old_root, new_root);
				fs_context_put(context);
			}
			task_put(task);
		}
		process_put(process);
	}
}

/* The rules of pivot_root(2).  change_mutex held. */
static int check_pivot(const struct path *new_root, const struct path *put_old,
		       const struct path *root)
{
	if (new_root->mount == root->mount || put_old->mount == root->mount)
		return -EBUSY;
	if (root->dentry != root->mount->root || !root->mount->parent)
		return -EINVAL;
	if (new_root->dentry != new_root->mount->root || !new_root->mount->parent)
		return -EINVAL;
	if (!mount_is_below(put_old->mount, new_root->mount) ||
	    !mount_is_below(new_root->mount, root->mount))
		return -EINVAL;
	return 0;
}

int mount_pivot_root(const char *new_root_text, const char *put_old_text)
{
	struct path new_root, put_old, root, place;
	int error =
		path_lookup(AT_FDCWD, new_root_text, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new_root);

	if (error)
		return error;
	error = path_lookup(AT_FDCWD, put_old_text, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &put_old);
	if (error)
		goto out_new;
	fs_context_root(current->fs, &root);
	mutex_lock(&change_mutex);
	error = check_pivot(&new_root, &put_old, &root);
	if (!error) {
		struct path new_was_at;

		spin_lock(mount_tree_lock());
		mount_detach_locked(new_root.mount, &new_was_at);
		mount_detach_locked(root.mount, &place);
		mount_attach_locked(new_root.mount, place.mount, place.dentry);
		mount_attach_locked(root.mount, put_old.mount, put_old.dentry);
		spin_unlock(mount_tree_lock());
		path_put(&new_was_at);
		path_put(&place);
		replace_roots(&root, &new_root);
	}
	mutex_unlock(&change_mutex);
	path_put(&root);
	path_put(&put_old);
out_new:
	path_put(&new_root);
	return error;
}
