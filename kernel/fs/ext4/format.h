/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ext2, ext3 and ext4 keep on the disk: little-endian structures, each field at its natural
 * alignment.  (The journal, which is big-endian, is described in journal.c.)
 */
#ifndef FS_EXT4_FORMAT_H
#define FS_EXT4_FORMAT_H

#include "lib/types.h"

enum {
	EXT4_MAGIC = 0xef53,
	EXT4_SUPER_OFFSET = 1024,
	EXT4_ROOT_INO = 2,
	EXT4_OLD_INODE_SIZE = 128,
	EXT4_INLINE_BYTES = 60, /* of an inode: block map, extents, link text or data */
	EXT4_NAME_MAX = 255,
};

enum ext4_compat {
	EXT4_COMPAT_JOURNAL = 0x4,
	EXT4_COMPAT_XATTR = 0x8,
	EXT4_COMPAT_DIR_INDEX = 0x20,
	EXT4_COMPAT_SPARSE_SUPER2 = 0x200,
};

enum ext4_incompat {
	EXT4_INCOMPAT_FILETYPE = 0x2,
	EXT4_INCOMPAT_RECOVER = 0x4,
	EXT4_INCOMPAT_META_BG = 0x10,
	EXT4_INCOMPAT_EXTENTS = 0x40,
	EXT4_INCOMPAT_64BIT = 0x80,
	EXT4_INCOMPAT_MMP = 0x100,
	EXT4_INCOMPAT_FLEX_BG = 0x200,
	EXT4_INCOMPAT_EA_INODE = 0x400,
	EXT4_INCOMPAT_CSUM_SEED = 0x2000,
	EXT4_INCOMPAT_LARGE_DIR = 0x4000,
	EXT4_INCOMPAT_INLINE_DATA = 0x8000,
};

enum ext4_ro_compat {
	EXT4_RO_COMPAT_SPARSE_SUPER = 0x1,
	EXT4_RO_COMPAT_LARGE_FILE = 0x2,
	EXT4_RO_COMPAT_BTREE_DIR = 0x4,
	EXT4_RO_COMPAT_HUGE_FILE = 0x8,
	EXT4_RO_COMPAT_GDT_CSUM = 0x10,
	EXT4_RO_COMPAT_DIR_NLINK = 0x20,
	EXT4_RO_COMPAT_EXTRA_SIZE = 0x40,
	EXT4_RO_COMPAT_METADATA_CSUM = 0x400,
};

struct ext4_disk_super {
	u32 inodes_count, blocks_count_lo, reserved_blocks_lo, free_blocks_lo;
	u32 free_inodes, first_data_block, log_block_size, log_cluster_size;
	u32 blocks_per_group, clusters_per_group, inodes_per_group, mtime;
	u32 wtime;
	u16 mount_count, max_mount_count;
	u16 magic, state, errors, minor_revision;
	u32 last_check;
	u32 check_interval, creator_os, revision;
	u16 reserved_uid, reserved_gid;
	u32 first_ino;
	u16 inode_size, block_group;
	u32 compat, incompat, ro_compat;
	u8 uuid[16];
	char volume_name[16];
	char last_mounted[64];
	u32 algorithms;
	u8 preallocate, preallocate_directory;
	u16 reserved_descriptors;
	u8 journal_uuid[16];
	u32 journal_ino, journal_device, last_orphan;
	u32 hash_seed[4];
	u8 hash_version, journal_backup;
	u16 descriptor_size;
	u32 mount_options, first_meta_group, made;
	u32 journal_blocks[17];
	u32 blocks_count_hi, reserved_blocks_hi, free_blocks_hi;
	u16 min_extra_size, want_extra_size;
	u32 flags;
	u32 unused1[4];
	u8 log_groups_per_flex, checksum_type;
	u16 unused2;
	u32 unused3[(0x248 - 0x178) / 4];
	u32 overhead; /* blocks that hold no data, or 0: not counted */
	u32 unused4[(0x270 - 0x24c) / 4];
	u32 checksum_seed;
	u32 unused5[(0x3fc - 0x274) / 4];
	u32 checksum;
};
_Static_assert(sizeof(struct ext4_disk_super) == 1024, "super block");
_Static_assert(__builtin_offsetof(struct ext4_disk_super, flags) == 0x160, "super block");
_Static_assert(__builtin_offsetof(struct ext4_disk_super, checksum_seed) == 0x270, "super block");

enum ext4_super_flags { EXT4_SUPER_UNSIGNED_HASH = 0x2 };

