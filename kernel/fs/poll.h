/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for files to become ready: what select, poll and epoll ask of a file.
 *
 * file_operations.poll returns the events that hold now, and before looking at its state calls
 * poll_wait() for each queue that is woken when one of them changes (wake_up_events with the
 * events).  A table with queue NULL, or NULL itself, asks for the state alone.
 */
#ifndef FS_POLL_H
#define FS_POLL_H

#include "lib/sync.h"
#include "lib/types.h"

struct file;

enum poll_events {
	POLLIN = 0x0001,
	POLLPRI = 0x0002,
	POLLOUT = 0x0004,
	POLLERR = 0x0008,
	POLLHUP = 0x0010,
	POLLNVAL = 0x0020,
	POLLRDNORM = 0x0040,
	POLLRDBAND = 0x0080,
	POLLWRNORM = 0x0100,
	POLLWRBAND = 0x0200,
	POLLMSG = 0x0400,
	POLLRDHUP = 0x2000,
};

/* What files that are always ready answer: regular files, directories. */
#define POLL_ALWAYS_READY (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

struct poll_table {
	void (*queue)(struct poll_table *table, struct file *file, wait_queue_t *queue);
	u32 events; /* the events that the waiter wants */
};

static inline void poll_wait(struct file *file, wait_queue_t *queue, struct poll_table *table)
{
	if (table && table->queue)
		table->queue(table, file, queue);
}

#endif
