/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of inotify: inotify.c has the watches, inotify_queue.c the events.
 */
#ifndef IPC_INOTIFY_INTERNAL_H
#define IPC_INOTIFY_INTERNAL_H

#include "fs/notify.h"
#include "ipc/inotify.h"
#include "lib/radix.h"

/* What a program reads; the name follows, with zeros up to a multiple of this size. */
struct linux_inotify_event {
	s32 number;
	u32 mask;
	u32 cookie;
	u32 length;
};

struct inotify_event {
	struct list_head link; /* lock */
	s32 number;
	u32 mask;
	u32 cookie;
	u32 length;
	char name[]; /* not terminated */
};

struct inotify {
	u32 refs;                       /* atomic: the file, and each watch */
	const struct credentials *user; /* who pays */
	mutex_t change;                 /* one watch is added at a time; before the inode's lock */
	spinlock_t lock;                /* after an inode's attribute_lock */
	struct radix_tree watches;      /* by number; lock */
	u32 next_number;                /* lock */
	struct list_head events;        /* lock */
	u32 count;                      /* of events; lock */
	struct inotify_event overflow;  /* on the list, or linked to itself; lock */
	wait_queue_t queue;
};

struct inotify_watch {
	struct notify_watch base; /* first */
	struct inotify *inotify;  /* counted */
	s32 number;
};

void inotify_queue_init(struct inotify *inotify);
/* Adds an event, unless it is the last one again.  Any lock may be held but inotify->lock. */
void inotify_queue(struct inotify *inotify, s32 number, u32 mask, u32 cookie, const char *name,
		   u32 length);
void inotify_queue_destroy(struct inotify *inotify);

ssize_t inotify_read(struct file *file, struct io_cursor *cursor, off_t *position);
u32 inotify_poll(struct file *file, struct poll_table *table);
/* FIONREAD. */
u32 inotify_bytes(struct inotify *inotify);

#endif
