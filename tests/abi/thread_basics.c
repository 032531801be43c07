/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads as the C library makes them: create and join, thread-local storage, mutexes and condition
 * variables, signals to threads, and the ends of threads and processes.
 */
#include "abi.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { THREADS = 8, ROUNDS = 20000 };

static __thread int local = 17;
static __thread char local_zero[100];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter;
static int turn;

static void *returns_its_argument(void *arg)
{
	return arg;
}

static void *reports_ids(void *arg)
{
	long *ids = arg;

	ids[0] = getpid();
	ids[1] = syscall(SYS_gettid);
	ids[2] = getppid();
	return NULL;
}

static void threads_are_made_and_joined(void)
{
	pthread_t threads[THREADS];
	long ids[3] = {0};
	void *result = NULL;
	int good = 0;

	is(pthread_create(&threads[0], NULL, reports_ids, ids), 0, "pthread_create");
	is(pthread_join(threads[0], NULL), 0, "pthread_join");
	is(ids[0], getpid(), "a thread has its process's pid");
	ok(ids[1] != getpid() && ids[1] > 0, "and a tid of its own");
	is(ids[2], getppid(), "and the process's parent");
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, returns_its_argument, (void *)(i * 3));
	for (long i = 0; i < THREADS; i++)
		good += pthread_join(threads[i], &result) == 0 && result == (void *)(i * 3);
	is(good, THREADS, "results of all threads arrive");
}

static void *changes_locals(void *arg)
{
	bool fresh = local == 17 && local_zero[0] == 0 && local_zero[99] == 0;

	local = (int)(long)arg;
	local_zero[99] = 'x';
	for (int i = 0; i < 50; i++)
		sched_yield();
	return (void *)(long)(fresh && local == (int)(long)arg);
}

static void locals_are_per_thread(void)
{
	pthread_t threads[THREADS];
	void *result;
	int good = 0;

	local = -1;
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, changes_locals, (void *)(i + 100));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		good += result == (void *)1;
	}
	is(good, THREADS, "each thread has fresh thread-local variables of its own");
	is(local, -1, "the main thread's are unchanged");
}

static void *counts(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void mutexes_exclude(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, counts, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	is(counter, (long)THREADS * ROUNDS, "a mutex lets no increment be lost");
}

static void *takes_turns(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < 300; i++) {
		pthread_mutex_lock(&lock);
		while (turn % 3 != me)
			pthread_cond_wait(&changed, &lock);
		turn++;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void conditions_wake(void)
{
	pthread_t threads[3];
	struct timespec soon;

	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, takes_turns, (void *)i);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	is(turn, 900, "three threads take turns by a condition variable");
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 30000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_nsec -= 1000000000;
		soon.tv_sec++;
	}
	pthread_mutex_lock(&lock);
	is(pthread_cond_timedwait(&changed, &lock, &soon), ETIMEDOUT, "a wait with time-out");
	pthread_mutex_unlock(&lock);
}

static sem_t start;
static _Thread_local volatile sig_atomic_t thread_hits;
static volatile int hit_tid;

static void on_signal(int sig)
{
	(void)sig;
	thread_hits++;
	hit_tid = (int)syscall(SYS_gettid);
}

static void *waits_for_signal(void *arg)
{
	*(volatile int *)arg = (int)syscall(SYS_gettid);
	sem_post(&start);
	for (int i = 0; i < 5000 && !thread_hits; i++)
		sleep_ms(1);
	return (void *)(long)thread_hits;
}

static void signals_reach_one_thread(void)
{
	volatile int tid = 0;
	pthread_t thread;
	void *result;

	signal(SIGUSR1, on_signal);
	sem_init(&start, 0, 0);
	pthread_create(&thread, NULL, waits_for_signal, (void *)&tid);
	sem_wait(&start);
	is(syscall(SYS_tgkill, getpid(), tid, SIGUSR1), 0, "tgkill");
	pthread_join(thread, &result);
	is((long)result, 1, "runs the handler in that thread");
	is(hit_tid, tid, "whose gettid says so");
	is(thread_hits, 0, "and in no other");
	wait_until(syscall(SYS_tgkill, getpid(), tid, 0) < 0);
	fails(syscall(SYS_tgkill, getpid(), tid, 0), ESRCH, "tgkill of a thread that has ended");
	fails(syscall(SYS_tgkill, 1, getpid(), 0), ESRCH, "tgkill with another process's group");
	fails(syscall(SYS_tgkill, getpid(), -1, 0), EINVAL, "tgkill of thread -1");
	fails(syscall(SYS_tgkill, 0, getpid(), 0), EINVAL, "tgkill with group 0");
	is(syscall(SYS_tkill, getpid(), 0), 0, "tkill");
	fails(syscall(SYS_tgkill, getpid(), getpid(), 99), EINVAL, "a signal that does not exist");
}