struct ext4_disk_group {
	u32 block_bitmap_lo, inode_bitmap_lo, inode_table_lo;
	u16 free_blocks_lo, free_inodes_lo, directories_lo, flags;
	u32 exclude_bitmap_lo;
	u16 block_bitmap_checksum_lo, inode_bitmap_checksum_lo;
	u16 unused_inodes_lo, checksum;
	/* With 64-bit numbers: */
	u32 block_bitmap_hi, inode_bitmap_hi, inode_table_hi;
	u16 free_blocks_hi, free_inodes_hi, directories_hi, unused_inodes_hi;
	u32 exclude_bitmap_hi;
	u16 block_bitmap_checksum_hi, inode_bitmap_checksum_hi;
	u32 reserved;
};
_Static_assert(sizeof(struct ext4_disk_group) == 64, "group descriptor");

enum ext4_group_flags {
	EXT4_GROUP_INODES_UNUSED = 0x1, /* the inode bitmap is all zeros, and not written */
	EXT4_GROUP_BLOCKS_UNUSED = 0x2, /* the block bitmap has the group's own blocks alone */
	EXT4_GROUP_ZEROED = 0x4,        /* the inode table is zeros where it is not used */
};

enum ext4_inode_flags {
	EXT4_INODE_SYNC = 0x8,
	EXT4_INODE_IMMUTABLE = 0x10,
	EXT4_INODE_APPEND = 0x20,
	EXT4_INODE_NO_ATIME = 0x80,
	EXT4_INODE_INDEX = 0x1000,
	EXT4_INODE_HUGE_FILE = 0x40000,
	EXT4_INODE_EXTENTS = 0x80000,
	EXT4_INODE_EA = 0x200000,
	EXT4_INODE_INLINE_DATA = 0x10000000,
};

struct ext4_disk_inode {
	u16 mode, uid_lo;
	u32 size_lo, atime, ctime, mtime, dtime;
	u16 gid_lo, links;
	u32 blocks_lo, flags, version_lo;
	u32 block[15];
	u32 generation, xattr_block_lo, size_hi, fragment;
	u16 blocks_hi, xattr_block_hi, uid_hi, gid_hi;
	u16 checksum_lo, reserved;
	/* Larger than 128 bytes: `extra_size` says how much of this is there. */
	u16 extra_size, checksum_hi;
	u32 ctime_extra, mtime_extra, atime_extra;
	u32 btime, btime_extra, version_hi, project;
};
_Static_assert(sizeof(struct ext4_disk_inode) == 160, "inode");

/* --- Extents --- */

enum { EXT4_EXTENT_MAGIC = 0xf30a, EXT4_EXTENT_DEPTH_MAX = 5, EXT4_EXTENT_LENGTH_MAX = 32768 };

struct ext4_disk_extent_header {
	u16 magic, entries, max, depth;
	u32 generation;
};

/* A leaf's entry; longer than EXT4_EXTENT_LENGTH_MAX: that much more, and never written. */
struct ext4_disk_extent {
	u32 block;
	u16 length, start_hi;
	u32 start_lo;
};

struct ext4_disk_extent_index {
	u32 block, leaf_lo;
	u16 leaf_hi, unused;
};
_Static_assert(sizeof(struct ext4_disk_extent) == 12, "extent");
_Static_assert(sizeof(struct ext4_disk_extent_index) == 12, "extent index");

/* --- Directories --- */

enum { EXT4_ENTRY_HEADER = 8, EXT4_ENTRY_MIN = 12, EXT4_TAIL_TYPE = 0xde };

struct ext4_disk_entry {
	u32 ino;
	u16 length; /* to the next one */
	u8 name_length, type;
	char name[];
};

/* The last "entry" of a block, with its checksum. */
struct ext4_disk_entry_tail {
	u32 ino;
	u16 length;
	u8 name_length, type;
	u32 checksum;
};

/* Behind the entries "." and ".." in block 0 of an indexed directory. */
enum { EXT4_INDEX_INFO = 24, EXT4_INDEX_INFO_SIZE = 8 };
struct ext4_disk_index_info {
	u32 reserved;
	u8 hash_version, info_length, levels, flags;
};

/* The first entry's hash is the table's size and use. */
struct ext4_disk_index_entry {
	union {
		u32 hash;
		struct {
			u16 limit, count;
		};
	};
	u32 block;
};

/* --- Extended attributes --- */

enum { EXT4_XATTR_MAGIC = 0xea020000, EXT4_XATTR_ROUND = 4, EXT4_XATTR_VALUE_MAX = 65536 };

struct ext4_disk_xattr_header {
	u32 magic, refs, blocks, hash, checksum;
	u32 reserved[3];
};

struct ext4_disk_xattr {
	u8 name_length, name_space;
	u16 value_offset;
	u32 value_ino, value_size, hash;
	char name[];
};

#endif
