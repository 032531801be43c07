/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving data: read, write and their vector and positioned forms, lseek.
 */
#include "fs/calls.h"
#include "proc/task.h"
#include "syscall/table.h"

typedef ssize_t (*transfer_t)(struct file *file, struct io_cursor *cursor, off_t *position);

/* At the file's own position. */
static long transfer(struct file *file, struct io_cursor *cursor, transfer_t function)
{
	bool locked = file_lock_position(file);
	ssize_t done = function(file, cursor, &file->position);

	file_unlock_position(file, locked);
	return done;
}

long sys_read(int fd, vaddr_t buffer, size_t count)
{
	struct fd_borrow borrow = fd_borrow(fd);
	struct io_cursor cursor;
	long result;

	if (!borrow.file)
		return -EBADF;
	if (!(borrow.file->mode & FILE_READ))
		result = -EBADF;
	else if ((ssize_t)count < 0)
		result = -EINVAL;
	else
		result = io_cursor_init_user(&cursor, buffer, count, IO_READ);
	if (result == 0)
		result = transfer(borrow.file, &cursor, file_read);
	fd_return(borrow);
	return result;
}

long sys_write(int fd, vaddr_t buffer, size_t count)
{
	struct fd_borrow borrow = fd_borrow(fd);
	struct io_cursor cursor;
	long result;

	if (!borrow.file)
		return -EBADF;
	if (!(borrow.file->mode & FILE_WRITE))
		result = -EBADF;
	else if ((ssize_t)count < 0)
		result = -EINVAL;
	else
		result = io_cursor_init_user(&cursor, buffer, count, IO_WRITE);
	if (result == 0)
		result = transfer(borrow.file, &cursor, file_write);
	fd_return(borrow);
	return result;
}

/* At a given position, which the file's own does not notice. */
static long transfer_at(int fd, struct io_cursor *cursor, int initialised, off_t position,
			transfer_t function)
{
	struct fd_borrow borrow;
	long result = initialised;

	if (position < 0)
		return -EINVAL;
	borrow = fd_borrow(fd);
	if (!borrow.file)
		return -EBADF;
	if (!(borrow.file->mode & FILE_SEEK))
		result = -ESPIPE;
	else if (!(borrow.file->mode & (cursor->direction == IO_READ ? FILE_READ : FILE_WRITE)))
		result = -EBADF;
	if (result == 0)
		result = function(borrow.file, cursor, &position);
	fd_return(borrow);
	return result;
}

long sys_pread64(int fd, vaddr_t buffer, size_t count, off_t position)
{
	struct io_cursor cursor = {.direction = IO_READ};
	int error =
		(ssize_t)count < 0 ? -EINVAL : io_cursor_init_user(&cursor, buffer, count, IO_READ);

	return transfer_at(fd, &cursor, error, position, file_read);
}

long sys_pwrite64(int fd, vaddr_t buffer, size_t count, off_t position)
{
	struct io_cursor cursor = {.direction = IO_WRITE};
	int error = (ssize_t)count < 0 ? -EINVAL
				       : io_cursor_init_user(&cursor, buffer, count, IO_WRITE);

	return transfer_at(fd, &cursor, error, position, file_write);
}

static long transfer_vector(int fd, vaddr_t vector, u64 count, enum io_direction direction)
{
	struct fd_borrow borrow = fd_borrow(fd);
	struct io_cursor cursor;
	long result;

	if (!borrow.file)
		return -EBADF;
	if (!(borrow.file->mode & (direction == IO_READ ? FILE_READ : FILE_WRITE)))
		result = -EBADF;
	else
		result = io_cursor_init_vector(&cursor, vector, count, direction);
	if (result == 0) {
		result = transfer(borrow.file, &cursor,
				  direction == IO_READ ? file_read : file_write);
		io_cursor_release(&cursor);
	}
	fd_return(borrow);
	return result;
}

long sys_readv(int fd, vaddr_t vector, u64 count)
{
	return transfer_vector(fd, vector, count, IO_READ);
}

long sys_writev(int fd, vaddr_t vector, u64 count)
{
	return transfer_vector(fd, vector, count, IO_WRITE);
}

static long transfer_vector_at(int fd, vaddr_t vector, u64 count, off_t position,
			       enum io_direction direction)
{
	struct io_cursor cursor = {.direction = direction};
	int error = io_cursor_init_vector(&cursor, vector, count, direction);
	long result = transfer_at(fd, &cursor, error, position,
				  direction == IO_READ ? file_read : file_write);

	if (!error)
		io_cursor_release(&cursor);
	return result;
}

/* The position comes in two words for the sake of other machines; here the low one holds it all. */
long sys_preadv(int fd, vaddr_t vector, u64 count, off_t position, u64 position_high __unused)
{
	return transfer_vector_at(fd, vector, count, position, IO_READ);
}

long sys_pwritev(int fd, vaddr_t vector, u64 count, off_t position, u64 position_high __unused)
{
	return transfer_vector_at(fd, vector, count, position, IO_WRITE);
}

/* All writes are synchronous here, and none is polled for; the other flags would need more than we
 * have. */
static bool rwf_supported(int flags)
{
	return !(flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC));
}

long sys_preadv2(int fd, vaddr_t vector, u64 count, off_t position, u64 position_high, int flags)
{
	if (!rwf_supported(flags))
		return -EOPNOTSUPP;
	if (position == -1)
		return sys_readv(fd, vector, count);
	return sys_preadv(fd, vector, count, position, position_high);
}

long sys_pwritev2(int fd, vaddr_t vector, u64 count, off_t position, u64 position_high, int flags)
{
	if (!rwf_supported(flags))
		return -EOPNOTSUPP;
	if (position == -1)
		return sys_writev(fd, vector, count);
	return sys_pwritev(fd, vector, count, position, position_high);
}

long sys_lseek(int fd, off_t offset, unsigned whence)
{
	struct fd_borrow borrow = fd_borrow(fd);
	long result;

	if (!borrow.file)
		return -EBADF;
	result = whence > SEEK_HOLE ? -EINVAL : file_seek(borrow.file, offset, (int)whence);
	fd_return(borrow);
	return result;
}
