/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty pages to the disk.
 *
 * A run of pages gets its clusters, the data goes there, and then the size follows; all that is
 * changed of the volume waits for a commit.
 */
#include "fs/fat/fat_internal.h"
#include "lib/log.h"

/* --- Pages --- */

/* Clusters for the file's first `end` bytes; the promises are kept by that. */
static int take_clusters(struct fat_inode *inode, u64 index, u64 end)
{
	struct fat_super *super = fat_super_of(inode);
	struct fat_volume *volume = &super->volume;
	u32 before = 0, grown;
	int error = 0;

	fat_lock(super);
	/* What an error left out between would be what the disk had there. */
	if (index * PAGE_SIZE > inode->node.size)
		error = -EIO;
	if (!error)
		error = fat_chain_length(volume, &inode->node.chain, &before);
	if (!error)
		error = fat_chain_extend(volume, &inode->node.chain, fat_clusters_for(volume, end));
	if (!error) {
		grown = MIN(inode->node.chain.known - before, inode->promised);
		fat_release(volume, grown);
		inode->promised -= grown;
	}
	fat_unlock(super);
	return error;
}

static int publish(struct fat_inode *inode, u64 end)
{
	struct fat_super *super = fat_super_of(inode);
	int error = 0;

	fat_lock(super);
	super->volume.data_written = true;
	if (end > inode->node.size) {
		inode->node.size = (u32)end;
		error = fat_inode_store_locked(inode);
	}
	fat_unlock(super);
	return error;
}

int fat_write_pages(struct page_cache *cache, u64 index, const phys_t *frames, u32 count)
{
	struct fat_inode *inode = fat_inode_of_cache(cache);
	u32 sector_size = fat_super_of(inode)->volume.sector_size;
	u64 start = index * PAGE_SIZE, end = MIN(page_cache_size(cache), start + count * PAGE_SIZE);
	int error;

	if (end <= start)
		return 0;
	page_cache_clear_behind_end(cache, (end - 1) / PAGE_SIZE,
				    frames[(end - 1) / PAGE_SIZE - index]);
	error = take_clusters(inode, index, end);
	if (!error)
		error = fat_transfer_file(inode, BLOCK_WRITE, start,
					  ALIGN_UP(end, (u64)sector_size) - start, index, frames);
	return error ? error : publish(inode, end);
}

void fat_dirtied(struct page_cache *cache)
{
	disk_inode_dirtied(&fat_inode_of_cache(cache)->disk);
}

/* --- fsync and sync --- */

static int commit(struct fat_super *super)
{
	int error;

	fat_lock(super);
	error = fat_commit(&super->volume);
	fat_unlock(super);
	return error;
}

int fat_fsync(struct file *file, off_t start, off_t end, bool data_only __unused)
{
	struct fat_inode *inode = fat_inode(file->inode);
	struct fat_super *super = fat_super_of(inode);
	int error = 0, earlier = 0;

	if (!fat_is_writable(super))
		return super->volume.failed ? -EIO : 0;
	if (file->inode->flags & INODE_PAGE_CACHE) {
		error = disk_inode_write_back(&inode->disk, (u64)start / PAGE_SIZE,
					      end > 0 ? (u64)(end - 1) / PAGE_SIZE : 0);
		earlier = file_new_error(file);
	}
	if (!error)
		error = fat_inode_flush(inode);
	if (!error)
		error = commit(super);
	return error ? error : earlier;
}

int fat_sync(struct superblock *superblock)
{
	struct fat_super *super = fat_super(superblock);
	int error, committed;

	if (!fat_is_writable(super))
		return 0;
	error = disk_inodes_sync(&super->inodes);
	committed = commit(super);
	return error ? error : committed;
}

void fat_commit_turn(struct disk_inodes *inodes)
{
	struct fat_super *super = container_of(inodes, struct fat_super, inodes);
	int error = commit(super);

	if (error && !super->volume.failed)
		log_error("fat: %s: commit failed: error %d", super->device->name, -error);
}
