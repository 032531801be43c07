/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).  All functions may sleep and
 * are called without locks.
 */
#ifndef IPC_MSG_H
#define IPC_MSG_H

#include "lib/abi/ipc.h"
#include "lib/types.h"

/* /proc/sys/kernel/msgmax and msgmnb: bytes of a message and, at first, of a queue.  Single words,
 * read and written without a lock. */
struct msg_limits {
	u64 message, queue;
};
extern struct msg_limits msg_limits;
u64 msg_get_queues_limit(void);
void msg_set_queues_limit(u64 limit);

/* The table of a namespace: a new one, and all of an old one removed. */
struct sysv_ids;
void msg_ids_init(struct sysv_ids *ids);
void msg_ids_clear(struct sysv_ids *ids);

/* The calls, with their results and errors. */
long msg_get(s32 key, int flags);
long msg_send(int id, vaddr_t message, size_t size, int flags);
long msg_receive(int id, vaddr_t message, size_t size, s64 type, int flags);
long msg_control(int id, int command, vaddr_t buffer);

/* For /proc/sysvipc/msg: the queue at the first used index from *index on, which moves behind it.
 * False when there is none. */
struct msg_snapshot {
	int id;
	struct linux_msqid_ds status;
};
bool msg_next(u32 *index, struct msg_snapshot *snapshot);

#endif
