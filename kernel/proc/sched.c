/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's heart: switching, waking, preempting.
 *
 * A switch happens in switch_away, with the run queue's lock held from the choice until
 * finish_switch on the new task's stack. A task that goes to sleep is taken off the queue only if
 * its state still says so under that lock; a waker takes the same lock, so no wake-up falls
 * between.  A task that was preempted stays ready whatever its state says: it had not finished
 * going to sleep.
 *
 * The address space is switched only when the next task has one and it is another: kernel threads
 * and the idle task run in whatever is there.  mm takes a space away from such CPUs when it is
 * destroyed.
 *
 * Preemption: need_resched is this CPU's flag.  It is looked at when the preemption count drops to
 * zero, at the end of interrupts, and before user mode.
 */
#include "proc/sched.h"

#include "arch/clock.h"
#include "arch/context.h"
#include "arch/trap.h"
#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "lib/trace.h"
#include "mm/vmm.h"
#include "proc/pressure.h"
#include "proc/proc_internal.h"
#include "proc/rseq.h"
#include "proc/sched_internal.h"

void run_queue_request(struct run_queue *queue)
{
	if (queue->cpu == cpu_id()) {
		set_need_resched(true);
	} else {
		cpu_request_resched(queue->cpu);
		this_run_queue()->kicks |= cpumask_of(queue->cpu);
	}
}

void run_queue_kick(struct run_queue *own)
{
	for (; own->kicks; own->kicks &= own->kicks - 1)
		cpu_kick((u32)__builtin_ctzll(own->kicks));
}

void run_queue_arm(struct run_queue *queue, nsec_t now)
{
	nsec_t end = NO_DEADLINE;

	if (queue->running != queue->idle &&
	    (queue->waiting || sched_is_deadline(&queue->running->sched))) {
		if (sched_is_realtime(&queue->running->sched))
			end = realtime_slice_end(queue, now);
		else
			end = MIN(fair_slice_end(&queue->running->sched, now),
				  realtime_pause_end(queue));
	}
	if (end == NO_DEADLINE && queue->slice_end == NO_DEADLINE)
		return;
	queue->slice_end = end;
	timer_set_slice(end);
}

/* --- Switching --- */

void finish_switch(struct task *previous)
{
	struct run_queue *queue = this_run_queue();
	struct task *leaving = queue->leaving;
	bool dead = READ_ONCE(previous->state) == TASK_DEAD;

	__atomic_store_n(&previous->sched.on_cpu, 0, __ATOMIC_RELEASE);
	while (unlikely(leaving) && !sched_send_away(queue, leaving)) {
		spin_unlock(&queue->lock);
		cpu_relax();
		spin_lock(&queue->lock);
	}
	queue->leaving = NULL;
	if (unlikely(!rb_is_empty(&queue->realtime.tasks)))
		realtime_offer_first(queue);
	spin_lock_release(&queue->lock);
	run_queue_send_kicks();
	if (unlikely(dead)) {
		/* Freeing a stack may have to wait for other CPUs. */
		irq_enable();
		preempt_count_add(-1);
		task_buried(previous);
		irq_disable();
	} else {
		preempt_count_add(-1);
	}
}

static void mark_idle(struct run_queue *queue, bool idle, nsec_t now)
{
	if (idle) {
		__atomic_or_fetch(&idle_cpus, cpumask_of(queue->cpu), __ATOMIC_RELAXED);
		timer_pause_ticks(now);
	} else {
		__atomic_and_fetch(&idle_cpus, ~cpumask_of(queue->cpu), __ATOMIC_RELAXED);
		timer_resume_ticks(now);
	}
}

static void switch_to(struct run_queue *queue, struct task *previous, struct task *next, nsec_t now)
{
	if (previous == queue->idle || next == queue->idle)
		mark_idle(queue, next == queue->idle, now);
	trace_point(TRACE_SCHED_SWITCH, previous->state, (u64)next->tid,
		    trace_name_word(next->comm, 0), trace_name_word(next->comm, 1));
	queue->running = next;
	WRITE_ONCE(queue->urgency, sched_urgency(&next->sched));
	queue->switches++;
	next->sched.run_start = now;
	if (next != queue->idle) {
		next->sched.turns++;
		next->sched.waited += now - next->sched.ready_since;
		queue->delayed += now - next->sched.ready_since;
	} else {
		queue->idles++;
	}
	__atomic_store_n(&next->sched.on_cpu, 1, __ATOMIC_RELAXED);
	/* Who runs alone has no slice.  The timer may go off once more, for nothing: dearer would be
	 * to set it at each of two tasks' turns. */
	if (queue->waiting == 0 && next != queue->idle && !sched_is_deadline(&next->sched))
		queue->slice_end = NO_DEADLINE;
	else
		run_queue_arm(queue, now);
	rseq_switch(previous, next, queue->cpu);
	if (next->space && next->space != vmm_current_space())
		vmm_switch_address_space(next->space);
	lock_order_switch(&next->held_locks);
	finish_switch(
		arch_switch(previous, &previous->arch, next->kernel_stack, next, &next->arch));
}

