/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing the tree of mounts: mount(2), umount2(2), pivot_root(2).
 *
 * The change mutex makes changes one after the other; the trees themselves are guarded by
 * mount_lock, under which each change is made in one step.  Programs change the mounts of their own
 * namespace only; propagation carries changes on.
 */
#include "fs/fs_internal.h"

#include "lib/string.h"
#include "proc/credentials.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"
#include "proc/task.h"

/* What of mount(2)'s flags belongs to the mount; the rest is the superblock's. */
static u32 mount_flags_of(u64 flags)
{
	u32 kept = (u32)flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |
				 MS_NODIRATIME | MS_STRICTATIME);

	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		kept |= MS_RELATIME;
	return kept;
}

/* What somebody with more privilege has forbidden stays so. */
#define LOCKABLE (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

static bool is_directory(const struct dentry *dentry)
{
	return S_ISDIR(dentry_inode(dentry)->mode);
}

/* Hangs a tree (reference taken over) at the target, and copies where that propagates.  Change mutex
 * held. */
static int graft(struct mount *mount, const struct path *target)
{
	struct list_head copies;
	int error;

	if (!mount_is_mine(target->mount))
		return -EINVAL;
	if (is_directory(mount->root) != is_directory(target->dentry))
		return -ENOTDIR;
	if (path_inode(target)->flags & INODE_DEAD)
		return -ENOENT;
	error = mount_propagate(mount, target, &copies);
	if (error)
		return error;
	spin_lock(mount_tree_lock());
	mount_attach_locked(mount, target->mount, target->dentry);
	mount_attach_copies_locked(&copies, target->dentry);
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
	if (!(type->in_user_namespaces ? capable_here(CAP_SYS_ADMIN) : capable(CAP_SYS_ADMIN)))
		return -EPERM;
	error = type->mount(type, flags, source, options, &superblock);
	if (error)
		return error;
	if (flags & MS_RDONLY)
		superblock->flags |= MS_RDONLY;
	mount_change_lock();
	error = mount_at(superblock, source, target, flags);
	mount_change_unlock();
	return error;
}

/* Has it mounts below `root` whose places somebody else has fixed? */
static bool has_locked_children(const struct mount *mount, struct dentry *root)
{
	const struct mount *child;

	list_for_each_entry (child, &mount->children, sibling)
		if (child->locked && dentry_is_below(child->mountpoint, root))
			return true;
	return false;
}

/* A namespace's own file shows up in one tree of mounts only, of an older namespace. */
static int check_namespace_file(const struct namespace *space, const struct path *to)
{
	if (space->kind != NAMESPACE_MOUNT)
		return 0;
	return space->number <= mount_namespace_current()->base.number || to->mount->group ? -EINVAL
											   : 0;
}

static int check_bind(const struct path *from, const struct path *to, bool recursive)
{
	const struct namespace *space = nsfs_namespace(path_inode(from));

	if (from->mount->unbindable || !mount_is_mine(to->mount))
		return -EINVAL;
	if (space && !from->mount->space)
		return check_namespace_file(space, to);
	if (!mount_is_mine(from->mount))
		return -EINVAL;
	return !recursive && has_locked_children(from->mount, from->dentry) ? -EINVAL : 0;
}

static int bind_locked(const struct path *from, const struct path *to, bool recursive)
{
	int error = check_bind(from, to, recursive);
	struct mount *mount;

	if (error)
		return error;
	mount = recursive ? mount_copy_tree(from->mount, from->dentry, COPY_PEER)
			  : mount_copy(from->mount, from->dentry, COPY_PEER);
	if (!mount)
		return -ENOMEM;
	mount->locked = false;
	error = graft(mount, to);
	if (error)
		mount_discard_tree(mount);
	return error;
}

int mount_bind(const char *source, const char *target, bool recursive)
{
	struct path from, to;
	int error = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);

	if (error)
		return error;
	error = lookup_target(target, &to);
	if (!error) {
		mount_change_lock();
		error = bind_locked(&from, &to, recursive);
		mount_change_unlock();
		path_put(&to);
	}
	path_put(&from);
	return error;
}

static bool mount_is_below(const struct mount *mount, const struct mount *ancestor)
{
	while (mount && mount != ancestor)
		mount = mount->parent;
	return mount != NULL;
}

static bool has_unbindable(struct mount *top)
{
	for (struct mount *at = top; at; at = mount_next_locked(at, top))
		if (at->unbindable)
			return true;
	return false;
}

