/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing ext2, ext3 and ext4: what is on the disk, without the rest of the kernel.
 *
 * Every change belongs to a transaction (transaction.h), whose handle the functions take; with its
 * end all checksums are right again.  Functions that take a handle may sleep, but never wait for a
 * commit.
 *
 * Blocks for data are chosen first (ext4_space_claim), written, and only then marked and mapped in
 * one transaction: a file never shows what its blocks held before, and no order has to be kept
 * between data and journal but that of the calls.  Blocks that were freed are not used for data
 * again before the commit of the transaction that freed them.
 *
 * Locks, outermost first: a transaction (its start may wait for a commit), the owner's lock of a
 * node, volume->space's lock, transaction.h's own.  Who reads a node or its blocks holds the
 * owner's lock for reading, who changes them, for writing.
 *
 * ranges.c: sets; groups.c: group descriptors and the super block's counts; space.c: blocks;
 * numbers.c: inode numbers; node_change.c: inodes; orphans.c: files without names; extents.c,
 * extents_remove.c: extents; block_map.c: the maps of ext2; mapping.c: either; names_change.c,
 * index_change.c: directories; xattr_change.c: attributes.
 */
#ifndef FS_EXT4_CHANGE_H
#define FS_EXT4_CHANGE_H

#include "fs/ext4/ranges.h"
#include "fs/ext4/transaction.h"
#include "fs/ext4/volume.h"
#include "lib/sync.h"

/* --- The state of a volume that is mounted for writing: groups.c --- */

/* Of a group descriptor, to choose by. */
struct ext4_group {
	u32 free_blocks, free_inodes, directories;
	u16 flags;                             /* EXT4_GROUP_* */
	bool blocks_verified, inodes_verified; /* the bitmaps' checksums were right */
};

enum { EXT4_FREED_SETS = 4 };

/* Blocks that a transaction has freed. */
struct ext4_freed {
	u32 sequence;
	struct ext4_ranges data, metadata;
};

struct ext4_space {
	mutex_t lock;              /* guards all below, and bitmaps and descriptors on the disk */
	struct ext4_group *groups; /* as many as the volume has */
	u64 free_blocks;           /* by the groups' counts */
	u64 free_inodes;
	u64 reserved;               /* promised to data that has no blocks yet */
	struct ext4_ranges claimed; /* chosen, not yet marked */
	struct ext4_freed freed[EXT4_FREED_SETS];
	u64 *scratch;                /* a block: a bitmap to search in */
	u32 next_directory;          /* hint: the group where the next directory of the root goes */
	mutex_t orphan_lock;         /* the list of orphans, on the disk too */
	struct ext4_orphan *orphans; /* orphan_lock: in the order of the list on the disk */
	u32 generation;              /* atomic: of the next inode */
};

/*
 * Makes a volume ready for changes: reads its groups.  0, -EUCLEAN, -EBADMSG, -ENOMEM, -EROFS: it
 * has features that do not allow it.
 */
int __must_check ext4_space_open(struct ext4_volume *volume);
void ext4_space_close(struct ext4_volume *volume);
/* Writes the super block's counts as they are now. */
int __must_check ext4_super_update(struct ext4_handle *handle, struct ext4_volume *volume);
/* Calls a function with the super block, which it changes. */
int __must_check ext4_super_change(struct ext4_handle *handle, struct ext4_volume *volume,
				   void (*change)(struct ext4_disk_super *super, void *argument),
				   void *argument);

/* --- Blocks: space.c --- */

enum ext4_space_flags {
	EXT4_SPACE_ROOT = 1 << 0, /* may have the reserved blocks */
};

/*
 * Promises blocks for data that is to be written later: 0 or -ENOSPC.  ext4_space_release takes a
 * promise back, or the part of it that has been kept.
 */
int __must_check ext4_space_reserve(struct ext4_volume *volume, u64 blocks, u32 flags);
void ext4_space_release(struct ext4_volume *volume, u64 blocks);

/*
 * Chooses free blocks: at `goal` if they are free, else near it, as many as `wanted` in one run if
 * there is such a run, else fewer: *count.  They belong to the caller until ext4_space_mark or
 * ext4_space_unclaim.  -ENOSPC; -EAGAIN: there will be some after a commit.
 */
int __must_check ext4_space_claim(struct ext4_volume *volume, u64 goal, u64 wanted, u64 *start,
				  u64 *count);
void ext4_space_unclaim(struct ext4_volume *volume, u64 start, u64 count);
/* As many claimed blocks could not be written: nobody else gets them before the next mount. */
void ext4_space_abandon(struct ext4_volume *volume, u64 count);
/*
 * Calls `discard` for each run of at least `minimum` blocks of a group within [start, end) that
 * nobody uses and no transaction under way has freed; they stay so meanwhile.  *done grows by what
 * was discarded.  0 or what `discard` said.
 */
int __must_check ext4_space_trim(struct ext4_volume *volume, u32 group, u64 start, u64 end,
				 u64 minimum, int (*discard)(void *context, u64 start, u64 count),
				 void *context, u64 *done);
