/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes: found by what stands for them, made, and ended.
 *
 * The table finds a node by its upper inode or, without one, by its uppermost lower inode, so that all
 * names of an upper file are one inode of the overlay.  Of a lower file each name is a node of its own,
 * for each would be copied up for itself.
 */
#include "fs/overlay/overlay_internal.h"

#include "fs/read_section.h"
#include "lib/string.h"

/* Above the numbers that file systems give. */
enum { FILE_SYSTEM_SHIFT = 56 };
/* What a real file may not have done to it, the overlay's may not either. */
enum { GUARDS = INODE_IMMUTABLE | INODE_APPEND_ONLY };

ino_t overlay_number(const struct overlay_super *super, u32 file_system, ino_t ino)
{
	return super->file_systems == 1 ? ino : ino | (ino_t)file_system << FILE_SYSTEM_SHIFT;
}

struct path overlay_real_path(const struct overlay_node *node)
{
	const struct overlay_super *super = overlay_super_of(node);
	struct dentry *upper = overlay_upper(node);

	if (upper)
		return (struct path){super->upper.path.mount, upper};
	return (struct path){super->lowers[node->lowers[0].layer].path.mount,
			     node->lowers[0].dentry};
}

/* Read and written under the lock, so that the last one writes the last size. */
void overlay_mirror_size(struct overlay_node *node)
{
	spin_lock(&node->inode.attribute_lock);
	WRITE_ONCE(node->inode.size, inode_size(overlay_real_inode(node)));
	spin_unlock(&node->inode.attribute_lock);
}

void overlay_mirror(struct overlay_node *node)
{
	struct inode *inode = &node->inode, *real = overlay_real_inode(node);
	mode_t mode;
	uid_t uid;
	gid_t gid;
	u32 nlink;

	spin_lock(&real->attribute_lock);
	mode = real->mode;
	uid = real->uid;
	gid = real->gid;
	nlink = real->nlink;
	spin_unlock(&real->attribute_lock);
	spin_lock(&inode->attribute_lock);
	inode->mode = mode;
	inode->uid = uid;
	inode->gid = gid;
	inode->nlink = READ_ONCE(node->gone) && !overlay_upper(node) ? 0 : nlink;
	/* Others change other flags of it, but hardly ever these. */
	if ((inode->flags ^ real->flags) & GUARDS)
		WRITE_ONCE(inode->flags, (inode->flags & ~(u32)GUARDS) | (real->flags & GUARDS));
	spin_unlock(&inode->attribute_lock);
	overlay_mirror_size(node);
}

static struct list_head *bucket_of(const struct overlay_super *super, const struct inode *key)
{
	return &super->nodes[((uintptr_t)key >> 6 ^ (uintptr_t)key >> 17) % OVERLAY_BUCKETS];
}

static bool is_named(const struct overlay_node *node, const struct overlay_node *parent,
		     const struct dentry *dentry)
{
	return node->parent == parent && node->name_length == dentry->length &&
	       memcmp(node->name, dentry->text, dentry->length) == 0;
}

/* nodes_lock held.  With a reference, or NULL. */
static struct overlay_node *find_locked(const struct overlay_super *super, const struct inode *key,
					bool is_upper, const struct dentry *dentry)
{
	const struct overlay_node *parent = overlay_node(dentry_inode(dentry->parent));
	struct overlay_node *node;

	list_for_each_entry (node, bucket_of(super, key), hash) {
		if (overlay_real_inode(node) != key || !overlay_upper(node) == is_upper)
			continue;
		if (!is_upper && (node->gone || !is_named(node, parent, dentry)))
			continue;
		if (inode_try_get(&node->inode))
			return node;
	}
	return NULL;
}

static ino_t number_of(const struct overlay_super *super, const struct overlay_node *node)
{
	const struct overlay_lower *lower = node->lower_count > 0 ? &node->lowers[0] : NULL;
	ino_t number;

	/* A merged directory has the number of what it is a copy of; the root is no copy. */
	if (lower && (!node->upper || (S_ISDIR(node->inode.mode) && node->parent)))
		return overlay_number(super, super->lowers[lower->layer].file_system,
				      dentry_inode(lower->dentry)->ino);
	if (!S_ISDIR(node->inode.mode) && overlay_origin(super, dentry_inode(node->upper), &number))
		return number;
	return overlay_number(super, super->upper.file_system, dentry_inode(node->upper)->ino);
}

