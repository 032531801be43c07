/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes in memory: one for each number, which is its key in the volume's table (disk_inode.h).
 *
 * One whose last reference has gone is written, or, if it has no name either, its blocks and number
 * are freed.
 */
#include "fs/acl.h"
#include "fs/ext4/ext4_internal.h"
#include "fs/read_section.h"

#include "fs/device.h"
#include "lib/log.h"
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

/* --- From the disk --- */

static void set_attributes(struct inode *inode, const struct ext4_node *node)
{
	inode->ino = node->ino;
	inode->uid = node->uid;
	inode->gid = node->gid;
	inode->nlink = node->links;
	inode->size = (off_t)node->size;
	inode->blocks = node->sectors;
	if (S_ISCHR(node->mode) || S_ISBLK(node->mode))
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

static void set_operations(struct ext4_inode *inode)
{
	struct inode *base = &inode->inode;

	base->ops = &ext4_inode_ops;
	switch (base->mode & S_IFMT) {
	case S_IFREG:
		base->ops = &ext4_file_inode_ops;
		base->file_ops = &ext4_file_ops;
		base->flags |= INODE_PAGE_CACHE;
		page_cache_init(&base->cache, &ext4_cache_ops);
		base->cache.size = inode->node.size;
		break;
	case S_IFDIR:
		base->ops = &ext4_directory_inode_ops;
		base->file_ops = &ext4_directory_ops;
		break;
	case S_IFLNK:
		break;
	default:
		inode_set_special(base);
		break;
	}
}

static struct ext4_inode *alloc(struct superblock *superblock)
{
	struct ext4_inode *inode = slab_alloc_zeroed(inode_slab);

	if (!inode)
		return NULL;
	rwlock_init(&inode->node_lock);
	mutex_init(&inode->delayed_lock);
	ext4_ranges_init(&inode->delayed, ext4_super(superblock)->volume.ops);
	disk_inode_init(&inode->disk, &ext4_super(superblock)->inodes, &inode->inode);
	return inode;
}

static int load_list(struct ext4_inode *inode, bool is_default)
{
	const struct ext4_volume *volume = &ext4_super_of(inode)->volume;
	const char *name = is_default ? ACL_DEFAULT_NAME : ACL_ACCESS_NAME;
	ssize_t size = ext4_xattr_get(volume, &inode->node, name, NULL, 0);
	void *value;
	int error;

	if (size <= 0)
		return size == -ENODATA ? 0 : (int)size;
	value = kmalloc((size_t)size);
	if (!value)
		return -ENOMEM;
	size = ext4_xattr_get(volume, &inode->node, name, value, (size_t)size);
	error = size < 0 ? (int)size : acl_load(&inode->inode, is_default, value, (size_t)size);
	kfree(value);
	return error;
}

/* Who may do what is known from the beginning: nobody has to sleep for it later. */
static int load_lists(struct ext4_inode *inode)
{
	int error = 0;

	if (!inode->node.has_attributes && inode->node.xattr_block == 0)
		return 0;
	if (!S_ISLNK(inode->node.mode))
		error = load_list(inode, false);
	if (!error && S_ISDIR(inode->node.mode))
		error = load_list(inode, true);
	return error;
}

/* A fresh one that is not in the table yet. */
static struct ext4_inode *read_inode(struct superblock *superblock, u32 ino)
{
	const struct ext4_volume *volume = &ext4_super(superblock)->volume;
	struct ext4_inode *inode = alloc(superblock);
	int error;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	error = ext4_node_read(volume, ino, &inode->node);
	if (!error) {
		inode_init(&inode->inode, superblock, inode->node.mode);
		set_attributes(&inode->inode, &inode->node);
		set_operations(inode);
		if (S_ISLNK(inode->node.mode))
			error = set_link(&inode->inode, volume, &inode->node);
		if (!error)
			error = load_lists(inode);
	}
	if (!error)
		return inode;
	ext4_inode_free(inode);
	return ERR_PTR(error);
}

struct inode *ext4_inode_get(struct superblock *superblock, u32 ino)
{
	struct disk_inodes *inodes = &ext4_super(superblock)->inodes;
	struct ext4_inode *fresh;
	struct inode *found;
	bool ending;

	while (!(found = disk_inode_find(inodes, ino, &ending)) && ending)
		disk_inode_wait(inodes, ino);
	if (found)
		return found;
	fresh = read_inode(superblock, ino);
	if (IS_ERR(fresh))
		return ERR_PTR(PTR_ERR(fresh));
	found = disk_inode_insert_unless_found(&fresh->disk, ino, &ending);
	if (!found && !ending)
		return &fresh->inode;
	/* Nobody has seen it: it goes without being written. */
	ext4_inode_free(fresh);
	return found ? found : ext4_inode_get(superblock, ino);
}

/* --- New ones --- */

struct ext4_inode *ext4_inode_alloc(struct superblock *superblock, struct inode *directory,
				    mode_t mode)
{
	struct ext4_inode *inode = alloc(superblock);

	if (!inode)
		return NULL;
	inode_init(&inode->inode, superblock, mode);
	inode_init_owner(&inode->inode, directory);
	if (acl_inherit(&inode->inode, directory)) {
		ext4_inode_free(inode);
		return NULL;
	}
	return inode;
}

void ext4_inode_insert(struct ext4_inode *inode)
{
	set_attributes(&inode->inode, &inode->node);
	set_operations(inode);
	disk_inode_insert(&inode->disk, inode->node.ino);
}

void ext4_inode_free(struct ext4_inode *inode)
{
	if (inode->inode.flags & INODE_PAGE_CACHE)
		page_cache_destroy(&inode->inode.cache);
	ext4_ranges_clear(&inode->delayed);
	kfree(inode->inode.link_text);
	acl_release(&inode->inode);
	read_section_free(inode_slab, inode);
}

/* --- The end --- */

/* Is there anything to do on the disk? */
static bool has_work(struct disk_inode *disk)
{
	struct ext4_inode *inode = ext4_inode_of_disk(disk);

	if (!ext4_is_writable(ext4_super_of(inode)))
		return false;
	return inode->inode.nlink == 0 || disk_inode_is_dirty(disk) || ext4_inode_differs(inode);
}

static void finish_on_disk(struct ext4_inode *inode)
{
	struct ext4_super *super = ext4_super_of(inode);
	int error;

	if (inode->inode.nlink == 0) {
		ext4_node_take(inode);
		error = ext4_node_end(&super->volume, &inode->node, (u64)vfs_now().seconds);
	} else {
		error = disk_inode_write(&inode->disk);
	}
	if (error && !ext4_transaction_aborted(&super->volume))
		log_error("ext4: %s: inode %lu was not written: error %d", super->device->name,
			  (unsigned long)inode->inode.ino, -error);
}

static void end_inode(struct disk_inode *disk)
{
	struct ext4_inode *inode = ext4_inode_of_disk(disk);

	if (has_work(disk))
		finish_on_disk(inode);
	ext4_delayed_done(inode, 0, UINT64_MAX / PAGE_SIZE);
	disk_inode_gone(disk);
	ext4_inode_free(inode);
}

void ext4_inode_destroy(struct inode *base)
{
	disk_inode_destroy(&ext4_inode(base)->disk);
}

static int flush_inode(struct disk_inode *disk)
{
	return ext4_inode_flush(ext4_inode_of_disk(disk));
}

static bool has_failed(struct disk_inodes *inodes)
{
	return ext4_transaction_aborted(&container_of(inodes, struct ext4_super, inodes)->volume);
}

const struct disk_inodes_ops ext4_inodes_ops = {.name = "ext4",
						.thread_name = "ext4-write-back",
						.flush = flush_inode,
						.end = end_inode,
						.has_work = has_work,
						.has_failed = has_failed};
