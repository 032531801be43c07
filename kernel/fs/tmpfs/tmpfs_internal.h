/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: files that live in memory alone.
 *
 * A directory keeps its entries in two trees: by name, to find them, and by cookie, to list them.
 * Cookies are drawn from a counter of the directory and never used again, so a position in a
 * directory stays good whatever happens to other entries.  Each entry holds a reference on its
 * inode; the name cache only points at the same inodes.
 *
 * Locks: a directory's trees are guarded by its inode->lock; the superblock's accounts are atomic.
 */
#ifndef FS_TMPFS_INTERNAL_H
#define FS_TMPFS_INTERNAL_H

#include "fs/fs_internal.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/rbtree.h"

struct tmpfs_inode {
	struct inode inode;
	struct rb_root names;       /* by hash and text; inode.lock */
	struct rb_root cookies;     /* inode.lock */
	u64 next_cookie;            /* inode.lock */
	struct tmpfs_inode *parent; /* of directories: for ".."; no reference */
};

struct tmpfs_entry {
	struct rb_node by_name;
	struct rb_node by_cookie;
	u64 cookie;
	struct inode *inode; /* referenced */
	u32 hash;
	u32 length;
	char text[];
};

static inline struct tmpfs_inode *tmpfs_inode(struct inode *inode)
{
	return container_of(inode, struct tmpfs_inode, inode);
}
extern const struct inode_operations tmpfs_directory_inode_ops, tmpfs_file_inode_ops,
	tmpfs_special_inode_ops;
extern const struct file_operations tmpfs_directory_ops;
extern const struct tmpfs_files tmpfs_plain_files;

int tmpfs_inode_init(void);

/* A name more of a file that has some counts as an inode: 0 or -ENOSPC.  And one of several goes. */
int __must_check tmpfs_charge_name(const struct inode *inode);
void tmpfs_uncharge_name(const struct inode *inode);

/* Drops all entries below a directory, at unmount. */
void tmpfs_directory_empty(struct inode *directory);

#endif
