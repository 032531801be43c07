/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues: what the files of the scheduler share.
 *
 * A CPU's run queue holds the tasks that are ready to run on it.  The running one is not in the
 * trees.  The lock is taken with interrupts off, innermost of all; two queues' locks are held
 * together only when the second was taken by trylock.  The lock is held across a switch: who holds
 * the lock of the queue that a task belongs to knows that its registers are saved unless it is the
 * running one.
 */
#ifndef PROC_SCHED_INTERNAL_H
#define PROC_SCHED_INTERNAL_H

#include "arch/cpu.h"
#include "lib/abi/sched.h"
#include "lib/rbtree.h"
#include "lib/spinlock.h"
#include "proc/sched.h"
#include "proc/task.h"

#define SCHED_SLICE       (3 * NSEC_PER_MSEC) /* what a fair task asks for at a time */
#define SCHED_SHORT_SLICE (1 * NSEC_PER_MSEC) /* and what it asks for first when it wakes */
#define SCHED_GRANULE \
	(500 * NSEC_PER_USEC) /* a woken task's deadline that is so much earlier preempts */
#define SCHED_SHORTEST    (100 * NSEC_PER_USEC) /* until the running task is looked at again */
#define SCHED_RR_SLICE    (100 * NSEC_PER_MSEC)
#define NICE_0_WEIGHT     1024
#define PRIORITY_DEADLINE 100 /* of deadline tasks, above all real-time ones */
#define RANK_FAIR_FIRST   99  /* of fair tasks when the real-time ones have had their share */

/* Fair tasks: sched_fair.c.  The sums are over those that wait and the running one. */
struct fair_queue {
	struct rb_root tasks; /* those that wait, by virtual deadline */
	u64 weight;           /* sum of the weights */
	s64 sum;              /* of weight * (virtual time - zero) */
	u64 zero;             /* not far from the mean of the virtual times */
};

/* Real-time tasks: sched_realtime.c. */
struct realtime_queue {
	struct rb_root tasks; /* those that wait, by priority, then arrival */
	u64 sequence;         /* arrivals: counts up at the tail, ... */
	u64 front_sequence;   /* ... and down for those that were preempted */
	nsec_t period_start, used;
	bool exhausted; /* they have used up what they may have of the period */
};

/* How a task becomes ready: for the first time, after a sleep, or it was ready elsewhere. */
enum fair_join { FAIR_NEW, FAIR_WOKEN, FAIR_MOVED };

/* How often a tick found what: proc/account.h. */
struct cpu_ticks {
	u64 user, nice, system;
};

struct run_queue {
	spinlock_t lock;
	u32 cpu; /* const */
	/* everything below: lock; counts are also read without it, as hints */
	struct fair_queue fair;
	struct realtime_queue realtime;
	/* sched_urgency of the running task, and of the first real-time one that waits; hints for
	 * other CPUs. */
	u64 urgency, first_urgency;
	u32 waiting; /* tasks in the trees */
	u32 load;    /* the same and the running one, unless that is the idle task */
	struct task *running;
	struct task *idle;
	struct task *leaving; /* the one that this switch leaves, and must go to another CPU */
	s32 blocked; /* tasks that fell into uninterruptible sleep here, less those woken here */
	nsec_t slice_end; /* monotonic; NO_DEADLINE while nobody waits */
	u64 switches;
	struct cpu_times times; /* user, nice and system: as they were told last */
	struct cpu_ticks ticks; /* this CPU; read by others, too */
	nsec_t delayed;         /* sum of the times that tasks waited for this CPU */
	u64 yields,
		idles; /* calls of sched_yield that let others look; switches to the idle task */
	nsec_t waited, busy; /* time in which tasks waited here, and in which one ran */
	/* Other CPUs to be kicked as soon as no queue's lock is held.  This CPU, interrupts off. */
	cpumask_t kicks;
} __cacheline;

extern struct run_queue run_queues[MAX_CPUS];

static inline struct run_queue *this_run_queue(void)
{
	return &run_queues[cpu_id()];
}