static void *spins(void *arg)
{
	volatile int *n = arg;

	for (;;)
		n[0]++;
	return NULL;
}

static void *exits_the_process(void *arg)
{
	(void)arg;
	exit(33);
}

static void *ends_later(void *arg)
{
	(void)arg;
	sleep_ms(50);
	exit(44);
}

static void process_ends_with_any_thread(void)
{
	volatile int *progress = shared_ints();
	pthread_t thread;
	int st;

	if (child(&st) == 0) {
		pthread_create(&thread, NULL, spins, (void *)progress);
		pthread_create(&thread, NULL, spins, (void *)progress);
		pthread_create(&thread, NULL, exits_the_process, NULL);
		for (;;)
			pause();
	}
	is(st, EXITED(33), "exit in a thread ends the process, busy threads included");
	if (child(&st) == 0) {
		pthread_create(&thread, NULL, ends_later, NULL);
		syscall(SYS_exit, 1);
	}
	is(st, EXITED(44), "a process lives on when its main thread ends");
	if (child(&st) == 0) {
		pthread_create(&thread, NULL, spins, (void *)progress);
		kill(getpid(), SIGTERM);
		for (;;)
			pause();
	}
	is(st, KILLED(SIGTERM), "a fatal signal ends all threads");
}

static void *runs_program(void *arg)
{
	execl(arg, arg, "after-exec", (char *)NULL);
	return NULL;
}

static void exec_ends_the_other_threads(const char *self)
{
	volatile int *pid = shared_ints();
	pthread_t thread;
	int st;

	if (child(&st) == 0) {
		pid[0] = getpid();
		pthread_create(&thread, NULL, spins, (void *)(pid + 4));
		pthread_create(&thread, NULL, runs_program, (void *)self);
		for (;;)
			pause();
	}
	is(st, EXITED(55), "execve in a thread leaves one thread, with the process's pid");
}

static void fork_takes_one_thread(void)
{
	volatile int *progress = shared_ints();
	pthread_t thread;
	int st;

	pthread_create(&thread, NULL, spins, (void *)progress);
	wait_until(progress[0]);
	if (child(&st) == 0) {
		char text[4096];
		ssize_t n = get_file("/proc/self/status", text, sizeof(text));
		_exit(n > 0 && strstr(text, "Threads:\t1\n") ? 0 : 1);
	}
	is(st, 0, "a child has only the thread that called fork");
}

enum { CHASES = 300 };

static atomic_int chase, handled;

static void on_chased(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

/* Sleeps with SIGUSR2 open. */
static void *catches(void *argument)
{
	while (atomic_load(&chase) <= CHASES)
		usleep(1000);
	return argument;
}

/* Opens SIGUSR2, and blocks it in the moment in which it is sent. */
static void *ducks(void *argument)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	for (int i = 1; i <= CHASES && atomic_load(&handled) == i - 1; i++) {
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		atomic_store(&chase, i);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		for (int tries = 0; atomic_load(&handled) < i && tries < 20000; tries++)
			usleep(100);
	}
	atomic_store(&chase, CHASES + 1);
	return argument;
}

/* If the thread that was to take a signal blocks it just then, another one is woken. */
static void a_signal_finds_who_does_not_block_it(void)
{
	struct sigaction action = {.sa_handler = on_chased};
	pthread_t catcher, ducker;
	sigset_t set;

	sigaction(SIGUSR2, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_create(&catcher, NULL, catches, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&ducker, NULL, ducks, NULL);
	for (int i = 1; i <= CHASES; i++) {
		while (atomic_load(&chase) < i)
			sched_yield();
		kill(getpid(), SIGUSR2);
		for (int tries = 0; atomic_load(&handled) < i && tries < 20000; tries++)
			usleep(100);
		if (atomic_load(&handled) < i)
			break;
	}
	is(atomic_load(&handled), CHASES, "each signal is taken while one thread blocks it");
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_join(ducker, NULL);
	pthread_join(catcher, NULL);
}

static void many_threads(void)
{
	enum { COUNT = 100 };
	pthread_t threads[COUNT];
	pthread_attr_t attr;
	int made = 0, joined = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (long i = 0; i < COUNT; i++)
		made += pthread_create(&threads[i], &attr, returns_its_argument, (void *)i) == 0;
	for (int i = 0; i < made; i++)
		joined += pthread_join(threads[i], NULL) == 0;
	is(joined, COUNT, "a hundred threads");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return syscall(SYS_gettid) == getpid() ? 55 : 56;
	threads_are_made_and_joined();
	locals_are_per_thread();
	mutexes_exclude();
	conditions_wake();
	signals_reach_one_thread();
	a_signal_finds_who_does_not_block_it();
	many_threads();
	process_ends_with_any_thread();
	exec_ends_the_other_threads(argv[0]);
	fork_takes_one_thread();
	return done();
}
