/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of System V shared memory.
 */
#ifndef IPC_SHM_INTERNAL_H
#define IPC_SHM_INTERNAL_H

#include "ipc/ipc_namespace.h"
#include "ipc/shm.h"
#include "ipc/sysv.h"
#include "mm/hugetlb.h"
#include "mm/pagecache.h"

struct shm_segment {
	struct sysv_object object; /* shm_lock, as all that says nothing else */
	struct backing backing;    /* const */
	struct page_cache cache;
	struct hugetlb_file file; /* with SHM_HUGETLB */
	u32 refs;                 /* atomic */
	bool listed;
	u64 attached;
	u64 size;           /* const: bytes, as asked for */
	u64 size_pages;     /* const */
	u64 promised_pages; /* const: of those, what counts as committed */
	s32 first_key;      /* const: for the name */
	pid_t creator, last;
	time_t attach_time, detach_time, change_time;
};

extern mutex_t shm_lock;

/* The table of current's namespace. */
static inline struct sysv_ids *shm_ids(void)
{
	return &ipc_namespace_current()->shm;
}

static inline struct shm_segment *shm_of(struct sysv_object *object)
{
	return container_of(object, struct shm_segment, object);
}

/* Removes a segment at once or, when it is attached, as soon as it is not.  Says whether the caller
 * has the table's reference to drop (shm_put) once it has let go of the lock. */
bool __must_check shm_remove_locked(struct shm_segment *segment);
void shm_put(struct shm_segment *segment);

#endif
