/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deadline tasks: SCHED_DEADLINE, earliest deadline first with a constant-bandwidth server a task
 * (Abeni and Buttazzo, 1998; sched(7)).
 *
 * A task has `runtime` in each `period`, to be had within `deadline` of its beginning.  What it has
 * left is its budget, which is good until a moment, its absolute deadline.  Of the ready tasks the
 * one with the earliest runs, before all real-time tasks: they share a tree, at PRIORITY_DEADLINE.
 *
 * Who has used up its budget stops until the next period, when it gets a new one and a later
 * deadline: a task that asks for more than it has reserved takes nothing from the others.  It is
 * then neither ready nor asleep (`throttled`), and its timer is on.  When a task wakes, what is
 * left of its budget is good as long as that is no more than its share of the time to its deadline;
 * else it begins a period.
 *
 * Tasks are admitted as long as the sum of runtime / period of all is within the share of the CPUs
 * that real-time tasks may have; each has to be allowed on all CPUs, as the sum does not tell them
 * apart.
 *
 * A task's fields are under its run queue's lock; the sum, and each task's part of it, under a lock
 * of its own, outside of that.
 */
#include "arch/clock.h"
#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "proc/sched_internal.h"

#define SHARE_BITS    20   /* shares of a CPU are fractions of 1 << 20 */
#define LEAST_RUNTIME 1024 /* nanoseconds */

static nsec_t least_period = 100 * NSEC_PER_USEC;             /* single word */
static nsec_t greatest_period = (1ull << 22) * NSEC_PER_USEC; /* single word */
static u64 admitted;                                          /* admission_lock */
static spinlock_t admission_lock;

/* --- Budgets --- */

static void begin_period(struct deadline_task *own, nsec_t now)
{
	own->until = now + own->deadline;
	own->budget = (s64)own->runtime;
}

static nsec_t next_period(const struct deadline_task *own)
{
	return own->until - own->deadline + own->period;
}

static void refill(struct deadline_task *own, nsec_t now)
{
	while (own->budget <= 0) {
		own->until += own->period;
		own->budget += (s64)own->runtime;
	}
	if (own->until < now)
		begin_period(own, now);
}

/* Its time has come: the timer's function. */
static void next_period_begins(struct timer *timer)
{
	struct task *task = container_of(timer, struct task, sched.deadline.timer);
	unsigned long flags;
	struct run_queue *queue = run_queue_lock_of(task, &flags);

	if (task->sched.deadline.throttled) {
		task->sched.deadline.throttled = false;
		refill(&task->sched.deadline, clock_monotonic());
		run_queue_place(queue, task, FAIR_MOVED);
	}
	run_queue_unlock(queue, flags);
}

void deadline_init(struct sched_task *sched)
{
	timer_init(&sched->deadline.timer, next_period_begins);
}

bool deadline_used_up(struct sched_task *sched, nsec_t now)
{
	struct deadline_task *own = &sched->deadline;
	nsec_t next = next_period(own);

	if (own->budget > 0 || sched->inherited)
		return false;
	if (next <= now) {
		refill(own, now);
		return false;
	}
	own->throttled = true;
	timer_start(&own->timer, next);
	return true;
}

/* Is the budget more than the task's share of the time that it is good for? */
static bool is_too_much(const struct deadline_task *own, nsec_t now)
{
	enum { SHIFT = 10 }; /* so that the products fit */

	return (own->deadline >> SHIFT) * ((u64)own->budget >> SHIFT) >
	       ((own->until - now) >> SHIFT) * (own->runtime >> SHIFT);
}

bool deadline_wake(struct sched_task *sched, nsec_t now)
{
	struct deadline_task *own = &sched->deadline;

	if (own->until <= now) {
		/* Deadlines before the end of the period: the next one has to be waited for. */
		if (own->deadline < own->period && next_period(own) > now)
			own->budget = 0;
		else
			begin_period(own, now);
	} else if (own->budget > 0 && is_too_much(own, now)) {
		if (own->deadline < own->period)
			own->budget = (s64)((own->until - now) * own->runtime / own->deadline);
		else
			begin_period(own, now);
	}
	return !deadline_used_up(sched, now);
}

/* --- Admission --- */

int deadline_check(const struct sched_deadline *wanted)
{
	nsec_t period = wanted->period ? wanted->period : wanted->deadline;

	if (wanted->deadline == 0 || wanted->runtime < LEAST_RUNTIME ||
	    wanted->deadline > INT64_MAX || wanted->period > INT64_MAX)
		return -EINVAL;
	if (wanted->runtime > wanted->deadline || wanted->deadline > period)
		return -EINVAL;
	return period < READ_ONCE(least_period) || period > READ_ONCE(greatest_period) ? -EINVAL
										       : 0;
}

static u64 share_of(nsec_t runtime, nsec_t period)
{
	return (runtime << SHARE_BITS) / period;
}

static u64 most_admitted(s64 period, s64 runtime)
{
	return runtime < 0 ? UINT64_MAX : share_of((nsec_t)runtime, (nsec_t)period) * cpu_count();
}

int deadline_admit(struct task *task, const struct sched_deadline *wanted)
{
	u64 most = most_admitted(scheduler_rt_period(), scheduler_rt_runtime());
	u64 share = 0;
	int result = 0;

	if (wanted)
		share = share_of(wanted->runtime,
				 wanted->period ? wanted->period : wanted->deadline);
	spin_lock(&admission_lock);
	u64 rest = admitted - task->sched.deadline.share;
	if (share > task->sched.deadline.share && rest + share > most) {
		result = -EBUSY;
	} else {
		admitted = rest + share;
		task->sched.deadline.share = share;
	}
	spin_unlock(&admission_lock);
	return result;
}

bool deadline_fits(s64 period, s64 runtime)
{
	spin_lock(&admission_lock);
	bool fits = admitted <= most_admitted(period, runtime);
	spin_unlock(&admission_lock);
	return fits;
}

void deadline_set(struct sched_task *sched, const struct sched_deadline *wanted, nsec_t now)
{
	struct deadline_task *own = &sched->deadline;

	own->runtime = wanted->runtime;
	own->deadline = wanted->deadline;
	own->period = wanted->period ? wanted->period : wanted->deadline;
	begin_period(own, now);
}

/* --- Settings --- */

nsec_t scheduler_deadline_period(bool greatest)
{
	return READ_ONCE(*(greatest ? &greatest_period : &least_period));
}

int scheduler_set_deadline_period(bool greatest, nsec_t period)
{
	if (greatest ? period < READ_ONCE(least_period) : period > READ_ONCE(greatest_period))
		return -EINVAL;
	WRITE_ONCE(*(greatest ? &greatest_period : &least_period), period);
	return 0;
}
