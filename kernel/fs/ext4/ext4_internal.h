/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2, ext3 and ext4: between the VFS and the volume (volume.h, change.h).
 *
 * super.c: mounting; options.c: mount options; sync.c: all of a volume to the disk; inode.c: inodes
 * in memory; node.h's fields and the VFS's: inode_change.c; file.c: reading data; write.c: writing
 * it; write_back.c: dirty pages; truncate.c: sizes; allocate.c, shift.c: fallocate; control.c:
 * ioctl; names.c: looking names up and attributes; make.c: changing names; io.c: transfers; swap.c:
 * files as swap areas; journal_device.c.  Which inodes there are, which are dirty and when they are
 * written: fs/block/disk_inode.h.
 *
 * Data goes past the pages of the device, into the file's own pages and from there.  A page that
 * has been written to waits in the page cache; its blocks are promised then (`delayed`), and chosen
 * when it is written back: the data goes to the disk first, then the map and the size change.
 *
 * What the VFS changes in an inode by itself (times) is written with the next transaction that
 * writes the inode, at fsync, sync and when the inode goes.
 *
 * Locks, outermost first: inode->lock, inode->disk.write_back_lock, inode->delayed_lock, a
 * transaction, inode->node_lock (several: by inode number), super->inodes.lock (spin).
 */
#ifndef FS_EXT4_INTERNAL_H
#define FS_EXT4_INTERNAL_H

#include "fs/block/block_device.h"
#include "fs/block/disk_inode.h"
#include "fs/ext4/change.h"
#include "fs/ext4/journal_device.h"
#include "fs/ext4/volume.h"
#include "fs/fs_internal.h"
#include "mm/read_ahead.h"

enum ext4_errors { EXT4_ERRORS_CONTINUE = 1, EXT4_ERRORS_READ_ONLY = 2, EXT4_ERRORS_PANIC = 3 };

/* Mount options. */
struct ext4_options {
	enum ext4_errors errors;
	u32 commit_seconds; /* 0: the default */
	bool no_barriers;
};

struct ext4_super {
	struct ext4_volume volume;
	struct block_device *device;
	struct superblock *superblock;
	struct ext4_options options;
	bool writable; /* atomic: changes are possible */
	struct ext4_committer *committer;
	struct disk_inodes inodes;
};

struct ext4_inode {
	struct inode inode;
	rwlock_t node_lock;
	struct ext4_node node; /* node_lock; its size is what the disk has */
	bool untold;           /* node_lock: the disk may not have what the node has */
	u32 sequence;          /* atomic: the last transaction that changed it */
	u32 data_sequence;     /* atomic: … what fdatasync wants */
	struct disk_inode disk;
	mutex_t delayed_lock;
	struct ext4_ranges delayed; /* delayed_lock: pages that wait for blocks */
	u64 promised;               /* delayed_lock: blocks, for them and their map */
	struct read_ahead read_ahead;
};

static inline struct ext4_super *ext4_super(const struct superblock *superblock)
{
	return superblock->private;
}
static inline struct ext4_inode *ext4_inode(struct inode *inode)
{
	return container_of(inode, struct ext4_inode, inode);
}
static inline struct ext4_super *ext4_super_of(struct ext4_inode *inode)
{
	return ext4_super(inode->inode.superblock);
}
static inline bool ext4_is_writable(const struct ext4_super *super)
{
	return __atomic_load_n(&super->writable, __ATOMIC_ACQUIRE);
}
static inline struct ext4_inode *ext4_inode_of_disk(struct disk_inode *disk)
{
	return container_of(disk, struct ext4_inode, disk);
}
static inline struct ext4_inode *ext4_inode_of_cache(struct page_cache *cache)
{
	return ext4_inode(container_of(cache, struct inode, cache));
}

/* --- inode.c --- */

/* The inode with that number, referenced; ERR_PTR: -ENOMEM, -ESTALE, -EUCLEAN, … */
struct inode *ext4_inode_get(struct superblock *superblock, u32 ino);
void ext4_inode_destroy(struct inode *inode);
/* One that is not on the disk yet, referenced, of that mode and current's: NULL: no memory. */
struct ext4_inode *ext4_inode_alloc(struct superblock *superblock, struct inode *directory,
				    mode_t mode);
/* Its node has been made: it is complete and can be found. */
void ext4_inode_insert(struct ext4_inode *inode);
/* It came to nothing. */
void ext4_inode_free(struct ext4_inode *inode);
extern const struct disk_inodes_ops ext4_inodes_ops;
/* At start-up. */
void ext4_inode_init(void);

/* --- inode_change.c --- */

/* From the VFS's fields to the node's, all but size and links; node_lock held for writing. */
void ext4_node_take(struct ext4_inode *inode);
/* Back, after an operation changed links, size and blocks. */
void ext4_node_give(struct ext4_inode *inode);
/* Would the disk's inode have to change? */
bool ext4_inode_differs(struct ext4_inode *inode);
/* Writes the inode, if it differs.  Not with a transaction open.  0 or an error. */
int __must_check ext4_inode_flush(struct ext4_inode *inode);
int ext4_set_attributes(struct inode *inode, const struct attr_change *change);
/* Opens a transaction and locks nodes, up to four, in the right order; the same may come twice, and
 * NULL.  What they are in the VFS is taken. */