/* Sleeps that count as load. */
#define TASK_BLOCKED (TASK_UNINTERRUPTIBLE | TASK_KILLABLE)

/* Does a task that sleeps like this count as load?  Kernel threads that wait for work do not. */
static inline bool sched_is_load(const struct task *task, u32 state)
{
	return (state & TASK_BLOCKED) && !(task->flags & TASK_KERNEL);
}

/* CPUs whose running task is the idle one; atomic, a hint. */
extern cpumask_t idle_cpus;

/* CPUs whose queue is in use; grows only. */
extern cpumask_t scheduling_cpus;
static inline cpumask_t sched_cpus(void)
{
	return __atomic_load_n(&scheduling_cpus, __ATOMIC_ACQUIRE);
}

void sched_task_init(struct sched_task *sched);

/*
 * run_queue_request leaves its kicks to whoever unlocks the queue: a CPU that is kicked wants that
 * lock first of all, with its interrupts off, and would wait for us to get out of here.  Interrupts
 * off since before the request.
 */
void run_queue_kick(struct run_queue *own);
static inline void run_queue_send_kicks(void)
{
	struct run_queue *own = this_run_queue();

	if (own->kicks)
		run_queue_kick(own);
}

/* The queue of a task, locked, interrupts off; *flags for run_queue_unlock. */
static inline struct run_queue *run_queue_lock_of(struct task *task, unsigned long *flags)
{
	for (;;) {
		struct run_queue *queue = &run_queues[READ_ONCE(task->sched.cpu)];
		*flags = spin_lock_irqsave(&queue->lock);
		if (likely(queue == &run_queues[READ_ONCE(task->sched.cpu)]))
			return queue;
		spin_unlock_irqrestore(&queue->lock, *flags);
	}
}
static inline void run_queue_unlock(struct run_queue *queue, unsigned long flags)
{
	spin_lock_release(&queue->lock);
	run_queue_send_kicks();
	irq_restore(flags);
	preempt_enable();
}

/* --- run_queue.c: the trees and the accounting.  All with the queue's lock held --- */

static inline bool sched_is_realtime(const struct sched_task *sched)
{
	return sched->priority != 0;
}

/* Puts a ready task into the tree (`front`: before others of its real-time priority), or takes it
 * out. */
void run_queue_insert(struct run_queue *queue, struct task *task, bool front);
void run_queue_remove(struct run_queue *queue, struct task *task);
/* The best waiting task, or NULL. */
struct task *run_queue_best(struct run_queue *queue);
/* Brings the running task's run time and virtual time up to `now`.  From any CPU. */
void run_queue_account(struct run_queue *queue, nsec_t now);
/* A task that is not ready moves: its virtual time is made relative to the new queue, and its cpu
 * set.  Both locks held. */
void run_queue_move(struct run_queue *from, struct run_queue *to, struct task *task);

/* --- sched_fair.c.  All with the queue's lock held, for fair tasks --- */

/* Sets a task's weight by its policy and nice value.  Not of one that is ready. */
void sched_set_weight(struct sched_task *sched);
void fair_init(struct run_queue *queue);
/* See run_queue_join: before it is inserted, and after it is removed. */
void fair_join(struct run_queue *queue, struct sched_task *sched, enum fair_join how);
void fair_leave(struct run_queue *queue, struct sched_task *sched);
void fair_move(struct run_queue *from, struct run_queue *to, struct sched_task *sched);
void fair_insert(struct run_queue *queue, struct sched_task *sched);
void fair_remove(struct run_queue *queue, struct sched_task *sched);
/* The one that should run of those that wait, or NULL. */
struct rb_node *fair_best(const struct run_queue *queue);
/* run_queue_prefers among fair tasks. */
bool fair_prefers(const struct run_queue *queue, const struct sched_task *sched, bool woken);
/* The running task has run; gives up what is left of its request; when it is served. */
void fair_charge(struct run_queue *queue, struct sched_task *sched, nsec_t elapsed);
void fair_new_request(struct sched_task *sched);
static inline nsec_t fair_slice_end(const struct sched_task *sched, nsec_t now)
{
	u64 left = sched->virtual_deadline - sched->virtual_time;

	if (unlikely(sched->weight != NICE_0_WEIGHT))
		left = left * sched->weight / NICE_0_WEIGHT;
	return now + MAX(left, SCHED_SHORTEST);
}

