/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on inotify: thin functions on ipc/inotify.h. */
#include "fs/notify.h"
#include "ipc/inotify.h"
#include "syscall/table.h"

long sys_inotify_init1(u32 flags)
{
	if (flags & ~(u32)(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	struct file *file = inotify_create(flags);
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, flags & IN_CLOEXEC);
}

long sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

static long add_watch(struct file *file, vaddr_t name, u32 mask)
{
	struct path path;
	u32 lookup = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
		     (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);

	if ((mask & IN_MASK_ADD && mask & IN_MASK_CREATE) || !inotify_is_file(file))
		return -EINVAL;
	long result = path_lookup_user(AT_FDCWD, name, lookup, &path);
	if (result != 0)
		return result;
	result = inode_permission(path_inode(&path), MAY_READ);
	if (result == 0)
		result = inotify_add(file, &path, mask);
	path_put(&path);
	return result;
}

long sys_inotify_add_watch(int fd, vaddr_t name, u32 mask)
{
	const u32 known = NOTIFY_ALL | NOTIFY_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR |
			  IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE |
			  NOTIFY_IS_DIRECTORY | IN_ONESHOT;

	if (mask & ~known || mask == 0)
		return -EINVAL;
	struct fd_borrow borrow = fd_borrow(fd);
	if (borrow.file == NULL)
		return -EBADF;
	long result = add_watch(borrow.file, name, mask);
	fd_return(borrow);
	return result;
}

long sys_inotify_rm_watch(int fd, int number)
{
	struct fd_borrow borrow = fd_borrow(fd);

	if (borrow.file == NULL)
		return -EBADF;
	long result = inotify_is_file(borrow.file) ? inotify_remove(borrow.file, number) : -EINVAL;
	fd_return(borrow);
	return result;
}
