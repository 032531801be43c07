/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling: affinity, yielding, preemption, policies, and the process's own clocks.
 */
#include "abi.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>

static void affinity_is_read_and_set(void)
{
	unsigned long mask[16] = {0}, one[16] = {0}, none[16] = {0};
	int first = 0;

	long size = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	ok(size >= 8 && size % 8 == 0, "sched_getaffinity returns the size of the mask");
	ok(mask[0] != 0, "there is a CPU");
	while (first < 63 && !(mask[0] >> first & 1))
		first++;
	one[0] = 1UL << first;
	is(syscall(SYS_sched_setaffinity, 0, sizeof(one), one), 0, "bound to one CPU");
	unsigned cpu = 99;
	is(syscall(SYS_getcpu, &cpu, NULL, NULL), 0, "getcpu");
	is(cpu, first, "shows that CPU");
	memset(one, 0, sizeof(one));
	syscall(SYS_sched_getaffinity, 0, sizeof(one), one);
	is(one[0], 1UL << first, "the mask is read again");
	fails(syscall(SYS_sched_setaffinity, 0, sizeof(none), none), EINVAL, "an empty mask");
	fails(syscall(SYS_sched_getaffinity, 0, 3, mask), EINVAL, "a size that is no word");
	fails(syscall(SYS_sched_getaffinity, 999999, sizeof(mask), one), ESRCH, "of nobody");
	fails(syscall(SYS_sched_getaffinity, 0, sizeof(mask), BAD_POINTER), EFAULT, "bad pointer");
	syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask);
}

static void busy_processes_share_a_cpu(void)
{
	enum { COUNT = 3 };
	volatile int *progress = shared_ints();
	unsigned long mask[16] = {0}, one[16] = {0};
	pid_t pids[COUNT];

	syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	one[0] = mask[0] & -mask[0];
	for (int i = 0; i < COUNT; i++) {
		pids[i] = spawn();
		if (pids[i] == 0) {
			syscall(SYS_sched_setaffinity, 0, sizeof(one), one);
			for (;;)
				progress[i]++;
		}
	}
	wait_until(progress[0] && progress[1] && progress[2]);
	for (int i = 0; i < COUNT; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < COUNT; i++)
		is(reap(pids[i]), KILLED(SIGKILL), "busy process %d of one CPU is killed", i);
	ok(progress[0] && progress[1] && progress[2], "all of them had their turn");
}

static void yielding_is_fair(void)
{
	volatile int *turn = shared_ints();
	unsigned long mask[16] = {0}, one[16] = {0};
	int st;

	is(sched_yield(), 0, "sched_yield");
	syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	one[0] = mask[0] & -mask[0];
	if (child(&st) == 0) {
		/* On one CPU: with two, each turn would wait for the other one to be there. */
		syscall(SYS_sched_setaffinity, 0, sizeof(one), one);
		pid_t pid = spawn();
		for (int i = 0; i < 200; i++) {
			long start = now_ms();
			while (turn[0] % 2 != (pid == 0) && now_ms() - start < 3000)
				sched_yield();
			turn[0]++;
		}
		if (pid == 0)
			_exit(0);
		_exit(reap(pid) == 0 ? 0 : 1);
	}
	is(st, 0, "two processes take turns by yielding");
	is(turn[0], 400, "four hundred times");
}

static void policies_are_known(void)
{
	struct sched_param param = {.sched_priority = 0};
	struct timespec slice;

	is(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER, "the policy is SCHED_OTHER");
	is(syscall(SYS_sched_getparam, 0, &param), 0, "sched_getparam");
	is(param.sched_priority, 0, "priority 0");
	is(sched_get_priority_max(SCHED_FIFO), 99, "SCHED_FIFO goes up to 99");
	is(sched_get_priority_min(SCHED_FIFO), 1, "from 1");
	is(sched_get_priority_max(SCHED_OTHER), 0, "SCHED_OTHER has none");
	fails(sched_get_priority_max(77), EINVAL, "an unknown policy");
	fails(syscall(SYS_sched_setscheduler, 0, 77, &param), EINVAL, "cannot be set");
	param.sched_priority = 5;
	fails(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param), EINVAL,
	      "SCHED_OTHER with a priority");
	is(syscall(SYS_sched_rr_get_interval, 0, &slice), 0, "sched_rr_get_interval");
	fails(syscall(SYS_sched_getscheduler, 999999), ESRCH, "the policy of nobody");
}

