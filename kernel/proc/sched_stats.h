/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's figures: started with it, read through proc/sched.h.
 */
#ifndef PROC_SCHED_STATS_H
#define PROC_SCHED_STATS_H

/* Starts the load average's timer.  Boot CPU, by scheduler_init. */
void sched_stats_init(void);

#endif