/* The rules for moving.  Change mutex held. */
static int check_move(const struct path *from, const struct path *to)
{
	const struct mount *parent = from->mount->parent;

	if (!(parent ? mount_is_mine(from->mount) : from->mount->detached) ||
	    !mount_is_mine(to->mount))
		return -EINVAL;
	if (from->dentry != from->mount->root || from->mount->locked)
		return -EINVAL;
	if (path_inode(to)->flags & INODE_DEAD)
		return -ENOENT;
	if (is_directory(from->dentry) != is_directory(to->dentry))
		return -EINVAL;
	/* Those who share the place that it leaves would not know where it went. */
	if ((parent && parent->group) || (to->mount->group && has_unbindable(from->mount)))
		return -EINVAL;
	return mount_is_below(to->mount, from->mount) ? -ELOOP : 0;
}

/* Moves a mount, which may be the top of a detached tree, to another place.  Change mutex held. */
static int move_to(struct mount *mount, const struct path *place)
{
	struct list_head copies;
	struct path was_at = {NULL, NULL};
	int error = mount_propagate(mount, place, &copies);

	if (error)
		return error;
	spin_lock(mount_tree_lock());
	if (mount->parent)
		mount_detach_locked(mount, &was_at);
	mount->detached = false;
	mount_attach_locked(mount, place->mount, place->dentry);
	mount_attach_copies_locked(&copies, place->dentry);
	spin_unlock(mount_tree_lock());
	if (was_at.mount)
		path_put(&was_at);
	return 0;
}

int mount_move_path(const struct path *from, const struct path *to)
{
	mount_change_lock();
	int error = check_move(from, to);
	if (!error)
		error = move_to(from->mount, to);
	mount_change_unlock();
	return error;
}

int mount_move(const char *source, const char *target)
{
	struct path from, to;
	int error = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);

	if (error)
		return error;
	error = lookup_target(target, &to);
	if (!error) {
		error = mount_move_path(&from, &to);
		path_put(&to);
	}
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
	mount_change_lock();
	if (path.dentry != path.mount->root || !mount_is_mine(path.mount))
		error = -EINVAL;
	else if (path.mount->locked_flags & LOCKABLE & ~mount_flags_of(flags))
		error = -EPERM;
	else if (!bind && !capable_in(superblock->owner, CAP_SYS_ADMIN))
		error = -EPERM;
	else if (flags & MS_RDONLY && !mount_is_readonly(path.mount) &&
		 __atomic_load_n(bind ? &path.mount->writers : &superblock->writers,
				 __ATOMIC_RELAXED) > 0)
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
	mount_change_unlock();
	path_put(&path);
	return error;
}

/* The tree's reference and the caller's: anything more is somebody who uses it. */
static bool is_busy(const struct mount *mount)
{
	return !list_empty(&mount->children) ||
	       __atomic_load_n(&mount->refs, __ATOMIC_ACQUIRE) > 2 ||
	       mount_is_busy_elsewhere(mount);
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
	mount_change_lock();
	if (path.dentry != mount->root || mount->locked || !mount_is_mine(mount)) {
		error = -EINVAL;
	} else if (!mount->parent) {
		error = mount == mount_namespace_current()->root ? -EBUSY : -EINVAL;
	} else if (!(flags & MNT_DETACH) && is_busy(mount)) {
		error = -EBUSY;
	} else {
		mount_unhook_tree(mount);
	}
	mount_change_unlock();
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
		while ((task = process_next_thread(process, pid_namespace_first(), thread)) !=
		       NULL) {
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

/* The rules of pivot_root(2).  Change mutex held. */
static int check_pivot(const struct path *new_root, const struct path *put_old,
		       const struct path *root)
{
	if (!mount_is_mine(new_root->mount) || !mount_is_mine(root->mount) ||
	    !mount_is_mine(put_old->mount) || new_root->mount->locked)
		return -EINVAL;
	if (new_root->mount == root->mount || put_old->mount == root->mount)
		return -EBUSY;
	/* It would be propagated. */
	if (put_old->mount->group || (new_root->mount->parent && new_root->mount->parent->group) ||
	    (root->mount->parent && root->mount->parent->group))
		return -EINVAL;
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
	mount_change_lock();
	error = check_pivot(&new_root, &put_old, &root);
	if (!error) {
		struct path new_was_at;

		new_root.mount->locked = root.mount->locked;
		root.mount->locked = false;
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
	mount_change_unlock();
	path_put(&root);
	path_put(&put_old);
out_new:
	path_put(&new_root);
	return error;
}

int mount_set_propagation(const char *target, u64 flags)
{
	const u64 all = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	u64 type = flags & all;
	struct path path;
	int error;

	if (flags & ~(all | MS_REC | MS_SILENT) || type & (type - 1))
		return -EINVAL;
	error = lookup_target(target, &path);
	if (error)
		return error;
	mount_change_lock();
	if (path.dentry != path.mount->root || !mount_is_mine(path.mount)) {
		error = -EINVAL;
	} else {
		struct mount *at = path.mount;

		do {
			mount_change_propagation(at, type);
			at = flags & MS_REC ? mount_next_locked(at, path.mount) : NULL;
		} while (at);
	}
	mount_change_unlock();
	path_put(&path);
	return error;
}