/* Chooses among the running task, when it stays ready, and those that wait; takes the choice out of
 * the tree. */
static struct task *choose(struct run_queue *queue, struct task *previous, bool ready, bool yields)
{
	struct task *best = run_queue_best(queue);
	bool stays = ready && (!best || !(yields ? run_queue_rank(queue, &best->sched) >=
							   run_queue_rank(queue, &previous->sched)
						 : run_queue_prefers(queue, best, false)));

	if (unlikely(realtime_elsewhere(queue)) && realtime_pull(queue, stays ? previous : best)) {
		best = run_queue_best(queue);
		stays = false;
	}
	if (stays)
		return previous;
	if (!best && run_queue_steal(queue))
		best = run_queue_best(queue);
	if (!best)
		return queue->idle;
	run_queue_remove(queue, best);
	return best;
}

/* Does the running task stay ready?  If not, takes it off the queue. */
static bool settle_running(struct run_queue *queue, struct task *task, bool preempted, nsec_t now)
{
	if (task == queue->idle)
		return false;
	u32 state = READ_ONCE(task->state);
	if (!preempted && state != TASK_RUNNING) {
		if (sched_is_load(task, state))
			queue->blocked++;
		run_queue_leave(queue, task);
		pressure_note_ready(task, false);
		task->sched.switches_voluntary++;
		return false;
	}
	if (unlikely(sched_is_deadline(&task->sched)) && deadline_used_up(&task->sched, now)) {
		run_queue_leave(queue, task);
		pressure_note_ready(task, false);
		task->sched.switches_involuntary++;
		return false;
	}
	if (unlikely(!(task->sched.allowed & cpumask_of(queue->cpu)))) {
		run_queue_leave(queue, task);
		pressure_note_ready(task, false);
		queue->leaving = task;
		return false;
	}
	return true;
}

/*
 * Gives the CPU to whoever is due.  `preempted`: the task did not ask to sleep, whatever its state
 * says.  `yields`: others go first. Preemption count 0; returns with interrupts off.
 */
static void switch_away(bool preempted, bool yields)
{
	irq_disable();
	struct run_queue *queue = this_run_queue();
	/* Before the lock, which is a barrier: who asks without it (realtime_offer) after this has
	 * its answer in what we look at below, or in the flag. */
	set_need_resched(false);
	spin_lock(&queue->lock);
	ASSERT(preempt_count_read() == 1);

	struct task *previous = queue->running;
	nsec_t now = clock_monotonic();
	run_queue_account(queue, now);

	if (yields && sched_is_deadline(&previous->sched))
		previous->sched.deadline.budget = MIN(previous->sched.deadline.budget, 0);
	bool ready = settle_running(queue, previous, preempted, now);
	if (yields)
		fair_new_request(&previous->sched);
	else if (realtime_turn_over(&previous->sched))
		yields = true;
	struct task *next = choose(queue, previous, ready, yields);
	if (next == previous) {
		if (queue->waiting || queue->slice_end != NO_DEADLINE ||
		    sched_is_deadline(&previous->sched))
			run_queue_arm(queue, now);
		spin_unlock(&queue->lock);
		return;
	}
	if (ready) {
		previous->sched.switches_involuntary++;
		previous->sched.ready_since = now;
		run_queue_insert(queue, previous, !yields);
	}
	switch_to(queue, previous, next, now);
}

void schedule(void)
{
	unsigned long flags = irq_save();

	switch_away(false, false);
	irq_restore(flags);
}

void preempt_offer(void)
{
	cpu_wake_halted();
	if (!irq_enabled() || in_interrupt())
		return;
	while (need_resched()) {
		switch_away(true, false);
		irq_enable();
	}
}

void preempt_from_interrupt(void)
{
	while (need_resched() && preempt_count_read() == 0 && current)
		switch_away(true, false);
}

void sched_give_way(void)
{
	task_work_clear(current, TASK_WORK_GIVE_WAY);
	set_need_resched(true);
	preempt_offer();
}

void task_yield(void)
{
	struct run_queue *queue = &run_queues[READ_ONCE(current->sched.cpu)];

	if (!READ_ONCE(queue->waiting) && !sched_is_deadline(&current->sched))
		return;
	irq_disable();
	this_run_queue()->yields++;
	switch_away(true, true);
	irq_enable();
}

/* --- Waking --- */

