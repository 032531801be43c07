/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's figures: times of CPUs and tasks, switches, load averages.
 *
 * Load averages are exponential means over 1, 5 and 15 minutes of the number of tasks that run, are
 * ready, or sleep uninterruptibly, sampled every five seconds; fixed point with 11 fractional bits,
 * as programs expect of /proc/loadavg.
 */
#include "proc/sched_stats.h"

#include "arch/clock.h"
#include "lib/string.h"
#include "mm/vmm.h"
#include "proc/proc_internal.h"
#include "proc/process.h"
#include "proc/sched_internal.h"
#include "proc/timer.h"

#define LOAD_PERIOD (5 * NSEC_PER_SEC)
#define LOAD_ONE    2048

static struct timer load_timer;
static u64 load_average[3]; /* written by the timer */

u32 scheduler_runnable(void)
{
	u32 sum = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		sum += READ_ONCE(run_queues[cpu].load);
	return sum;
}

u32 scheduler_blocked(void)
{
	s32 sum = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		sum += READ_ONCE(run_queues[cpu].blocked);
	return sum > 0 ? (u32)sum : 0;
}

static void sample_load(struct timer *timer)
{
	/* 2048 / exp(5 s / period) */
	static const u64 decay[3] = {1884, 2014, 2037};
	u64 active = (u64)(scheduler_runnable() + scheduler_blocked()) * LOAD_ONE;

	for (size_t i = 0; i < ARRAY_SIZE(decay); i++) {
		u64 load = load_average[i] * decay[i] + active * (LOAD_ONE - decay[i]);
		if (active >= load_average[i])
			load += LOAD_ONE - 1;
		WRITE_ONCE(load_average[i], load / LOAD_ONE);
	}
	timer_start(timer, timer->deadline + LOAD_PERIOD);
}

void sched_stats_init(void)
{
	timer_init(&load_timer, sample_load);
	timer_start(&load_timer, clock_monotonic() + LOAD_PERIOD);
}

void scheduler_load(u64 load[3])
{
	for (size_t i = 0; i < 3; i++)
		load[i] = READ_ONCE(load_average[i]);
}

/* In two steps: programs and kernel, then ordinary and nice programs. */
static void split_cpu_times(struct run_queue *queue)
{
	struct cpu_times *told = &queue->times;
	u64 user = READ_ONCE(queue->ticks.user), nice = READ_ONCE(queue->ticks.nice);
	struct time_split all = {.user = told->user + told->nice, .system = told->system};
	struct time_split programs = {.user = told->user, .system = told->nice};

	account_split(&all, queue->busy, user + nice, READ_ONCE(queue->ticks.system));
	account_split(&programs, all.user, user, nice);
	told->user = programs.user;
	told->nice = programs.system;
	told->system = all.system;
}

void scheduler_cpu_times(u32 cpu, struct cpu_times *times)
{
	memset(times, 0, sizeof(*times));
	if (cpu >= MAX_CPUS || !(sched_cpus() & cpumask_of(cpu)))
		return;
	struct run_queue *queue = &run_queues[cpu];
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	run_queue_account(queue, clock_monotonic());
	split_cpu_times(queue);
	*times = queue->times;
	spin_unlock_irqrestore(&queue->lock, flags);
}

nsec_t scheduler_idle_time(void)
{
	nsec_t sum = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		struct cpu_times times;
		scheduler_cpu_times(cpu, &times);
		sum += times.idle;
	}
	return sum;
}

u64 scheduler_switches(void)
{
	u64 sum = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		sum += READ_ONCE(run_queues[cpu].switches);
	return sum;
}

nsec_t task_run_time(struct task *task)
{
	unsigned long flags;
	struct run_queue *queue = run_queue_lock_of(task, &flags);

	if (queue->running == task)
		run_queue_account(queue, clock_monotonic());
	nsec_t time = task->sched.run_time;
	run_queue_unlock(queue, flags);
	return time;
}

void task_sched_info(struct task *task, struct task_sched_info *info)
{
	unsigned long flags;
	struct run_queue *queue = run_queue_lock_of(task, &flags);
	nsec_t now = clock_monotonic();

	if (queue->running == task)
		run_queue_account(queue, now);
	const struct sched_task *sched = &task->sched;
	*info = (struct task_sched_info){
		.run_start = sched->run_start,
		.run_time = sched->run_time,
		.virtual_time = sched->virtual_time,
		.waited = sched->waited,
		.turns = sched->turns,
		.migrations = sched->migrations,
		.switches_voluntary = sched->switches_voluntary,
		.switches_involuntary = sched->switches_involuntary,
		.weight = sched->weight,
		.policy = sched->policy,
		.priority = sched->priority ? 99 - sched->priority : 120 + sched->nice,
		.runtime = sched->deadline.budget,
		.deadline = sched->deadline.until,
	};
	if (sched->queued && queue->running != task)
		info->waited += now - sched->ready_since;
	run_queue_unlock(queue, flags);
}

