/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fair scheduling, step by step: a queue that no CPU uses, and tasks that never run.
 */
#include "lib/abi/sched.h"
#include "lib/string.h"
#include "proc/sched_internal.h"
#include "tests/kernel/ktest.h"

enum { TASKS = 24 };

static struct run_queue queue;
static struct task tasks[TASKS];
static struct task idle;
static u64 seed;

static u32 random(u32 limit)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 33) % limit;
}

static void begin(void)
{
	memset(&queue, 0, sizeof(queue));
	memset(tasks, 0, sizeof(tasks));
	fair_init(&queue);
	queue.idle = queue.running = &idle;
	for (u32 i = 0; i < TASKS; i++)
		sched_task_init(&tasks[i].sched);
	seed = 1;
}

static void set_nice(struct task *task, int nice)
{
	task->sched.nice = (s8)nice;
	sched_set_weight(&task->sched);
}

static void come(struct task *task, enum fair_join how)
{
	run_queue_join(&queue, task, how);
	run_queue_insert(&queue, task, false);
}

/* The best task becomes the running one, whose place is in the tree again if it stays. */
static struct task *choose(bool stays)
{
	struct task *before = queue.running;

	if (before != &idle) {
		if (stays)
			run_queue_insert(&queue, before, false);
		else
			run_queue_leave(&queue, before);
	}
	queue.running = &idle;
	struct task *best = run_queue_best(&queue);
	if (best) {
		run_queue_remove(&queue, best);
		queue.running = best;
	}
	return best;
}

static void run(nsec_t time)
{
	queue.running->sched.run_time += time;
	fair_charge(&queue, &queue.running->sched, time);
}

static s64 mean(void)
{
	return (s64)queue.fair.zero + queue.fair.sum / (s64)queue.fair.weight;
}

static s64 lag_of(const struct task *task)
{
	return mean() - (s64)task->sched.virtual_time;
}

static bool near(s64 left, s64 right, s64 distance)
{
	return left - right <= distance && right - left <= distance;
}

KTEST(sched_fair_shares_follow_weights)
{
	begin();
	set_nice(&tasks[0], 0);
	set_nice(&tasks[1], 5);
	set_nice(&tasks[2], -5);
	u64 weights = 0;
	for (u32 i = 0; i < 3; i++) {
		weights += tasks[i].sched.weight;
		come(&tasks[i], FAIR_NEW);
	}
	const nsec_t total = 5000 * NSEC_PER_MSEC;
	for (nsec_t time = 0; time < total; time += NSEC_PER_MSEC) {
		choose(true);
		run(NSEC_PER_MSEC);
	}
	for (u32 i = 0; i < 3; i++) {
		s64 share = (s64)(total / weights * tasks[i].sched.weight);
		KEXPECT(near((s64)tasks[i].sched.run_time, share, 2 * SCHED_SLICE));
	}
}

KTEST(sched_fair_who_sleeps_keeps_what_it_is_owed)
{
	begin();
	come(&tasks[0], FAIR_NEW);
	come(&tasks[1], FAIR_NEW);
	struct task *first = choose(true);
	struct task *second = first == &tasks[0] ? &tasks[1] : &tasks[0];
	run(2 * NSEC_PER_MSEC);
	/* The second one goes without having run: it is owed half of it. */
	run_queue_remove(&queue, second);
	run_queue_leave(&queue, second);
	KEXPECT(near(second->sched.lag, NSEC_PER_MSEC, 1));
	run(50 * NSEC_PER_MSEC);
	come(second, FAIR_WOKEN);
	KEXPECT(near(lag_of(second), NSEC_PER_MSEC, 2));
	KEXPECT(run_queue_prefers(&queue, second, true));
}

KTEST(sched_fair_sleeping_does_not_hoard)
{
	begin();
	come(&tasks[0], FAIR_NEW);
	come(&tasks[1], FAIR_NEW);
	struct task *first = choose(true);
	struct task *second = first == &tasks[0] ? &tasks[1] : &tasks[0];
	run(500 * NSEC_PER_MSEC);
	run_queue_remove(&queue, second);
	run_queue_leave(&queue, second);
	KEXPECT(second->sched.lag == 2 * SCHED_SLICE);
}

