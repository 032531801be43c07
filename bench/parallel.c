/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one worker does in a second of wall-clock time, and what as many workers do as there are
 * CPUs: "parallel", the row, the number of workers, operations a second of all; separated by tabs.
 * Workers are processes, or threads of one process.  Of several turns the best counts: the CPUs of
 * a virtual machine are disturbed by whatever else the host does.  With the word "counted" on the
 * kernel's command line, the clock counts instructions and nothing disturbs it: one short turn.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TURNS = 5, MAX_WORKERS = 64, FAULT_BYTES = 4 * MIB, MAPPINGS = 32 };
static const long turn_nanoseconds = 200 * 1000 * 1000;
static const long counted_nanoseconds = 20 * 1000 * 1000;

/* A row: `work` does some operations and says how many. */
struct row_parallel {
	const char *name;
	unsigned (*work)(void);
	bool threads;
};

/* Shared by all workers of a turn. */
struct turn {
	unsigned (*work)(void);
	atomic_int ready;
	atomic_bool go, stop;
	_Alignas(64) atomic_ulong done;
};

static struct turn *turn;
static bool counted;

static char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		unsupported("mmap");
	madvise(p, size, MADV_NOHUGEPAGE);
	return p;
}

static unsigned fault_pages(void)
{
	char *p = map(FAULT_BYTES);

	touch(p, FAULT_BYTES);
	munmap(p, FAULT_BYTES);
	return FAULT_BYTES / PAGE;
}

static unsigned map_and_unmap(void)
{
	for (int i = 0; i < MAPPINGS; i++) {
		char *p = map(PAGE);

		touch(p, PAGE);
		munmap(p, PAGE);
	}
	return MAPPINGS;
}

/* The C library's fork has locks of its own, which is not what is measured. */
static unsigned fork_and_wait(void)
{
	pid_t pid = (pid_t)syscall(SYS_fork);

	if (pid == 0)
		syscall(SYS_exit_group, 0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		unsupported("fork");
	return 1;
}

static const struct row_parallel rows[] = {
	{"page faults in processes", fault_pages, false},
	{"page faults in threads", fault_pages, true},
	{"mmap + touch + munmap in processes", map_and_unmap, false},
	{"mmap + touch + munmap in threads", map_and_unmap, true},
	{"fork + exit + wait in processes", fork_and_wait, false},
	{"fork + exit + wait in threads", fork_and_wait, true},
};

static void *worker(void *argument)
{
	unsigned long done = 0;

	atomic_fetch_add(&turn->ready, 1);
	while (!atomic_load(&turn->go))
		sched_yield();
	while (!atomic_load_explicit(&turn->stop, memory_order_relaxed))
		done += turn->work();
	atomic_fetch_add(&turn->done, done);
	return argument;
}

/* Lets the workers, who have been started, work for a while, and tells them to end; says when they
 * began.  The turn is over when the last one has ended: what each does after that word counts, too. */
static double direct(int workers)
{
	struct timespec pause = {.tv_nsec = counted ? counted_nanoseconds : turn_nanoseconds};

	while (atomic_load(&turn->ready) < workers)
		sched_yield();
	double start = now();
	atomic_store(&turn->go, true);
	nanosleep(&pause, NULL);
	atomic_store(&turn->stop, true);
	return start;
}

/* Both return operations a second. */
static double in_threads(int workers)
{
	pthread_t threads[MAX_WORKERS];

	for (int i = 0; i < workers; i++)
		if (pthread_create(&threads[i], NULL, worker, NULL) != 0)
			unsupported("thread");
	double start = direct(workers);
	for (int i = 0; i < workers; i++)
		pthread_join(threads[i], NULL);
	return (double)turn->done * 1e9 / (now() - start);
}

static double in_processes(int workers)
{
	for (int i = 0; i < workers; i++) {
		if (fork_child() == 0) {
			worker(NULL);
			_exit(0);
		}
	}
	double start = direct(workers);
	while (wait(NULL) > 0)
		;
	return (double)turn->done * 1e9 / (now() - start);
}

static void run(const struct row_parallel *row, int workers)
{
	double best = 0;

	for (int i = 0; i < (counted ? 1 : TURNS); i++) {
		turn = mmap(NULL, sizeof(*turn), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
		if (turn == MAP_FAILED)
			unsupported("shared memory");
		turn->work = row->work;
		double rate = row->threads ? in_threads(workers) : in_processes(workers);
		if (rate > best)
			best = rate;
		munmap(turn, sizeof(*turn));
	}
	printf("parallel\t%s\t%d\t%.0f\n", row->name, workers, best);
	fflush(stdout);
}

static bool is_on_command_line(const char *word)
{
	char words[512] = "";
	FILE *file = fopen("/proc/cmdline", "r");

	if (file != NULL) {
		if (fgets(words, sizeof(words), file) == NULL)
			words[0] = '\0';
		fclose(file);
	}
	return strstr(words, word) != NULL;
}

int main(void)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);

	machine_begin(NULL);
	counted = is_on_command_line("counted");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run(&rows[i], 1);
		run(&rows[i], cpus < MAX_WORKERS ? cpus : MAX_WORKERS);
	}
	machine_end();
	return 0;
}
