/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the VFS's fields of an inode and those of its node, and the locks of nodes.
 */
#include "fs/ext4/ext4_internal.h"
#include "fs/ext4/operations.h"

void ext4_node_take(struct ext4_inode *inode)
{
	struct inode *base = &inode->inode;
	struct ext4_node *node = &inode->node;

	spin_lock(&base->attribute_lock);
	node->mode = base->mode;
	node->uid = base->uid;
	node->gid = base->gid;
	node->atime = base->atime.seconds;
	node->atime_ns = base->atime.nanoseconds;
	node->mtime = base->mtime.seconds;
	node->mtime_ns = base->mtime.nanoseconds;
	node->ctime = base->ctime.seconds;
	node->ctime_ns = base->ctime.nanoseconds;
	spin_unlock(&base->attribute_lock);
}

void ext4_node_give(struct ext4_inode *inode)
{
	struct inode *base = &inode->inode;

	spin_lock(&base->attribute_lock);
	base->nlink = inode->node.links;
	base->blocks = inode->node.sectors;
	if (!(base->flags & INODE_PAGE_CACHE))
		WRITE_ONCE(base->size, (off_t)inode->node.size);
	spin_unlock(&base->attribute_lock);
}

static bool same_time(const struct vfs_time *time, s64 seconds, u32 nanoseconds)
{
	return time->seconds == seconds && time->nanoseconds == nanoseconds;
}

bool ext4_inode_differs(struct ext4_inode *inode)
{
	struct inode *base = &inode->inode;
	const struct ext4_node *node = &inode->node;
	bool same;

	rwlock_read_lock(&inode->node_lock);
	spin_lock(&base->attribute_lock);
	same = !inode->untold && node->mode == base->mode && node->uid == base->uid &&
	       node->gid == base->gid && same_time(&base->atime, node->atime, node->atime_ns) &&
	       same_time(&base->mtime, node->mtime, node->mtime_ns) &&
	       same_time(&base->ctime, node->ctime, node->ctime_ns);
	spin_unlock(&base->attribute_lock);
	rwlock_read_unlock(&inode->node_lock);
	return !same;
}

/* --- Operations --- */

static void note_sequence(struct ext4_inode *inode, u32 sequence)
{
	__atomic_store_n(&inode->sequence, sequence, __ATOMIC_RELEASE);
	__atomic_store_n(&inode->data_sequence, sequence, __ATOMIC_RELEASE);
}

/* Puts one in its place by number; once. */
static void add_operand(struct ext4_operation *operation, struct ext4_inode *inode)
{
	u32 at = 0;

	while (at < operation->count && operation->inodes[at]->node.ino < inode->node.ino)
		at++;
	if (at < operation->count && operation->inodes[at] == inode)
		return;
	for (u32 i = operation->count++; i > at; i--)
		operation->inodes[i] = operation->inodes[i - 1];
	operation->inodes[at] = inode;
}

int ext4_operation_begin(struct ext4_operation *operation, struct ext4_super *super, u32 credits,
			 struct inode *const *inodes, u32 count)
{
	int error;

	*operation = (struct ext4_operation){.super = super};
	error = ext4_transaction_start(&super->volume, credits, &operation->handle);
	if (error)
		return error;
	for (u32 i = 0; i < count; i++)
		if (inodes[i])
			add_operand(operation, ext4_inode(inodes[i]));
	for (u32 i = 0; i < operation->count; i++) {
		rwlock_write_lock_nested(&operation->inodes[i]->node_lock, i);
		ext4_node_take(operation->inodes[i]);
	}
	return 0;
}

int ext4_operation_finish(struct ext4_operation *operation, int error)
{
	u32 sequence = ext4_handle_sequence(operation->handle);
	int stopped;

	for (u32 i = operation->count; i-- > 0;) {
		struct ext4_inode *inode = operation->inodes[i];

		ext4_node_give(inode);
		inode->untold |= error != 0;
		note_sequence(inode, sequence);
		rwlock_write_unlock(&inode->node_lock);
	}
	stopped = ext4_operation_end(operation->handle, error);
	return error ? error : stopped;
}

/* --- Attributes --- */

static int store(struct ext4_inode *inode)
{
	struct ext4_super *super = ext4_super_of(inode);
	struct inode *const operands[] = {&inode->inode};
	u32 data_sequence = READ_ONCE(inode->data_sequence);
	struct ext4_operation operation;
	int error = ext4_operation_begin(&operation, super, EXT4_CREDITS_NODE, operands, 1);

	if (error)
		return error;
	error = ext4_node_write(operation.handle, &super->volume, &inode->node, false);
	if (!error)
		inode->untold = false;
	error = ext4_operation_finish(&operation, error);
	/* Times and the like are nothing that fdatasync waits for. */
	__atomic_store_n(&inode->data_sequence, data_sequence, __ATOMIC_RELEASE);
	return error;
}

int ext4_inode_flush(struct ext4_inode *inode)
{
	if (!ext4_is_writable(ext4_super_of(inode)) || !ext4_inode_differs(inode))
		return 0;
	return store(inode);
}

int ext4_set_attributes(struct inode *base, const struct attr_change *change)
{
	struct ext4_inode *inode = ext4_inode(base);
	int error = 0;

	if (!ext4_is_writable(ext4_super_of(inode)))
		return -EROFS;
	if (change->valid & ATTR_SIZE && !(base->flags & INODE_PAGE_CACHE))
		return -EINVAL;
	if (change->valid & ATTR_SIZE && change->size != inode_size(base))
		error = ext4_truncate(inode, (u64)change->size);
	if (error)
		return error;
	inode_apply_change(base, change);
	return store(inode);
}
