/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's layouts and constants of System V IPC, as on x86-64 and AArch64: shmctl(2), semctl(2),
 * msgctl(2) and their kin. */
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

/* Semaphores. */
enum {
	SEM_GETPID = 11,
	SEM_GETVAL = 12,
	SEM_GETALL = 13,
	SEM_GETNCNT = 14,
	SEM_GETZCNT = 15,
	SEM_SETVAL = 16,
	SEM_SETALL = 17,
	SEM_STAT = 18,
	SEM_INFO = 19,
	SEM_STAT_ANY = 20,
};
enum { SEM_UNDO = 0x1000 };

struct linux_sembuf {
	u16 number;
	s16 change;
	s16 flags;
};
_Static_assert(sizeof(struct linux_sembuf) == 6, "Linux's size");

struct linux_semid_ds {
	struct linux_ipc_perm perm;
	s64 operation_time;
	u64 reserved1;
	s64 change_time;
	u64 reserved2;
	u64 count;
	u64 reserved3[2];
};
_Static_assert(sizeof(struct linux_semid_ds) == 104, "Linux's size");

struct linux_seminfo {
	s32 map, sets, total, undos, each, operations, undo_entries, undo_size, value, adjustment;
};

/* Message queues. */
enum { MSG_STAT = 11, MSG_INFO = 12, MSG_STAT_ANY = 13 };
enum { MSG_NOERROR = 010000, MSG_EXCEPT = 020000, MSG_COPY = 040000 };

struct linux_msqid_ds {
	struct linux_ipc_perm perm;
	s64 send_time, receive_time, change_time;
	u64 bytes, count, maximum_bytes;
	s32 sender, receiver;
	u64 reserved[2];
};
_Static_assert(sizeof(struct linux_msqid_ds) == 120, "Linux's size");

struct linux_msginfo {
	s32 pool, map, maximum, queue_bytes, queues, segment_size, headers;
	u16 segments;
};
_Static_assert(sizeof(struct linux_msginfo) == 32, "Linux's size");

#endif
