/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for any of several files: what poll(2) and select(2) are made of.
 *
 *	poll_set_init(&set);
 *	do {
 *		for each file: poll_set_check(&set, fd, events) tells what holds, and enrols if
 *			nothing did so far
 *	} while (none is ready && poll_set_wait(&set, deadline) == 0);
 *	poll_set_finish(&set);
 */
#ifndef IPC_POLL_SET_H
#define IPC_POLL_SET_H

#include "fs/poll.h"
#include "lib/sync.h"

struct poll_set;

/* The current task on one wait queue; holds the file, so that the queue stays. */
struct poll_entry {
	struct waiter waiter;
	struct poll_set *set;
	struct file *file;
	wait_queue_t *queue;
	u32 events;
};

#define POLL_INLINE_ENTRIES 8
#define POLL_CHUNK_ENTRIES  32

struct poll_chunk {
	struct poll_chunk *next;
	u32 count;
	struct poll_entry entries[POLL_CHUNK_ENTRIES];
};

struct poll_set {
	struct poll_table table;
	bool triggered; /* atomic: an event came since the last look */
	bool enrolled;  /* the queues have been joined: later looks do not join again */
	int error;      /* -ENOMEM when a queue could not be joined */
	u32 inline_count;
	struct poll_chunk *chunks; /* newest first */
	struct poll_entry inline_entries[POLL_INLINE_ENTRIES];
};

void poll_set_init(struct poll_set *set);
/* Leaves all queues and drops the files. */
void poll_set_finish(struct poll_set *set);

/*
 * What holds of `events` (and POLLERR, POLLHUP) for a descriptor; POLLNVAL for one that is not
 * open.  On the first round joins the file's queues, unless `ready` says that something was found
 * already.  May sleep.
 */
u32 poll_set_check(struct poll_set *set, int fd, u32 events, bool ready);

/* Sleeps until an event comes: 0; -ETIMEDOUT; -EINTR for a signal; -ENOMEM.  After it, look again.
 */
int poll_set_wait(struct poll_set *set, nsec_t deadline);

#endif
