/* SPDX-License-Identifier: BSD-2-Clause */
/* Open flags, fcntl commands and the *at flags of the Linux interface on x86-64 (open(2), fcntl(2),
 * flock(2)). */
#ifndef LIB_ABI_FCNTL_H
#define LIB_ABI_FCNTL_H

#include "lib/types.h"

enum open_flags {
	O_RDONLY = 0,
	O_WRONLY = 1,
	O_RDWR = 2,
	O_ACCMODE = 3,
	O_CREAT = 0100,
	O_EXCL = 0200,
	O_NOCTTY = 0400,
	O_TRUNC = 01000,
	O_APPEND = 02000,
	O_NONBLOCK = 04000,
	O_DSYNC = 010000,
	O_ASYNC = 020000,
	O_DIRECT = 040000,
	O_LARGEFILE = 0100000,
	O_DIRECTORY = 0200000,
	O_NOFOLLOW = 0400000,
	O_NOATIME = 01000000,
	O_CLOEXEC = 02000000,
	O_SYNC = 04010000,
	O_PATH = 010000000,
	O_TMPFILE_BIT = 020000000,
	O_TMPFILE = 020200000, /* with O_DIRECTORY, so that old kernels refuse it */
};

enum at_flags {
	AT_FDCWD = -100,
	AT_SYMLINK_NOFOLLOW = 0x100,
	AT_EACCESS = 0x200,   /* faccessat2 */
	AT_REMOVEDIR = 0x200, /* unlinkat */
	AT_SYMLINK_FOLLOW = 0x400,
	AT_NO_AUTOMOUNT = 0x800,
	AT_EMPTY_PATH = 0x1000,
	AT_STATX_FORCE_SYNC = 0x2000,
	AT_STATX_DONT_SYNC = 0x4000,
	AT_STATX_SYNC_TYPE = 0x6000,
};

enum fcntl_commands {
	F_DUPFD = 0,
	F_GETFD = 1,
	F_SETFD = 2,
	F_GETFL = 3,
	F_SETFL = 4,
	F_GETLK = 5,
	F_SETLK = 6,
	F_SETLKW = 7,
	F_SETOWN = 8,
	F_GETOWN = 9,
	F_SETSIG = 10,
	F_GETSIG = 11,
	F_SETOWN_EX = 15,
	F_GETOWN_EX = 16,
	F_OFD_GETLK = 36,
	F_OFD_SETLK = 37,
	F_OFD_SETLKW = 38,
	F_SETLEASE = 1024,
	F_GETLEASE = 1025,
	F_NOTIFY = 1026,
	F_DUPFD_CLOEXEC = 1030,
	F_SETPIPE_SZ = 1031,
	F_GETPIPE_SZ = 1032,
	F_ADD_SEALS = 1033,
	F_GET_SEALS = 1034,
	FD_CLOEXEC = 1,
};

/* What F_NOTIFY tells of. */
enum {
	DN_ACCESS = 0x1,
	DN_MODIFY = 0x2,
	DN_CREATE = 0x4,
	DN_DELETE = 0x8,
	DN_RENAME = 0x10,
	DN_ATTRIB = 0x20,
};
#define DN_MULTISHOT 0x80000000u

enum file_seals {
	F_SEAL_SEAL = 0x1,
	F_SEAL_SHRINK = 0x2,
	F_SEAL_GROW = 0x4,
	F_SEAL_WRITE = 0x8,
	F_SEAL_FUTURE_WRITE = 0x10,
};
enum memfd_flags { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_HUGETLB = 4 };

enum lock_types { F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2 };
enum flock_operations { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
enum owner_types { F_OWNER_TID = 0, F_OWNER_PID = 1, F_OWNER_PGRP = 2 };

struct linux_flock {
	s16 type;
	s16 whence;
	s32 pad;
	s64 start;
	s64 length;
	s32 pid;
	s32 pad2;
};

struct linux_f_owner_ex {
	s32 type;
	s32 pid;
};

enum seek_whence { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };

enum fallocate_modes {
	FALLOC_FL_KEEP_SIZE = 0x01,
	FALLOC_FL_PUNCH_HOLE = 0x02,
	FALLOC_FL_COLLAPSE_RANGE = 0x08,
	FALLOC_FL_ZERO_RANGE = 0x10,
	FALLOC_FL_INSERT_RANGE = 0x20,
	FALLOC_FL_UNSHARE_RANGE = 0x40,
};

enum rename_flags { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4 };
enum access_modes { F_OK = 0, X_OK = 1, W_OK = 2, R_OK = 4 };
enum close_range_flags { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 };
enum rwf_flags {
	RWF_HIPRI = 0x01,
	RWF_DSYNC = 0x02,
	RWF_SYNC = 0x04,
	RWF_NOWAIT = 0x08,
	RWF_APPEND = 0x10,
};
enum sync_file_range_flags {
	SYNC_FILE_RANGE_WAIT_BEFORE = 1,
	SYNC_FILE_RANGE_WRITE = 2,
	SYNC_FILE_RANGE_WAIT_AFTER = 4,
};
enum xattr_flags { XATTR_CREATE = 1, XATTR_REPLACE = 2 };
enum { XATTR_NAME_MAX = 255, XATTR_SIZE_MAX = 65536, XATTR_LIST_MAX = 65536 };

/* openat2(2). */
struct linux_open_how {
	u64 flags;
	u64 mode;
	u64 resolve;
};
enum resolve_flags {
	RESOLVE_NO_XDEV = 0x01,
	RESOLVE_NO_MAGICLINKS = 0x02,
	RESOLVE_NO_SYMLINKS = 0x04,
	RESOLVE_BENEATH = 0x08,
	RESOLVE_IN_ROOT = 0x10,
	RESOLVE_CACHED = 0x20,
};

/* ioctl(2) commands that every descriptor answers. */
enum file_ioctls {
	FIONCLEX = 0x5450,
	FIOCLEX = 0x5451,
	FIONBIO = 0x5421,
	FIOASYNC = 0x5452,
	FIONREAD = 0x541b,
	FIOQSIZE = 0x5460,
};

#endif
