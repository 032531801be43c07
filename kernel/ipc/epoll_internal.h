/* SPDX-License-Identifier: BSD-2-Clause */
/* What epoll.c and epoll_wait.c share; locks in epoll.c. */
#ifndef IPC_EPOLL_INTERNAL_H
#define IPC_EPOLL_INTERNAL_H

#include "ipc/epoll.h"
#include "lib/bitmap.h"
#include "lib/rbtree.h"

/* With this "event" a wake-up concerns those who sleep in epoll_wait, not who polls the set. */
#define EPOLL_WAKE_WAITERS BIT(27)

struct epoll_set {
	mutex_t lock;
	struct rb_root items; /* lock: by file and descriptor */
	spinlock_t ready_lock;
	struct list_head ready; /* ready_lock: items that something happened to */
	wait_queue_t wait;      /* epoll_wait sleeps here, and those who poll the set */
	struct file *file;      /* constant: the set's own file */
};

/* An item on one of its file's wait queues. */
struct epoll_hook {
	struct epoll_hook *next;
	struct waiter waiter;
	wait_queue_t *queue;
	struct epoll_item *item;
};

struct epoll_item {
	struct rb_node node;
	struct epoll_set *set;          /* constant */
	struct file *file;              /* constant; not counted */
	int fd;                         /* constant */
	struct linux_epoll_event event; /* set->lock; `events` is read by wake-ups without it */
	struct list_head ready_link;    /* set->ready_lock */
	struct list_head watch_link;    /* in file->watches: watch_lock */
	struct epoll_hook *hooks;       /* set->lock */
};

/* Puts the item on its set's ready list and wakes a waiter.  Any context. */
void epoll_mark_ready(struct epoll_item *item);
/* What holds now of the events that the item asks for.  set->lock held. */
u32 epoll_item_events(const struct epoll_item *item);
/* Would epoll_wait return at once?  May sleep. */
bool epoll_set_is_ready(struct epoll_set *set);

#endif
