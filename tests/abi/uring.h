/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring's numbers and structures, as far as the programs here use them, for musl has none; and
 * rings by hand.
 */
#ifndef ABI_URING_H
#define ABI_URING_H

#include "abi.h"

#include <stdint.h>

struct io_uring_sqe {
	uint8_t opcode, flags;
	uint16_t ioprio;
	int32_t fd;
	union {
		uint64_t off, addr2;
	};
	uint64_t addr;
	uint32_t len;
	union {
		uint32_t open_flags, poll32_events, op_flags;
	};
	uint64_t user_data;
	uint16_t buf_index, personality;
	int32_t file_index;
	uint64_t rest[2];
};

struct io_uring_cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
};

struct io_uring_params {
	uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd;
	uint32_t resv[3];
	struct {
		uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, resv1;
		uint64_t resv2;
	} sq_off;
	struct {
		uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, resv1;
		uint64_t resv2;
	} cq_off;
};

struct io_uring_probe_op {
	uint8_t op, resv;
	uint16_t flags;
	uint32_t resv2;
};

struct io_uring_probe {
	uint8_t last_op, ops_len;
	uint16_t resv;
	uint32_t resv2[3];
	struct io_uring_probe_op ops[];
};

enum {
	IORING_OP_NOP = 0,
	IORING_OP_WRITEV = 2,
	IORING_OP_FSYNC = 3,
	IORING_OP_READ_FIXED = 4,
	IORING_OP_POLL_ADD = 6,
	IORING_OP_TIMEOUT = 11,
	IORING_OP_TIMEOUT_REMOVE = 12,
	IORING_OP_ACCEPT = 13,
	IORING_OP_ASYNC_CANCEL = 14,
	IORING_OP_LINK_TIMEOUT = 15,
	IORING_OP_CONNECT = 16,
	IORING_OP_FALLOCATE = 17,
	IORING_OP_OPENAT = 18,
	IORING_OP_CLOSE = 19,
	IORING_OP_READ = 22,
	IORING_OP_SEND = 26,
	IORING_OP_RECV = 27,
	IORING_OP_PROVIDE_BUFFERS = 31,
	IORING_OP_REMOVE_BUFFERS = 32,
	IORING_OP_RENAMEAT = 35,
	IORING_OP_UNLINKAT = 36,
	IORING_OP_MKDIRAT = 37,

	IOSQE_FIXED_FILE = 1,
	IOSQE_IO_DRAIN = 2,
	IOSQE_IO_LINK = 4,
	IOSQE_IO_HARDLINK = 8,
	IOSQE_BUFFER_SELECT = 32,

	IORING_SETUP_CQSIZE = 8,
	IORING_ENTER_GETEVENTS = 1,
	IORING_SQ_CQ_OVERFLOW = 2,
	IO_URING_OP_SUPPORTED = 1,

	IORING_REGISTER_BUFFERS = 0,
	IORING_UNREGISTER_BUFFERS = 1,
	IORING_REGISTER_FILES = 2,
	IORING_UNREGISTER_FILES = 3,
	IORING_REGISTER_EVENTFD = 4,
	IORING_REGISTER_PROBE = 8,
	IORING_REGISTER_PBUF_RING = 22,
	IORING_UNREGISTER_PBUF_RING = 23,

	IORING_CQE_F_BUFFER = 1,
	IORING_CQE_F_MORE = 2,
};

#define IORING_OFF_SQ_RING 0
#define IORING_OFF_CQ_RING 0x8000000
#define IORING_OFF_SQES    0x10000000

struct ring {
	int fd;
	struct io_uring_params p;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static inline unsigned *word(char *base, unsigned offset)
{
	return (unsigned *)(base + offset);
}

static inline bool make(struct ring *ring, unsigned entries, unsigned flags, unsigned cq_entries)
{
	memset(ring, 0, sizeof(*ring));
	ring->p.flags = flags;
	ring->p.cq_entries = cq_entries;
	ring->fd = (int)syscall(SYS_io_uring_setup, entries, &ring->p);
	if (ring->fd < 0)
		return false;
	size_t sq = ring->p.sq_off.array + ring->p.sq_entries * sizeof(unsigned);
	size_t cq = ring->p.cq_off.cqes + ring->p.cq_entries * sizeof(struct io_uring_cqe);
	ring->sq = mmap(NULL, sq, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->cq = mmap(NULL, cq, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->sqes = mmap(NULL, ring->p.sq_entries * sizeof(struct io_uring_sqe),
			  PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	return ring->sq != MAP_FAILED && ring->cq != MAP_FAILED && ring->sqes != MAP_FAILED;
}

static inline void drop(struct ring *ring)
{
	munmap(ring->sq, ring->p.sq_off.array + ring->p.sq_entries * sizeof(unsigned));
	munmap(ring->cq, ring->p.cq_off.cqes + ring->p.cq_entries * sizeof(struct io_uring_cqe));
	munmap(ring->sqes, ring->p.sq_entries * sizeof(struct io_uring_sqe));
	close(ring->fd);
}

/* The next request to fill in; it is the program's until enter(). */
static inline struct io_uring_sqe *next(struct ring *ring, int op, int fd, unsigned long data)
{
	unsigned tail = *word(ring->sq, ring->p.sq_off.tail);
	unsigned index = tail & *word(ring->sq, ring->p.sq_off.ring_mask);
	struct io_uring_sqe *sqe = &ring->sqes[index];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = (unsigned char)op;
	sqe->fd = fd;
	sqe->user_data = data;
	word(ring->sq, ring->p.sq_off.array)[index] = index;
	__atomic_store_n(word(ring->sq, ring->p.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	return sqe;
}

static inline long enter(struct ring *ring, unsigned submit, unsigned wait)
{
	return syscall(SYS_io_uring_enter, ring->fd, submit, wait,
		       wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

static inline unsigned there(struct ring *ring)
{
	return __atomic_load_n(word(ring->cq, ring->p.cq_off.tail), __ATOMIC_ACQUIRE) -
	       *word(ring->cq, ring->p.cq_off.head);
}

/* Takes the oldest answer; result -9999 when there is none. */
static inline struct io_uring_cqe answer(struct ring *ring)
{
	struct io_uring_cqe cqe = {.res = -9999};
	unsigned head = *word(ring->cq, ring->p.cq_off.head);

	if (there(ring) == 0)
		return cqe;
	cqe = ((struct io_uring_cqe
			*)(ring->cq +
			   ring->p.cq_off.cqes))[head & *word(ring->cq, ring->p.cq_off.ring_mask)];
	__atomic_store_n(word(ring->cq, ring->p.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return cqe;
}

/* Submits one and takes its answer. */
static inline int one(struct ring *ring)
{
	if (enter(ring, 1, 1) != 1)
		return -9998;
	return answer(ring).res;
}

#endif
