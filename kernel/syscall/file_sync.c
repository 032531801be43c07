/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files and stable storage: sync and its kin, and advice about coming reads, which goes to the
 * file's page cache.  It is the file's, not the descriptor's: who says that he reads here and there
 * says it for all readers.
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

/* Without a flag that waits the volume's thread is sent, and nobody waited for, where there is one. */
static long sync_range(struct file *file, off_t start, off_t end, unsigned flags)
{
	struct superblock *superblock = file->inode->superblock;

	if (flags == SYNC_FILE_RANGE_WRITE && !S_ISBLK(file->inode->mode) &&
	    superblock->ops->hurry) {
		superblock->ops->hurry(superblock);
		return 0;
	}
	return file->ops->fsync ? file->ops->fsync(file, start, end, true) : 0;
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
	if (!result && flags)
		result = sync_range(borrow.file, offset, length ? end : INT64_MAX, flags);
	fd_return(borrow);
	return result;
}

enum advice {
	ADVICE_NORMAL = 0,
	ADVICE_RANDOM = 1,
	ADVICE_SEQUENTIAL = 2,
	ADVICE_WILL_NEED = 3,
	ADVICE_DONT_NEED = 4,
	ADVICE_NO_REUSE = 5,
	BRING_MOST = 512, /* pages: whoever asks waits for them */
};

/* Whole pages alone go, but the file's last one counts as whole. */
static void dont_need(struct page_cache *cache, u64 start, u64 end)
{
	u64 first = DIV_ROUND_UP(start, PAGE_SIZE);
	u64 beyond = end >= page_cache_size(cache) ? DIV_ROUND_UP(end, PAGE_SIZE) : end / PAGE_SIZE;

	if (first < beyond)
		page_cache_give_up(cache, first, beyond - 1);
}

/* Bytes [start, end) of a file; end is INT64_MAX for all of it. */
static void advise(struct inode *inode, u64 start, u64 end, int advice)
{
	struct page_cache *cache = &inode->cache;
	u64 first = start / PAGE_SIZE;

	if (!(inode->flags & INODE_PAGE_CACHE))
		return;
	switch (advice) {
	case ADVICE_NORMAL:
	case ADVICE_RANDOM:
	case ADVICE_SEQUENTIAL:
		page_cache_set_random(cache, advice == ADVICE_RANDOM);
		break;
	case ADVICE_WILL_NEED:
		page_cache_bring(cache, first,
				 MIN(DIV_ROUND_UP(end, PAGE_SIZE), first + BRING_MOST));
		break;
	case ADVICE_DONT_NEED:
		dont_need(cache, start, end);
		break;
	}
}

static long advise_file(const struct file *file, off_t offset, off_t length, int advice)
{
	off_t end;

	if (S_ISFIFO(file->inode->mode))
		return -ESPIPE;
	if (length < 0 || advice < 0 || advice > ADVICE_NO_REUSE)
		return -EINVAL;
	if (length == 0 || __builtin_add_overflow(offset, length, &end))
		end = INT64_MAX;
	if (offset >= 0 && S_ISREG(file->inode->mode))
		advise(file->inode, (u64)offset, (u64)end, advice);
	return 0;
}

long sys_fadvise64(int fd, off_t offset, off_t length, int advice)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result;

	if (!borrow.file)
		return -EBADF;
	result = advise_file(borrow.file, offset, length, advice);
	fd_return(borrow);
	return result;
}

long sys_readahead(int fd, off_t offset, size_t count)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result;

	if (!borrow.file)
		return -EBADF;
	if (!(borrow.file->mode & FILE_READ))
		result = -EBADF;
	else if (!S_ISREG(borrow.file->inode->mode))
		result = -EINVAL;
	else
		result = advise_file(borrow.file, offset, (off_t)count, ADVICE_WILL_NEED);
	fd_return(borrow);
	return result;
}
