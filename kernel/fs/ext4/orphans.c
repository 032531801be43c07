/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orphans: files that have no name any more and are still open, and files that are being cut.
 *
 * The super block has the number of the first, each inode that of the next where else the time of
 * its deletion is.  The same list is kept in memory, to take one out of its middle.
 *
 * A node's neighbour in the list may be written by its own owner while its link changes: whoever
 * changes an inode on the disk holds the lock of its block.
 */
#include "fs/ext4/change.h"
#include "lib/abi/stat.h"
#include "lib/errno.h"
#include "lib/string.h"

struct ext4_orphan {
	struct ext4_orphan *next;
	u32 ino;
};

static void set_first(struct ext4_disk_super *super, void *argument)
{
	super->last_orphan = *(const u32 *)argument;
}

static int write_first(struct ext4_handle *handle, struct ext4_volume *volume, u32 ino)
{
	int error;

	mutex_lock(&volume->space->lock);
	error = ext4_super_change(handle, volume, set_first, &ino);
	mutex_unlock(&volume->space->lock);
	return error;
}

/* Links an inode to the next, or ends the list with 0. */
static int write_link(struct ext4_handle *handle, struct ext4_volume *volume, u32 ino, u32 next)
{
	struct ext4_disk_inode *inode;
	struct ext4_block *block;
	int error = ext4_node_raw(volume, ino, &block, &inode);

	if (error)
		return error;
	mutex_lock(&block->lock);
	error = ext4_handle_change(handle, block);
	if (!error) {
		inode->dtime = next;
		ext4_node_seal(volume, ino, inode);
	}
	mutex_unlock(&block->lock);
	ext4_block_put(block);
	return error;
}

static struct ext4_orphan **find_locked(struct ext4_volume *volume, u32 ino,
					struct ext4_orphan **before)
{
	struct ext4_orphan **link = &volume->space->orphans;

	*before = NULL;
	while (*link && (*link)->ino != ino) {
		*before = *link;
		link = &(*link)->next;
	}
	return link;
}

int ext4_orphan_add(struct ext4_handle *handle, struct ext4_volume *volume, u32 ino)
{
	struct ext4_space *space = volume->space;
	struct ext4_orphan *orphan, *before;
	int error = 0;

	mutex_lock(&space->orphan_lock);
	if (*find_locked(volume, ino, &before))
		goto out;
	orphan = volume->ops->allocate(sizeof(*orphan));
	error = orphan ? write_link(handle, volume, ino, space->orphans ? space->orphans->ino : 0)
		       : -ENOMEM;
	if (!error)
		error = write_first(handle, volume, ino);
	if (error) {
		volume->ops->release(orphan);
		goto out;
	}
	*orphan = (struct ext4_orphan){.next = space->orphans, .ino = ino};
	space->orphans = orphan;
out:
	mutex_unlock(&space->orphan_lock);
	return error;
}

int ext4_orphan_remove(struct ext4_handle *handle, struct ext4_volume *volume, u32 ino)
{
	struct ext4_space *space = volume->space;
	struct ext4_orphan **link, *orphan, *before;
	int error = 0;
	u32 next;

	mutex_lock(&space->orphan_lock);
	link = find_locked(volume, ino, &before);
	orphan = *link;
	if (!orphan)
		goto out;
	next = orphan->next ? orphan->next->ino : 0;
	error = before ? write_link(handle, volume, before->ino, next)
		       : write_first(handle, volume, next);
	if (!error)
		error = write_link(handle, volume, ino, 0);
	if (!error) {
		*link = orphan->next;
		volume->ops->release(orphan);
	}
out:
	mutex_unlock(&space->orphan_lock);
	return error;
}

void ext4_orphans_close(struct ext4_volume *volume)
{
	struct ext4_orphan *orphan;

	while ((orphan = volume->space->orphans)) {
		volume->space->orphans = orphan->next;
		volume->ops->release(orphan);
	}
}

/* --- At mount --- */

