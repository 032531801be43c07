/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Folders of the host as a file system, by 9P2000.L.
 *
 * super.c: mounting; inode.c: files in memory; names.c: directories and attributes; file.c: data.
 * client.h is the conversation with the server.
 *
 * The host may change everything at any time.  So no name is kept longer than it is in use, and
 * attributes are asked for anew; the pages of a file are kept until somebody opens it when nobody
 * else has it open and finds it changed (close-to-open consistency, as NFS has it).  What programs
 * write goes to the server before write(2) returns; what they store through shared mappings does so
 * at msync, fsync, the last close, or when memory is short.
 *
 * An inode stands for what the server calls a file (its qid), under whatever names; it asks through
 * the fid of the name by which it was found last.
 *
 * Locks, outermost first: open_lock (mutex), inode->lock, write_back_lock (mutex), super->lock
 * (spin).
 */
#ifndef FS_9P_INTERNAL_H
#define FS_9P_INTERNAL_H

#include "fs/9p/client.h"
#include "fs/fs_internal.h"
#include "mm/read_ahead.h"

enum { P9_BUCKETS = 64 };

struct p9_super {
	struct p9_client client;
	spinlock_t lock;
	struct list_head inodes[P9_BUCKETS]; /* lock: those in memory, by the path of the qid */
	u32 sync_pass;                       /* lock: of p9_sync_all */
};

struct p9_inode {
	struct inode inode;
	struct list_head link; /* super->lock */
	struct p9_fid *fid;    /* super->lock: not open; the inode's own reference */
	mutex_t open_lock;
	u32 opens;                    /* open_lock: files */
	struct p9_fid *reader;        /* open_lock to change, which is while `opens` is 0 or was */
	struct p9_fid *writer;        /* the same: stay as long as there are files */
	struct vfs_time cached_mtime; /* open_lock: of the server's file when the pages were read */
	u32 sync_pass;                /* super->lock: the last that came by */
	mutex_t write_back_lock;      /* one writes pages, or changes the size, at a time */
	struct read_ahead read_ahead;
};

static inline struct p9_super *p9_super(const struct superblock *superblock)
{
	return superblock->private;
}
static inline struct p9_inode *p9_inode(struct inode *inode)
{
	return container_of(inode, struct p9_inode, inode);
}
static inline struct vfs_time p9_vfs_time(struct p9_time time)
{
	return (struct vfs_time){(s64)time.seconds, (u32)MIN(time.nanoseconds, 999999999ul)};
}

/*
 * The inode of what a fid names, referenced; takes over the fid's reference, whatever comes of it.
 * ERR_PTR.  May sleep.
 */
struct inode *p9_inode_find(struct superblock *superblock, struct p9_fid *fid);
/* The fid to ask through, referenced. */
struct p9_fid *p9_inode_fid(struct inode *inode);
/*
 * Asks the server for the attributes, and takes them over; the size, too, unless pages wait to be
 * written.  *status may be NULL.  inode->lock must not be held.  May sleep.
 */
int __must_check p9_inode_refresh(struct inode *inode, struct p9_attributes *status);
void p9_inode_destroy(struct inode *inode);
/* Writes what waits to be written of all files.  0 or the first error.  May sleep. */
int __must_check p9_sync_all(struct superblock *superblock);
/* At start-up. */
void p9_inode_init(void);
void p9_file_init(void);

/* Writes what waits to be written of [start, end).  May sleep. */
int __must_check p9_write_back(struct inode *inode, u64 start, u64 end);

extern const struct page_cache_ops p9_cache_ops;
extern struct file_operations p9_file_ops; /* complete after p9_file_init */
extern const struct file_operations p9_directory_ops;
extern const struct inode_operations p9_directory_inode_ops, p9_inode_ops;

#endif
