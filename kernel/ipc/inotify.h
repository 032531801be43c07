/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify(7): files that tell what happens to other files.  All functions may sleep.
 */
#ifndef IPC_INOTIFY_H
#define IPC_INOTIFY_H

#include "fs/file.h"

enum inotify_flags {
	IN_Q_OVERFLOW = 0x4000,
	IN_IGNORED = 0x8000,
	IN_ONLYDIR = 0x01000000,
	IN_DONT_FOLLOW = 0x02000000,
	IN_EXCL_UNLINK = 0x04000000,
	IN_MASK_CREATE = 0x10000000,
	IN_MASK_ADD = 0x20000000,
	IN_CLOEXEC = O_CLOEXEC,
	IN_NONBLOCK = O_NONBLOCK,
};
#define IN_ONESHOT 0x80000000u

/* /proc/sys/fs/inotify; single words, read and written without a lock. */
struct inotify_settings {
	u64 queued_events, user_instances, user_watches;
};
extern struct inotify_settings inotify_settings;

/* Chooses the limits by how much memory there is.  Once, at start-up. */
void inotify_init(void);

/* inotify_init1(2) with checked flags: a file, or ERR_PTR(-EMFILE, -ENOMEM, …). */
struct file *inotify_create(u32 flags);
/*
 * inotify_add_watch(2) for what a path names, mask checked: the watch's number.  -EINVAL when the
 * file is no inotify file, -EEXIST, -ENOSPC, -ENOMEM.
 */
long inotify_add(struct file *file, const struct path *path, u32 mask);
/* inotify_rm_watch(2): 0 or -EINVAL. */
long inotify_remove(struct file *file, int number);
bool inotify_is_file(const struct file *file);

#endif
