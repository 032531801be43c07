/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How late a real-time thread runs that wants to wake each millisecond, while other processes load
 * the machine: as cyclictest(8) measures it, under a clock that counts instructions.
 *
 * A line for each load: "latency", its name, and the nanoseconds that 50, 90, 99, 99.9 and 100 of a
 * hundred wake-ups were late at most; separated by tabs.
 */
#include "bench.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CYCLES = 1000, PRIORITY = 90, LOADERS = 3, MEMORY = 64 * MIB };

static const int64_t INTERVAL = 1000000, SECOND = 1000000000;

static void nothing(void)
{
	pause();
}

static void burn(void)
{
	for (volatile int i = 0;; i++)
		;
}

/* Forks, and ends processes with memory. */
static void fork_all_the_time(void)
{
	char *memory = map_memory(MEMORY, false);

	touch(memory, MEMORY);
	for (;;) {
		fork_call();
		touch_every(memory, MEMORY, 16 * PAGE);
	}
}

static void map_all_the_time(void)
{
	for (;;) {
		char *memory = map_memory(MEMORY, false);
		touch(memory, MEMORY);
		munmap(memory, MEMORY);
	}
}

/* Through a pipe to itself, in and out of files. */
static void copy_all_the_time(void)
{
	static char buffer[64 << 10];
	int ends[2], file = open("/tmp/latency", O_RDWR | O_CREAT, 0600);

	if (pipe(ends) < 0 || file < 0)
		unsupported("pipe");
	for (;;) {
		if (write(ends[1], buffer, sizeof(buffer)) < 0 ||
		    read(ends[0], buffer, sizeof(buffer)) < 0 ||
		    pwrite(file, buffer, sizeof(buffer), 0) < 0)
			_exit(1);
	}
}

static const struct {
	const char *name;
	void (*work)(void);
} loads[] = {
	{"nothing", nothing},
	{"burning", burn},
	{"pipes and files", copy_all_the_time},
	{"mapping", map_all_the_time},
	{"forking", fork_all_the_time},
};

static int64_t in_nanoseconds(struct timespec time)
{
	return time.tv_sec * SECOND + time.tv_nsec;
}

static int compare(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static void measure(int64_t *late)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	int64_t wanted = in_nanoseconds(time);
	for (int i = 0; i < CYCLES; i++) {
		wanted += INTERVAL;
		time.tv_sec = wanted / SECOND;
		time.tv_nsec = wanted % SECOND;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
		clock_gettime(CLOCK_MONOTONIC, &time);
		late[i] = in_nanoseconds(time) - wanted;
	}
	qsort(late, CYCLES, sizeof(*late), compare);
}

static void show(const char *name, const int64_t *late)
{
	static const double shares[] = {0.5, 0.9, 0.99, 0.999, 1};

	printf("latency\t%s", name);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		printf("\t%lld", (long long)late[(int)(shares[i] * (CYCLES - 1))]);
	printf("\n");
	fflush(stdout);
}

/* With the load's processes as ordinary ones, and ourselves above them. */
static void measure_under(size_t load)
{
	static int64_t late[CYCLES];
	struct sched_param ordinary = {0}, realtime = {.sched_priority = PRIORITY};
	pid_t pids[LOADERS];

	for (int i = 0; i < LOADERS; i++) {
		pids[i] = fork_child();
		if (pids[i] == 0) {
			syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &ordinary);
			loads[load].work();
			_exit(1);
		}
	}
	usleep(100000);
	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &realtime) < 0)
		unsupported("SCHED_FIFO");
	measure(late);
	syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &ordinary);
	for (int i = 0; i < LOADERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	show(loads[load].name, late);
}

int main(void)
{
	machine_begin(NULL);
	mlockall(MCL_CURRENT);
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		measure_under(i);
	machine_end();
	return 0;
}
