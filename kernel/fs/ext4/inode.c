/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes in memory: one for each number, found in a table of the superblock.
 *
 * The table holds no references.  An inode whose last reference has gone is on its way out of the
 * table, and whoever looks for its number meanwhile makes a new one: nothing changes on the disk,
 * so two that are alike do no harm as long as nobody can reach both.
 */
#include "fs/ext4/ext4_internal.h"
#include "fs/read_section.h"

#include "fs/device.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

static slab_cache_t *inode_slab;

void ext4_inode_init(void)
{
	inode_slab = slab_cache_create("ext4_inode", sizeof(struct ext4_inode), 0, NULL, NULL);
	if (!inode_slab)
		panic("no memory for ext4");
}

static struct list_head *bucket_of(struct ext4_super *super, u64 ino)
{
	return &super->inodes[ino % EXT4_BUCKETS];
}

/* A reference, unless the last one has gone. */
static bool take(struct inode *inode)
{
	u32 refs = __atomic_load_n(&inode->refs, __ATOMIC_RELAXED);

	do {
		if (refs == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&inode->refs, &refs, refs + 1, false,
					      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

static struct inode *find_locked(struct ext4_super *super, u32 ino)
{
	struct ext4_inode *inode;

	list_for_each_entry (inode, bucket_of(super, ino), link)
		if (inode->inode.ino == ino && take(&inode->inode))
			return &inode->inode;
	return NULL;
}

/* --- From the disk --- */

static void set_attributes(struct inode *inode, const struct ext4_node *node)
{
	inode->ino = node->ino;
	inode->uid = node->uid;
	inode->gid = node->gid;
	inode->nlink = node->links;
	inode->size = (off_t)node->size;
	inode->blocks = node->sectors;
	inode->rdev = device_make(node->major, node->minor);
	inode->atime = (struct vfs_time){node->atime, node->atime_ns};
	inode->mtime = (struct vfs_time){node->mtime, node->mtime_ns};
	inode->ctime = (struct vfs_time){node->ctime, node->ctime_ns};
	inode->btime = (struct vfs_time){node->btime, node->btime_ns};
	if (node->flags & EXT4_INODE_IMMUTABLE)
		inode->flags |= INODE_IMMUTABLE;
	if (node->flags & EXT4_INODE_APPEND)
		inode->flags |= INODE_APPEND_ONLY;
	if (node->flags & EXT4_INODE_NO_ATIME)
		inode->flags |= INODE_NO_ATIME;
}

static int set_link(struct inode *inode, const struct ext4_volume *volume,
		    const struct ext4_node *node)
{
	char *text;
	int error;

	if (node->size == 0 || node->size >= PATH_MAX)
		return -EUCLEAN;
	text = kzalloc(node->size + 1);
	if (!text)
		return -ENOMEM;
	error = ext4_link_read(volume, node, text);
	if (!error && strlen(text) != node->size)
		error = -EUCLEAN;
	if (error)
		kfree(text);
	else
		inode->link_text = text;
	return error;
}

static int set_operations(struct ext4_inode *inode, const struct ext4_volume *volume)
{
	struct inode *base = &inode->inode;

	base->ops = &ext4_inode_ops;
	switch (base->mode & S_IFMT) {
	case S_IFREG:
		base->file_ops = &ext4_file_ops;
		base->flags |= INODE_PAGE_CACHE;
		page_cache_init(&base->cache, &ext4_cache_ops);
		base->cache.size = inode->node.size;
		return 0;
	case S_IFDIR:
		base->ops = &ext4_directory_inode_ops;
		base->file_ops = &ext4_directory_ops;
		return 0;
	case S_IFLNK:
		return set_link(base, volume, &inode->node);
	default:
		inode_set_special(base);
		return 0;
	}
}

/* A fresh one that is not in the table yet. */
static struct ext4_inode *read_inode(struct superblock *superblock, u32 ino)
{
	const struct ext4_volume *volume = &ext4_super(superblock)->volume;
	struct ext4_inode *inode = slab_alloc_zeroed(inode_slab);
	int error;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	error = ext4_node_read(volume, ino, &inode->node);
	if (!error) {
		inode_init(&inode->inode, superblock, inode->node.mode);
		set_attributes(&inode->inode, &inode->node);
		list_init(&inode->link);
		error = set_operations(inode, volume);
	}
	if (!error)
		return inode;
	slab_free(inode_slab, inode);
	return ERR_PTR(error);
}

struct inode *ext4_inode_get(struct superblock *superblock, u32 ino)
{
	struct ext4_super *super = ext4_super(superblock);
	struct ext4_inode *fresh;
	struct inode *found;

	spin_lock(&super->lock);
	found = find_locked(super, ino);
	spin_unlock(&super->lock);
	if (found)
		return found;
	fresh = read_inode(superblock, ino);
	if (IS_ERR(fresh))
		return ERR_PTR(PTR_ERR(fresh));
	spin_lock(&super->lock);
	found = find_locked(super, ino);
	if (!found)
		list_add(&fresh->link, bucket_of(super, ino));
	spin_unlock(&super->lock);
	if (!found)
		return &fresh->inode;
	inode_put(&fresh->inode);
	return found;
}

void ext4_inode_destroy(struct inode *inode)
{
	struct ext4_super *super = ext4_super(inode->superblock);

	spin_lock(&super->lock);
	list_remove(&ext4_inode(inode)->link);
	spin_unlock(&super->lock);
	if (inode->flags & INODE_PAGE_CACHE)
		page_cache_destroy(&inode->cache);
	kfree(inode->link_text);
	read_section_free(inode_slab, ext4_inode(inode));
}
