/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: the three forms (path, link, descriptor) of get, set, list and remove.
 */
#include "fs/calls.h"
#include "fs/notify.h"
#include "mm/usercopy.h"
#include "syscall/table.h"

typedef long (*operation_t)(const struct path *path, vaddr_t name, vaddr_t value, size_t size,
			    int flags);

static long on_path(operation_t operation, vaddr_t file, u32 lookup, vaddr_t name, vaddr_t value,
		    size_t size, int flags)
{
	struct path path;
	long result = path_lookup_user(AT_FDCWD, file, lookup, &path);

	if (result)
		return result;
	result = operation(&path, name, value, size, flags);
	path_put(&path);
	return result;
}

static long on_descriptor(operation_t operation, int fd, vaddr_t name, vaddr_t value, size_t size,
			  int flags)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result;

	if (!borrow.file)
		return -EBADF;
	result = operation(&borrow.file->path, name, value, size, flags);
	fd_return(borrow);
	return result;
}

static long get_name(char *to, vaddr_t name)
{
	ssize_t length = strncpy_from_user(to, (const char __user *)name, XATTR_NAME_MAX + 1);

	if (length < 0)
		return length;
	return length == 0 || length > XATTR_NAME_MAX ? -ERANGE : 0;
}

static long get(const struct path *path, vaddr_t name_address, vaddr_t value, size_t size,
		int flags __unused)
{
	char name[XATTR_NAME_MAX + 1];
	void *buffer = NULL;
	long result = get_name(name, name_address);

	if (result)
		return result;
	size = MIN(size, (size_t)XATTR_SIZE_MAX);
	if (size > 0 && !(buffer = kmalloc(size)))
		return -ENOMEM;
	result = xattr_get(path_inode(path), name, buffer, size);
	if (result > 0 && size > 0 && copy_to_user((void __user *)value, buffer, (size_t)result))
		result = -EFAULT;
	kfree(buffer);
	return result;
}

static long set(const struct path *path, vaddr_t name_address, vaddr_t value, size_t size,
		int flags)
{
	char name[XATTR_NAME_MAX + 1];
	void *buffer = NULL;
	long result;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	result = get_name(name, name_address);
	if (result)
		return result;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (size > 0 && !(buffer = kmalloc(size)))
		return -ENOMEM;
	if (size > 0 && copy_from_user(buffer, (const void __user *)value, size))
		result = -EFAULT;
	if (!result)
		result = mount_want_write(path->mount);
	if (!result)
		result = xattr_set(path_inode(path), name, buffer, size, flags);
	if (!result)
		notify_dentry(path->dentry, NOTIFY_ATTRIB);
	kfree(buffer);
	return result;
}

static long list(const struct path *path, vaddr_t name __unused, vaddr_t value, size_t size,
		 int flags __unused)
{
	char *buffer = NULL;
	long result;

	size = MIN(size, (size_t)XATTR_LIST_MAX);
	if (size > 0 && !(buffer = kmalloc(size)))
		return -ENOMEM;
	result = xattr_list(path_inode(path), buffer, size);
	if (result > 0 && size > 0 && copy_to_user((void __user *)value, buffer, (size_t)result))
		result = -EFAULT;
	kfree(buffer);
	return result;
}

static long drop(const struct path *path, vaddr_t name_address, vaddr_t value __unused,
		 size_t size __unused, int flags __unused)
{
	char name[XATTR_NAME_MAX + 1];
	long result = get_name(name, name_address);

	if (!result)
		result = mount_want_write(path->mount);
	if (!result)
		result = xattr_remove(path_inode(path), name);
	if (!result)
		notify_dentry(path->dentry, NOTIFY_ATTRIB);
	return result;
}

long sys_getxattr(vaddr_t file, vaddr_t name, vaddr_t value, size_t size)
{
	return on_path(get, file, LOOKUP_FOLLOW, name, value, size, 0);
}

long sys_lgetxattr(vaddr_t file, vaddr_t name, vaddr_t value, size_t size)
{
	return on_path(get, file, 0, name, value, size, 0);
}

long sys_fgetxattr(int fd, vaddr_t name, vaddr_t value, size_t size)
{
	return on_descriptor(get, fd, name, value, size, 0);
}

long sys_setxattr(vaddr_t file, vaddr_t name, vaddr_t value, size_t size, int flags)
{
	return on_path(set, file, LOOKUP_FOLLOW, name, value, size, flags);
}

long sys_lsetxattr(vaddr_t file, vaddr_t name, vaddr_t value, size_t size, int flags)
{
	return on_path(set, file, 0, name, value, size, flags);
}

long sys_fsetxattr(int fd, vaddr_t name, vaddr_t value, size_t size, int flags)
{
	return on_descriptor(set, fd, name, value, size, flags);
}

long sys_listxattr(vaddr_t file, vaddr_t value, size_t size)
{
	return on_path(list, file, LOOKUP_FOLLOW, 0, value, size, 0);
}

long sys_llistxattr(vaddr_t file, vaddr_t value, size_t size)
{
	return on_path(list, file, 0, 0, value, size, 0);
}

long sys_flistxattr(int fd, vaddr_t value, size_t size)
{
	return on_descriptor(list, fd, 0, value, size, 0);
}

long sys_removexattr(vaddr_t file, vaddr_t name)
{
	return on_path(drop, file, LOOKUP_FOLLOW, name, 0, 0, 0);
}

long sys_lremovexattr(vaddr_t file, vaddr_t name)
{
	return on_path(drop, file, 0, name, 0, 0, 0);
}

long sys_fremovexattr(int fd, vaddr_t name)
{
	return on_descriptor(drop, fd, name, 0, 0, 0);
}
