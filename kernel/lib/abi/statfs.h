/* SPDX-License-Identifier: BSD-2-Clause */
/* struct statfs of statfs(2), flags of mount(2) and umount2(2), and file systems' magic numbers. */
#ifndef LIB_ABI_STATFS_H
#define LIB_ABI_STATFS_H

#include "lib/types.h"

struct linux_statfs {
	s64 type;
	s64 block_size;
	u64 blocks;
	u64 blocks_free;
	u64 blocks_available;
	u64 files;
	u64 files_free;
	s32 fsid[2];
	s64 name_length;
	s64 fragment_size;
	s64 flags;
	s64 spare[4];
};
_Static_assert(sizeof(struct linux_statfs) == 120, "struct statfs of x86-64");

enum statfs_flags {
	ST_RDONLY = 0x0001,
	ST_NOSUID = 0x0002,
	ST_NODEV = 0x0004,
	ST_NOEXEC = 0x0008,
	ST_SYNCHRONOUS = 0x0010,
	ST_VALID = 0x0020,
	ST_NOATIME = 0x0400,
	ST_NODIRATIME = 0x0800,
	ST_RELATIME = 0x1000,
};

enum mount_flags {
	MS_RDONLY = 1,
	MS_NOSUID = 2,
	MS_NODEV = 4,
	MS_NOEXEC = 8,
	MS_SYNCHRONOUS = 16,
	MS_REMOUNT = 32,
	MS_MANDLOCK = 64,
	MS_DIRSYNC = 128,
	MS_NOSYMFOLLOW = 256,
	MS_NOATIME = 1024,
	MS_NODIRATIME = 2048,
	MS_BIND = 4096,
	MS_MOVE = 8192,
	MS_REC = 16384,
	MS_SILENT = 32768,
	MS_UNBINDABLE = 1 << 17,
	MS_PRIVATE = 1 << 18,
	MS_SLAVE = 1 << 19,
	MS_SHARED = 1 << 20,
	MS_RELATIME = 1 << 21,
	MS_STRICTATIME = 1 << 24,
	MS_LAZYTIME = 1 << 25,
};
#define MS_MGC_VAL 0xc0ed0000u
#define MS_MGC_MSK 0xffff0000u

enum umount_flags { MNT_FORCE = 1, MNT_DETACH = 2, MNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

enum filesystem_magic {
	TMPFS_MAGIC = 0x01021994,
	HUGETLBFS_MAGIC = 0x958458f6,
	RAMFS_MAGIC = 0x858458f6,
	PROC_SUPER_MAGIC = 0x9fa0,
	SYSFS_MAGIC = 0x62656572,
	DEVPTS_SUPER_MAGIC = 0x1cd1,
	PIPEFS_MAGIC = 0x50495045,
	SOCKFS_MAGIC = 0x534f434b,
	ANON_INODE_FS_MAGIC = 0x09041934,
	V9FS_MAGIC = 0x01021997,
	ISOFS_SUPER_MAGIC = 0x9660,
	MSDOS_SUPER_MAGIC = 0x4d44,
	OVERLAYFS_SUPER_MAGIC = 0x794c7630,
};

#endif
