/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of mounts: copying the whole tree, entering another one, and the end of one: see
 * mount.h.
 */
#include "fs/fs_internal.h"

#include "proc/credentials.h"
#include "proc/hooks.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

static struct mount_namespace first;

bool mount_is_mine(const struct mount *mount)
{
	return READ_ONCE(mount->space) == mount_namespace_current();
}

void mount_namespace_top(struct mount_namespace *space, struct path *result)
{
	*result = (struct path){space->root, space->root->root};
	path_get(result);
	mount_cross_down(result);
}

bool fs_is_chrooted(void)
{
	struct path root, top;
	bool chrooted;

	fs_context_root(current->fs, &root);
	mount_namespace_top(mount_namespace_current(), &top);
	chrooted = !path_equal(&root, &top);
	path_put(&root);
	path_put(&top);
	return chrooted;
}

/* --- Copying --- */

/* Where the context was in the old tree, it is in the new one: both are walked side by side. */
static void move_context(struct fs_context *context, struct mount *from, struct mount *to)
{
	struct path root, cwd;
	struct mount *old = from, *copy = to;

	fs_context_root(context, &root);
	fs_context_cwd(context, &cwd);
	while (old && copy) {
		if (root.mount == old)
			fs_context_set(context, &(struct path){copy, root.dentry}, true);
		if (cwd.mount == old)
			fs_context_set(context, &(struct path){copy, cwd.dentry}, false);
		old = mount_next_locked(old, from);
		copy = mount_next_locked(copy, to);
	}
	path_put(&root);
	path_put(&cwd);
}

static struct namespace *copy(struct namespace *base, const struct namespace_request *request)
{
	struct mount_namespace *from = mount_namespace_from(base), *space;
	unsigned flags = COPY_PEER | COPY_UNBINDABLE;
	int error = -ENOMEM;

	space = kzalloc(sizeof(*space));
	if (!space)
		return ERR_PTR(-ENOMEM);
	error = namespace_init(&space->base, NAMESPACE_MOUNT, request->owner);
	if (error) {
		kfree(space);
		return ERR_PTR(error);
	}
	list_init(&space->mounts);
	/* Those with less privilege see what happens, and tell nothing. */
	if (request->owner != base->owner)
		flags = COPY_SLAVE | COPY_UNBINDABLE | COPY_LOCKED;
	mount_change_lock();
	space->root = mount_copy_tree(from->root, from->root->root, flags);
	if (space->root) {
		move_context(request->fs, from->root, space->root);
		spin_lock(mount_tree_lock());
		mount_enlist_tree_locked(space->root, space);
		spin_unlock(mount_tree_lock());
	}
	mount_change_unlock();
	if (!space->root) {
		namespace_fini(&space->base);
		kfree(space);
		return ERR_PTR(-ENOMEM);
	}
	return &space->base;
}

static void release(struct namespace *base)
{
	struct mount_namespace *space = mount_namespace_from(base);

	mount_change_lock();
	mount_unhook_alone(space->root);
	mount_change_unlock();
	namespace_fini(base);
	kfree(space);
}

/* --- Entering --- */

static int check(struct namespace *space __unused, const struct credentials *credentials)
{
	if (!credentials_capable_in(credentials, credentials->user_namespace, CAP_SYS_CHROOT))
		return -EPERM;
	return file_hooks->fs_shared(current->fs) ? -EINVAL : 0;
}

static void enter(struct namespace *space)
{
	struct path top;

	mount_namespace_top(mount_namespace_from(space), &top);
	fs_context_set(current->fs, &top, true);
	fs_context_set(current->fs, &top, false);
	path_put(&top);
}

static const struct namespace_kind_ops operations = {
	.copy = copy, .release = release, .check = check, .enter = enter};

void mount_namespaces_init(struct mount *root)
{
	list_init(&first.mounts);
	first.root = root;
	namespace_register(NAMESPACE_MOUNT, &operations, &first.base);
	spin_lock(mount_tree_lock());
	mount_enlist_tree_locked(root, &first);
	spin_unlock(mount_tree_lock());
}
