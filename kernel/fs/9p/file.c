/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data of files of the host, through the page cache.
 *
 * The server's rights count: it is asked to open a file when a program opens it, once to read and
 * once to write.  Those two fids serve all the program's files and mappings, and go with the last.
 * Writing needs reading, too, for what of a page is not written.
 */
#include "fs/9p/p9_internal.h"

#include "arch/mmu.h"
#include "lib/string.h"
#include "mm/frame.h"

static struct inode *inode_of(struct page_cache *cache)
{
	return container_of(cache, struct inode, cache);
}

/* --- Pages --- */

/* Reads `count` pages; those behind the end of the file are zeros. */
static int read_pages(struct p9_fid *fid, u64 index, const phys_t *frames, u32 count)
{
	u32 wanted = count * PAGE_SIZE, done = 0;

	while (done < wanted) {
		u32 frame = done / PAGE_SIZE;
		ssize_t got = p9_read(fid, (index + frame) * PAGE_SIZE, frames + frame,
				      MIN(count - frame, (u32)P9_DATA_FRAMES) * PAGE_SIZE);

		if (got < 0)
			return (int)got;
		/* From the start of a page again: a server may answer with less than there is. */
		if ((u32)got < PAGE_SIZE) {
			memset((char *)phys_to_virt(frames[frame]) + got, 0, PAGE_SIZE - (u32)got);
			got = PAGE_SIZE;
		}
		done += ALIGN_DOWN((u32)got, PAGE_SIZE);
	}
	return 0;
}

static int fill(struct page_cache *cache, u64 index, void *page)
{
	struct p9_inode *inode = p9_inode(inode_of(cache));
	u64 sequence = page_cache_sequence(cache);
	u64 pages = DIV_ROUND_UP(page_cache_size(cache), (u64)PAGE_SIZE);
	phys_t frames[READ_AHEAD_LIMIT];
	u32 count;
	int error;

	if (!inode->reader)
		return -EACCES;
	if (index >= pages) {
		memset(page, 0, PAGE_SIZE);
		return 0;
	}
	frames[0] = virt_to_phys(page);
	count = read_ahead_count(&inode->read_ahead, index, pages);
	count = read_ahead_frames(cache, index, count, frames);
	error = read_pages(inode->reader, index, frames, count);
	read_ahead_insert(cache, index, frames, count, sequence, error);
	return error;
}

/* write_back_lock held: the size stays. */
static int write_pages(struct page_cache *cache, u64 index, const phys_t *frames, u32 count)
{
	struct p9_inode *inode = p9_inode(inode_of(cache));
	u64 size = page_cache_size(cache), start = index * PAGE_SIZE, done = 0, bytes;

	if (start >= size)
		return 0;
	bytes = MIN((u64)count * PAGE_SIZE, size - start);
	while (done < bytes) {
		u64 part = MIN(bytes - done, (u64)P9_DATA_FRAMES * PAGE_SIZE);
		ssize_t written =
			p9_write(inode->writer, start + done, frames + done / PAGE_SIZE, (u32)part);

		if (written < 0)
			return (int)written;
		/* From the start of a page again; less than a page is no progress. */
		if ((u64)written < part)
			written = (ssize_t)ALIGN_DOWN((u64)written, PAGE_SIZE);
		if (written == 0)
			return -ENOSPC;
		done += (u64)written;
	}
	return 0;
}

int p9_write_back(struct inode *inode, u64 start, u64 end)
{
	struct p9_inode *p9 = p9_inode(inode);
	int error;

	if (start >= end || page_cache_dirty_pages(&inode->cache) == 0)
		return 0;
	mutex_lock(&p9->write_back_lock);
	error = page_cache_write_back(&inode->cache, start / PAGE_SIZE, (end - 1) / PAGE_SIZE);
	mutex_unlock(&p9->write_back_lock);
	return error;
}

static int clean(struct page_cache *cache, u64 first, u64 last)
{
	return p9_write_back(inode_of(cache), first * PAGE_SIZE, (last + 1) * PAGE_SIZE);
}

const struct page_cache_ops p9_cache_ops = {.fill = fill, .write = write_pages, .clean = clean};

/* --- Opening --- */

/* A fid of the file, open with these flags. */
static struct p9_fid *open_fid(struct inode *inode, u32 flags)
{
	struct p9_fid *fid = p9_inode_fid(inode), *opened = p9_walk(fid, NULL, 0);
	int error = 0;

