/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening, closing and duplicating descriptors: open, openat, openat2, creat, close, close_range,
 * dup, dup2, dup3.
 */
#include "fs/calls.h"
#include "lib/abi/mman.h"
#include "mm/usercopy.h"
#include "proc/rlimit.h"
#include "proc/task.h"
#include "syscall/table.h"

/* Opens and gives the file a descriptor, which is reserved first: an open must not have effects and
 * then fail. */
static long open_descriptor(int directory, vaddr_t path, u32 flags, mode_t mode, u32 lookup)
{
	struct pathname name;
	struct file *file;
	int fd, error = pathname_get(&name, path);

	if (error)
		return error;
	fd = fd_reserve(flags);
	if (fd < 0)
		goto out;
	file = file_open_walk(directory, name.text, flags, mode, lookup, false);
	if (IS_ERR(file)) {
		fd_release(fd);
		fd = (int)PTR_ERR(file);
	} else {
		fd_fill(fd, file);
	}
out:
	pathname_put(&name);
	return fd;
}

long sys_openat(int directory, vaddr_t path, int flags, mode_t mode)
{
	return open_descriptor(directory, path, (u32)flags | O_LARGEFILE, mode, 0);
}

long sys_open(vaddr_t path, int flags, mode_t mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}

long sys_creat(vaddr_t path, mode_t mode)
{
	return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

#define OPEN_FLAGS_KNOWN                                                                       \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |  \
	 O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | \
	 O_PATH | O_TMPFILE)

/* Unlike open, openat2 refuses what it does not know. */
static int check_how(const struct linux_open_how *how)
{
	const u64 path_flags = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	const u64 resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
			    RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;

	if (how->flags & ~(u64)OPEN_FLAGS_KNOWN || how->resolve & ~resolve)
		return -EINVAL;
	if (how->resolve & RESOLVE_BENEATH && how->resolve & RESOLVE_IN_ROOT)
		return -EINVAL;
	if (how->flags & (O_CREAT | O_TMPFILE_BIT) ? (how->mode & ~(u64)S_IALLUGO) != 0
						   : how->mode != 0)
		return -EINVAL;
	if (how->flags & O_PATH && how->flags & ~path_flags)
		return -EINVAL;
	/* An answer from the cache alone is never promised. */
	return how->resolve & RESOLVE_CACHED ? -EAGAIN : 0;
}

long sys_openat2(int directory, vaddr_t path, vaddr_t how_address, size_t size)
{
	static const u32 lookups[] = {LOOKUP_NO_XDEV, LOOKUP_NO_MAGICLINKS, LOOKUP_NO_SYMLINKS,
				      LOOKUP_BENEATH, LOOKUP_IN_ROOT};
	struct linux_open_how how;
	u32 lookup = 0;
	int error;

	if (size < sizeof(how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	error = get_user(how, how_address);
	/* A longer structure must be zero where we know nothing. */
	for (size_t at = sizeof(how); !error && at < size; at++) {
		u8 byte = 0;

		error = get_user(byte, how_address + at);
		if (!error && byte)
			error = -E2BIG;
	}
	if (!error)
		error = check_how(&how);
	if (error)
		return error;
	for (size_t i = 0; i < ARRAY_SIZE(lookups); i++)
		if (how.resolve & BIT(i))
			lookup |= lookups[i];
	return open_descriptor(directory, path, (u32)how.flags, (mode_t)how.mode, lookup);
}

long sys_close(int fd)
{
	long result = fd_close(fd);

	/* The descriptor is gone, so a restart would close another one. */
	if (result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND)
		return -EINTR;
	return result;
}

long sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	if (flags & ~(unsigned)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		int error = files_unshare();

		if (error)
			return error;
	}
	if (flags & CLOSE_RANGE_CLOEXEC) {
		for (int fd = (int)MIN(first, (unsigned)INT_MAX);
		     (fd = files_next_open(current->files, fd)) >= 0 && (unsigned)fd <= last;
		     fd++) {
			int error = fd_set_flags(fd, true);

			if (error && error != -EBADF)
				return error;
		}
		return 0;
	}
	files_close_range(current->files, first, MIN(last, UINT_MAX - 1), false);
	return 0;
}

long sys_dup(int fd)
{
	struct file *file = fd_get_any(fd);

	return file ? fd_install(file, 0) : -EBADF;
}

static long replace(int fd, int target, bool close_on_exec)
{
	struct file *file = fd_get_any(fd);
	long result;

	if (!file)
		return -EBADF;
	result = fd_replace(file, target, close_on_exec);
	file_put(file);
	return result;
}

long sys_dup2(int fd, int target)
{
	if (fd == target)
		return fd_flags(fd) < 0 ? -EBADF : target;
	return replace(fd, target, false);
}

long sys_dup3(int fd, int target, int flags)
{
	if (flags & ~O_CLOEXEC || fd == target)
		return -EINVAL;
	return replace(fd, target, flags & O_CLOEXEC);
}

enum { MEMFD_NAME_MAX = NAME_MAX - 6 }; /* "memfd:" counts */

long sys_memfd_create(vaddr_t name_address, unsigned flags)
{
	char name[MEMFD_NAME_MAX + 1];
	ssize_t length;
	struct file *file;

	const unsigned sizes = MAP_HUGE_MASK << MAP_HUGE_SHIFT;

	if (flags &
	    ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | (flags & MFD_HUGETLB ? sizes : 0)))
		return -EINVAL;
	length = strncpy_from_user(name, (const char __user *)name_address, sizeof(name));
	if (length < 0)
		return length;
	if (length > MEMFD_NAME_MAX)
		return -EINVAL;
	file = memfd_create(name, flags);
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}
