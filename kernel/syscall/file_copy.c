/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying between files inside the kernel: sendfile and copy_file_range, through a buffer of a few
 * pages.
 */
#include "fs/calls.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "syscall/table.h"

enum { COPY_BUFFER = 64 * 1024 };

struct copying {
	struct file *in, *out;
	off_t *in_position, *out_position;
	char *buffer;
	size_t buffer_size;
};

/* One buffer full; bytes that arrived.  What was read and not written is to be read again. */
static ssize_t copy_step(const struct copying *copy, size_t count)
{
	struct io_cursor cursor;
	off_t start = *copy->in_position;
	ssize_t got, put;

	io_cursor_init_kernel(&cursor, copy->buffer, MIN(count, copy->buffer_size), IO_READ);
	got = file_read(copy->in, &cursor, copy->in_position);
	if (got <= 0)
		return got;
	io_cursor_init_kernel(&cursor, copy->buffer, (size_t)got, IO_WRITE);
	put = file_write(copy->out, &cursor, copy->out_position);
	if (put < got && copy->in->mode & FILE_SEEK)
		*copy->in_position = start + MAX(put, (ssize_t)0);
	return put;
}

static ssize_t copy_all(struct copying *copy, size_t count)
{
	size_t done = 0;
	ssize_t step = 0;

	copy->buffer_size = MIN((size_t)COPY_BUFFER, ALIGN_UP(MAX(count, (size_t)1), PAGE_SIZE));
	copy->buffer = kmalloc(copy->buffer_size);
	if (!copy->buffer)
		return -ENOMEM;
	while (done < count) {
		step = copy_step(copy, count - done);
		if (step <= 0)
			break;
		done += (size_t)step;
		if (task_signal_pending(current)) {
			step = -ERESTARTSYS;
			break;
		}
	}
	kfree(copy->buffer);
	return done > 0 ? (ssize_t)done : step;
}

static ssize_t check_sendfile(const struct file *in, const struct file *out, bool positioned)
{
	if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE))
		return -EBADF;
	if (positioned && !(in->mode & FILE_SEEK))
		return -ESPIPE;
	/* From a terminal or a pipe it would not end where a read ends. */
	if (!in->ops->read || S_ISDIR(in->inode->mode) || !(in->mode & FILE_SEEK) ||
	    out->flags & O_APPEND)
		return -EINVAL;
	return 0;
}

/* Locks the positions of both files, in the order of their addresses: others may copy the other
 * way.
 */
static void lock_positions(struct file *in, struct file *out, bool *in_locked, bool *out_locked)
{
	bool out_first = out < in;

	if (out_first)
		*out_locked = file_lock_position(out);
	*in_locked = file_lock_position(in);
	if (!out_first && in != out)
		*out_locked = file_lock_position(out);
}

static ssize_t send(struct file *in, struct file *out, off_t *position, size_t count)
{
	bool in_locked = false, out_locked = false;
	struct copying copy = {
		.in = in,
		.out = out,
		.in_position = position ? position : &in->position,
		.out_position = &out->position,
	};

	if (position)
		out_locked = file_lock_position(out);
	else
		lock_positions(in, out, &in_locked, &out_locked);
	ssize_t result = copy_all(&copy, MIN(count, IO_MAX_BYTES));

	file_unlock_position(out, out_locked);
	file_unlock_position(in, in_locked);
	return result;
}

long sys_sendfile(int out_fd, int in_fd, vaddr_t position_address, size_t count)
{
	struct fd_borrow in = fd_borrow(in_fd), out = {NULL, false};
	off_t position = 0;
	long result = -EBADF;

	if (position_address && get_user(position, position_address))
		result = -EFAULT;
	else if (in.file)
		out = fd_borrow(out_fd);
	if (in.file && out.file) {
		result = check_sendfile(in.file, out.file, position_address != 0);
		if (!result && position < 0)
			result = -EINVAL;
		if (!result)
			result =
				send(in.file, out.file, position_address ? &position : NULL, count);
		if (result >= 0 && position_address && put_user(position, position_address))
			result = -EFAULT;
	}
	fd_return(out);
	fd_return(in);
	return result;
}

static ssize_t check_range_copy(const struct file *in, const struct file *out, off_t in_position,
				off_t out_position, size_t *count)
{
	off_t size = inode_size(in->inode);

	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE) || out->flags & O_APPEND)
		return -EBADF;
	if (in->inode->superblock != out->inode->superblock)
		return -EXDEV;
	if (in_position < 0 || out_position < 0)
		return -EINVAL;
	if (*count > (size_t)(INT64_MAX - MAX(in_position, out_position)))
		return -EOVERFLOW;
	*count = in_position < size ? MIN(*count, (size_t)(size - in_position)) : 0;
	if (in->inode == out->inode && in_position < out_position + (off_t)*count &&
	    out_position < in_position + (off_t)*count)
		return -EINVAL;
	return 0;
}

static long copy_range(struct file *in, vaddr_t in_address, struct file *out, vaddr_t out_address,
		       size_t count)
{
	off_t in_position = in->position, out_position = out->position;
	struct copying copy = {
		.in = in, .out = out, .in_position = &in_position, .out_position = &out_position};
	long result;

	if ((in_address && get_user(in_position, in_address)) ||
	    (out_address && get_user(out_position, out_address)))
		return -EFAULT;
	count = MIN(count, IO_MAX_BYTES);
	result = check_range_copy(in, out, in_position, out_position, &count);
	if (!result && count > 0)
		result = copy_all(&copy, count);
	if (result <= 0)
		return result;
	if (!in_address)
		in->position = in_position;
	else if (put_user(in_position, in_address))
		return -EFAULT;
	if (!out_address)
		out->position = out_position;
	else if (put_user(out_position, out_address))
		return -EFAULT;
	return result;
}

long sys_copy_file_range(int in_fd, vaddr_t in_position, int out_fd, vaddr_t out_position,
			 size_t count, unsigned flags)
{
	struct fd_borrow in = fd_borrow(in_fd), out = fd_borrow(out_fd);
	long result = -EBADF;

	if (in.file && out.file)
		result = flags ? -EINVAL
			       : copy_range(in.file, in_position, out.file, out_position, count);
	fd_return(out);
	fd_return(in);
	return result;
}
