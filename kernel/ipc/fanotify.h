/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanotify(7): files that tell what happens to files, mounts and file systems, and that let programs
 * decide whether it may.  All functions may sleep.
 */
#ifndef IPC_FANOTIFY_H
#define IPC_FANOTIFY_H

#include "fs/file.h"

/* Once, at start-up. */
void fanotify_init(void);
/* fanotify_init(2) with checked flags; open_flags: those of the files that events bring.  A file, or
 * ERR_PTR(-EMFILE, -ENOMEM, …). */
struct file *fanotify_create(u32 flags, u32 open_flags, bool privileged);
bool fanotify_is_file(const struct file *file);
/* The flags that it was made with. */
u32 fanotify_flags(const struct file *file);
bool fanotify_is_privileged(const struct file *file);
/*
 * fanotify_mark(2) for what a path names: adds to or removes from its mark.  flags: FAN_MARK_*,
 * checked.  0, -ENOENT, -ENOSPC, -ENOMEM, -EOPNOTSUPP, -ENODEV.
 */
int __must_check fanotify_add(struct file *file, const struct path *path, u32 flags, u32 mask);
int __must_check fanotify_remove(struct file *file, const struct path *path, u32 flags, u32 mask);
/* All marks of the kind that flags name. */
void fanotify_flush(struct file *file, u32 flags);

#endif
