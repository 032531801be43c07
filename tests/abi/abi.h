/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every program of the abi ring shares.
 *
 * A program is a list of assertions about Linux's system calls: it prints one TAP line for each and
 * a plan at the end. The same binary passes on Linux first, which makes the assertions a
 * specification.
 *
 * Assertions may be made in child processes as well: the counters live in memory shared across
 * fork. A child that does not end by itself is killed by its own alarm, and the runner kills a
 * whole program that takes too long, so nothing here waits for ever.
 */
#ifndef ABI_H
#define ABI_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE         4096UL
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * An address that is never mapped in a user program, and one in the kernel's half. The compiler
 * must not know them, it warns of what it knows.
 */
extern void *volatile abi_bad_pointer;
extern void *volatile abi_kernel_pointer;
#define BAD_POINTER    (abi_bad_pointer)
#define KERNEL_POINTER (abi_kernel_pointer)

/* The wait status of a process that exited with `code`, or was killed by `sig` without a core dump.
 */
#define EXITED(code) ((code) << 8)
#define KILLED(sig)  (sig)

/* Asserts that `cond` holds. The format names what is proved. */
#define ok(cond, ...) abi_ok((cond) ? true : false, __FILE__, __LINE__, #cond, __VA_ARGS__)

/* Asserts that two integers are equal; shows both, and errno, when they are not. */
#define is(got, want, ...) abi_is((long)(got), (long)(want), __FILE__, __LINE__, #got, __VA_ARGS__)

/* Asserts that two strings are equal. */
#define is_str(got, want, ...) abi_is_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)

/* Asserts that a call returns -1 with errno `error`. */
#define fails(call, error, ...) \
	(errno = 0, abi_fails((long)(call), (error), __FILE__, __LINE__, #call, __VA_ARGS__))

bool abi_ok(bool cond, const char *file, int line, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool abi_is(long got, long want, const char *file, int line, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
bool abi_is_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool abi_fails(long got, int error, const char *file, int line, const char *what, const char *fmt,
	       ...) __attribute__((format(printf, 6, 7)));

/* Records `count` assertions that cannot be made on this kernel, with the reason. */
void skip(int count, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints a remark. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints the plan, removes the scratch folder. Returns the exit status for main(). */
int done(void);

/*
 * Forks. Returns 0 in the child, which must end by itself and is killed after 10 s; in the parent
 * waits for it, stores its wait status (or -1 when there was none) in `status`, and returns its
 * pid.
 */
pid_t child(int *status);

/* Gives up the memory shared with the parent: for children that may write anywhere. They assert no
 * more. */
void leave_counters(void);

/* Forks without waiting. The child is killed after 10 s. Returns as fork() does. */
pid_t spawn(void);

/* Waits for one child, at most 10 s, after which it is killed. Returns its wait status, or -1. */
int reap(pid_t pid);

/* Sleeps. */
void sleep_ms(long ms);

/* The monotonic clock, in milliseconds. */
long now_ms(void);

/*
 * The clock by which a kernel stamps files and queues, in seconds. It moves at the timer's ticks, so
 * time() may already be a second further.
 */
time_t stamp_now(void);

/* Waits until `cond` holds, at most 5 s, looking every millisecond. */
#define wait_until(cond)                                                 \
	do {                                                             \
		for (int tries_ = 0; tries_ < 5000 && !(cond); tries_++) \
			sleep_ms(1);                                     \
	} while (0)

/* Makes a fresh empty folder under /tmp and changes to it; done() removes it. */
void scratch(void);

/* Creates (or replaces) a file with the given content and mode. Returns 0 or -1 with errno. */
int put_file(const char *path, const void *data, size_t size, mode_t mode);

/* Reads a whole file into `buf`, closes it with a NUL. Returns the length, or -1 with errno. */
ssize_t get_file(const char *path, char *buf, size_t size);

/* Maps `pages` private, writable, zero pages. Ends the program when there are none. */
char *map_pages(size_t pages);

/* Memory shared with children, zeroed; for flags and counters. Ends the program when there is none.
 */
volatile int *shared_ints(void);

/* Whether reading one byte at `p` faults; tells by write() on a pipe, without a signal. */
bool readable(const void *p);

/* Copies a file, with its mode. Returns 0 or -1 with errno. */
int copy_file(const char *from, const char *to, mode_t mode);

/* Becomes an ordinary user for good: supplementary groups, gid and uid. Returns 0 or -1. */
int become(uid_t uid, gid_t gid);

/* Whether the running kernel calls itself 6.1.0 or a later version of 6.1. */
bool is_linux_6_1(void);

#endif
