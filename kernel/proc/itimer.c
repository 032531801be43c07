/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interval timers of a process: setitimer(2)'s three, and the watch over RLIMIT_CPU, which is a
 * fourth.
 *
 * The real one is a kernel timer.  The others count CPU time, which advances only while threads
 * run, at most as fast as there are CPUs.  So their kernel timer is set to the earliest moment at
 * which the time can be used up, and looks again then.  The state is guarded by process->lock; CPU
 * time is read before that lock is taken, because reading takes it too.
 */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/signal_internal.h"
#include "proc/time_internal.h"

/* No timer comes again sooner than this: a program cannot drown the machine in interrupts. */
#define SHORTEST_PERIOD (50 * NSEC_PER_USEC)
#define SHORTEST_LOOK   NSEC_PER_MSEC

static const int timer_signal[INTERVAL_TIMERS] = {
	[ITIMER_REAL] = SIGALRM,
	[ITIMER_VIRTUAL] = SIGVTALRM,
	[ITIMER_PROF] = SIGPROF,
	[CPU_LIMIT_TIMER] = SIGXCPU,
};

nsec_t cpu_clock_next_look(nsec_t remaining)
{
	nsec_t soonest = remaining / cpu_count();

	return time_after(MAX(soonest, SHORTEST_LOOK));
}

/* What the timer's own clock shows.  process->lock not held. */
static nsec_t read_clock(struct process *process, int which)
{
	if (which == ITIMER_REAL)
		return clock_monotonic();
	return time_process_cpu(process, which == ITIMER_VIRTUAL ? CPUCLOCK_VIRT : CPUCLOCK_PROF);
}

static void arm_locked(struct interval_timer *timer, int which, nsec_t now)
{
	if (which == ITIMER_REAL)
		timer_start(&timer->timer, timer->expiry);
	else
		timer_start(&timer->timer,
			    cpu_clock_next_look(timer->expiry > now ? timer->expiry - now : 0));
}

static void send_locked(struct process *process, int signal)
{
	struct siginfo info;

	siginfo_init(&info, signal, SI_KERNEL);
	(void)signal_send_locked(process, NULL, &info, NULL);
}

/* The process has used `used` of its CPU time and reached the soft limit: SIGXCPU each second,
 * SIGKILL at the hard limit. */
static void cpu_limit_reached_locked(struct process *process, struct interval_timer *timer,
				     nsec_t used)
{
	u64 hard = process->limits[RLIMIT_CPU].hard;

	if (hard != RLIM_INFINITY && used / NSEC_PER_SEC >= hard) {
		timer->expiry = 0;
		send_locked(process, SIGKILL);
		return;
	}
	timer->expiry = used + NSEC_PER_SEC;
	send_locked(process, SIGXCPU);
}

static void interval_timer_expired(struct timer *kernel_timer)
{
	struct interval_timer *timer = container_of(kernel_timer, struct interval_timer, timer);
	struct process *process = timer->process;
	int which = (int)(timer - process->timers->interval);
	nsec_t now = read_clock(process, which);
	unsigned long flags = spin_lock_irqsave(&process->lock);

	if (timer->expiry == 0)
		goto out;
	if (now >= timer->expiry) {
		if (which == CPU_LIMIT_TIMER) {
			cpu_limit_reached_locked(process, timer, now);
		} else {
			nsec_t missed = timer->interval != 0
						? (now - timer->expiry) / timer->interval + 1
						: 0;

			timer->expiry = missed != 0 ? timer->expiry + missed * timer->interval : 0;
			send_locked(process, timer_signal[which]);
		}
	}
	if (timer->expiry != 0)
		arm_locked(timer, which, now);
out:
	spin_unlock_irqrestore(&process->lock, flags);
}

struct process_timers *process_timers_find(struct process *process)
{
	struct process_timers *timers = __atomic_load_n(&process->timers, __ATOMIC_ACQUIRE);

