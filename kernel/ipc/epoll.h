/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll(7): a set of files, and a list of those that became ready.
 */
#ifndef IPC_EPOLL_H
#define IPC_EPOLL_H

#include "fs/file.h"

/* Bits of events beyond those of poll. */
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET        (1u << 31)

enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3 };
#define EPOLL_CLOEXEC O_CLOEXEC

/* As programs pass it, packed on x86-64. */
struct linux_epoll_event {
	u32 events;
	u64 data;
} __packed;

/* A new, empty set.  A file or ERR_PTR(-ENOMEM). */
struct file *epoll_create_file(void);
bool file_is_epoll(const struct file *file);

/* epoll_ctl(2) with the event copied in (for CTL_DEL ignored).  `fd` is remembered as part of the
 * key. */
int __must_check epoll_control(struct file *epoll, int operation, struct file *file, int fd,
			       const struct linux_epoll_event *event);

/*
 * epoll_wait(2): up to `limit` events to the program's array.  Their number; 0 after the deadline
 * (0: do not wait); -EINTR, -EFAULT.
 */
long epoll_wait_events(struct file *epoll, vaddr_t events, u32 limit, nsec_t deadline);

/* Start-up: sees to it that files leave their sets when they are closed for good. */
void epoll_init(void);

#endif
