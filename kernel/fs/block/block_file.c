/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices as files: open, read, write, mmap, fsync, ioctl.
 *
 * An open file's mappings and buffered access use the device's pages, not those of the inode that
 * names it: all names of a device show the same contents.  With O_DIRECT the device moves the data
 * from and to the program's memory itself (block_direct.c), and nothing stays dirty.
 */
#include "fs/block/block_internal.h"
#include "fs/device.h"
#include "fs/file.h"
#include "fs/fs_internal.h"
#include "lib/abi/blkdev.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"

static struct block_device *device_of(const struct file *file)
{
	return file->private;
}

static int open(struct inode *inode, struct file *file)
{
	struct block_device *device = block_find(inode->rdev);
	int error;

	if (device == NULL)
		return -ENXIO;
	error = block_open(device, file->mode & FILE_WRITE, file->flags & O_EXCL ? file : NULL);
	if (error == 0) {
		file->ops = &block_file_ops;
		file->private = device;
		file->backing.cache = &device->cache;
	}
	block_put(device);
	return error;
}

static void release(struct file *file)
{
	block_close(device_of(file), file);
}

struct block_device *block_of_file(const struct file *file)
{
	return file->ops == &block_file_ops ? device_of(file) : NULL;
}

/* --- Data --- */

static bool is_direct(const struct file *file)
{
	return file->flags & O_DIRECT;
}

static bool is_aligned(const struct file *file, const struct io_cursor *cursor, off_t position)
{
	return !is_direct(file) || block_direct_fits(device_of(file), cursor, (u64)position);
}

static ssize_t read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct block_device *device = device_of(file);
	u64 size = block_size_bytes(device), start = (u64)*position;
	ssize_t done;

	if (!is_aligned(file, cursor, *position))
		return -EINVAL;
	if (is_direct(file)) {
		io_cursor_truncate(cursor, size - MIN(size, start));
		done = block_direct(device, BLOCK_READ, cursor, start);
	} else {
		done = block_cache_read(device, cursor, start);
	}
	if (done > 0)
		*position += done;
	return done;
}

static ssize_t write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct block_device *device = device_of(file);
	u64 size = block_size_bytes(device), start = (u64)*position;
	ssize_t done;
	int error = 0;

	if (cursor->remaining == 0)
		return 0;
	if (READ_ONCE(device->read_only))
		return -EPERM;
	if (!is_aligned(file, cursor, *position))
		return -EINVAL;
	if (start >= size)
		return -ENOSPC;
	io_cursor_truncate(cursor, size - start);
	done = is_direct(file) ? block_direct(device, BLOCK_WRITE, cursor, start)
			       : block_cache_write(device, cursor, start);
	if (done <= 0)
		return done;
	if (file->flags & O_DSYNC)
		error = block_sync(device, start, start + (u64)done);
	if (error != 0)
		return error;
	*position += done;
	return done;
}

static off_t seek(struct file *file, off_t offset, int whence)
{
	off_t size = (off_t)block_size_bytes(device_of(file)), position = offset;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		position += file->position;
		break;
	case SEEK_END:
		position += size;
		break;
	default:
		return -EINVAL;
	}
	if (position < 0 || position > size)
		return -EINVAL;
	file->position = position;
	return position;
}

static int map(struct file *file, unsigned prot __unused, unsigned flags __unused,
	       struct backing **result)
{
	*result = &file_get_ref(file)->backing;
	return 0;
}

static int sync(struct file *file, off_t start, off_t end, bool data_only __unused)
{
	int error = block_sync(device_of(file), (u64)start, (u64)end);
	int earlier = file_new_error(file);

	return error != 0 ? error : earlier;
}

/* --- ioctl --- */

/* Forgets a range, or makes it zeros: [start, length] in bytes. */
static long discard(struct block_device *device, enum block_op op, vaddr_t argument)
{
	u64 range[2], size = block_size_bytes(device);
	int error;

	if (get_user(range, argument))
		return -EFAULT;
	if ((range[0] | range[1]) % block_logical_size(device) != 0 || range[0] > size ||
	    range[1] > size - range[0])
		return -EINVAL;
	if (!(op == BLOCK_DISCARD ? device->disk->discard : device->disk->write_zeros))
		return -EOPNOTSUPP;
	rwlock_write_lock(&device->lock);
	error = block_cache_write_back(device, range[0], range[0] + range[1]);
	if (error == 0)
		error = block_discard(device, op, range[0] >> SECTOR_SHIFT,
				      range[1] >> SECTOR_SHIFT);
	page_cache_punch(&device->cache, range[0], range[0] + range[1]);
	rwlock_write_unlock(&device->lock);
	return error;
}

