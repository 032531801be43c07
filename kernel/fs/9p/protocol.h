/* SPDX-License-Identifier: BSD-2-Clause */
/* 9P2000.L: the numbers of the questions (answers have the next), and of some bits in them. */
#ifndef FS_9P_PROTOCOL_H
#define FS_9P_PROTOCOL_H

enum p9_type {
	P9_LERROR = 6, /* an answer only: 7 */
	P9_STATFS = 8,
	P9_LOPEN = 12,
	P9_LCREATE = 14,
	P9_SYMLINK = 16,
	P9_MKNOD = 18,
	P9_READLINK = 22,
	P9_GETATTR = 24,
	P9_SETATTR = 26,
	P9_XATTRWALK = 30,
	P9_XATTRCREATE = 32,
	P9_READDIR = 40,
	P9_FSYNC = 50,
	P9_LINK = 70,
	P9_MKDIR = 72,
	P9_RENAMEAT = 74,
	P9_UNLINKAT = 76,
	P9_VERSION = 100,
	P9_ATTACH = 104,
	P9_WALK = 110,
	P9_READ = 116,
	P9_WRITE = 118,
	P9_CLUNK = 120,
};

enum { P9_GETATTR_BASIC = 0x7ff, P9_UNLINK_DIRECTORY = 0x200 };

#endif
