/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of pipes, fifos and splice share.  See pipe.c for how a pipe works.
 */
#ifndef IPC_PIPE_INTERNAL_H
#define IPC_PIPE_INTERNAL_H

#include "ipc/pipe.h"
#include "mm/frame.h"

#define PIPE_READABLE (POLLIN | POLLRDNORM)
#define PIPE_WRITABLE (POLLOUT | POLLWRNORM)

enum slot_flags {
	SLOT_PACKET = 1 << 0, /* nothing may be added, and a read ends behind it */
	SLOT_SHARED = 1 << 1, /* the frame has other users, too: nobody writes to it */
	SLOT_PINNED = 1 << 2, /* it is a program's (mm/pin.h), and shared */
};

struct pipe_slot {
	phys_t frame;
	u32 offset, length;
	u32 flags; /* enum slot_flags */
};

struct pipe {
	mutex_t lock;
	struct pipe_slot *slots;
	u32 capacity; /* slots; a power of two */
	u32 head;     /* the next slot to be written; counts up for ever */
	u32 tail;     /* the slot to be read */
	u32 held;     /* slots that splice has on the way, in or out, without the lock */
	phys_t spare; /* 0 or a frame */
	u32 readers, writers;
	u32 opens_for_reading, opens_for_writing; /* ever: what a fifo's open waits for */
	u32 files;                                /* open files; the last one frees */
	bool nameless;                            /* constant: from pipe(2), not a fifo */
	wait_queue_t read_wait, write_wait;
};

static inline bool pipe_is_empty(const struct pipe *pipe)
{
	return READ_ONCE(pipe->head) == READ_ONCE(pipe->tail);
}

/* Will nothing more come?  What splice has on its way out may come back. */
static inline bool pipe_is_over(const struct pipe *pipe)
{
	return READ_ONCE(pipe->writers) == 0 && READ_ONCE(pipe->held) == 0;
}

/*
 * How many of `wanted` slots may be put in now.  While memory is short a pipe holds one page, so
 * that pipes which nobody reads do not take what everybody needs.  So a pipe may come to have room
 * without anybody reading.
 */
static inline u32 pipe_room(const struct pipe *pipe, u32 wanted)
{
	u32 used = READ_ONCE(pipe->head) - READ_ONCE(pipe->tail) + READ_ONCE(pipe->held);
	u32 capacity = READ_ONCE(pipe->capacity);

	if (used >= capacity)
		return 0;
	if (used + wanted > 1 && unlikely(frame_is_short()))
		return used == 0;
	return MIN(wanted, capacity - used);
}

static inline bool pipe_is_full(const struct pipe *pipe)
{
	return pipe_room(pipe, 1) == 0;
}

static inline struct pipe_slot *pipe_slot(struct pipe *pipe, u32 position)
{
	return &pipe->slots[position & (pipe->capacity - 1)];
}

/* An empty pipe that nobody has open; NULL: no memory. */
struct pipe *pipe_alloc(void);

extern const struct file_operations pipe_operations;
/* pipe_operations.release, also for an open of a fifo that fails. */
void pipe_release(struct file *file);

/* SIGPIPE to the current task; -EPIPE. */
int pipe_broken(void);

/* --- With the pipe's lock held --- */

/* Takes what is there, as far as it fits.  Bytes, or -EFAULT if the first was bad. */
ssize_t pipe_take(struct pipe *pipe, struct io_cursor *cursor);
/* Drops what a slot, which is not in the pipe any more, has. */
void pipe_release_slot(struct pipe *pipe, const struct pipe_slot *slot);
/* A frame of the pipe's own, or 0. */
phys_t pipe_take_frame(struct pipe *pipe);

#endif
