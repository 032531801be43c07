/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs about userfaultfd share: Linux's structures (linux/userfaultfd.h is not among
 * the C library's headers), the calls, and a thread that touches memory.
 */
#ifndef ABI_USERFAULT_H
#define ABI_USERFAULT_H

#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

#define UFFD_USER_MODE_ONLY 1
#define UFFD_API            0xaaul

enum {
	UFFD_EVENT_PAGEFAULT = 0x12,
	UFFD_EVENT_FORK,
	UFFD_EVENT_REMAP,
	UFFD_EVENT_REMOVE,
	UFFD_EVENT_UNMAP,
};
enum {
	UFFD_PAGEFAULT_FLAG_WRITE = 1,
	UFFD_PAGEFAULT_FLAG_WP = 2,
	UFFD_PAGEFAULT_FLAG_MINOR = 4,
};
enum {
	UFFD_FEATURE_PAGEFAULT_FLAG_WP = 1 << 0,
	UFFD_FEATURE_EVENT_FORK = 1 << 1,
	UFFD_FEATURE_EVENT_REMAP = 1 << 2,
	UFFD_FEATURE_EVENT_REMOVE = 1 << 3,
	UFFD_FEATURE_MISSING_SHMEM = 1 << 5,
	UFFD_FEATURE_EVENT_UNMAP = 1 << 6,
	UFFD_FEATURE_SIGBUS = 1 << 7,
	UFFD_FEATURE_THREAD_ID = 1 << 8,
	UFFD_FEATURE_MINOR_SHMEM = 1 << 10,
	UFFD_FEATURE_EXACT_ADDRESS = 1 << 11,
};
enum {
	UFFDIO_REGISTER_MODE_MISSING = 1,
	UFFDIO_REGISTER_MODE_WP = 2,
	UFFDIO_REGISTER_MODE_MINOR = 4,
	UFFDIO_COPY_MODE_DONTWAKE = 1,
	UFFDIO_COPY_MODE_WP = 2,
	UFFDIO_WRITEPROTECT_MODE_WP = 1,
};

struct uffd_msg {
	uint8_t event;
	uint8_t reserved[7];
	union {
		struct {
			uint64_t flags, address;
			union {
				uint32_t ptid;
			} feat;
		} pagefault;
		struct {
			uint32_t ufd;
		} fork;
		struct {
			uint64_t from, to, len;
		} remap;
		struct {
			uint64_t start, end;
		} remove;
	} arg;
};
struct uffdio_api {
	uint64_t api, features, ioctls;
};
struct uffdio_range {
	uint64_t start, len;
};
struct uffdio_register {
	struct uffdio_range range;
	uint64_t mode, ioctls;
};
struct uffdio_copy {
	uint64_t dst, src, len, mode;
	int64_t copy;
};
struct uffdio_zeropage {
	struct uffdio_range range;
	uint64_t mode;
	int64_t zeropage;
};
struct uffdio_continue {
	struct uffdio_range range;
	uint64_t mode;
	int64_t mapped;
};
struct uffdio_writeprotect {
	struct uffdio_range range;
	uint64_t mode;
};

#define UFFDIO 0xaa
enum {
	_UFFDIO_REGISTER = 0,
	_UFFDIO_UNREGISTER,
	_UFFDIO_WAKE,
	_UFFDIO_COPY,
	_UFFDIO_ZEROPAGE,
	_UFFDIO_WRITEPROTECT = 6,
	_UFFDIO_CONTINUE,
	_UFFDIO_API = 0x3f,
};
#define UFFDIO_API          _IOWR(UFFDIO, _UFFDIO_API, struct uffdio_api)
#define UFFDIO_REGISTER     _IOWR(UFFDIO, _UFFDIO_REGISTER, struct uffdio_register)
#define UFFDIO_UNREGISTER   _IOR(UFFDIO, _UFFDIO_UNREGISTER, struct uffdio_range)
#define UFFDIO_WAKE         _IOR(UFFDIO, _UFFDIO_WAKE, struct uffdio_range)
#define UFFDIO_COPY         _IOWR(UFFDIO, _UFFDIO_COPY, struct uffdio_copy)
#define UFFDIO_ZEROPAGE     _IOWR(UFFDIO, _UFFDIO_ZEROPAGE, struct uffdio_zeropage)
#define UFFDIO_WRITEPROTECT _IOWR(UFFDIO, _UFFDIO_WRITEPROTECT, struct uffdio_writeprotect)
#define UFFDIO_CONTINUE     _IOWR(UFFDIO, _UFFDIO_CONTINUE, struct uffdio_continue)
#define USERFAULTFD_IOC_NEW _IO(UFFDIO, 0)

static inline int made(unsigned flags)
{
	return (int)syscall(SYS_userfaultfd, flags);
}

/* A descriptor that is ready, with these features. */
static inline int ready_fd(unsigned long features)
{
	struct uffdio_api api = {.api = UFFD_API, .features = features};
	int fd = made(O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0) {
		ok(false, "userfaultfd with features %lx", features);
		exit(done());
	}
	return fd;
}

static inline int enroll(int fd, void *start, size_t length, unsigned long mode)
{
	struct uffdio_register call = {.range = {.start = (unsigned long)start, .len = length},
				       .mode = mode};

	return ioctl(fd, UFFDIO_REGISTER, &call);
}

static inline int withdraw(int fd, void *start, size_t length)
{
	struct uffdio_range range = {.start = (unsigned long)start, .len = length};

	return ioctl(fd, UFFDIO_UNREGISTER, &range);
}

/* The count that the call says, or its error as a negative number. */
static inline long bring(int fd, void *to, const void *from, size_t length, unsigned long mode)
{
	struct uffdio_copy call = {
		.dst = (unsigned long)to, .src = (unsigned long)from, .len = length, .mode = mode};

	return ioctl(fd, UFFDIO_COPY, &call) == 0 || call.copy != 0 ? (long)call.copy : -errno;
}

static inline long bring_zeros(int fd, void *to, size_t length)
{
	struct uffdio_zeropage call = {.range = {.start = (unsigned long)to, .len = length}};

	return ioctl(fd, UFFDIO_ZEROPAGE, &call) == 0 || call.zeropage != 0 ? (long)call.zeropage
									    : -errno;
}

static inline int protect(int fd, void *start, size_t length, bool on)
{
	struct uffdio_writeprotect call = {
		.range = {.start = (unsigned long)start, .len = length},
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(fd, UFFDIO_WRITEPROTECT, &call);
}

/* Waits for a message, at most 5 s; false: none came. */
static inline bool message(int fd, struct uffd_msg *into)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	memset(into, 0, sizeof(*into));
	return poll(&p, 1, 5000) == 1 && read(fd, into, sizeof(*into)) == sizeof(*into);
}

static inline bool is_quiet(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 20) == 0;
}

/* --- A thread that touches memory --- */

struct toucher {
	pthread_t thread;
	volatile char *at;
	bool write;
	volatile int finished;
	volatile char seen;
	volatile pid_t tid;
};

static inline void *touch(void *argument)
{
	struct toucher *toucher = argument;

	toucher->tid = (pid_t)syscall(SYS_gettid);
	if (toucher->write)
		*toucher->at = 'w';
	toucher->seen = *toucher->at;
	toucher->finished = 1;
	return NULL;
}

static inline void begin(struct toucher *toucher, void *at, bool write)
{
	*toucher = (struct toucher){.at = at, .write = write};
	pthread_create(&toucher->thread, NULL, touch, toucher);
}

static inline char end(struct toucher *toucher)
{
	pthread_join(toucher->thread, NULL);
	return toucher->seen;
}

#endif
