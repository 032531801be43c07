/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: a function to call at a moment of the monotonic clock.
 *
 * Each CPU keeps its timers in a tree ordered by deadline and programs its one-shot timer for the
 * earliest.  A timer runs on the CPU that started it, in interrupt context, with interrupts off;
 * the function may start its timer again and may wake tasks, send signals, take locks that are
 * taken with interrupts off elsewhere; it may not sleep.  A timer that is not pending may be freed,
 * unless its function could be running: see timer_cancel_sync.
 */
#ifndef PROC_TIMER_H
#define PROC_TIMER_H

#include "lib/rbtree.h"
#include "lib/types.h"

struct timer {
	struct rb_node node;
	nsec_t deadline;
	void (*function)(struct timer *timer);
	u32 cpu;      /* whose queue it is on, or was on last */
	bool pending; /* in the queue; guarded, like all, by the queue's lock */
};

/* Before the scheduler, on the boot CPU. */
void timers_init(void);

void timer_init(struct timer *timer, void (*function)(struct timer *timer));

/* Runs the function at `deadline` (monotonic nanoseconds; one in the past: at once).  Moves a
 * pending timer.  Any context. */
void timer_start(struct timer *timer, nsec_t deadline);

/* Takes a pending timer back; says whether it was pending.  The function may still be running
 * elsewhere.  Any context. */
bool timer_cancel(struct timer *timer);

/*
 * The same, and waits until a running function has returned; it does not start again afterwards
 * unless somebody starts it. Not from the function itself, nor with a lock held that the function
 * takes.
 */
bool timer_cancel_sync(struct timer *timer);

static inline bool timer_is_pending(const struct timer *timer)
{
	return READ_ONCE(timer->pending);
}

#endif
