/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2, ext3 and ext4, read-only: between the VFS and the volume (volume.h).
 *
 * super.c: mounting; inode.c: inodes in memory; file.c: data; names.c: directories and attributes.
 *
 * Everything about the disk is read through the pages of its device, but the data of files with
 * blocks of a page's size: that goes straight into the file's own pages.
 *
 * Locks, outermost first: supers_lock (mutex, super.c), super->lock (spin).
 */
#ifndef FS_EXT4_INTERNAL_H
#define FS_EXT4_INTERNAL_H

#include "fs/block/block_device.h"
#include "fs/ext4/volume.h"
#include "fs/fs_internal.h"

enum { EXT4_BUCKETS = 256 };

struct ext4_super {
	struct ext4_volume volume;
	struct block_device *device;
	struct superblock *superblock;
	struct list_head link; /* supers_lock */
	spinlock_t lock;
	struct list_head inodes[EXT4_BUCKETS]; /* lock: those in memory, by number */
};

struct ext4_inode {
	struct inode inode;
	struct ext4_node node;
	struct list_head link; /* super->lock */
	u64 read_ahead_end;    /* hint: the page behind what was last read ahead */
	u32 read_ahead_pages;  /* hint: how much, next time */
};

static inline struct ext4_super *ext4_super(const struct superblock *superblock)
{
	return superblock->private;
}
static inline struct ext4_inode *ext4_inode(struct inode *inode)
{
	return container_of(inode, struct ext4_inode, inode);
}

/* The inode with that number, referenced; ERR_PTR: -ENOMEM, -ESTALE, -EUCLEAN, … */
struct inode *ext4_inode_get(struct superblock *superblock, u32 ino);
void ext4_inode_destroy(struct inode *inode);
/* At start-up. */
void ext4_inode_init(void);
void ext4_file_init(void);

extern const struct page_cache_ops ext4_cache_ops;
extern struct file_operations ext4_file_ops; /* complete after ext4_file_init */
extern const struct file_operations ext4_directory_ops;
extern const struct inode_operations ext4_directory_inode_ops, ext4_inode_ops;

#endif