/* --- sched_realtime.c.  All with the queue's lock held --- */

void realtime_insert(struct run_queue *queue, struct task *task, bool front);
void realtime_remove(struct run_queue *queue, struct task *task);
static inline struct rb_node *realtime_first(const struct run_queue *queue)
{
	return queue->realtime.tasks.top ? rb_first(&queue->realtime.tasks) : NULL;
}
/* A real-time task has run; a new period may have come. */
void realtime_charge(struct run_queue *queue, nsec_t now, nsec_t elapsed);
void realtime_refresh(struct run_queue *queue, nsec_t now);
/* When a running real-time task is to be looked at again; when waiting ones may run again. */
nsec_t realtime_slice_end(const struct run_queue *queue, nsec_t now);
nsec_t realtime_period_end(const struct run_queue *queue);
static inline nsec_t realtime_pause_end(const struct run_queue *queue)
{
	return unlikely(queue->realtime.exhausted) && !rb_is_empty(&queue->realtime.tasks)
		       ? realtime_period_end(queue)
		       : NO_DEADLINE;
}
/* A task's turn begins; is it over?  If so another one begins. */
void realtime_new_turn(struct sched_task *sched);
static inline bool realtime_turn_over(struct sched_task *sched)
{
	if (likely(sched->policy != SCHED_RR) || sched->run_time < sched->slice_end_runtime)
		return false;
	realtime_new_turn(sched);
	return true;
}

/* --- sched_deadline.c.  The queue's lock held, unless it says otherwise --- */

static inline bool sched_is_deadline(const struct sched_task *sched)
{
	return sched->policy == SCHED_DEADLINE;
}
void deadline_init(struct sched_task *sched);
/* A task wakes: says whether it may run.  If not it becomes ready by itself later. */
bool deadline_wake(struct sched_task *sched, nsec_t now);
/* Has it used up its budget?  Then it may not run, and becomes ready by itself; but not while
 * others wait for a lock that it has. */
bool deadline_used_up(struct sched_task *sched, nsec_t now);
/* Sets what is reserved, and begins a period. */
void deadline_set(struct sched_task *sched, const struct sched_deadline *wanted, nsec_t now);
/* -EINVAL when it makes no sense.  No lock. */
int __must_check deadline_check(const struct sched_deadline *wanted);
/* Changes the task's part of what is reserved; NULL: none, which succeeds.  0 or -EBUSY.  Inside it
 * no lock is taken; not with a queue's lock. */
int __must_check deadline_admit(struct task *task, const struct sched_deadline *wanted);
/* Is what is reserved within these limits?  Like deadline_admit. */
bool deadline_fits(s64 period, s64 runtime);

/* --- What follows from all classes --- */

/* Which class goes first: the greater.  Real-time and deadline tasks have their priority. */
static inline u32 run_queue_rank(const struct run_queue *queue, const struct sched_task *sched)
{
	u32 priority = sched->priority;

	if (likely(!queue->realtime.exhausted) || priority == PRIORITY_DEADLINE)
		return priority;
	return priority == 0 ? RANK_FAIR_FIRST : priority - 1;
}

/*
 * Should `task`, which waits, run rather than the running one?  `woken`: because it has just come,
 * in the middle of the other one's time.
 */
static inline bool run_queue_prefers(const struct run_queue *queue, const struct task *task,
				     bool woken)
{
	const struct sched_task *sched = &task->sched, *running = &queue->running->sched;

	if (sched->priority != running->priority)
		return run_queue_rank(queue, sched) > run_queue_rank(queue, running);
	if (sched->priority == PRIORITY_DEADLINE)
		return sched->deadline.until < running->deadline.until;
	return !sched_is_realtime(sched) && fair_prefers(queue, sched, woken);
}

