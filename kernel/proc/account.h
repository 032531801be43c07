/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose time it is: the program's or the kernel's.
 *
 * How long a task has had a CPU is measured at each switch (sched.run_time), and is exact.  How
 * much of it was the program's is sampled: a CPU that is not idle looks every ACCOUNT_TICK what the
 * timer's interrupt came into (timer.c), and counts a tick for the task, and for itself.  Entering
 * and leaving the kernel cost nothing for it: reading a clock at both ends would be exact, and a
 * good part of a short system call.
 *
 * The period is of busy time, it stands still while the CPU idles: a program cannot pass between
 * two ticks by sleeping at the right moment.  One that goes in step with them all the same is wrong
 * about the division of its time, not about how much it is.
 *
 * Who asks is told the exact time, divided as the ticks are; time without any tick is the
 * program's, as on Linux.  Each tick may change the proportion, so what was told is kept, and
 * neither part goes back.
 */
#ifndef PROC_ACCOUNT_H
#define PROC_ACCOUNT_H

#include "lib/types.h"

#define ACCOUNT_TICK (4 * NSEC_PER_MSEC)

/* Time as it was told last. */
struct time_split {
	nsec_t user, system;
};

/*
 * Divides `total` nanoseconds as `user_ticks` to `kernel_ticks`; neither part is less than *told,
 * which becomes the answer, and whose sum is `total` unless that has gone back.  Any context; the
 * caller's lock guards *told.
 */
void account_split(struct time_split *told, nsec_t total, u64 user_ticks, u64 kernel_ticks);

/* A tick has come into a program, or into the kernel.  In the timer's interrupt, on a CPU that does
 * not idle. */
void account_tick(bool user);

#endif
