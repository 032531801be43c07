/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing files' attributes and sizes: chmod, chown, utimes, truncate, fallocate.
 */
#include "fs/calls.h"
#include "fs/notify.h"
#include "lib/abi/time.h"
#include "mm/usercopy.h"
#include "syscall/table.h"
#include "proc/user_namespace.h"

static long change_at(int directory, vaddr_t name, u32 lookup, struct attr_change *change)
{
	struct path path;
	long error = path_lookup_user(directory, name, lookup, &path);

	if (error)
		return error;
	error = vfs_change(&path, change);
	path_put(&path);
	return error;
}

static long change_descriptor(int fd, struct attr_change *change)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long error;

	if (!borrow.file)
		return -EBADF;
	error = vfs_change(&borrow.file->path, change);
	fd_return(borrow);
	return error;
}

long sys_fchmodat(int directory, vaddr_t name, mode_t mode)
{
	struct attr_change change = {.valid = ATTR_MODE, .mode = mode & S_IALLUGO};

	return change_at(directory, name, LOOKUP_FOLLOW, &change);
}

long sys_chmod(vaddr_t name, mode_t mode)
{
	return sys_fchmodat(AT_FDCWD, name, mode);
}

long sys_fchmod(int fd, mode_t mode)
{
	struct attr_change change = {.valid = ATTR_MODE, .mode = mode & S_IALLUGO};

	return change_descriptor(fd, &change);
}

/* What chown(2) asks for, in the kernel's numbers; -EINVAL for a user or group that has none. */
static int owner_change(struct attr_change *change, uid_t uid, gid_t gid)
{
	*change = (struct attr_change){
		.valid = ATTR_KILL_SETID, .uid = uid_given(uid), .gid = gid_given(gid)};
	if (uid != (uid_t)-1)
		change->valid |= ATTR_UID;
	if (gid != (gid_t)-1)
		change->valid |= ATTR_GID;
	if ((change->valid & ATTR_UID && change->uid == NOBODY_ID) ||
	    (change->valid & ATTR_GID && change->gid == NOBODY_ID))
		return -EINVAL;
	return 0;
}

long sys_fchownat(int directory, vaddr_t name, uid_t uid, gid_t gid, int flags)
{
	struct attr_change change;
	int error = owner_change(&change, uid, gid);
	u32 lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (error)
		return error;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	return change_at(directory, name, lookup, &change);
}

long sys_chown(vaddr_t name, uid_t uid, gid_t gid)
{
	return sys_fchownat(AT_FDCWD, name, uid, gid, 0);
}

