/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the host in memory: one inode for each qid, found in a table of the superblock.
 *
 * The table holds no references.  A number that the host has given to a file of another type is
 * another file: the old inode leaves the table, and lives on for those who have it.
 */
#include "fs/9p/p9_internal.h"
#include "fs/read_section.h"

#include "fs/device.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

static slab_cache_t *inode_slab;

void p9_inode_init(void)
{
	inode_slab = slab_cache_create("p9_inode", sizeof(struct p9_inode), 0, NULL, NULL);
	if (!inode_slab)
		panic("no memory for 9p");
}

static struct list_head *bucket_of(struct p9_super *super, u64 path)
{
	return &super->inodes[path % P9_BUCKETS];
}

/* The inode of that number and type, with a reference; forgets one of another type. */
static struct p9_inode *find_locked(struct p9_super *super, const struct p9_attributes *attributes)
{
	struct p9_inode *inode;

	list_for_each_entry (inode, bucket_of(super, attributes->qid.path), link) {
		if (inode->inode.ino != attributes->qid.path)
			continue;
		if ((inode->inode.mode ^ attributes->mode) & S_IFMT) {
			list_remove(&inode->link);
			return NULL;
		}
		if (inode_try_get(&inode->inode))
			return inode;
	}
	return NULL;
}

/* --- Attributes --- */

static void set_attributes(struct inode *inode, const struct p9_attributes *attributes)
{
	spin_lock(&inode->attribute_lock);
	inode->mode = (inode->mode & S_IFMT) | (attributes->mode & S_IALLUGO);
	inode->uid = attributes->uid;
	inode->gid = attributes->gid;
	inode->nlink = (u32)attributes->links;
	inode->blocks = attributes->blocks;
	inode->atime = p9_vfs_time(attributes->atime);
	inode->mtime = p9_vfs_time(attributes->mtime);
	inode->ctime = p9_vfs_time(attributes->ctime);
	spin_unlock(&inode->attribute_lock);
}

/* The file is as long as the server says, unless we know better.  inode->lock held for writing. */
static void set_size(struct inode *inode, u64 size)
{
	if (size > (u64)inode->superblock->max_size)
		size = (u64)inode->superblock->max_size;
	if (!(inode->flags & INODE_PAGE_CACHE))
		WRITE_ONCE(inode->size, (off_t)size);
	else if (size != page_cache_size(&inode->cache) &&
		 page_cache_dirty_pages(&inode->cache) == 0)
		page_cache_truncate(&inode->cache, size);
}

struct p9_fid *p9_inode_fid(struct inode *inode)
{
	struct p9_super *super = p9_super(inode->superblock);
	struct p9_fid *fid;

	spin_lock(&super->lock);
	fid = p9_fid_get(p9_inode(inode)->fid);
	spin_unlock(&super->lock);
	return fid;
}

int p9_inode_refresh(struct inode *inode, struct p9_attributes *status)
{
	struct p9_attributes attributes;
	struct p9_fid *fid = p9_inode_fid(inode);
	int error;

	/* So that no write of ours comes between question and answer. */
	rwlock_write_lock(&inode->lock);
	error = p9_get_attributes(fid, &attributes);
	if (!error) {
		set_attributes(inode, &attributes);
		set_size(inode, attributes.size);
		if (status)
			*status = attributes;
	}
	rwlock_write_unlock(&inode->lock);
	p9_fid_put(fid);
	return error;
}

/* --- Making them --- */

static int set_link(struct inode *inode, struct p9_fid *fid)
{
	char *text = kmalloc(PATH_MAX);
	ssize_t length;

	if (!text)
		return -ENOMEM;
	length = p9_read_link(fid, text, PATH_MAX);
	if (length >= 0 && strlen(text) != (size_t)length)
		length = -EPROTO;
	if (length < 0)
		kfree(text);
	else
		inode->link_text = text;
	return length < 0 ? (int)length : 0;
}

static int set_operations(struct p9_inode *inode, const struct p9_attributes *attributes)
{
	struct inode *base = &inode->inode;

	base->ops = &p9_inode_ops;
	switch (base->mode & S_IFMT) {
	case S_IFREG:
		base->file_ops = &p9_file_ops;
		base->flags |= INODE_PAGE_CACHE;
		page_cache_init(&base->cache, &p9_cache_ops);
		base->cache.size = MIN(attributes->size, (u64)base->superblock->max_size);
		return 0;
	case S_IFDIR:
		base->ops = &p9_directory_inode_ops;
		base->file_ops = &p9_directory_ops;
		return 0;
	case S_IFLNK:
		return set_link(base, inode->fid);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		inode_set_special(base);
		return 0;
	default:
		return -EPROTO;
	}
}