/* Marks claimed blocks as used. */
int __must_check ext4_space_mark(struct ext4_handle *handle, struct ext4_volume *volume, u64 start,
				 u64 count);
/* A block for metadata, near `goal`, marked.  -ENOSPC. */
int __must_check ext4_space_take(struct ext4_handle *handle, struct ext4_volume *volume, u64 goal,
				 u64 *block);
/* Frees blocks. */
int __must_check ext4_space_free(struct ext4_handle *handle, struct ext4_volume *volume, u64 start,
				 u64 count, bool metadata);
/* What statfs shows: free blocks, without those that are promised. */
u64 ext4_space_free_blocks(struct ext4_volume *volume);

/* --- Inodes: numbers.c, node_change.c --- */

/* A fresh number: directories spread over the groups, others near their directory. */
int __must_check ext4_number_take(struct ext4_handle *handle, struct ext4_volume *volume,
				  const struct ext4_node *parent, bool directory, u32 *ino);
int __must_check ext4_number_free(struct ext4_handle *handle, struct ext4_volume *volume, u32 ino,
				  bool directory);

/* Fills in the parts of a fresh node that its number and the volume decide: flags, extra size,
 * seed, an empty map.  `mode` and the rest are the caller's. */
void ext4_node_init(struct ext4_volume *volume, struct ext4_node *node,
		    const struct ext4_node *parent, u32 ino, u32 mode);
/* Writes a node, all of its fields; `fresh`: the inode on the disk is cleared first. */
int __must_check ext4_node_write(struct ext4_handle *handle, struct ext4_volume *volume,
				 const struct ext4_node *node, bool fresh);
/* The raw inode within its block, which the caller puts: to be changed and sealed with a checksum. */
int __must_check ext4_node_raw(struct ext4_volume *volume, u32 ino, struct ext4_block **block,
			       struct ext4_disk_inode **inode);
void ext4_node_seal(struct ext4_volume *volume, u32 ino, struct ext4_disk_inode *inode);
/* Where blocks of a file without blocks go. */
u64 ext4_node_goal(const struct ext4_volume *volume, u32 ino);

/* --- Orphans: orphans.c --- */

/* The inode of a file that has no name any more, or that is being cut: the next mount ends it.
 * 0; twice is once. */
int __must_check ext4_orphan_add(struct ext4_handle *handle, struct ext4_volume *volume, u32 ino);
int __must_check ext4_orphan_remove(struct ext4_handle *handle, struct ext4_volume *volume,
				    u32 ino);
/* Ends all that the disk's list has: at mount, before anybody else.  0 or an error. */
int __must_check ext4_orphans_end(struct ext4_volume *volume, u32 *ended);
void ext4_orphans_close(struct ext4_volume *volume);
/* The end of a file without names: frees its blocks, attributes and inode.  Nobody else uses the
 * node.  `now`: seconds, not 0. */
int __must_check ext4_node_end(struct ext4_volume *volume, struct ext4_node *node, u64 now);

/* --- Where a file's blocks are: mapping.c --- */

enum { EXT4_CREDITS_MAP = 48, EXT4_CREDITS_NODE = 8, EXT4_CREDITS_NAME = 40 };

/* Maps [block, block + count) of the file, which is a hole or unwritten there, to claimed blocks
 * from `start` on; the node is changed and not yet written.  `unwritten`: they read as zeros. */
int __must_check ext4_map_insert(struct ext4_handle *handle, struct ext4_volume *volume,
				 struct ext4_node *node, u64 block, u64 start, u64 count,
				 bool unwritten);
/* What was unwritten in [block, block + count), all of it mapped, is written now. */
int __must_check ext4_map_written(struct ext4_handle *handle, struct ext4_volume *volume,
				  struct ext4_node *node, u64 block, u64 count);
/*
 * Frees what the file has in [first, last], from the end on, as much as fits into one transaction
 * (EXT4_CREDITS_MAP): *done says that all of it went.  The node is changed and not yet written.
 */
int __must_check ext4_map_remove(struct ext4_handle *handle, struct ext4_volume *volume,
				 struct ext4_node *node, u64 first, u64 last, bool *done);
/* Where the blocks of `block` should be. */
u64 ext4_map_goal(struct ext4_volume *volume, const struct ext4_node *node, u64 block);
/* All of it, in as many transactions as it takes; nobody else uses the node. */
int __must_check ext4_map_cut(struct ext4_volume *volume, struct ext4_node *node, u64 first);

/* --- Directories: names_change.c --- */

/* Adds a name, which is not there.  -ENOSPC, …  The node of the directory may have changed. */
int __must_check ext4_directory_add(struct ext4_handle *handle, struct ext4_volume *volume,
				    struct ext4_node *directory, const char *name, u32 length,
				    u32 ino, u8 type);
/* Takes a name out: -ENOENT. */
int __must_check ext4_directory_remove(struct ext4_handle *handle, struct ext4_volume *volume,
				       struct ext4_node *directory, const char *name, u32 length);
