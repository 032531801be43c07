/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues, mutexes and read-write locks under a storm of threads; timers.
 */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "lib/errno.h"
#include "lib/sync.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "proc/timer.h"
#include "tests/kernel/ktest.h"

#define PATIENCE (30 * NSEC_PER_SEC)

enum { THREADS = 8, ROUNDS = 500 };

struct storm {
	mutex_t mutex;
	rwlock_t rwlock;
	wait_queue_t queue;
	u64 left, right;   /* equal whenever nobody has the lock */
	u32 torn;          /* atomic: how often they were not */
	u32 tokens, taken; /* atomic */
	u32 finished;      /* atomic */
};

static struct storm storm;

static bool run_storm(void (*entry)(void *))
{
	storm = (struct storm){.torn = 0};
	mutex_init(&storm.mutex);
	rwlock_init(&storm.rwlock);
	wait_queue_init(&storm.queue);
	for (u32 i = 0; i < THREADS; i++) {
		struct task *task = kernel_thread_create(entry, (void *)(uintptr_t)i, "ktest");
		if (!ktest_expect(!IS_ERR(task), "thread", __FILE__, __LINE__))
			return false;
		task_put(task);
	}
	nsec_t end = clock_monotonic() + PATIENCE;
	while (__atomic_load_n(&storm.finished, __ATOMIC_ACQUIRE) < THREADS &&
	       clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	return storm.finished == THREADS;
}

static void finish(void)
{
	__atomic_add_fetch(&storm.finished, 1, __ATOMIC_RELEASE);
}

static void change(void)
{
	if (storm.left != storm.right)
		__atomic_add_fetch(&storm.torn, 1, __ATOMIC_RELAXED);
	WRITE_ONCE(storm.left, storm.left + 1);
	if (storm.left % 7 == 0)
		task_yield();
	WRITE_ONCE(storm.right, storm.right + 1);
}

static void with_mutex(void *argument __unused)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		if (i % 5 == 0) {
			while (!mutex_trylock(&storm.mutex))
				task_yield();
		} else if (i % 5 == 1) {
			KEXPECT(mutex_lock_interruptible(&storm.mutex) == 0);
		} else {
			mutex_lock(&storm.mutex);
		}
		change();
		mutex_unlock(&storm.mutex);
	}
	finish();
}

KTEST(proc_sync_mutex_excludes)
{
	KREQUIRE(run_storm(with_mutex));
	KEXPECT(storm.torn == 0);
	KEXPECT(storm.left == THREADS * ROUNDS);
	KEXPECT(mutex_trylock(&storm.mutex));
	KEXPECT(mutex_is_mine(&storm.mutex));
	KEXPECT(!mutex_trylock(&storm.mutex));
	mutex_unlock(&storm.mutex);
}

static void with_rwlock(void *argument)
{
	u32 self = (u32)(uintptr_t)argument;

	for (u32 i = 0; i < ROUNDS; i++) {
		if ((i + self) % 4 == 0) {
			rwlock_write_lock(&storm.rwlock);
			change();
			if (i % 8 == 0) {
				rwlock_downgrade(&storm.rwlock);
				rwlock_read_unlock(&storm.rwlock);
			} else {
				rwlock_write_unlock(&storm.rwlock);
			}
		} else {
			rwlock_read_lock(&storm.rwlock);
			if (READ_ONCE(storm.left) != READ_ONCE(storm.right))
				__atomic_add_fetch(&storm.torn, 1, __ATOMIC_RELAXED);
			if (i % 16 == 0)
				task_yield();
			rwlock_read_unlock(&storm.rwlock);
		}
	}
	finish();
}

KTEST(proc_sync_writers_exclude_readers_and_all_get_in)
{
	KREQUIRE(run_storm(with_rwlock));
	KEXPECT(storm.torn == 0);
	KEXPECT(storm.left == THREADS * ROUNDS / 4);
	KEXPECT(storm.rwlock.holders == 0 && storm.rwlock.writers_waiting == 0);
	KEXPECT(rwlock_try_read_lock(&storm.rwlock));
	KEXPECT(rwlock_try_read_lock(&storm.rwlock));
	KEXPECT(!rwlock_try_write_lock(&storm.rwlock));
	rwlock_read_unlock(&storm.rwlock);
	rwlock_read_unlock(&storm.rwlock);
	KEXPECT(rwlock_try_write_lock(&storm.rwlock));
	KEXPECT(!rwlock_try_read_lock(&storm.rwlock));
	rwlock_write_unlock(&storm.rwlock);
}

