/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork while other threads write: none of their writes is lost, and a child's memory stays what it
 * was in one moment. Threads that read see no page that another has replaced.
 */
#include "abi.h"
#include <pthread.h>

enum { THREADS = 3, FORKS = 80, STRIDE = PAGE / sizeof(long) };

static long *counters;
static volatile bool stop;

/* Counts in two pages: no moment has them further apart than one. */
static void *count(void *argument)
{
	volatile long *first = counters + (long)argument, *second = first + 3 * STRIDE;
	long n = 0;

	while (!stop) {
		n++;
		*first = n;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		*second = n;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (*first != n || *second != n)
			return (void *)-1L;
	}
	return (void *)n;
}

/* In a child: all pairs are of one moment, and stay. */
static int look_twice(void)
{
	long seen[THREADS][2];

	for (int turn = 0; turn < 3; turn++) {
		for (long i = 0; i < THREADS; i++) {
			long first = ((volatile long *)counters)[i];
			long second = ((volatile long *)counters)[i + 3 * STRIDE];
			if (first != second && first != second + 1)
				return 1;
			if (turn > 0 && (first != seen[i][0] || second != seen[i][1]))
				return 2;
			seen[i][0] = first;
			seen[i][1] = second;
		}
		sched_yield();
	}
	counters[0] = -7;
	return counters[0] == -7 ? 0 : 3;
}

static void counters_survive_forks(void)
{
	pthread_t threads[THREADS];
	bool children = true, kept = true;

	counters = (long *)map_pages(8);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count, (void *)i);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = spawn();
		if (pid == 0)
			_exit(look_twice());
		children = reap(pid) == 0 && children;
	}
	stop = true;
	for (long i = 0; i < THREADS; i++) {
		void *n;
		pthread_join(threads[i], &n);
		kept = kept && (long)n > 0 && counters[i] == (long)n &&
		       counters[i + 3 * STRIDE] == (long)n;
	}
	ok(children, "each child has the counters of one moment, and they stay");
	ok(kept, "the parent's threads lose no write");
}

enum { POLLED = 64, ROUNDS = 12 };
static volatile long *polled;
static long finished[POLLED]; /* what has been written for certain */
static bool went_back;

static void *poll_pages(void *argument)
{
	(void)argument;
	while (!stop)
		for (int page = 0; page < POLLED; page++) {
			long least = __atomic_load_n(&finished[page], __ATOMIC_SEQ_CST);
			if (polled[page * STRIDE] < least)
				went_back = true;
		}
	return NULL;
}

static void *write_beside(void *argument)
{
	(void)argument;
	for (long n = 0; !stop; n++)
		for (int page = 0; page < POLLED; page++)
			polled[page * STRIDE + 1] = n;
	return NULL;
}

static void nobody_reads_old_after_new(void)
{
	pthread_t poller, writer;
	volatile int *flag = shared_ints();

	stop = false;
	polled = (long *)map_pages(POLLED);
	pthread_create(&poller, NULL, poll_pages, NULL);
	pthread_create(&writer, NULL, write_beside, NULL);
	for (long round = 1; round <= ROUNDS; round++) {
		/* The child keeps the pages shared while they are written. */
		*flag = 0;
		pid_t pid = spawn();
		if (pid == 0) {
			wait_until(*flag);
			_exit(0);
		}
		for (int page = 0; page < POLLED; page++) {
			polled[page * STRIDE] = round;
			__atomic_store_n(&finished[page], round, __ATOMIC_SEQ_CST);
		}
		*flag = 1;
		reap(pid);
	}
	stop = true;
	pthread_join(poller, NULL);
	pthread_join(writer, NULL);
	ok(!went_back, "no thread reads a page that another thread's write has replaced");
}

int main(void)
{
	counters_survive_forks();
	nobody_reads_old_after_new();
	return done();
}
