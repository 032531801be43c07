/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs files that are found by number: those of which somebody has asked for a handle.
 *
 * They hang in one table for all of tmpfs, which has no references; a file leaves it when its last
 * reference has gone, before its memory does.  Numbers are never used again, so there is no
 * generation.
 *
 * Locks: `lock` (spin, leaf) guards the table.
 */
#include "fs/tmpfs/tmpfs_internal.h"

enum { BUCKETS = 256 };

static spinlock_t lock = SPINLOCK_INIT;
static struct tmpfs_inode *buckets[BUCKETS]; /* lock */

static struct tmpfs_inode **bucket_of(u64 number)
{
	return &buckets[number % BUCKETS];
}

void tmpfs_keep_number(struct inode *inode)
{
	struct tmpfs_inode *node = tmpfs_inode(inode);
	struct tmpfs_inode **bucket = bucket_of(inode->ino);

	spin_lock(&lock);
	if (!node->numbered) {
		node->numbered = true;
		node->next_numbered = *bucket;
		*bucket = node;
	}
	spin_unlock(&lock);
}

void tmpfs_forget_number(struct tmpfs_inode *node)
{
	struct tmpfs_inode **link = bucket_of(node->inode.ino);

	/* Nobody has a reference, so nobody puts it in now. */
	if (!READ_ONCE(node->numbered))
		return;
	spin_lock(&lock);
	while (*link != node)
		link = &(*link)->next_numbered;
	*link = node->next_numbered;
	spin_unlock(&lock);
}

struct inode *tmpfs_find_number(struct superblock *superblock, u64 number, u32 generation __unused)
{
	struct inode *found = NULL;

	spin_lock(&lock);
	for (struct tmpfs_inode *node = *bucket_of(number); node && !found;
	     node = node->next_numbered)
		if (node->inode.ino == number && node->inode.superblock == superblock &&
		    inode_try_get(&node->inode))
			found = &node->inode;
	spin_unlock(&lock);
	return found ? found : ERR_PTR(-ESTALE);
}
