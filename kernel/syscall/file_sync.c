/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files and stable storage: sync and its kin, and advice about coming reads, which for files in
 * memory means nothing.
 */
#include "fs/block/block_device.h"
#include "fs/calls.h"
#include "syscall/table.h"

long sys_sync(void)
{
	superblocks_sync();
	block_sync_all();
	return 0;
}

long sys_syncfs(int fd)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result;

	if (!borrow.file)
		return -EBADF;
	result = superblock_sync(borrow.file->inode->superblock);
	fd_return(borrow);
	return result;
}

static long sync_file(int fd, bool data_only)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result = -EINVAL;

	if (!borrow.file)
		return -EBADF;
	if (borrow.file->ops->fsync)
		result = borrow.file->ops->fsync(borrow.file, 0, INT64_MAX, data_only);
	fd_return(borrow);
	return result;
}

long sys_fsync(int fd)
{
	return sync_file(fd, false);
}

long sys_fdatasync(int fd)
{
	return sync_file(fd, true);
}

static long check_range_file(const struct file *file)
{
	mode_t mode = file->inode->mode;

	return S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode) || S_ISLNK(mode) ? 0 : -ESPIPE;
}

long sys_sync_file_range(int fd, off_t offset, off_t length, unsigned flags)
{
	const unsigned known =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	struct fd_borrow borrow = fd_borrow(fd);
	off_t end;
	long result;

	if (!borrow.file)
		return -EBADF;
	if (flags & ~known || offset < 0 || length < 0 ||
	    __builtin_add_overflow(offset, length, &end))
		result = -EINVAL;
	else
		result = check_range_file(borrow.file);
	if (!result && borrow.file->ops->fsync)
		result = borrow.file->ops->fsync(borrow.file, offset, length ? end : INT64_MAX,
						 true);
	fd_return(borrow);
	return result;
}

enum { LAST_ADVICE = 5 };

long sys_fadvise64(int fd, off_t offset __unused, off_t length, int advice)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result = 0;

	if (!borrow.file)
		return -EBADF;
	if (S_ISFIFO(borrow.file->inode->mode))
		result = -ESPIPE;
	else if (length < 0 || advice < 0 || advice > LAST_ADVICE)
		result = -EINVAL;
	fd_return(borrow);
	return result;
}

long sys_readahead(int fd, off_t offset __unused, size_t count __unused)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result = 0;

	if (!borrow.file)
		return -EBADF;
	if (!(borrow.file->mode & FILE_READ))
		result = -EBADF;
	else if (!S_ISREG(borrow.file->inode->mode))
		result = -EINVAL;
	fd_return(borrow);
	return result;
}
