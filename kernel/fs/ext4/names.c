/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories and what inodes tell of themselves, as the VFS wants it.
 */
#include "fs/ext4/ext4_internal.h"

#include "lib/string.h"

/* --- Directories --- */

static int lookup(struct inode *directory, struct dentry *dentry)
{
	const struct ext4_volume *volume = &ext4_super(directory->superblock)->volume;
	struct inode *inode;
	u32 ino;
	int error = ext4_directory_find(volume, &ext4_inode(directory)->node, dentry->text,
					dentry->length, &ino);

	if (error)
		return error == -ENOENT ? 0 : error;
	inode = ext4_inode_get(directory->superblock, ino);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	dentry_instantiate(dentry, inode);
	return 0;
}

static bool emit_entry(void *argument, u64 position, const char *name, u32 length, u32 ino, u8 type)
{
	/* From the disk's types to those of getdents(2). */
	static const u8 types[EXT4_TYPES] = {0,
					     S_IFREG >> 12,
					     S_IFDIR >> 12,
					     S_IFCHR >> 12,
					     S_IFBLK >> 12,
					     S_IFIFO >> 12,
					     S_IFSOCK >> 12,
					     S_IFLNK >> 12};
	struct dir_context *context = argument;

	context->position = (off_t)position;
	return dir_emit(context, name, length, ino, types[type]);
}

static int readdir(struct file *file, struct dir_context *context)
{
	const struct ext4_volume *volume = &ext4_super(file->inode->superblock)->volume;
	u64 position = (u64)context->position;
	int error;

	if (context->position < 0)
		return 0;
	error = ext4_directory_list(volume, &ext4_inode(file->inode)->node, &position, emit_entry,
				    context);
	context->position = (off_t)position;
	return error;
}

static off_t seek_directory(struct file *file, off_t offset, int whence)
{
	off_t position = offset;

	if (whence == SEEK_CUR)
		position += file->position;
	else if (whence == SEEK_END)
		position += inode_size(file->inode);
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (position < 0)
		return -EINVAL;
	file->position = position;
	return position;
}

/* Nothing is ever dirty. */
static int sync_directory(struct file *file __unused, off_t start __unused, off_t end __unused,
			  bool data_only __unused)
{
	return 0;
}

const struct file_operations ext4_directory_ops = {
	.readdir = readdir,
	.seek = seek_directory,
	.fsync = sync_directory,
};

/* --- Attributes --- */

static int get_status(const struct path *path __unused, struct inode *inode,
		      struct file_status *status)
{
	status->has_btime = ext4_inode(inode)->node.has_btime;
	status->blocks = inode->blocks;
	return 0;
}

static ssize_t get_xattr(struct inode *inode, const char *name, void *value, size_t size)
{
	return ext4_xattr_get(&ext4_super(inode->superblock)->volume, &ext4_inode(inode)->node,
			      name, value, size);
}

static int list_xattrs(struct inode *inode, void (*function)(void *context, const char *name),
		       void *context)
{
	return ext4_xattr_list(&ext4_super(inode->superblock)->volume, &ext4_inode(inode)->node,
			       function, context);
}

const struct inode_operations ext4_directory_inode_ops = {
	.lookup = lookup,
	.get_status = get_status,
	.get_xattr = get_xattr,
	.list_xattrs = list_xattrs,
};
const struct inode_operations ext4_inode_ops = {
	.get_status = get_status,
	.get_xattr = get_xattr,
	.list_xattrs = list_xattrs,
};
