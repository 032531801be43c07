/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2).  All functions may sleep and
 * are called without locks.
 */
#ifndef IPC_SHM_H
#define IPC_SHM_H

#include "lib/abi/ipc.h"
#include "lib/types.h"

/* The limits. */
#define SHM_MINIMUM  ((size_t)1)
#define SHM_MAXIMUM  (UINT64_MAX - BIT(24)) /* bytes of one, and pages of all */
#define SHM_SEGMENTS 4096

/* The table of a namespace: a new one, and all of an old one removed. */
struct sysv_ids;
void shm_ids_init(struct sysv_ids *ids);
void shm_ids_clear(struct sysv_ids *ids);

/* /proc/sys/vm/hugetlb_shm_group: who may have segments of huge pages, beside the privileged. */
extern gid_t shm_huge_group;

/* The calls, with their results and errors. */
long shm_get(s32 key, size_t size, int flags);
long shm_attach(int id, vaddr_t address, int flags);
long shm_detach(vaddr_t address);
long shm_control(int id, int command, vaddr_t buffer);

/* For /proc/sysvipc/shm: the segment at the first used index from *index on, which moves behind it.
 * False when there is none. */
struct shm_snapshot {
	int id;
	struct linux_shmid_ds status;
	u64 resident, swapped; /* bytes */
};
bool shm_next(u32 *index, struct shm_snapshot *snapshot);

#endif
