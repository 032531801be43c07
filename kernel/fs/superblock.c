/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File-system types and superblocks.
 *
 * Types register at start-up and stay.  A superblock is one instance of a file system; mounts hold
 * references on it. With the last one go the cached names, then the root, then the file system's
 * own data.
 */
#include "fs/device.h"
#include "fs/fs_internal.h"
#include "fs/notify.h"

#include "lib/string.h"
#include "proc/credentials.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

static spinlock_t types_lock = SPINLOCK_INIT;
static struct list_head types = LIST_INIT(types); /* types_lock; only grows */
static u32 next_device;                           /* atomic: minors of major 0 */

void filesystem_register(struct filesystem *type)
{
	spin_lock(&types_lock);
	list_add_tail(&type->link, &types);
	spin_unlock(&types_lock);
}

void filesystem_iterate(void (*function)(const struct filesystem *type, void *argument),
			void *argument)
{
	struct filesystem *type;

	/* Elements are never removed, and a new one is complete before it is linked. */
	list_for_each_entry (type, &types, link)
		function(type, argument);
}

const struct filesystem *filesystem_find(const char *name)
{
	struct filesystem *type;

	list_for_each_entry (type, &types, link)
		if (strcmp(type->name, name) == 0)
			return type;
	return NULL;
}

static u64 last_id; /* atomic */

struct superblock *superblock_alloc(const struct filesystem *type,
				    const struct superblock_operations *ops)
{
	struct superblock *superblock = kzalloc(sizeof(*superblock));

	if (!superblock)
		return NULL;
	superblock->refs = 1;
	superblock->owner = user_namespace_get(current && current_credentials()
						       ? current_credentials()->user_namespace
						       : user_namespace_first());
	superblock->type = type;
	superblock->ops = ops;
	superblock->block_size = PAGE_SIZE;
	superblock->max_size = MAX_FILE_SIZE;
	superblock->device = device_make(0, __atomic_add_fetch(&next_device, 1, __ATOMIC_RELAXED));
	superblock->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	mutex_init(&superblock->rename_lock);
	spin_lock_init(&superblock->lru_lock);
	list_init(&superblock->lru);
	list_init(&superblock->all);
	return superblock;
}

void superblock_free(struct superblock *superblock)
{
	if (superblock)
		user_namespace_put(superblock->owner);
	kfree(superblock);
}

int superblock_set_root(struct superblock *superblock, struct inode *root)
{
	int error = 0;

	if (IS_ERR(root))
		return (int)PTR_ERR(root);
	if (!S_ISDIR(root->mode))
		error = -ENOTDIR;
	else
		superblock->root = dentry_alloc_root(superblock, root);
	if (superblock->root)
		return 0;
	inode_put(root);
	return error ? error : -ENOMEM;
}

struct superblock *superblock_get_live(struct superblock *superblock)
{
	u32 refs = __atomic_load_n(&superblock->refs, __ATOMIC_RELAXED);

	while (refs > 0)
		if (__atomic_compare_exchange_n(&superblock->refs, &refs, refs + 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return superblock;
	return NULL;
}

void superblock_put(struct superblock *superblock)
{
	if (__atomic_sub_fetch(&superblock->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	notify_unmount(superblock);
	superblock_delist(superblock);
	if (superblock->root) {
		dentry_shrink_superblock(superblock);
		dentry_put(superblock->root);
	}
	if (superblock->ops->destroy)
		superblock->ops->destroy(superblock);
	superblock_free(superblock);
}
