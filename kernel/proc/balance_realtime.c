/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPU for real-time and deadline tasks: of the ready ones the most urgent run, on as many
 * CPUs as there are, each where it may.
 *
 * Pull: a CPU that chooses looks whether a task that waits elsewhere is more urgent than what it
 * would run, and takes it.  Push: who makes a task wait that could run on another CPU (it has woken
 * and cannot run here, it was preempted, its priority or its affinity has become another) asks the
 * CPU that does the least urgent thing to choose again, and that one pulls.  So tasks move in one
 * place, with the taker's lock held and the giver's tried.  A taker that does not get it asks
 * itself to choose again.
 *
 * What a queue's running and first waiting task are is read without its lock; whoever changes it
 * asks afterwards, so a look that was too early is followed by another.
 *
 * Where real-time tasks have had their share of the period, they wait for fair ones on purpose, and
 * are left there.
 */
#include "lib/assert.h"
#include "proc/sched_internal.h"

/* CPUs where such tasks wait; atomic, a hint. */
cpumask_t realtime_waiting;

void realtime_note_first(struct run_queue *queue)
{
	struct rb_node *first = realtime_first(queue);
	cpumask_t own = cpumask_of(queue->cpu);
	bool known = __atomic_load_n(&realtime_waiting, __ATOMIC_RELAXED) & own;

	WRITE_ONCE(queue->first_urgency,
		   first ? sched_urgency(&rb_entry(first, struct task, sched.node)->sched) : 0);
	if (first && !known)
		__atomic_or_fetch(&realtime_waiting, own, __ATOMIC_SEQ_CST);
	else if (!first && known)
		__atomic_and_fetch(&realtime_waiting, ~own, __ATOMIC_RELAXED);
}

/* --- Push --- */

/* The CPU where the task may run that does the least urgent thing, if that is less urgent than the
 * task; else `otherwise`. */
static u32 least_urgent_cpu(const struct task *task, u32 otherwise)
{
	u64 least = sched_urgency(&task->sched);
	u32 found = otherwise;

	for (cpumask_t cpus = task->sched.allowed & sched_cpus(); cpus; cpus &= cpus - 1) {
		u32 cpu = (u32)__builtin_ctzll(cpus);
		const struct run_queue *other = &run_queues[cpu];
		if (READ_ONCE(other->load) == 0)
			return cpu;
		if (READ_ONCE(other->urgency) < least) {
			least = READ_ONCE(other->urgency);
			found = cpu;
		}
	}
	return found;
}

u32 realtime_choose_cpu(const struct run_queue *queue, const struct task *task)
{
	cpumask_t allowed = task->sched.allowed & sched_cpus();

	if (allowed & cpumask_of(queue->cpu))
		return queue->urgency == 0 ? queue->cpu : least_urgent_cpu(task, queue->cpu);
	return least_urgent_cpu(task, allowed ? (u32)__builtin_ctzll(allowed) : queue->cpu);
}

/* Does the task wait so that fair ones get their share? */
static bool is_held_back(const struct run_queue *queue, const struct task *task)
{
	return queue->realtime.exhausted && task->sched.priority != PRIORITY_DEADLINE;
}

bool realtime_offer(struct run_queue *queue, const struct task *task)
{
	u32 cpu = queue->cpu;

	if (!is_held_back(queue, task))
		cpu = least_urgent_cpu(task, cpu);
	if (cpu == queue->cpu)
		return false;
	run_queue_request(&run_queues[cpu]);
	return true;
}

void realtime_offer_first(struct run_queue *queue)
{
	enum { TRIES = 4 };
	struct rb_node *node = realtime_first(queue);

	for (u32 i = 0; node && i < TRIES; i++, node = rb_next(node))
		if (realtime_offer(queue, rb_entry(node, struct task, sched.node)))
			break;
}

/* --- Pull --- */

/* The queue whose first waiting task is the most urgent, if more than `floor`. */
static struct run_queue *most_urgent_queue(cpumask_t cpus, u64 floor)
{
	struct run_queue *found = NULL;

	for (; cpus; cpus &= cpus - 1) {
		struct run_queue *other = &run_queues[__builtin_ctzll(cpus)];
		u64 urgency = READ_ONCE(other->first_urgency);
		if (urgency > floor) {
			floor = urgency;
			found = other;
		}
	}
	return found;
}

static struct task *find_urgent(struct run_queue *from, u32 cpu, u64 floor)
{
	enum { TRIES = 16 };
	struct rb_node *node = realtime_first(from);

	for (u32 i = 0; node && i < TRIES; i++, node = rb_next(node)) {
		struct task *task = rb_entry(node, struct task, sched.node);
		if (sched_urgency(&task->sched) <= floor || is_held_back(from, task))
			break;
		if (task->sched.allowed & cpumask_of(cpu))
			return task;
	}
	return NULL;
}

/* The holder may want our lock at the same time: nobody waits for long. */
static bool lock_soon(struct run_queue *queue)
{
	enum { TRIES = 100 };

	for (u32 i = 0; i < TRIES; i++, cpu_relax())
		if (spin_trylock(&queue->lock))
			return true;
	return false;
}

bool realtime_pull(struct run_queue *queue, const struct task *candidate)
{
	cpumask_t others = realtime_elsewhere(queue) & sched_cpus();
	u64 floor = candidate ? sched_urgency(&candidate->sched) : 0;
	struct run_queue *from;

	if (candidate && queue->realtime.exhausted)
		floor = MAX(floor, (u64)PRIORITY_DEADLINE);
	while ((from = most_urgent_queue(others, floor)) != NULL) {
		if (!lock_soon(from)) {
			set_need_resched(true);
			return false;
		}
		struct task *task = find_urgent(from, queue->cpu, floor);
		if (task)
			run_queue_take(from, queue, task);
		spin_unlock(&from->lock);
		if (task)
			return true;
		others &= ~cpumask_of(from->cpu);
	}
	return false;
}