/* Lets a name, ".." too, mean another inode. */
int __must_check ext4_directory_replace(struct ext4_handle *handle, struct ext4_volume *volume,
					struct ext4_node *directory, const char *name, u32 length,
					u32 ino, u8 type);
/* The first block of a fresh directory. */
int __must_check ext4_directory_make(struct ext4_handle *handle, struct ext4_volume *volume,
				     struct ext4_node *directory, u32 parent);
/* Has it nothing but "." and ".."?  1, 0 or an error. */
int __must_check ext4_directory_is_empty(const struct ext4_volume *volume,
					 const struct ext4_node *directory);

/* --- Extended attributes: xattr_change.c --- */

enum { EXT4_XATTR_CREATE = 1, EXT4_XATTR_REPLACE = 2 };

/* Sets an attribute by its full name; value NULL removes it.  -ENODATA, -EEXIST, -ENOSPC, -ERANGE.
 * The node may have changed and is not yet written. */
int __must_check ext4_xattr_set(struct ext4_handle *handle, struct ext4_volume *volume,
				struct ext4_node *node, const char *name, const void *value,
				size_t size, u32 flags);
/* The attributes go with their inode. */
int __must_check ext4_xattr_drop(struct ext4_handle *handle, struct ext4_volume *volume,
				 struct ext4_node *node);

/* --- Between the files of this floor --- */

/* Bits of a block's `checked`: its checksum was right as what it is used for. */
enum { EXT4_CHECKED_EXTENTS = 1, EXT4_CHECKED_NAMES = 2 };
static inline bool ext4_is_checked(const struct ext4_block *block, u32 bit)
{
	return __atomic_load_n(&block->checked, __ATOMIC_RELAXED) & bit;
}
static inline void ext4_set_checked(struct ext4_block *block, u32 bit)
{
	__atomic_fetch_or(&block->checked, bit, __ATOMIC_RELAXED);
}
/* Finds a name in a directory of a volume that may be changed: 0 and its inode, or -ENOENT. */
int __must_check ext4_names_find(struct ext4_volume *volume, const struct ext4_node *directory,
				 const char *name, u32 length, u32 *ino);

/* A group's descriptor within its block, which the caller puts; space->lock. */
int __must_check ext4_group_get(struct ext4_volume *volume, u32 group, struct ext4_block **block,
				struct ext4_disk_group **descriptor);
void ext4_group_seal(struct ext4_volume *volume, u32 group, struct ext4_disk_group *descriptor);
/* The CRC of a bitmap into its descriptor, and does it agree? */
void ext4_bitmap_seal(const struct ext4_volume *volume, struct ext4_disk_group *descriptor,
		      const void *bitmap, bool inodes);
bool ext4_bitmap_is_intact(const struct ext4_volume *volume,
			   const struct ext4_disk_group *descriptor, const void *bitmap,
			   bool inodes);
u32 ext4_group_blocks(const struct ext4_volume *volume, u32 group);
bool ext4_group_has_super(const struct ext4_volume *volume, u32 group);

static inline u64 ext4_group_start(const struct ext4_volume *volume, u32 group)
{
	return volume->first_data_block + (u64)group * volume->blocks_per_group;
}
static inline u32 ext4_group_of(const struct ext4_volume *volume, u64 block)
{
	return (u32)((block - volume->first_data_block) / volume->blocks_per_group);
}
/* Adds to the sectors that a node counts. */
static inline void ext4_node_count(const struct ext4_volume *volume, struct ext4_node *node,
				   s64 blocks)
{
	node->sectors += (u64)(blocks * (s64)(volume->block_size / 512));
}

/* extents.c, extents_remove.c, block_map.c: as the functions of mapping.c. */
int __must_check ext4_extents_insert(struct ext4_handle *handle, struct ext4_volume *volume,
				     struct ext4_node *node, u32 block, u64 start, u32 count,
				     bool unwritten);
int __must_check ext4_extents_written(struct ext4_handle *handle, struct ext4_volume *volume,
				      struct ext4_node *node, u32 block, u32 count);
int __must_check ext4_extents_remove(struct ext4_handle *handle, struct ext4_volume *volume,
				     struct ext4_node *node, u32 first, u32 last, bool *done);
/*
 * Moves all that the file has from block `first` on by `distance` blocks: to lower numbers into a
 * hole that is large enough, or to higher ones.  As much as fits into one transaction: *at says
 * where it goes on, EXT4_SHIFT_BEGIN at first.  The node is changed and not yet written.
 */
#define EXT4_SHIFT_BEGIN (UINT64_MAX - 1)
int __must_check ext4_extents_shift(struct ext4_handle *handle, struct ext4_volume *volume,
				    struct ext4_node *node, u32 first, s64 distance, u64 *at,
				    bool *done);
int __must_check ext4_blocks_insert(struct ext4_handle *handle, struct ext4_volume *volume,
				    struct ext4_node *node, u64 block, u64 start, u64 count);
int __must_check ext4_blocks_remove(struct ext4_handle *handle, struct ext4_volume *volume,
				    struct ext4_node *node, u64 first, u64 last, bool *done);

#endif
