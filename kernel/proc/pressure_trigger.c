/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Triggers: who wants to be told when tasks lost more than so much time within so long.
 *
 * While there are triggers a timer looks at the totals, ten times in the shortest of their windows.
 * A window begins anew when it is over; what had been lost in the one before counts for the part of
 * it that still lies within the window's length, as if it had been lost evenly.  A trigger fires
 * once a window at most, and what fired is kept until somebody asks.
 *
 * Locks: triggers_lock, taken with interrupts off, outside of the lock of stalls and of wait
 * queues.
 */
#include "arch/clock.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/pressure.h"
#include "proc/timer.h"

enum { LOOKS_A_WINDOW = 10, POLL_PRIORITY = 2 };

#define WINDOW_LEAST (500 * NSEC_PER_MSEC)
#define WINDOW_MOST  (10 * NSEC_PER_SEC)

struct pressure_trigger {
	struct list_head link;           /* triggers_lock */
	enum pressure_resource resource; /* const */
	enum pressure_extent extent;     /* const */
	nsec_t threshold, window;        /* const */
	nsec_t start, start_total,
		before; /* triggers_lock: of this window; growth in the last one */
	nsec_t fired;   /* triggers_lock: when it did last */
	u32 event;      /* atomic: it fired, and nobody has asked */
	wait_queue_t queue;
};

static spinlock_t triggers_lock;
static struct list_head triggers = LIST_INIT(triggers); /* triggers_lock */
static struct timer timer;
static bool timer_is_ready; /* triggers_lock */

static nsec_t total_of(const struct pressure_trigger *trigger)
{
	struct pressure_figures figures;

	pressure_figures(trigger->resource, trigger->extent, &figures);
	return figures.total;
}

static void begin_window(struct pressure_trigger *trigger, nsec_t now, nsec_t total, nsec_t before)
{
	trigger->start = now;
	trigger->start_total = total;
	trigger->before = before;
}

/* How much was lost within the length of a window until now. */
static nsec_t growth_of(struct pressure_trigger *trigger, nsec_t now)
{
	nsec_t total = total_of(trigger), elapsed = now - trigger->start;
	nsec_t growth = total - trigger->start_total;

	if (elapsed > trigger->window) {
		begin_window(trigger, now, total, growth);
		return growth;
	}
	return growth +
	       trigger->before / 1000 * (trigger->window - elapsed) / (trigger->window / 1000);
}

static void look_locked(struct pressure_trigger *trigger, nsec_t now)
{
	if (growth_of(trigger, now) < trigger->threshold || now - trigger->fired < trigger->window)
		return;
	trigger->fired = now;
	if (__atomic_exchange_n(&trigger->event, 1, __ATOMIC_SEQ_CST) == 0)
		wake_up_events(&trigger->queue, UINT_MAX, POLL_PRIORITY);
}

/* Until the next look; 0: nobody wants one. */
static nsec_t period_locked(void)
{
	struct pressure_trigger *trigger;
	nsec_t period = 0;

	list_for_each_entry (trigger, &triggers, link)
		period = period == 0 ? trigger->window : MIN(period, trigger->window);
	return period / LOOKS_A_WINDOW;
}

static void look(struct timer *expired)
{
	struct pressure_trigger *trigger;
	nsec_t now = clock_monotonic();

	unsigned long flags = spin_lock_irqsave(&triggers_lock);
	list_for_each_entry (trigger, &triggers, link)
		look_locked(trigger, now);
	nsec_t period = period_locked();
	if (period != 0)
		timer_start(expired, now + period);
	spin_unlock_irqrestore(&triggers_lock, flags);
}

struct pressure_trigger *pressure_trigger_create(enum pressure_resource resource,
						 enum pressure_extent extent, nsec_t threshold,
						 nsec_t window)
{
	if (window < WINDOW_LEAST || window > WINDOW_MOST || threshold == 0 || threshold > window)
		return ERR_PTR(-EINVAL);
	struct pressure_trigger *trigger = kzalloc(sizeof(*trigger));
	if (trigger == NULL)
		return ERR_PTR(-ENOMEM);
	trigger->resource = resource;
	trigger->extent = extent;
	trigger->threshold = threshold;
	trigger->window = window;
	wait_queue_init(&trigger->queue);
	begin_window(trigger, clock_monotonic(), total_of(trigger), 0);
	unsigned long flags = spin_lock_irqsave(&triggers_lock);
	if (!timer_is_ready)
		timer_init(&timer, look);
	timer_is_ready = true;
	list_add_tail(&trigger->link, &triggers);
	timer_start(&timer, clock_monotonic() + period_locked());
	spin_unlock_irqrestore(&triggers_lock, flags);
	return trigger;
}

void pressure_trigger_destroy(struct pressure_trigger *trigger)
{
	unsigned long flags = spin_lock_irqsave(&triggers_lock);

	list_remove(&trigger->link);
	spin_unlock_irqrestore(&triggers_lock, flags);
	kfree(trigger);
}

wait_queue_t *pressure_trigger_queue(struct pressure_trigger *trigger)
{
	return &trigger->queue;
}

bool pressure_trigger_take(struct pressure_trigger *trigger)
{
	return __atomic_exchange_n(&trigger->event, 0, __ATOMIC_SEQ_CST) != 0;
}
