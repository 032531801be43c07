/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing to files, and their sizes.
 *
 * Before data goes into the page cache, clusters are promised to it, so a write that was accepted
 * will find room.  A file that becomes longer without data gets clusters and zeros at once; one
 * that becomes shorter loses its pages, then its size, then its clusters.
 *
 * With O_DIRECT data goes through the page cache as well, where others see it; a write has reached
 * the disk when it returns.
 */
#include "fs/fat/fat_internal.h"

/* --- Promises --- */

/* For the file's first `size` bytes, as far as there is room: *reached. */
static int promise(struct fat_inode *inode, u64 size, u64 *reached)
{
	struct fat_super *super = fat_super_of(inode);
	struct fat_volume *volume = &super->volume;
	u32 wanted = fat_clusters_for(volume, size), have, room;
	int error;

	fat_lock(super);
	error = fat_chain_length(volume, &inode->node.chain, &have);
	if (!error)
		error = fat_room(volume, &room);
	if (error)
		goto out;
	have += inode->promised;
	room = wanted > have ? MIN(room, wanted - have) : 0;
	error = room > 0 ? fat_reserve(volume, room) : 0;
	if (!error) {
		inode->promised += room;
		*reached = MIN(size, (u64)(have + room) << volume->cluster_shift);
	}
out:
	fat_unlock(super);
	return error;
}

/* What the file does not need after all; inode->lock held. */
static void take_back(struct fat_inode *inode)
{
	struct fat_super *super = fat_super_of(inode);
	struct fat_volume *volume = &super->volume;
	u32 wanted = fat_clusters_for(volume, page_cache_size(&inode->inode.cache)), have;

	fat_lock(super);
	if (fat_chain_length(volume, &inode->node.chain, &have) == 0) {
		wanted -= MIN(wanted, have);
		if (inode->promised > wanted) {
			fat_release(volume, inode->promised - wanted);
			inode->promised = wanted;
		}
	}
	fat_unlock(super);
}

/* --- Sizes --- */

/* Clusters for `size` bytes; *from: how far it was written. */
static int extend(struct fat_inode *inode, u64 size, u64 *from)
{
	struct fat_super *super = fat_super_of(inode);
	struct fat_volume *volume = &super->volume;
	u32 wanted = fat_clusters_for(volume, size), have, room = 0;
	int error;

	fat_lock(super);
	*from = inode->node.size;
	error = fat_chain_length(volume, &inode->node.chain, &have);
	if (!error)
		error = fat_room(volume, &room);
	if (!error && wanted > have && wanted - have > room)
		error = -ENOSPC;
	if (!error)
		error = fat_chain_extend(volume, &inode->node.chain, wanted);
	fat_unlock(super);
	return error;
}

/* Zeros from the end on; inode->lock held. */
static int grow(struct fat_inode *inode, u64 size)
{
	struct fat_super *super = fat_super_of(inode);
	struct page_cache *cache = &inode->inode.cache;
	u32 sector_size = super->volume.sector_size;
	u64 from;
	int error;

	disk_inode_forget_behind_end(&inode->inode);
	/* What waits comes first. */
	error = disk_inode_write_back(&inode->disk, 0, UINT64_MAX);
	if (!error)
		error = extend(inode, size, &from);
	if (error)
		return error;
	if (from != page_cache_size(cache))
		return -EIO; /* a part was never written */
	from = ALIGN_UP(from, (u64)sector_size);
	if (from < size)
		error = fat_clear_file(inode, from, ALIGN_UP(size, (u64)sector_size) - from);
	fat_lock(super);
	super->volume.data_written = true;
	if (!error) {
		inode->node.size = (u32)size;
		error = fat_inode_store_locked(inode);
	}
	fat_unlock(super);
	if (!error)
		page_cache_truncate(cache, size);
	return error;
}

