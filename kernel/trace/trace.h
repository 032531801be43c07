/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching the kernel: trace points (lib/trace.h), counts of functions' calls, a profile.  What is
 * seen is read in /proc, where it is switched on, too: doc/tracing.md.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "lib/types.h"

struct file_operations;
struct proc_node;
struct text;

/* /proc/trace: the events, as text. */
extern const struct file_operations trace_file_operations;

/* /proc/trace_control, trace_counts, trace_profile.  May sleep. */
int trace_show_control(const struct proc_node *node, struct text *text);
int trace_store_control(const struct proc_node *node, char *value, size_t size);
int trace_show_counts(const struct proc_node *node, struct text *text);
int trace_show_profile(const struct proc_node *node, struct text *text);

/* Upcall (syscall/dispatch.c): the name of a system call, or NULL. */
const char *trace_syscall_name(u32 number);

#endif