bool scheduler_cpu_info(u32 cpu, struct cpu_sched_info *info)
{
	if (cpu >= MAX_CPUS || !(sched_cpus() & cpumask_of(cpu)))
		return false;
	struct run_queue *queue = &run_queues[cpu];
	unsigned long flags = spin_lock_irqsave(&queue->lock);
	run_queue_account(queue, clock_monotonic());
	*info = (struct cpu_sched_info){
		.yields = queue->yields,
		.switches = queue->switches,
		.idles = queue->idles,
		.busy = queue->busy,
		.delayed = queue->delayed,
	};
	spin_unlock_irqrestore(&queue->lock, flags);
	return true;
}

char task_state_letter(struct task *task)
{
	u32 state = READ_ONCE(task->state);

	if (READ_ONCE(task->exited))
		return READ_ONCE(task->process->zombie) ? 'Z' : 'X';
	if (state & TASK_TRACED)
		return 't';
	if (state & TASK_STOPPED)
		return 'T';
	if (state & TASK_BLOCKED)
		return 'D';
	return state & TASK_INTERRUPTIBLE ? 'S' : 'R';
}

/* --- Use of resources --- */

void usage_add(struct process_usage *to, const struct process_usage *from)
{
	to->user_time += from->user_time;
	to->system_time += from->system_time;
	to->user_ticks += from->user_ticks;
	to->kernel_ticks += from->kernel_ticks;
	to->minor_faults += from->minor_faults;
	to->major_faults += from->major_faults;
	to->switches_voluntary += from->switches_voluntary;
	to->switches_involuntary += from->switches_involuntary;
	to->blocks_read += from->blocks_read;
	to->blocks_written += from->blocks_written;
	to->max_resident = MAX(to->max_resident, from->max_resident);
}

void task_usage(struct task *task, struct process_usage *usage)
{
	unsigned long flags;
	struct run_queue *queue = run_queue_lock_of(task, &flags);

	if (queue->running == task)
		run_queue_account(queue, clock_monotonic());
	struct task_times *times = &task->times;
	u64 user = READ_ONCE(times->user_ticks), kernel = READ_ONCE(times->kernel_ticks);
	/* The kernel's own threads have nothing else to do. */
	if (task->flags & TASK_KERNEL)
		kernel++;
	account_split(&times->told, task->sched.run_time, user, kernel);
	*usage = (struct process_usage){
		.user_time = times->told.user,
		.system_time = times->told.system,
		.user_ticks = user,
		.kernel_ticks = kernel,
		.minor_faults = times->minor_faults,
		.major_faults = times->major_faults,
		.switches_voluntary = task->sched.switches_voluntary,
		.switches_involuntary = task->sched.switches_involuntary,
		.blocks_read = times->blocks_read,
		.blocks_written = times->blocks_written,
	};
	run_queue_unlock(queue, flags);
}

/* The largest resident set that the process's present memory has had. */
static u64 peak_resident(struct process *process)
{
	u64 peak = 0;
	struct task *task = process->leader;

	if (!task)
		return 0;
	spin_lock(&task->lock);
	if (task->space)
		peak = READ_ONCE(task->space->peak_resident) * PAGE_SIZE;
	spin_unlock(&task->lock);
	return peak;
}

void process_usage(struct process *process, struct process_usage *usage)
{
	struct task *task;
	unsigned long flags = spin_lock_irqsave(&process->lock);

	*usage = process->dead_threads;
	for_each_thread(task, process)
	{
		struct process_usage one;
		task_usage(task, &one);
		usage_add(usage, &one);
	}
	/* Threads that were too short for a tick are divided like the others. */
	account_split(&process->told, usage->user_time + usage->system_time, usage->user_ticks,
		      usage->kernel_ticks);
	usage->user_time = process->told.user;
	usage->system_time = process->told.system;
	usage->max_resident = MAX(usage->max_resident, peak_resident(process));
	spin_unlock_irqrestore(&process->lock, flags);
}