	if (timers != NULL)
		return timers;
	timers = kzalloc(sizeof(*timers));
	if (timers == NULL)
		return NULL;
	list_init(&timers->posix);
	for (unsigned i = 0; i < INTERVAL_TIMERS; i++) {
		timer_init(&timers->interval[i].timer, interval_timer_expired);
		timers->interval[i].process = process;
	}
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct process_timers *used = process->timers;
	/* One that has begun to end has let go of its timers, and gets none again. */
	if (used == NULL && process->live_threads != 0) {
		__atomic_store_n(&process->timers, timers, __ATOMIC_RELEASE);
		used = timers;
	}
	spin_unlock_irqrestore(&process->lock, flags);
	if (used != timers)
		kfree(timers);
	return used;
}

static void get_locked(const struct interval_timer *timer, nsec_t now,
		       struct interval_setting *setting)
{
	setting->interval = timer->interval;
	setting->value = 0;
	if (timer->expiry != 0)
		setting->value = timer->expiry > now ? timer->expiry - now : NSEC_PER_USEC;
}

void interval_timer_get(struct process *process, int which, struct interval_setting *setting)
{
	*setting = (struct interval_setting){0};
	if (__atomic_load_n(&process->timers, __ATOMIC_ACQUIRE) == NULL)
		return;
	nsec_t now = read_clock(process, which);
	unsigned long flags = spin_lock_irqsave(&process->lock);
	get_locked(&process->timers->interval[which], now, setting);
	spin_unlock_irqrestore(&process->lock, flags);
}

int interval_timer_set(struct process *process, int which, const struct interval_setting *setting,
		       struct interval_setting *old)
{
	struct process_timers *timers = process_timers_find(process);

	if (timers == NULL)
		return -ENOMEM;
	struct interval_timer *timer = &timers->interval[which];
	nsec_t now = read_clock(process, which);
	unsigned long flags = spin_lock_irqsave(&process->lock);
	get_locked(timer, now, old);
	timer->interval = setting->interval != 0 ? MAX(setting->interval, SHORTEST_PERIOD) : 0;
	timer->expiry = setting->value != 0 ? now + setting->value : 0;
	if (timer->expiry != 0)
		arm_locked(timer, which, now);
	else
		timer_cancel(&timer->timer);
	spin_unlock_irqrestore(&process->lock, flags);
	return 0;
}

void process_timers_watch_cpu_limit(struct process *process)
{
	u64 limit = rlimit_of(process, RLIMIT_CPU);

	if (limit == RLIM_INFINITY && __atomic_load_n(&process->timers, __ATOMIC_ACQUIRE) == NULL)
		return;
	if (process_timers_find(process) == NULL)
		return;
	nsec_t now = read_clock(process, CPU_LIMIT_TIMER);
	unsigned long flags = spin_lock_irqsave(&process->lock);
	/* It may be another process's, and that one have begun to end. */
	if (process->live_threads == 0)
		goto out;
	struct interval_timer *timer = &process->timers->interval[CPU_LIMIT_TIMER];
	if (limit >= INT64_MAX / NSEC_PER_SEC) {
		timer->expiry = 0;
		timer_cancel(&timer->timer);
	} else {
		timer->expiry = MAX(limit, (u64)1) * NSEC_PER_SEC;
		arm_locked(timer, CPU_LIMIT_TIMER, now);
	}
out:
	spin_unlock_irqrestore(&process->lock, flags);
}

void process_timers_exec(struct process *process)
{
	posix_timers_delete_all(process);
}

void process_timers_release(struct process *process)
{
	struct process_timers *timers = process->timers;

	if (timers == NULL)
		return;
	posix_timers_delete_all(process);
	for (unsigned i = 0; i < INTERVAL_TIMERS; i++) {
		unsigned long flags = spin_lock_irqsave(&process->lock);

		timers->interval[i].expiry = 0;
		spin_unlock_irqrestore(&process->lock, flags);
		timer_cancel_sync(&timers->interval[i].timer);
	}
	process->timers = NULL;
	kfree(timers);
}
