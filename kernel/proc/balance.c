/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPU: placing tasks that wake, and moving waiting ones.
 *
 * Three moments suffice.  A task that wakes goes where it ran last if that CPU is idle, else to any
 * idle CPU.  A CPU that runs out of work takes a waiting task from the fullest queue.  A CPU at the
 * end of a slice, which only a CPU with waiting tasks has, gives one away if another has at least
 * two fewer.  No CPU idles while another has waiting tasks for longer than a slice.  Real-time tasks
 * do not wait for such moments: balance_realtime.c.
 *
 * The second queue's lock is only ever tried, never waited for; who does not get it leaves things
 * as they are.
 */
#include "arch/clock.h"
#include "lib/assert.h"
#include "proc/sched_internal.h"

u32 sched_choose_cpu(const struct run_queue *queue, const struct task *task)
{
	cpumask_t allowed = task->sched.allowed;
	cpumask_t own = cpumask_of(queue->cpu);
	bool may_stay = allowed & own;

	if (may_stay && queue->load == 0)
		return queue->cpu;
	cpumask_t idle = __atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) & allowed & sched_cpus();
	while (idle) {
		u32 cpu = (u32)__builtin_ctzll(idle);
		if (READ_ONCE(run_queues[cpu].load) == 0)
			return cpu;
		idle &= idle - 1;
	}
	if (unlikely(sched_is_realtime(&task->sched)))
		return realtime_choose_cpu(queue, task);
	if (may_stay)
		return queue->cpu;
	allowed &= sched_cpus();
	return allowed ? (u32)__builtin_ctzll(allowed) : queue->cpu;
}

bool sched_send_away(struct run_queue *queue, struct task *task)
{
	u32 cpu = sched_choose_cpu(queue, task);

	if (cpu == queue->cpu) {
		run_queue_wake(queue, task, FAIR_MOVED);
		return true;
	}
	struct run_queue *other = &run_queues[cpu];
	if (!spin_trylock(&other->lock))
		return false;
	run_queue_move(queue, other, task);
	run_queue_wake(other, task, FAIR_MOVED);
	spin_unlock(&other->lock);
	return true;
}

/* The best waiting task of a queue that may run on `cpu`, looking at a few only; `realtime`: or a
 * real-time one. */
static struct task *find_movable(struct run_queue *queue, u32 cpu, bool realtime)
{
	enum { TRIES = 8 };
	struct rb_node *node = realtime ? realtime_first(queue) : NULL;

	if (!node)
		node = rb_first(&queue->fair.tasks);

	for (u32 tries = 0; node && tries < TRIES; tries++, node = rb_next(node)) {
		struct task *task = rb_entry(node, struct task, sched.node);
		if (task->sched.allowed & cpumask_of(cpu))
			return task;
	}
	return NULL;
}

void run_queue_take(struct run_queue *from, struct run_queue *to, struct task *task)
{
	run_queue_remove(from, task);
	run_queue_leave(from, task);
	run_queue_move(from, to, task);
	run_queue_join(to, task, FAIR_MOVED);
	run_queue_insert(to, task, false);
}

bool run_queue_steal(struct run_queue *queue)
{
	struct run_queue *fullest = NULL;
	cpumask_t others = sched_cpus() & ~cpumask_of(queue->cpu);

	for (; others; others &= others - 1) {
		struct run_queue *other = &run_queues[__builtin_ctzll(others)];
		if (READ_ONCE(other->waiting) > (fullest ? READ_ONCE(fullest->waiting) : 0))
			fullest = other;
	}
	if (!fullest || !spin_trylock(&fullest->lock))
		return false;
	struct task *task = find_movable(fullest, queue->cpu, true);
	if (task)
		run_queue_take(fullest, queue, task);
	spin_unlock(&fullest->lock);
	return task != NULL;
}

void run_queue_push(struct run_queue *queue)
{
	struct run_queue *emptiest = NULL;
	cpumask_t others = sched_cpus() & ~cpumask_of(queue->cpu);

	for (; others; others &= others - 1) {
		struct run_queue *other = &run_queues[__builtin_ctzll(others)];
		if (!emptiest || READ_ONCE(other->load) < READ_ONCE(emptiest->load))
			emptiest = other;
	}
	if (!emptiest || READ_ONCE(emptiest->load) + 2 > queue->load ||
	    !spin_trylock(&emptiest->lock))
		return;
	struct task *task = find_movable(queue, emptiest->cpu, false);
	if (task) {
		run_queue_take(queue, emptiest, task);
		run_queue_request(emptiest);
	}
	spin_unlock(&emptiest->lock);
}
