/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring's numbers and structures, as far as the programs here use them: musl has none.
 */
#ifndef ABI_URING_H
#define ABI_URING_H

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
	IORING_OP_CONNECT = 16,
	IORING_OP_FALLOCATE = 17,
	IORING_OP_OPENAT = 18,
	IORING_OP_CLOSE = 19,
	IORING_OP_READ = 22,
	IORING_OP_SEND = 26,
	IORING_OP_RECV = 27,
	IORING_OP_RENAMEAT = 35,
	IORING_OP_UNLINKAT = 36,
	IORING_OP_MKDIRAT = 37,

	IOSQE_FIXED_FILE = 1,
	IOSQE_IO_DRAIN = 2,
	IOSQE_IO_LINK = 4,
	IOSQE_IO_HARDLINK = 8,

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
};

#define IORING_OFF_SQ_RING 0
#define IORING_OFF_CQ_RING 0x8000000
#define IORING_OFF_SQES    0x10000000

#endif
