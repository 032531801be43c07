/* SPDX-License-Identifier: BSD-2-Clause */
/* khugepaged, the thread that makes huge pages (mm/collapse.h). */
#ifndef PROC_COLLAPSE_THREAD_H
#define PROC_COLLAPSE_THREAD_H

/* Starts it, unless it runs or huge pages are switched off; and lets it look at once.  After
 * scheduler_init; again whenever the settings have changed.  May sleep. */
void collapse_thread_wake(void);

#endif
