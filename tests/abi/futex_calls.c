/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The futex system call itself: wait, wake, bit sets, requeue, time-outs, robust lists, and the
 * errors. Waiters are processes with shared memory, so that thread libraries play no part.
 */
#include "abi.h"

enum {
	WAIT = 0,
	WAKE = 1,
	REQUEUE = 3,
	CMP_REQUEUE = 4,
	WAKE_OP = 5,
	WAIT_BITSET = 9,
	WAKE_BITSET = 10,
	PRIVATE = 128,
	CLOCK_REAL = 256,
	OWNER_DIED = 0x40000000
};

static volatile int *word; /* shared with the children */

static long futex(volatile int *at, int op, int val, const struct timespec *timeout)
{
	return syscall(SYS_futex, at, op, val, timeout, NULL, 0);
}

static long futex6(volatile int *at, int op, int val, unsigned long val2, volatile int *at2,
		   int val3)
{
	return syscall(SYS_futex, at, op, val, val2, at2, val3);
}

/* A child that waits on `at` for at most 5 s and exits with 0 when it was woken. */
static pid_t spawn_waiter(volatile int *at, int bits)
{
	struct timespec limit;
	pid_t pid = spawn();

	if (pid != 0)
		return pid;
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += 5;
	__atomic_add_fetch(&word[100], 1, __ATOMIC_SEQ_CST);
	long got = syscall(SYS_futex, at, WAIT_BITSET, 0, &limit, NULL, bits);
	_exit(got == 0 ? 0 : errno);
}

/* Wakes until `want` sleepers were woken or 3 s are over; returns how many. */
static int wake(volatile int *at, int want)
{
	int woken = 0;

	for (int i = 0; i < 3000 && woken < want; i++) {
		woken += (int)futex(at, WAKE, want - woken, NULL);
		if (woken < want)
			sleep_ms(1);
	}
	return woken;
}

static void waiting_checks_the_value(void)
{
	struct timespec ms = {.tv_nsec = 20000000}, zero = {0};
	int local = 5;

	fails(futex(&local, WAIT, 6, NULL), EAGAIN, "waiting for another value");
	fails(futex(&local, WAIT | PRIVATE, 6, NULL), EAGAIN, "the same, private");
	long start = now_ms();
	fails(futex(&local, WAIT, 5, &ms), ETIMEDOUT, "waiting with a time-out");
	ok(now_ms() - start >= 19, "takes its time");
	fails(futex(&local, WAIT | PRIVATE, 5, &zero), ETIMEDOUT, "a time-out of nothing");
	is(futex(&local, WAKE, 1, NULL), 0, "waking nobody returns 0");
}

static void bad_arguments_are_refused(void)
{
	struct timespec bad = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1};
	int local[2] = {5, 5};

	fails(futex((volatile int *)((char *)local + 1), WAIT, 5, NULL), EINVAL, "an odd address");
	fails(futex((volatile int *)((char *)local + 2), WAKE, 1, NULL), EINVAL, "WAKE as well");
	fails(futex(BAD_POINTER, WAIT, 5, NULL), EFAULT, "a bad address");
	fails(futex(KERNEL_POINTER, WAIT, 5, NULL), EFAULT, "a kernel address");
	fails(futex(local, WAIT, 5, BAD_POINTER), EFAULT, "a bad time-out pointer");
	fails(futex(local, WAIT, 5, &bad), EINVAL, "too many nanoseconds");
	fails(futex(local, WAIT, 5, &negative), EINVAL, "negative seconds");
	fails(futex(local, 77, 5, NULL), ENOSYS, "an unknown operation");
	fails(futex6(local, WAIT_BITSET, 5, 0, NULL, 0), EINVAL, "WAIT_BITSET without bits");
	fails(futex6(local, WAKE_BITSET, 5, 0, NULL, 0), EINVAL, "WAKE_BITSET without bits");
}

static void wakes_count(void)
{
	pid_t pids[4];

	word[0] = 0;
	for (int i = 0; i < 4; i++)
		pids[i] = spawn_waiter(&word[0], -1);
	is(wake(&word[0], 4), 4, "four waiting processes are woken, each once");
	for (int i = 0; i < 4; i++)
		is(reap(pids[i]), 0, "waiter %d saw a wake", i);
	is(futex(&word[0], WAKE, 4, NULL), 0, "nobody is left");
}

static void bitsets_select(void)
{
	pid_t one, two;

	word[1] = word[100] = 0;
	one = spawn_waiter(&word[1], 1);
	two = spawn_waiter(&word[1], 2);
	wait_until(word[100] == 2);
	sleep_ms(50);
	is(futex6(&word[1], WAKE_BITSET, 10, 0, NULL, 4), 0, "bits of nobody wake nobody");
	is(futex6(&word[1], WAKE_BITSET, 10, 0, NULL, 2), 1, "one's bits wake one");
	is(reap(two), 0, "the right one");
	is(futex6(&word[1], WAKE_BITSET, 10, 0, NULL, -1), 1, "all bits wake the rest");
	is(reap(one), 0, "which was still waiting");
}

static void requeue_moves_waiters(void)
{
	pid_t pids[3];

	word[2] = word[3] = word[100] = 0;
	for (int i = 0; i < 3; i++)
		pids[i] = spawn_waiter(&word[2], -1);
	wait_until(word[100] == 3);
	sleep_ms(50);
	fails(futex6(&word[2], CMP_REQUEUE, 1, 10, &word[3], 9), EAGAIN,
	      "CMP_REQUEUE compares first");
	is(futex6(&word[2], CMP_REQUEUE, 1, 10, &word[3], 0), 3,
	   "CMP_REQUEUE wakes one and moves two");
	is(futex(&word[2], WAKE, 10, NULL), 0, "nobody waits at the old word");
	is(futex(&word[3], WAKE, 10, NULL), 2, "two wait at the new one");
	for (int i = 0; i < 3; i++)
		is(reap(pids[i]), 0, "waiter %d saw a wake", i);
}

