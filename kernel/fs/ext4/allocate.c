/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fallocate(2): blocks ahead of the data, which read as zeros, and holes.
 *
 * Pages that are only partly in a hole become zeros where they are; whole ones go, and their blocks
 * with them.  The pages are dropped once more after the blocks: a reader may have found them in
 * between.
 */
#include "fs/ext4/ext4_internal.h"
#include "fs/ext4/operations.h"
#include "lib/abi/signal.h"
#include "mm/frame.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/signal.h"

/* --- Holes --- */

/* A page that keeps a part of its bytes has to be in memory to lose the others. */
static int bring_page(struct ext4_inode *inode, u64 position)
{
	phys_t frame = 0;
	int error;

	if (position % PAGE_SIZE == 0 || position >= page_cache_size(&inode->inode.cache))
		return 0;
	error = page_cache_get(&inode->inode.cache, position / PAGE_SIZE, PAGE_CACHE_READ, &frame);
	if (!error && frame != 0)
		frame_free(frame);
	return error;
}

int ext4_remove_blocks(struct ext4_inode *inode, u64 first, u64 last)
{
	struct ext4_super *super = ext4_super_of(inode);
	struct inode *const operands[] = {&inode->inode};
	struct ext4_operation operation;
	bool done = false;

	while (!done) {
		int error = ext4_operation_begin(&operation, super,
						 EXT4_CREDITS_MAP + EXT4_CREDITS_NODE, operands, 1);

		if (error)
			return error;
		error = ext4_map_remove(operation.handle, &super->volume, &inode->node, first, last,
					&done);
		if (!error)
			error = ext4_node_write(operation.handle, &super->volume, &inode->node,
						false);
		error = ext4_operation_finish(&operation, error);
		if (error)
			return error;
	}
	return 0;
}

static int punch(struct ext4_inode *inode, u64 start, u64 end)
{
	u32 shift = ext4_super_of(inode)->volume.block_shift;
	u64 first = DIV_ROUND_UP(start, (u64)PAGE_SIZE), last = end / PAGE_SIZE;
	struct page_cache *cache = &inode->inode.cache;
	int error = bring_page(inode, start);

	if (!error)
		error = bring_page(inode, end);
	if (error)
		return error;
	mutex_lock(&inode->disk.write_back_lock);
	page_cache_punch(cache, start, end);
	if (end >= page_cache_size(cache))
		last = DIV_ROUND_UP(end, (u64)PAGE_SIZE);
	if (first < last) {
		ext4_delayed_done(inode, first, last - 1);
		error = ext4_remove_blocks(inode, first << (PAGE_SHIFT - shift),
					   (last << (PAGE_SHIFT - shift)) - 1);
		page_cache_punch(cache, first * PAGE_SIZE, last * PAGE_SIZE);
	}
	mutex_unlock(&inode->disk.write_back_lock);
	return error;
}

/* --- Blocks ahead --- */

/* Maps blocks to a hole: as many as there are in one place; *count of them. */
static int fill_hole(struct ext4_inode *inode, u64 block, u64 *count)
{
	struct ext4_super *super = ext4_super_of(inode);
	struct ext4_volume *volume = &super->volume;
	struct inode *const operands[] = {&inode->inode};
	u64 goal, start, found, wanted = MIN(*count, (u64)EXT4_EXTENT_LENGTH_MAX - 1);
	struct ext4_operation operation;
	int error =
		ext4_space_reserve(volume, wanted, capable(CAP_SYS_RESOURCE) ? EXT4_SPACE_ROOT : 0);

	if (error)
		return error;
	rwlock_read_lock(&inode->node_lock);
	goal = ext4_map_goal(volume, &inode->node, block);
	rwlock_read_unlock(&inode->node_lock);
	error = ext4_space_claim(volume, goal, wanted, &start, &found);
	if (error)
		goto release;
	error = ext4_operation_begin(&operation, super, EXT4_CREDITS_MAP + EXT4_CREDITS_NODE,
				     operands, 1);
	if (error)
		goto unclaim;
	error = ext4_map_insert(operation.handle, volume, &inode->node, block, start, found, true);
	if (!error)
		error = ext4_space_mark(operation.handle, volume, start, found);
	if (!error)
		error = ext4_node_write(operation.handle, volume, &inode->node, false);
	error = ext4_operation_finish(&operation, error);
unclaim:
	if (error)
		ext4_space_unclaim(volume, start, found);
release:
	ext4_space_release(volume, wanted);
	*count = found;
	return error;
}