/* A task becomes ready here, or is that no more: it counts in the queue's load and shares. */
static inline void run_queue_join(struct run_queue *queue, struct task *task, enum fair_join how)
{
	task->sched.queued = true;
	WRITE_ONCE(queue->load, queue->load + 1);
	if (!sched_is_realtime(&task->sched))
		fair_join(queue, &task->sched, how);
}

static inline void run_queue_leave(struct run_queue *queue, struct task *task)
{
	task->sched.queued = false;
	WRITE_ONCE(queue->load, queue->load - 1);
	if (!sched_is_realtime(&task->sched))
		fair_leave(queue, &task->sched);
}

/* How urgent a task is: 0 for fair ones; then real-time ones by priority; then deadlines, the
 * earliest last. */
static inline u64 sched_urgency(const struct sched_task *sched)
{
	return unlikely(sched->priority == PRIORITY_DEADLINE) ? ~sched->deadline.until
							      : sched->priority;
}

/* --- balance_realtime.c --- */

extern cpumask_t realtime_waiting;
/* The first real-time task that waits is another now.  Lock held. */
void realtime_note_first(struct run_queue *queue);
/* The CPU where such a task that wakes should run, when none is idle; `queue` is its own, lock
 * held. */
u32 realtime_choose_cpu(const struct run_queue *queue, const struct task *task);
/* Such a task waits: asks a CPU that does something less urgent to take it; says whether there is
 * one.  Lock held. */
bool realtime_offer(struct run_queue *queue, const struct task *task);
/* The same for the first of those that wait. */
void realtime_offer_first(struct run_queue *queue);
/* Other CPUs where such tasks wait. */
static inline cpumask_t realtime_elsewhere(const struct run_queue *queue)
{
	return READ_ONCE(realtime_waiting) & ~cpumask_of(queue->cpu);
}
/* Takes one that is more urgent than `candidate`, which would run here (NULL: nobody); says whether
 * it did.  Own queue, lock held. */
bool realtime_pull(struct run_queue *queue, const struct task *candidate);

/* --- balance.c --- */

/* Moves a waiting task between two locked queues. */
void run_queue_take(struct run_queue *from, struct run_queue *to, struct task *task);

/* For a queue with nothing to run: takes a waiting task from another; says whether it did.  Lock
 * held. */
bool run_queue_steal(struct run_queue *queue);
/* At the end of a slice: gives a waiting task to a queue that has at least two fewer.  Lock held.
 */
void run_queue_push(struct run_queue *queue);
/* The CPU where a task that wakes should run; `queue` is its own, lock held. */
u32 sched_choose_cpu(const struct run_queue *queue, const struct task *task);
/* A task that is not queued and may not stay: makes it ready on a CPU where it may run.  False when
 * that one's lock was busy. */
bool sched_send_away(struct run_queue *queue, struct task *task);

/* --- sched.c --- */

/* A task that is not ready gets so where it is best off.  Its queue's lock is held. */
void run_queue_place(struct run_queue *queue, struct task *task, enum fair_join how);
/* Makes a task ready on its queue: inserts it, and preempts.  Lock held. */
void run_queue_wake(struct run_queue *queue, struct task *task, enum fair_join how);
/* Asks the queue's CPU to choose again.  A queue's lock held, not necessarily that one's. */
void run_queue_request(struct run_queue *queue);
/* The end of the running task's slice has come, or more tasks wait: (re)arms the CPU's timer.  Lock
 * held, own CPU. */
void run_queue_arm(struct run_queue *queue, nsec_t now);

/* --- timer.c: tell the clock when this CPU's slice ends; interrupts off --- */
void timer_set_slice(nsec_t slice_end);
/* This CPU begins to idle, and ends it: no ticks of proc/account.h meanwhile.  Interrupts off. */
void timer_pause_ticks(nsec_t now);
void timer_resume_ticks(nsec_t now);
/* The timer's interrupt saw that the slice is over. */
void sched_slice_over(void);

#endif
