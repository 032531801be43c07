/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals about open files: O_ASYNC, F_SETOWN, F_SETSIG (fcntl(2)).  All functions may sleep, and
 * are called without locks.
 */
#ifndef FS_ASYNC_H
#define FS_ASYNC_H

#include "fs/file.h"

/* Who is told: a thread, process or group (F_OWNER_*) by number; 0: nobody.  0, -ESRCH, -ENOMEM. */
int __must_check async_set_owner(struct file *file, int type, pid_t number);
/* The number, 0 for nobody; *type. */
pid_t async_get_owner(struct file *file, int *type);
/* F_SETSIG, with a signal or 0 for SIGIO: 0 or -ENOMEM; and F_GETSIG. */
int __must_check async_set_signal(struct file *file, int signal);
int async_get_signal(struct file *file);
/* O_ASYNC is set or cleared; `fd`: what the signal's information names.  0 or -ENOMEM. */
int __must_check async_set_enabled(struct file *file, int fd, bool enabled);

/* Urgent data has arrived: SIGURG to the owner, if there is one. */
void async_urgent(struct file *file);
/* Makes the caller's process the owner, if the file has none; `fd` as above.  0 or -ENOMEM. */
int __must_check async_own(struct file *file, int fd);

/* dnotify.c: F_NOTIFY, with DN_*: the owner is told of what happens in the directory.  0, -ENOTDIR,
 * -ENOMEM. */
int __must_check dnotify_control(struct file *file, int fd, u32 what);

#endif