KTEST(sched_fair_debts_are_forgotten_in_time)
{
	begin();
	come(&tasks[0], FAIR_NEW);
	come(&tasks[1], FAIR_NEW);
	struct task *first = choose(true);
	run(4 * NSEC_PER_MSEC);
	struct task *second = choose(false);
	KEXPECT(second && second != first && near(first->sched.lag, -2 * (s64)NSEC_PER_MSEC, 1));
	/* At once it would still owe; when the other one has had as much it owes nothing. */
	run(NSEC_PER_MSEC);
	come(first, FAIR_WOKEN);
	KEXPECT(lag_of(first) < 0 && !run_queue_prefers(&queue, first, true));
	run_queue_remove(&queue, first);
	run_queue_leave(&queue, first);
	run(20 * NSEC_PER_MSEC);
	come(first, FAIR_WOKEN);
	KEXPECT(near(lag_of(first), 0, 1));
}

KTEST(sched_fair_who_wakes_goes_before_who_burns)
{
	begin();
	come(&tasks[0], FAIR_NEW);
	choose(true);
	run(NSEC_PER_MSEC / 2);
	come(&tasks[1], FAIR_WOKEN);
	KEXPECT(run_queue_prefers(&queue, &tasks[1], true));
	tasks[2].sched.policy = SCHED_BATCH;
	come(&tasks[2], FAIR_WOKEN);
	KEXPECT(!run_queue_prefers(&queue, &tasks[2], true));
	tasks[3].sched.policy = SCHED_IDLE;
	sched_set_weight(&tasks[3].sched);
	come(&tasks[3], FAIR_WOKEN);
	KEXPECT(!run_queue_prefers(&queue, &tasks[3], true));
	/* And who burns at SCHED_IDLE makes room for anybody. */
	queue.running = &tasks[3];
	KEXPECT(run_queue_prefers(&queue, &tasks[2], true));
}

KTEST(sched_fair_nice_keeps_what_is_owed_as_time)
{
	begin();
	come(&tasks[0], FAIR_NEW);
	come(&tasks[1], FAIR_NEW);
	struct task *first = choose(true);
	struct task *second = first == &tasks[0] ? &tasks[1] : &tasks[0];
	run(2 * NSEC_PER_MSEC);
	s64 owed = lag_of(second) * (s64)second->sched.weight;
	run_queue_remove(&queue, second);
	run_queue_leave(&queue, second);
	set_nice(second, 10);
	come(second, FAIR_MOVED);
	KEXPECT(near(lag_of(second) * (s64)second->sched.weight, owed, owed / 100));
}

/* --- Random changes, each checked against the definitions --- */

static void check_sums(const bool *ready)
{
	u64 weight = 0;
	s64 sum = 0;

	for (u32 i = 0; i < TASKS; i++) {
		const struct sched_task *sched = &tasks[i].sched;
		if (!ready[i])
			continue;
		weight += sched->weight;
		sum += (s64)(sched->virtual_time - queue.fair.zero) * (s64)sched->weight;
	}
	KEXPECT(weight == queue.fair.weight && sum == queue.fair.sum);
}

static void check_best(const bool *ready)
{
	const struct task *best = run_queue_best(&queue);

	if (!best)
		return;
	for (u32 i = 0; i < TASKS; i++) {
		const struct sched_task *sched = &tasks[i].sched;
		bool eligible =
			(s64)(sched->virtual_time - queue.fair.zero) * (s64)queue.fair.weight <=
			queue.fair.sum;
		if (ready[i] && &tasks[i] != queue.running && eligible)
			KEXPECT((s64)(best->sched.virtual_deadline - sched->virtual_deadline) <= 0);
	}
}

KTEST(sched_fair_random_changes_agree_with_the_definitions)
{
	bool ready[TASKS] = {false};

	begin();
	for (u32 step = 0; step < 20000; step++) {
		u32 i = random(TASKS);
		struct task *task = &tasks[i];
		if (!ready[i]) {
			set_nice(task, (int)random(40) - 20);
			come(task, random(2) ? FAIR_WOKEN : FAIR_NEW);
			ready[i] = true;
		} else if (random(4) == 0 && task != queue.running) {
			run_queue_remove(&queue, task);
			run_queue_leave(&queue, task);
			ready[i] = false;
		} else if (queue.running != &idle && random(3)) {
			run(random(4 * (u32)NSEC_PER_MSEC));
		} else {
			bool stays = random(4) != 0;
			if (queue.running != &idle && !stays)
				ready[queue.running - tasks] = false;
			choose(stays);
		}
		check_sums(ready);
		check_best(ready);
	}
}