long sys_lchown(vaddr_t name, uid_t uid, gid_t gid)
{
	return sys_fchownat(AT_FDCWD, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(int fd, uid_t uid, gid_t gid)
{
	struct attr_change change;
	int error = owner_change(&change, uid, gid);

	return error ? error : change_descriptor(fd, &change);
}

/* One of utimensat's times: given, now, or left alone.  Microsecond callers come here too,
 * converted. */
static int add_time(struct attr_change *change, const struct linux_timespec *time, u32 which,
		    u32 which_set)
{
	struct vfs_time *to = which == ATTR_ATIME ? &change->atime : &change->mtime;

	if (time->tv_nsec == UTIME_OMIT)
		return 0;
	change->valid |= which;
	if (time->tv_nsec == UTIME_NOW)
		return 0;
	if (time->tv_nsec < 0 || time->tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	change->valid |= which_set;
	*to = (struct vfs_time){time->tv_sec, (u32)time->tv_nsec};
	return 0;
}

/* times NULL: both now.  name 0: the descriptor itself. */
static long set_times(int directory, vaddr_t name, const struct linux_timespec *times, int flags)
{
	struct attr_change change = {.valid = 0};
	u32 lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	int error = 0;

	if (times) {
		if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
			return 0;
		error = add_time(&change, &times[0], ATTR_ATIME, ATTR_ATIME_SET);
		if (!error)
			error = add_time(&change, &times[1], ATTR_MTIME, ATTR_MTIME_SET);
		if (error)
			return error;
		/* Now for one only: as strict as a given time. */
		if (times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW)
			change.valid |= ATTR_TOUCH;
		else if (!(change.valid & (ATTR_ATIME_SET | ATTR_MTIME_SET)))
			change.valid |= ATTR_NEEDS_OWNER;
	} else {
		change.valid = ATTR_ATIME | ATTR_MTIME | ATTR_TOUCH;
	}
	if (!name && directory != AT_FDCWD)
		return flags ? -EINVAL : change_descriptor(directory, &change);
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	return change_at(directory, name, lookup, &change);
}

long sys_utimensat(int directory, vaddr_t name, vaddr_t times_address, int flags)
{
	struct linux_timespec times[2];

	if (times_address && get_user(times, times_address))
		return -EFAULT;
	return set_times(directory, name, times_address ? times : NULL, flags);
}

static long set_times_micro(int directory, vaddr_t name, vaddr_t times_address)
{
	struct linux_timeval micro[2];
	struct linux_timespec times[2];

	if (!times_address)
		return set_times(directory, name, NULL, 0);
	if (get_user(micro, times_address))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (micro[i].tv_usec < 0 || micro[i].tv_usec >= 1000000)
			return -EINVAL;
		times[i] = (struct linux_timespec){micro[i].tv_sec, micro[i].tv_usec * 1000};
	}
	return set_times(directory, name, times, 0);
}

long sys_futimesat(int directory, vaddr_t name, vaddr_t times)
{
	return set_times_micro(directory, name, times);
}

long sys_utimes(vaddr_t name, vaddr_t times)
{
	return set_times_micro(AT_FDCWD, name, times);
}

long sys_utime(vaddr_t name, vaddr_t times_address)
{
	s64 seconds[2];
	struct linux_timespec times[2];

	if (!times_address)
		return set_times(AT_FDCWD, name, NULL, 0);
	if (get_user(seconds, times_address))
		return -EFAULT;
	times[0] = (struct linux_timespec){seconds[0], 0};
	times[1] = (struct linux_timespec){seconds[1], 0};
	return set_times(AT_FDCWD, name, times, 0);
}

long sys_truncate(vaddr_t name, off_t size)
{
	struct path path;
	long error;

	if (size < 0)
		return -EINVAL;
	error = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW, &path);
	if (error)
		return error;
	error = vfs_truncate(&path, size);
	path_put(&path);
	return error;
}

long sys_ftruncate(int fd, off_t size)
{
	struct fd_borrow borrow;
	long error;

	if (size < 0)
		return -EINVAL;
	borrow = fd_borrow(fd);
	if (!borrow.file)
		return -EBADF;
	if (!S_ISREG(borrow.file->inode->mode) || !(borrow.file->mode & FILE_WRITE))
		error = -EINVAL;
	else if (borrow.file->inode->flags & INODE_APPEND_ONLY)
		error = -EPERM;
	else
		error = inode_truncate(borrow.file->inode, size);
	if (!error)
		notify_file(borrow.file, NOTIFY_MODIFY);
	fd_return(borrow);
	return error;
}

static long allocate(struct file *file, int mode, off_t offset, off_t length)
{
	const struct inode *inode = file->inode;
	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
			  FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;

	if (offset < 0 || length <= 0)
		return -EINVAL;
	if (mode & ~known)
		return -EOPNOTSUPP;
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) ==
		    (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) ||
	    (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE)))
		return -EOPNOTSUPP;
	if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE) &&
	    mode & ~(FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
		return -EINVAL;
	if (!(file->mode & FILE_WRITE))
		return -EBADF;
	if (mode & ~FALLOC_FL_KEEP_SIZE && inode->flags & INODE_APPEND_ONLY)
		return -EPERM;
	if (S_ISFIFO(inode->mode))
		return -ESPIPE;
	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode))
		return -ENODEV;
	if (inode->flags & INODE_SWAPFILE)
		return -ETXTBSY;
	if (length > inode->superblock->max_size - offset)
		return -EFBIG;
	if (!file->ops->fallocate)
		return -EOPNOTSUPP;
	return file->ops->fallocate(file, mode, offset, length);
}

long sys_fallocate(int fd, int mode, off_t offset, off_t length)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result;

	if (!borrow.file)
		return -EBADF;
	result = allocate(borrow.file, mode, offset, length);
	if (!result)
		notify_file(borrow.file, NOTIFY_MODIFY);
	fd_return(borrow);
	return result;
}
