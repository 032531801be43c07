/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading, writing and seeking open files, with the checks that are the same for all.
 *
 * An open file that several tasks can reach has its position guarded by position_lock, so that
 * reads and writes on one description follow each other as POSIX asks.  One that only the caller
 * can reach needs no lock: a sole reference in a table that nobody else uses.
 */
#include "fs/fs_internal.h"
#include "fs/notify.h"

#include "proc/task.h"

bool file_lock_position(struct file *file)
{
	if (!(file->mode & FILE_SEEK))
		return false;
	if (__atomic_load_n(&file->refs, __ATOMIC_RELAXED) == 1 &&
	    __atomic_load_n(&current->files->refs, __ATOMIC_RELAXED) == 1)
		return false;
	/* A copy from file to file locks two, by address. */
	mutex_lock_nested(&file->position_lock, LOCK_NEST_NEXT);
	return true;
}

void file_unlock_position(struct file *file, bool locked)
{
	if (locked)
		mutex_unlock(&file->position_lock);
}

static int check_position(const struct file *file, const struct io_cursor *cursor, off_t position)
{
	if (!(file->mode & FILE_SEEK))
		return 0;
	if (position < 0)
		return -EINVAL;
	return (u64)position + cursor->remaining > (u64)INT64_MAX ? -EOVERFLOW : 0;
}

/* The operations, when somebody watches files. */
static ssize_t read_watched(struct file *file, struct io_cursor *cursor, off_t *position)
{
	ssize_t result = notify_file_permission(file, FAN_ACCESS_PERM);

	if (result == 0)
		result = file->ops->read(file, cursor, position);
	if (result > 0)
		notify_file(file, NOTIFY_ACCESS);
	return result;
}

static ssize_t write_watched(struct file *file, struct io_cursor *cursor, off_t *position)
{
	ssize_t result = file->ops->write(file, cursor, position);

	if (result > 0)
		notify_file(file, NOTIFY_MODIFY);
	return result;
}

ssize_t file_read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	int error;

	if (unlikely(!(file->mode & FILE_READ)))
		return -EBADF;
	if (unlikely(!file->ops->read))
		return file->mode & FILE_DIRECTORY ? -EISDIR : -EINVAL;
	error = check_position(file, cursor, *position);
	if (unlikely(error))
		return error;
	if (notify_active())
		return read_watched(file, cursor, position);
	return file->ops->read(file, cursor, position);
}

ssize_t file_write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	int error;

	if (unlikely(!(file->mode & FILE_WRITE)))
		return -EBADF;
	if (unlikely(!file->ops->write))
		return -EINVAL;
	error = check_position(file, cursor, *position);
	if (unlikely(error))
		return error;
	if (notify_active())
		return write_watched(file, cursor, position);
	return file->ops->write(file, cursor, position);
}

ssize_t file_read_kernel(struct file *file, void *to, size_t size, off_t position)
{
	struct io_cursor cursor;

	if (!file->ops || !file->ops->read)
		return -EINVAL;
	io_cursor_init_kernel(&cursor, to, size, IO_READ);
	return file->ops->read(file, &cursor, &position);
}

ssize_t file_write_kernel(struct file *file, const void *from, size_t size, off_t position)
{
	struct io_cursor cursor;

	if (!file->ops || !file->ops->write)
		return -EINVAL;
	io_cursor_init_kernel(&cursor, (void *)from, size, IO_WRITE);
	return file->ops->write(file, &cursor, &position);
}

/* lseek as for a regular file; the caller has the position locked. */
static off_t seek_plain(struct file *file, off_t offset, int whence)
{
	off_t size = inode_size(file->inode), position;

	switch (whence) {
	case SEEK_SET:
		position = offset;
		break;
	case SEEK_CUR:
		if (__builtin_add_overflow(file->position, offset, &position))
			return -EOVERFLOW;
		break;
	case SEEK_END:
		if (__builtin_add_overflow(size, offset, &position))
			return -EOVERFLOW;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		/* Without better knowledge all is data, with a hole at the end. */
		if (offset < 0 || offset >= size)
			return -ENXIO;
		position = whence == SEEK_DATA ? offset : size;
		break;
	default:
		return -EINVAL;
	}
	if (position < 0 || position > file->inode->superblock->max_size)
		return -EINVAL;
	file->position = position;
	return position;
}

off_t file_seek(struct file *file, off_t offset, int whence)
{
	bool locked;
	off_t result;

	if (!(file->mode & FILE_SEEK))
		return -ESPIPE;
	locked = file_lock_position(file);
	result = file->ops->seek ? file->ops->seek(file, offset, whence)
				 : seek_plain(file, offset, whence);
	file_unlock_position(file, locked);
	return result;
}

off_t file_seek_directory(struct file *file, off_t offset, int whence)
{
	off_t from = whence == SEEK_CUR ? file->position : 0, position;

	if ((whence != SEEK_CUR && whence != SEEK_SET) ||
	    __builtin_add_overflow(from, offset, &position) || position < 0)
		return -EINVAL;
	file->position = position;
	return position;
}

u32 file_poll(struct file *file, struct poll_table *table)
{
	return file->ops && file->ops->poll ? file->ops->poll(file, table) : POLL_ALWAYS_READY;
}

bool dir_emit_dots(struct file *file, struct dir_context *context)
{
	if (context->position == 0) {
		if (!dir_emit(context, ".", 1, file->inode->ino, S_IFDIR >> 12))
			return false;
		context->position = 1;
	}
	if (context->position == 1) {
		struct dentry *parent = dentry_get_parent(file->path.dentry);
		bool taken = dir_emit(context, "..", 2, dentry_inode(parent)->ino, S_IFDIR >> 12);

		/* Never the last reference: the child that we hold has one. */
		dentry_put(parent);
		if (!taken)
			return false;
		context->position = 2;
	}
	return true;
}
