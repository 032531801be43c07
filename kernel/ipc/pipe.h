/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes and fifos: pipe(7), fifo(7).
 */
#ifndef IPC_PIPE_H
#define IPC_PIPE_H

#include "fs/file.h"

struct pipe;

/* The largest capacity that an unprivileged F_SETPIPE_SZ gets, in bytes
 * (/proc/sys/fs/pipe-max-size). */
#define PIPE_MAX_SIZE (1024 * KIB)

/* A new pipe's two ends.  flags: O_NONBLOCK, O_DIRECT (packets).  0, -ENFILE, -ENOMEM.  May sleep.
 */
int __must_check pipe_create(struct file *ends[2], u32 flags);

/* The pipe of a file, or NULL when it is none. */
struct pipe *pipe_of_file(const struct file *file);

/* Makes fifos work: hands the file system their operations.  Once, at start-up. */
void pipe_init(void);

#endif
