/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event files: counters, timers and signals that are read and polled like files (eventfd(2),
 * timerfd_create(2), signalfd(2)).
 */
#ifndef IPC_EVENT_H
#define IPC_EVENT_H

#include "fs/file.h"
#include "lib/abi/signal.h"
#include "lib/abi/time.h"

enum { EFD_SEMAPHORE = 1, EFD_CLOEXEC = O_CLOEXEC, EFD_NONBLOCK = O_NONBLOCK };

/* A new event counter.  A file or ERR_PTR. */
struct file *eventfd_create(u64 initial, u32 flags);
/* Is the file one; and adding one to it, if it is, which never waits. */
bool eventfd_is(const struct file *file);
void eventfd_count(struct file *file);

enum { SFD_CLOEXEC = O_CLOEXEC, SFD_NONBLOCK = O_NONBLOCK };

/* A file that gives the signals of a set to who reads it.  A file or ERR_PTR. */
struct file *signalfd_create(sigset_t set, u32 flags);
/* Another set for such a file.  0, or -EINVAL when it is none. */
int __must_check signalfd_set(struct file *file, sigset_t set);

/* A new, disarmed timer on a clock.  A file or ERR_PTR: -EINVAL for a clock that cannot have one.
 */
struct file *timerfd_create(clockid_t clock, u32 flags);
/* timerfd_settime(2) and timerfd_gettime(2), arguments checked.  -EINVAL when the file is no timer.
 */
long timerfd_set(struct file *file, u32 flags, const struct linux_itimerspec *setting,
		 struct linux_itimerspec *old);
long timerfd_get(struct file *file, struct linux_itimerspec *setting);

#endif
