/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: a queue a CPU, ordered by deadline, over the CPU's one-shot clock.
 *
 * The clock is programmed for the earliest of the first timer and the end of the running task's
 * slice and the next tick of its accounting (account.h), and only ever to an earlier moment than it
 * stands at: a timer that is taken back leaves it alone, and the interrupt that then comes for
 * nothing programs it anew.  So a CPU that idles and wakes a thousand times between two ticks
 * programs it once for them.  `armed`, `slice_end` and the ticks belong to the CPU itself,
 * interrupts off; the rest is under the queue's lock, which is never held while a timer's function
 * runs.
 *
 * A timer that is started again while its function runs stays on that CPU's queue, so that
 * timer_cancel_sync finds it there.
 */
#include "proc/timer.h"

#include "arch/clock.h"
#include "arch/trap.h"
#include "lib/assert.h"
#include "lib/sync.h"
#include "proc/account.h"
#include "proc/sched_internal.h"

struct timer_queue {
	spinlock_t lock; /* taken with interrupts off; inside everything but the run queues' */
	struct rb_root timers; /* by deadline */
	struct rb_node *first; /* the earliest, or NULL */
	struct timer *running; /* whose function is being called */
	nsec_t armed;          /* what the clock stands at, NO_DEADLINE when off */
	nsec_t slice_end;      /* the scheduler's wish */
	nsec_t tick;           /* the next one, NO_DEADLINE while the CPU idles */
	nsec_t tick_left;      /* while it idles: how much busy time comes before the next one */
} __cacheline;

static struct timer_queue timer_queues[MAX_CPUS];

void timers_init(void)
{
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		spin_lock_init(&timer_queues[cpu].lock);
		timer_queues[cpu].armed = NO_DEADLINE;
		timer_queues[cpu].slice_end = NO_DEADLINE;
		timer_queues[cpu].tick = NO_DEADLINE;
		timer_queues[cpu].tick_left = ACCOUNT_TICK;
	}
}

void timer_init(struct timer *timer, void (*function)(struct timer *timer))
{
	*timer = (struct timer){.function = function};
}

/* Own CPU, interrupts off. */
static void arm(struct timer_queue *queue, nsec_t deadline)
{
	if (deadline >= queue->armed)
		return;
	queue->armed = deadline;
	clock_set_timer(deadline);
}

void timer_set_slice(nsec_t slice_end)
{
	struct timer_queue *queue = &timer_queues[cpu_id()];

	queue->slice_end = slice_end;
	arm(queue, slice_end);
}

void timer_pause_ticks(nsec_t now)
{
	struct timer_queue *queue = &timer_queues[cpu_id()];

	queue->tick_left = queue->tick > now ? queue->tick - now : 0;
	queue->tick = NO_DEADLINE;
}

void timer_resume_ticks(nsec_t now)
{
	struct timer_queue *queue = &timer_queues[cpu_id()];

	queue->tick = now + queue->tick_left;
	arm(queue, queue->tick);
}

static void insert_locked(struct timer_queue *queue, struct timer *timer)
{
	struct rb_node **link = &queue->timers.top, *parent = NULL;
	bool first = true;

	while (*link) {
		parent = *link;
		if (timer->deadline < rb_entry(parent, struct timer, node)->deadline) {
			link = &parent->left;
		} else {
			link = &parent->right;
			first = false;
		}
	}
	rb_insert(&queue->timers, &timer->node, parent, link);
	if (first)
		queue->first = &timer->node;
	WRITE_ONCE(timer->pending, true);
}

static void remove_locked(struct timer_queue *queue, struct timer *timer)
{
	if (queue->first == &timer->node)
		queue->first = rb_next(&timer->node);
	rb_erase(&queue->timers, &timer->node);
	WRITE_ONCE(timer->pending, false);
}

/* The queue that the timer is on, or was on last, locked; interrupts are off already. */
static struct timer_queue *lock_queue_of(struct timer *timer)
{
	for (;;) {
		struct timer_queue *queue = &timer_queues[READ_ONCE(timer->cpu)];
		spin_lock(&queue->lock);
		if (likely(queue == &timer_queues[READ_ONCE(timer->cpu)]))
			return queue;
		spin_unlock(&queue->lock);
	}
}

void timer_start(struct timer *timer, nsec_t deadline)
{
	unsigned long flags = irq_save();
	struct timer_queue *queue = lock_queue_of(timer);
	struct timer_queue *own = &timer_queues[cpu_id()];

	if (timer->pending)
		remove_locked(queue, timer);
	if (queue != own && queue->running != timer) {
		WRITE_ONCE(timer->cpu, cpu_id());
		spin_unlock(&queue->lock);
		spin_lock(&own->lock);
		queue = own;
	}
	timer->deadline = deadline;
	insert_locked(queue, timer);
	/* On another CPU the function is running: that CPU looks at its queue when it is done. */
	if (queue == own && queue->first == &timer->node)
		arm(queue, deadline);
	spin_unlock(&queue->lock);
	irq_restore(flags);
}

bool timer_cancel(struct timer *timer)
{
	unsigned long flags = irq_save();
	struct timer_queue *queue = lock_queue_of(timer);
	bool pending = timer->pending;

	if (pending)
		remove_locked(queue, timer);
	spin_unlock(&queue->lock);
	irq_restore(flags);
	return pending;
}

bool timer_cancel_sync(struct timer *timer)
{
	bool pending = false;

	for (;;) {
		unsigned long flags = irq_save();
		struct timer_queue *queue = lock_queue_of(timer);
		bool running = queue->running == timer;
		if (timer->pending) {
			pending = true;
			remove_locked(queue, timer);
		}
		spin_unlock(&queue->lock);
		irq_restore(flags);
		if (!running)
			return pending;
		cpu_relax();
	}
}

/* Calls the functions of all timers that are due; returns the deadline of the first that is not. */
static nsec_t run_due(struct timer_queue *queue)
{
	nsec_t next = NO_DEADLINE;

	spin_lock(&queue->lock);
	while (queue->first) {
		struct timer *timer = rb_entry(queue->first, struct timer, node);
		if (timer->deadline > clock_monotonic()) {
			next = timer->deadline;
			break;
		}
		remove_locked(queue, timer);
		queue->running = timer;
		spin_unlock(&queue->lock);
		timer->function(timer);
		spin_lock(&queue->lock);
		queue->running = NULL;
	}
	spin_unlock(&queue->lock);
	return next;
}

void timer_entry(bool user)
{
	struct timer_queue *queue = &timer_queues[cpu_id()];

	/* Functions that start timers must not program the clock: it is done once, at the end. */
	queue->armed = 0;
	nsec_t next = run_due(queue);
	nsec_t now = clock_monotonic();
	if (queue->tick <= now) {
		queue->tick = now + ACCOUNT_TICK;
		account_tick(user);
	}
	if (queue->slice_end <= now) {
		queue->slice_end = NO_DEADLINE;
		sched_slice_over();
	}
	queue->armed = NO_DEADLINE;
	arm(queue, MIN(next, MIN(queue->slice_end, queue->tick)));
}
