/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred work: functions that need to sleep, asked for where one may not.
 *
 * One kernel thread runs them in the order in which they were queued.  A work item that is queued
 * already is not queued again; it is off the queue before its function runs, so the function may
 * free it or queue it again.
 */
#ifndef PROC_WORK_H
#define PROC_WORK_H

#include "lib/list.h"
#include "lib/types.h"

struct work {
	struct list_head link; /* the queue's lock; empty when not queued */
	void (*function)(struct work *work);
};

void work_init(struct work *work, void (*function)(struct work *work));
/* Says whether it was queued now (false: it already was).  Any context. */
bool work_queue(struct work *work);
/* Starts the worker; work queued before waits for it.  Once, when kernel threads can be made. */
void work_start(void);

#endif
