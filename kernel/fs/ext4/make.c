/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, linking, renaming and removing names, as the VFS wants it: operations.h does it on the
 * disk, here the inodes in memory follow.
 *
 * The VFS holds the directories' locks.  Times are set before the operation and written with it.
 */
#include "fs/acl.h"
#include "fs/device.h"
#include "fs/ext4/ext4_internal.h"
#include "fs/ext4/operations.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

enum { CREDITS = 2 * EXT4_CREDITS_NAME + 6 * EXT4_CREDITS_NODE };

static struct ext4_entry entry_of(struct inode *directory, const struct dentry *dentry)
{
	return (struct ext4_entry){&ext4_inode(directory)->node, dentry->text, dentry->length};
}

static bool is_writable(const struct inode *inode)
{
	return ext4_is_writable(ext4_super(inode->superblock));
}

/* --- Making --- */

/* Makes the inode that was prepared, named by `dentry` or not at all. */
static int make(struct inode *directory, const struct dentry *dentry, struct ext4_inode *inode,
		dev_t device)
{
	struct ext4_super *super = ext4_super(directory->superblock);
	struct inode *base = &inode->inode, *const operands[] = {directory};
	struct ext4_fresh fresh = {
		.mode = base->mode,
		.uid = base->uid,
		.gid = base->gid,
		.major = device_major(device),
		.minor = device_minor(device),
		.text = base->link_text,
		.seconds = base->btime.seconds,
		.nanoseconds = base->btime.nanoseconds,
		.parent = &ext4_inode(directory)->node,
	};
	struct ext4_operation operation;
	struct ext4_entry entry;
	int error;

	if (base->acl) {
		fresh.acl = acl_value(base->acl);
		fresh.acl_size = acl_value_size(base->acl);
	}
	if (base->default_acl) {
		fresh.default_acl = acl_value(base->default_acl);
		fresh.default_acl_size = acl_value_size(base->default_acl);
	}
	if (dentry) {
		entry = entry_of(directory, dentry);
		fresh.entry = &entry;
		inode_touch(directory, ATTR_MTIME | ATTR_CTIME);
	}
	error = ext4_operation_begin(&operation, super, CREDITS, operands, 1);
	if (error)
		return error;
	error = ext4_create(&super->volume, &fresh, &inode->node);
	inode->sequence = inode->data_sequence = ext4_handle_sequence(operation.handle);
	/* Others find it as soon as the directory does not. */
	if (!error)
		ext4_inode_insert(inode);
	return ext4_operation_finish(&operation, error);
}

static int make_named(struct inode *directory, struct dentry *dentry, mode_t mode, dev_t device,
		      const char *text)
{
	struct ext4_inode *inode;
	int error;

	if (!is_writable(directory))
		return -EROFS;
	inode = ext4_inode_alloc(directory->superblock, directory, mode);
	if (!inode)
		return -ENOMEM;
	if (text) {
		inode->inode.link_text = kstrdup(text);
		error = inode->inode.link_text ? 0 : -ENOMEM;
	} else {
		error = 0;
	}
	if (!error)
		error = make(directory, dentry, inode, device);
	if (!error)
		dentry_instantiate(dentry, &inode->inode);
	else if (list_empty(&inode->disk.link))
		ext4_inode_free(inode);
	else
		inode_put(&inode->inode);
	return error;
}

int ext4_vfs_create(struct inode *directory, struct dentry *dentry, mode_t mode, dev_t device)
{
	return make_named(directory, dentry, mode, device, NULL);
}

int ext4_vfs_mkdir(struct inode *directory, struct dentry *dentry, mode_t mode)
{
	return make_named(directory, dentry, mode, 0, NULL);
}

int ext4_vfs_symlink(struct inode *directory, struct dentry *dentry, const char *target)
{
	return make_named(directory, dentry, S_IFLNK | S_IRWXUGO, 0, target);
}

int ext4_vfs_tmpfile(struct inode *directory, mode_t mode, struct inode **result)
{
	struct ext4_inode *inode;
	int error;

	if (!is_writable(directory))
		return -EROFS;
	inode = ext4_inode_alloc(directory->superblock, directory, mode);
	if (!inode)
		return -ENOMEM;
	error = make(directory, NULL, inode, 0);
	if (!error)
		*result = &inode->inode;
	else if (list_empty(&inode->disk.link))
		ext4_inode_free(inode);
	else
		inode_put(&inode->inode);
	return error;
}

/* --- Names --- */

typedef int (*operation_t)(struct ext4_volume *volume, const struct ext4_entry *entry,
			   struct ext4_node *node);

