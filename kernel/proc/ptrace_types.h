/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a task carries for ptrace(2), embedded in struct task; only proc/ptrace*.c change it.
 *
 * All under process_tree_lock unless a field says otherwise; `tracer` is also read without, as a
 * hint whether there is one.
 */
#ifndef PROC_PTRACE_TYPES_H
#define PROC_PTRACE_TYPES_H

#include "lib/abi/signal.h"
#include "lib/list.h"
#include "lib/types.h"

struct task;

struct ptrace_task {
	struct task *tracer;          /* the thread that traces this one, or NULL */
	struct list_head traced;      /* those that this one traces, by traced_link */
	struct list_head traced_link; /* in tracer->ptrace.traced */
	u32 options;                  /* PTRACE_O_* */
	bool seized;                  /* by PTRACE_SEIZE */
	bool privileged;              /* the tracer could trace anybody when it began */

	bool stopped;      /* waits for the tracer */
	bool reported;     /* which has been told by wait */
	bool frozen;       /* which looks at it right now: not even death wakes it */
	bool listening;    /* PTRACE_LISTEN: like a stop, but the tracer may only wait */
	bool dead;         /* has exited, and the tracer has yet to be told */
	bool has_info;     /* `info` says more about the stop */
	bool in_call;      /* own: the system call under way is being traced */
	bool trap_wanted;  /* process->lock: is to stop with PTRACE_EVENT_STOP */
	u32 code;          /* of the stop: signal, and the event above it, as wait shows them */
	u64 message;       /* PTRACE_GETEVENTMSG */
	int resume_signal; /* what the tracer makes of the signal */
	struct siginfo info;
};

#endif
