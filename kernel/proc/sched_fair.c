/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fair tasks: earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995).
 *
 * A task's virtual time counts the nanoseconds that it has had a CPU, divided by its weight (nice
 * 0: as they are).  The queue's mean is the weighted mean of its ready tasks' virtual times: where
 * everybody would be if all ran at once, each at its share.  A task's lag is the mean less its own
 * time: what the others owe it.  Who is not ahead of the mean is eligible.
 *
 * A task asks for time in requests of so many nanoseconds; a request's virtual deadline is when the
 * task, at its share, would have got it.  Of the eligible tasks the one with the earliest deadline
 * runs, until its request is served or one with an earlier deadline wakes.  So weights decide how
 * much a task gets, and the length of its requests how soon: a task that wakes asks for a short
 * time first, and goes before those that burn the CPU, as long as it does not take more than its
 * share.  SCHED_BATCH tasks do not, and SCHED_IDLE tasks give way to all others.
 *
 * A task that sleeps keeps its lag, up to two requests, so that it neither gains nor loses by
 * sleeping; what it owes is forgotten as the mean goes on without it.
 *
 * The mean is kept as a sum of weight times distance from `zero`, which follows the mean, so that
 * the numbers stay small: no division is needed to see who is eligible.  The running task is in
 * the sums, and not in the tree.  The tree is ordered by deadline; each task knows the least
 * virtual time of its subtree, so that the best one is found on one way down.
 *
 * Virtual times are compared by difference, so they may wrap.  All of it is under the run queue's
 * lock.
 */
#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "proc/sched_internal.h"

/* Distance from `zero` at which it is moved. */
#define FAR (1ull << 32)

/* Each step of nice is a tenth of the CPU between two tasks: weights fall by a factor of 1.25. */
static const u32 nice_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
	1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
	110,   87,    70,    56,    45,    36,    29,    23,    18,    15,
};
#define IDLE_POLICY_WEIGHT 3

static bool before(u64 left, u64 right)
{
	return (s64)(left - right) < 0;
}

/* Nanoseconds on a CPU in the task's virtual time. */
static u64 to_virtual(const struct sched_task *sched, nsec_t time)
{
	return likely(sched->weight == NICE_0_WEIGHT) ? time : time * NICE_0_WEIGHT / sched->weight;
}

static struct sched_task *fair_task(struct rb_node *node)
{
	return &rb_entry(node, struct task, sched.node)->sched;
}

static u64 mean_of(const struct fair_queue *fair)
{
	return fair->weight ? fair->zero + (u64)(fair->sum / (s64)fair->weight) : fair->zero;
}

static bool is_eligible(const struct fair_queue *fair, u64 virtual_time)
{
	return (s64)(virtual_time - fair->zero) * (s64)fair->weight <= fair->sum;
}

/* --- Weights --- */

void sched_set_weight(struct sched_task *sched)
{
	u32 old = sched->weight;

	sched->weight =
		sched->policy == SCHED_IDLE ? IDLE_POLICY_WEIGHT : nice_weight[sched->nice + 20];
	if (old == 0 || old == sched->weight)
		return;
	/* What the task is owed and what it has asked for is time on a CPU. */
	s64 left = (s64)(sched->virtual_deadline - sched->virtual_time);
	sched->lag = sched->lag * (s64)old / (s64)sched->weight;
	sched->virtual_deadline = sched->virtual_time + (u64)(left * (s64)old / (s64)sched->weight);
}

/* --- Who is there --- */

static nsec_t request_of(const struct sched_task *sched, enum fair_join how)
{
	return how == FAIR_WOKEN && sched->policy == SCHED_OTHER ? SCHED_SHORT_SLICE : SCHED_SLICE;
}

/* What is left of a debt when the mean has come so far. */
static s64 forget_debt(const struct sched_task *sched, u64 mean)
{
	return sched->lag < 0 ? MIN((s64)(mean - sched->virtual_time), 0) : sched->lag;
}

void fair_join(struct run_queue *queue, struct sched_task *sched, enum fair_join how)
{
	struct fair_queue *fair = &queue->fair;
	s64 left = (s64)(sched->virtual_deadline - sched->virtual_time);
	u64 mean = mean_of(fair);
	s64 lag = how == FAIR_WOKEN ? forget_debt(sched, mean) : sched->lag;

	/* Its coming moves the mean towards it: for its lag to be the same afterwards it has to
	 * stand off farther. */
	if (fair->weight == 0)
		lag = 0;
	else if (lag != 0)
		lag = lag * (s64)(fair->weight + sched->weight) / (s64)fair->weight;
	sched->virtual_time = mean - (u64)lag;
	sched->virtual_deadline =
		sched->virtual_time +
		(how == FAIR_MOVED ? (u64)left : to_virtual(sched, request_of(sched, how)));
	fair->sum += (s64)(sched->virtual_time - fair->zero) * (s64)sched->weight;
	fair->weight += sched->weight;
}

