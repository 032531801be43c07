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
	struct rb_root names;              /* by hash and text; inode.lock */
	struct rb_root cookies;            /* inode.lock */
	u64 next_cookie;                   /* inode.lock */
	u32 flags;                         /* of chattr(1); inode.lock */
	struct tmpfs_inode *parent;        /* of directories: for ".."; no reference */
	struct tmpfs_inode *next_numbered; /* numbers.c's lock: in a bucket of those with handles */
	bool numbered;                     /* numbers.c's lock */
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

/* Is it tmpfs itself, and no file system that is made of it? */
static inline bool tmpfs_is_plain(const struct inode *inode)
{
	return tmpfs_super(inode->superblock)->files == &tmpfs_plain_files;
}

/* --- flags.c --- */

/* A fresh inode gets what its directory hands down. */
void tmpfs_inherit_flags(struct tmpfs_inode *node, const struct tmpfs_inode *directory);
long tmpfs_control(struct file *file, unsigned command, vaddr_t argument);
int tmpfs_get_status(const struct path *path, struct inode *inode, struct file_status *status);

/* A name more of a file that has some counts as an inode: 0 or -ENOSPC.  And one of several goes. */
int __must_check tmpfs_charge_name(const struct inode *inode);
void tmpfs_uncharge_name(const struct inode *inode);

/* --- numbers.c: files found by number --- */

void tmpfs_keep_number(struct inode *inode);
struct inode *tmpfs_find_number(struct superblock *superblock, u64 number, u32 generation);
/* It is about to go. */
void tmpfs_forget_number(struct tmpfs_inode *node);

/* Drops all entries below a directory, at unmount. */
void tmpfs_directory_empty(struct inode *directory);

#endif
