/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flags of chattr(1) on tmpfs: immutable, append only, no access times, and "not for dump",
 * which only is kept.  New files take over the latter two from their directory.
 */
#include "fs/calls.h"
#include "fs/tmpfs/tmpfs_internal.h"

#include "lib/abi/fsctl.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"

enum {
	CHANGEABLE = FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL,
	INHERITED = FS_NODUMP_FL | FS_NOATIME_FL,
};

/* inode->lock held for writing, or nobody else knows the inode. */
static void store_flags(struct tmpfs_inode *node, u32 flags)
{
	u32 kept = node->inode.flags & ~(u32)(INODE_IMMUTABLE | INODE_APPEND_ONLY | INODE_NO_ATIME);

	if (flags & FS_IMMUTABLE_FL)
		kept |= INODE_IMMUTABLE;
	if (flags & FS_APPEND_FL)
		kept |= INODE_APPEND_ONLY;
	if (flags & FS_NOATIME_FL)
		kept |= INODE_NO_ATIME;
	WRITE_ONCE(node->inode.flags, kept);
	WRITE_ONCE(node->flags, flags);
}

void tmpfs_inherit_flags(struct tmpfs_inode *node, const struct tmpfs_inode *directory)
{
	u32 flags = READ_ONCE(directory->flags) & INHERITED;

	if (flags)
		store_flags(node, flags);
}

static int check_flags(const struct tmpfs_inode *node, u32 flags)
{
	if (!inode_owner_or_capable(&node->inode))
		return -EPERM;
	if ((flags ^ node->flags) & (FS_IMMUTABLE_FL | FS_APPEND_FL) &&
	    !capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	return flags & ~(u32)CHANGEABLE ? -EOPNOTSUPP : 0;
}

static long set_flags(struct file *file, vaddr_t argument)
{
	struct tmpfs_inode *node = tmpfs_inode(file->inode);
	u32 flags;
	int error;

	if (get_user(flags, argument))
		return -EFAULT;
	error = mount_want_write(file->path.mount);
	if (error)
		return error;
	rwlock_write_lock(&file->inode->lock);
	error = check_flags(node, flags);
	if (!error) {
		store_flags(node, flags);
		inode_touch(file->inode, ATTR_CTIME);
	}
	rwlock_write_unlock(&file->inode->lock);
	return error;
}

long tmpfs_control(struct file *file, unsigned command, vaddr_t argument)
{
	struct inode *inode = file->inode;

	switch (command) {
	case FIONREAD:
		return S_ISREG(inode->mode)
			       ? put_user((int)(inode_size(inode) - file->position), argument)
			       : -ENOTTY;
	case FS_IOC_GETFLAGS:
		if (!tmpfs_is_plain(inode))
			return -ENOTTY;
		return put_user((int)READ_ONCE(tmpfs_inode(inode)->flags), argument);
	case FS_IOC_SETFLAGS:
		return tmpfs_is_plain(inode) ? set_flags(file, argument) : -ENOTTY;
	default:
		return -ENOTTY;
	}
}

int tmpfs_get_status(const struct path *path __unused, struct inode *inode,
		     struct file_status *status)
{
	status->has_btime = true;
	if (tmpfs_is_plain(inode))
		status_take_flags(status, READ_ONCE(tmpfs_inode(inode)->flags),
				  STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP);
	return 0;
}
