/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of mounts, and the way through it.
 *
 * mount_lock guards the tree: parent, mountpoint, lists, the hash table by place, and
 * dentry->mounts, which lets a walk pass a dentry that nothing is mounted on without a look at the
 * table.
 *
 * References: an attached mount has one from the tree, and itself holds one on its parent and its
 * mount point.  Whoever detaches a mount takes these over, and drops them once the lock is
 * released.  A mount is freed with its last reference, and lets go of its superblock then.
 */
#include "fs/fs_internal.h"
#include "fs/read_section.h"

#include "lib/hash.h"
#include "lib/string.h"

enum { MOUNT_BUCKETS = 64, MOUNTS_MAX = 100000 };

static spinlock_t mount_lock = SPINLOCK_INIT;
static struct list_head buckets[MOUNT_BUCKETS]; /* mount_lock */
static struct mount *root_mount;                /* set once */
static int last_id;                             /* atomic */
static u32 mount_count;                         /* atomic */

spinlock_t *mount_tree_lock(void)
{
	return &mount_lock;
}

struct mount *mount_root(void)
{
	return root_mount;
}

static struct list_head *bucket_of(const struct mount *parent, const struct dentry *mountpoint)
{
	return &buckets[((uintptr_t)parent >> 6 ^ (uintptr_t)mountpoint >> 7) % MOUNT_BUCKETS];
}

struct mount *mount_create(struct superblock *superblock, const char *source, u32 flags)
{
	struct mount *mount;

	if (__atomic_load_n(&mount_count, __ATOMIC_RELAXED) >= MOUNTS_MAX)
		return NULL;
	mount = kzalloc(sizeof(*mount));
	if (!mount)
		return NULL;
	if (source) {
		mount->source = kstrdup(source);
		if (!mount->source) {
			kfree(mount);
			return NULL;
		}
	}
	mount->refs = 1;
	mount->flags = flags;
	mount->internal = !source;
	mount->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	mount->superblock = superblock;
	superblock_enlist(superblock);
	mount->root = dentry_get(superblock->root);
	list_init(&mount->hash);
	list_init(&mount->children);
	list_init(&mount->sibling);
	list_init(&mount->all);
	list_init(&mount->peers);
	list_init(&mount->slaves);
	list_init(&mount->slave_link);
	list_init(&mount->work);
	__atomic_add_fetch(&mount_count, 1, __ATOMIC_RELAXED);
	return mount;
}

void mount_free(struct mount *mount)
{
	ASSERT(!mount->parent && list_empty(&mount->children));
	ASSERT(!mount->group && !mount->master && list_empty(&mount->slaves));
	read_section_wait();
	__atomic_sub_fetch(&mount_count, 1, __ATOMIC_RELAXED);
	dentry_put(mount->root);
	superblock_put(mount->superblock);
	kfree(mount->source);
	kfree(mount);
}

bool mount_is_readonly(const struct mount *mount)
{
	return (READ_ONCE(mount->flags) | READ_ONCE(mount->superblock->flags)) & MS_RDONLY;
}

struct mount *mount_find_locked(const struct mount *parent, const struct dentry *mountpoint)
{
	struct mount *mount;

	/* The newest comes first: it hides the ones below it. */
	list_for_each_entry (mount, bucket_of(parent, mountpoint), hash)
		if (mount->parent == parent && mount->mountpoint == mountpoint)
			return mount;
	return NULL;
}

/* The mount belongs to the namespace (NULL: to none) from now on. */
static void enlist(struct mount *mount, struct mount_namespace *space)
{
	if (mount->space == space)
		return;
	if (mount->space)
		list_remove(&mount->all);
	mount->space = space;
	if (space)
		list_add_tail(&mount->all, &space->mounts);
}

void mount_enlist_tree_locked(struct mount *top, struct mount_namespace *space)
{
	for (struct mount *at = top; at; at = mount_next_locked(at, top))
		enlist(at, space);
}

void mount_attach_locked(struct mount *mount, struct mount *parent, struct dentry *mountpoint)
{
	mount_get(parent);
	mount->parent = parent;
	mount->mountpoint = dentry_get(mountpoint);
	WRITE_ONCE(mountpoint->mounts, mountpoint->mounts + 1);
	list_add(&mount->hash, bucket_of(parent, mountpoint));
	list_add_tail(&mount->sibling, &parent->children);
	mount_enlist_tree_locked(mount, parent->space);
}

