/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads, futexes, the scheduler, signals. */
#define _GNU_SOURCE
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From Linux's <linux/futex.h>. */
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

enum { ROUNDS = 2000, THREADS = 200, YIELDS = 20000, SIGNALS = 5000 };

/* Whose turn it is: 0 the first thread's, 1 the second's. */
static atomic_int turn;

static void wait_for_turn(int mine)
{
	while (atomic_load(&turn) != mine)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !mine, NULL, NULL, 0);
}

static void pass_turn(int next)
{
	atomic_store(&turn, next);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *second_thread(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		wait_for_turn(1);
		pass_turn(0);
	}
	return argument;
}

static double futex_round_trip(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, second_thread, NULL) != 0)
		unsupported("thread");
	double start = now();
	for (int i = 0; i < ROUNDS; i++) {
		pass_turn(1);
		wait_for_turn(0);
	}
	double took = per(start, ROUNDS);
	pthread_join(thread, NULL);
	return took;
}

static void *idle_thread(void *argument)
{
	return argument;
}

static double create_join(void)
{
	double start = 0;

	for (int i = -5; i < THREADS; i++) {
		pthread_t thread;

		if (i == 0)
			start = now();
		if (pthread_create(&thread, NULL, idle_thread, NULL) != 0)
			unsupported("thread");
		pthread_join(thread, NULL);
	}
	return per(start, THREADS);
}

static double yield_alone(void)
{
	double start = now();

	for (int i = 0; i < YIELDS; i++)
		sched_yield();
	return per(start, YIELDS);
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	(void)number;
	caught++;
}

static double signal_self(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	if (sigaction(SIGUSR1, &action, NULL) < 0)
		unsupported("sigaction");
	double start = now();
	for (int i = 0; i < SIGNALS; i++)
		raise(SIGUSR1);
	double took = per(start, SIGNALS);
	return caught == SIGNALS ? took : UNSUPPORTED;
}

SUBJECT(thread, {"futex, there and back between threads", futex_round_trip},
	{"thread create + join", create_join}, {"sched_yield, alone", yield_alone},
	{"signal to oneself", signal_self});
