/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's start, the idle tasks, and what changes how a task is scheduled.
 */
#include "arch/clock.h"
#include "arch/mmu.h"
#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/panic.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "proc/lend.h"
#include "proc/pressure.h"
#include "proc/proc_internal.h"
#include "proc/oom.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/sched_internal.h"
#include "proc/sched_stats.h"

/* An idle task runs on the stack on which its CPU came up, and never ends. */
static struct task *make_idle(u32 cpu)
{
	char name[TASK_COMM_LENGTH];
	struct task *task = kzalloc(sizeof(*task));

	if (!task)
		panic("no memory for the idle task of CPU %u", cpu);
	task_init(task);
	task->flags = TASK_KERNEL | TASK_IDLE;
	task->process = process_get(&kernel_process);
	ksnprintf(name, sizeof(name), "idle/%u", cpu);
	task_set_name(task, name);
	task->sched.cpu = cpu;
	task->sched.allowed = cpumask_of(cpu);
	task->sched.on_cpu = 1;
	return task;
}

/* Makes this CPU's queue usable, with the caller as its idle task. */
static void start_queue(void)
{
	u32 cpu = cpu_id();
	struct run_queue *queue = &run_queues[cpu];

	spin_lock_init(&queue->lock);
	queue->cpu = cpu;
	queue->slice_end = NO_DEADLINE;
	fair_init(queue);
	queue->idle = make_idle(cpu);
	queue->running = queue->idle;
	queue->idle->sched.run_start = clock_monotonic();
	cpu_set_current(queue->idle);
	__atomic_or_fetch(&scheduling_cpus, cpumask_of(cpu), __ATOMIC_RELEASE);
}

void scheduler_init(void)
{
	tasks_init();
	start_queue();
	sched_stats_init();
	pressure_init();
	oom_init();
	low_addresses_init();
}

void scheduler_start_cpu(void)
{
	start_queue();
	scheduler_idle();
}

void scheduler_idle(void)
{
	bool interrupted = false;

	__atomic_or_fetch(&idle_cpus, cpumask_of(cpu_id()), __ATOMIC_RELAXED);
	set_need_resched(true);
	for (;;) {
		irq_disable();
		if (need_resched()) {
			irq_enable();
			preempt_offer();
			interrupted = false;
			continue;
		}
		/* By whatever, not for the sake of a task: perhaps by a change of the space that
		 * the last one left here, and more may follow. */
		if (interrupted)
			vmm_leave_idle_space();
		preempt_disable(); /* who comes next needs the TLB */
		bool paused = tlb_pause();
		cpu_wait_for_interrupt();
		tlb_resume(paused);
		preempt_enable();
		interrupted = true;
	}
}

void sched_slice_over(void)
{
	struct run_queue *queue = this_run_queue();

	spin_lock(&queue->lock);
	run_queue_account(queue, clock_monotonic());
	if (queue->waiting)
		run_queue_push(queue);
	spin_unlock(&queue->lock);
	run_queue_send_kicks();
	set_need_resched(true);
}

/* --- Sleeping for a time --- */

int task_sleep_until(nsec_t deadline, enum wait_mode mode)
{
	static const u32 states[] = {
		[WAIT_UNINTERRUPTIBLE] = TASK_UNINTERRUPTIBLE,
		[WAIT_INTERRUPTIBLE] = TASK_INTERRUPTIBLE,
		[WAIT_KILLABLE] = TASK_KILLABLE,
	};
	int result;

	do {
		task_set_state(states[mode]);
		result = wait_sleep(mode, deadline);
	} while (result == 0);
	task_set_state(TASK_RUNNING);
	return result == -ETIMEDOUT ? 0 : result;
}

void task_sleep(nsec_t duration)
{
	task_sleep_until(clock_monotonic() + duration, WAIT_UNINTERRUPTIBLE);
}

/* --- Nice values, policies, CPUs --- */

static bool policy_is_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static void change_inherited(struct sched_task *sched, const void *argument)
{
	sched->inherited = *(const u8 *)argument;
}

/* A ready task that does not run may be due elsewhere. */
static void offer_waiting(struct run_queue *queue, const struct task *task)
{
	if (sched_is_realtime(&task->sched) && !run_queue_prefers(queue, task, true))
		(void)realtime_offer(queue, task);
}

/* Changes what a task is scheduled by: `change` runs while the task is in no tree, with the queue's
 * lock held. */
static void change_class(struct task *task, void (*change)(struct sched_task *, const void *),
			 const void *argument)
{
	unsigned long flags;
	struct run_queue *queue = run_queue_lock_of(task, &flags);
	bool ready = task->sched.queued, in_tree = ready && queue->running != task;

	run_queue_account(queue, clock_monotonic());
	if (in_tree)
		run_queue_remove(queue, task);
	if (ready)
		run_queue_leave(queue, task);
	u8 before = task->sched.priority;
	change(&task->sched, argument);
	u8 own = sched_is_deadline(&task->sched) ? PRIORITY_DEADLINE : task->sched.rt_priority;
	task->sched.priority = MAX(own, task->sched.inherited);
	if (queue->running == task)
		WRITE_ONCE(queue->urgency, sched_urgency(&task->sched));
	sched_set_weight(&task->sched);
	if (ready)
		run_queue_join(queue, task, FAIR_MOVED);
	/* Who comes down goes before its new equals: it has not lost its turn (sched(7)). */
	if (in_tree)
		run_queue_insert(queue, task, task->sched.priority < before);
	if (in_tree)
		offer_waiting(queue, task);
	if (ready)
		run_queue_request(queue);
	/* What kept it from running counts no more; nor while others wait for what it has. */
	if (task->sched.deadline.throttled &&
	    (change != change_inherited || task->sched.inherited)) {
		task->sched.deadline.throttled = false;
		timer_cancel(&task->sched.deadline.timer);
		run_queue_place(queue, task, FAIR_MOVED);
	}
	run_queue_unlock(queue, flags);
}

