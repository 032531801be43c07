/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of clocks and timers share. */
#ifndef PROC_TIME_INTERNAL_H
#define PROC_TIME_INTERNAL_H

#include "lib/list.h"
#include "lib/spinlock.h"
#include "proc/interval_timer.h"
#include "proc/time.h"
#include "proc/timer.h"

/* CPU time in nanoseconds; `which`: CPUCLOCK_VIRT is user time, the others user + system. */
nsec_t time_process_cpu(struct process *process, int which);
nsec_t time_task_cpu(struct task *task, int which);

/* A CPU-time clock, resolved: a thread's or a process's, with a reference on it. */
struct cpu_clock {
	struct task *task;       /* or NULL */
	struct process *process; /* or NULL */
	int which;
};
static inline bool time_is_cpu_clock(clockid_t clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}
int time_find_cpu_clock(clockid_t clock, struct cpu_clock *found); /* -EINVAL */
nsec_t time_read_cpu_clock(const struct cpu_clock *clock);
void time_drop_cpu_clock(struct cpu_clock *clock);

/* Has sleeps until a wall-clock time compute their deadlines again: the clock was set. */
void time_wake_wall_sleepers(void);

/*
 * One interval timer.  CPU-time ones have no clock that ticks: their kernel timer is set to the
 * earliest moment at which the process can have used the time, and looks again then.
 */
struct interval_timer {
	struct timer timer;
	struct process *process; /* the owner; it outlives the timer */
	nsec_t expiry;           /* on its own clock, 0 when off; process->lock */
	nsec_t interval;         /* 0: once; process->lock */
};

enum { CPU_LIMIT_TIMER = 3, INTERVAL_TIMERS = 4 };

struct process_timers {
	struct interval_timer
		interval[INTERVAL_TIMERS]; /* ITIMER_REAL, _VIRTUAL, _PROF, and RLIMIT_CPU's */
	struct list_head posix;            /* struct posix_timer; process->lock */
	s32 next_posix_id;                 /* process->lock */
};

/* current's process's timers, made if need be; NULL without memory. */
struct process_timers *process_timers_find(struct process *process);

/* When a CPU-time clock can have advanced by `remaining` at the earliest (monotonic). */
nsec_t cpu_clock_next_look(nsec_t remaining);

/* All POSIX timers of a process: exec and exit. */
void posix_timers_delete_all(struct process *process);

#endif
