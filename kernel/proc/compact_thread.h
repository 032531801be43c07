/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread of compaction. */
#ifndef PROC_COMPACT_THREAD_H
#define PROC_COMPACT_THREAD_H

/* Boot CPU, once, after scheduler_init. */
void compact_thread_start(void);

#endif
