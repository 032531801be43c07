/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on names: mkdir, rmdir, unlink, link, symlink, readlink, rename, mknod.
 */
#include "fs/device.h"
#include "fs/calls.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "syscall/table.h"

long sys_mkdirat(int directory, vaddr_t path, mode_t mode)
{
	struct pathname name;
	long error = pathname_get(&name, path);

	if (error)
		return error;
	error = vfs_mkdir(directory, name.text, mode);
	pathname_put(&name);
	return error;
}

long sys_mkdir(vaddr_t path, mode_t mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

long sys_mknodat(int directory, vaddr_t path, mode_t mode, unsigned device)
{
	struct pathname name;
	long error = pathname_get(&name, path);

	if (error)
		return error;
	error = vfs_mknod(directory, name.text, mode, device_from_user(device));
	pathname_put(&name);
	return error;
}

long sys_mknod(vaddr_t path, mode_t mode, unsigned device)
{
	return sys_mknodat(AT_FDCWD, path, mode, device);
}

long sys_unlinkat(int directory, vaddr_t path, int flags)
{
	struct pathname name;
	long error;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	error = pathname_get(&name, path);
	if (error)
		return error;
	error = flags & AT_REMOVEDIR ? vfs_rmdir(directory, name.text)
				     : vfs_unlink(directory, name.text);
	pathname_put(&name);
	return error;
}

long sys_unlink(vaddr_t path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}

long sys_rmdir(vaddr_t path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

long sys_symlinkat(vaddr_t target, int directory, vaddr_t path)
{
	struct pathname text, name;
	long error = pathname_get(&text, target);

	if (error)
		return error;
	error = pathname_get(&name, path);
	if (!error) {
		error = vfs_symlink(text.text, directory, name.text);
		pathname_put(&name);
	}
	pathname_put(&text);
	return error;
}

long sys_symlink(vaddr_t target, vaddr_t path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

long sys_linkat(int from_directory, vaddr_t from, int to_directory, vaddr_t to, int flags)
{
	u32 lookup = flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0;
	struct pathname from_name, to_name;
	long error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (!capable(CAP_DAC_READ_SEARCH))
			return -ENOENT;
		lookup |= LOOKUP_EMPTY;
	}
	error = pathname_get(&from_name, from);
	if (error)
		return error;
	error = pathname_get(&to_name, to);
	if (!error) {
		error = vfs_link(from_directory, from_name.text, to_directory, to_name.text,
				 lookup);
		pathname_put(&to_name);
	}
	pathname_put(&from_name);
	return error;
}

long sys_link(vaddr_t from, vaddr_t to)
{
	return sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

long sys_renameat2(int from_directory, vaddr_t from, int to_directory, vaddr_t to, unsigned flags)
{
	struct pathname from_name, to_name;
	long error;

	error = pathname_get(&from_name, from);
	if (error)
		return error;
	error = pathname_get(&to_name, to);
	if (!error) {
		error = vfs_rename(from_directory, from_name.text, to_directory, to_name.text,
				   flags);
		pathname_put(&to_name);
	}
	pathname_put(&from_name);
	return error;
}

long sys_renameat(int from_directory, vaddr_t from, int to_directory, vaddr_t to)
{
	return sys_renameat2(from_directory, from, to_directory, to, 0);
}

long sys_rename(vaddr_t from, vaddr_t to)
{
	return sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static long readlink_path(const struct path *path, vaddr_t buffer, size_t size)
{
	char *text = kmalloc(PATH_MAX);
	long length = text ? path_readlink(path, text, PATH_MAX) : -ENOMEM;

	length = MIN(length, (long)size);
	if (length > 0 && copy_to_user((void __user *)buffer, text, (size_t)length))
		length = -EFAULT;
	kfree(text);
	return length;
}

long sys_readlinkat(int directory, vaddr_t path_address, vaddr_t buffer, int size)
{
	struct pathname name;
	struct path path;
	long length;

	if (size <= 0)
		return -EINVAL;
	length = pathname_get(&name, path_address);
	if (length)
		return length;
	length = path_lookup(directory, name.text, LOOKUP_EMPTY, &path);
	if (!length) {
		/* "" names the descriptor's own file, if that is a link. */
		if (!*name.text && !S_ISLNK(path_inode(&path)->mode))
			length = -ENOENT;
		else
			length = readlink_path(&path, buffer, (size_t)size);
		path_put(&path);
	}
	pathname_put(&name);
	return length;
}

long sys_readlink(vaddr_t name, vaddr_t buffer, int size)
{
	return sys_readlinkat(AT_FDCWD, name, buffer, size);
}
