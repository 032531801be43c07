/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SCHED_DEADLINE: what may be reserved, by whom, and that nobody gets more than that (sched(7),
 * sched_setattr(2)).
 */
#include "abi.h"

#include <sys/resource.h>

#define MS 1000000ULL

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int reserve_flags(pid_t pid, uint64_t runtime, uint64_t deadline, uint64_t period,
			 uint64_t flags)
{
	struct attributes a = {sizeof(a), SCHED_DEADLINE, flags, 0, 0, runtime, deadline, period};

	return (int)syscall(SYS_sched_setattr, pid, &a, 0);
}

static int reserve(uint64_t runtime, uint64_t deadline, uint64_t period)
{
	return reserve_flags(0, runtime, deadline, period, 0);
}

static int set_policy(int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &param);
}

static void reservations_are_checked(void)
{
	struct attributes a = {sizeof(a), SCHED_DEADLINE, 0, 0, 1, 1 * MS, 10 * MS, 10 * MS};
	int st;

	fails(set_policy(SCHED_DEADLINE, 0), EINVAL, "without numbers");
	fails(reserve(0, 10 * MS, 10 * MS), EINVAL, "no run time");
	fails(reserve(1000, 10 * MS, 10 * MS), EINVAL, "less than 1024 ns");
	fails(reserve(1 * MS, 0, 10 * MS), EINVAL, "no deadline");
	fails(reserve(11 * MS, 10 * MS, 20 * MS), EINVAL, "more than fits before the deadline");
	fails(reserve(1 * MS, 20 * MS, 10 * MS), EINVAL, "a deadline after the period");
	fails(reserve(1 * MS, 1ULL << 63, 1ULL << 63), EINVAL, "a deadline beyond all bounds");
	fails(reserve(2000, 50000, 50000), EINVAL, "a period below the least one");
	fails(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL, "with a priority");
	if (child(&st) == 0) {
		is(setuid(1000), 0, "an ordinary user");
		fails(reserve(1 * MS, 10 * MS, 10 * MS), EPERM, "may not reserve anything");
		_exit(0);
	}
	is(st, 0, "and that was all");
}

static void it_is_told(void)
{
	struct attributes a = {0};
	struct timespec slice = {7, 7};
	struct sched_param param = {.sched_priority = 9};
	int st;

	if (child(&st) == 0) {
		is(reserve(2 * MS, 10 * MS, 20 * MS), 0, "2 ms within 10 ms, each 20 ms");
		is(syscall(SYS_sched_getscheduler, 0), SCHED_DEADLINE, "the policy");
		is(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0), 0, "sched_getattr");
		is(a.policy, SCHED_DEADLINE, "has the policy");
		is(a.runtime, 2 * MS, "the run time");
		is(a.deadline, 10 * MS, "the deadline");
		is(a.period, 20 * MS, "the period");
		is(syscall(SYS_sched_getparam, 0, &param), 0, "sched_getparam");
		is(param.sched_priority, 0, "no priority");
		is(syscall(SYS_sched_rr_get_interval, 0, &slice), 0, "sched_rr_get_interval");
		ok(slice.tv_sec == 0 && slice.tv_nsec == 0, "no turns");
		is(reserve(1 * MS, 5 * MS, 0), 0, "without a period");
		is(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0), 0, "sched_getattr");
		is(a.period, 5 * MS, "it is the deadline");
		is(set_policy(SCHED_OTHER, 0), 0, "and back");
		_exit(0);
	}
	is(st, 0, "it was done");
	is(sched_get_priority_max(SCHED_DEADLINE), 0, "its greatest priority is 0");
	is(sched_get_priority_min(SCHED_DEADLINE), 0, "and its least");
}

static void children_have_reservations_of_their_own(void)
{
	int st;

	if (child(&st) == 0) {
		int inner;
		is(reserve(2 * MS, 20 * MS, 20 * MS), 0, "a deadline task");
		fails(fork(), EAGAIN, "cannot fork");
		is(reserve_flags(0, 2 * MS, 20 * MS, 20 * MS, 1), 0, "SCHED_FLAG_RESET_ON_FORK");
		struct attributes a = {0};
		is(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0), 0, "sched_getattr");
		is(a.flags, 1, "shows it");
		if (child(&inner) == 0)
			_exit((int)syscall(SYS_sched_getscheduler, 0));
		is(inner, EXITED(SCHED_OTHER), "then it can, and the child is an ordinary one");
		_exit(0);
	}
	is(st, 0, "it was done");
}

static void affinity_is_that_of_all(void)
{
	unsigned long mask[16] = {0}, one[16] = {0};
	int st;

	syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	one[0] = mask[0] & -mask[0];
	if (one[0] == mask[0]) {
		skip(5, "there is one CPU only");
		return;
	}
	if (child(&st) == 0) {
		is(reserve(2 * MS, 20 * MS, 20 * MS), 0, "a deadline task");
		fails(syscall(SYS_sched_setaffinity, 0, sizeof(one), one), EBUSY,
		      "cannot be bound");
		is(set_policy(SCHED_OTHER, 0), 0, "an ordinary one");
		syscall(SYS_sched_setaffinity, 0, sizeof(one), one);
		fails(reserve(2 * MS, 20 * MS, 20 * MS), EPERM,
		      "and who is bound cannot become one");
		_exit(0);
	}
	is(st, 0, "it was done");
}

