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
	if (whence != SEEK_END)
		return file_seek_directory(file, offset, whence);
	return file_seek_directory(file, inode_size(file->inode) + offset, SEEK_SET);
}

const struct file_operations ext4_directory_ops = {
	.readdir = readdir,
	.seek = seek_directory,
	.fsync = ext4_fsync,
	.ioctl = ext4_control,
};

/* --- Attributes --- */

static int get_status(const struct path *path __unused, struct inode *base,
		      struct file_status *status)
{
	struct ext4_inode *inode = ext4_inode(base);

	status->has_btime = inode->node.has_btime;
	status_take_flags(status, READ_ONCE(inode->node.flags),
			  STATX_ATTR_COMPRESSED | STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND |
				  STATX_ATTR_NODUMP | STATX_ATTR_ENCRYPTED | STATX_ATTR_VERITY);
	status->blocks = base->blocks;
	if (base->flags & INODE_PAGE_CACHE)
		status->blocks += ext4_delayed_sectors(inode);
	return 0;
}

static ssize_t get_xattr(struct inode *base, const char *name, void *value, size_t size)
{
	struct ext4_inode *inode = ext4_inode(base);
	ssize_t result;

	rwlock_read_lock(&inode->node_lock);
	result = ext4_xattr_get(&ext4_super_of(inode)->volume, &inode->node, name, value, size);
	rwlock_read_unlock(&inode->node_lock);
	return result;
}

static int list_xattrs(struct inode *base, void (*function)(void *context, const char *name),
		       void *context)
{
	struct ext4_inode *inode = ext4_inode(base);
	int result;

	rwlock_read_lock(&inode->node_lock);
	result = ext4_xattr_list(&ext4_super_of(inode)->volume, &inode->node, function, context);
	rwlock_read_unlock(&inode->node_lock);
	return result;
}

static int set_xattr(struct inode *base, const char *name, const void *value, size_t size,
		     int flags)
{
	struct ext4_inode *inode = ext4_inode(base);
	struct ext4_super *super = ext4_super_of(inode);
	struct inode *const operands[] = {base};
	struct ext4_operation operation;
	int error;

	if (!ext4_is_writable(super))
		return -EROFS;
	error = ext4_operation_begin(&operation, super, EXT4_CREDITS_MAP + EXT4_CREDITS_NODE,
				     operands, 1);
	if (error)
		return error;
	error = ext4_xattr_set(operation.handle, &super->volume, &inode->node, name, value, size,
			       (u32)flags);
	if (!error) {
		inode_touch(base, ATTR_CTIME);
		ext4_node_take(inode);
		error = ext4_node_write(operation.handle, &super->volume, &inode->node, false);
	}
	return ext4_operation_finish(&operation, error);
}

const struct inode_operations ext4_directory_inode_ops = {
	.lookup = lookup,
	.create = ext4_vfs_create,
	.mkdir = ext4_vfs_mkdir,
	.symlink = ext4_vfs_symlink,
	.link = ext4_vfs_link,
	.unlink = ext4_vfs_unlink,
	.rmdir = ext4_vfs_rmdir,
	.rename = ext4_vfs_rename,
	.tmpfile = ext4_vfs_tmpfile,
	.set_attributes = ext4_set_attributes,
	.get_status = get_status,
	.get_xattr = get_xattr,
	.list_xattrs = list_xattrs,
	.set_xattr = set_xattr,
};
const struct inode_operations ext4_file_inode_ops = {
	.set_attributes = ext4_set_attributes,
	.get_status = get_status,
	.get_xattr = get_xattr,
	.list_xattrs = list_xattrs,
	.set_xattr = set_xattr,
	.prepare_write = ext4_prepare_write,
	.direct = true,
	.write_direct = ext4_write_direct,
	.swap_extents = ext4_swap_extents,
};
const struct inode_operations ext4_inode_ops = {
	.set_attributes = ext4_set_attributes,
	.get_status = get_status,
	.get_xattr = get_xattr,
	.list_xattrs = list_xattrs,
	.set_xattr = set_xattr,
};