static void wake_op_changes_a_word(void)
{
	pid_t pid;

	word[4] = word[100] = 0;
	word[5] = 40;
	pid = spawn_waiter(&word[4], -1);
	wait_until(word[100] == 1);
	sleep_ms(50);
	/* word[5] += 2; wake one at word[4]; when the old value was 40, one at word[5] too */
	int op = 1 << 28 | 0 << 24 | 2 << 12 | 40;
	is(futex6(&word[4], WAKE_OP, 1, 1, &word[5], op), 1, "WAKE_OP wakes at the first word");
	is(word[5], 42, "and changes the second");
	is(reap(pid), 0, "the waiter saw the wake");
}

static void private_memory_is_apart(void)
{
	volatile int *mine = (volatile int *)map_pages(1);
	int st = -1;

	pid_t pid = spawn();
	if (pid == 0) {
		struct timespec limit = {.tv_nsec = 200000000};
		_exit(futex(mine, WAIT, 0, &limit) == -1 && errno == ETIMEDOUT ? 0 : 1);
	}
	sleep_ms(80);
	is(futex(mine, WAKE, 10, NULL), 0, "a private page's futex is not shared with a child");
	st = reap(pid);
	is(st, 0, "which sleeps until its time-out");
	munmap((void *)mine, PAGE);
}

static void files_give_shared_futexes(void)
{
	scratch();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ftruncate(fd, (off_t)PAGE);
	volatile int *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	volatile int *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ok(a != MAP_FAILED && b != MAP_FAILED && a != b, "a file mapped twice");
	pid_t pid = spawn_waiter(a, -1);
	is(wake(b, 1), 1, "a wake at one address finds the waiter at the other");
	is(reap(pid), 0, "which saw it");
	close(fd);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void signals_interrupt(void)
{
	struct sigaction act = {.sa_handler = on_signal};
	struct timespec limit = {.tv_sec = 5};
	pid_t me = getpid();
	int local = 0;

	sigaction(SIGUSR1, &act, NULL);
	pid_t pid = spawn();
	if (pid == 0) {
		for (int i = 0; i < 20; i++) {
			sleep_ms(20);
			kill(me, SIGUSR1);
		}
		_exit(0);
	}
	fails(futex(&local, WAIT, 0, &limit), EINTR, "a handler interrupts a wait");
	kill(pid, SIGKILL);
	reap(pid);
}

static void absolute_time_outs(void)
{
	struct timespec at;
	int local = 0;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec -= at.tv_sec > 0;
	fails(syscall(SYS_futex, &local, WAIT_BITSET, 0, &at, NULL, -1), ETIMEDOUT,
	      "an absolute time in the past, monotonic");
	clock_gettime(CLOCK_REALTIME, &at);
	long start = now_ms();
	at.tv_nsec += 30000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	fails(syscall(SYS_futex, &local, WAIT_BITSET | CLOCK_REAL, 0, &at, NULL, -1), ETIMEDOUT,
	      "an absolute time of the real-time clock");
	ok(now_ms() - start >= 25 && now_ms() - start < 2000, "is kept");
}

struct robust_list {
	struct robust_list *next;
};

struct robust_head {
	struct robust_list list;
	long futex_offset;
	struct robust_list *pending;
};

/* Lies in shared memory: the lock word follows the list entry. */
struct robust_lock {
	struct robust_list entry;
	volatile int word;
};

static void robust_locks_are_released(void)
{
	struct robust_lock *held = (struct robust_lock *)(word + 200);
	struct robust_head head = {.futex_offset = offsetof(struct robust_lock, word)}, *got;
	size_t size = 0;
	int st;

	head.list.next = &head.list;
	fails(syscall(SYS_set_robust_list, &head, 3), EINVAL, "set_robust_list of a wrong size");
	if (child(&st) == 0) {
		head.list.next = &held->entry;
		held->entry.next = &head.list;
		if (syscall(SYS_set_robust_list, &head, sizeof(head)))
			_exit(1);
		if (syscall(SYS_get_robust_list, 0, &got, &size) || got != &head)
			_exit(2);
		held->word = getpid();
		_exit(0);
	}
	is(st, 0, "a process dies with a robust lock held");
	is(held->word & ~0x80000000, OWNER_DIED, "the word says that its owner died");
	pid_t pid = spawn();
	if (pid == 0) {
		head.list.next = &held->entry;
		held->entry.next = &head.list;
		syscall(SYS_set_robust_list, &head, sizeof(head));
		held->word = (int)(0x80000000U | (unsigned)getpid());
		word[100] = 12345;
		sleep_ms(500);
		_exit(0);
	}
	wait_until(word[100] == 12345);
	struct timespec limit = {.tv_sec = 5};
	is(futex(&held->word, WAIT, (int)(0x80000000U | (unsigned)pid), &limit), 0,
	   "a waiter is woken by the owner's death");
	reap(pid);
}

int main(void)
{
	word = shared_ints();
	waiting_checks_the_value();
	bad_arguments_are_refused();
	wakes_count();
	bitsets_select();
	requeue_moves_waiters();
	wake_op_changes_a_word();
	private_memory_is_apart();
	files_give_shared_futexes();
	signals_interrupt();
	absolute_time_outs();
	robust_locks_are_released();
	return done();
}
