/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the data of files.
 *
 * A page that is missing is read with those behind it, more of them as misses follow each other, up
 * to the end of the run of clusters.  What lies behind the end of what has been written is zeros,
 * whatever the disk has.
 */
#include "fs/fat/fat_internal.h"

#include "lib/string.h"
#include "mm/frame.h"

/* How far the file is written, and how many pages from `index` on lie in one run. */
static int look(struct fat_inode *inode, u64 index, u64 *size, u64 *pages)
{
	struct fat_super *super = fat_super_of(inode);
	struct fat_volume *volume = &super->volume;
	u64 position = index * PAGE_SIZE;
	u32 cluster, count, offset = (u32)(position & (volume->cluster_size - 1));
	int error = 0;

	fat_lock(super);
	*size = inode->node.size;
	*pages = 0;
	if (position < *size)
		error = fat_chain_map(volume, &inode->node.chain,
				      (u32)(position >> volume->cluster_shift), &cluster, &count);
	if (error == -ENOENT)
		error = fat_fail(volume, "a file is longer than its clusters", inode->node.place);
	if (position < *size && !error)
		*pages = (((u64)count << volume->cluster_shift) - offset) / PAGE_SIZE;
	fat_unlock(super);
	return error;
}

int fat_fill(struct page_cache *cache, u64 index, void *page)
{
	struct fat_inode *inode = fat_inode_of_cache(cache);
	u64 sequence = page_cache_sequence(cache), size, run, end, position = index * PAGE_SIZE;
	u32 sector_size = fat_super_of(inode)->volume.sector_size, count = 1;
	phys_t frames[READ_AHEAD_LIMIT];
	int error = look(inode, index, &size, &run);

	if (error)
		return error;
	frames[0] = virt_to_phys(page);
	if (position >= size) {
		memset(page, 0, PAGE_SIZE);
		return 0;
	}
	if (run > 1) {
		count = read_ahead_count(&inode->read_ahead, index, DIV_ROUND_UP(size, PAGE_SIZE));
		count = read_ahead_frames(cache, index, (u32)MIN((u64)count, run), frames);
	}
	end = MIN((index + count) * PAGE_SIZE, ALIGN_UP(size, (u64)sector_size));
	error = fat_transfer_file(inode, BLOCK_READ, position, end - position, index, frames);
	disk_clear_behind_end(frames[count - 1], index + count - 1, size);
	read_ahead_insert(cache, index, frames, count, sequence, error);
	return error;
}

const struct page_cache_ops fat_cache_ops = {
	.fill = fat_fill, .write = fat_write_pages, .dirtied = fat_dirtied};

static ssize_t read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	if (!fat_is_aligned(file, cursor, *position))
		return -EINVAL;
	return regular_file_ops.read(file, cursor, position);
}

/* With the option "flush" a file is on the disk when it is closed. */
static int flush(struct file *file)
{
	struct fat_super *super = fat_super(file->inode->superblock);

	if (!super->options.flush || !(file->mode & FILE_WRITE))
		return 0;
	return fat_fsync(file, 0, INT64_MAX, false);
}

struct file_operations fat_file_ops;

void fat_file_init(void)
{
	/* As any file with a page cache, but for what the disk has to do with it. */
	fat_file_ops = regular_file_ops;
	fat_file_ops.read = read;
	fat_file_ops.write = fat_write;
	fat_file_ops.flush = flush;
	fat_file_ops.fsync = fat_fsync;
	fat_file_ops.fallocate = fat_fallocate;
}
