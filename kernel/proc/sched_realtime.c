/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real-time tasks: SCHED_FIFO and SCHED_RR, and who has inherited such a priority (sched(7)).
 *
 * A tree by priority, and by arrival within one.  A task that is preempted goes before its equals,
 * one whose turn is over (SCHED_RR) or that yields goes behind them.
 *
 * So that they cannot take a CPU for good, real-time tasks have `runtime` of each `period` of a CPU
 * (/proc/sys/kernel/sched_rt_runtime_us and sched_rt_period_us).  When it is used up, the CPU's
 * fair tasks go first until the period ends.  With no fair task waiting, nothing changes: nobody is
 * kept from a CPU that has nothing else to do.  Periods begin where the last one ended, or with the
 * first real-time task after a pause.
 *
 * All of it is under the run queue's lock, but for the two settings, which are words.
 */
#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "proc/sched_internal.h"

#define NO_LIMIT UINT64_MAX

static nsec_t period = NSEC_PER_SEC;              /* settings_lock to change */
static nsec_t runtime = 950 * NSEC_PER_MSEC;      /* settings_lock to change; NO_LIMIT: all of it */
static nsec_t round_robin_slice = SCHED_RR_SLICE; /* single word */
static spinlock_t settings_lock;

/* --- The tree --- */

static bool goes_before(const struct sched_task *left, const struct sched_task *right)
{
	if (left->priority != right->priority)
		return left->priority > right->priority;
	if (left->priority == PRIORITY_DEADLINE)
		return left->deadline.until < right->deadline.until;
	return (s64)(left->sequence - right->sequence) < 0;
}

void realtime_insert(struct run_queue *queue, struct task *task, bool front)
{
	struct realtime_queue *own = &queue->realtime;
	struct rb_node **link = &own->tasks.top, *parent = NULL;

	task->sched.sequence = front ? --own->front_sequence : ++own->sequence;
	while (*link) {
		parent = *link;
		link = goes_before(&task->sched, &rb_entry(parent, struct task, sched.node)->sched)
			       ? &parent->left
			       : &parent->right;
	}
	rb_insert(&own->tasks, &task->sched.node, parent, link);
	realtime_note_first(queue);
}

void realtime_remove(struct run_queue *queue, struct task *task)
{
	rb_erase(&queue->realtime.tasks, &task->sched.node);
	realtime_note_first(queue);
}

/* --- The limit --- */

void realtime_refresh(struct run_queue *queue, nsec_t now)
{
	struct realtime_queue *own = &queue->realtime;
	nsec_t length = READ_ONCE(period), since = now - own->period_start;

	if (since < length)
		return;
	own->period_start = since < 2 * length ? own->period_start + length : now;
	own->used = 0;
	own->exhausted = false;
}

void realtime_charge(struct run_queue *queue, nsec_t now, nsec_t elapsed)
{
	struct realtime_queue *own = &queue->realtime;

	realtime_refresh(queue, now);
	own->used += MIN(elapsed, now - own->period_start);
	own->exhausted = own->used >= READ_ONCE(runtime);
}

nsec_t realtime_slice_end(const struct run_queue *queue, nsec_t now)
{
	const struct realtime_queue *own = &queue->realtime;
	const struct sched_task *running = &queue->running->sched;
	nsec_t end = NO_DEADLINE, limit = READ_ONCE(runtime);

	if (sched_is_deadline(running))
		return running->inherited ? NO_DEADLINE
					  : now + (nsec_t)MAX(running->deadline.budget, 0);
	if (running->policy == SCHED_RR)
		end = now + (running->slice_end_runtime > running->run_time
				     ? running->slice_end_runtime - running->run_time
				     : 0);
	if (limit != NO_LIMIT && queue->fair.tasks.top)
		end = MIN(end, own->exhausted ? own->period_start + READ_ONCE(period)
					      : now + limit - MIN(own->used, limit));
	return end;
}

nsec_t realtime_period_end(const struct run_queue *queue)
{
	return queue->realtime.period_start + READ_ONCE(period);
}

void realtime_new_turn(struct sched_task *sched)
{
	sched->slice_end_runtime = sched->run_time + READ_ONCE(round_robin_slice);
}

/* --- Settings --- */

s64 scheduler_rt_period(void)
{
	return (s64)READ_ONCE(period);
}

s64 scheduler_rt_runtime(void)
{
	nsec_t limit = READ_ONCE(runtime);

	return limit == NO_LIMIT ? -1 : (s64)limit;
}

int scheduler_set_rt_limit(s64 wanted_period, s64 wanted_runtime)
{
	if (wanted_period <= 0 || wanted_runtime > wanted_period)
		return -EINVAL;
	if (!deadline_fits(wanted_period, wanted_runtime))
		return -EBUSY;
	spin_lock(&settings_lock);
	WRITE_ONCE(period, (nsec_t)wanted_period);
	WRITE_ONCE(runtime, wanted_runtime < 0 ? NO_LIMIT : (nsec_t)wanted_runtime);
	spin_unlock(&settings_lock);
	return 0;
}

nsec_t scheduler_rr_slice(void)
{
	return READ_ONCE(round_robin_slice);
}

void scheduler_set_rr_slice(nsec_t slice)
{
	WRITE_ONCE(round_robin_slice, slice ? slice : SCHED_RR_SLICE);
}
