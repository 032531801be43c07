/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of lib/sync.h's locks. */
#ifndef PROC_SYNC_INTERNAL_H
#define PROC_SYNC_INTERNAL_H

#include "lib/sync.h"

/* wake_up_events for holders of the queue's lock, interrupts off. */
void wake_waiters_locked(wait_queue_t *queue, unsigned exclusive, u32 events);
/* The same for one exclusive waiter, passing over the others. */
void wake_first_exclusive_locked(wait_queue_t *queue);

/* The waiter's priority is another: if it is queued and exclusive it changes its place. */
void wait_queue_reorder(wait_queue_t *queue, struct waiter *waiter, int priority);

#endif
