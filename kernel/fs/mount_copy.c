/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying trees of mounts, and taking them away: for binds, for new namespaces, and for what is
 * propagated.
 *
 * A copy of a tree is made as a tree of its own, in no namespace, and hung up as a whole by
 * whoever asked for it.  The walks go along the trees without recursion: programs decide how deep
 * they are.  The change mutex is held throughout.  What is dropped waits in `gone` until it is
 * released: the last reference on a mount may be the last on a namespace that has mounts of its
 * own.
 */
#include "fs/fs_internal.h"

static mutex_t change_mutex =
	MUTEX_INIT(change_mutex);               /* outside of all other locks of this floor */
static struct list_head gone = LIST_INIT(gone); /* change mutex */

struct mount *mount_copy(struct mount *from, struct dentry *root, unsigned flags)
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
	mount->locked_flags = from->locked_flags;
	mount->locked = from->locked;
	if (flags & COPY_LOCKED)
		mount->locked_flags |= from->flags;
	if (flags & COPY_SLAVE && from->group) {
		mount_become_slave(mount, from);
	} else if (flags & COPY_PEER) {
		if (from->group)
			mount_join_group(mount, from);
		if (from->master)
			mount_become_slave(mount, from->master);
	}
	if (flags & COPY_SHARED)
		mount_change_propagation(mount, MS_SHARED);
	if (flags & COPY_UNBINDABLE)
		mount->unbindable = from->unbindable;
	return mount;
}

/* The mount behind `at` in a walk below `top` that leaves `at`'s own children out. */
static struct mount *next_outside(struct mount *at, const struct mount *top)
{
	while (at != top) {
		if (!list_is_last(&at->sibling, &at->parent->children))
			return list_next_entry(at, sibling);
		at = at->parent;
	}
	return NULL;
}

static bool is_wanted(const struct mount *mount, const struct mount *top, struct dentry *root,
		      const struct mount *result, unsigned flags)
{
	const struct namespace *file = nsfs_namespace(dentry_inode(mount->root));

	if (mount == result || (mount->unbindable && !(flags & COPY_UNBINDABLE)))
		return false;
	/* A namespace that keeps others alive must not be kept alive by itself. */
	if (file && file->kind == NAMESPACE_MOUNT)
		return false;
	return mount->parent != top || dentry_is_below(mount->mountpoint, root);
}

/* `copy`, the counterpart of `at`, becomes a child of the counterpart of at's parent. */
static int copy_child(struct mount *at, struct mount *parent_copy, unsigned flags,
		      struct mount **copy)
{
	*copy = mount_copy(at, at->root, flags);
	if (!*copy)
		return -ENOMEM;
	if (flags & COPY_LOCKED)
		(*copy)->locked = true;
	spin_lock(mount_tree_lock());
	mount_attach_locked(*copy, parent_copy, at->mountpoint);
	spin_unlock(mount_tree_lock());
	return 0;
}

struct mount *mount_copy_tree(struct mount *from, struct dentry *root, unsigned flags)
{
	struct mount *result = mount_copy(from, root, flags), *parent_copy = result, *at, *next;

	if (!result)
		return NULL;
	result->locked = false;
	/* parent_copy is the counterpart of at->parent. */
	for (at = mount_next_locked(from, from); at; at = next) {
		struct mount *copy = NULL;

		if (is_wanted(at, from, root, result, flags)) {
			if (copy_child(at, parent_copy, flags, &copy)) {
				mount_discard_tree(result);
				return NULL;
			}
			next = mount_next_locked(at, from);
		} else {
			next = next_outside(at, from);
		}
		if (!next)
			break;
		if (next->parent == at) {
			parent_copy = copy;
			continue;
		}
		for (struct mount *up = at->parent; up != next->parent; up = up->parent)
			parent_copy = parent_copy->parent;
	}
	return result;
}

/* Out of the tree of mounts, and out of every group.  Its children are gone already. */
static void unhook(struct mount *mount)
{
	mount_make_private(mount);
	mount->was_at = (struct path){NULL, NULL};
	spin_lock(mount_tree_lock());
	if (mount->parent)
		mount_detach_locked(mount, &mount->was_at);
	else
		mount_enlist_tree_locked(mount, NULL);
	spin_unlock(mount_tree_lock());
	list_add_tail(&mount->work, &gone);
}

void mount_change_lock(void)
{
	mutex_lock(&change_mutex);
}

void mount_change_unlock(void)
{
	struct list_head mine = LIST_INIT(mine);

	list_splice(&gone, &mine);
	mutex_unlock(&change_mutex);
	while (!list_empty(&mine)) {
		struct mount *mount = list_first_entry(&mine, struct mount, work);
		struct path was_at = mount->was_at;

		list_remove(&mount->work);
		mount_put(mount);
		if (was_at.mount)
			path_put(&was_at);
	}
}

static struct mount *leaf_of(struct mount *mount)
{
	while (!list_empty(&mount->children))
		mount = list_last_entry(&mount->children, struct mount, sibling);
	return mount;
}

void mount_unhook_alone(struct mount *top)
{
	struct mount *leaf;

	do {
		leaf = leaf_of(top);
		unhook(leaf);
	} while (leaf != top);
}

void mount_discard_tree(struct mount *top)
{
	mount_unhook_alone(top);
}

void mount_unhook_tree(struct mount *top)
{
	struct list_head victims = LIST_INIT(victims);
	struct mount *mount;

	/* Parents first, turned round as it is filled. */
	for (mount = top; mount; mount = mount_next_locked(mount, top))
		list_add(&mount->work, &victims);
	mount_propagate_umount(&victims);
	while (!list_empty(&victims)) {
		mount = list_first_entry(&victims, struct mount, work);
		list_remove(&mount->work);
		unhook(mount);
	}
}