static int fill_holes(struct ext4_inode *inode, u64 start, u64 end)
{
	struct ext4_volume *volume = &ext4_super_of(inode)->volume;
	u64 block = start >> volume->block_shift;
	u64 last = (end + volume->block_size - 1) >> volume->block_shift;
	int error = 0;

	while (block < last && !error) {
		struct ext4_run run;
		u64 count;

		rwlock_read_lock(&inode->node_lock);
		error = ext4_map(volume, &inode->node, block, &run);
		rwlock_read_unlock(&inode->node_lock);
		if (error)
			break;
		count = MIN(run.length, last - block);
		if (run.start == 0 && run.held == 0)
			error = fill_hole(inode, block, &count);
		if (error == -EAGAIN) {
			error = ext4_transaction_commit(volume, ext4_transaction_running(volume));
			continue;
		}
		block += count;
	}
	return error;
}

static int check_size(const struct ext4_inode *inode, u64 end)
{
	if (end > (u64)inode->inode.superblock->max_size)
		return -EFBIG;
	if (current->process && current->fs && end > rlimit_current(RLIMIT_FSIZE)) {
		signal_send_kernel(current->process, SIGXFSZ);
		return -EFBIG;
	}
	return 0;
}

static int allocate(struct ext4_inode *inode, int mode, u64 start, u64 end)
{
	bool grows = !(mode & FALLOC_FL_KEEP_SIZE) && end > page_cache_size(&inode->inode.cache);
	int error = grows ? check_size(inode, end) : 0;

	if (!error && end > (u64)inode->inode.superblock->max_size)
		error = -EFBIG;
	if (!error && !(inode->node.flags & EXT4_INODE_EXTENTS))
		error = -EOPNOTSUPP;
	if (!error && mode & FALLOC_FL_ZERO_RANGE)
		error = punch(inode, start, end);
	if (!error)
		error = fill_holes(inode, start, end);
	return !error && grows ? ext4_truncate(inode, end) : error;
}

static int shift(struct ext4_inode *inode, int mode, u64 start, u64 end)
{
	bool in = mode & FALLOC_FL_INSERT_RANGE;
	u64 size = page_cache_size(&inode->inode.cache);
	int error = 0;

	if ((mode & ~(FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) != 0 ||
	    (in && mode & FALLOC_FL_COLLAPSE_RANGE))
		return -EOPNOTSUPP;
	if (in && start < size)
		error = check_size(inode, size + (end - start));
	return error ? error : ext4_shift(inode, in, start, end);
}

long ext4_fallocate(struct file *file, int mode, off_t offset, off_t length)
{
	struct inode *base = file->inode;
	struct ext4_inode *inode = ext4_inode(base);
	u64 start = (u64)offset, end = start + (u64)length;
	int error;

	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
			  FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE;

	if (mode & ~known)
		return -EOPNOTSUPP;
	if (!ext4_is_writable(ext4_super_of(inode)) || inode->node.flags & EXT4_INODE_INLINE_DATA)
		return -EROFS;
	rwlock_write_lock(&base->lock);
	error = inode_remove_setid(base);
	if (!error && mode & FALLOC_FL_PUNCH_HOLE)
		error = punch(inode, start, end);
	else if (!error && mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
		error = shift(inode, mode, start, end);
	else if (!error)
		error = allocate(inode, mode, start, end);
	if (!error)
		inode_touch(base, ATTR_MTIME | ATTR_CTIME);
	rwlock_write_unlock(&base->lock);
	return error;
}
