/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to kernel/trace.  trace_lock (mutex, control.c) guards everything that is switched on and
 * off; those who record take no locks.
 */
#ifndef TRACE_TRACE_INTERNAL_H
#define TRACE_TRACE_INTERNAL_H

#include "arch/cpu.h"
#include "lib/sync.h"
#include "lib/text.h"
#include "lib/trace.h"
#include "proc/task.h"
#include "trace/trace.h"

enum { TRACE_ARGUMENTS = 4, TRACE_ENTRIES_USUAL = 4096, TRACE_ENTRIES_MAX = 1 << 20 };

struct trace_entry {
	u64 sequence; /* atomic: counts the CPU's events, from 1; 0 while it is written */
	nsec_t time;
	u64 arguments[TRACE_ARGUMENTS];
	u16 event; /* enum trace_event */
	u16 cpu;
	s32 tid;
	char comm[TASK_COMM_LENGTH];
};

extern mutex_t trace_lock;

/* --- ring.c; all with trace_lock held --- */

/* Switches a set of events on or off.  0, -ENOMEM. */
int __must_check trace_set_mask_locked(u32 mask);
/* Entries a CPU; while no event is on.  0, -EBUSY, -EINVAL. */
int __must_check trace_set_entries_locked(u64 entries);
u64 trace_entries_locked(void);
/* Only what this thread does; 0: everybody. */
void trace_set_task_locked(u32 tid);
u32 trace_task_locked(void);
/* Forgets what was recorded. */
void trace_clear_locked(void);
/* A copy of all entries of all CPUs, by time: vmalloc'd, NULL when there are none (*count 0) or no
 * memory. */
struct trace_entry *trace_snapshot_locked(size_t *count);

/* text.c */
extern const char *const trace_event_names[TRACE_EVENTS];

/* --- profile.c; with trace_lock held --- */

/* `hertz` samples a second on each CPU; 0 ends it.  0, -EINVAL, -ENOMEM. */
int __must_check profile_set_locked(u64 hertz);
u32 profile_hertz_locked(void);
void profile_clear_locked(void);

/* --- count.c; with trace_lock held --- */

/* Counts calls of the functions whose names match ("vfs_*"), beside those that are counted. 0,
 * -ENOENT (none can be), -ENOMEM. */
int __must_check count_add_locked(const char *pattern);
void count_end_locked(void);
u32 count_functions_locked(void);
void count_clear_locked(void);

#endif