static long set_read_only(struct block_device *device, vaddr_t argument)
{
	int value;

	if (get_user(value, argument))
		return -EFAULT;
	if (value == 0 && device->disk->read_only)
		return -EACCES;
	WRITE_ONCE(device->read_only, value != 0);
	return 0;
}

static long put_geometry(const struct block_device *device, vaddr_t argument)
{
	enum { HEADS = 16, TRACK = 63 };
	struct linux_hd_geometry geometry = {
		.heads = HEADS,
		.sectors = TRACK,
		.cylinders = (u16)(device->disk->whole->sectors / (HEADS * TRACK)),
		.start = device->start,
	};

	return put_user(geometry, argument) ? -EFAULT : 0;
}

static long set_block_size(vaddr_t argument)
{
	int size;

	if (get_user(size, argument))
		return -EFAULT;
	return size >= SECTOR_SIZE && size <= (int)PAGE_SIZE && (size & (size - 1)) == 0 ? 0
											 : -EINVAL;
}

/* What only asks. */
static long ask(const struct block_device *device, unsigned command, vaddr_t argument)
{
	const struct block_disk *disk = device->disk;

	switch (command) {
	case BLKROGET:
		return put_user((int)READ_ONCE(device->read_only), argument);
	case BLKGETSIZE:
		return put_user((unsigned long)READ_ONCE(device->sectors), argument);
	case BLKGETSIZE64:
		return put_user((u64)block_size_bytes(device), argument);
	case BLKRAGET:
	case BLKFRAGET:
		return put_user((long)256, argument);
	case BLKSECTGET:
		return put_user((u16)MIN(disk->max_sectors, 0xffffu), argument);
	case BLKSSZGET:
		return put_user((int)disk->logical_size, argument);
	case BLKBSZGET:
		return put_user((int)PAGE_SIZE, argument);
	case BLKIOMIN:
	case BLKPBSZGET:
		return put_user((u32)disk->physical_size, argument);
	case BLKIOOPT:
	case BLKDISCARDZERO:
		return put_user((u32)0, argument);
	case BLKALIGNOFF:
		return put_user((int)0, argument);
	case BLKROTATIONAL:
		return put_user((u16)disk->rotational, argument);
	case HDIO_GETGEO:
		return put_geometry(device, argument);
	default:
		return disk->ops->ioctl != NULL
			       ? disk->ops->ioctl((struct block_device *)device, command, argument)
			       : -ENOTTY;
	}
}

static long control(struct file *file, unsigned command, vaddr_t argument)
{
	struct block_device *device = device_of(file);

	switch (command) {
	case BLKROSET:
	case BLKRRPART:
	case BLKFLSBUF:
	case BLKRASET:
	case BLKFRASET:
	case BLKBSZSET:
		if (!capable(CAP_SYS_ADMIN))
			return -EACCES;
		break;
	case BLKDISCARD:
	case BLKZEROOUT:
		if (!(file->mode & FILE_WRITE))
			return -EBADF;
		break;
	default:
		return ask(device, command, argument);
	}
	switch (command) {
	case BLKROSET:
		return set_read_only(device, argument);
	case BLKRRPART:
		return device->partition == 0 ? block_disk_rescan(device->disk) : -EINVAL;
	case BLKFLSBUF:
		block_drop_pages(device);
		return 0;
	case BLKBSZSET:
		return set_block_size(argument);
	case BLKDISCARD:
		return discard(device, BLOCK_DISCARD, argument);
	case BLKZEROOUT:
		return discard(device, BLOCK_WRITE_ZEROS, argument);
	default:
		return 0; /* read-ahead finds its own measure */
	}
}

const struct file_operations block_file_ops = {
	.open = open,
	.release = release,
	.read = read,
	.write = write,
	.seek = seek,
	.mmap = map,
	.fsync = sync,
	.ioctl = control,
};
