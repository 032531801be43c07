/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks: the wall clock (monotonic clock plus an offset), CPU-time clocks, and conversions.
 *
 * Times are u64 nanoseconds since boot (monotonic) or since 1970 (wall, good until 2554).
 */
#ifndef PROC_TIME_H
#define PROC_TIME_H

#include "lib/abi/time.h"
#include "lib/types.h"

struct process;
struct task;

/* Reads the battery clock once.  After clock_init. */
void time_init(void);

/* Wall-clock time in nanoseconds, and seconds; any context. */
nsec_t time_wall(void);
time_t time_wall_seconds(void);
struct linux_timespec time_wall_timespec(void); /* for timestamps of files */
/* Sets it; timers on the wall clock are re-armed. */
void time_set_wall(nsec_t wall);
/* Wall-clock time at boot. */
nsec_t time_boot_wall(void);
/* The monotonic time at which the wall clock will show `wall`; NO_DEADLINE when out of range. */
nsec_t time_wall_to_monotonic(nsec_t wall);

/*
 * Calls `function` (process context, may not sleep) after each jump of the wall clock.  For
 * wall-clock timers and timerfd.  The node is the caller's, and stays.
 */
struct time_set_listener {
	struct time_set_listener *next;
	void (*function)(struct time_set_listener *listener);
};
void time_set_listen(struct time_set_listener *listener);

/* Any clock that clock_gettime(2) knows.  -EINVAL. */
int __must_check time_read_clock(clockid_t clock, nsec_t *now);

/* A sleep on a clock can be expressed as a monotonic deadline: -EINVAL for CPU-time and unknown
 * clocks. */
int __must_check time_deadline(clockid_t clock, nsec_t value, bool absolute, nsec_t *deadline);

/* Conversions.  timespec_valid: 0 <= nsec < 10^9 and sec >= 0.  Results saturate far in the future.
 */
bool timespec_valid(const struct linux_timespec *time);
bool timeval_valid(const struct linux_timeval *time);
nsec_t timespec_to_nsec(const struct linux_timespec *time);
nsec_t timeval_to_nsec(const struct linux_timeval *time);
struct linux_timespec nsec_to_timespec(nsec_t time);
struct linux_timeval nsec_to_timeval(nsec_t time);
/* From and to the program's memory: 0, -EFAULT, -EINVAL (not valid). */
int __must_check timespec_from_user(nsec_t *time, vaddr_t address);
int __must_check timespec_to_user(vaddr_t address, nsec_t time);

/*
 * clock_nanosleep(2): 0; -EINVAL, -EOPNOTSUPP for clocks on which one cannot sleep; when a signal
 * came, the code that restarts the call, with the rest of a relative sleep at `remaining_address`
 * (0: nowhere).
 */
long time_sleep(clockid_t clock, nsec_t value, bool absolute, vaddr_t remaining_address);

/* now + delay, saturating at NO_DEADLINE. */
nsec_t time_after(nsec_t delay);

/* Timers of a process: setitimer(2), timer_create(2), RLIMIT_CPU.  struct process has `struct
 * process_timers *timers`. */

struct process_timers; /* made at first use; NULL before */
/* exec drops the POSIX timers; exit drops everything. */
void process_timers_exec(struct process *process);
void process_timers_release(struct process *process);
/* Starts (again) the watch over RLIMIT_CPU of the process, after a change of it or a fork. */
void process_timers_watch_cpu_limit(struct process *process);

#endif
