/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing and reporting attributes: chmod, chown, utimes, truncate, stat.
 *
 * inode_change checks who may do what (inode(7)), completes the change (change time, set-id bits
 * that go), and hands it to the file system.
 */
#include "fs/acl.h"
#include "fs/fs_internal.h"
#include "fs/notify.h"
#include "fs/read_section.h"

#include "lib/abi/signal.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/signal.h"
#include "proc/task.h"

static int check_owner_change(const struct inode *inode, const struct attr_change *change)
{
	const struct credentials *me = current_credentials();

	if (capable_over(inode->uid, inode->gid, CAP_CHOWN))
		return 0;
	if (change->valid & ATTR_UID && (me->fsuid != inode->uid || change->uid != inode->uid))
		return -EPERM;
	if (change->valid & ATTR_GID &&
	    (me->fsuid != inode->uid ||
	     (change->gid != inode->gid && !credentials_in_group(me, change->gid))))
		return -EPERM;
	return 0;
}

static int check_change(struct inode *inode, struct attr_change *change)
{
	gid_t group = change->valid & ATTR_GID ? change->gid : inode->gid;
	int error = check_owner_change(inode, change);

	if (error)
		return error;
	if (change->valid & ATTR_MODE) {
		if (!inode_owner_or_capable(inode))
			return -EPERM;
		if (!credentials_in_group(current_credentials(), group) &&
		    !capable_over(inode->uid, inode->gid, CAP_FSETID))
			change->mode &= ~(mode_t)S_ISGID;
	}
	if (change->valid & (ATTR_ATIME_SET | ATTR_MTIME_SET | ATTR_NEEDS_OWNER) &&
	    !inode_owner_or_capable(inode))
		return -EPERM;
	if (change->valid & ATTR_TOUCH && !inode_owner_or_capable(inode))
		return inode_permission(inode, MAY_WRITE);
	return 0;
}

/* A change of owner, a write or a truncation takes set-id bits away; set-group-id only from
 * executables. */
static mode_t mode_without_setid(mode_t mode)
{
	if (mode & S_ISUID)
		mode &= ~(mode_t)S_ISUID;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		mode &= ~(mode_t)S_ISGID;
	return mode;
}

int inode_remove_setid(struct inode *inode)
{
	if (likely(!(inode->mode & (S_ISUID | S_ISGID))) || !S_ISREG(inode->mode))
		return 0;
	if (mode_without_setid(inode->mode) == inode->mode ||
	    capable_over(inode->uid, inode->gid, CAP_FSETID))
		return 0;
	spin_lock(&inode->attribute_lock);
	inode->mode = mode_without_setid(inode->mode);
	spin_unlock(&inode->attribute_lock);
	return 0;
}

static int apply(struct inode *inode, const struct attr_change *change)
{
	if (inode->ops && inode->ops->set_attributes)
		return inode->ops->set_attributes(inode, change);
	if (change->valid & ATTR_SIZE)
		return -EINVAL;
	inode_apply_change(inode, change);
	return 0;
}

static int change_locked(struct inode *inode, struct attr_change *change)
{
	struct vfs_time now = vfs_now();
	int error = change->valid & ATTR_FORCE ? 0 : check_change(inode, change);

	if (error)
		return error;
	if (inode->flags & (INODE_IMMUTABLE | INODE_APPEND_ONLY))
		return -EPERM;
	if (change->valid & ATTR_KILL_SETID && !S_ISDIR(inode->mode)) {
		mode_t base = change->valid & ATTR_MODE ? change->mode : inode->mode;

		change->mode = mode_without_setid(base);
		change->valid |= ATTR_MODE;
	}
	if (change->valid & ATTR_ATIME && !(change->valid & ATTR_ATIME_SET))
		change->atime = now;
	if (change->valid & ATTR_MTIME && !(change->valid & ATTR_MTIME_SET))
		change->mtime = now;
	change->ctime = now;
	change->valid |= ATTR_CTIME;
	error = apply(inode, change);
	if (!error && unlikely(inode->acl) && change->valid & ATTR_MODE)
		error = acl_follow_mode(inode);
	return error;
}

int inode_change(struct inode *inode, struct attr_change *change)
{
	int error;

	rwlock_write_lock(&inode->lock);
	error = change_locked(inode, change);
	rwlock_write_unlock(&inode->lock);
	return error;
}

/* What watchers are told; one time alone counts as the access that it stands for. */
static u32 what_changed(u32 valid)
{
	u32 times = valid & (ATTR_ATIME | ATTR_MTIME);

	if (valid & (ATTR_MODE | ATTR_UID | ATTR_GID) || times == (ATTR_ATIME | ATTR_MTIME))
		return NOTIFY_ATTRIB;
	if (times == 0)
		return 0;
	return times == ATTR_ATIME ? NOTIFY_ACCESS : NOTIFY_MODIFY;
}