static bool take_token(void)
{
	u32 tokens = __atomic_load_n(&storm.tokens, __ATOMIC_RELAXED);

	while (tokens) {
		if (__atomic_compare_exchange_n(&storm.tokens, &tokens, tokens - 1, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* Half of them give, half of them take; every token wakes somebody. */
static void with_tokens(void *argument)
{
	bool gives = (uintptr_t)argument % 2;

	for (u32 i = 0; i < ROUNDS; i++) {
		if (gives) {
			__atomic_add_fetch(&storm.tokens, 1, __ATOMIC_RELEASE);
			wake_up_one(&storm.queue);
		} else {
			wait_event(&storm.queue, take_token());
			__atomic_add_fetch(&storm.taken, 1, __ATOMIC_RELAXED);
		}
	}
	finish();
}

KTEST(proc_sync_no_wake_up_is_lost)
{
	KREQUIRE(run_storm(with_tokens));
	KEXPECT(storm.tokens == 0);
	KEXPECT(storm.taken == THREADS / 2 * ROUNDS);
	KEXPECT(!wait_queue_active(&storm.queue));
}

KTEST(proc_sync_a_wait_ends_at_its_deadline)
{
	wait_queue_t queue;
	nsec_t start = clock_monotonic();

	wait_queue_init(&queue);
	KEXPECT(wait_event_timeout(&queue, false, start + 5 * NSEC_PER_MSEC, WAIT_INTERRUPTIBLE) ==
		-ETIMEDOUT);
	KEXPECT(clock_monotonic() >= start + 5 * NSEC_PER_MSEC);
	KEXPECT(wait_event_timeout(&queue, true, start, WAIT_UNINTERRUPTIBLE) == 0);
	KEXPECT(wait_event_timeout(&queue, false, start, WAIT_UNINTERRUPTIBLE) == -ETIMEDOUT);
	KEXPECT(!wait_queue_active(&queue));
}

/* --- Timers --- */

struct alarm {
	struct timer timer;
	nsec_t rang;
	u32 order;
	u32 rings;
	u32 again; /* how often it starts itself once more */
};

static u32 rung; /* atomic */

static void ring(struct timer *timer)
{
	struct alarm *alarm = container_of(timer, struct alarm, timer);

	alarm->rang = clock_monotonic();
	alarm->rings++;
	alarm->order = __atomic_add_fetch(&rung, 1, __ATOMIC_RELAXED);
	if (alarm->again) {
		alarm->again--;
		timer_start(timer, alarm->rang + NSEC_PER_MSEC);
	}
}

/* Waits until the alarm has rung so often; the machine may stand still in between. */
static bool rings_reach(const struct alarm *alarm, u32 rings)
{
	nsec_t limit = clock_monotonic() + 60 * NSEC_PER_SEC;

	while (__atomic_load_n(&alarm->rings, __ATOMIC_RELAXED) < rings)
		if (clock_monotonic() > limit)
			return false;
		else
			task_sleep(NSEC_PER_MSEC);
	return true;
}

KTEST(proc_timer_deadlines_come_in_order_and_not_early)
{
	enum { ALARMS = 16 };
	static struct alarm alarms[ALARMS];
	nsec_t base = clock_monotonic() + 20 * NSEC_PER_MSEC;

	rung = 0;
	KREQUIRE(task_set_affinity(current, cpumask_of(task_cpu(current))) == 0);
	unsigned long flags = irq_save(); /* all are started before the first rings */
	for (u32 i = 0; i < ALARMS; i++) {
		u32 place = i * 7 % ALARMS;
		alarms[place] = (struct alarm){.rings = 0};
		timer_init(&alarms[place].timer, ring);
		timer_start(&alarms[place].timer, base + place * NSEC_PER_MSEC);
	}
	irq_restore(flags);
	KEXPECT(rings_reach(&alarms[ALARMS - 1], 1));
	KEXPECT(task_set_affinity(current, CPUMASK_ALL) == 0);
	for (u32 i = 0; i < ALARMS; i++) {
		KEXPECT(alarms[i].rings == 1 && alarms[i].order == i + 1);
		KEXPECT(alarms[i].rang >= base + i * NSEC_PER_MSEC);
		KEXPECT(!timer_is_pending(&alarms[i].timer));
	}
}

KTEST(proc_timer_cancelled_and_moved_timers_do_as_told)
{
	static struct alarm cancelled, moved, periodic;
	nsec_t now = clock_monotonic();

	timer_init(&cancelled.timer, ring);
	timer_init(&moved.timer, ring);
	timer_init(&periodic.timer, ring);
	periodic.again = 3;
	timer_start(&cancelled.timer, now + 100 * NSEC_PER_SEC);
	timer_start(&moved.timer, now + 100 * NSEC_PER_SEC);
	timer_start(&periodic.timer, now);
	KEXPECT(timer_cancel(&cancelled.timer));
	KEXPECT(!timer_cancel_sync(&cancelled.timer));
	timer_start(&moved.timer, now + 5 * NSEC_PER_MSEC);
	KEXPECT(rings_reach(&moved, 1));
	KEXPECT(rings_reach(&periodic, 4));
	KEXPECT(cancelled.rings == 0);
	KEXPECT(moved.rings == 1);
	KEXPECT(periodic.rings == 4);
	KEXPECT(!timer_cancel_sync(&periodic.timer));
}
