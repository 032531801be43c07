/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of System V message queues.
 */
#ifndef IPC_MSG_INTERNAL_H
#define IPC_MSG_INTERNAL_H

#include "ipc/ipc_namespace.h"
#include "ipc/msg.h"
#include "ipc/sysv.h"
#include "lib/list.h"
#include "lib/sync.h"

struct message {
	struct list_head link; /* in queue->messages */
	s64 type;
	size_t size;
	char text[];
};

struct msg_queue {
	struct sysv_object object; /* first; msg_lock, as all that says nothing else */
	u32 refs;                  /* the table, and who waits */
	bool removed;
	struct list_head messages; /* oldest first */
	u64 count, bytes, maximum_bytes;
	time_t send_time, receive_time, change_time;
	pid_t sender, receiver;
	u64 changes; /* goes up with each message that comes or goes; read without the lock too */
	wait_queue_t senders, receivers;
};

extern mutex_t msg_lock;

/* The table of current's namespace. */
static inline struct sysv_ids *msg_ids(void)
{
	return &ipc_namespace_current()->msg;
}

static inline struct msg_queue *msg_queue_of(struct sysv_object *object)
{
	return container_of(object, struct msg_queue, object);
}

/* Takes the queue out of the table with its messages; who waits learns of it.  Lock held. */
void msg_remove(struct msg_queue *queue);

#endif