/* The references on the parent and the mount point go to *was_at. */
void mount_detach_locked(struct mount *mount, struct path *was_at)
{
	*was_at = (struct path){mount->parent, mount->mountpoint};
	WRITE_ONCE(mount->mountpoint->mounts, mount->mountpoint->mounts - 1);
	list_remove(&mount->hash);
	list_remove(&mount->sibling);
	enlist(mount, NULL);
	mount->parent = NULL;
	mount->mountpoint = NULL;
}

/* The mount behind `at` in a walk over the tree below `top`, parents first; NULL at the end. */
struct mount *mount_next_locked(struct mount *at, const struct mount *top)
{
	if (!list_empty(&at->children))
		return list_first_entry(&at->children, struct mount, sibling);
	while (at != top) {
		if (!list_is_last(&at->sibling, &at->parent->children))
			return list_next_entry(at, sibling);
		at = at->parent;
	}
	return NULL;
}

void mount_cross_down(struct path *path)
{
	while (READ_ONCE(path->dentry->mounts) > 0) {
		struct path down = {NULL, NULL};

		spin_lock(&mount_lock);
		down.mount = mount_find_locked(path->mount, path->dentry);
		if (down.mount) {
			down.dentry = down.mount->root;
			path_get(&down);
		}
		spin_unlock(&mount_lock);
		if (!down.mount)
			return;
		path_put(path);
		*path = down;
	}
}

void mount_peek_down(struct path *path)
{
	struct mount *mount;

	do {
		spin_lock(&mount_lock);
		mount = mount_find_locked(path->mount, path->dentry);
		if (mount)
			*path = (struct path){mount, mount->root};
		spin_unlock(&mount_lock);
	} while (mount && READ_ONCE(path->dentry->mounts) > 0);
}

bool mount_cross_up(struct path *path)
{
	struct path up;

	spin_lock(&mount_lock);
	up = (struct path){path->mount->parent, path->mount->mountpoint};
	if (up.mount)
		path_get(&up);
	spin_unlock(&mount_lock);
	if (!up.mount)
		return false;
	path_put(path);
	*path = up;
	return true;
}

void mount_init(void)
{
	const struct filesystem *type = filesystem_find("tmpfs");
	struct superblock *superblock;

	for (size_t i = 0; i < MOUNT_BUCKETS; i++)
		list_init(&buckets[i]);
	if (type->mount(type, 0, NULL, "mode=755", &superblock))
		panic("no memory for the root file system");
	root_mount = mount_create(superblock, "rootfs", MS_RELATIME);
	if (!root_mount)
		panic("no memory for the root mount");
	mount_namespaces_init(root_mount);
}

int superblock_statfs(struct superblock *superblock, struct linux_statfs *result)
{
	*result = (struct linux_statfs){
		.type = (s64)superblock->magic,
		.block_size = superblock->block_size,
		.fragment_size = superblock->block_size,
		.name_length = NAME_MAX,
		.fsid = {(s32)superblock->device, (s32)(superblock->device >> 32)},
	};
	return superblock->ops->statfs ? superblock->ops->statfs(superblock, result) : 0;
}

int path_statfs(const struct path *path, struct linux_statfs *result)
{
	u32 flags = path->mount->flags;
	int error = superblock_statfs(path->mount->superblock, result);

	if (error)
		return error;
	result->flags = ST_VALID;
	result->flags |= mount_is_readonly(path->mount) ? ST_RDONLY : 0;
	result->flags |= flags & MS_NOSUID ? ST_NOSUID : 0;
	result->flags |= flags & MS_NODEV ? ST_NODEV : 0;
	result->flags |= flags & MS_NOEXEC ? ST_NOEXEC : 0;
	result->flags |= flags & MS_NOATIME ? ST_NOATIME : 0;
	result->flags |= flags & MS_NODIRATIME ? ST_NODIRATIME : 0;
	result->flags |= flags & MS_RELATIME ? ST_RELATIME : 0;
	return 0;
}
