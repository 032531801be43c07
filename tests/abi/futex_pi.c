/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes that are locks with priority inheritance, waiting to be moved to one, and waiting on
 * several words at once.
 */
#include "abi.h"

#include <pthread.h>

enum {
	LOCK_PI = 6,
	UNLOCK_PI = 7,
	TRYLOCK_PI = 8,
	WAIT_REQUEUE_PI = 11,
	CMP_REQUEUE_PI = 12,
	LOCK_PI2 = 13,
	PRIVATE = 128,
	REALTIME = 256,
};
#define WAITERS    0x80000000u
#define OWNER_DIED 0x40000000u
#define TID_MASK   0x3fffffffu

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

typedef volatile unsigned word_t;

static long futex(word_t *word, int op, unsigned value, const void *timeout, word_t *word2,
		  unsigned value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static long lock(word_t *word)
{
	return futex(word, LOCK_PI | PRIVATE, 0, NULL, NULL, 0);
}

static long unlock(word_t *word)
{
	return futex(word, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
}

static long trylock(word_t *word)
{
	return futex(word, TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
}

static pid_t tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static struct timespec soon(clockid_t clock, long ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void be_realtime(int priority)
{
	struct sched_param param = {.sched_priority = priority};

	syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param);
}

/* The priority that counts, as /proc shows it: -1 - p for a real-time priority p; 20 for nice 0. */
static int shown_priority(pid_t id)
{
	char path[64], text[512];
	int value = 999;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
	if (get_file(path, text, sizeof(text)) > 0 && strrchr(text, ')'))
		sscanf(strrchr(text, ')') + 1,
		       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
		       "%*u %*u %*u %d",
		       &value);
	return value;
}

static char state_of(pid_t id)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
	if (get_file(path, text, sizeof(text)) <= 0 || !strrchr(text, ')'))
		return '?';
	return strrchr(text, ')')[2];
}

/* --- Without contention --- */

static void locks_name_their_owner(void)
{
	static word_t word;

	is(lock(&word), 0, "a free lock is taken");
	is(word & TID_MASK, tid(), "the word names us");
	fails(lock(&word), EDEADLK, "not twice");
	fails(trylock(&word), EDEADLK, "nor tried twice");
	is(unlock(&word), 0, "released");
	is(word, 0, "the word is free");
	fails(unlock(&word), EPERM, "not twice");
	is(trylock(&word), 0, "trylock takes it");
	is(unlock(&word), 0, "released again");
	is(futex(&word, LOCK_PI, 0, NULL, NULL, 0), 0, "the shared form");
	is(futex(&word, UNLOCK_PI, 0, NULL, NULL, 0), 0, "and back");
	word = OWNER_DIED;
	is(lock(&word), 0, "a lock whose owner died");
	is(word, OWNER_DIED | (unsigned)tid(), "keeps the mark");
	word = 4000000;
	fails(lock(&word), ESRCH, "an owner that is not there");
	fails(unlock(&word), EPERM, "somebody else's lock");
	word = 0;
	fails(lock((word_t *)((char *)&word + 1)), EINVAL, "a crooked address");
	fails(lock(BAD_POINTER), EFAULT, "a bad address");
	fails(unlock(BAD_POINTER), EFAULT, "a bad address to unlock");
	word_t *page = (word_t *)map_pages(1);
	page[0] = 0;
	mprotect((void *)page, PAGE, PROT_READ);
	fails(lock(page), EFAULT, "memory that is only read");
}

/* --- With it --- */

static word_t first_lock, second_lock;
static volatile pid_t holder_tid;
static volatile int holding, may_release, order[8], finished;
static volatile long results[8];

static void *hold(void *arg)
{
	(void)arg;
	holder_tid = tid();
	results[0] = lock(&first_lock);
	holding = 1;
	while (!may_release)
		sleep_ms(1);
	results[1] = unlock(&first_lock);
	return NULL;
}

static pthread_t start_holder(void)
{
	pthread_t thread;

	holding = may_release = finished = 0;
	first_lock = 0;
	pthread_create(&thread, NULL, hold, NULL);
	wait_until(holding);
	return thread;
}

static void times_run_out(void)
{
	pthread_t thread = start_holder();
	long before = now_ms();
	struct timespec at = soon(CLOCK_REALTIME, 30);

	fails(futex(&first_lock, LOCK_PI | PRIVATE, 0, &at, NULL, 0), ETIMEDOUT,
	      "LOCK_PI's time is real time");
	ok(now_ms() - before >= 25, "and has passed");
	ok(first_lock & WAITERS, "the word says that somebody waited");
	at = soon(CLOCK_MONOTONIC, 20);
	fails(futex(&first_lock, LOCK_PI2 | PRIVATE, 0, &at, NULL, 0), ETIMEDOUT,
	      "LOCK_PI2's is monotonic");
	at = soon(CLOCK_REALTIME, 20);
	fails(futex(&first_lock, LOCK_PI2 | PRIVATE | REALTIME, 0, &at, NULL, 0), ETIMEDOUT,
	      "or real time");
	fails(futex(&first_lock, LOCK_PI | PRIVATE | REALTIME, 0, &at, NULL, 0), ENOSYS,
	      "LOCK_PI has no clock to choose");
	at.tv_nsec = 1000000000;
	fails(futex(&first_lock, LOCK_PI | PRIVATE, 0, &at, NULL, 0), EINVAL, "a bad time");
	fails(trylock(&first_lock), EAGAIN, "trylock does not wait");
	fails(unlock(&first_lock), EPERM, "only the owner unlocks");
	may_release = 1;
	pthread_join(thread, NULL);
	is(results[1], 0, "the owner unlocks");
	is(first_lock, 0, "nobody is left");
}

/* Of a fair thread: whoever runs this may have given it a nice value. */
static int own_priority(void)
{
	return 20 + getpriority(PRIO_PROCESS, 0);
}

struct waiting {
	int priority;
	volatile pid_t tid;
};

static void *wait_in_line(void *arg)
{
	struct waiting *me = arg;

	be_realtime(me->priority);
	me->tid = tid();
	if (lock(&first_lock) == 0) {
		order[finished++] = me->priority;
		unlock(&first_lock);
	}
	return NULL;
}

static void owners_inherit(void)
{
	struct waiting line[3] = {{10, 0}, {30, 0}, {20, 0}};
	pthread_t threads[3], holder;

	holder = start_holder();
	is(shown_priority(holder_tid), own_priority(), "the owner's own priority");
	for (int i = 0; i < 3; i++) {
		pthread_create(&threads[i], NULL, wait_in_line, &line[i]);
		wait_until(line[i].tid && state_of(line[i].tid) == 'S');
		if (i == 0)
			is(shown_priority(holder_tid), -11, "the first waiter's is inherited");
	}
	is(shown_priority(holder_tid), -31, "then that of the most urgent");
	may_release = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pthread_join(holder, NULL);
	is(results[1], 0, "unlock hands the lock over");
	ok(order[0] == 30 && order[1] == 20 && order[2] == 10, "to the most urgent first");
	is(first_lock, 0, "and it ends up free");
}

static struct waiting middle = {5, 0}, last = {40, 0};
static volatile int middle_ready;

static void *hold_second(void *arg)
{
	(void)arg;
	middle.tid = tid();
	lock(&second_lock);
	middle_ready = 1;
	results[2] = lock(&first_lock);
	unlock(&first_lock);
	results[3] = unlock(&second_lock);
	return NULL;
}

static void *want_second(void *arg)
{
	(void)arg;
	be_realtime(40);
	last.tid = tid();
	results[4] = lock(&second_lock);
	unlock(&second_lock);
	return NULL;
}

static volatile int go_on;

static void *chain_end(void *arg)
{
	(void)arg;
	holder_tid = tid();
	lock(&first_lock);
	holding = 1;
	while (!go_on)
		sleep_ms(1);
	errno = 0;
	results[0] = lock(&second_lock);
	order[0] = errno;
	results[1] = unlock(&first_lock);
	return NULL;
}

static void chains_are_followed(void)
{
	pthread_t end, link, start;

	holding = go_on = 0;
	pthread_create(&end, NULL, chain_end, NULL);
	wait_until(holding);
	pthread_create(&link, NULL, hold_second, NULL);
	wait_until(middle_ready && state_of(middle.tid) == 'S' && first_lock & WAITERS);
	is(shown_priority(holder_tid), own_priority(), "no real-time task in the chain yet");
	pthread_create(&start, NULL, want_second, NULL);
	wait_until(last.tid && second_lock & WAITERS && state_of(last.tid) == 'S');
	is(shown_priority(middle.tid), -41, "the owner in the middle inherits");
	is(shown_priority(holder_tid), -41, "and the one at the end of the chain");
	struct sched_param param = {.sched_priority = 45};
	syscall(SYS_sched_setscheduler, last.tid, SCHED_FIFO, &param);
	is(shown_priority(holder_tid), -46, "a waiter's change travels along");
	go_on = 1;
	pthread_join(end, NULL);
	ok(results[0] == -1 && order[0] == EDEADLK, "closing the ring is refused");
	pthread_join(link, NULL);
	pthread_join(start, NULL);
	ok(results[1] == 0 && results[2] == 0 && results[3] == 0 && results[4] == 0,
	   "all get their locks in the end");
	ok(first_lock == 0 && second_lock == 0, "and release them");
}

static void *die_holding(void *arg)
{
	(void)arg;
	lock(&first_lock);
	holding = 1;
	wait_until(first_lock & WAITERS);
	sleep_ms(20);
	syscall(SYS_exit, 0);
	return NULL;
}

static void owners_may_die(void)
{
	pthread_t thread;

	holding = 0;
	first_lock = 0;
	pthread_create(&thread, NULL, die_holding, NULL);
	wait_until(holding);
	is(lock(&first_lock), 0, "a waiter gets a dead thread's lock");
	is(first_lock & TID_MASK, tid(), "the word names it");
	ok(first_lock & OWNER_DIED, "and tells what happened");
	is(unlock(&first_lock), 0, "it can be released");

	word_t *shared = (word_t *)shared_ints();
	int st;
	if (child(&st) == 0) {
		*shared = 0;
		futex(shared, LOCK_PI, 0, NULL, NULL, 0);
		_exit(0);
	}
	ok(*shared != 0 && (*shared & TID_MASK) != (unsigned)tid(), "a dead process's lock");
	fails(futex(shared, LOCK_PI, 0, NULL, NULL, 0), ESRCH, "is lost when nobody waited");
	*shared = 0;
	pid_t pid = spawn();
	if (pid == 0) {
		futex(shared, LOCK_PI, 0, NULL, NULL, 0);
		for (;;)
			pause();
	}
	wait_until(*shared != 0);
	pid_t killer = spawn();
	if (killer == 0) {
		wait_until(*shared & WAITERS);
		sleep_ms(20);
		kill(pid, SIGKILL);
		_exit(0);
	}
	is(futex(shared, LOCK_PI, 0, NULL, NULL, 0), 0, "a waiter in another process gets it");
	ok(*shared & OWNER_DIED && (*shared & TID_MASK) == (unsigned)tid(), "marked");
	reap(pid);
	reap(killer);
}

/* --- Many --- */

static word_t busy_lock;
static volatile long counter;
enum { ROUNDS = 3000, THREADS = 4 };

static void *count_up(void *arg)
{
	unsigned me = (unsigned)tid();

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		unsigned expected = 0;
		if (!__atomic_compare_exchange_n(&busy_lock, &expected, me, false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			if (lock(&busy_lock) != 0)
				return (void *)1;
		counter++;
		expected = me;
		if (!__atomic_compare_exchange_n(&busy_lock, &expected, 0, false, __ATOMIC_RELEASE,
						 __ATOMIC_RELAXED))
			if (unlock(&busy_lock) != 0)
				return (void *)1;
	}
	return NULL;
}

static void many_take_turns(void)
{
	pthread_t threads[THREADS];
	int failed = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count_up, NULL);
	for (int i = 0; i < THREADS; i++) {
		void *result;
		pthread_join(threads[i], &result);
		failed += result != NULL;
	}
	is(failed, 0, "no call fails");
	is(counter, ROUNDS * THREADS, "no round is lost");
	is(busy_lock, 0, "the lock is free");
}

/* --- Requeueing --- */

static word_t event, event_lock;
static volatile int waiting, got_lock;

static void *wait_for_event(void *arg)
{
	struct timespec at = soon(CLOCK_MONOTONIC, 8000);

	(void)arg;
	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	long result = futex(&event, WAIT_REQUEUE_PI | PRIVATE, 0, &at, &event_lock, 0);
	if (result == 0 && (event_lock & TID_MASK) == (unsigned)tid()) {
		__atomic_add_fetch(&got_lock, 1, __ATOMIC_SEQ_CST);
		unlock(&event_lock);
	}
	return NULL;
}

static void waiters_are_moved(void)
{
	pthread_t threads[3];
	struct timespec at = soon(CLOCK_MONOTONIC, 10);

	event = 0;
	fails(futex(&event, WAIT_REQUEUE_PI | PRIVATE, 1, NULL, &event_lock, 0), EAGAIN,
	      "another value");
	fails(futex(&event, WAIT_REQUEUE_PI | PRIVATE, 0, &at, &event_lock, 0), ETIMEDOUT,
	      "nobody moves us");
	fails(futex(&event, WAIT_REQUEUE_PI | PRIVATE, 0, &at, &event, 0), EINVAL,
	      "to the word itself");
	fails(futex(&event, CMP_REQUEUE_PI | PRIVATE, 2, NULL, &event_lock, 0), EINVAL,
	      "more than one to be woken");
	fails(futex(&event, CMP_REQUEUE_PI | PRIVATE, 1, NULL, &event_lock, 5), EAGAIN,
	      "another value for the requeue");
	is(futex(&event, CMP_REQUEUE_PI | PRIVATE, 1, NULL, &event_lock, 0), 0, "nobody to move");

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, wait_for_event, NULL);
	wait_until(waiting == 3);
	sleep_ms(50);
	is(lock(&event_lock), 0, "we take the lock");
	fails(futex(&event, 1 | PRIVATE, 1, NULL, NULL, 0), EINVAL, "they cannot be woken");
	is(futex(&event, CMP_REQUEUE_PI | PRIVATE, 1, (void *)10, &event_lock, 0), 3,
	   "all three are moved");
	sleep_ms(20);
	is(got_lock, 0, "they wait for the lock now");
	is(unlock(&event_lock), 0, "which we release");
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	is(got_lock, 3, "each has had it");
	is(event_lock, 0, "and it is free");

	waiting = got_lock = 0;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, wait_for_event, NULL);
	wait_until(waiting == 2);
	sleep_ms(50);
	is(futex(&event, CMP_REQUEUE_PI | PRIVATE, 1, (void *)10, &event_lock, 0), 2,
	   "with the lock free, the first gets it");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	is(got_lock, 2, "and the second after it");
	is(event_lock, 0, "free again");
}

