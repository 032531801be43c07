/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kinds of System V IPC have in common: objects with a key, an owner and a mode, found by
 * a number (sysvipc(7)).
 *
 * A kind has a table a namespace (ipc/ipc_namespace.h), and one mutex that guards them and every
 * struct sysv_object in them; all functions but sysv_ids_init want it held.  A number is an index into the table and a
 * sequence number that changes as indices are used again, so that a stale number finds nothing.
 */
#ifndef IPC_SYSV_H
#define IPC_SYSV_H

#include "lib/abi/ipc.h"
#include "lib/sync.h"
#include "lib/types.h"

/* Embedded first in every object. */
struct sysv_object {
	struct sysv_ids *ids; /* the table that it is in */
	int id;
	s32 key; /* IPC_PRIVATE: found by number only */
	uid_t uid, cuid;
	gid_t gid, cgid;
	u32 mode; /* permissions, and the kind's own bits */
};

struct sysv_ids {
	mutex_t *lock; /* the kind's, of all namespaces */
	struct sysv_object **slots;
	u32 capacity; /* of slots */
	u64 limit;    /* of objects; /proc/sys/kernel changes it */
	u32 count;
	u32 last;     /* index given out last */
	u32 sequence; /* of the numbers given out now */
	u64 total;    /* what the kind counts: messages, semaphores, pages */
	u64 total_bytes;
};

#define SYSV_LIMIT 32768 /* what `limit` may at most be */

/* Once for each table, zeroed. */
void sysv_ids_init(struct sysv_ids *ids, mutex_t *lock, u32 limit);

/* Gives a new object its number, current as owner, and puts it into the table.  The number,
 * -ENOSPC or -ENOMEM. */
int __must_check sysv_add(struct sysv_ids *ids, struct sysv_object *object, s32 key, u32 mode);
void sysv_remove(struct sysv_object *object);

/* By number: ERR_PTR(-EINVAL), or ERR_PTR(-EIDRM) for a stale one.  By key, or at an index: NULL.
 */
struct sysv_object *sysv_find(struct sysv_ids *ids, int id);
struct sysv_object *sysv_find_key(struct sysv_ids *ids, s32 key);
struct sysv_object *sysv_at(struct sysv_ids *ids, u32 index);
/* The highest index in use, 0 when there is none: what the *_INFO commands return. */
u32 sysv_highest(const struct sysv_ids *ids);

/* What the *get(2) calls of a kind differ in; `size` is the call's second argument.  Lock held. */
struct sysv_kind {
	/* A new object: its number, or an error. */
	int (*create)(s32 key, u64 size, int flags);
	/* Does the object that is there suit?  0 or an error. */
	int (*suits)(const struct sysv_object *object, u64 size);
};
/* shmget(2) and its like: takes the lock.  The number, or an error. */
long sysv_get(struct sysv_ids *ids, const struct sysv_kind *kind, s32 key, u64 size, int flags);
/*
 * For the commands *_STAT (by index), *_STAT_ANY (of everybody) and IPC_STAT: the object, or
 * ERR_PTR.
 */
struct sysv_object *sysv_find_readable(struct sysv_ids *ids, int id, bool by_index, bool any);
/* By number, if current may use it as `wanted` says. */
struct sysv_object *sysv_find_usable(struct sysv_ids *ids, int id, u32 wanted);

/* May current use the object as the permission bits of `wanted` say, for any of owner, group and
 * others?  0 or -EACCES. */
int __must_check sysv_permission(const struct sysv_object *object, u32 wanted);
/* May current change or remove it?  0 or -EPERM. */
int __must_check sysv_may_change(const struct sysv_object *object);

void sysv_describe(const struct sysv_object *object, struct linux_ipc_perm *perm);
/* IPC_SET: owner and permissions. */
void sysv_set(struct sysv_object *object, const struct linux_ipc_perm *perm);

#endif
