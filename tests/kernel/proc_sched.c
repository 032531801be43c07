/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler and kernel threads: everybody runs, where it may, in fair shares, and gets the CPU
 * back from those who do not give it.
 */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "lib/abi/sched.h"
#include "lib/sync.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "tests/kernel/ktest.h"

#define PATIENCE (20 * NSEC_PER_SEC)

/* Several threads that count down a number of those at work. */
struct crew {
	u32 working; /* atomic */
};

static void crew_init(struct crew *crew, u32 size)
{
	crew->working = size;
}

static void crew_leave(struct crew *crew)
{
	__atomic_sub_fetch(&crew->working, 1, __ATOMIC_RELEASE);
}

static bool crew_wait(struct crew *crew)
{
	nsec_t end = clock_monotonic() + PATIENCE;

	while (__atomic_load_n(&crew->working, __ATOMIC_ACQUIRE) && clock_monotonic() < end)
		task_sleep(NSEC_PER_MSEC);
	return crew->working == 0;
}

static bool start(void (*entry)(void *), void *argument)
{
	struct task *task = kernel_thread_create(entry, argument, "ktest");

	if (IS_ERR(task))
		return false;
	task_put(task);
	return true;
}

/* --- Ping-pong --- */

struct table {
	struct crew crew;
	wait_queue_t queue;
	u32 turn; /* whose: counts up; player n moves when turn % 2 == n */
	u32 limit;
};

static void play(struct table *table, u32 player)
{
	for (;;) {
		wait_event(&table->queue, READ_ONCE(table->turn) % 2 == player ||
						  READ_ONCE(table->turn) >= table->limit);
		if (table->turn >= table->limit)
			break;
		__atomic_add_fetch(&table->turn, 1, __ATOMIC_SEQ_CST);
		wake_up_all(&table->queue);
	}
	crew_leave(&table->crew);
}

static void first_player(void *table)
{
	play(table, 0);
}

static void second_player(void *table)
{
	play(table, 1);
}

KTEST(proc_sched_ping_pong_between_threads_never_stops)
{
	enum { TABLES = 4, MOVES = 2000 };
	static struct table tables[TABLES];

	for (u32 i = 0; i < TABLES; i++) {
		tables[i] = (struct table){.limit = MOVES};
		wait_queue_init(&tables[i].queue);
		crew_init(&tables[i].crew, 2);
		KREQUIRE(start(first_player, &tables[i]) && start(second_player, &tables[i]));
	}
	for (u32 i = 0; i < TABLES; i++) {
		KEXPECT(crew_wait(&tables[i].crew));
		KEXPECT(tables[i].turn == MOVES);
	}
}

/* --- Preemption and shares --- */

struct hog {
	struct crew crew;
	bool stop;
	nsec_t run_time;
	int nice;
	u64 turns; /* of the loop, so far */
};

static void burn(void *argument)
{
	struct hog *hog = argument;

	KEXPECT(task_set_nice(current, hog->nice) == 0);
	while (!READ_ONCE(hog->stop)) {
		WRITE_ONCE(hog->turns, hog->turns + 1);
		cpu_relax();
	}
	hog->run_time = task_run_time(current);
	crew_leave(&hog->crew);
}

static bool start_on(u32 cpu, void (*entry)(void *), void *argument)
{
	struct task *task = kernel_thread_create_on(cpu, entry, argument, "ktest");

	if (IS_ERR(task))
		return false;
	task_put(task);
	return true;
}

KTEST(proc_sched_a_loop_without_calls_is_preempted)
{
	static struct hog hogs[2];
	u32 cpu = task_cpu(current);

	for (u32 i = 0; i < 2; i++) {
		hogs[i] = (struct hog){.stop = false};
		crew_init(&hogs[i].crew, 1);
		KREQUIRE(start_on(cpu, burn, &hogs[i]));
	}
	task_sleep(200 * NSEC_PER_MSEC);
	for (u32 i = 0; i < 2; i++)
		WRITE_ONCE(hogs[i].stop, true);
	for (u32 i = 0; i < 2; i++) {
		KEXPECT(crew_wait(&hogs[i].crew));
		KEXPECT(hogs[i].run_time > 40 * NSEC_PER_MSEC);
	}
}