void fair_leave(struct run_queue *queue, struct sched_task *sched)
{
	struct fair_queue *fair = &queue->fair;
	s64 most = (s64)to_virtual(sched, 2 * SCHED_SLICE);
	u64 mean = mean_of(fair);

	sched->lag = CLAMP((s64)(mean - sched->virtual_time), -most, most);
	fair->sum -= (s64)(sched->virtual_time - fair->zero) * (s64)sched->weight;
	fair->weight -= sched->weight;
	if (fair->weight == 0) {
		fair->zero = mean;
		ASSERT(fair->sum == 0);
	}
}

void fair_move(struct run_queue *from, struct run_queue *to, struct sched_task *sched)
{
	sched->lag = forget_debt(sched, mean_of(&from->fair));
	u64 time = mean_of(&to->fair) - (u64)sched->lag;
	sched->virtual_deadline += time - sched->virtual_time;
	sched->virtual_time = time;
}

/* --- Time --- */

static void follow_mean(struct fair_queue *fair)
{
	s64 distance = fair->sum / (s64)fair->weight;

	fair->zero += (u64)distance;
	fair->sum -= distance * (s64)fair->weight;
}

void fair_charge(struct run_queue *queue, struct sched_task *sched, nsec_t elapsed)
{
	struct fair_queue *fair = &queue->fair;
	u64 time = to_virtual(sched, elapsed);

	sched->virtual_time += time;
	if (fair->weight == sched->weight) {
		fair->zero = sched->virtual_time;
		fair->sum = 0;
	} else {
		fair->sum += (s64)(time * sched->weight);
		if (unlikely(sched->virtual_time - fair->zero > FAR))
			follow_mean(fair);
	}
	if (!before(sched->virtual_time, sched->virtual_deadline))
		fair_new_request(sched);
}

void fair_new_request(struct sched_task *sched)
{
	sched->virtual_deadline = sched->virtual_time + to_virtual(sched, SCHED_SLICE);
}

/* --- The tree --- */

static void note_least(struct rb_node *node)
{
	struct sched_task *sched = fair_task(node);
	u64 least = sched->virtual_time;

	if (node->left && before(fair_task(node->left)->least_time, least))
		least = fair_task(node->left)->least_time;
	if (node->right && before(fair_task(node->right)->least_time, least))
		least = fair_task(node->right)->least_time;
	sched->least_time = least;
}

void fair_init(struct run_queue *queue)
{
	queue->fair.tasks = RB_ROOT_AUGMENTED(note_least);
}

void fair_insert(struct run_queue *queue, struct sched_task *sched)
{
	struct rb_node **link = &queue->fair.tasks.top, *parent = NULL;

	if (!*link) {
		rb_insert_only(&queue->fair.tasks, &sched->node);
		sched->least_time = sched->virtual_time;
		return;
	}
	while (*link) {
		parent = *link;
		link = before(sched->virtual_deadline, fair_task(parent)->virtual_deadline)
			       ? &parent->left
			       : &parent->right;
	}
	rb_insert(&queue->fair.tasks, &sched->node, parent, link);
}

void fair_remove(struct run_queue *queue, struct sched_task *sched)
{
	if (rb_is_only(&queue->fair.tasks, &sched->node))
		rb_erase_only(&queue->fair.tasks);
	else
		rb_erase(&queue->fair.tasks, &sched->node);
}

struct rb_node *fair_best(const struct run_queue *queue)
{
	const struct fair_queue *fair = &queue->fair;
	struct rb_node *node = fair->tasks.top;

	while (node) {
		if (node->left && is_eligible(fair, fair_task(node->left)->least_time)) {
			node = node->left;
		} else {
			if (is_eligible(fair, fair_task(node)->virtual_time))
				return node;
			node = node->right;
		}
	}
	return fair->tasks.top ? rb_first(&fair->tasks) : NULL;
}

bool fair_prefers(const struct run_queue *queue, const struct sched_task *sched, bool woken)
{
	const struct sched_task *running = &queue->running->sched;
	bool eligible = is_eligible(&queue->fair, sched->virtual_time);

	if (running->policy == SCHED_IDLE && sched->policy != SCHED_IDLE)
		return true;
	if (!woken)
		return eligible && (before(sched->virtual_deadline, running->virtual_deadline) ||
				    !is_eligible(&queue->fair, running->virtual_time));
	return eligible && sched->policy == SCHED_OTHER &&
	       before(sched->virtual_deadline + SCHED_GRANULE, running->virtual_deadline);
}
