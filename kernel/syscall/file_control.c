/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controlling descriptors and open files: fcntl, ioctl, flock.
 */
#include "fs/async.h"
#include "fs/calls.h"
#include "lib/abi/signal.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/task.h"
#include "syscall/table.h"

/* What F_SETFL changes; everything else is fixed at open. */
enum { SETTABLE_FLAGS = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME };

int file_change_flags(struct file *file, u32 mask, u32 flags)
{
	u32 wanted;
	int error = 0;

	spin_lock(&file->lock);
	wanted = (file->flags & ~mask) | (flags & mask);
	spin_unlock(&file->lock);
	if (file->ops->change_flags)
		error = file->ops->change_flags(file, wanted);
	if (error)
		return error;
	spin_lock(&file->lock);
	file->flags = (file->flags & ~mask) | (flags & mask);
	spin_unlock(&file->lock);
	return 0;
}

/* With O_ASYNC, which has an effect beyond the flag. */
static long change_flags(int fd, struct file *file, u32 mask, u32 flags)
{
	int error = file_change_flags(file, mask, flags);

	if (error == 0 && mask & O_ASYNC)
		error = async_set_enabled(file, fd, (flags & O_ASYNC) != 0);
	return error;
}

static long set_status_flags(int fd, struct file *file, u32 flags)
{
	if (flags & ~file->flags & O_NOATIME && !inode_owner_or_capable(file->inode))
		return -EPERM;
	if (file->flags & ~flags & O_APPEND && file->inode->flags & INODE_APPEND_ONLY)
		return -EPERM;
	if (flags & O_DIRECT && S_ISREG(file->inode->mode) &&
	    !(file->inode->ops && file->inode->ops->direct))
		return -EINVAL;
	return change_flags(fd, file, SETTABLE_FLAGS, flags);
}

static long duplicate(int fd, vaddr_t from, bool close_on_exec)
{
	struct file *file;
	int result;

	if (from >= rlimit_current(RLIMIT_NOFILE))
		return -EINVAL;
	file = fd_get_any(fd);
	if (!file)
		return -EBADF;
	result = fd_install_from(file, (int)from, close_on_exec);
	if (result < 0)
		file_put(file);
	return result;
}

/* Process > 0, process group < 0, 0: nobody. */
static long set_owner(struct file *file, s32 owner)
{
	if (owner == INT_MIN)
		return -EINVAL;
	return owner < 0 ? async_set_owner(file, F_OWNER_PGRP, -owner)
			 : async_set_owner(file, F_OWNER_PID, owner);
}

static long get_owner(struct file *file)
{
	int type;
	pid_t number = async_get_owner(file, &type);

	return type == F_OWNER_PGRP ? -number : number;
}

static long owner_extended(struct file *file, unsigned command, vaddr_t argument)
{
	struct linux_f_owner_ex owner;

	if (command == F_GETOWN_EX) {
		owner.pid = async_get_owner(file, &owner.type);
		return put_user(owner, argument);
	}
	if (get_user(owner, argument))
		return -EFAULT;
	if (owner.type < F_OWNER_TID || owner.type > F_OWNER_PGRP)
		return -EINVAL;
	return async_set_owner(file, owner.type, owner.pid);
}

static long control_file(int fd, struct file *file, unsigned command, vaddr_t argument)
{
	switch (command) {
	case F_SETFL:
		return set_status_flags(fd, file, (u32)argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return locks_fcntl(file, command, argument);
	case F_GETOWN:
		return get_owner(file);
	case F_SETOWN:
		return set_owner(file, (s32)argument);
	case F_GETOWN_EX:
	case F_SETOWN_EX:
		return owner_extended(file, command, argument);
	case F_GETSIG:
		return async_get_signal(file);
	case F_SETSIG:
		if (argument > 64)
			return -EINVAL;
		return async_set_signal(file, (int)argument);
	case F_NOTIFY:
		return dnotify_control(file, fd, (u32)argument);
	case F_SETLEASE:
		return leases_set(file, fd, (int)argument);
	case F_GETLEASE:
		return leases_get(file);
	default:
		return file->ops->fcntl ? file->ops->fcntl(file, command, argument) : -EINVAL;
	}
}

/*
 * A record lock goes when its process closes the file.  If another thread has done so while we got
 * the lock, nobody else would let go of it.
 */
static long settle_lock(int fd, struct file *file)
{
	struct file *now = fd_get_any(fd);
	bool closed = now != file;

	if (now)
		file_put(now);
	if (!closed)
		return 0;
	locks_release_owner(file, current->files);
	return -EBADF;
}

long sys_fcntl(int fd, unsigned command, vaddr_t argument)
{
	struct fd_borrow borrow;
	long result = -EBADF;

	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return duplicate(fd, argument, command == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_flags(fd);
	case F_SETFD:
		return fd_set_flags(fd, argument & FD_CLOEXEC);
	default:
		break;
	}
	borrow = fd_borrow_any(fd);
	if (!borrow.file)
		return -EBADF;
	if (command == F_GETFL)
		result = borrow.file->flags;
	else if (!(borrow.file->mode & FILE_PATH))
		result = control_file(fd, borrow.file, command, argument);
	if (result == 0 && borrow.counted && (command == F_SETLK || command == F_SETLKW))
		result = settle_lock(fd, borrow.file);
	fd_return(borrow);
	return result;
}

static long ioctl_flag(int fd, struct file *file, u32 flag, vaddr_t argument)
{
	int on;

	if (get_user(on, argument))
		return -EFAULT;
	return change_flags(fd, file, flag, on ? flag : 0);
}

static long ioctl_file(int fd, struct file *file, unsigned command, vaddr_t argument)
{
	s64 size = inode_size(file->inode);
	mode_t mode = file->inode->mode;

	switch (command) {
	case FIONBIO:
		return ioctl_flag(fd, file, O_NONBLOCK, argument);
	case FIOASYNC:
		return ioctl_flag(fd, file, O_ASYNC, argument);
	case FIOQSIZE:
		return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) ? put_user(size, argument)
								       : -ENOTTY;
	case FIONREAD:
		if (S_ISREG(mode) && !(file->ops->ioctl))
			return put_user((int)(size - file->position), argument);
		break;
	default:
		break;
	}
	return file->ops->ioctl ? file->ops->ioctl(file, command, argument) : -ENOTTY;
}

long sys_ioctl(int fd, unsigned command, vaddr_t argument)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result;

	if (!borrow.file)
		return -EBADF;
	if (command == FIOCLEX || command == FIONCLEX)
		result = fd_set_flags(fd, command == FIOCLEX);
	else
		result = ioctl_file(fd, borrow.file, command, argument);
	fd_return(borrow);
	return result;
}

long sys_flock(int fd, int operation)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result;

	if (!borrow.file)
		return -EBADF;
	result = locks_flock(borrow.file, operation);
	fd_return(borrow);
	return result;
}