/* The processor time of this process, in milliseconds. */
static long processor_ms(void)
{
	struct timespec used = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void own_time_is_measured(void)
{
	struct rusage use;
	struct tms t;
	struct timespec cpu;

	/* Whoever else wants the processor: until its own clock shows the work, or never does. */
	long start = now_ms(), before = processor_ms();
	while (processor_ms() - before < 100 && now_ms() - start < 10000)
		;
	ok(now_ms() - start >= 50, "100 ms of work take some time");
	is(getrusage(RUSAGE_SELF, &use), 0, "getrusage");
	long ms = use.ru_utime.tv_sec * 1000 + use.ru_utime.tv_usec / 1000 +
		  use.ru_stime.tv_sec * 1000 + use.ru_stime.tv_usec / 1000;
	ok(ms >= 80, "100 ms of work show (%ld ms)", ms);
	is(getrusage(RUSAGE_THREAD, &use), 0, "RUSAGE_THREAD");
	is(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu), 0, "CLOCK_PROCESS_CPUTIME_ID");
	long clock_ms = cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000;
	ok(clock_ms >= ms - 20 && clock_ms < ms + 1000, "agrees with getrusage");
	is(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu), 0, "CLOCK_THREAD_CPUTIME_ID");
	ok(times(&t) > 0, "times returns ticks since some start");
	ok(t.tms_utime + t.tms_stime >= 1, "and ticks of work");
	is(sysconf(_SC_CLK_TCK), 100, "of which there are 100 a second");
}

static void sleeping_takes_no_processor_time(void)
{
	long before = processor_ms();

	sleep_ms(100);
	long ms = processor_ms() - before;
	ok(ms < 50, "sleeping for 100 ms costs no processor time (%ld ms)", ms);
}

static void prctl_names_and_death_signals(void)
{
	volatile int *ready = shared_ints();
	char name[16] = "";
	int st;

	is(prctl(PR_SET_NAME, "a-name-longer-than-fifteen"), 0, "PR_SET_NAME");
	is(prctl(PR_GET_NAME, name), 0, "PR_GET_NAME");
	is_str(name, "a-name-longer-t", "the name is cut at 15 bytes");
	fails(prctl(9999, 0, 0, 0, 0), EINVAL, "an unknown option");
	is(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1, "PR_GET_DUMPABLE");
	if (child(&st) == 0) {
		if (spawn() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			ready[0] = getpid();
			for (;;)
				pause();
		}
		wait_until(ready[0]);
		_exit(0);
	}
	wait_until(kill(ready[0], 0) < 0);
	fails(kill(ready[0], 0), ESRCH, "PR_SET_PDEATHSIG kills the child of a dead parent");
}

static long figure(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line && (line = strchr(line, ':')) ? strtol(line + 1, NULL, 10) : -1;
}

static bool read_text(const char *name, char *text, size_t size)
{
	int fd = open(name, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* What was written after the program began to sleep is in its figures. */
static void figures_are_told(void)
{
	char text[8192];
	unsigned long run, waited, turns, run2, waited2, turns2;

	ok(read_text("/proc/self/schedstat", text, sizeof(text)), "/proc/self/schedstat");
	is(sscanf(text, "%lu %lu %lu", &run, &waited, &turns), 3, "has three numbers");
	/* A sleep that is over before the CPU was given away is no turn. */
	for (int i = 0; i < 1000; i++) {
		sleep_ms(2);
		read_text("/proc/self/schedstat", text, sizeof(text));
		if (sscanf(text, "%lu %lu %lu", &run2, &waited2, &turns2) != 3 || turns2 > turns)
			break;
	}
	is(sscanf(text, "%lu %lu %lu", &run2, &waited2, &turns2), 3, "again");
	ok(run2 > run && waited2 >= waited && turns2 > turns, "which grow");
	ok(read_text("/proc/self/sched", text, sizeof(text)), "/proc/self/sched");
	ok(strstr(text, "#threads: 1)") != NULL, "tells the threads");
	is(figure(text, "policy "), SCHED_OTHER, "the policy");
	is(figure(text, "prio "), 120, "the priority");
	is(figure(text, "se.load.weight"), 1048576, "the weight");
	ok(figure(text, "nr_voluntary_switches") > 0, "the switches");
	ok(figure(text, "se.sum_exec_runtime") >= 0, "the time");
	int st;
	if (child(&st) == 0) {
		is(setpriority(PRIO_PROCESS, 0, 5), 0, "a nice child");
		read_text("/proc/self/sched", text, sizeof(text));
		is(figure(text, "prio "), 125, "has a lesser priority");
		is(figure(text, "se.load.weight"), 343040, "and weight");
		struct sched_param param = {.sched_priority = 7};
		is(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param), 0, "as SCHED_FIFO");
		read_text("/proc/self/sched", text, sizeof(text));
		is(figure(text, "prio "), 92, "it has a real-time one");
		is(figure(text, "policy "), SCHED_FIFO, "and the policy");
		_exit(0);
	}
	is(st, 0, "it was done");
}

int main(void)
{
	affinity_is_read_and_set();
	busy_processes_share_a_cpu();
	yielding_is_fair();
	policies_are_known();
	own_time_is_measured();
	sleeping_takes_no_processor_time();
	prctl_names_and_death_signals();
	figures_are_told();
	return done();
}
