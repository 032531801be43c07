/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, renaming and removing names, as the VFS wants it.  It holds the directories' locks.
 */
#include "fs/fat/fat_internal.h"

static void touch(struct inode *directory)
{
	inode_touch(directory, ATTR_MTIME | ATTR_CTIME);
}

/* --- Making --- */

static int make(struct inode *directory, struct dentry *dentry, bool is_directory)
{
	struct fat_super *super = fat_super(directory->superblock);
	struct fat_inode *inode, *parent = fat_inode(directory);
	int error;

	if (!fat_is_writable(super))
		return -EROFS;
	inode = fat_inode_alloc(directory->superblock, is_directory);
	if (!inode)
		return -ENOMEM;
	fat_lock(super);
	error = fat_make(&super->volume, &parent->node, dentry->text, dentry->length, &inode->node);
	if (!error) {
		fat_inode_place(inode);
		touch(directory);
		error = fat_inode_store_locked(parent);
		if (parent->node.chain.start != 0)
			WRITE_ONCE(directory->size,
				   (off_t)parent->node.chain.known << super->volume.cluster_shift);
	}
	fat_unlock(super);
	if (inode->node.place == 0) {
		fat_inode_free(inode);
		return error;
	}
	if (is_directory) {
		inode->inode.size = super->volume.cluster_size;
		inode_change_nlink(directory, 1);
	}
	dentry_instantiate(dentry, &inode->inode);
	dentry_hash(dentry);
	return 0;
}

int fat_vfs_create(struct inode *directory, struct dentry *dentry, mode_t mode,
		   dev_t device __unused)
{
	return S_ISREG(mode) ? make(directory, dentry, false) : -EPERM;
}

int fat_vfs_mkdir(struct inode *directory, struct dentry *dentry, mode_t mode __unused)
{
	return make(directory, dentry, true);
}

/* --- Removing --- */

/* It has no name any more. */
static void unnamed(struct fat_inode *inode)
{
	fat_inode_place(inode);
	inode_change_nlink(&inode->inode, -(int)inode->inode.nlink);
}

static int remove(struct inode *directory, const struct dentry *dentry)
{
	struct fat_super *super = fat_super(directory->superblock);
	struct fat_inode *inode = fat_inode(dentry_inode(dentry)), *parent = fat_inode(directory);
	int error;

	if (!fat_is_writable(super))
		return -EROFS;
	fat_lock(super);
	error = fat_unmake(&super->volume, &parent->node, dentry->text, dentry->length,
			   &inode->node);
	if (!error) {
		unnamed(inode);
		touch(directory);
		error = fat_inode_store_locked(parent);
	}
	fat_unlock(super);
	return error;
}

int fat_vfs_unlink(struct inode *directory, struct dentry *dentry)
{
	return remove(directory, dentry);
}

static int check_empty(struct inode *directory)
{
	struct fat_super *super = fat_super(directory->superblock);
	int empty;

	fat_lock(super);
	empty = fat_directory_is_empty(&super->volume, &fat_inode(directory)->node);
	fat_unlock(super);
	return empty > 0 ? 0 : empty < 0 ? empty : -ENOTEMPTY;
}

int fat_vfs_rmdir(struct inode *directory, struct dentry *dentry)
{
	int error = check_empty(dentry_inode(dentry));

	if (!error)
		error = remove(directory, dentry);
	if (!error)
		inode_change_nlink(directory, -1);
	return error;
}

/* --- Renaming --- */

static void count_directories(struct inode *from, struct inode *to, bool moved, bool replaced)
{
	if (moved && from != to) {
		inode_change_nlink(from, -1);
		inode_change_nlink(to, 1);
	}
	if (replaced)
		inode_change_nlink(to, -1);
}

int fat_vfs_rename(struct inode *from_directory, struct dentry *from, struct inode *to_directory,
		   struct dentry *to, unsigned flags)
{
	struct fat_super *super = fat_super(from_directory->superblock);
	struct fat_inode *moved = fat_inode(dentry_inode(from));
	struct inode *target = dentry_inode(to);
	struct fat_rename rename = {
		.from = &fat_inode(from_directory)->node,
		.to = &fat_inode(to_directory)->node,
		.from_name = from->text,
		.to_name = to->text,
		.from_length = from->length,
		.to_length = to->length,
		.moved = &moved->node,
		.target = target ? &fat_inode(target)->node : NULL,
	};
	int error = 0;

	/* Two names cannot change places at once. */
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return -EINVAL;
	if (!fat_is_writable(super))
		return -EROFS;
	if (target && S_ISDIR(target->mode))
		error = check_empty(target);
	/* Who writes a file anew, as another that takes its name, gets the old or the new content
	 * after a power cut, also without fsync: the data goes first. */
	if (!error && target && S_ISREG(target->mode))
		error = disk_inode_write_back(&moved->disk, 0, UINT64_MAX);
	if (error)
		return error;
	fat_lock(super);
	error = fat_rename(&super->volume, &rename);
	if (!error) {
		fat_inode_place(moved);
		if (target)
			unnamed(fat_inode(target));
		touch(from_directory);
		touch(to_directory);
		error = fat_inode_store_locked(fat_inode(from_directory));
		if (!error)
			error = fat_inode_store_locked(fat_inode(to_directory));
		count_directories(from_directory, to_directory, S_ISDIR(moved->inode.mode),
				  target && S_ISDIR(target->mode));
	}
	fat_unlock(super);
	return error;
}