static int shrink(struct fat_inode *inode, u64 size)
{
	struct fat_super *super = fat_super_of(inode);
	struct fat_volume *volume = &super->volume;
	int error = disk_inode_bring_end(&inode->inode, size);

	if (error)
		return error;
	mutex_lock(&inode->disk.write_back_lock);
	page_cache_truncate(&inode->inode.cache, size);
	fat_lock(super);
	inode->node.size = (u32)MIN(size, (u64)inode->node.size);
	error = fat_inode_store_locked(inode);
	if (!error)
		error = fat_chain_cut(volume, &inode->node.chain, fat_clusters_for(volume, size));
	fat_unlock(super);
	mutex_unlock(&inode->disk.write_back_lock);
	take_back(inode);
	return error;
}

int fat_resize(struct fat_inode *inode, u64 size)
{
	u64 old = page_cache_size(&inode->inode.cache);

	if (size > UINT32_MAX)
		return -EFBIG;
	return size < old ? shrink(inode, size) : size > old ? grow(inode, size) : 0;
}

/* There are no holes: clusters that a file does not need yet belong to it all the same with
 * FALLOC_FL_KEEP_SIZE. */
long fat_fallocate(struct file *file, int mode, off_t offset, off_t length)
{
	struct fat_inode *inode = fat_inode(file->inode);
	u64 end = (u64)offset + (u64)length, from;
	long error = 0;

	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	if (end > UINT32_MAX)
		return -EFBIG;
	if (!fat_is_writable(fat_super_of(inode)))
		return -EROFS;
	rwlock_write_lock(&file->inode->lock);
	if (end > (u64)inode_size(file->inode)) {
		if (mode & FALLOC_FL_KEEP_SIZE)
			error = disk_inode_write_back(&inode->disk, 0, UINT64_MAX);
		if (mode & FALLOC_FL_KEEP_SIZE && !error)
			error = extend(inode, end, &from);
		else if (!error)
			error = fat_resize(inode, end);
		if (!error)
			inode_touch(file->inode, ATTR_MTIME | ATTR_CTIME);
	}
	rwlock_write_unlock(&file->inode->lock);
	return error;
}

/* --- write --- */

ssize_t fat_prepare_write(struct inode *base, u64 position, size_t size)
{
	struct fat_inode *inode = fat_inode(base);
	u64 end = page_cache_size(&base->cache), reached = position;
	int error = 0;

	if (!fat_is_writable(fat_super_of(inode)))
		return -EROFS;
	if (position > end)
		error = fat_resize(inode, position);
	else if (position + size > end)
		disk_inode_forget_behind_end(base);
	if (!error)
		error = promise(inode, position + size, &reached);
	if (error || reached <= position)
		return error ? error : -ENOSPC;
	return (ssize_t)(reached - position);
}

bool fat_is_aligned(const struct file *file, const struct io_cursor *cursor, off_t position)
{
	u32 size = block_logical_size(fat_super(file->inode->superblock)->device);

	return !(file->flags & O_DIRECT) ||
	       ((u64)position % size == 0 && cursor->remaining % size == 0);
}

ssize_t fat_write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	struct fat_inode *inode = fat_inode(file->inode);
	size_t wanted = cursor->remaining;
	ssize_t done;
	int error = 0;

	if (!fat_is_aligned(file, cursor, file->flags & O_APPEND ? 0 : *position))
		return -EINVAL;
	done = regular_file_ops.write(file, cursor, position);
	if (done > 0)
		disk_inode_balance(&inode->disk, (size_t)done);
	if (done < (ssize_t)wanted) {
		rwlock_write_lock(&file->inode->lock);
		take_back(inode);
		rwlock_write_unlock(&file->inode->lock);
	}
	if (done <= 0)
		return done;
	if (file->flags & O_DIRECT)
		error = disk_inode_write_back(&inode->disk, (u64)(*position - done) / PAGE_SIZE,
					      (u64)(*position - 1) / PAGE_SIZE);
	if (!error && file->flags & (O_SYNC | O_DSYNC))
		error = fat_fsync(file, *position - done, *position, false);
	return error ? error : done;
}
