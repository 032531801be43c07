/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files proc/ptrace*.c share. */
#ifndef PROC_PTRACE_INTERNAL_H
#define PROC_PTRACE_INTERNAL_H

#include "proc/ptrace.h"

/* Lets a stopped tracee go on, with what the tracer made of the signal.  process_tree_lock held. */
void ptrace_resume_locked(struct task *task, int signal);

/* Ends the tracing: single steps, breakpoints and system-call stops with it; the task stays
 * stopped. process_tree_lock held. */
void ptrace_end_locked(struct task *task);

/* PTRACE_TRACEME, PTRACE_ATTACH, PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH of a frozen task. */
long ptrace_trace_me(void);
long ptrace_attach(struct task *task);
long ptrace_seize(struct task *task, u64 address, u64 options);
long ptrace_interrupt(struct task *task);
long ptrace_detach(struct task *task, u64 signal);

/* What wants a stopped task, which the caller keeps so: registers, memory, signals.  -EIO for a
 * request that is none of these. */
long ptrace_look(struct task *task, long request, vaddr_t address, vaddr_t data);

#endif
