/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Native asynchronous I/O: contexts, whose answers come in a ring in the program's memory
 * (io_setup(2)).
 *
 * Reads, writes and syncs are carried out where they are submitted, as on Linux; waiting for events
 * of a file is what goes on after that.  A context belongs to an address space and ends with it, or
 * with io_destroy(2).
 *
 * The ring's head and tail are the program's to scribble on: the head is read once and masked, the
 * tail is written only.
 */
#ifndef IPC_AIO_H
#define IPC_AIO_H

#include "fs/file.h"
#include "lib/abi/aio.h"

struct aio_context;

/* /proc/sys/fs/aio-max-nr and aio-nr: single words. */
struct aio_limits {
	u64 most;  /* events of all contexts together */
	u64 there; /* read without a lock */
};
extern struct aio_limits aio_limits;

/* Has contexts end with their address spaces.  Once, at start-up. */
void aio_init(void);

/* A new context of current's memory with room for that many requests: its number in *number, or
 * -EAGAIN (the limit), -ENOMEM.  May sleep. */
int __must_check aio_create(u32 requests, vaddr_t *number);
/* The context with a number, with a reference, or NULL. */
struct aio_context *aio_get(vaddr_t number);
void aio_put(struct aio_context *context);
/* Ends it: what waits is called off.  0; -EINVAL: somebody else did.  May sleep. */
int __must_check aio_end(struct aio_context *context);
/* How many requests one call may submit. */
u32 aio_most(const struct aio_context *context);

/* Takes room for one answer: 0 or -EAGAIN.  Then exactly one of the three below, or aio_unreserve.
 */
int __must_check aio_reserve(struct aio_context *context);
void aio_unreserve(struct aio_context *context);
/* The request is done: its answer, and one more in its eventfd (NULL: none). */
void aio_complete(struct aio_context *context, const struct aio_event *event, struct file *eventfd);
/*
 * Answers when any of the events holds for the file: takes over the references on it and on
 * eventfd (or NULL).  0; -EINVAL (events that never come) or -ENOMEM: nothing has happened.  May
 * sleep.
 */
int __must_check aio_poll(struct aio_context *context, const struct aio_event *event,
			  struct file *file, struct file *eventfd, u32 events);
/* Calls off what waits for the request at that address: 0; -EINVAL: there is none. */
int __must_check aio_cancel(struct aio_context *context, vaddr_t request);

/*
 * Hands out between `least` and `most` answers to the array at `events`: how many; fewer than
 * `least` at the deadline.  -EINTR, -EFAULT, -EINVAL (the context has ended) if none.  May sleep.
 */
long aio_take(struct aio_context *context, u32 least, u32 most, vaddr_t events, nsec_t deadline);

#endif