struct policy_change {
	u8 policy, rt_priority;
	bool reset_on_fork;
	const struct sched_deadline *deadline; /* or NULL */
};

static void change_policy(struct sched_task *sched, const void *argument)
{
	const struct policy_change *wanted = argument;

	sched->policy = wanted->policy;
	sched->rt_priority = wanted->rt_priority;
	sched->reset_on_fork = wanted->reset_on_fork;
	realtime_new_turn(sched);
	if (wanted->deadline)
		deadline_set(sched, wanted->deadline, clock_monotonic());
}

static void apply_policy(struct task *task, const struct policy_change *wanted)
{
	change_class(task, change_policy, wanted);
	lend_changed(task);
}

int task_set_policy(struct task *task, int policy, int rt_priority, bool reset_on_fork)
{
	bool realtime = policy_is_realtime(policy);

	if (!realtime && policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	if (rt_priority < 0 || rt_priority > 99 || realtime != (rt_priority != 0))
		return -EINVAL;

	struct policy_change wanted = {(u8)policy, (u8)rt_priority, reset_on_fork, NULL};
	apply_policy(task, &wanted);
	return deadline_admit(task, NULL);
}

int task_set_deadline(struct task *task, const struct sched_deadline *wanted, bool reset_on_fork)
{
	struct policy_change change = {SCHED_DEADLINE, 0, reset_on_fork, wanted};

	int error = deadline_check(wanted);
	if (!error && sched_cpus() & ~READ_ONCE(task->sched.allowed))
		error = -EPERM;
	if (!error)
		error = deadline_admit(task, wanted);
	if (error)
		return error;
	/* Either we see that it exits, or it sees that it has something to give back. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (READ_ONCE(task->flags) & TASK_EXITING) {
		(void)!deadline_admit(task, NULL);
		return -ESRCH;
	}
	apply_policy(task, &change);
	return 0;
}

void task_get_deadline(struct task *task, struct sched_deadline *deadline)
{
	unsigned long flags;
	struct run_queue *queue = run_queue_lock_of(task, &flags);
	const struct deadline_task *own = &task->sched.deadline;

	*deadline = (struct sched_deadline){own->runtime, own->deadline, own->period};
	run_queue_unlock(queue, flags);
}

void sched_task_exit(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (READ_ONCE(current->sched.deadline.share) == 0)
		return;
	struct policy_change wanted = {.policy = SCHED_OTHER};
	apply_policy(current, &wanted);
	timer_cancel_sync(&current->sched.deadline.timer);
	(void)!deadline_admit(current, NULL);
}

static void change_nice(struct sched_task *sched, const void *argument)
{
	sched->nice = *(const s8 *)argument;
}

int task_set_nice(struct task *task, int nice)
{
	s8 wanted = (s8)nice;

	if (nice < -20 || nice > 19)
		return -EINVAL;
	change_class(task, change_nice, &wanted);
	return 0;
}

bool task_inherit_priority(struct task *task, int priority)
{
	u8 wanted = (u8)priority;
	u8 before = READ_ONCE(task->sched.priority);

	if (READ_ONCE(task->sched.inherited) == wanted)
		return false;
	change_class(task, change_inherited, &wanted);
	return READ_ONCE(task->sched.priority) != before;
}

/* Takes a waiting task off a CPU where it may not run any more; false: try again. */
static bool evict(struct run_queue *queue, struct task *task)
{
	if (!task->sched.queued)
		return true;
	if (task->sched.allowed & cpumask_of(queue->cpu)) {
		if (queue->running != task)
			offer_waiting(queue, task);
		return true;
	}
	if (queue->running == task) {
		run_queue_request(queue);
		return true;
	}
	run_queue_remove(queue, task);
	run_queue_leave(queue, task);
	if (sched_send_away(queue, task))
		return true;
	run_queue_join(queue, task, FAIR_MOVED);
	run_queue_insert(queue, task, false);
	return false;
}

int task_set_affinity(struct task *task, cpumask_t allowed)
{
	if (!(allowed & sched_cpus()))
		return -EINVAL;
	if (sched_is_deadline(&task->sched) && sched_cpus() & ~allowed)
		return -EBUSY;
	bool done;
	do {
		unsigned long flags;
		struct run_queue *queue = run_queue_lock_of(task, &flags);
		task->sched.allowed = allowed;
		done = evict(queue, task);
		run_queue_unlock(queue, flags);
	} while (!done);
	if (task != current)
		return 0;
	/* The unlock has let us be moved, unless interrupts were off; be sure before we say so.
	 * Somebody else may have other wishes by now. */
	while (!(READ_ONCE(task->sched.allowed) & cpumask_of(task_cpu(task))))
		preempt_offer();
	return 0;
}
