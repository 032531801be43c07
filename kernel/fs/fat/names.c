/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories and what files tell of themselves, as the VFS wants it.
 *
 * Owner and group are the mount's; of the mode the disk keeps whether a file may be written.  Times
 * are shown as they will be read from the disk.
 */
#include "fs/fat/fat_internal.h"

#include "lib/string.h"

/* --- Directories --- */

static ssize_t spell(struct inode *directory, const struct name *name, char *spelling)
{
	struct fat_super *super = fat_super(directory->superblock);
	struct fat_entry entry;
	u32 length = name->length;
	int error;

	fat_lock(super);
	error = fat_directory_find(&super->volume, &fat_inode(directory)->node, name->text, length,
				   &entry);
	fat_unlock(super);
	if (!error) {
		memcpy(spelling, entry.name, entry.length);
		return entry.length;
	}
	if (error != -ENOENT)
		return error;
	/* Dots at the end are not kept. */
	while (length > 0 && name->text[length - 1] == '.')
		length--;
	memcpy(spelling, name->text, length);
	return length;
}

static int lookup(struct inode *directory, struct dentry *dentry)
{
	struct fat_super *super = fat_super(directory->superblock);
	struct inode *inode = NULL;
	struct fat_entry entry;
	int error;

	do {
		if (inode)
			fat_inode_wait(super, entry.place);
		fat_lock(super);
		error = fat_directory_find(&super->volume, &fat_inode(directory)->node,
					   dentry->text, dentry->length, &entry);
		inode = error ? NULL : fat_inode_get_locked(directory->superblock, &entry);
		fat_unlock(super);
	} while (inode == ERR_PTR(-EAGAIN));
	if (error)
		return error == -ENOENT ? 0 : error;
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	dentry_instantiate(dentry, inode);
	return 0;
}

/* Behind "." and ".." a position is the byte of the directory and 2. */
static int readdir(struct file *file, struct dir_context *context)
{
	struct fat_super *super = fat_super(file->inode->superblock);
	struct fat_entry entry;
	u32 position;
	int found = 1;

	if (context->position < 0 || context->position > UINT32_MAX)
		return 0;
	if (context->position < 2 && !dir_emit_dots(file, context))
		return 0;
	position = (u32)context->position - 2;
	while (found > 0) {
		u32 type;

		fat_lock(super);
		found = fat_directory_next(&super->volume, &fat_inode(file->inode)->node, &position,
					   &entry);
		fat_unlock(super);
		if (found <= 0)
			break;
		type = (entry.slot.attributes & FAT_DIRECTORY ? S_IFDIR : S_IFREG) >> 12;
		if (!fat_is_dots(&entry) && !dir_emit(context, entry.name, entry.length,
						      fat_inode_number(super, entry.place), type))
			return 0;
		context->position = (off_t)position + 2;
	}
	return found;
}

const struct file_operations fat_directory_ops = {
	.readdir = readdir,
	.fsync = fat_fsync,
};

/* --- Attributes --- */

static int get_status(const struct path *path __unused, struct inode *inode,
		      struct file_status *status)
{
	u64 cluster_size = fat_super(inode->superblock)->volume.cluster_size;

	status->blocks = ALIGN_UP(status->size, cluster_size) / 512;
	if (inode->ino == FAT_ROOT_INO)
		return 0;
	status->mtime = (struct vfs_time){fat_round_modified(status->mtime.seconds), 0};
	status->ctime = status->mtime;
	status->atime = (struct vfs_time){fat_round_accessed(status->atime.seconds), 0};
	status->has_btime = true;
	status->btime.nanoseconds -= status->btime.nanoseconds % 10000000;
	return 0;
}

/* Read and execute bits stay as they are; files can lose all write bits, or have all of them. */
static bool can_keep_mode(const struct fat_super *super, const struct inode *inode, mode_t mode)
{
	mode_t mask =
		S_ISDIR(inode->mode) ? super->options.directory_mask : super->options.file_mask;
	mode_t write = (S_IWUSR | S_IWGRP | S_IWOTH) & ~mask;
	mode_t others = S_IRWXUGO & (mode_t) ~(S_IWUSR | S_IWGRP | S_IWOTH);

	mode &= S_IRWXUGO & ~mask;
	if ((mode & others) != (inode->mode & others))
		return false;
	return (mode & ~others) == write || (!S_ISDIR(inode->mode) && (mode & ~others) == 0);
}

/* Owners cannot be changed, nor can there be set-id bits. */
static int check_change(const struct inode *inode, const struct attr_change *change)
{
	if ((change->valid & ATTR_UID && change->uid != inode->uid) ||
	    (change->valid & ATTR_GID && change->gid != inode->gid) ||
	    (change->valid & ATTR_MODE && change->mode & S_IALLUGO & ~(mode_t)S_IRWXUGO))
		return -EPERM;
	return 0;
}

static int set_attributes(struct inode *base, const struct attr_change *wanted)
{
	struct fat_inode *inode = fat_inode(base);
	struct fat_super *super = fat_super_of(inode);
	struct attr_change change = *wanted;
	int error;

	if (!fat_is_writable(super))
		return -EROFS;
	if (change.valid & ATTR_SIZE && !(base->flags & INODE_PAGE_CACHE))
		return -EINVAL;
	error = check_change(base, &change);
	if (error)
		return super->options.quiet ? 0 : error;
	/* What cannot be kept is passed over, as Linux does. */
	if (change.valid & ATTR_MODE && !can_keep_mode(super, base, change.mode))
		change.valid &= ~(u32)ATTR_MODE;
	change.mode &= S_IRWXUGO & ~(S_ISDIR(base->mode) ? super->options.directory_mask
							 : super->options.file_mask);
	if (change.valid & ATTR_SIZE)
		error = fat_resize(inode, (u64)change.size);
	if (error)
		return error;
	inode_apply_change(base, &change);
	return fat_inode_flush(inode);
}

const struct inode_operations fat_directory_inode_ops = {
	.spell = spell,
	.lookup = lookup,
	.create = fat_vfs_create,
	.mkdir = fat_vfs_mkdir,
	.unlink = fat_vfs_unlink,
	.rmdir = fat_vfs_rmdir,
	.rename = fat_vfs_rename,
	.set_attributes = set_attributes,
	.get_status = get_status,
};
const struct inode_operations fat_file_inode_ops = {
	.set_attributes = set_attributes,
	.get_status = get_status,
	.prepare_write = fat_prepare_write,
	.direct = true,
};
