/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making processes and threads.
 */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include "lib/abi/sched.h"
#include "lib/types.h"

/* What clone(2) and clone3(2) have in common. */
struct clone_request {
	u64 flags;       /* CLONE_*, without the exit signal */
	int exit_signal; /* 0 to 64 */
	vaddr_t stack;   /* the child's stack pointer; 0: the parent's */
	vaddr_t tls;
	vaddr_t parent_tid;       /* CLONE_PARENT_SETTID */
	vaddr_t child_tid;        /* CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID */
	const pid_t *wanted_tids; /* clone3's set_tid, innermost namespace first */
	u32 wanted_count;
	vaddr_t pidfd; /* CLONE_PIDFD: where to store the descriptor */
};

/* The child's number as the parent sees it, or negative errno.  With CLONE_VFORK returns when the
 * child is gone or has called exec.  The current task must have come from user mode.  May sleep. */
long process_clone(const struct clone_request *request);

#endif
