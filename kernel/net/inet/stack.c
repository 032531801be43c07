/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack's lock, thread and timers: see stack.h.
 *
 * One kernel timer stands for all of the stack's timers: it is set for the one that is due first,
 * and its handler only wakes the thread.  Works wait in a list under a spin lock that handlers
 * take.
 *
 * Locks: stack_mutex; inside it queue_lock (interrupts off), which guards the list of works and
 * `tick`.
 */
#include "net/inet/stack.h"

#include <lwip/init.h>

#include "arch/clock.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/sync.h"
#include "net/inet/buffer.h"
#include "net/inet/stack_internal.h"
#include "proc/task.h"

static mutex_t stack_mutex;
static struct list_head timers = LIST_INIT(timers); /* those that run; stack_mutex */
static struct task *thread;                         /* stack_mutex: set once */

static spinlock_t queue_lock;
static struct list_head works = LIST_INIT(works); /* queue_lock */
static bool tick;                                 /* queue_lock: the kernel's timer has run */
static struct timer kernel_timer; /* stack_mutex; its function changes `tick` alone */
static wait_queue_t thread_wait;

/* --- The lock --- */

void stack_lock(void)
{
	mutex_lock(&stack_mutex);
}

static void deliver_loopback(void)
{
	if (loopback_pending())
		loopback_deliver();
}

void stack_unlock(void)
{
	deliver_loopback();
	tcp_timer_check();
	mutex_unlock(&stack_mutex);
}

bool stack_is_mine(void)
{
	return mutex_is_mine(&stack_mutex);
}

/* --- Works --- */

void stack_work_init(struct stack_work *work, void (*run)(struct stack_work *work))
{
	list_init(&work->link);
	work->run = run;
}

void stack_wake(struct stack_work *work)
{
	unsigned long flags = spin_lock_irqsave(&queue_lock);

	if (list_empty(&work->link))
		list_add_tail(&work->link, &works);
	spin_unlock_irqrestore(&queue_lock, flags);
	wake_up_all(&thread_wait);
}

void stack_work_cancel(struct stack_work *work)
{
	unsigned long flags = spin_lock_irqsave(&queue_lock);

	list_remove(&work->link);
	spin_unlock_irqrestore(&queue_lock, flags);
}

static struct stack_work *next_work(void)
{
	unsigned long flags = spin_lock_irqsave(&queue_lock);
	struct stack_work *work = list_first_entry_or_null(&works, struct stack_work, link);

	if (work != NULL)
		list_remove(&work->link);
	spin_unlock_irqrestore(&queue_lock, flags);
	return work;
}

/* --- Timers --- */

static void timer_function(struct timer *timer __unused)
{
	spin_lock(&queue_lock);
	tick = true;
	spin_unlock(&queue_lock);
	wake_up_all(&thread_wait);
}

/* Sets the kernel's timer for the first of ours. */
static void arm(void)
{
	nsec_t first = NO_DEADLINE;
	struct stack_timer *timer;

	list_for_each_entry (timer, &timers, link)
		first = MIN(first, timer->due);
	if (first != NO_DEADLINE)
		timer_start(&kernel_timer, first);
}

void stack_timer_start(struct stack_timer *timer)
{
	ASSERT(stack_is_mine());
	if (timer->running || stack_thread_start())
		return;
	timer->running = true;
	timer->due = clock_monotonic() + timer->interval;
	list_add_tail(&timer->link, &timers);
	if (!timer_is_pending(&kernel_timer) || timer->due < kernel_timer.deadline)
		timer_start(&kernel_timer, timer->due);
}

static void run_timers(void)
{
	nsec_t now = clock_monotonic();
	struct stack_timer *timer, *next;

	list_for_each_entry_safe (timer, next, &timers, link) {
		if (timer->due > now)
			continue;
		timer->due = now + timer->interval;
		if (!timer->function(timer)) {
			timer->running = false;
			list_remove(&timer->link);
		}
	}
	arm();
}

/* --- The thread --- */

/* Takes notice that the kernel's timer has run. */
static bool take_tick(void)
{
	unsigned long flags = spin_lock_irqsave(&queue_lock);
	bool was = tick;

	tick = false;
	spin_unlock_irqrestore(&queue_lock, flags);
	return was;
}

static bool has_work(void)
{
	unsigned long flags = spin_lock_irqsave(&queue_lock);
	bool has = tick || !list_empty(&works);

	spin_unlock_irqrestore(&queue_lock, flags);
	return has;
}

/* Timers that have run know whether they are to run again; works may have made that necessary. */
static void thread_main(void *argument __unused)
{
	struct stack_work *work;

	for (;;) {
		wait_event(&thread_wait, has_work());
		stack_lock();
		while ((work = next_work()) != NULL) {
			work->run(work);
			deliver_loopback();
			tcp_timer_check();
		}
		if (take_tick())
			run_timers();
		deliver_loopback();
		mutex_unlock(&stack_mutex);
	}
}

int stack_thread_start(void)
{
	struct task *task;

	ASSERT(stack_is_mine());
	if (thread != NULL)
		return 0;
	task = kernel_thread_create(thread_main, NULL, "network");
	if (IS_ERR(task))
		return (int)PTR_ERR(task);
	thread = task;
	return 0;
}

void stack_init(void)
{
	mutex_init(&stack_mutex);
	spin_lock_init(&queue_lock);
	wait_queue_init(&thread_wait);
	timer_init(&kernel_timer, timer_function);
	mutex_lock(&stack_mutex);
	lwip_init();
	buffers_init();
	loopback_init();
	tcp_timer_init();
	mutex_unlock(&stack_mutex);
}