enum { EXT4_OPERANDS = 4 };
struct ext4_operation {
	struct ext4_super *super;
	struct ext4_handle *handle;
	struct ext4_inode *inodes[EXT4_OPERANDS];
	u32 count;
};
int __must_check ext4_operation_begin(struct ext4_operation *operation, struct ext4_super *super,
				      u32 credits, struct inode *const *inodes, u32 count);
/* Unlocks; the transaction's error, unless there is one already. */
int __must_check ext4_operation_finish(struct ext4_operation *operation, int error);

/* --- io.c, file.c --- */

/* Transfers blocks of a file that lie side by side on the disk; frames[0] is the file's page
 * `index`.  0 or an error. */
int __must_check ext4_transfer_blocks(struct ext4_super *super, enum block_op op, u64 start,
				      u64 block, u64 count, u64 index, const phys_t *frames);
int ext4_fill(struct page_cache *cache, u64 index, void *page);
void ext4_file_init(void);

/* --- write.c, truncate.c, allocate.c --- */

ssize_t ext4_write(struct file *file, struct io_cursor *cursor, off_t *position);
/* --- direct.c --- */

ssize_t ext4_write_direct(struct inode *inode, struct io_cursor *cursor, u64 position);
ssize_t ext4_read_direct(struct file *file, struct io_cursor *cursor, off_t *position);
/* May a transfer with O_DIRECT begin there?  Without it: always. */
bool ext4_is_aligned(const struct file *file, const struct io_cursor *cursor, off_t position);
ssize_t ext4_prepare_write(struct inode *inode, u64 position, size_t size);
int ext4_fsync(struct file *file, off_t start, off_t end, bool data_only);
/* Promises blocks to a page that a program is going to write to through a mapping. */
int ext4_reserve(struct page_cache *cache, u64 index);
/* Pages [first, last] wait for blocks no more. */
void ext4_delayed_done(struct ext4_inode *inode, u64 first, u64 last);
/* How many sectors wait to be found.  Does not sleep. */
u64 ext4_delayed_sectors(const struct ext4_inode *inode);
/* inode->lock held for writing. */
int __must_check ext4_truncate(struct ext4_inode *inode, u64 size);
/* Frees what a file has in blocks [first, last]; its pages are the caller's matter.
 * inode->disk.write_back_lock held. */
int __must_check ext4_remove_blocks(struct ext4_inode *inode, u64 first, u64 last);
/* Cuts [start, end) out of a file, or puts a hole in there: `in`.  inode->lock held for writing. */
int __must_check ext4_shift(struct ext4_inode *inode, bool in, u64 start, u64 end);
long ext4_fallocate(struct file *file, int mode, off_t offset, off_t length);

/* --- write_back.c, sync.c --- */

int ext4_write_pages(struct page_cache *cache, u64 index, const phys_t *frames, u32 count);
void ext4_dirtied(struct page_cache *cache);
/* Everything to the disk: sync(2). */
int ext4_sync(struct superblock *superblock);

/* --- control.c --- */

long ext4_control(struct file *file, unsigned command, vaddr_t argument);

/* --- super.c, options.c --- */

/* The journal takes no more changes. */
void ext4_super_aborted(void *context, int error);

int __must_check ext4_options_parse(struct ext4_options *options, const char *text);
int ext4_options_show(struct superblock *superblock, char *buffer, size_t size);

extern const struct page_cache_ops ext4_cache_ops;
extern struct file_operations ext4_file_ops; /* complete after ext4_file_init */
extern const struct file_operations ext4_directory_ops;
extern const struct inode_operations ext4_directory_inode_ops, ext4_inode_ops, ext4_file_inode_ops;

/* --- make.c: names that are made and removed --- */

int ext4_vfs_create(struct inode *directory, struct dentry *dentry, mode_t mode, dev_t device);
int ext4_vfs_mkdir(struct inode *directory, struct dentry *dentry, mode_t mode);
int ext4_vfs_symlink(struct inode *directory, struct dentry *dentry, const char *target);
int ext4_vfs_link(struct inode *directory, struct dentry *dentry, struct inode *inode);
int ext4_vfs_unlink(struct inode *directory, struct dentry *dentry);
int ext4_vfs_rmdir(struct inode *directory, struct dentry *dentry);
int ext4_vfs_rename(struct inode *from_directory, struct dentry *from, struct inode *to_directory,
		    struct dentry *to, unsigned flags);
int ext4_vfs_tmpfile(struct inode *directory, mode_t mode, struct inode **result);

/* --- swap.c --- */

int ext4_swap_extents(struct inode *inode, struct block_device **device,
		      int (*add)(void *context, u64 sector, u64 count), void *context);

#endif
