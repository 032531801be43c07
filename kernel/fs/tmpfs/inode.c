/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs inodes: creation against the limits, sizes, attributes, the end.
 */
#include "fs/acl.h"
#include "fs/tmpfs/tmpfs_internal.h"
#include "fs/read_section.h"

#include "lib/string.h"
#include "mm/slab.h"

static slab_cache_t *inode_slab;
static struct file_operations tmpfs_file_ops; /* set once */

int tmpfs_inode_init(void)
{
	tmpfs_file_ops = regular_file_ops;
	tmpfs_file_ops.ioctl = tmpfs_control;
	inode_slab = slab_cache_create("tmpfs_inode", sizeof(struct tmpfs_inode), 0, NULL, NULL);
	return inode_slab ? 0 : -ENOMEM;
}

/* The page cache asks before it adds pages, and tells when some went. */
static int charge(struct page_cache *cache, long pages)
{
	const struct inode *inode = container_of(cache, struct inode, cache);
	struct tmpfs_super *super = tmpfs_super(inode->superblock);
	u64 used = __atomic_add_fetch(&super->pages, (u64)pages, __ATOMIC_RELAXED);

	if (pages > 0 && super->max_pages && used > super->max_pages) {
		__atomic_sub_fetch(&super->pages, (u64)pages, __ATOMIC_RELAXED);
		return -ENOSPC;
	}
	return 0;
}

static const struct page_cache_ops cache_ops = {.charge = charge};

static int charge_inode(struct tmpfs_super *super)
{
	u64 used = __atomic_add_fetch(&super->inodes, 1, __ATOMIC_RELAXED);

	if (!super->max_inodes || used <= super->max_inodes)
		return 0;
	__atomic_sub_fetch(&super->inodes, 1, __ATOMIC_RELAXED);
	return -ENOSPC;
}

/* Other file systems that are made of this one count files alone. */
int tmpfs_charge_name(const struct inode *inode)
{
	if (!tmpfs_is_plain(inode) || inode->nlink == 0)
		return 0;
	return charge_inode(tmpfs_super(inode->superblock));
}

void tmpfs_uncharge_name(const struct inode *inode)
{
	if (tmpfs_is_plain(inode) && !S_ISDIR(inode->mode) && inode->nlink > 1)
		__atomic_sub_fetch(&tmpfs_super(inode->superblock)->inodes, 1, __ATOMIC_RELAXED);
}

static int init_file(struct inode *inode)
{
	inode->ops = &tmpfs_file_inode_ops;
	inode->file_ops = &tmpfs_file_ops;
	inode->flags |= INODE_PAGE_CACHE;
	page_cache_init(&inode->cache, &cache_ops);
	inode->cache.shared_memory = true;
	return 0;
}

static void destroy_file(struct inode *inode)
{
	page_cache_destroy(&inode->cache);
}

const struct tmpfs_files tmpfs_plain_files = {.init = init_file, .destroy = destroy_file};

static int set_operations(struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->seals = F_SEAL_SEAL;
		return tmpfs_super(inode->superblock)->files->init(inode);
	case S_IFDIR:
		inode->ops = &tmpfs_directory_inode_ops;
		inode->file_ops = &tmpfs_directory_ops;
		inode->nlink = 2;
		break;
	default:
		inode->ops = &tmpfs_special_inode_ops;
		inode_set_special(inode);
		break;
	}
	return 0;
}

struct inode *tmpfs_inode_create(struct superblock *superblock, struct inode *directory,
				 mode_t mode, dev_t device)
{
	struct tmpfs_super *super = tmpfs_super(superblock);
	struct tmpfs_inode *node;
	int error = charge_inode(super);

	if (error)
		return ERR_PTR(error);
	node = slab_alloc_zeroed(inode_slab);
	if (!node) {
		error = -ENOMEM;
		goto uncharge;
	}
	inode_init(&node->inode, superblock, mode);
	node->inode.rdev = device;
	if (directory)
		inode_init_owner(&node->inode, directory);
	error = set_operations(&node->inode);
	if (!error && directory) {
		tmpfs_inherit_flags(node, tmpfs_inode(directory));
		error = acl_inherit(&node->inode, directory);
	}
	if (error)
		goto free;
	node->next_cookie = 1;
	node->parent = directory ? tmpfs_inode(directory) : node;
	return &node->inode;
free:
	slab_free(inode_slab, node);
uncharge:
	__atomic_sub_fetch(&super->inodes, 1, __ATOMIC_RELAXED);
	return ERR_PTR(error);
}

void tmpfs_inode_destroy(struct inode *inode)
{
	struct tmpfs_super *super = tmpfs_super(inode->superblock);

	tmpfs_forget_number(tmpfs_inode(inode));
	if (inode->flags & INODE_PAGE_CACHE)
		super->files->destroy(inode);
	if (S_ISDIR(inode->mode))
		tmpfs_directory_empty(inode);
	kfree(inode->link_text);
	__atomic_sub_fetch(&super->inodes, 1, __ATOMIC_RELAXED);
	read_section_free(inode_slab, tmpfs_inode(inode));
}

static int set_file_attributes(struct inode *inode, const struct attr_change *change)
{
	if (change->valid & ATTR_SIZE && change->size != inode_size(inode))
		page_cache_truncate(&inode->cache, (u64)change->size);
	inode_apply_change(inode, change);
	return 0;
}

const struct inode_operations tmpfs_file_inode_ops = {
	.set_attributes = set_file_attributes,
	.get_status = tmpfs_get_status,
};
const struct inode_operations tmpfs_special_inode_ops = {
	.get_status = tmpfs_get_status,
};
