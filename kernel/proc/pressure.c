/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pressure stall information: see mm/pressure.h and proc/pressure.h.
 *
 * Memory and devices: whenever a task begins or ends to stall, and, while any does, whenever a task
 * becomes ready or sleeps, the time since the last such moment is added to the totals: to "some"
 * when a task stalled, to "full" when also no task that did not stall was ready or ran.
 *
 * CPUs: a run queue adds up the time that tasks waited in it for their turn; every two seconds the
 * CPUs' shares are put together, each weighted by the time it was not idle.  A CPU that tasks wait
 * for does something useful, so its "full" is always zero, as on Linux for the whole system.
 *
 * Averages are exponential, sampled every two seconds, in fixed point with 11 fractional bits.
 *
 * Locks: stall_lock, inside of a run queue's lock, interrupts off.
 */
#include "proc/pressure.h"

#include "arch/clock.h"
#include "proc/sched.h"
#include "proc/sched_internal.h"
#include "proc/timer.h"

#define PERIOD (2 * NSEC_PER_SEC)

enum { FIXED_SHIFT = 11, FIXED_ONE = 1 << FIXED_SHIFT, HUNDREDTHS = 100 * 100 };

struct average {
	nsec_t total, sampled; /* stall_lock: until now; at the last sample */
	u64 mean[3];           /* the timer; hundredths of a per cent, in fixed point */
};

u32 pressure_stalled;

static spinlock_t stall_lock;
static struct average averages[PRESSURE_RESOURCES][PRESSURE_EXTENTS];
static u32 stalled[PRESSURE_STALLS]; /* stall_lock: tasks */
static u32 stalled_ready;            /* stall_lock: tasks that stall on memory, yet run or could */
static nsec_t since;                 /* stall_lock: up to here all is in the totals */
static bool useful; /* stall_lock: a task that does not stall has been ready since */

static struct timer timer;
static nsec_t cpu_waited[MAX_CPUS], cpu_busy[MAX_CPUS]; /* the timer: at the last sample */

static enum pressure_resource resource_of(enum pressure_kind kind)
{
	return kind == PRESSURE_MEMORY ? PRESSURE_OF_MEMORY : PRESSURE_OF_IO;
}

/* Adds the time since the last change, in which things were as they are noted.  stall_lock held. */
static void account_locked(void)
{
	nsec_t now = clock_monotonic();
	nsec_t elapsed = now > since ? now - since : 0;

	for (u32 kind = 0; kind < PRESSURE_STALLS; kind++) {
		if (stalled[kind] == 0)
			continue;
		struct average *average = averages[resource_of(kind)];
		average[PRESSURE_SOME].total += elapsed;
		if (!useful)
			average[PRESSURE_FULL].total += elapsed;
	}
	since = MAX(now, since);
}

/* Notes how things are from now on.  stall_lock held. */
static void observe_locked(void)
{
	useful = scheduler_runnable() > stalled_ready;
	__atomic_store_n(&pressure_stalled, stalled[PRESSURE_MEMORY] + stalled[PRESSURE_IO],
			 __ATOMIC_RELAXED);
}

bool pressure_enter(enum pressure_kind kind)
{
	struct task *task = current;

	if (task == NULL || in_interrupt() || (task->stalls & BIT(kind)))
		return false;
	unsigned long flags = spin_lock_irqsave(&stall_lock);
	account_locked();
	task->stalls |= (u8)BIT(kind);
	stalled[kind]++;
	if (kind == PRESSURE_MEMORY)
		stalled_ready++;
	observe_locked();
	spin_unlock_irqrestore(&stall_lock, flags);
	return true;
}

void pressure_leave(enum pressure_kind kind, bool begun)
{
	if (!begun)
		return;
	unsigned long flags = spin_lock_irqsave(&stall_lock);
	account_locked();
	current->stalls &= (u8)~BIT(kind);
	stalled[kind]--;
	if (kind == PRESSURE_MEMORY)
		stalled_ready--;
	observe_locked();
	spin_unlock_irqrestore(&stall_lock, flags);
}

void pressure_ready_changed(const struct task *task, bool ready)
{
	unsigned long flags = spin_lock_irqsave(&stall_lock);

	account_locked();
	if (task->stalls & BIT(PRESSURE_MEMORY))
		stalled_ready += ready ? 1 : -1u;
	observe_locked();
	spin_unlock_irqrestore(&stall_lock, flags);
}

/* --- Samples --- */

/* The time that tasks have waited for CPUs since the last sample, of `period` at most. */
static nsec_t sample_cpus(nsec_t period)
{
	u64 weighted = 0, busy_sum = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		struct run_queue *queue = &run_queues[cpu];
		unsigned long flags = spin_lock_irqsave(&queue->lock);
		if (queue->running != NULL)
			run_queue_account(queue, clock_monotonic());
		nsec_t waited = queue->waited - cpu_waited[cpu];
		nsec_t busy = queue->busy - cpu_busy[cpu];
		cpu_waited[cpu] = queue->waited;
		cpu_busy[cpu] = queue->busy;
		spin_unlock_irqrestore(&queue->lock, flags);
		busy = MIN(busy, period) / NSEC_PER_USEC;
		weighted += MIN(waited, period) / NSEC_PER_USEC * busy;
		busy_sum += busy;
	}
	return busy_sum != 0 ? MIN(weighted / busy_sum * NSEC_PER_USEC, period) : 0;
}

static void sample_average(struct average *average, nsec_t period)
{
	/* FIXED_ONE / exp(2 s / 10 s, 60 s, 300 s) */
	static const u64 decay[3] = {1677, 1981, 2034};
	u64 share = (average->total - average->sampled) * HUNDREDTHS / period * FIXED_ONE;

	average->sampled = average->total;
	for (size_t i = 0; i < ARRAY_SIZE(decay); i++) {
		u64 mean = average->mean[i] * decay[i] + share * (FIXED_ONE - decay[i]);
		if (share >= average->mean[i])
			mean += FIXED_ONE - 1;
		WRITE_ONCE(average->mean[i], mean >> FIXED_SHIFT);
	}
}

static void sample(struct timer *expired)
{
	nsec_t waited = sample_cpus(PERIOD);
	unsigned long flags = spin_lock_irqsave(&stall_lock);

	account_locked();
	averages[PRESSURE_OF_CPU][PRESSURE_SOME].total += waited;
	for (u32 resource = 0; resource < PRESSURE_RESOURCES; resource++)
		for (u32 extent = 0; extent < PRESSURE_EXTENTS; extent++)
			sample_average(&averages[resource][extent], PERIOD);
	spin_unlock_irqrestore(&stall_lock, flags);
	timer_start(expired, MAX(expired->deadline + PERIOD, clock_monotonic()));
}

void pressure_init(void)
{
	timer_init(&timer, sample);
	timer_start(&timer, clock_monotonic() + PERIOD);
}

void pressure_figures(enum pressure_resource resource, enum pressure_extent extent,
		      struct pressure_figures *figures)
{
	unsigned long flags = spin_lock_irqsave(&stall_lock);
	struct average *average = &averages[resource][extent];

	account_locked();
	figures->total = average->total;
	for (size_t i = 0; i < ARRAY_SIZE(figures->average); i++)
		figures->average[i] = (u32)(average->mean[i] >> FIXED_SHIFT);
	spin_unlock_irqrestore(&stall_lock, flags);
}