KTEST(proc_sched_nice_values_weigh)
{
	static struct hog hogs[2];
	u32 cpu = task_cpu(current);

	for (u32 i = 0; i < 2; i++) {
		hogs[i] = (struct hog){.nice = i == 0 ? 0 : 10};
		crew_init(&hogs[i].crew, 1);
		KREQUIRE(start_on(cpu, burn, &hogs[i]));
	}
	/* 1024 : 110, once the pauses that the host made while either had the CPU are made up for. */
	u64 turns[2];
	u32 pauses = 0;
	do {
		task_sleep(500 * NSEC_PER_MSEC);
		for (u32 i = 0; i < 2; i++)
			turns[i] = READ_ONCE(hogs[i].turns);
	} while ((turns[1] == 0 || turns[0] <= 4 * turns[1]) && ++pauses < 10);
	for (u32 i = 0; i < 2; i++)
		WRITE_ONCE(hogs[i].stop, true);
	for (u32 i = 0; i < 2; i++)
		KEXPECT(crew_wait(&hogs[i].crew));
	KEXPECT(turns[0] > 4 * turns[1]);
	KEXPECT(turns[1] > 0);
}

/* --- Places --- */

struct traveller {
	struct crew crew;
	u32 wrong;
};

static void travel(void *argument)
{
	struct traveller *traveller = argument;
	cpumask_t online = cpus_online();

	for (u32 round = 0; round < 50; round++) {
		for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
			if (!(online & cpumask_of(cpu)))
				continue;
			if (task_set_affinity(current, cpumask_of(cpu)) != 0 ||
			    task_cpu(current) != cpu)
				traveller->wrong++;
		}
	}
	crew_leave(&traveller->crew);
}

KTEST(proc_sched_affinity_holds_from_the_moment_it_is_set)
{
	enum { TRAVELLERS = 4 };
	static struct traveller travellers[TRAVELLERS];

	for (u32 i = 0; i < TRAVELLERS; i++) {
		travellers[i] = (struct traveller){.wrong = 0};
		crew_init(&travellers[i].crew, 1);
		KREQUIRE(start(travel, &travellers[i]));
	}
	for (u32 i = 0; i < TRAVELLERS; i++) {
		KEXPECT(crew_wait(&travellers[i].crew));
		KEXPECT(travellers[i].wrong == 0);
	}
	KEXPECT(task_set_affinity(current, 0) < 0);
}

KTEST(proc_sched_busy_threads_spread_over_all_cpus)
{
	static struct hog hogs[8];
	u32 count = MIN(cpu_count(), (u32)ARRAY_SIZE(hogs));
	nsec_t total = 0;

	for (u32 i = 0; i < count; i++) {
		hogs[i] = (struct hog){.stop = false};
		crew_init(&hogs[i].crew, 1);
		KREQUIRE(start(burn, &hogs[i]));
	}
	nsec_t begin = clock_monotonic();
	task_sleep(300 * NSEC_PER_MSEC);
	nsec_t elapsed = clock_monotonic() - begin;
	for (u32 i = 0; i < count; i++)
		WRITE_ONCE(hogs[i].stop, true);
	for (u32 i = 0; i < count; i++) {
		KEXPECT(crew_wait(&hogs[i].crew));
		total += hogs[i].run_time;
	}
	/* One CPU each, but for what the start took. */
	KEXPECT(total * 4 > elapsed * count * 3);
}

KTEST(proc_sched_realtime_runs_before_fair)
{
	static struct hog hog;
	u32 cpu = task_cpu(current);

	hog = (struct hog){.stop = false};
	crew_init(&hog.crew, 1);
	KREQUIRE(start_on(cpu, burn, &hog));
	KREQUIRE(task_set_affinity(current, cpumask_of(cpu)) == 0);
	KEXPECT(task_set_policy(current, SCHED_FIFO, 10, false) == 0);
	for (u32 i = 0; i < 1000 && READ_ONCE(hog.turns) == 0; i++)
		task_sleep(NSEC_PER_MSEC);
	/* Woken while the hog burns, we keep the CPU for many slices: the fair share does not matter. */
	u64 before = READ_ONCE(hog.turns);
	nsec_t until = clock_monotonic() + 50 * NSEC_PER_MSEC;
	while (clock_monotonic() < until)
		cpu_relax();
	u64 after = READ_ONCE(hog.turns);
	KEXPECT(task_set_policy(current, SCHED_OTHER, 0, false) == 0);
	KEXPECT(task_set_affinity(current, CPUMASK_ALL) == 0);
	WRITE_ONCE(hog.stop, true);
	KEXPECT(crew_wait(&hog.crew));
	KEXPECT(before > 0);
	KEXPECT(after == before);
	KEXPECT(task_set_policy(current, SCHED_FIFO, 0, false) < 0);
	KEXPECT(task_set_policy(current, SCHED_DEADLINE, 0, false) < 0);
	KEXPECT(task_set_nice(current, 20) < 0);
}

KTEST(proc_sched_kernel_threads_that_wait_are_no_load)
{
	/* No program runs yet: whoever sleeps now, and this thread as it sleeps, is the kernel. */
	for (u32 i = 0; i < 10; i++) {
		task_sleep(NSEC_PER_MSEC);
		KEXPECT(scheduler_blocked() == 0);
	}
}
