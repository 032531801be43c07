/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inodes of a volume in memory, for file systems that write to disks: how they are found, when
 * their dirty pages go to the disk, and how they end.
 *
 * disk_inode.c: a table without references, by a key that the file system chooses.  An inode whose
 * last reference has gone stays in it until what it has is on the disk, or its place there is free;
 * who looks for its key waits meanwhile.  That work is not done in threads of the kernel, which may
 * be the one that finds memory: there it is left to the volume's own thread.
 *
 * disk_write_back.c: that thread.  It writes files whose pages have been dirty for
 * dirty_settings.expire_centisecs, or all when there are too many, and ends inodes.  It runs while
 * the volume is mounted for writing.
 *
 * Locks, outermost first: disk_inodes.sync_lock, inode->lock, disk_inode.write_back_lock, the file
 * system's own, disk_inodes.lock (spin).
 */
#ifndef FS_DISK_INODE_H
#define FS_DISK_INODE_H

#include "fs/vfs.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/sync.h"

struct block_device;
struct disk_inode;
struct disk_inodes;

enum { DISK_INODE_BUCKETS = 256 };

/* What a file system does; all in threads that may sleep. */
struct disk_inodes_ops {
	const char *name;        /* in messages */
	const char *thread_name; /* what ps shows */
	/* Brings what the VFS has of an inode to the disk, or into what commit will: 0 or an error. */
	int (*flush)(struct disk_inode *inode);
	/* Its last reference has gone: does on the disk what that takes, then disk_inode_gone, then
	 * frees it. */
	void (*end)(struct disk_inode *inode);
	/* NULL: always; or does ending it mean work on the disk? */
	bool (*has_work)(struct disk_inode *inode);
	/* NULL, or how many bytes a file has on the disk: its pages are written from there on, in
	 * order, up to where the file ends.  write_back_lock held. */
	u64 (*written)(struct disk_inode *inode);
	/* NULL, or what the thread does after each turn, and whenever `changed` has been set. */
	void (*commit)(struct disk_inodes *inodes);
	/* Has the volume failed, so that errors of single files are no news? */
	bool (*has_failed)(struct disk_inodes *inodes);
};

/* Of a volume. */
struct disk_inodes {
	const struct disk_inodes_ops *ops;
	struct block_device *device;
	spinlock_t lock;
	struct list_head buckets[DISK_INODE_BUCKETS]; /* lock: by key */
	struct list_head dirty;                       /* lock: the oldest first */
	struct list_head ending; /* lock: without references, for the thread to end */
	wait_queue_t gone;       /* an inode has left the table */
	wait_queue_t work;       /* the thread's */
	struct task *writer;     /* the thread; const while it runs */
	bool stop, stopped;      /* atomic: it is to end; it has */
	bool hurry;              /* atomic: too much is dirty */
	bool changed;            /* atomic: commit has something to do */
	mutex_t sync_lock;       /* one pass over all at a time; taken first of all */
	u32 sync_pass;           /* sync_lock */
};

/* Of an inode. */
struct disk_inode {
	struct disk_inodes *inodes; /* const */
	struct inode *inode;        /* const */
	u64 key;                    /* inodes->lock */
	struct list_head link;      /* inodes->lock: in a bucket, or empty */
	struct list_head work_link; /* inodes->lock: dirty or ending */
	bool ending;                /* inodes->lock: on the list of those, not of dirty ones */
	nsec_t dirty_since;         /* inodes->lock */
	u32 sync_pass;              /* inodes->lock */
	size_t unbalanced;          /* hint: pages written since limits were looked at */
	mutex_t write_back_lock;    /* one write-back at a time; and against truncation */
};

/* --- disk_inode.c --- */

void disk_inodes_init(struct disk_inodes *inodes, const struct disk_inodes_ops *ops,
		      struct block_device *device);
/* Not in the table yet. */
void disk_inode_init(struct disk_inode *disk, struct disk_inodes *inodes, struct inode *inode);

/* The inode of that key, referenced, or NULL; *ending: one is on its way out. */
struct inode *disk_inode_find(struct disk_inodes *inodes, u64 key, bool *ending);
/* The same with inodes->lock held, whatever references it has, and without another: or NULL. */
struct disk_inode *disk_inode_peek_locked(struct disk_inodes *inodes, u64 key);
/* Waits until none of that key is on its way out.  Sleeps. */
void disk_inode_wait(struct disk_inodes *inodes, u64 key);
/* Puts one into the table that has no other of its key, or under another key. */
void disk_inode_insert_locked(struct disk_inode *disk, u64 key);
void disk_inode_insert(struct disk_inode *disk, u64 key);
/* The same unless there is one: that one, as disk_inode_find does; NULL and !*ending: it is in. */
struct inode *disk_inode_insert_unless_found(struct disk_inode *disk, u64 key, bool *ending);

/* The last reference has gone: ends it, or leaves that to the thread. */
void disk_inode_destroy(struct disk_inode *disk);
/* Takes it out of the table and all lists, and wakes who waits for its key. */
void disk_inode_gone(struct disk_inode *disk);
/* Ends those that were left to the thread. */
void disk_inodes_end(struct disk_inodes *inodes);

/* --- disk_write_back.c --- */

bool disk_inode_is_dirty(const struct disk_inode *disk);
/* For page_cache_ops.dirtied.  Does not sleep. */
void disk_inode_dirtied(struct disk_inode *disk);
/* Writes the dirty ones of pages [first, last]: 0 or an error.  Sleeps. */
int __must_check disk_inode_write_back(struct disk_inode *disk, u64 first, u64 last);
/* Writes the dirty pages, if there are any, and flushes the inode: 0 or an error.  Sleeps. */
int __must_check disk_inode_write(struct disk_inode *disk);
/* After a program wrote so many bytes: if too much is dirty has the thread write, or writes what
 * this file has.  Sleeps. */
void disk_inode_balance(struct disk_inode *disk, size_t written);
/* Writes and flushes every inode in the table, whatever comes of the others: the first error. */
int __must_check disk_inodes_sync(struct disk_inodes *inodes);
/* Writes all dirty files, to make room. */
void disk_inodes_write_back(struct disk_inodes *inodes);
/* Has the thread work now.  Does not sleep. */
void disk_inodes_hurry(struct disk_inodes *inodes);
/* Is there something to commit?  Calls are serialised by the file system.  Does not sleep. */
void disk_inodes_note_changed(struct disk_inodes *inodes, bool changed);

/* The thread: 0 or -ENOMEM.  When it has stopped, none is left to be ended by it. */
int __must_check disk_writer_start(struct disk_inodes *inodes);
void disk_writer_stop(struct disk_inodes *inodes);

/* --- Ends of files --- */

/* Before a file becomes `size` bytes long: the rest of its last page becomes zeros, on the disk too,
 * so it has to be in memory.  0 or an error.  Sleeps. */
int __must_check disk_inode_bring_end(struct inode *inode, u64 size);
/* Before it becomes longer: what a mapping may have put behind the end is no part of the file. */
void disk_inode_forget_behind_end(struct inode *inode);
/* Zeros behind byte `end` of a file in the frame of its page `index`, which nobody else has seen. */
void disk_clear_behind_end(phys_t frame, u64 index, u64 end);

#endif
