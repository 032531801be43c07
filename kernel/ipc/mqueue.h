/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues (mq_overview(7)): the queue itself.  Its name and its file are
 * fs/mqueue_fs.c's.
 *
 * queue->lock (spin) guards what says nothing else; wait queues' locks come inside it.
 */
#ifndef IPC_MQUEUE_H
#define IPC_MQUEUE_H

#include "fs/file.h"
#include "lib/abi/signal.h"
#include "lib/list.h"
#include "lib/sync.h"
#include "lib/types.h"

struct credentials;
struct process;

struct linux_mq_attr {
	s64 flags; /* O_NONBLOCK */
	s64 maximum_messages, message_size;
	s64 messages;
	s64 reserved[4];
};
_Static_assert(sizeof(struct linux_mq_attr) == 64, "Linux's size");

enum { MQ_PRIORITIES = 32768, MQ_NAME_LENGTH = NAME_MAX };

/* /proc/sys/fs/mqueue; single words, read and written without a lock. */
struct mqueue_limits {
	u64 queues, messages, message_size, default_messages, default_size;
};
extern struct mqueue_limits mqueue_limits;
#define MQ_MOST_MESSAGES 65536u
#define MQ_LARGEST       (16 * MIB)

struct mqueue {
	spinlock_t lock;
	u32 maximum_messages, message_size; /* const */
	struct list_head messages;          /* highest priority first, then oldest */
	u32 count;                          /* read without the lock too */
	u64 bytes;
	u32 receiving;                    /* how many wait for a message */
	wait_queue_t senders, receivers;  /* who polls is in both */
	const struct credentials *owner;  /* const: who pays */
	u64 charged;                      /* const: bytes */
	struct process *notified;         /* who is to be told of the next message; a reference */
	struct linux_sigevent event;      /* how */
	const struct credentials *asking; /* who asked */
};

/* A new queue; attributes NULL: the defaults.  ERR_PTR(-EINVAL, -EMFILE, -ENOMEM). */
struct mqueue *mqueue_create(const struct linux_mq_attr *attributes);
/* Nobody uses it any more. */
void mqueue_destroy(struct mqueue *queue);

/* Message from and to program memory.  `deadline`: monotonic, NO_DEADLINE, or 0 not to wait at all
 * (-EAGAIN).  Others: -EMSGSIZE, -EFAULT, -ENOMEM, -ETIMEDOUT, -ERESTARTSYS.  May sleep. */
int __must_check mqueue_send(struct mqueue *queue, vaddr_t text, size_t size, u32 priority,
			     nsec_t deadline);
/* The size; the priority goes to *priority. */
ssize_t mqueue_receive(struct mqueue *queue, vaddr_t text, size_t size, u32 *priority,
		       nsec_t deadline);
/* mq_notify(2); event NULL: no more.  0, -EBUSY, -EINVAL. */
int __must_check mqueue_notify(struct mqueue *queue, const struct linux_sigevent *event);
/* Current's process has closed a descriptor: it is told of nothing more. */
void mqueue_closed(struct mqueue *queue);
void mqueue_get_attributes(struct mqueue *queue, struct linux_mq_attr *attributes);
u32 mqueue_poll(struct mqueue *queue, struct file *file, struct poll_table *table);
/* What reading the file tells; as snprintf. */
int mqueue_describe(struct mqueue *queue, char *buffer, size_t size);

/* --- fs/mqueue_fs.c --- */

void mqueue_fs_init(void); /* once */
/* The file system of a namespace's queues; NULL: no memory.  Dropping: whoever has it mounted, or a
 * queue open, keeps it. */
struct mount *mqueue_fs_create(void);

/* mq_open(2) and mq_unlink(2) by a name without slash.  attributes may be NULL.  A file or ERR_PTR;
 * 0 or an error.  May sleep. */
struct file *mqueue_open(const char *name, u32 flags, mode_t mode,
			 const struct linux_mq_attr *attributes);
int __must_check mqueue_unlink(const char *name);
/* The queue behind a file, or NULL when it is none. */
struct mqueue *mqueue_of(const struct file *file);

#endif
