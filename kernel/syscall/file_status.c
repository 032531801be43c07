/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reporting on files: stat and its kin, statx, statfs, access.
 */
#include "fs/device.h"
#include "fs/calls.h"
#include "mm/usercopy.h"
#include "syscall/table.h"
#include "proc/user_namespace.h"

static long status_to_user(const struct file_status *status, vaddr_t buffer)
{
	struct linux_stat stat = {
		.dev = device_to_user(status->device),
		.ino = status->ino,
		.nlink = status->nlink,
		.mode = status->mode,
		.uid = uid_shown(status->uid),
		.gid = gid_shown(status->gid),
		.rdev = device_to_user(status->rdev),
		.size = (s64)status->size,
		.blksize = status->block_size,
		.blocks = (s64)status->blocks,
		.atime = (u64)status->atime.seconds,
		.atime_nsec = status->atime.nanoseconds,
		.mtime = (u64)status->mtime.seconds,
		.mtime_nsec = status->mtime.nanoseconds,
		.ctime = (u64)status->ctime.seconds,
		.ctime_nsec = status->ctime.nanoseconds,
		.pad0 = 0, /* with every field named, nothing is cleared first */
		.unused = {0, 0, 0},
	};

	return copy_to_user((void __user *)buffer, &stat, sizeof(stat));
}

static long path_to_user(const struct path *path, vaddr_t buffer)
{
	struct file_status status;
	long error = path_status(path, &status);

	return error ? error : status_to_user(&status, buffer);
}

static long stat_descriptor(int fd, vaddr_t buffer)
{
	struct fd_borrow borrow = fd_borrow_any(fd);
	long error;

	if (!borrow.file)
		return -EBADF;
	error = path_to_user(&borrow.file->path, buffer);
	fd_return(borrow);
	return error;
}

long sys_newfstatat(int directory, vaddr_t name, vaddr_t buffer, int flags)
{
	u32 lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct file_status status;
	struct pathname text;
	long error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		char first;

		lookup |= LOOKUP_EMPTY;
		/* fstat by another name: not worth a walk. */
		if (directory >= 0 && !get_user(first, name) && !first)
			return stat_descriptor(directory, buffer);
	}
	error = pathname_get(&text, name);
	if (error)
		return error;
	error = path_status_at(directory, text.text, lookup, &status);
	pathname_put(&text);
	return error ? error : status_to_user(&status, buffer);
}

long sys_stat(vaddr_t name, vaddr_t buffer)
{
	return sys_newfstatat(AT_FDCWD, name, buffer, 0);
}

long sys_lstat(vaddr_t name, vaddr_t buffer)
{
	return sys_newfstatat(AT_FDCWD, name, buffer, AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(int fd, vaddr_t buffer)
{
	return stat_descriptor(fd, buffer);
}

static struct linux_statx_timestamp statx_time(struct vfs_time time)
{
	return (struct linux_statx_timestamp){.seconds = time.seconds,
					      .nanoseconds = time.nanoseconds};
}

static void fill_statx(const struct path *path, const struct file_status *status,
		       struct linux_statx *result)
{
	*result = (struct linux_statx){
		.mask = STATX_BASIC_STATS | STATX_MNT_ID | (status->has_btime ? STATX_BTIME : 0),
		.blksize = status->block_size,
		.attributes = status->attributes |
			      (path->dentry == path->mount->root ? STATX_ATTR_MOUNT_ROOT : 0),
		.attributes_mask = status->known_attributes | STATX_ATTR_MOUNT_ROOT |
				   STATX_ATTR_AUTOMOUNT | STATX_ATTR_DAX,
		.nlink = status->nlink,
		.uid = uid_shown(status->uid),
		.gid = gid_shown(status->gid),
		.mode = (u16)status->mode,
		.ino = status->ino,
		.size = status->size,
		.blocks = status->blocks,
		.atime = statx_time(status->atime),
		.ctime = statx_time(status->ctime),
		.mtime = statx_time(status->mtime),
		.rdev_major = device_major(status->rdev),
		.rdev_minor = device_minor(status->rdev),
		.dev_major = device_major(status->device),
		.dev_minor = device_minor(status->device),
		.mount_id = (u64)path->mount->id,
	};
	if (status->has_btime)
		result->btime = statx_time(status->btime);
}

long sys_statx(int directory, vaddr_t name, int flags, unsigned mask, vaddr_t buffer)
{
	u32 lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct file_status status;
	struct linux_statx result;
	struct path path;
	long error;

	if (mask & STATX_RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	error = path_lookup_user(directory, name, lookup, &path);
	if (error)
		return error;
	error = path_status(&path, &status);
	if (!error) {
		fill_statx(&path, &status, &result);
		error = copy_to_user((void __user *)buffer, &result, sizeof(result));
	}
	path_put(&path);
	return error;
}

static long statfs_to_user(const struct path *path, vaddr_t buffer)
{
	struct linux_statfs result;
	long error = path_statfs(path, &result);

	return error ? error : copy_to_user((void __user *)buffer, &result, sizeof(result));
}

long sys_statfs(vaddr_t name, vaddr_t buffer)
{
	struct path path;
	long error = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

	if (error)
		return error;
	error = statfs_to_user(&path, buffer);
	path_put(&path);
	return error;
}

long sys_fstatfs(int fd, vaddr_t buffer)
{
	struct fd_borrow borrow = fd_borrow_any(fd);
	long error;

	if (!borrow.file)
		return -EBADF;
	error = statfs_to_user(&borrow.file->path, buffer);
	fd_return(borrow);
	return error;
}

static long check_access(const struct path *path, int mode, bool effective)
{
	struct inode *inode = path_inode(path);
	long error;

	if (mode & X_OK && S_ISREG(inode->mode) && path->mount->flags & MS_NOEXEC)
		return -EACCES;
	error = effective ? inode_permission(inode, (unsigned)mode)
			  : inode_permission_real(inode, (unsigned)mode);
	if (error || !(mode & W_OK) || S_ISCHR(inode->mode) || S_ISBLK(inode->mode) ||
	    S_ISFIFO(inode->mode) || S_ISSOCK(inode->mode))
		return error;
	return mount_is_readonly(path->mount) ? -EROFS : 0;
}

long sys_faccessat2(int directory, vaddr_t name, int mode, int flags)
{
	u32 lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct path path;
	long error;

	if (mode & ~(R_OK | W_OK | X_OK) ||
	    flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	if (!(flags & AT_EACCESS))
		lookup |= LOOKUP_REAL_IDS;
	error = path_lookup_user(directory, name, lookup, &path);
	if (error)
		return error;
	if (mode != F_OK)
		error = check_access(&path, mode, flags & AT_EACCESS);
	path_put(&path);
	return error;
}

long sys_faccessat(int directory, vaddr_t name, int mode)
{
	return sys_faccessat2(directory, name, mode, 0);
}

long sys_access(vaddr_t name, int mode)
{
	return sys_faccessat2(AT_FDCWD, name, mode, 0);
}