/* One that is not in the table yet; the fid's reference is its own, unless it fails. */
static struct p9_inode *make_inode(struct superblock *superblock, struct p9_fid *fid,
				   const struct p9_attributes *attributes)
{
	struct p9_inode *inode = slab_alloc_zeroed(inode_slab);
	struct inode *base;
	int error;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	base = &inode->inode;
	inode_init(base, superblock, attributes->mode);
	base->ino = attributes->qid.path;
	base->rdev = (dev_t)attributes->rdev;
	base->size = (off_t)MIN(attributes->size, (u64)superblock->max_size);
	set_attributes(base, attributes);
	inode->fid = fid;
	list_init(&inode->link);
	mutex_init(&inode->open_lock);
	mutex_init(&inode->write_back_lock);
	inode->cached_mtime = base->mtime;
	error = set_operations(inode, attributes);
	if (!error)
		return inode;
	slab_free(inode_slab, inode);
	return ERR_PTR(error);
}

/* The inode that is there asks by another name from now on. */
static struct inode *rename_inode(struct p9_inode *inode, struct p9_fid *fid,
				  const struct p9_attributes *attributes)
{
	struct p9_super *super = p9_super(inode->inode.superblock);
	struct p9_fid *before;

	spin_lock(&super->lock);
	before = inode->fid;
	inode->fid = fid;
	spin_unlock(&super->lock);
	p9_fid_put(before);
	set_attributes(&inode->inode, attributes);
	return &inode->inode;
}

struct inode *p9_inode_find(struct superblock *superblock, struct p9_fid *fid)
{
	struct p9_super *super = p9_super(superblock);
	struct p9_inode *found, *fresh;
	struct p9_attributes attributes;
	int error = p9_get_attributes(fid, &attributes);

	if (error)
		goto fail;
	spin_lock(&super->lock);
	found = find_locked(super, &attributes);
	spin_unlock(&super->lock);
	if (found)
		return rename_inode(found, fid, &attributes);
	fresh = make_inode(superblock, fid, &attributes);
	if (IS_ERR(fresh)) {
		error = (int)PTR_ERR(fresh);
		goto fail;
	}
	spin_lock(&super->lock);
	found = find_locked(super, &attributes);
	if (!found)
		list_add(&fresh->link, bucket_of(super, attributes.qid.path));
	spin_unlock(&super->lock);
	if (!found)
		return &fresh->inode;
	inode_put(&fresh->inode);
	return &found->inode;
fail:
	p9_fid_put(fid);
	return ERR_PTR(error);
}

void p9_inode_destroy(struct inode *inode)
{
	struct p9_super *super = p9_super(inode->superblock);

	spin_lock(&super->lock);
	list_remove(&p9_inode(inode)->link);
	spin_unlock(&super->lock);
	if (inode->flags & INODE_PAGE_CACHE)
		page_cache_destroy(&inode->cache);
	p9_fid_put(p9_inode(inode)->fid);
	kfree(inode->link_text);
	read_section_free(inode_slab, p9_inode(inode));
}

/* --- All of them --- */

/* One with dirty pages that the pass has not come by, referenced, or NULL. */
static struct inode *next_dirty(struct p9_super *super, u32 pass)
{
	struct inode *found = NULL;
	struct p9_inode *inode;

	spin_lock(&super->lock);
	for (u32 i = 0; i < P9_BUCKETS && !found; i++) {
		list_for_each_entry (inode, &super->inodes[i], link) {
			if (inode->sync_pass == pass || !S_ISREG(inode->inode.mode) ||
			    page_cache_dirty_pages(&inode->inode.cache) == 0 ||
			    !inode_try_get(&inode->inode))
				continue;
			inode->sync_pass = pass;
			found = &inode->inode;
			break;
		}
	}
	spin_unlock(&super->lock);
	return found;
}

int p9_sync_all(struct superblock *superblock)
{
	struct p9_super *super = p9_super(superblock);
	struct inode *inode;
	int first = 0;
	u32 pass;

	spin_lock(&super->lock);
	pass = ++super->sync_pass;
	spin_unlock(&super->lock);
	while ((inode = next_dirty(super, pass)) != NULL) {
		int error = p9_write_back(inode, 0, UINT64_MAX);

		if (!first)
			first = error;
		inode_put(inode);
	}
	return first;
}
