/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * O_DIRECT: between programs' memory and the blocks of a file, past the page cache.
 *
 * That is for what lies within the file and has blocks with data.  Holes, blocks ahead, and what makes
 * the file longer go through the page cache, and to the disk before the call returns (write.c).
 * Writers hold inode->lock for writing, readers for reading: the blocks stay the file's.
 */
#include "fs/ext4/ext4_internal.h"

#include "fs/calls.h"

bool ext4_is_aligned(const struct file *file, const struct io_cursor *cursor, off_t position)
{
	return !(file->flags & O_DIRECT) ||
	       block_direct_fits(ext4_super(file->inode->superblock)->device, cursor,
				 (u64)position);
}

/* Where the byte at `position` is on the device, and for how many bytes that is so; *start is 0 where
 * there is no data. */
static int find_stretch(struct ext4_inode *inode, u64 position, u64 *start, u64 *length)
{
	const struct ext4_volume *volume = &ext4_super_of(inode)->volume;
	u64 within = position & (volume->block_size - 1);
	struct ext4_run run;
	int error;

	rwlock_read_lock(&inode->node_lock);
	error = ext4_map(volume, &inode->node, position >> volume->block_shift, &run);
	rwlock_read_unlock(&inode->node_lock);
	if (error)
		return error;
	*start = run.start != 0 ? (run.start << volume->block_shift) + within : 0;
	*length = (run.length << volume->block_shift) - within;
	return 0;
}

/* As far as one way goes, from `position` on. */
static ssize_t move_some(struct ext4_inode *inode, enum block_op op, struct io_cursor *cursor,
			 u64 position)
{
	struct page_cache *cache = &inode->inode.cache;
	struct block_device *device = ext4_super_of(inode)->device;
	u64 size = page_cache_size(cache), start = 0, length = cursor->remaining, end;
	size_t behind;
	ssize_t done;
	int error = 0;

	/* The last block of a file that ends within one is not only the program's. */
	end = ALIGN_DOWN(size, (u64)block_logical_size(device));
	if (position < end && !(inode->node.flags & EXT4_INODE_INLINE_DATA))
		error = find_stretch(inode, position, &start, &length);
	if (error)
		return error;
	if (start != 0)
		length = MIN(length, end - position);
	behind = cursor->remaining - (size_t)MIN((u64)cursor->remaining, length);
	io_cursor_truncate(cursor, cursor->remaining - behind);
	if (start != 0 && block_direct_fits(device, cursor, position))
		done = block_direct_file(device, op, cursor, start, cache,
					 &inode->disk.write_back_lock, position);
	else
		done = op == BLOCK_READ ? page_cache_read(cache, cursor, position)
					: page_cache_write(cache, cursor, position);
	cursor->remaining += behind;
	return done;
}

static ssize_t move(struct ext4_inode *inode, enum block_op op, struct io_cursor *cursor,
		    u64 position)
{
	ssize_t total = 0, done = 0;

	while (cursor->remaining > 0) {
		size_t before = cursor->remaining;

		done = move_some(inode, op, cursor, position + (u64)total);
		if (done <= 0)
			break;
		total += done;
		if (before - cursor->remaining != (size_t)done)
			break;
	}
	return total > 0 ? total : done;
}

ssize_t ext4_write_direct(struct inode *base, struct io_cursor *cursor, u64 position)
{
	return move(ext4_inode(base), BLOCK_WRITE, cursor, position);
}

ssize_t ext4_read_direct(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct inode *base = file->inode;
	const struct ext4_volume *volume = &ext4_super(base->superblock)->volume;
	u64 size;
	ssize_t done = 0;

	if (!ext4_is_aligned(file, cursor, *position))
		return -EINVAL;
	/* Blocks may have newer copies in a journal that is not replayed. */
	if (volume->overlay_count > 0 && !volume->journal)
		return regular_file_ops.read(file, cursor, position);
	rwlock_read_lock(&base->lock);
	size = page_cache_size(&base->cache);
	if ((u64)*position < size) {
		io_cursor_truncate(cursor, size - (u64)*position);
		done = move(ext4_inode(base), BLOCK_READ, cursor, (u64)*position);
	}
	rwlock_read_unlock(&base->lock);
	if (done > 0)
		*position += done;
	if (!(file->mode & FILE_NO_ATIME))
		inode_accessed(file->path.mount, base);
	return done;
}
