/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl(2) on files and directories: flags, extents, unused space. */
#ifndef LIB_ABI_FSCTL_H
#define LIB_ABI_FSCTL_H

#include "lib/types.h"

enum {
	FIGETBSZ = 2,
	FS_IOC_GETFLAGS = 0x80086601,
	FS_IOC_SETFLAGS = 0x40086602,
	FS_IOC_GETVERSION = 0x80087601,
	FS_IOC_FIEMAP = 0xc020660b,
	FITRIM = 0xc0185879,
};

enum {
	FS_COMPR_FL = 0x4,
	FS_SYNC_FL = 0x8,
	FS_IMMUTABLE_FL = 0x10,
	FS_APPEND_FL = 0x20,
	FS_NODUMP_FL = 0x40,
	FS_NOATIME_FL = 0x80,
	FS_ENCRYPT_FL = 0x800,
	FS_VERITY_FL = 0x100000,
};

struct linux_fiemap {
	u64 start, length; /* bytes */
	u32 flags;
	u32 mapped_extents; /* result */
	u32 extent_count;   /* room behind this structure; 0: only count */
	u32 reserved;
};

struct linux_fiemap_extent {
	u64 logical, physical, length; /* bytes */
	u64 reserved64[2];
	u32 flags;
	u32 reserved[3];
};

enum { FIEMAP_FLAG_SYNC = 1, FIEMAP_FLAG_CACHE = 4 };
enum { FIEMAP_EXTENT_LAST = 1, FIEMAP_EXTENT_UNWRITTEN = 0x800, FIEMAP_EXTENT_MERGED = 0x1000 };

struct linux_fstrim_range {
	u64 start, length, minimum; /* bytes */
};

#endif
