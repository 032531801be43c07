/* SPDX-License-Identifier: BSD-2-Clause */
/* File types, mode bits and the structures of stat(2) and statx(2) on x86-64. */
#ifndef LIB_ABI_STAT_H
#define LIB_ABI_STAT_H

#include "lib/types.h"

enum file_mode {
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	S_IFLNK = 0120000,
	S_IFREG = 0100000,
	S_IFBLK = 0060000,
	S_IFDIR = 0040000,
	S_IFCHR = 0020000,
	S_IFIFO = 0010000,
	S_ISUID = 0004000,
	S_ISGID = 0002000,
	S_ISVTX = 0001000,
	S_IRWXU = 0700,
	S_IRUSR = 0400,
	S_IWUSR = 0200,
	S_IXUSR = 0100,
	S_IRWXG = 0070,
	S_IRGRP = 0040,
	S_IWGRP = 0020,
	S_IXGRP = 0010,
	S_IRWXO = 0007,
	S_IROTH = 0004,
	S_IWOTH = 0002,
	S_IXOTH = 0001,
	S_IRWXUGO = 0777,
	S_IALLUGO = 07777,
	S_IRUGO = 0444,
	S_IWUGO = 0222,
	S_IXUGO = 0111,
};

#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)

struct linux_stat {
	u64 dev;
	u64 ino;
	u64 nlink;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 pad0;
	u64 rdev;
	s64 size;
	s64 blksize;
	s64 blocks;
	u64 atime;
	u64 atime_nsec;
	u64 mtime;
	u64 mtime_nsec;
	u64 ctime;
	u64 ctime_nsec;
	s64 unused[3];
};
_Static_assert(sizeof(struct linux_stat) == 144, "struct stat of x86-64");

struct linux_statx_timestamp {
	s64 seconds;
	u32 nanoseconds;
	s32 reserved;
};

struct linux_statx {
	u32 mask;
	u32 blksize;
	u64 attributes;
	u32 nlink;
	u32 uid;
	u32 gid;
	u16 mode;
	u16 spare0;
	u64 ino;
	u64 size;
	u64 blocks;
	u64 attributes_mask;
	struct linux_statx_timestamp atime, btime, ctime, mtime;
	u32 rdev_major;
	u32 rdev_minor;
	u32 dev_major;
	u32 dev_minor;
	u64 mount_id;
	u32 dio_mem_align;
	u32 dio_offset_align;
	u64 spare3[12];
};
_Static_assert(sizeof(struct linux_statx) == 256, "struct statx");

enum statx_mask {
	STATX_TYPE = 0x1,
	STATX_MODE = 0x2,
	STATX_NLINK = 0x4,
	STATX_UID = 0x8,
	STATX_GID = 0x10,
	STATX_ATIME = 0x20,
	STATX_MTIME = 0x40,
	STATX_CTIME = 0x80,
	STATX_INO = 0x100,
	STATX_SIZE = 0x200,
	STATX_BLOCKS = 0x400,
	STATX_BASIC_STATS = 0x7ff,
	STATX_BTIME = 0x800,
	STATX_MNT_ID = 0x1000,
};
#define STATX_RESERVED 0x80000000u

/* The first five are the flags of chattr(1) (lib/abi/fsctl.h), with the same numbers. */
enum statx_attributes {
	STATX_ATTR_COMPRESSED = 0x4,
	STATX_ATTR_IMMUTABLE = 0x10,
	STATX_ATTR_APPEND = 0x20,
	STATX_ATTR_NODUMP = 0x40,
	STATX_ATTR_ENCRYPTED = 0x800,
	STATX_ATTR_AUTOMOUNT = 0x1000,
	STATX_ATTR_MOUNT_ROOT = 0x2000,
	STATX_ATTR_VERITY = 0x100000,
	STATX_ATTR_DAX = 0x200000,
};

/* utimensat(2): special values of tv_nsec. */
enum { UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe };

#endif
