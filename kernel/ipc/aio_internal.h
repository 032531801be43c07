/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of native asynchronous I/O.
 *
 * Locks, outermost first: polls_lock (aio_poll.c; what waits, of all contexts), context->lock (spin:
 * the ring).  context->take_lock (mutex) makes takers one after the other.  contexts_lock (aio.c) is
 * inside none of them.
 */
#ifndef IPC_AIO_INTERNAL_H
#define IPC_AIO_INTERNAL_H

#include "ipc/aio.h"
#include "lib/list.h"
#include "lib/sync.h"

struct address_space;
struct backing;

struct aio_context {
	u32 refs;                          /* atomic: while it is listed, users, what waits */
	struct list_head link;             /* contexts_lock */
	const struct address_space *space; /* const; only compared */
	vaddr_t number;                    /* const: where the ring is mapped */
	u32 requests;                      /* const: as counted in aio_limits */
	u32 slots, pages;                  /* const */
	struct backing *backing;           /* const; counted */
	phys_t *frames;                    /* const: the ring's, each with a reference */
	mutex_t take_lock;
	spinlock_t lock;
	u32 tail;      /* lock; the program's copy is written only */
	u32 in_flight; /* lock: room taken for answers that are to come */
	bool ended;    /* contexts_lock to set */
	wait_queue_t answered;
};

/* Calls off everything that waits in a context.  polls_lock not held. */
void aio_cancel_all(struct aio_context *context);

#endif