/*
 * A task that woke is due.  A fair one waits until another fair one leaves the kernel, or its slice
 * ends: in the middle of a system call it may well hold what the woken task wants next.
 */
static void preempt_running(struct run_queue *queue, const struct task *task)
{
	struct task *running = queue->running;

	if (sched_is_realtime(&task->sched) || running->flags & TASK_KERNEL) {
		run_queue_request(queue);
		return;
	}
	task_work_set(running, TASK_WORK_GIVE_WAY);
	if (queue->cpu != cpu_id())
		this_run_queue()->kicks |= cpumask_of(queue->cpu);
	else if (queue->slice_end == NO_DEADLINE)
		run_queue_arm(queue, running->sched.run_start);
}

/* preempt_running on another CPU: the task that waits here now must not wait for the end of a
 * system call, however long it takes. */
void kick_entry(void)
{
	struct run_queue *queue = this_run_queue();

	if (need_resched() || !READ_ONCE(queue->waiting) ||
	    READ_ONCE(queue->slice_end) != NO_DEADLINE)
		return;
	spin_lock(&queue->lock);
	nsec_t now = clock_monotonic();
	run_queue_account(queue, now);
	run_queue_arm(queue, now);
	spin_unlock(&queue->lock);
}

void run_queue_wake(struct run_queue *queue, struct task *task, enum fair_join how)
{
	nsec_t now = clock_monotonic();

	trace_point(TRACE_SCHED_WAKEUP, (u64)task->tid, queue->cpu, trace_name_word(task->comm, 0),
		    trace_name_word(task->comm, 1));
	if (unlikely(sched_is_deadline(&task->sched)) && how == FAIR_WOKEN &&
	    !deadline_wake(&task->sched, now))
		return;
	run_queue_account(queue, now);
	task->sched.ready_since = now;
	run_queue_join(queue, task, how);
	pressure_note_ready(task, true);
	run_queue_insert(queue, task, false);

	if (queue->running == queue->idle)
		run_queue_request(queue);
	else if (run_queue_prefers(queue, task, true))
		preempt_running(queue, task);
	else if (unlikely(sched_is_realtime(&task->sched)) && realtime_offer(queue, task))
		return;
	else if (queue->slice_end == NO_DEADLINE && queue->cpu == cpu_id())
		run_queue_arm(queue, now);
	else if (queue->slice_end == NO_DEADLINE)
		run_queue_request(queue);
}

void run_queue_place(struct run_queue *queue, struct task *task, enum fair_join how)
{
	u32 cpu = sched_choose_cpu(queue, task);

	if (cpu != queue->cpu) {
		struct run_queue *other = &run_queues[cpu];
		if (spin_trylock(&other->lock)) {
			run_queue_move(queue, other, task);
			run_queue_wake(other, task, how);
			spin_unlock(&other->lock);
			return;
		}
	}
	run_queue_wake(queue, task, how);
}

bool task_wake_if(struct task *task, u32 states)
{
	/* What the waker did before comes before the look at the state. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(READ_ONCE(task->state) & states))
		return false;

	unsigned long flags;
	struct run_queue *queue = run_queue_lock_of(task, &flags);
	u32 state = READ_ONCE(task->state);
	bool asleep = state & states;
	if (asleep) {
		__atomic_store_n(&task->state, TASK_RUNNING, __ATOMIC_RELEASE);
		if (!task->sched.queued && queue->leaving != task) {
			if (sched_is_load(task, state))
				queue->blocked--;
			run_queue_place(queue, task, FAIR_WOKEN);
		}
	}
	run_queue_unlock(queue, flags);
	return asleep;
}

bool task_wake(struct task *task)
{
	return task_wake_if(task, TASK_ANY_SLEEP);
}

void task_start(struct task *task)
{
	unsigned long flags = irq_save();
	u32 cpu = cpu_id();
	cpumask_t possible = task->sched.allowed & sched_cpus();
	if (possible && !(possible & cpumask_of(cpu)))
		cpu = (u32)__builtin_ctzll(possible);

	struct run_queue *queue = &run_queues[cpu];
	spin_lock(&queue->lock);
	task->sched.cpu = cpu;
	/* The creator of a thread often waits for it next; the parent of a process has more to do. */
	run_queue_place(queue, task, task->process == current->process ? FAIR_WOKEN : FAIR_NEW);
	run_queue_unlock(queue, flags);
}

void task_interrupt(struct task *task, u32 states)
{
	if (task_wake_if(task, states) || task == current)
		return;
	/* It runs, perhaps in user mode, where it would not look at its work flags by itself. */
	u32 cpu = task_cpu(task);
	if (task_is_running(task) && cpu != cpu_id())
		cpu_kick(cpu);
}