/* --- futex_waitv --- */

struct waitv {
	uint64_t value, address;
	uint32_t flags, reserved;
};

static long wait_any(struct waitv *list, unsigned count, unsigned flags, struct timespec *at,
		     clockid_t clock)
{
	return syscall(SYS_futex_waitv, list, count, flags, at, clock);
}

static word_t words[3];
static volatile pid_t vector_tid;

static void *wait_for_any(void *arg)
{
	struct waitv list[3];

	for (int i = 0; i < 3; i++)
		list[i] = (struct waitv){0, (uintptr_t)&words[i], 2 | PRIVATE, 0};
	vector_tid = tid();
	*(volatile long *)arg = wait_any(list, 3, 0, NULL, 0);
	return NULL;
}

static void several_words(void)
{
	struct waitv list[3];
	pthread_t thread;
	long result = -2;
	struct timespec at = soon(CLOCK_MONOTONIC, 20);

	for (int i = 0; i < 3; i++)
		list[i] = (struct waitv){0, (uintptr_t)&words[i], 2 | PRIVATE, 0};
	pthread_create(&thread, NULL, wait_for_any, &result);
	wait_until(vector_tid && state_of(vector_tid) == 'S');
	is(futex(&words[1], 1 | PRIVATE, 5, NULL, NULL, 0), 1, "a wake on one word");
	pthread_join(thread, NULL);
	is(result, 1, "ends the wait, which tells which");
	is(futex(&words[0], 1 | PRIVATE, 5, NULL, NULL, 0), 0, "nobody waits on the others");
	fails(wait_any(list, 3, 0, &at, CLOCK_MONOTONIC), ETIMEDOUT, "time runs out");
	at = soon(CLOCK_REALTIME, 20);
	fails(wait_any(list, 3, 0, &at, CLOCK_REALTIME), ETIMEDOUT, "real time, too");
	list[2].value = 7;
	fails(wait_any(list, 3, 0, NULL, 0), EAGAIN, "another value");
	fails(wait_any(list, 0, 0, NULL, 0), EINVAL, "no words");
	fails(wait_any(list, 129, 0, NULL, 0), EINVAL, "too many");
	fails(wait_any(list, 3, 1, NULL, 0), EINVAL, "an unknown flag");
	fails(wait_any(NULL, 3, 0, NULL, 0), EINVAL, "no list");
	fails(wait_any(BAD_POINTER, 3, 0, NULL, 0), EFAULT, "a bad list");
	fails(wait_any(list, 3, 0, &at, CLOCK_BOOTTIME), EINVAL, "another clock");
	list[0].reserved = 1;
	fails(wait_any(list, 3, 0, NULL, 0), EINVAL, "a reserved field");
	list[0].reserved = 0;
	list[0].flags = PRIVATE;
	fails(wait_any(list, 3, 0, NULL, 0), EINVAL, "a size that there is not");
}

int main(void)
{
	locks_name_their_owner();
	times_run_out();
	owners_inherit();
	chains_are_followed();
	owners_may_die();
	many_take_turns();
	waiters_are_moved();
	several_words();
	return done();
}
