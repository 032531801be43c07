/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracing: one thread watches and steers others (ptrace(2)).
 *
 * A tracee stops for its tracer when a signal is about to be delivered, at system calls, and at the
 * events that the tracer asked for.  It sleeps in TASK_TRACED until the tracer resumes it, or it is
 * killed.  The tracer is told by SIGCHLD and wait(2).
 */
#ifndef PROC_PTRACE_H
#define PROC_PTRACE_H

#include "lib/abi/ptrace.h"
#include "lib/abi/signal.h"
#include "lib/types.h"
#include "proc/task.h"

struct process;

/* task->call_work: what system calls stop at. */
enum call_work {
	CALL_TRACE = 1 << 0,   /* a tracer wants to see entry and exit */
	CALL_STEP = 1 << 1,    /* single steps: the exit counts as one */
	CALL_SECCOMP = 1 << 2, /* not every call may be made: proc/seccomp.c */
	CALL_WATCHED = 1 << 3, /* trace points want to see it: trace/ring.c */
	CALL_EMULATE = 1 << 4, /* a tracer makes its calls itself: none is made */
	CALL_PTRACE = CALL_TRACE | CALL_STEP | CALL_EMULATE, /* what a tracer sets and clears */
};

static inline bool ptrace_is_traced(const struct task *task)
{
	return READ_ONCE(task->ptrace.tracer) != NULL;
}

/* --- Stops of the current task.  No locks held; may sleep.  Without a tracer they do nothing ---
 */

/* Before a signal is delivered: the signal to deliver instead, with its information, or 0. */
int ptrace_signal(int signal, struct siginfo *info);
/* A group stop (its signal), or without one (0) a stop that the tracer asked for. */
void ptrace_job_stop(int signal);
/* An event with its message; does the tracer want to know of it at all? */
bool ptrace_wants_event(int event);
void ptrace_event(int event, u64 message);
/* Around a system call of which call_work is not 0; entry: false when it is not to be made. */
bool ptrace_syscall_enter(void);
void ptrace_syscall_exit(void);
/* Another program has taken the place of the task's; the number that it had before. */
void ptrace_exec(pid_t old_tid);
/* A task's number as current's tracer sees it; 0 without one. */
pid_t ptrace_number(const struct task *task);
/* A handler was entered in single steps: that is a step. */
void ptrace_handler_entered(void);

/* --- The tree.  process_tree_lock held --- */

/* A new task that its maker's tracer is to trace as well. */
void ptrace_join_locked(struct task *child);
/* SIGCONT ended a group stop: tracers that listen learn of it.  process->lock held instead. */
void ptrace_continued_locked(struct task *task);
/* The task exits: its tracees have nobody to stop for.  Leaders of dead processes that are now
 * nobody's go on *dead, as in proc/exit.c. */
void ptrace_tracer_exits_locked(struct task *task, struct list_head *dead);
/* Tells the tracer that a tracee has died. */
void ptrace_report_death_locked(struct task *task, int status);
/* Takes the task from its tracer, if it has one. */
void ptrace_unlink_locked(struct task *task);

/* --- Requests: ptrace(2) --- */

long ptrace_request(long request, pid_t tid, vaddr_t address, vaddr_t data);

/* The number of the tracer, 0 for none. */
pid_t ptrace_tracer_number(struct task *task);

#endif