/* Many ask for a third of a CPU each, until there is no more. */
static void no_more_is_promised_than_there_is(void)
{
	enum { MOST = 40 };
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), admitted = 0, refused = 0;
	volatile int *state = shared_ints();
	pid_t pids[MOST];

	for (int i = 0; i < 3 * cpus + 1 && i < MOST; i++) {
		pids[i] = spawn();
		if (pids[i] == 0) {
			int result = reserve(100 * MS, 300 * MS, 300 * MS);
			state[i] = result == 0 ? 1 : errno == EBUSY ? 2 : 3;
			for (;;)
				pause();
		}
		wait_until(state[i] != 0);
		admitted += state[i] == 1;
		refused += state[i] == 2;
	}
	ok(admitted >= 2 * cpus && admitted < 3 * cpus, "no more than 95 hundredths (%d for %d)",
	   admitted, cpus);
	is(admitted + refused, 3 * cpus + 1, "the others are told EBUSY");
	for (int i = 0; i < 3 * cpus + 1 && i < MOST; i++) {
		kill(pids[i], SIGKILL);
		reap(pids[i]);
	}
	int st;
	if (child(&st) == 0)
		_exit(reserve(100 * MS, 300 * MS, 300 * MS) == 0 ? 0 : errno);
	is(st, 0, "what the dead had is free again");
}

static uint64_t cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static uint64_t wall_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* A tenth of a CPU, for who would take it all: not much more than that is had. */
static void who_overruns_is_stopped(void)
{
	int st;

	if (child(&st) == 0) {
		if (reserve(10 * MS, 100 * MS, 100 * MS) < 0)
			_exit(1);
		uint64_t begin = wall_time(), used = cpu_time();
		while (wall_time() - begin < 1000 * MS)
			;
		uint64_t wall = wall_time() - begin;
		used = cpu_time() - used;
		ok(used < wall / 4, "a tenth of a CPU is not much more (%lu of %lu us)",
		   (unsigned long)(used / 1000), (unsigned long)(wall / 1000));
		ok(used > 5 * MS, "and not nothing");
		_exit(0);
	}
	is(st, 0, "it was done");
}

/* sched_yield: this period's work is done. */
static void yielding_ends_the_period(void)
{
	int st;

	if (child(&st) == 0) {
		if (reserve(10 * MS, 50 * MS, 50 * MS) < 0)
			_exit(1);
		sched_yield();
		uint64_t begin = wall_time();
		for (int i = 0; i < 4; i++)
			sched_yield();
		uint64_t took = wall_time() - begin;
		ok(took >= 150 * MS, "four periods of 50 ms (%lu us)",
		   (unsigned long)(took / 1000));
		_exit(0);
	}
	is(st, 0, "it was done");
}

/* Before everybody else: a busy SCHED_FIFO task on each CPU does not keep it from running. */
static void deadlines_go_before_priorities(void)
{
	volatile int *state = shared_ints();
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), st;
	pid_t pids[8];

	cpus = cpus > 8 ? 8 : cpus;
	if (child(&st) == 0) {
		set_policy(SCHED_FIFO, 60);
		pid_t pid = spawn();
		if (pid == 0) {
			if (reserve(5 * MS, 50 * MS, 50 * MS) < 0)
				_exit(errno);
			state[0] = 1;
			for (int i = 0; i < 10; i++)
				sleep_ms(5);
			_exit(0);
		}
		wait_until(state[0] == 1);
		for (int i = 0; i < cpus; i++) {
			pids[i] = spawn();
			if (pids[i] == 0) {
				set_policy(SCHED_FIFO, 50);
				for (;;)
					state[i + 1]++;
			}
		}
		is(reap(pid), 0, "a deadline task is done beside busy SCHED_FIFO ones");
		for (int i = 0; i < cpus; i++) {
			kill(pids[i], SIGKILL);
			reap(pids[i]);
		}
		_exit(0);
	}
	is(st, 0, "it was done");
}

/* Killed while it is stopped until its next period; changed to another policy then. */
static void stopped_tasks_can_be_changed(void)
{
	volatile int *count = shared_ints();
	struct sched_param param = {0};

	for (int round = 0; round < 2; round++) {
		count[0] = 0;
		pid_t pid = spawn();
		if (pid == 0) {
			reserve(1 * MS, 400 * MS, 400 * MS);
			for (;;)
				count[0]++;
		}
		wait_until(count[0] > 0);
		int before;
		do {
			before = count[0];
			sleep_ms(10);
		} while (before != count[0]);
		if (round == 0) {
			is(syscall(SYS_sched_setscheduler, pid, SCHED_OTHER, &param), 0,
			   "an ordinary one");
			wait_until(count[0] != before);
			ok(count[0] != before, "goes on");
		}
		kill(pid, SIGKILL);
		is(reap(pid), KILLED(SIGKILL), "and is killed");
	}
}

int main(void)
{
	reservations_are_checked();
	it_is_told();
	children_have_reservations_of_their_own();
	affinity_is_that_of_all();
	no_more_is_promised_than_there_is();
	who_overruns_is_stopped();
	yielding_ends_the_period();
	deadlines_go_before_priorities();
	stopped_tasks_can_be_changed();
	return done();
}
