/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring: requests and answers through rings in shared memory (io_uring(7)).
 *
 * A request is carried out at once where it was submitted, as the system call that it stands for.
 * Where that would have to wait for somebody, the request waits instead: on the queues that poll(2)
 * would use, or for a timer.  When its time has come it is tried again by a thread of the program:
 * one that is in io_uring_enter(2), or else the one that submitted it, before it next runs the
 * program (TASK_WORK_URING).
 *
 * The rings' heads and tails are the program's to scribble on: what it says is read once, masked,
 * and believed in nothing else.
 */
#ifndef IPC_URING_H
#define IPC_URING_H

#include "fs/file.h"
#include "lib/abi/uring.h"

struct uring;
struct uring_request;

/* What the floor of system calls brings, once. */
struct uring_ops {
	/* Carries a request out: its result.  -ERESTARTSYS and the like: it would have to wait.
	 * `file` is what the request is about, or NULL. */
	s64 (*execute)(struct uring *ring, const struct uring_sqe *sqe, struct file *file);
	/* The events that one of that kind waits for; 0: it never does. */
	u32 (*events)(u8 opcode);
	bool (*is_known)(u8 opcode);
};
void uring_set_ops(const struct uring_ops *ops);

/* A new ring's file, for io_uring_setup(2); fills in *params.  ERR_PTR. */
struct file *uring_create(u32 entries, struct uring_params *params);
/* The ring of a file, or NULL. */
struct uring *uring_of(const struct file *file);
/* Takes up to that many requests from the ring: how many, or an error for the first. */
long uring_submit(struct uring *ring, u32 count);
/* Until so many answers are there: 0, -EINTR, -ETIME.  May sleep. */
int __must_check uring_wait(struct uring *ring, u32 count, nsec_t deadline);

void uring_lock(struct uring *ring);
void uring_unlock(struct uring *ring);
/* io_uring_register(2)'s parts, with the lock held: 0 or an error. */
int __must_check uring_set_files(struct uring *ring, vaddr_t fds, u32 count);
long uring_update_files(struct uring *ring, u32 offset, vaddr_t fds, u32 count);
int __must_check uring_drop_files(struct uring *ring);
int __must_check uring_set_buffers(struct uring *ring, vaddr_t vector, u32 count);
int __must_check uring_drop_buffers(struct uring *ring);
int __must_check uring_set_eventfd(struct uring *ring, int fd); /* -1: none */
/* Is the memory part of that registered buffer?  0 or -EFAULT. */
int __must_check uring_check_buffer(const struct uring *ring, u16 index, vaddr_t address,
				    size_t length);

/* IORING_OP_PROVIDE_BUFFERS and REMOVE_BUFFERS, and buffers in a ring of the program's, with the lock
 * held: 0 or a count, or an error. */
long uring_provide_buffers(struct uring *ring, const struct uring_sqe *sqe);
long uring_remove_buffers(struct uring *ring, const struct uring_sqe *sqe);
int __must_check uring_set_buffer_ring(struct uring *ring, const struct uring_buffer_ring *setting);
int __must_check uring_drop_buffer_ring(struct uring *ring, u16 group);

/* Before current next runs the program: what has become ready. */
void uring_run(void);
/* Current's process is about to leave its memory for another program's: what waits is called off. */
void uring_exec(void);

#endif
