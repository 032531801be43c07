/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that stand for a process (pidfd_open(2)).
 */
#ifndef IPC_PIDFD_H
#define IPC_PIDFD_H

#include "fs/file.h"

struct process;

enum { PIDFD_NONBLOCK = O_NONBLOCK };

/* Fills in proc's pidfd_hooks.  Once. */
void pidfd_init(void);

/* A file for a process, which it keeps a reference on.  flags: PIDFD_NONBLOCK.  A file or ERR_PTR.
 */
struct file *pidfd_create(struct process *process, u32 flags);

/* The process that a file stands for, or NULL when it is another kind of file.  No reference. */
struct process *pidfd_process(const struct file *file);

#endif
