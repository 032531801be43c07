/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a task and a process carry for signals.  Embedded in proc/task.h and proc/process.h; only
 * proc/signal*.c look inside.  All guarded by process->lock unless a field says otherwise; "own" is
 * the task itself.
 */
#ifndef PROC_SIGNAL_TYPES_H
#define PROC_SIGNAL_TYPES_H

#include "arch/context.h"
#include "lib/abi/signal.h"
#include "lib/list.h"
#include "lib/sync.h"
#include "lib/types.h"

struct posix_timer;
struct user_account;

/* The handlers; processes made with CLONE_SIGHAND share them. */
struct signal_actions {
	u32 references;                            /* atomic */
	spinlock_t lock;                           /* inside process->lock; interrupts off */
	struct linux_sigaction action[SIGNAL_MAX]; /* lock; of signal n at n - 1 */
};

/* Signals that wait: which, and their details (struct signal_entry), oldest first. */
struct signal_queue {
	struct list_head entries;
	sigset_t present;
};

/* One pending signal's details. */
struct signal_entry {
	struct list_head link;        /* in queue->entries; process->lock */
	struct signal_queue *queue;   /* where it waits, or NULL; process->lock */
	struct user_account *account; /* who is charged for it, a reference; NULL: a thread's own */
	struct posix_timer
		*timer; /* the timer that it is part of, or NULL: then it is freed after use */
	struct siginfo info;
};

/* A thread's part. */
struct signal_task {
	struct signal_queue pending;
	sigset_t blocked;       /* atomic: written by the task itself (signal_mask.c) */
	sigset_t waited;        /* blocked signals that sigtimedwait lets through for a while */
	sigset_t saved_blocked; /* own: what sigsuspend and its like restore */
	bool restore_blocked;   /* own */
	bool stop_pending;      /* the group stop under way wants this thread */
	bool stopped;           /* it has stopped */
	bool exiting;           /* takes no signals any more */
	struct linux_stack alt_stack; /* own: sigaltstack(2), without SS_ONSTACK */
	struct signal_trap trap;      /* own */
	struct signal_entry entry;    /* for a standard signal to this thread, while it is free */
};

/* The process's part. */
struct signal_process {
	struct signal_actions *actions; /* counted; shared by CLONE_SIGHAND */
	struct signal_queue pending;
	wait_queue_t watchers; /* woken by each new signal: signalfd */
	int stop_signal;       /* the group stop under way or in force; 0 when running */
	u32 stop_remaining;    /* threads that have yet to stop */
	u32 continues; /* counts SIGCONTs: tells whether one came while the lock was dropped */
	int report; /* CLD_STOPPED or CLD_CONTINUED that the parent is to be told of; 0 for none */
	int report_status; /* the signal that goes with it */
	bool unkillable;   /* the first process: only signals with a handler reach it */
};

#endif