static void set_operations(struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &overlay_file_inode_ops;
		inode->file_ops = &overlay_file_ops;
		break;
	case S_IFDIR:
		inode->ops = &overlay_directory_inode_ops;
		inode->file_ops = &overlay_directory_ops;
		break;
	default:
		inode->ops = &overlay_special_inode_ops;
		inode_set_special(inode);
		break;
	}
}

/* An overlay on another has locks of a class of its own. */
static void init_locks(struct overlay_node *node, u32 depth)
{
	struct overlay_node *stacked = node;

	if (depth == 1) {
		rwlock_init(&node->inode.lock);
		mutex_init(&node->copy_lock);
	} else {
		rwlock_init(&stacked->inode.lock);
		mutex_init(&stacked->copy_lock);
	}
}

/* Takes over the references when it succeeds. */
static struct overlay_node *node_alloc(struct overlay_super *super, struct dentry *dentry,
				       struct dentry *upper, const struct overlay_lower *lowers,
				       u32 lower_count)
{
	struct inode *real = dentry_inode(upper ? upper : lowers[0].dentry);
	struct overlay_node *node = kzalloc(sizeof(*node) + lower_count * sizeof(lowers[0]));

	if (!node)
		return NULL;
	if (dentry && lower_count > 0) {
		node->name = kzalloc(dentry->length / sizeof(u64) * sizeof(u64) + sizeof(u64));
		if (!node->name) {
			kfree(node);
			return NULL;
		}
		memcpy(node->name, dentry->text, dentry->length);
		node->name_length = dentry->length;
		node->parent = overlay_node(dentry_inode(dentry->parent));
		inode_get(&node->parent->inode);
	}
	inode_init(&node->inode, super->superblock, real->mode);
	init_locks(node, super->depth);
	list_init(&node->hash);
	node->inode.rdev = real->rdev;
	node->inode.flags |= INODE_NO_ATIME;
	node->upper = upper;
	node->lower_count = lower_count;
	if (lower_count > 0)
		memcpy(node->lowers, lowers, lower_count * sizeof(lowers[0]));
	set_operations(&node->inode);
	overlay_mirror(node);
	node->inode.ino = number_of(super, node);
	return node;
}

static void put_all(struct dentry *upper, const struct overlay_lower *lowers, u32 lower_count)
{
	if (upper)
		dentry_put(upper);
	for (u32 i = 0; i < lower_count; i++)
		dentry_put(lowers[i].dentry);
}

struct overlay_node *overlay_node_get(struct overlay_super *super, struct dentry *dentry,
				      struct dentry *upper, const struct overlay_lower *lowers,
				      u32 lower_count)
{
	struct inode *key = dentry_inode(upper ? upper : lowers[0].dentry);
	struct overlay_node *node, *other = NULL;

	/* The number is asked for in the layers, which sleeps; so it is made before the look. */
	node = node_alloc(super, dentry, upper, lowers, lower_count);
	if (!node) {
		put_all(upper, lowers, lower_count);
		return ERR_PTR(-ENOMEM);
	}
	spin_lock(&super->nodes_lock);
	if (dentry)
		other = find_locked(super, key, upper != NULL, dentry);
	if (!other)
		list_add(&node->hash, bucket_of(super, key));
	spin_unlock(&super->nodes_lock);
	if (!other)
		return node;
	inode_put(&node->inode);
	return other;
}

void overlay_node_rise(struct overlay_node *node, struct dentry *upper)
{
	struct overlay_super *super = overlay_super_of(node);

	spin_lock(&super->nodes_lock);
	list_remove(&node->hash);
	__atomic_store_n(&node->upper, upper, __ATOMIC_RELEASE);
	list_add(&node->hash, bucket_of(super, dentry_inode(upper)));
	spin_unlock(&super->nodes_lock);
	overlay_mirror(node);
}

void overlay_inode_destroy(struct inode *inode)
{
	struct overlay_node *node = overlay_node(inode);
	struct overlay_super *super = overlay_super_of(node);

	spin_lock(&super->nodes_lock);
	list_remove(&node->hash);
	spin_unlock(&super->nodes_lock);
	put_all(node->upper, node->lowers, node->lower_count);
	if (node->parent)
		inode_put(&node->parent->inode);
	kfree(node->name);
	read_section_free(NULL, node);
}
