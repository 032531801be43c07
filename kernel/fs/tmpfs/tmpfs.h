/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs as the frame of another file system in memory, which has the same directories, links and
 * nodes, and regular files of its own (hugetlbfs).
 */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "fs/vfs.h"

/* What regular files are. */
struct tmpfs_files {
	/* Sets a fresh inode's operations, flags and cache.  0 or -ENOMEM. */
	int (*init)(struct inode *inode);
	/* Ends the cache. */
	void (*destroy)(struct inode *inode);
};

/* superblock->private, or what that begins with. */
struct tmpfs_super {
	const struct tmpfs_files *files; /* constant */
	u64 max_pages;                   /* 0: no limit */
	u64 max_inodes;                  /* 0: no limit */
	u64 pages;                       /* atomic: in page caches */
	u64 inodes;                      /* atomic */
	mode_t mode;                     /* of the root, as given */
	uid_t uid;
	gid_t gid;
	bool mode_given;
	bool pages_given, inodes_given; /* told in /proc/mounts; change mutex */
};

static inline struct tmpfs_super *tmpfs_super(const struct superblock *superblock)
{
	return superblock->private;
}

/* A new inode, not yet named, of any type; owner by its directory (NULL: none).  ERR_PTR: -ENOSPC,
 * -ENOMEM. */
struct inode *tmpfs_inode_create(struct superblock *superblock, struct inode *directory,
				 mode_t mode, dev_t device);
void tmpfs_inode_destroy(struct inode *inode);
/* The superblock's root, as tmpfs_super says.  0 or an error. */
int __must_check tmpfs_make_root(struct superblock *superblock);
/* The options that such file systems have in common: mode=, uid=, gid=, nr_inodes=.  0; -EINVAL;
 * -ENOENT: it is another one. */
int __must_check tmpfs_parse_common(struct tmpfs_super *super, const char *name, const char *value);

#endif
