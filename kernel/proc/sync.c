/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for events: wait queues.
 *
 * No wake-up is lost.  The waiter goes on the queue and marks itself sleeping (wait_prepare), then
 * looks at the condition, then sleeps.  The waker changes the condition, then takes the queue's
 * lock and marks the waiter running.  Whichever comes second sees the other: both the mark and the
 * taking of a lock are full barriers.  schedule() sleeps only if the mark is still there under the
 * run queue's lock, which the waker takes too.
 */
#include "lib/sync.h"

#include "arch/clock.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "proc/sched.h"
#include "proc/sync_internal.h"
#include "proc/task.h"
#include "proc/timer.h"

static const u32 mode_states[] = {
	[WAIT_UNINTERRUPTIBLE] = TASK_UNINTERRUPTIBLE,
	[WAIT_INTERRUPTIBLE] = TASK_INTERRUPTIBLE,
	[WAIT_KILLABLE] = TASK_KILLABLE,
};

static bool wake_task(struct waiter *waiter, u32 events __unused)
{
	return task_wake(waiter->task);
}

void waiter_init(struct waiter *waiter)
{
	list_init(&waiter->link);
	waiter->task = current;
	waiter->wake = wake_task;
	waiter->exclusive = false;
	waiter->priority = 0;
}

/* Behind those of the same priority or a greater one. */
static void add_by_priority(wait_queue_t *queue, struct waiter *waiter)
{
	struct waiter *other;

	list_for_each_entry (other, &queue->waiters, link)
		if (other->exclusive && other->priority < waiter->priority)
			break;
	list_add_tail(&waiter->link, &other->link);
}

static void add_locked(wait_queue_t *queue, struct waiter *waiter)
{
	if (!list_empty(&waiter->link))
		return;
	if (waiter->exclusive && waiter->priority)
		add_by_priority(queue, waiter);
	else if (waiter->exclusive)
		list_add_tail(&waiter->link, &queue->waiters);
	else
		list_add(&waiter->link, &queue->waiters);
}

void wait_queue_add(wait_queue_t *queue, struct waiter *waiter)
{
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	add_locked(queue, waiter);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wait_queue_remove(wait_queue_t *queue, struct waiter *waiter)
{
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	list_remove(&waiter->link);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wait_queue_reorder(wait_queue_t *queue, struct waiter *waiter, int priority)
{
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	waiter->priority = (u8)priority;
	if (waiter->exclusive && !list_empty(&waiter->link)) {
		list_remove(&waiter->link);
		add_by_priority(queue, waiter);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wake_waiters_locked(wait_queue_t *queue, unsigned exclusive, u32 events)
{
	struct waiter *waiter, *following;

	list_for_each_entry_safe (waiter, following, &queue->waiters, link) {
		if (waiter->exclusive && exclusive == 0)
			break;
		if (waiter->wake(waiter, events) && waiter->exclusive)
			exclusive--;
	}
}

void wake_first_exclusive_locked(wait_queue_t *queue)
{
	struct waiter *waiter, *following;

	list_for_each_entry_safe (waiter, following, &queue->waiters, link) {
		if (waiter->exclusive && waiter->wake(waiter, 0))
			return;
	}
}

void wake_up_events(wait_queue_t *queue, unsigned exclusive, u32 events)
{
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	wake_waiters_locked(queue, exclusive, events);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wake_up_nested(wait_queue_t *queue, unsigned exclusive, u32 events)
{
	unsigned long flags = spin_lock_irqsave_nested(&queue->lock, LOCK_NEST_NEXT);
	wake_waiters_locked(queue, exclusive, events);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wait_prepare(wait_queue_t *queue, struct waiter *waiter, enum wait_mode mode)
{
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	add_locked(queue, waiter);
	task_set_state(mode_states[mode]);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wait_finish(wait_queue_t *queue, struct waiter *waiter)
{
	task_set_state(TASK_RUNNING);
	wait_queue_remove(queue, waiter);
}

struct sleep_timer {
	struct timer timer;
	struct task *task;
};

static void sleep_over(struct timer *timer)
{
	task_wake(container_of(timer, struct sleep_timer, timer)->task);
}

static int sleep_with_deadline(nsec_t deadline)
{
	struct sleep_timer sleep = {.task = current};

	if (clock_monotonic() < deadline) {
		timer_init(&sleep.timer, sleep_over);
		timer_start(&sleep.timer, deadline);
		schedule();
		timer_cancel_sync(&sleep.timer);
	}
	return clock_monotonic() >= deadline ? -ETIMEDOUT : 0;
}

int wait_sleep(enum wait_mode mode, nsec_t deadline)
{
	int result = 0;

	might_sleep();
	if ((mode == WAIT_INTERRUPTIBLE &&
	     (task_signal_pending(current) || current->flags & TASK_NO_WAIT)) ||
	    (mode == WAIT_KILLABLE && task_kill_pending(current)))
		result = -ERESTARTSYS;
	else if (deadline != NO_DEADLINE)
		result = sleep_with_deadline(deadline);
	else
		schedule();
	task_set_state(TASK_RUNNING);
	return result;
}
