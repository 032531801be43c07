/* SPDX-License-Identifier: BSD-2-Clause */
/* userfaultfd(2): what programs and the kernel say to each other. */
#ifndef LIB_ABI_USERFAULT_H
#define LIB_ABI_USERFAULT_H

#include "lib/types.h"

enum { UFFD_USER_MODE_ONLY = 1 };

#define UFFD_API 0xaa

enum userfault_event {
	UFFD_EVENT_PAGEFAULT = 0x12,
	UFFD_EVENT_FORK = 0x13,
	UFFD_EVENT_REMAP = 0x14,
	UFFD_EVENT_REMOVE = 0x15,
	UFFD_EVENT_UNMAP = 0x16,
};

enum userfault_pagefault_flags {
	UFFD_PAGEFAULT_FLAG_WRITE = 1 << 0,
	UFFD_PAGEFAULT_FLAG_WP = 1 << 1,
	UFFD_PAGEFAULT_FLAG_MINOR = 1 << 2,
};

enum userfault_features {
	UFFD_FEATURE_PAGEFAULT_FLAG_WP = 1 << 0,
	UFFD_FEATURE_EVENT_FORK = 1 << 1,
	UFFD_FEATURE_EVENT_REMAP = 1 << 2,
	UFFD_FEATURE_EVENT_REMOVE = 1 << 3,
	UFFD_FEATURE_MISSING_HUGETLBFS = 1 << 4,
	UFFD_FEATURE_MISSING_SHMEM = 1 << 5,
	UFFD_FEATURE_EVENT_UNMAP = 1 << 6,
	UFFD_FEATURE_SIGBUS = 1 << 7,
	UFFD_FEATURE_THREAD_ID = 1 << 8,
	UFFD_FEATURE_MINOR_HUGETLBFS = 1 << 9,
	UFFD_FEATURE_MINOR_SHMEM = 1 << 10,
	UFFD_FEATURE_EXACT_ADDRESS = 1 << 11,
	UFFD_FEATURE_WP_HUGETLBFS_SHMEM = 1 << 12,
};

/* Numbers of ioctl(2), and of the bits that stand for them. */
enum {
	UFFDIO_REGISTER_BIT = 0x00,
	UFFDIO_UNREGISTER_BIT = 0x01,
	UFFDIO_WAKE_BIT = 0x02,
	UFFDIO_COPY_BIT = 0x03,
	UFFDIO_ZEROPAGE_BIT = 0x04,
	UFFDIO_WRITEPROTECT_BIT = 0x06,
	UFFDIO_CONTINUE_BIT = 0x07,
	UFFDIO_API_BIT = 0x3f,
};
#define UFFDIO_API          0xc018aa3fu
#define UFFDIO_REGISTER     0xc020aa00u
#define UFFDIO_UNREGISTER   0x8010aa01u
#define UFFDIO_WAKE         0x8010aa02u
#define UFFDIO_COPY         0xc028aa03u
#define UFFDIO_ZEROPAGE     0xc020aa04u
#define UFFDIO_WRITEPROTECT 0xc018aa06u
#define UFFDIO_CONTINUE     0xc020aa07u
#define USERFAULTFD_IOC_NEW 0x0000aa00u /* of /dev/userfaultfd */

enum userfault_register_modes {
	UFFDIO_REGISTER_MODE_MISSING = 1 << 0,
	UFFDIO_REGISTER_MODE_WP = 1 << 1,
	UFFDIO_REGISTER_MODE_MINOR = 1 << 2,
};
enum { UFFDIO_COPY_MODE_DONTWAKE = 1 << 0, UFFDIO_COPY_MODE_WP = 1 << 1 };
enum { UFFDIO_WRITEPROTECT_MODE_WP = 1 << 0, UFFDIO_WRITEPROTECT_MODE_DONTWAKE = 1 << 1 };

struct linux_uffd_msg {
	u8 event;
	u8 reserved[7];
	union {
		struct {
			u64 flags;
			u64 address;
			u32 thread;
		} pagefault;
		struct {
			u32 fd;
		} fork;
		struct {
			u64 from, to, length;
		} remap;
		struct {
			u64 start, end;
		} range; /* REMOVE and UNMAP */
	};
};
_Static_assert(sizeof(struct linux_uffd_msg) == 32, "as Linux has it");

struct linux_uffdio_api {
	u64 api, features, ioctls;
};
struct linux_uffdio_range {
	u64 start, length;
};
struct linux_uffdio_register {
	struct linux_uffdio_range range;
	u64 mode, ioctls;
};
struct linux_uffdio_copy {
	u64 destination, source, length, mode;
	s64 copied;
};
/* UFFDIO_ZEROPAGE and UFFDIO_CONTINUE. */
struct linux_uffdio_fill {
	struct linux_uffdio_range range;
	u64 mode;
	s64 filled;
};
struct linux_uffdio_writeprotect {
	struct linux_uffdio_range range;
	u64 mode;
};

#endif
