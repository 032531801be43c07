/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores: semget(2), semop(2), semctl(2).  All functions may sleep and are called
 * without locks.
 */
#ifndef IPC_SEM_H
#define IPC_SEM_H

#include "lib/abi/ipc.h"
#include "lib/types.h"

struct task;

enum {
	SEM_VALUE_MAX = 32767,
	SEM_ADJUSTMENT_MAX = 32767,
};

/* /proc/sys/kernel/sem, in its order; single words, read and written without a lock. */
struct sem_limits {
	u64 each, total, operations;
};
extern struct sem_limits sem_limits;
u64 sem_get_sets_limit(void);
void sem_set_sets_limit(u64 limit);

void sem_init(void); /* once */

/* The table of a namespace: a new one, and all of an old one removed. */
struct sysv_ids;
void sem_ids_init(struct sysv_ids *ids);
void sem_ids_clear(struct sysv_ids *ids);

/* The calls, with their results and errors.  `deadline`: monotonic, or NO_DEADLINE. */
long sem_get(s32 key, int count, int flags);
long sem_operate(int id, vaddr_t operations, size_t count, nsec_t deadline);
long sem_control(int id, int number, int command, vaddr_t argument);

/* clone(2) with CLONE_SYSVSEM: the child shares the caller's list of what to undo.  0 or -ENOMEM.
 */
int __must_check sem_share_undo(struct task *child);
/* A task's end, or unshare(2): with the last user of its list all is undone. */
void sem_leave_undo(struct task *task);

/* For /proc/sysvipc/sem: the set at the first used index from *index on, which moves behind it.
 * False when there is none. */
struct sem_snapshot {
	int id;
	struct linux_semid_ds status;
};
bool sem_next(u32 *index, struct sem_snapshot *snapshot);

#endif
