/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nsfs: files that stand for namespaces: what /proc/PID/ns/ leads to, setns(2) takes, and can be
 * mounted on a name.
 *
 * An inode holds a reference on its namespace.  Each look makes a new inode, with the namespace's
 * number, so that stat(2) says which are the same.
 */
#include "fs/fs_internal.h"

#include "fs/nsfs.h"
#include "lib/format.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/pid_namespace.h"
#include "proc/user_namespace.h"

#define NSFS_MAGIC 0x6e736673

enum ns_ioctl {
	NS_GET_USERNS = 0xb701,
	NS_GET_PARENT = 0xb702,
	NS_GET_NSTYPE = 0xb703,
	NS_GET_OWNER_UID = 0xb704,
};

static struct mount *nsfs_mount; /* set once */
static const struct file_operations nsfs_operations;

struct namespace *nsfs_namespace(const struct inode *inode)
{
	return inode && inode->file_ops == &nsfs_operations ? inode->private : NULL;
}

struct namespace *nsfs_namespace_of_file(const struct file *file)
{
	return nsfs_namespace(file->inode);
}

int nsfs_path(struct namespace *space, struct path *path)
{
	struct inode *inode = inode_alloc(nsfs_mount->superblock, S_IFREG | S_IRUGO);

	if (!inode) {
		namespace_put(space);
		return -ENOMEM;
	}
	inode->ino = space->number;
	inode->uid = inode->gid = 0;
	inode->file_ops = &nsfs_operations;
	inode->private = space;
	path->mount = nsfs_mount;
	path->dentry = dentry_alloc_root(nsfs_mount->superblock, inode);
	if (!path->dentry) {
		inode_put(inode);
		return -ENOMEM;
	}
	mount_get(nsfs_mount);
	return 0;
}

/* --- ioctl_ns(2) --- */

/* A descriptor of another namespace; takes over the reference. */
static long open_namespace(struct namespace *space)
{
	struct path path;
	int error = nsfs_path(space, &path);
	struct file *file;

	if (error)
		return error;
	file = file_open_made(&path, O_RDONLY, true);
	path_put(&path);
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, O_CLOEXEC);
}

/* Those that current is not in, nor above, are nothing to it. */
static long open_owner(struct user_namespace *owner)
{
	if (!owner || !user_namespace_is_below(owner, current_credentials()->user_namespace))
		return -EPERM;
	return open_namespace(namespace_get(&owner->base));
}

static long open_parent(struct namespace *space)
{
	if (space->kind == NAMESPACE_USER)
		return open_owner(user_namespace_of(space)->parent);
	if (space->kind != NAMESPACE_PID)
		return -EINVAL;
	struct pid_namespace *parent = pid_namespace_from(space)->parent;
	if (!parent || !pid_namespace_is_below(parent, pid_namespace_current()))
		return -EPERM;
	return open_namespace(namespace_get(&parent->base));
}

static long nsfs_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
	struct namespace *space = file->inode->private;
	uid_t uid;

	switch (command) {
	case NS_GET_USERNS:
		return open_owner(space->owner);
	case NS_GET_PARENT:
		return open_parent(space);
	case NS_GET_NSTYPE:
		return (long)namespace_flag(space->kind);
	case NS_GET_OWNER_UID:
		if (space->kind != NAMESPACE_USER)
			return -EINVAL;
		uid = uid_shown(user_namespace_of(space)->uid);
		return put_user(uid, argument);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations nsfs_operations = {.ioctl = nsfs_ioctl, .stream = true};

/* --- The file system --- */

static void destroy_inode(struct inode *inode)
{
	if (inode->private)
		namespace_put(inode->private);
	inode_free(inode);
}

static int describe(struct dentry *dentry, char *buffer, size_t size)
{
	const struct namespace *space = nsfs_namespace(dentry_inode(dentry));

	if (!space)
		return snprintf(buffer, size, "/");
	return snprintf(buffer, size, "%s:[%u]", namespace_name(space->kind), space->number);
}

static const struct dentry_operations dentry_operations = {.describe = describe};
static const struct superblock_operations super_operations = {.destroy_inode = destroy_inode};
static const struct filesystem nsfs_type = {.name = "nsfs"};

void nsfs_init(void)
{
	struct superblock *superblock = superblock_alloc(&nsfs_type, &super_operations);
	struct inode *root;

	if (!superblock)
		panic("no memory for the files of namespaces");
	superblock->magic = NSFS_MAGIC;
	superblock->dentry_ops = &dentry_operations;
	root = inode_alloc(superblock, S_IFDIR | S_IRUGO | S_IXUGO);
	if (root)
		superblock->root = dentry_alloc_root(superblock, root);
	nsfs_mount = superblock->root ? mount_create(superblock, "nsfs", 0) : NULL;
	if (!nsfs_mount)
		panic("no memory for the files of namespaces");
	nsfs_mount->internal = true;
}
