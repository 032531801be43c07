/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splice(2), tee(2) and vmsplice(2): what may go where.
 */
#include "ipc/splice.h"

#include "fs/calls.h"
#include "ipc/pipe.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "syscall/table.h"

/* One side of a splice. */
struct end {
	struct file *file;
	struct pipe *pipe;        /* NULL: another kind of file */
	vaddr_t position_address; /* 0: the file's own position counts */
	off_t position;
};

static bool is_nonblocking(const struct end *end)
{
	return end->file->flags & O_NONBLOCK;
}

/* The end that is no pipe: -ESPIPE is for pipes alone. */
static long check_end(const struct end *end)
{
	if (end->file->mode & FILE_DIRECTORY)
		return -EINVAL;
	return end->position_address != 0 && !(end->file->mode & FILE_SEEK) ? -EINVAL : 0;
}

static long from_pipe(struct end *in, struct end *out, size_t length, u32 flags)
{
	bool own = out->position_address == 0;

	long error = check_end(out);
	if (error)
		return error;
	if (out->file->flags & O_APPEND)
		return -EINVAL;
	if (is_nonblocking(in))
		flags |= SPLICE_F_NONBLOCK;
	bool locked = own && file_lock_position(out->file);
	long result = splice_from_pipe(in->pipe, out->file,
				       own ? &out->file->position : &out->position, length, flags);
	file_unlock_position(out->file, locked);
	return result;
}

static long to_pipe(struct end *in, struct end *out, size_t length, u32 flags)
{
	bool own = in->position_address == 0;

	long error = check_end(in);
	if (error)
		return error;
	if (is_nonblocking(out))
		flags |= SPLICE_F_NONBLOCK;
	bool locked = own && file_lock_position(in->file);
	long result = splice_to_pipe(in->file, own ? &in->file->position : &in->position, out->pipe,
				     length, flags);
	file_unlock_position(in->file, locked);
	return result;
}

static long splice_ends(struct end *in, struct end *out, size_t length, u32 flags)
{
	if (!(in->file->mode & FILE_READ) || !(out->file->mode & FILE_WRITE))
		return -EBADF;
	if (in->pipe != NULL && out->pipe != NULL) {
		if (in->pipe == out->pipe)
			return -EINVAL;
		if (is_nonblocking(in) || is_nonblocking(out))
			flags |= SPLICE_F_NONBLOCK;
		return splice_pipes(in->pipe, out->pipe, length, flags, false);
	}
	if (in->pipe != NULL)
		return from_pipe(in, out, length, flags);
	return out->pipe != NULL ? to_pipe(in, out, length, flags) : -EINVAL;
}

static long read_position(struct end *end)
{
	if (end->position_address == 0)
		return 0;
	if (end->pipe != NULL)
		return -ESPIPE;
	return get_user(end->position, end->position_address);
}

static long write_position(const struct end *end)
{
	return end->position_address != 0 ? put_user(end->position, end->position_address) : 0;
}

static long splice_files(struct end *in, struct end *out, size_t length, u32 flags)
{
	in->pipe = pipe_of_file(in->file);
	out->pipe = pipe_of_file(out->file);
	long result = read_position(in);
	if (result == 0)
		result = read_position(out);
	if (result == 0)
		result = splice_ends(in, out, MIN(length, IO_MAX_BYTES), flags);
	if (result >= 0 && (write_position(in) != 0 || write_position(out) != 0))
		result = -EFAULT;
	return result;
}

long sys_splice(int in, vaddr_t in_position, int out, vaddr_t out_position, size_t length,
		u32 flags)
{
	struct fd_borrow from = {NULL, false}, to = {NULL, false};
	long result = -EBADF;

	if (length == 0)
		return 0;
	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	from = fd_borrow(in);
	if (from.file != NULL)
		to = fd_borrow(out);
	if (to.file != NULL) {
		struct end first = {.file = from.file, .position_address = in_position};
		struct end second = {.file = to.file, .position_address = out_position};
		result = splice_files(&first, &second, length, flags);
	}
	fd_return(to);
	fd_return(from);
	return result;
}

static long tee_files(const struct file *in, const struct file *out, size_t length, u32 flags)
{
	struct pipe *from = pipe_of_file(in), *to = pipe_of_file(out);

	if (!(in->mode & FILE_READ) || !(out->mode & FILE_WRITE))
		return -EBADF;
	if (from == NULL || to == NULL || from == to)
		return -EINVAL;
	if ((in->flags | out->flags) & O_NONBLOCK)
		flags |= SPLICE_F_NONBLOCK;
	return splice_pipes(from, to, MIN(length, IO_MAX_BYTES), flags, true);
}

long sys_tee(int in, int out, size_t length, u32 flags)
{
	struct fd_borrow from, to = {NULL, false};
	long result = -EBADF;

	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	if (length == 0)
		return 0;
	from = fd_borrow(in);
	if (from.file != NULL)
		to = fd_borrow(out);
	if (to.file != NULL)
		result = tee_files(from.file, to.file, length, flags);
	fd_return(to);
	fd_return(from);
	return result;
}

static long splice_memory(const struct file *file, vaddr_t vector, size_t count, u32 flags)
{
	struct pipe *pipe = pipe_of_file(file);
	bool to_pipe = file->mode & FILE_WRITE;
	struct io_cursor cursor;

	if (pipe == NULL)
		return -EBADF;
	if (file->flags & O_NONBLOCK)
		flags |= SPLICE_F_NONBLOCK;
	long result = io_cursor_init_vector(&cursor, vector, count, to_pipe ? IO_WRITE : IO_READ);
	if (result != 0)
		return result;
	result = to_pipe ? splice_user_to_pipe(&cursor, pipe, flags)
			 : splice_pipe_to_user(pipe, &cursor, flags);
	io_cursor_release(&cursor);
	return result;
}

long sys_vmsplice(int fd, vaddr_t vector, size_t count, u32 flags)
{
	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	struct fd_borrow borrow = fd_borrow(fd);
	if (borrow.file == NULL)
		return -EBADF;
	long result = splice_memory(borrow.file, vector, count, flags);
	fd_return(borrow);
	return result;
}
