/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seccomp(2): threads that may make few system calls.
 *
 * A thread with a mode has CALL_SECCOMP in its call_work, so that its calls take the slow way
 * through syscall/dispatch.c; others pay nothing.  Filters are immutable, counted and chained: a
 * filter holds those that were installed before it, and a thread holds the newest.
 *
 * Lock: process->lock guards every change of its threads' seccomp state, since one may give its
 * filters to the others.  A thread reads its own without: what it reads stays, because the others
 * only ever put a filter in its place that is built upon it.
 */
#ifndef PROC_SECCOMP_H
#define PROC_SECCOMP_H

#include "lib/abi/seccomp.h"
#include "lib/types.h"

struct seccomp_filter;
struct seccomp_listener;
struct task;
struct trap_frame;

struct seccomp_filter {
	u32 refs;                          /* atomic */
	struct seccomp_filter *previous;   /* const; a reference */
	struct seccomp_listener *listener; /* const: who is asked (ipc/seccomp_listener.c); a
					      reference, or NULL */
	bool log;                          /* const: what it refuses is logged */
	u32 length;                        /* const: instructions */
	struct linux_sock_filter code[];   /* const */
};

/* At a system call of a thread with CALL_SECCOMP: false when it is not to be made; the frame has
 * its result then.  May not return. */
bool seccomp_enter(struct trap_frame *frame);

/* A new task gets what current has.  The lock of the task's process held. */
void seccomp_inherit_locked(struct task *task);
/* A task is freed. */
void seccomp_release(struct task *task);

/* seccomp(2) and prctl(PR_SET_SECCOMP).  May sleep. */
long seccomp_set_strict(void);
long seccomp_set_filter(u32 flags, vaddr_t program);
/* Does a filter's action do what it says here? */
bool seccomp_knows_action(u32 action);

/* For /proc: the mode and the number of filters. */
void seccomp_describe(struct task *task, u32 *mode, u32 *filters);

/* --- seccomp_filter.c --- */

/* May the program run?  0 or -EINVAL. */
int __must_check seccomp_check(const struct linux_sock_filter *code, u32 length);
/* What it answers. */
u32 seccomp_run(const struct seccomp_filter *filter, const struct linux_seccomp_data *data);

#endif
