/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files of hugetlbfs: as other files whose data is in the page cache, but for write(2), which
 * there is none, and all that changes the size.
 */
#include "fs/hugetlbfs/hugetlbfs_internal.h"

#include "mm/kmalloc.h"

static struct file_operations file_ops; /* set once */

static int set_attributes(struct inode *inode, const struct attr_change *change)
{
	int error = 0;

	if (change->valid & ATTR_SIZE && change->size != inode_size(inode))
		error = hugetlb_file_truncate(inode->cache.huge, (u64)change->size);
	if (!error)
		inode_apply_change(inode, change);
	return error;
}

static const struct inode_operations inode_ops = {.set_attributes = set_attributes};

static int allocate_locked(struct inode *inode, int mode, u64 start, u64 end)
{
	int error;

	if (mode & FALLOC_FL_PUNCH_HOLE) {
		hugetlb_file_punch(inode->cache.huge, start, end);
		return 0;
	}
	error = hugetlb_file_allocate(inode->cache.huge, start, end);
	if (!error && !(mode & FALLOC_FL_KEEP_SIZE))
		hugetlb_file_extend(inode->cache.huge, end);
	return error;
}

static long fallocate(struct file *file, int mode, off_t offset, off_t length)
{
	struct inode *inode = file->inode;
	u32 seals = mode & FALLOC_FL_PUNCH_HOLE           ? F_SEAL_WRITE | F_SEAL_FUTURE_WRITE
		    : offset + length > inode_size(inode) ? F_SEAL_GROW
							  : 0;
	long error;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	rwlock_write_lock(&inode->lock);
	error = seals_check(inode, seals);
	if (!error)
		error = allocate_locked(inode, mode, (u64)offset, (u64)offset + (u64)length);
	if (!error)
		inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	rwlock_write_unlock(&inode->lock);
	return error;
}

static int init(struct inode *inode)
{
	struct hugetlb_quota *quota = &hugetlbfs_super(inode->superblock)->quota;
	struct hugetlb_file *file = kmalloc(sizeof(*file));

	if (!file)
		return -ENOMEM;
	inode->ops = &inode_ops;
	inode->file_ops = &file_ops;
	inode->flags |= INODE_PAGE_CACHE;
	page_cache_init(&inode->cache, NULL);
	hugetlb_file_init(file, &inode->cache, quota->size, quota);
	return 0;
}

static void destroy(struct inode *inode)
{
	struct hugetlb_file *file = inode->cache.huge;

	hugetlb_file_destroy(file);
	kfree(file);
}

const struct tmpfs_files hugetlbfs_files = {.init = init, .destroy = destroy};

void hugetlbfs_files_init(void)
{
	file_ops = regular_file_ops;
	file_ops.write = NULL;
	file_ops.fallocate = fallocate;
}