int vfs_change(const struct path *path, struct attr_change *change)
{
	u32 asked = change->valid; /* the change of the rest follows from it */
	int error = mount_want_write(path->mount);

	if (!error)
		error = inode_change(path_inode(path), change);
	if (!error && notify_active() && what_changed(asked) != 0)
		notify_dentry(path->dentry, what_changed(asked));
	return error;
}

/* RLIMIT_FSIZE: EFBIG and a signal. */
static int check_size_limit(off_t size)
{
	if (!current->fs || (u64)size <= rlimit_current(RLIMIT_FSIZE))
		return 0;
	signal_send_kernel(current->process, SIGXFSZ);
	return -EFBIG;
}

int inode_truncate(struct inode *inode, off_t size)
{
	struct attr_change change = {
		.valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME | ATTR_FORCE,
		.size = size,
	};
	int error;

	if (size < 0)
		return -EINVAL;
	if (size > inode->superblock->max_size)
		return -EFBIG;
	if (size > inode_size(inode)) {
		error = check_size_limit(size);
		if (error)
			return error;
	}
	rwlock_write_lock(&inode->lock);
	error = inode->flags & INODE_SWAPFILE ? -ETXTBSY : inode_remove_setid(inode);
	if (!error && size != inode_size(inode))
		error = seals_check(inode, size < inode_size(inode) ? F_SEAL_SHRINK : F_SEAL_GROW);
	if (!error)
		error = change_locked(inode, &change);
	rwlock_write_unlock(&inode->lock);
	return error;
}

int vfs_truncate(const struct path *path, off_t size)
{
	struct inode *inode = path_inode(path);
	int error;

	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode))
		return -EINVAL;
	error = mount_want_write(path->mount);
	if (!error)
		error = inode_permission(inode, MAY_WRITE);
	if (!error && inode->flags & INODE_APPEND_ONLY)
		error = -EPERM;
	if (!error && leases_exist())
		error = leases_break(inode, O_WRONLY);
	if (error)
		return error;
	/* As an open for writing would be: not while it runs as a program. */
	error = inode_take_write(inode);
	if (error)
		return error;
	error = inode_truncate(inode, size);
	inode_drop_write(inode);
	if (!error)
		notify_dentry(path->dentry, NOTIFY_MODIFY);
	return error;
}

int path_status(const struct path *path, struct file_status *status)
{
	struct inode *inode = path_inode(path);

	status->device = inode->superblock->device;
	status->rdev = inode->rdev;
	status->ino = inode->ino;
	status->block_size = inode->superblock->block_size;
	status->blocks = inode->blocks;
	status->has_btime = false;
	status->attributes = status->known_attributes = 0;
	spin_lock(&inode->attribute_lock);
	status->mode = inode->mode;
	status->nlink = inode->nlink;
	status->uid = inode->uid;
	status->gid = inode->gid;
	status->atime = inode->atime;
	status->mtime = inode->mtime;
	status->ctime = inode->ctime;
	status->btime = inode->btime;
	spin_unlock(&inode->attribute_lock);
	status->size = (u64)inode_size(inode);
	if (inode->flags & INODE_PAGE_CACHE)
		status->blocks =
			(page_cache_pages(&inode->cache) + page_cache_swapped(&inode->cache)) *
			(PAGE_SIZE / 512);
	if (inode->ops && inode->ops->get_status)
		return inode->ops->get_status(path, inode, status);
	return 0;
}

static inline bool may_sleep_for_status(const struct path *path)
{
	const struct inode_operations *ops = path_inode(path)->ops;

	return ops && ops->status_sleeps;
}

/* Without references, if the whole way is easy. */
static bool status_ahead(const char *text, u32 flags, struct file_status *status)
{
	struct path path;
	bool good;

	read_section_enter();
	good = path_peek(text, flags, &path) && !may_sleep_for_status(&path) &&
	       path_status(&path, status) == 0;
	/* What is said of one that dies meanwhile may be half taken down. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	good = good && READ_ONCE(path.dentry->refs) >= 0;
	read_section_leave();
	return good;
}

int path_status_at(int directory, const char *text, u32 flags, struct file_status *status)
{
	struct path path;
	int error;

	if (*text && (*text == '/' || directory == AT_FDCWD) && status_ahead(text, flags, status))
		return 0;
	error = path_lookup(directory, text, flags, &path);
	if (error)
		return error;
	error = path_status(&path, status);
	path_put(&path);
	return error;
}
