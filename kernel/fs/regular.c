/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files whose data is in the page cache.
 *
 * Reads take no lock but the cache's own; writes and everything that changes the size hold
 * inode->lock for writing, so an append finds the end and puts its data there in one step.
 */
#include "fs/fs_internal.h"

#include "lib/abi/mman.h"
#include "lib/abi/signal.h"
#include "mm/frame.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/signal.h"
#include "proc/task.h"

static ssize_t regular_read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct inode *inode = file->inode;
	ssize_t done;

	if (cursor->remaining == 0)
		return 0;
	done = page_cache_read(&inode->cache, cursor, (u64)*position);
	if (done > 0)
		*position += done;
	if (!(file->mode & FILE_NO_ATIME))
		inode_accessed(file->path.mount, inode);
	return done;
}

static int regular_get_page(struct file *file, u64 index, phys_t *frame)
{
	if (!(file->mode & FILE_NO_ATIME))
		inode_accessed(file->path.mount, file->inode);
	return page_cache_get(&file->inode->cache, index, PAGE_CACHE_READ, frame);
}

/* Where the data goes, and how much of it may; inode->lock held. */
static int check_write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct inode *inode = file->inode;
	off_t max = inode->superblock->max_size;
	u64 limit = current->process && current->fs ? rlimit_current(RLIMIT_FSIZE) : UINT64_MAX;

	if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (inode->flags & INODE_SWAPFILE)
		return -ETXTBSY;
	if (file->flags & O_APPEND)
		*position = inode_size(inode);
	if (inode->seals & F_SEAL_GROW && *position + (off_t)cursor->remaining > inode_size(inode))
		return -EPERM;
	if (limit != UINT64_MAX) {
		if ((u64)*position >= limit) {
			signal_send_kernel(current->process, SIGXFSZ);
			return -EFBIG;
		}
		max = MIN(max, (off_t)MIN(limit, (u64)INT64_MAX));
	}
	if (*position >= max)
		return -EFBIG;
	if (cursor->remaining > (size_t)(max - *position))
		io_cursor_truncate(cursor, (size_t)(max - *position));
	return inode_remove_setid(inode);
}

/* Some file systems have to make room first. */
static ssize_t prepare_write(struct inode *inode, struct io_cursor *cursor, off_t position)
{
	ssize_t room;

	if (!inode->ops || !inode->ops->prepare_write)
		return 0;
	room = inode->ops->prepare_write(inode, (u64)position, cursor->remaining);
	if (room < 0)
		return room;
	io_cursor_truncate(cursor, (size_t)room);
	return 0;
}

static ssize_t regular_write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct inode *inode = file->inode;
	ssize_t done;

	if (cursor->remaining == 0)
		return 0;
	rwlock_write_lock(&inode->lock);
	done = check_write(file, cursor, position);
	if (done == 0)
		done = prepare_write(inode, cursor, *position);
	if (done == 0 && file->flags & O_DIRECT && inode->ops && inode->ops->write_direct)
		done = inode->ops->write_direct(inode, cursor, (u64)*position);
	else if (done == 0)
		done = page_cache_write(&inode->cache, cursor, (u64)*position);
	if (done > 0) {
		*position += done;
		inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	}
	rwlock_write_unlock(&inode->lock);
	return done;
}

static off_t seek_from(struct file *file, off_t base, off_t offset)
{
	off_t position;

	if (__builtin_add_overflow(base, offset, &position))
		return -EOVERFLOW;
	if (position < 0 || position > file->inode->superblock->max_size)
		return -EINVAL;
	file->position = position;
	return position;
}

static off_t regular_seek(struct file *file, off_t offset, int whence)
{
	struct inode *inode = file->inode;
	off_t found;

	switch (whence) {
	case SEEK_SET:
		return seek_from(file, 0, offset);
	case SEEK_CUR:
		return seek_from(file, file->position, offset);
	case SEEK_END:
		return seek_from(file, inode_size(inode), offset);
	case SEEK_DATA:
	case SEEK_HOLE:
		if (offset < 0)
			return -ENXIO;
		rwlock_read_lock(&inode->lock);
		found = whence == SEEK_DATA ? page_cache_seek_data(&inode->cache, (u64)offset)
					    : page_cache_seek_hole(&inode->cache, (u64)offset);
		rwlock_read_unlock(&inode->lock);
		if (found >= 0)
			file->position = found;
		return found;
	default:
		return -EINVAL;
	}
}

static int regular_fsync(struct file *file __unused, off_t start __unused, off_t end __unused,
			 bool data_only __unused)
{
	return 0; /* memory is all there is */
}

/*
 * Is there room for all pages of it that are missing?  Whoever asks for more than there is gets none of
 * it, unless others take the room meanwhile.
 */
static int check_room(struct page_cache *cache, u64 start, u64 end)
{
	size_t most = frame_get_total_memory() / PAGE_SIZE;
	size_t missing = 0;
	int error;

	if (!cache->ops || !cache->ops->charge)
		return 0;
	for (u64 index = start / PAGE_SIZE; index < DIV_ROUND_UP(end, PAGE_SIZE); index++)
		if (!page_cache_has(cache, index) && ++missing > most)
			break;
	error = cache->ops->charge(cache, (long)missing);
	if (!error)
		error = cache->ops->charge(cache, -(long)missing);
	return error;
}

static long allocate_locked(struct inode *inode, int mode, u64 start, u64 end)
{
	u64 size = page_cache_size(&inode->cache);
	int error;

	if (mode & FALLOC_FL_PUNCH_HOLE) {
		page_cache_punch(&inode->cache, start, end);
		return 0;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > size && (s64)end > 0 && current->fs &&
	    end > rlimit_current(RLIMIT_FSIZE)) {
		signal_send_kernel(current->process, SIGXFSZ);
		return -EFBIG;
	}
	error = check_room(&inode->cache, start, end);
	if (!error)
		error = page_cache_allocate(&inode->cache, start, end);
	if (!error && !(mode & FALLOC_FL_KEEP_SIZE) && end > size)
		page_cache_truncate(&inode->cache, end);
	return error;
}

static long regular_fallocate(struct file *file, int mode, off_t offset, off_t length)
{
	struct inode *inode = file->inode;
	long error;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	rwlock_write_lock(&inode->lock);
	error = inode_remove_setid(inode);
	if (!error && mode & FALLOC_FL_PUNCH_HOLE)
		error = seals_check(inode, F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
	if (!error && !(mode & FALLOC_FL_PUNCH_HOLE) && offset + length > inode_size(inode))
		error = seals_check(inode, F_SEAL_GROW);
	if (!error)
		error = allocate_locked(inode, mode, (u64)offset, (u64)offset + (u64)length);
	if (!error)
		inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	rwlock_write_unlock(&inode->lock);
	return error;
}

static int regular_mmap(struct file *file, unsigned prot, unsigned flags, struct backing **result)
{
	if ((flags & MAP_TYPE) != MAP_PRIVATE && prot & PROT_WRITE &&
	    file->inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	*result = &file_get_ref(file)->backing;
	return 0;
}

const struct file_operations regular_file_ops = {
	.read = regular_read,
	.write = regular_write,
	.seek = regular_seek,
	.fsync = regular_fsync,
	.fallocate = regular_fallocate,
	.fcntl = seals_fcntl,
	.mmap = regular_mmap,
	.get_page = regular_get_page,
};