	p9_fid_put(fid);
	if (!IS_ERR(opened))
		error = p9_open(opened, flags);
	if (!error)
		return opened;
	p9_fid_put(opened);
	return ERR_PTR(error);
}

/* Opens one of the inode's two fids, unless it is open. */
static int need(struct inode *inode, struct p9_fid **fid, u32 flags)
{
	struct p9_fid *opened = *fid ? *fid : open_fid(inode, flags);

	if (IS_ERR(opened))
		return (int)PTR_ERR(opened);
	*fid = opened;
	return 0;
}

static void close_fids(struct p9_inode *inode)
{
	p9_fid_put(inode->reader);
	p9_fid_put(inode->writer);
	inode->reader = inode->writer = NULL;
}

/* The first to open it sees the file as it is on the server. */
static int drop_outdated(struct inode *inode)
{
	struct p9_inode *p9 = p9_inode(inode);
	int error = p9_inode_refresh(inode, NULL);

	if (error)
		return error;
	if (inode->mtime.seconds == p9->cached_mtime.seconds &&
	    inode->mtime.nanoseconds == p9->cached_mtime.nanoseconds)
		return 0;
	p9->cached_mtime = inode->mtime;
	page_cache_outdate(&inode->cache);
	page_cache_shrink(&inode->cache, page_cache_pages(&inode->cache));
	return 0;
}

static int open(struct inode *inode, struct file *file)
{
	struct p9_inode *p9 = p9_inode(inode);
	int error = 0;

	mutex_lock(&p9->open_lock);
	if (p9->opens == 0)
		error = drop_outdated(inode);
	if (!error && file->mode & FILE_WRITE)
		error = need(inode, &p9->writer, O_WRONLY);
	if (!error) {
		error = need(inode, &p9->reader, O_RDONLY);
		if (error == -EACCES && !(file->mode & FILE_READ))
			error = 0;
	}
	if (!error)
		p9->opens++;
	else if (p9->opens == 0)
		close_fids(p9);
	mutex_unlock(&p9->open_lock);
	return error;
}

/* Nobody hears of errors any more, but the log does. */
static void release(struct file *file)
{
	struct p9_inode *p9 = p9_inode(file->inode);
	int error = file->mode & FILE_WRITE ? p9_write_back(file->inode, 0, UINT64_MAX) : 0;

	if (error)
		page_cache_take_error(&file->inode->cache);
	mutex_lock(&p9->open_lock);
	if (--p9->opens == 0)
		close_fids(p9);
	mutex_unlock(&p9->open_lock);
}

/* --- Reading, writing, syncing --- */

static ssize_t read(struct file *file, struct io_cursor *cursor, off_t *position)
{
	/* The host may have made it longer. */
	if (cursor->remaining > 0 &&
	    *position + (off_t)cursor->remaining > inode_size(file->inode)) {
		int error = p9_inode_refresh(file->inode, NULL);

		if (error && error != -ENOENT)
			return error;
	}
	return regular_file_ops.read(file, cursor, position);
}

static ssize_t write(struct file *file, struct io_cursor *cursor, off_t *position)
{
	ssize_t done = regular_file_ops.write(file, cursor, position);
	int error = 0;

	if (done > 0)
		error = p9_write_back(file->inode, (u64)(*position - done), (u64)*position);
	return error ? error : done;
}

static int flush(struct file *file)
{
	int error, earlier;

	if (!(file->mode & FILE_WRITE))
		return 0;
	error = p9_write_back(file->inode, 0, UINT64_MAX);
	earlier = file_new_error(file);
	return error ? error : earlier;
}

static int sync(struct file *file, off_t start, off_t end, bool data_only)
{
	struct p9_inode *p9 = p9_inode(file->inode);
	int error = p9_write_back(file->inode, (u64)start, (u64)end), earlier;

	if (!error && p9->writer)
		error = p9_sync(p9->writer, data_only);
	earlier = file_new_error(file);
	return error ? error : earlier;
}

struct file_operations p9_file_ops;

void p9_file_init(void)
{
	/* As any file with a page cache, but that it is kept elsewhere. */
	p9_file_ops = regular_file_ops;
	p9_file_ops.open = open;
	p9_file_ops.release = release;
	p9_file_ops.read = read;
	p9_file_ops.write = write;
	p9_file_ops.flush = flush;
	p9_file_ops.fsync = sync;
	p9_file_ops.fallocate = NULL;
}
