/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues: what all classes of tasks have in common, and accounting.
 *
 * Deadline tasks (sched_deadline.c) come before real-time ones (sched_realtime.c), and those before
 * fair ones (sched_fair.c), unless they have used up what they may have.  A ready task is in its class's tree, or it is the running one; either way it
 * has joined the queue: it counts in `load`, and, if it is fair, in the sums of the fair ones.
 */
#include "arch/clock.h"
#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "proc/sched_internal.h"

struct run_queue run_queues[MAX_CPUS];
cpumask_t idle_cpus;
cpumask_t scheduling_cpus;

void sched_task_init(struct sched_task *sched)
{
	sched->allowed = CPUMASK_ALL;
	sched->policy = SCHED_OTHER;
	deadline_init(sched);
	sched_set_weight(sched);
}

void run_queue_insert(struct run_queue *queue, struct task *task, bool front)
{
	ASSERT(task->sched.cpu == queue->cpu && task->sched.queued);
	if (sched_is_realtime(&task->sched))
		realtime_insert(queue, task, front);
	else
		fair_insert(queue, &task->sched);
	WRITE_ONCE(queue->waiting, queue->waiting + 1);
}

void run_queue_remove(struct run_queue *queue, struct task *task)
{
	if (sched_is_realtime(&task->sched))
		realtime_remove(queue, task);
	else
		fair_remove(queue, &task->sched);
	WRITE_ONCE(queue->waiting, queue->waiting - 1);
}

struct task *run_queue_best(struct run_queue *queue)
{
	struct task *first = rb_entry_or_null(realtime_first(queue), struct task, sched.node);

	if (first && (!queue->realtime.exhausted || first->sched.priority == PRIORITY_DEADLINE))
		return first;
	struct rb_node *fair = fair_best(queue);
	return fair ? rb_entry(fair, struct task, sched.node) : first;
}

void run_queue_account(struct run_queue *queue, nsec_t now)
{
	struct sched_task *sched = &queue->running->sched;
	nsec_t elapsed = now - sched->run_start;

	sched->run_start = now;
	sched->run_time += elapsed;
	if (queue->running == queue->idle) {
		queue->times.idle += elapsed;
		return;
	}
	queue->busy += elapsed;
	if (queue->waiting != 0)
		queue->waited += elapsed;
	if (sched_is_realtime(sched)) {
		if (sched_is_deadline(sched))
			sched->deadline.budget -= (s64)elapsed;
		realtime_charge(queue, now, elapsed);
		return;
	}
	if (queue->realtime.exhausted)
		realtime_refresh(queue, now);
	fair_charge(queue, sched, elapsed);
}

void run_queue_move(struct run_queue *from, struct run_queue *to, struct task *task)
{
	ASSERT(!task->sched.queued);
	if (!sched_is_realtime(&task->sched))
		fair_move(from, to, &task->sched);
	task->sched.migrations++;
	WRITE_ONCE(task->sched.cpu, to->cpu);
}
