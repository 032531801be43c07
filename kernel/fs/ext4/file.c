/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the data of files.
 *
 * A page that is missing is read with those behind it, more of them as misses follow each other, up
 * to the end of the run of blocks: one transfer from the disk into the file's pages.  Files whose
 * data is in the inode, or which the journal of a volume that is only read may have newer blocks
 * of, are read through the device's pages.
 */
#include "fs/ext4/ext4_internal.h"

#include "lib/string.h"
#include "mm/frame.h"

/* Where a block is. */
static int find_run(struct ext4_inode *inode, u64 block, struct ext4_run *run)
{
	int error;

	rwlock_read_lock(&inode->node_lock);
	error = ext4_map(&ext4_super_of(inode)->volume, &inode->node, block, run);
	rwlock_read_unlock(&inode->node_lock);
	return error;
}

/* Reads pages that lie in one run; those behind the first go into the cache. */
static int fill_run(struct page_cache *cache, u64 index, void *page, const struct ext4_run *run)
{
	struct ext4_inode *inode = ext4_inode_of_cache(cache);
	struct ext4_super *super = ext4_super_of(inode);
	u32 each = PAGE_SIZE >> super->volume.block_shift;
	u64 sequence = page_cache_sequence(cache);
	u64 pages = DIV_ROUND_UP(page_cache_size(cache), (u64)PAGE_SIZE);
	phys_t frames[READ_AHEAD_LIMIT];
	u32 count;
	int error;

	frames[0] = virt_to_phys(page);
	count = (u32)MIN((u64)read_ahead_count(&inode->read_ahead, index, pages),
			 run->length / each);
	count = read_ahead_frames(cache, index, count, frames);
	error = ext4_transfer_blocks(super, BLOCK_READ, run->start, index * each, (u64)count * each,
				     index, frames);
	disk_clear_behind_end(frames[count - 1], index + count - 1, page_cache_size(cache));
	read_ahead_insert(cache, index, frames, count, sequence, error);
	if (!error || count == 1)
		return error;
	/* What lies further on is no reason to fail. */
	error = ext4_transfer_blocks(super, BLOCK_READ, run->start, index * each, each, index,
				     frames);
	disk_clear_behind_end(frames[0], index, page_cache_size(cache));
	return error;
}

/* A page whose blocks lie in several places, or only some of them anywhere. */
static int fill_page(struct page_cache *cache, u64 index, void *page)
{
	struct ext4_inode *inode = ext4_inode_of_cache(cache);
	struct ext4_super *super = ext4_super_of(inode);
	u32 each = PAGE_SIZE >> super->volume.block_shift;
	u64 end = (index + 1) * each;
	phys_t frame = virt_to_phys(page);

	memset(page, 0, PAGE_SIZE);
	for (u64 block = index * each; block < end;) {
		struct ext4_run run;
		int error = find_run(inode, block, &run);
		u64 count;

		if (error)
			return error;
		count = MIN(run.length, end - block);
		if (run.start != 0)
			error = ext4_transfer_blocks(super, BLOCK_READ, run.start, block, count,
						     index, &frame);
		if (error)
			return error;
		block += count;
	}
	disk_clear_behind_end(frame, index, page_cache_size(cache));
	return 0;
}

int ext4_fill(struct page_cache *cache, u64 index, void *page)
{
	struct ext4_inode *inode = ext4_inode_of_cache(cache);
	const struct ext4_volume *volume = &ext4_super_of(inode)->volume;
	u32 each = PAGE_SIZE >> volume->block_shift;
	struct ext4_run run;
	int error;

	if (index >= DIV_ROUND_UP(page_cache_size(cache), (u64)PAGE_SIZE)) {
		memset(page, 0, PAGE_SIZE);
		return 0;
	}
	if (inode->node.flags & EXT4_INODE_INLINE_DATA ||
	    (volume->overlay_count > 0 && !volume->journal))
		return ext4_data_read(volume, &inode->node, index * PAGE_SIZE, page, PAGE_SIZE);
	error = find_run(inode, index * each, &run);
	if (error)
		return error;
	if (run.length < each)
		return fill_page(cache, index, page);
	if (run.start != 0)
		return fill_run(cache, index, page, &run);
	memset(page, 0, PAGE_SIZE);
	return 0;
}

const struct page_cache_ops ext4_cache_ops = {.fill = ext4_fill,
					      .write = ext4_write_pages,
					      .dirtied = ext4_dirtied,
					      .reserve = ext4_reserve};

/* --- lseek: data and holes --- */

/* The first place from `position` on that is a hole, or data.  The end of the file is a hole. */
static off_t find_hole(struct ext4_inode *inode, off_t position, bool hole)
{
	const struct ext4_volume *volume = &ext4_super(inode->inode.superblock)->volume;
	u64 size = page_cache_size(&inode->inode.cache), at = (u64)position;

	if (position < 0 || at >= size)
		return -ENXIO;
	while (at < size) {
		struct ext4_run run = {.start = 1, .length = UINT32_MAX};
		u64 block = at >> volume->block_shift;
		int error = 0;

		if (!(inode->node.flags & EXT4_INODE_INLINE_DATA))
			error = find_run(inode, block, &run);
		if (error)
			return error;
		if ((run.start == 0) == hole)
			return (off_t)at;
		at = (block + run.length) << volume->block_shift;
	}
	return hole ? (off_t)size : -ENXIO;
}

static off_t seek(struct file *file, off_t offset, int whence)
{
	off_t found;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return regular_file_ops.seek(file, offset, whence);
	/* Pages that wait for blocks are data. */
	if (page_cache_dirty_pages(&file->inode->cache) > 0) {
		int error = disk_inode_write_back(&ext4_inode(file->inode)->disk, 0, UINT64_MAX);

		if (error)
			return error;
	}
	found = find_hole(ext4_inode(file->inode), offset, whence == SEEK_HOLE);
	if (found >= 0)
		file->position = found;
	return found;
}

static ssize_t read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	if (file->flags & O_DIRECT && cursor->remaining > 0)
		return ext4_read_direct(file, cursor, position);
	return regular_file_ops.read(file, cursor, position);
}

struct file_operations ext4_file_ops;

void ext4_file_init(void)
{
	/* As any file with a page cache, but for what the disk has to do with it. */
	ext4_file_ops = regular_file_ops;
	ext4_file_ops.seek = seek;
	ext4_file_ops.read = read;
	ext4_file_ops.write = ext4_write;
	ext4_file_ops.fsync = ext4_fsync;
	ext4_file_ops.fallocate = ext4_fallocate;
	ext4_file_ops.ioctl = ext4_control;
}
