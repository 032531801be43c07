/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's native asynchronous I/O (io_submit(2)): what programs and the kernel share. */
#ifndef LIB_ABI_AIO_H
#define LIB_ABI_AIO_H

#include "lib/types.h"

enum aio_command {
	IOCB_CMD_PREAD = 0,
	IOCB_CMD_PWRITE = 1,
	IOCB_CMD_FSYNC = 2,
	IOCB_CMD_FDSYNC = 3,
	IOCB_CMD_POLL = 5,
	IOCB_CMD_NOOP = 6,
	IOCB_CMD_PREADV = 7,
	IOCB_CMD_PWRITEV = 8,
};

enum aio_flags { IOCB_FLAG_RESFD = 1 << 0, IOCB_FLAG_IOPRIO = 1 << 1 };

/* A request: struct iocb. */
struct aio_request {
	u64 data;
	u32 key; /* the kernel writes 0 */
	s32 rw_flags;
	u16 command;
	s16 priority;
	u32 fd;
	u64 buffer; /* or the events to wait for */
	u64 length;
	s64 offset;
	u64 reserved;
	u32 flags;
	u32 result_fd;
};
_Static_assert(sizeof(struct aio_request) == 64, "Linux's size");

/* An answer: struct io_event. */
struct aio_event {
	u64 data;
	u64 request; /* its address */
	s64 result;
	s64 result2;
};

/* What is at the beginning of the memory that the context's number is the address of; answers
 * follow.  Programs may take answers out by themselves. */
struct aio_ring {
	u32 id;
	u32 slots;
	u32 head; /* the program's, or the kernel's for it */
	u32 tail; /* the kernel's */
	u32 magic;
	u32 compatible_features;
	u32 incompatible_features;
	u32 header_length;
};
#define AIO_RING_MAGIC 0xa10a10a1u
_Static_assert(sizeof(struct aio_ring) == sizeof(struct aio_event), "no answer crosses a page");

#endif