static int change_name(struct inode *directory, const struct dentry *dentry, struct inode *inode,
		       operation_t operate)
{
	struct ext4_super *super = ext4_super(directory->superblock);
	struct inode *const operands[] = {directory, inode};
	struct ext4_entry entry = entry_of(directory, dentry);
	struct ext4_operation operation;
	int error;

	if (!is_writable(directory))
		return -EROFS;
	inode_touch(directory, ATTR_MTIME | ATTR_CTIME);
	inode_touch(inode, ATTR_CTIME);
	error = ext4_operation_begin(&operation, super, CREDITS, operands, 2);
	if (error)
		return error;
	error = operate(&super->volume, &entry, &ext4_inode(inode)->node);
	return ext4_operation_finish(&operation, error);
}

int ext4_vfs_link(struct inode *directory, struct dentry *dentry, struct inode *inode)
{
	int error = change_name(directory, dentry, inode, ext4_link);

	if (error)
		return error;
	inode->flags &= ~(u32)INODE_LINKABLE;
	dentry_instantiate(dentry, inode_get(inode));
	return 0;
}

int ext4_vfs_unlink(struct inode *directory, struct dentry *dentry)
{
	return change_name(directory, dentry, dentry_inode(dentry), ext4_unlink);
}

int ext4_vfs_rmdir(struct inode *directory, struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);
	int empty = ext4_directory_is_empty(&ext4_super(directory->superblock)->volume,
					    &ext4_inode(inode)->node);

	if (empty <= 0)
		return empty ? empty : -ENOTEMPTY;
	return change_name(directory, dentry, inode, ext4_rmdir);
}

/* --- Renaming --- */

/* A whiteout, which nothing names yet. */
static int make_whiteout(struct ext4_super *super, struct inode *directory, struct ext4_node *node)
{
	struct vfs_time now = vfs_now();
	struct ext4_fresh fresh = {
		.mode = S_IFCHR,
		.uid = directory->uid,
		.gid = directory->gid,
		.parent = &ext4_inode(directory)->node,
		.seconds = now.seconds,
		.nanoseconds = now.nanoseconds,
	};
	struct inode *const operands[] = {directory};
	struct ext4_operation operation;
	int error = ext4_operation_begin(&operation, super, CREDITS, operands, 1);

	if (error)
		return error;
	return ext4_operation_finish(&operation, ext4_create(&super->volume, &fresh, node));
}

static int rename_locked(struct ext4_super *super, struct ext4_rename *rename,
			 struct inode *const *operands)
{
	struct ext4_operation operation;
	int error;

	inode_touch(operands[0], ATTR_MTIME | ATTR_CTIME);
	inode_touch(operands[1], ATTR_MTIME | ATTR_CTIME);
	inode_touch(operands[2], ATTR_CTIME);
	if (operands[3])
		inode_touch(operands[3], ATTR_CTIME);
	error = ext4_operation_begin(&operation, super, CREDITS, operands, 4);
	if (error)
		return error;
	error = ext4_rename(&super->volume, rename);
	return ext4_operation_finish(&operation, error);
}

int ext4_vfs_rename(struct inode *from_directory, struct dentry *from, struct inode *to_directory,
		    struct dentry *to, unsigned flags)
{
	struct ext4_super *super = ext4_super(from_directory->superblock);
	struct inode *moved = dentry_inode(from), *target = dentry_inode(to);
	struct inode *const operands[] = {from_directory, to_directory, moved, target};
	struct ext4_rename rename = {
		.from = entry_of(from_directory, from),
		.to = entry_of(to_directory, to),
		.moved = &ext4_inode(moved)->node,
		.target = target ? &ext4_inode(target)->node : NULL,
		.exchange = flags & RENAME_EXCHANGE,
	};
	struct ext4_node whiteout;
	int error = 0, ended;

	if (!is_writable(from_directory))
		return -EROFS;
	if (target && S_ISDIR(target->mode) && !rename.exchange) {
		int empty = ext4_directory_is_empty(&super->volume, rename.target);

		if (empty <= 0)
			return empty ? empty : -ENOTEMPTY;
	}
	/* Who writes a file anew, as another that takes its name, gets the old or the new content
	 * after a power cut, also without fsync: the data goes first. */
	if (target && S_ISREG(moved->mode) && !rename.exchange) {
		error = disk_inode_write_back(&ext4_inode(moved)->disk, 0, UINT64_MAX);
		if (error)
			return error;
	}
	if (flags & RENAME_WHITEOUT) {
		error = make_whiteout(super, from_directory, &whiteout);
		if (error)
			return error;
		whiteout.links = 1;
		rename.whiteout = &whiteout;
	}
	error = rename_locked(super, &rename, operands);
	if (!error || !rename.whiteout)
		return error;
	whiteout.links = 0;
	ended = ext4_node_end(&super->volume, &whiteout, (u64)vfs_now().seconds);
	return ended && !error ? ended : error;
}
