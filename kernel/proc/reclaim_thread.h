/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads of page replacement. */
#ifndef PROC_RECLAIM_THREAD_H
#define PROC_RECLAIM_THREAD_H

/* Boot CPU, once, after scheduler_init. */
void reclaim_thread_start(void);

#endif
