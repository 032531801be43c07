/* SPDX-License-Identifier: BSD-2-Clause */
/* io_uring(7): what programs and the kernel share. */
#ifndef LIB_ABI_URING_H
#define LIB_ABI_URING_H

#include "lib/types.h"

struct uring_sqe {
	u8 opcode;
	u8 flags; /* IOSQE_* */
	u16 ioprio;
	s32 fd;
	u64 offset;  /* or a second address */
	u64 address; /* or where splice(2) reads */
	u32 length;
	u32 op_flags;
	u64 user_data;
	u16 buffer; /* index of a registered buffer, or a group of provided ones */
	u16 personality;
	s32 splice_fd; /* or file_index */
	u64 address3;
	u64 padding;
};
_Static_assert(sizeof(struct uring_sqe) == 64, "Linux's size");

struct uring_cqe {
	u64 user_data;
	s32 result;
	u32 flags;
};

enum uring_op {
	IORING_OP_NOP,
	IORING_OP_READV,
	IORING_OP_WRITEV,
	IORING_OP_FSYNC,
	IORING_OP_READ_FIXED,
	IORING_OP_WRITE_FIXED,
	IORING_OP_POLL_ADD,
	IORING_OP_POLL_REMOVE,
	IORING_OP_SYNC_FILE_RANGE,
	IORING_OP_SENDMSG,
	IORING_OP_RECVMSG,
	IORING_OP_TIMEOUT,
	IORING_OP_TIMEOUT_REMOVE,
	IORING_OP_ACCEPT,
	IORING_OP_ASYNC_CANCEL,
	IORING_OP_LINK_TIMEOUT,
	IORING_OP_CONNECT,
	IORING_OP_FALLOCATE,
	IORING_OP_OPENAT,
	IORING_OP_CLOSE,
	IORING_OP_FILES_UPDATE,
	IORING_OP_STATX,
	IORING_OP_READ,
	IORING_OP_WRITE,
	IORING_OP_FADVISE,
	IORING_OP_MADVISE,
	IORING_OP_SEND,
	IORING_OP_RECV,
	IORING_OP_OPENAT2,
	IORING_OP_EPOLL_CTL,
	IORING_OP_SPLICE,
	IORING_OP_PROVIDE_BUFFERS,
	IORING_OP_REMOVE_BUFFERS,
	IORING_OP_TEE,
	IORING_OP_SHUTDOWN,
	IORING_OP_RENAMEAT,
	IORING_OP_UNLINKAT,
	IORING_OP_MKDIRAT,
	IORING_OP_SYMLINKAT,
	IORING_OP_LINKAT,
	IORING_OP_LAST
};

enum uring_sqe_flags {
	IOSQE_FIXED_FILE = 1 << 0,
	IOSQE_IO_DRAIN = 1 << 1,
	IOSQE_IO_LINK = 1 << 2,
	IOSQE_IO_HARDLINK = 1 << 3,
	IOSQE_ASYNC = 1 << 4,
	IOSQE_BUFFER_SELECT = 1 << 5,
	IOSQE_CQE_SKIP_SUCCESS = 1 << 6,
};

struct uring_sq_offsets {
	u32 head, tail, ring_mask, ring_entries, flags, dropped, array, reserved;
	u64 user_address;
};

struct uring_cq_offsets {
	u32 head, tail, ring_mask, ring_entries, overflow, cqes, flags, reserved;
	u64 user_address;
};

struct uring_params {
	u32 sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd;
	u32 reserved[3];
	struct uring_sq_offsets sq;
	struct uring_cq_offsets cq;
};
_Static_assert(sizeof(struct uring_params) == 120, "Linux's size");

enum {
	IORING_SETUP_CQSIZE = 1 << 3,
	IORING_SETUP_CLAMP = 1 << 4,
	IORING_SETUP_SUBMIT_ALL = 1 << 7,
	IORING_SETUP_COOP_TASKRUN = 1 << 8,

	IORING_FEAT_NODROP = 1 << 1,
	IORING_FEAT_SUBMIT_STABLE = 1 << 2,
	IORING_FEAT_RW_CUR_POS = 1 << 3,
	IORING_FEAT_FAST_POLL = 1 << 5,
	IORING_FEAT_POLL_32BITS = 1 << 6,
	IORING_FEAT_EXT_ARG = 1 << 8,
	IORING_FEAT_CQE_SKIP = 1 << 11,

	IORING_ENTER_GETEVENTS = 1 << 0,
	IORING_ENTER_SQ_WAKEUP = 1 << 1,
	IORING_ENTER_EXT_ARG = 1 << 3,

	IORING_SQ_CQ_OVERFLOW = 1 << 1,

	IORING_TIMEOUT_ABS = 1 << 0,
	IORING_FSYNC_DATASYNC = 1 << 0,
	IORING_CQE_F_BUFFER = 1 << 0,
	IORING_CQE_F_MORE = 1 << 1,
	IORING_CQE_BUFFER_SHIFT = 16,
	IORING_ACCEPT_MULTISHOT = 1 << 0, /* in ioprio */
	IORING_RECV_MULTISHOT = 1 << 1,   /* likewise */
	IORING_POLL_ADD_MULTI = 1 << 0,

	IORING_ASYNC_CANCEL_ALL = 1 << 0,
	IORING_ASYNC_CANCEL_FD = 1 << 1,
	IORING_ASYNC_CANCEL_ANY = 1 << 2,
};

enum {
	IORING_REGISTER_BUFFERS = 0,
	IORING_UNREGISTER_BUFFERS = 1,
	IORING_REGISTER_FILES = 2,
	IORING_UNREGISTER_FILES = 3,
	IORING_REGISTER_EVENTFD = 4,
	IORING_UNREGISTER_EVENTFD = 5,
	IORING_REGISTER_FILES_UPDATE = 6,
	IORING_REGISTER_EVENTFD_ASYNC = 7,
	IORING_REGISTER_PROBE = 8,
	IORING_REGISTER_PBUF_RING = 22,
	IORING_UNREGISTER_PBUF_RING = 23,
};

/* Provided buffers in a ring of the program's: these, of which the first one's last word is the tail. */
struct uring_buffer_entry {
	u64 address;
	u32 length;
	u16 id;
	u16 tail;
};

struct uring_buffer_ring {
	u64 address;
	u32 entries;
	u16 group;
	u16 flags;
	u64 reserved[3];
};

struct uring_files_update {
	u32 offset, reserved;
	u64 fds;
};

struct uring_probe_op {
	u8 op, reserved;
	u16 flags; /* IO_URING_OP_SUPPORTED */
	u32 reserved2;
};
#define IO_URING_OP_SUPPORTED 1

struct uring_probe {
	u8 last_op, ops_count;
	u16 reserved;
	u32 reserved2[3];
};

struct uring_getevents {
	u64 mask;
	u32 mask_size, padding;
	u64 timeout;
};

/* Where mmap(2) finds the parts. */
#define IORING_OFF_SQ_RING 0ull
#define IORING_OFF_CQ_RING 0x8000000ull
#define IORING_OFF_SQES    0x10000000ull

#endif
