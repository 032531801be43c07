/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of a volume to the disk: sync(2), and before it is unmounted or only read.
 *
 * Each inode in memory is visited once, dirty pages or not: its times may differ from the disk's.
 */
#include "fs/ext4/ext4_internal.h"
#include "fs/ext4/operations.h"

static bool is_dirty(struct ext4_inode *inode)
{
	return inode->inode.flags & INODE_PAGE_CACHE &&
	       page_cache_dirty_pages(&inode->inode.cache) > 0;
}

/* One of the bucket that this pass has not seen, referenced, or NULL. */
static struct ext4_inode *next_unseen(struct ext4_super *super, u32 bucket, u32 pass)
{
	struct ext4_inode *inode, *found = NULL;

	spin_lock(&super->lock);
	list_for_each_entry (inode, &super->inodes[bucket], link) {
		if (inode->sync_pass == pass)
			continue;
		inode->sync_pass = pass;
		if (inode_try_get(&inode->inode)) {
			found = inode;
			break;
		}
	}
	spin_unlock(&super->lock);
	return found;
}

static int write_inodes(struct ext4_super *super)
{
	u32 pass = __atomic_add_fetch(&super->sync_pass, 1, __ATOMIC_RELAXED);
	struct ext4_inode *inode;
	int result = 0;

	for (u32 bucket = 0; bucket < EXT4_BUCKETS; bucket++)
		while ((inode = next_unseen(super, bucket, pass))) {
			int error = 0;

			if (is_dirty(inode))
				error = ext4_write_back(inode, 0, UINT64_MAX);
			if (!error)
				error = ext4_inode_flush(inode);
			result = result ? result : error;
			inode_put(&inode->inode);
		}
	return result;
}

static int write_super(struct ext4_super *super)
{
	struct ext4_handle *handle;
	int error = ext4_transaction_start(&super->volume, EXT4_CREDITS_NODE, &handle);

	if (error)
		return error;
	return ext4_operation_end(handle, ext4_super_update(handle, &super->volume));
}

int ext4_sync(struct superblock *superblock)
{
	struct ext4_super *super = ext4_super(superblock);
	int error, committed;

	if (!ext4_is_writable(super))
		return 0;
	error = write_inodes(super);
	if (!error)
		error = write_super(super);
	committed =
		ext4_transaction_commit(&super->volume, ext4_transaction_running(&super->volume));
	return error ? error : committed;
}
