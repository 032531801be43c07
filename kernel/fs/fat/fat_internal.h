/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT: between the VFS and the volume (volume.h).
 *
 * super.c: mounting; options.c; inode.c: inodes in memory; file.c: reading; write.c: writing and
 * sizes; write_back.c: dirty pages, fsync, sync; io.c: transfers; names.c: looking up, attributes;
 * make.c: changing names.  Which inodes there are, which are dirty and when they are written:
 * fs/block/disk_inode.h.
 *
 * A file has no holes.  Data that is written waits in the page cache with a promise of clusters;
 * they are taken when it is written back, and the size on the disk follows the data: node.size is
 * how far the file is written, and what the page cache has behind that is dirty.  So pages are
 * written from there on, in order; a gap that a program leaves is written with zeros at once.
 *
 * An inode is found by the place of its short name on the volume, counted in slots.  The VFS looks for names as
 * programs spell them; `spell` tells it how the directory does, so that a file has one dentry.
 *
 * Locks, outermost first: inode->lock, inode->disk.write_back_lock, super->lock (mutex: the volume,
 * all nodes), super->inodes.lock (spin).
 */
#ifndef FS_FAT_FAT_INTERNAL_H
#define FS_FAT_FAT_INTERNAL_H

#include "fs/block/block_device.h"
#include "fs/block/disk_inode.h"
#include "fs/fat/volume.h"
#include "fs/fs_internal.h"
#include "mm/read_ahead.h"

enum { FAT_ROOT_INO = 1 };

enum fat_errors { FAT_ERRORS_READ_ONLY, FAT_ERRORS_CONTINUE, FAT_ERRORS_PANIC };

/* Mount options. */
struct fat_options {
	uid_t uid;
	gid_t gid;
	mode_t file_mask, directory_mask;
	enum fat_errors errors;
	enum fat_short_names short_names;
	bool plain_tails;
	bool quiet;     /* changes that cannot be kept are no errors */
	bool show_exec; /* only names that end as programs' do are executable */
	bool flush;     /* a file is written when it is closed */
};

struct fat_super {
	mutex_t lock;
	struct fat_volume volume; /* lock */
	struct block_device *device;
	struct superblock *superblock;
	struct fat_options options;
	bool writable; /* atomic: changes are possible */
	struct disk_inodes inodes;
	struct list_head moved; /* inodes.lock: whose number is not that of their place */
	u64 next_ino;           /* inodes.lock */
};

struct fat_inode {
	struct inode inode;
	struct fat_node node;        /* super->lock */
	u32 promised;                /* super->lock: clusters for what waits */
	struct disk_inode disk;      /* without a place it is not in the table */
	struct list_head moved_link; /* inodes.lock */
	struct read_ahead read_ahead;
};

static inline struct fat_super *fat_super(const struct superblock *superblock)
{
	return superblock->private;
}
static inline struct fat_inode *fat_inode(struct inode *inode)
{
	return container_of(inode, struct fat_inode, inode);
}
static inline struct fat_super *fat_super_of(const struct fat_inode *inode)
{
	return fat_super(inode->inode.superblock);
}
static inline struct fat_inode *fat_inode_of_disk(struct disk_inode *disk)
{
	return container_of(disk, struct fat_inode, disk);
}
static inline struct fat_inode *fat_inode_of_cache(struct page_cache *cache)
{
	return fat_inode(container_of(cache, struct inode, cache));
}
static inline bool fat_is_writable(const struct fat_super *super)
{
	return __atomic_load_n(&super->writable, __ATOMIC_ACQUIRE) && !super->volume.failed;
}

/* --- super.c, options.c --- */

/* Around everything that touches the volume or a node.  Sleeps. */
void fat_lock(struct fat_super *super);
void fat_unlock(struct fat_super *super);
int __must_check fat_options_parse(struct fat_options *options, const char *text);
int fat_options_show(struct superblock *superblock, char *buffer, size_t size);

/* --- inode.c --- */

/* The inode of a name, referenced; ERR_PTR.  super->lock held.  -EAGAIN: it is on its way out:
 * fat_inode_wait without the lock, then look the name up again. */
struct inode *fat_inode_get_locked(struct superblock *superblock, const struct fat_entry *entry);
void fat_inode_wait(struct fat_super *super, u64 place);
struct inode *fat_inode_root(struct superblock *superblock);
/* A new one without a place. */
struct fat_inode *fat_inode_alloc(struct superblock *superblock, bool directory);
void fat_inode_free(struct fat_inode *inode);
/* Its node has a place now, or another one, or none. */
void fat_inode_place(struct fat_inode *inode);
/* The number of the file at that place. */
ino_t fat_inode_number(struct fat_super *super, u64 place);
void fat_inode_destroy(struct inode *inode);
/* From the VFS's fields to the disk's slot, in memory. */
int __must_check fat_inode_store_locked(struct fat_inode *inode);
int __must_check fat_inode_flush(struct fat_inode *inode);
void fat_inode_init(void);
extern const struct disk_inodes_ops fat_inodes_ops;

/* --- io.c --- */

/* Moves bytes [position, position + size) of a file, which lie at byte `at` of the device; whole
 * sectors; frames[0] is the file's page `index`. */
int __must_check fat_transfer(struct fat_super *super, enum block_op op, u64 at, u64 position,
			      u64 size, u64 index, const phys_t *frames);
/* The same for what may lie in several places. */
int __must_check fat_transfer_file(struct fat_inode *inode, enum block_op op, u64 position,
				   u64 size, u64 index, const phys_t *frames);
/* Zeros to those bytes. */
int __must_check fat_clear_file(struct fat_inode *inode, u64 position, u64 size);
/* For the volume. */
extern const struct fat_volume_ops fat_device_ops;

/* --- file.c, write.c --- */

int fat_fill(struct page_cache *cache, u64 index, void *page);
ssize_t fat_write(struct file *file, struct io_cursor *cursor, off_t *position);
ssize_t fat_prepare_write(struct inode *inode, u64 position, size_t size);
bool fat_is_aligned(const struct file *file, const struct io_cursor *cursor, off_t position);
/* inode->lock held for writing. */
int __must_check fat_resize(struct fat_inode *inode, u64 size);
long fat_fallocate(struct file *file, int mode, off_t offset, off_t length);
void fat_file_init(void);

/* --- write_back.c --- */

int fat_write_pages(struct page_cache *cache, u64 index, const phys_t *frames, u32 count);
void fat_dirtied(struct page_cache *cache);
int fat_fsync(struct file *file, off_t start, off_t end, bool data_only);
int fat_sync(struct superblock *superblock);
/* What the thread does after each turn. */
void fat_commit_turn(struct disk_inodes *inodes);

extern const struct page_cache_ops fat_cache_ops;
extern struct file_operations fat_file_ops; /* complete after fat_file_init */
extern const struct file_operations fat_directory_ops;
extern const struct inode_operations fat_directory_inode_ops, fat_file_inode_ops;

/* --- make.c --- */

int fat_vfs_create(struct inode *directory, struct dentry *dentry, mode_t mode, dev_t device);
int fat_vfs_mkdir(struct inode *directory, struct dentry *dentry, mode_t mode);
int fat_vfs_unlink(struct inode *directory, struct dentry *dentry);
int fat_vfs_rmdir(struct inode *directory, struct dentry *dentry);
int fat_vfs_rename(struct inode *from_directory, struct dentry *from, struct inode *to_directory,
		   struct dentry *to, unsigned flags);

#endif
