/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues: order and accounting.
 *
 * Fair tasks are ordered by virtual time: nanoseconds on a CPU, divided by the task's weight (nice
 * 0: as they are).  A queue's least_time follows the smallest virtual time and never falls; a task
 * that wakes after a long sleep is put a little before it, so that it gets the CPU soon but cannot
 * hoard.  Real-time tasks come before all fair ones.
 *
 * Virtual times are compared by difference, so they may wrap.
 */
#include "arch/clock.h"
#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "proc/account.h"
#include "proc/sched_internal.h"

struct run_queue run_queues[MAX_CPUS];
cpumask_t idle_cpus;
cpumask_t scheduling_cpus;

/* Each step of nice is a tenth of the CPU between two tasks: weights fall by a factor of 1.25. */
static const u32 nice_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
	1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
	110,   87,    70,    56,    45,    36,    29,    23,    18,    15,
};
#define IDLE_POLICY_WEIGHT 3

void sched_set_weight(struct sched_task *sched)
{
	sched->weight =
		sched->policy == SCHED_IDLE ? IDLE_POLICY_WEIGHT : nice_weight[sched->nice + 20];
}

void sched_task_init(struct sched_task *sched)
{
	sched->allowed = CPUMASK_ALL;
	sched->policy = SCHED_OTHER;
	sched_set_weight(sched);
}

static bool before(u64 left, u64 right)
{
	return (s64)(left - right) < 0;
}

static void insert_fair(struct run_queue *queue, struct task *task)
{
	struct rb_node **link = &queue->fair.top, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (before(task->sched.virtual_time,
			   rb_entry(parent, struct task, sched.node)->sched.virtual_time)) {
			link = &parent->left;
		} else {
			link = &parent->right;
			leftmost = false;
		}
	}
	rb_insert(&queue->fair, &task->sched.node, parent, link);
	if (leftmost)
		queue->first = &task->sched.node;
}

void run_queue_insert(struct run_queue *queue, struct task *task, bool front)
{
	ASSERT(task->sched.cpu == queue->cpu && task->sched.queued);
	if (sched_is_realtime(&task->sched))
		realtime_insert(queue, task, front);
	else
		insert_fair(queue, task);
	WRITE_ONCE(queue->waiting, queue->waiting + 1);
}

void run_queue_remove(struct run_queue *queue, struct task *task)
{
	if (sched_is_realtime(&task->sched)) {
		realtime_remove(queue, task);
	} else {
		if (queue->first == &task->sched.node)
			queue->first = rb_next(queue->first);
		rb_erase(&queue->fair, &task->sched.node);
	}
	WRITE_ONCE(queue->waiting, queue->waiting - 1);
}

struct task *run_queue_best(struct run_queue *queue)
{
	struct rb_node *node = queue->realtime.exhausted ? NULL : realtime_first(queue);

	if (!node)
		node = queue->first ? queue->first : realtime_first(queue);
	return rb_entry_or_null(node, struct task, sched.node);
}

bool run_queue_prefers(const struct run_queue *queue, const struct task *task, u64 margin)
{
	const struct sched_task *left = &task->sched, *right = &queue->running->sched;

	if (left->priority != right->priority)
		return run_queue_rank(queue, left) > run_queue_rank(queue, right);
	if (sched_is_realtime(left))
		return false;
	if (right->policy == SCHED_IDLE && left->policy != SCHED_IDLE)
		return true;
	return before(left->virtual_time + margin, right->virtual_time);
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
	if (sched_is_realtime(sched))
		realtime_charge(queue, now, elapsed);
	else if (queue->realtime.exhausted)
		realtime_refresh(queue, now);
	queue->busy += elapsed;
	if (queue->waiting != 0)
		queue->waited += elapsed;
	sched->virtual_time +=
		sched->weight == NICE_0_WEIGHT ? elapsed : elapsed * NICE_0_WEIGHT / sched->weight;

	u64 least = sched->virtual_time;
	if (queue->first) {
		u64 first = rb_entry(queue->first, struct task, sched.node)->sched.virtual_time;
		if (before(first, least))
			least = first;
	}
	if (before(queue->least_time, least))
		queue->least_time = least;
}

void run_queue_split(struct run_queue *queue)
{
	struct task *task = queue->running;
	struct task_times *times = &task->times;

	u64 now = cpu_cycles(), total = now - times->stretch_since;
	u64 kernel = times->kernel_cycles + now - times->kernel_since;
	u64 user = total - MIN(kernel, total);
	nsec_t elapsed = task->sched.run_time - times->user_time - times->system_time;
	nsec_t user_time = 0;
	if (user) {
		while (total >> 31) {
			total >>= 1;
			user >>= 1;
		}
		user_time = elapsed / total * user + elapsed % total * user / total;
	}
	account_stretch(task, now);
	times->user_time += user_time;
	times->system_time += elapsed - user_time;
	if (task->sched.nice > 0)
		queue->times.nice += user_time;
	else
		queue->times.user += user_time;
	queue->times.system += elapsed - user_time;
}

void run_queue_move(struct run_queue *from, struct run_queue *to, struct task *task)
{
	task->sched.virtual_time += to->least_time - from->least_time;
	WRITE_ONCE(task->sched.cpu, to->cpu);
}

struct run_queue *run_queue_lock_of(struct task *task, unsigned long *flags)
{
	for (;;) {
		struct run_queue *queue = &run_queues[READ_ONCE(task->sched.cpu)];
		*flags = spin_lock_irqsave(&queue->lock);
		if (likely(queue == &run_queues[READ_ONCE(task->sched.cpu)]))
			return queue;
		spin_unlock_irqrestore(&queue->lock, *flags);
	}
}
