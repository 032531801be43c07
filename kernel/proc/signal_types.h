/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a task and a process carry for signals and interval timers.  Embedded in proc/task.h and
 * proc/process.h; only proc/signal*.c and the timer files look inside.  All guarded by
 * process->lock unless a field says otherwise.
 */
#ifndef PROC_SIGNAL_TYPES_H
#define PROC_SIGNAL_TYPES_H

#include "lib/list.h"
#include "lib/types.h"

struct signal_actions;

/* Signals 1 to 64: signal n is bit n - 1. */
typedef u64 sigset_t;

struct signal_queue {
	struct list_head entries;
	sigset_t present;
};

/* A thread's part. */
struct signal_task {
	struct signal_queue pending;
	sigset_t blocked;
	sigset_t saved_blocked; /* own: what sigsuspend and its like restore */
	bool restore_blocked;   /* own */
	vaddr_t alt_stack;      /* own: sigaltstack(2) */
	size_t alt_size;        /* own */
	int alt_flags;          /* own */
	int trap_number;        /* own: of the last exception */
	u64 error_code;         /* own */
	vaddr_t fault_address;  /* own */
};

/* The process's part. */
struct signal_process {
	struct signal_actions *actions; /* counted; shared by CLONE_SIGHAND */
	struct signal_queue pending;
};

#endif
