/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timers of a process for its system calls: setitimer(2), and timer_create(2) and its family.
 * All in nanoseconds; none sleeps for long.  What else proc does with them is in proc/time.h.
 */
#ifndef PROC_INTERVAL_TIMER_H
#define PROC_INTERVAL_TIMER_H

#include "lib/abi/signal.h"
#include "lib/types.h"

struct process;

/* setitimer(2) and getitimer(2) in nanoseconds: time to go (0: off) and interval. */
struct interval_setting {
	nsec_t value, interval;
};
void interval_timer_get(struct process *process, int which, struct interval_setting *setting);
int __must_check interval_timer_set(struct process *process, int which,
				    const struct interval_setting *setting,
				    struct interval_setting *old);

/* timer_create(2) and family, for current's process.  Errors as in the man pages. */
long posix_timer_create(clockid_t clock, const struct linux_sigevent *event);
int __must_check posix_timer_settime(s32 id, bool absolute, const struct interval_setting *setting,
				     struct interval_setting *old);
int __must_check posix_timer_gettime(s32 id, struct interval_setting *setting);
long posix_timer_overrun(s32 id);
int __must_check posix_timer_delete(s32 id);

#endif
