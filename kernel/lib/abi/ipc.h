/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's layouts and constants of System V IPC, as on x86-64 and AArch64: shmget(2), shmctl(2). */
#ifndef LIB_ABI_IPC_H
#define LIB_ABI_IPC_H

#include "lib/types.h"

enum { IPC_PRIVATE = 0 };
enum { IPC_CREAT = 01000, IPC_EXCL = 02000, IPC_NOWAIT = 04000 };
enum { IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3 };

struct linux_ipc_perm {
	s32 key;
	u32 uid, gid, cuid, cgid;
	u32 mode;
	u16 seq, padding;
	u32 padding2;
	u64 reserved[2];
};
_Static_assert(sizeof(struct linux_ipc_perm) == 48, "Linux's size");

enum { SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13, SHM_INFO = 14, SHM_STAT_ANY = 15 };
enum { SHM_HUGETLB = 04000, SHM_NORESERVE = 010000 };                                   /* shmget */
enum { SHM_RDONLY = 010000, SHM_RND = 020000, SHM_REMAP = 040000, SHM_EXEC = 0100000 }; /* shmat */
enum { SHM_DEST = 01000, SHM_LOCKED = 02000 };                                          /* mode */

struct linux_shmid_ds {
	struct linux_ipc_perm perm;
	u64 segment_size;
	s64 attach_time, detach_time, change_time;
	s32 creator, last;
	u64 attached;
	u64 reserved[2];
};
_Static_assert(sizeof(struct linux_shmid_ds) == 112, "Linux's size");

struct linux_shminfo {
	u64 maximum, minimum, segments, segments_each, total, reserved[4];
};

struct linux_shm_info {
	s32 used_ids;
	u64 total, resident, swapped, swap_attempts, swap_successes;
};
_Static_assert(sizeof(struct linux_shm_info) == 48, "Linux's size");

#endif
