/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving data into, out of and between pipes without a program's buffer: splice(2), tee(2),
 * vmsplice(2).
 *
 * All may sleep, and return bytes, 0 at the end of the data, or negative errno: -EAGAIN (flags has
 * SPLICE_F_NONBLOCK), -EPIPE, -ERESTARTSYS, -ENOMEM.  Files are open for what is done with them,
 * lengths are at most IO_MAX_BYTES.
 */
#ifndef IPC_SPLICE_H
#define IPC_SPLICE_H

#include "fs/file.h"
#include "mm/iov.h"

struct pipe;

enum splice_flags {
	SPLICE_F_MOVE = 1 << 0,
	SPLICE_F_NONBLOCK = 1 << 1,
	SPLICE_F_MORE = 1 << 2,
	SPLICE_F_GIFT = 1 << 3,
	SPLICE_F_ALL = (1 << 4) - 1,
};

/* From a file to a pipe, as much as there is room for; advances *position. */
ssize_t splice_to_pipe(struct file *in, off_t *position, struct pipe *out, size_t length,
		       u32 flags);
/* From a pipe to a file. */
ssize_t splice_from_pipe(struct pipe *in, struct file *out, off_t *position, size_t length,
			 u32 flags);
/* From one pipe to another; `keep` leaves the data in the first (tee). */
ssize_t splice_pipes(struct pipe *in, struct pipe *out, size_t length, u32 flags, bool keep);
/* From a program's memory, whose pages the pipe then holds, to a pipe; and back, copied.  Both are
 * the current program's. */
ssize_t splice_user_to_pipe(struct io_cursor *cursor, struct pipe *out, u32 flags);
ssize_t splice_pipe_to_user(struct pipe *in, struct io_cursor *cursor, u32 flags);

#endif
