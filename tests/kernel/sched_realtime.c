/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real-time and deadline tasks go where they can run: when they wake, when they are preempted, and
 * when a CPU has nothing more urgent any more; and only where they may.
 *
 * Every CPU is kept busy all the time, so that none takes a task because it idles.  The test itself
 * goes before all but deadlines.
 */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "lib/abi/sched.h"
#include "lib/sync.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

#define PATIENCE (60 * NSEC_PER_SEC)

enum { MOST_CPUS = 8, SELF = 90, MORE = 50, LESS = 40, GUEST = 30 };

/* Burns one CPU. */
struct hog {
	struct task *task;
	bool stop;
	bool running;
};

/* Waits for its start, and says where it ran. */
static struct guest {
	struct task *task;
	wait_queue_t queue;
	bool start, stop;
	bool burns; /* until it is stopped */
	u32 rounds; /* of its loop */
	bool done;
	u32 cpu; /* where it was when it began */
} guest;

static struct hog hogs[2 * MOST_CPUS];
static u32 hog_count;

static bool wait_for(const bool *flag)
{
	nsec_t end = clock_monotonic() + PATIENCE;

	while (!READ_ONCE(*flag) && clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	return READ_ONCE(*flag);
}

static bool set_priority(int priority)
{
	return task_set_policy(current, priority ? SCHED_FIFO : SCHED_OTHER, priority, false) == 0;
}

static void burn(void *argument)
{
	struct hog *hog = argument;

	WRITE_ONCE(hog->running, true);
	while (!READ_ONCE(hog->stop))
		cpu_relax();
}

static struct hog *start_hog(u32 cpu, int priority)
{
	struct hog *hog = &hogs[hog_count];

	*hog = (struct hog){.stop = false};
	hog->task = kernel_thread_create_on(cpu, burn, hog, "ktest");
	if (!KEXPECT(!IS_ERR(hog->task)))
		return NULL;
	hog_count++;
	/* From here: beside a busy real-time task it would wait long before it could do it. */
	if (priority)
		KEXPECT(task_set_policy(hog->task, SCHED_FIFO, priority, false) == 0);
	KEXPECT(wait_for(&hog->running));
	return hog;
}

static void wait_for_end(struct task *task)
{
	nsec_t end = clock_monotonic() + PATIENCE;

	while (READ_ONCE(task->state) != TASK_DEAD && clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	KEXPECT(task->state == TASK_DEAD);
	task_put(task);
}

static u32 used_cpus(void)
{
	return MIN(cpu_count(), (u32)MOST_CPUS);
}

static void begin(void)
{
	hog_count = 0;
	KEXPECT(set_priority(SELF));
}

static void finish(void)
{
	for (u32 i = 0; i < hog_count; i++)
		WRITE_ONCE(hogs[i].stop, true);
	for (u32 i = 0; i < hog_count; i++)
		wait_for_end(hogs[i].task);
	KEXPECT(set_priority(0));
}

static void visit(void *argument __unused)
{
	KEXPECT(set_priority(GUEST));
	wait_event(&guest.queue, READ_ONCE(guest.start));
	guest.cpu = task_cpu(current);
	WRITE_ONCE(guest.done, true);
	while (guest.burns && !READ_ONCE(guest.stop))
		WRITE_ONCE(guest.rounds, guest.rounds + 1);
}

/* A guest that sleeps on CPU 0, and may go to `allowed`. */
static bool invite(cpumask_t allowed, bool burns)
{
	guest = (struct guest){.burns = burns};
	wait_queue_init(&guest.queue);
	guest.task = kernel_thread_create_on(0, visit, NULL, "ktest");
	if (!KEXPECT(!IS_ERR(guest.task)))
		return false;
	nsec_t end = clock_monotonic() + PATIENCE;
	while ((READ_ONCE(guest.task->state) == TASK_RUNNING || task_is_running(guest.task)) &&
	       clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	return KEXPECT(task_set_affinity(guest.task, allowed) == 0);
}

static void let_in(void)
{
	WRITE_ONCE(guest.start, true);
	wake_up_all(&guest.queue);
}

KTEST(sched_realtime_woken_task_goes_to_the_least_urgent_cpu)
{
	if (cpu_count() < 2)
		KSKIP("one CPU");
	begin();
	KREQUIRE(invite(CPUMASK_ALL, false));
	start_hog(0, MORE);
	for (u32 cpu = 1; cpu < used_cpus(); cpu++)
		start_hog(cpu, cpu == 1 ? 0 : LESS);
	let_in();
	KEXPECT(wait_for(&guest.done));
	KEXPECT(guest.cpu == 1);
	finish();
	wait_for_end(guest.task);
}

KTEST(sched_realtime_task_stays_where_it_may_run)
{
	if (cpu_count() < 2)
		KSKIP("one CPU");
	begin();
	KREQUIRE(invite(cpumask_of(0), false));
	struct hog *first = start_hog(0, MORE);
	for (u32 cpu = 1; cpu < used_cpus(); cpu++)
		start_hog(cpu, 0);
	let_in();
	task_sleep(50 * NSEC_PER_MSEC);
	KEXPECT(!READ_ONCE(guest.done));
	/* It may go, and goes at once. */
	KEXPECT(task_set_affinity(guest.task, CPUMASK_ALL) == 0);
	KEXPECT(wait_for(&guest.done));
	KEXPECT(guest.cpu != 0 && !READ_ONCE(first->stop));
	finish();
	wait_for_end(guest.task);
}

KTEST(sched_realtime_cpu_that_gets_less_urgent_pulls)
{
	if (cpu_count() < 2)
		KSKIP("one CPU");
	begin();
	KREQUIRE(invite(CPUMASK_ALL, false));
	start_hog(0, MORE);
	struct hog *second = start_hog(1, LESS);
	for (u32 cpu = 2; cpu < used_cpus(); cpu++)
		start_hog(cpu, LESS);
	/* It gets no turn to say that it runs before the other one has ended. */
	hogs[hog_count] = (struct hog){.stop = false};
	hogs[hog_count].task = kernel_thread_create_on(1, burn, &hogs[hog_count], "ktest");
	KREQUIRE(!IS_ERR(hogs[hog_count].task));
	hog_count++;
	let_in();
	task_sleep(50 * NSEC_PER_MSEC);
	KEXPECT(!READ_ONCE(guest.done));
	WRITE_ONCE(second->stop, true);
	KEXPECT(wait_for(&guest.done));
	KEXPECT(guest.cpu == 1);
	finish();
	wait_for_end(guest.task);
}

KTEST(sched_realtime_preempted_task_goes_on_elsewhere)
{
	if (cpu_count() < 2)
		KSKIP("one CPU");
	begin();
	KREQUIRE(invite(CPUMASK_ALL, true));
	for (u32 cpu = 0; cpu < used_cpus(); cpu++)
		start_hog(cpu, 0);
	let_in();
	KEXPECT(wait_for(&guest.done));
	u32 cpu = task_cpu(guest.task);
	start_hog(cpu, MORE);
	u32 rounds = READ_ONCE(guest.rounds);
	nsec_t end = clock_monotonic() + PATIENCE;
	while (READ_ONCE(guest.rounds) == rounds && clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	KEXPECT(READ_ONCE(guest.rounds) != rounds);
	WRITE_ONCE(guest.stop, true);
	finish();
	wait_for_end(guest.task);
}

static bool deadlines_over;
static u32 deadlines_running; /* atomic */

static void burn_by_deadline(void *argument __unused)
{
	struct sched_deadline wanted = {.runtime = 80 * NSEC_PER_MSEC,
					.deadline = 100 * NSEC_PER_MSEC};

	KEXPECT(task_set_affinity(current, CPUMASK_ALL) == 0);
	KEXPECT(task_set_deadline(current, &wanted, false) == 0);
	__atomic_add_fetch(&deadlines_running, 1, __ATOMIC_SEQ_CST);
	while (!READ_ONCE(deadlines_over))
		cpu_relax();
}

/* Has each had more than six tenths of a CPU for a while?  Two on one CPU could not. */
static bool each_has_its_share(struct task **tasks, u32 count)
{
	nsec_t before[MOST_CPUS], start = clock_monotonic();
	u32 served = 0;

	for (u32 i = 0; i < count; i++)
		before[i] = task_run_time(tasks[i]);
	task_sleep(300 * NSEC_PER_MSEC);
	nsec_t elapsed = clock_monotonic() - start;
	for (u32 i = 0; i < count; i++)
		served += (task_run_time(tasks[i]) - before[i]) * 10 > elapsed * 6;
	return served == count;
}

KTEST(sched_realtime_deadline_tasks_share_all_cpus)
{
	struct task *tasks[MOST_CPUS];
	u32 count = used_cpus();
	bool shared = false;

	begin();
	deadlines_over = false;
	deadlines_running = 0;
	for (u32 i = 0; i < count; i++)
		start_hog(i, 0);
	/* All of them begin on the first CPU. */
	for (u32 i = 0; i < count; i++) {
		tasks[i] = kernel_thread_create_on(0, burn_by_deadline, NULL, "ktest");
		KREQUIRE(!IS_ERR(tasks[i]));
	}
	nsec_t end = clock_monotonic() + PATIENCE;
	while (READ_ONCE(deadlines_running) < count && clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	/* A host that is busy takes CPUs away for a while. */
	while (!shared && clock_monotonic() < end)
		shared = each_has_its_share(tasks, count);
	KEXPECT(shared);
	WRITE_ONCE(deadlines_over, true);
	for (u32 i = 0; i < count; i++)
		wait_for_end(tasks[i]);
	finish();
}
