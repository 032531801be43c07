/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files as swap areas.
 *
 * The file system says once where the data is (inode->ops->swap_extents), and keeps it there as long
 * as the inode is INODE_SWAPFILE: such a file is not written, cut, mapped to be written, or removed
 * (vfs.h).  Then pages go past the file system, between memory and the device: no map has to be
 * looked up, and no memory found, when memory is what is missing.
 *
 * An extent is pages of the file that lie side by side on the device.  A page that no extent has
 * because its blocks, smaller than a page, are scattered is not used.
 */
#include "fs/swap_internal.h"

#include "lib/log.h"

struct swap_extent {
	u64 page, count; /* of the file */
	u64 sector;
};

struct swap_file {
	struct file *file; /* a reference */
	struct block_device *device;
	struct swap_extent *extents; /* ascending */
	u32 extent_count, room;
	u64 pages;
	/* While they are made: where in the file, in sectors, and the stretch that may go on. */
	u64 position, first, start, length;
};

/* --- Making extents --- */

/* The whole pages of the stretch that has come to its end. */
static int end_stretch(struct swap_file *area)
{
	u64 page = DIV_ROUND_UP(area->first, (u64)SECTORS_PER_PAGE);
	u64 end = (area->first + area->length) / SECTORS_PER_PAGE;

	if (page >= end)
		return 0;
	if (area->extent_count == area->room) {
		u32 room = MAX(area->room * 2, 8u);
		struct swap_extent *more =
			krealloc(area->extents, room * sizeof(struct swap_extent));
		if (more == NULL)
			return -ENOMEM;
		area->extents = more;
		area->room = room;
	}
	area->extents[area->extent_count++] = (struct swap_extent){
		.page = page,
		.count = end - page,
		.sector = area->start + (page * SECTORS_PER_PAGE - area->first),
	};
	return 0;
}

static int add(void *context, u64 sector, u64 count)
{
	struct swap_file *area = context;
	int error = 0;

	if (area->length != 0 && sector == area->start + area->length) {
		area->length += count;
	} else {
		error = end_stretch(area);
		area->first = area->position;
		area->start = sector;
		area->length = count;
	}
	area->position += count;
	return error;
}

static int make_extents(struct swap_file *area)
{
	struct inode *inode = area->file->inode;
	int error = inode->ops->swap_extents(inode, &area->device, add, area);

	return error != 0 ? error : end_stretch(area);
}

/* --- Life --- */

/* Nobody writes from now on, and what was written is on the device. */
static int claim(struct file *file)
{
	struct inode *inode = file->inode;
	int error = 0;

	rwlock_write_lock(&inode->lock);
	if (inode->flags & INODE_SWAPFILE)
		error = -EBUSY;
	else if (page_cache_mapped_writable(&inode->cache))
		error = -ETXTBSY;
	else
		inode->flags |= INODE_SWAPFILE;
	rwlock_write_unlock(&inode->lock);
	return error;
}

static void unclaim(struct inode *inode)
{
	rwlock_write_lock(&inode->lock);
	inode->flags &= ~(u32)INODE_SWAPFILE;
	rwlock_write_unlock(&inode->lock);
}

struct swap_file *swap_file_open(struct file *file)
{
	struct inode *inode = file->inode;

	if (!S_ISREG(inode->mode) || !inode->ops->swap_extents || !file->ops->fsync)
		return ERR_PTR(-EINVAL);
	struct swap_file *area = kzalloc(sizeof(*area));
	if (area == NULL)
		return ERR_PTR(-ENOMEM);
	int error = claim(file);
	if (error != 0)
		goto free;
	area->file = file_get_ref(file);
	area->pages = (u64)inode_size(inode) / PAGE_SIZE;
	error = file->ops->fsync(file, 0, INT64_MAX, false);
	if (error == 0)
		error = make_extents(area);
	if (error == 0)
		return area;
	swap_file_close(area);
	return ERR_PTR(error);
free:
	kfree(area);
	return ERR_PTR(error);
}

void swap_file_close(struct swap_file *area)
{
	unclaim(area->file->inode);
	file_put(area->file);
	kfree(area->extents);
	kfree(area);
}

u64 swap_file_pages(const struct swap_file *area)
{
	return area->pages;
}

u32 swap_file_scattered(const struct swap_file *area, u32 pages, u32 *numbers, u32 most)
{
	u64 page = 0;
	u32 count = 0;

	for (u32 i = 0; i <= area->extent_count && page < pages; i++) {
		const struct swap_extent *extent =
			i < area->extent_count ? &area->extents[i] : NULL;
		u64 stop = extent != NULL ? MIN(extent->page, (u64)pages) : pages;
		for (; page < stop; page++) {
			if (count < most)
				numbers[count] = (u32)page;
			count++;
		}
		if (extent != NULL)
			page = extent->page + extent->count;
	}
	return count;
}

/* --- Transfers --- */

/* The extent that has the page. */
static const struct swap_extent *find(const struct swap_file *area, u64 page)
{
	u32 low = 0, high = area->extent_count;

	while (low < high) {
		u32 middle = (low + high) / 2;
		if (area->extents[middle].page <= page)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	const struct swap_extent *extent = &area->extents[low - 1];
	return page - extent->page < extent->count ? extent : NULL;
}

static int transfer(void *device, u64 page, const phys_t *frames, size_t count, bool write)
{
	const struct swap_file *area = device;
	int error = 0;

	while (count > 0 && error == 0) {
		const struct swap_extent *extent = find(area, page);
		if (extent == NULL)
			return -EIO;
		u64 into = page - extent->page;
		u32 piece = (u32)MIN((u64)count, extent->count - into);
		error = block_transfer(area->device, write ? BLOCK_WRITE : BLOCK_READ,
				       extent->sector + into * SECTORS_PER_PAGE, frames, piece, 0);
		page += piece;
		frames += piece;
		count -= piece;
	}
	if (error != 0)
		log_error("swap: %s of page %lu of a file: error %d", write ? "write" : "read",
			  (unsigned long)page, -error);
	return error != 0 ? -EIO : 0;
}

static void release(void *device)
{
	swap_file_close(device);
}

const struct swap_area_ops swap_file_operations = {.transfer = transfer, .release = release};