/* The list in memory, as the disk has it.  A broken one ends where it breaks. */
static int read_list(struct ext4_volume *volume)
{
	struct ext4_orphan **end = &volume->space->orphans, *orphan;
	struct ext4_disk_inode *inode;
	struct ext4_block *block;
	u32 ino = volume->last_orphan, left = volume->inodes;

	while (ino != 0 && left-- > 0) {
		int error = ino < volume->first_ino ? -EUCLEAN
						    : ext4_node_raw(volume, ino, &block, &inode);

		if (error)
			return error;
		orphan = volume->ops->allocate(sizeof(*orphan));
		if (orphan) {
			*orphan = (struct ext4_orphan){.ino = ino};
			*end = orphan;
			end = &orphan->next;
		}
		ino = inode->dtime;
		ext4_block_put(block);
		if (!orphan)
			return -ENOMEM;
	}
	return ino == 0 ? 0 : -EUCLEAN;
}

static bool has_blocks(const struct ext4_volume *volume, const struct ext4_node *node)
{
	u64 attributes = node->xattr_block != 0 ? volume->block_size >> 9 : 0;

	if (node->flags & EXT4_INODE_INLINE_DATA)
		return false;
	return S_ISREG(node->mode) || S_ISDIR(node->mode) ||
	       (S_ISLNK(node->mode) && node->sectors > attributes);
}

int ext4_node_end(struct ext4_volume *volume, struct ext4_node *node, u64 now)
{
	bool directory = S_ISDIR(node->mode);
	struct ext4_handle *handle;
	struct ext4_disk_inode *inode;
	struct ext4_block *block;
	int error = 0, stopped;

	if (has_blocks(volume, node)) {
		node->size = 0;
		error = ext4_map_cut(volume, node, 0);
	}
	if (!error)
		error = ext4_transaction_start(volume, EXT4_CREDITS_MAP + EXT4_CREDITS_NODE,
					       &handle);
	if (error)
		return error;
	error = ext4_orphan_remove(handle, volume, node->ino);
	if (!error)
		error = ext4_xattr_drop(handle, volume, node);
	if (!error)
		error = ext4_node_write(handle, volume, node, false);
	if (!error)
		error = ext4_node_raw(volume, node->ino, &block, &inode);
	if (!error) {
		mutex_lock(&block->lock);
		error = ext4_handle_change(handle, block);
		if (!error) {
			inode->dtime = (u32)now;
			ext4_node_seal(volume, node->ino, inode);
		}
		mutex_unlock(&block->lock);
		ext4_block_put(block);
	}
	if (!error)
		error = ext4_number_free(handle, volume, node->ino, directory);
	stopped = ext4_transaction_stop(handle);
	return error ? error : stopped;
}

/* A file with a name was being cut: to its size, then it is no orphan any more. */
static int finish_cut(struct ext4_volume *volume, struct ext4_node *node)
{
	struct ext4_handle *handle;
	u64 blocks = (node->size + volume->block_size - 1) >> volume->block_shift;
	int error = 0, stopped;

	if (has_blocks(volume, node) && blocks <= UINT32_MAX)
		error = ext4_map_cut(volume, node, blocks);
	if (!error)
		error = ext4_transaction_start(volume, EXT4_CREDITS_NODE, &handle);
	if (error)
		return error;
	error = ext4_orphan_remove(handle, volume, node->ino);
	stopped = ext4_transaction_stop(handle);
	return error ? error : stopped;
}

int ext4_orphans_end(struct ext4_volume *volume, u32 *ended)
{
	int error = read_list(volume);

	*ended = 0;
	while (volume->space->orphans && !error) {
		struct ext4_node node;

		error = ext4_node_read_unlinked(volume, volume->space->orphans->ino, &node);
		if (!error)
			error = node.links == 0
					? ext4_node_end(volume, &node, (u64)MAX(node.ctime, 1))
					: finish_cut(volume, &node);
		++*ended;
	}
	return error;
}
