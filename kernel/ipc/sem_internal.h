/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of System V semaphores.  sem_lock guards everything here.
 */
#ifndef IPC_SEM_INTERNAL_H
#define IPC_SEM_INTERNAL_H

#include "ipc/ipc_namespace.h"
#include "ipc/sem.h"
#include "ipc/sysv.h"
#include "lib/list.h"
#include "lib/sync.h"

struct semaphore {
	s32 value;
	pid_t last; /* who changed it */
};

struct sem_set {
	struct sysv_object object; /* first */
	time_t operation_time, change_time;
	struct list_head sleepers; /* in the order in which they came */
	struct list_head undos;
	u32 count; /* const */
	struct semaphore semaphores[];
};

/* What a process is to give back in one set when it ends: a value for each semaphore. */
struct sem_undo {
	struct list_head of_set, of_list;
	struct sem_set *set;
	s16 adjust[];
};

/* What the tasks that share it (CLONE_SYSVSEM) are to give back. */
struct sem_undo_list {
	u32 tasks;
	struct list_head undos;
};

/* One semop(2): its operations are done all at once, or none is. */
struct sem_request {
	const struct linux_sembuf *operations;
	u32 count;
	struct sem_undo *undo; /* or NULL: none of them asks for it */
	pid_t pid;
	const struct linux_sembuf *blocking; /* the first that has to wait */
};

enum { SEM_MUST_WAIT = 1 };

struct sem_sleeper {
	struct list_head link; /* in set->sleepers */
	struct sem_request request;
	int result;         /* SEM_MUST_WAIT until it is settled; read without the lock too */
	wait_queue_t queue; /* the sleeper alone */
};

extern mutex_t sem_lock;

/* The table of current's namespace. */
static inline struct sysv_ids *sem_ids(void)
{
	return &ipc_namespace_current()->sem;
}

static inline struct sem_set *sem_set_of(struct sysv_object *object)
{
	return container_of(object, struct sem_set, object);
}

/* Does all or nothing: 0, SEM_MUST_WAIT, -ERANGE, or -EAGAIN where IPC_NOWAIT says so. */
int sem_try(struct sem_set *set, struct sem_request *request);
/* After a change: does what sleepers wait for, until nobody can go on. */
void sem_serve(struct sem_set *set);
/* Ends a sleeper's wait. */
void sem_settle(struct sem_sleeper *sleeper, int result);
/* Takes the set out of the table and frees it; who waits learns of it. */
void sem_remove(struct sem_set *set);

/* sem_undo.c: what current is to give back in the set, made if need be; ERR_PTR(-ENOMEM). */
struct sem_undo *sem_undo_get(struct sem_set *set);
void sem_undo_free(struct sem_undo *undo);

#endif
