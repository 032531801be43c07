/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks and timers: reading, sleeping, interval timers, POSIX timers, timerfd.
 */
#include "abi.h"

#include <poll.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>

static long to_ns(struct timespec t)
{
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static long raw_clock(int clock)
{
	struct timespec t = {0};

	return syscall(SYS_clock_gettime, clock, &t) ? -1 : to_ns(t);
}

static void clocks_are_read(void)
{
	static const int clocks[] = {CLOCK_REALTIME,
				     CLOCK_MONOTONIC,
				     CLOCK_MONOTONIC_RAW,
				     CLOCK_REALTIME_COARSE,
				     CLOCK_MONOTONIC_COARSE,
				     CLOCK_BOOTTIME,
				     CLOCK_TAI,
				     CLOCK_PROCESS_CPUTIME_ID,
				     CLOCK_THREAD_CPUTIME_ID};
	struct timespec t;

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		is(syscall(SYS_clock_gettime, clocks[i], &t), 0, "clock %d is read", clocks[i]);
		ok(t.tv_sec >= 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000, "and normalised");
	}
	fails(syscall(SYS_clock_gettime, 55, &t), EINVAL, "an unknown clock");
	fails(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, BAD_POINTER), EFAULT, "a bad pointer");
	is(syscall(SYS_clock_getres, CLOCK_MONOTONIC, &t), 0, "clock_getres");
	ok(t.tv_sec == 0 && t.tv_nsec == 1, "is a nanosecond");
	syscall(SYS_clock_getres, CLOCK_MONOTONIC_COARSE, &t);
	ok(t.tv_sec == 0 && t.tv_nsec >= 1000000 && t.tv_nsec <= 10000000,
	   "a tick for the coarse clock");
	is(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL), 0, "without a place for it");
	fails(syscall(SYS_clock_getres, 55, &t), EINVAL, "of an unknown clock");
	struct timeval tv;
	is(syscall(SYS_gettimeofday, &tv, NULL), 0, "gettimeofday");
	long real = raw_clock(CLOCK_REALTIME);
	ok(real - (tv.tv_sec * 1000000000L + tv.tv_usec * 1000L) < 1000000000L &&
		   real >= tv.tv_sec * 1000000000L + tv.tv_usec * 1000L,
	   "agrees with CLOCK_REALTIME");
	long coarse = raw_clock(CLOCK_REALTIME_COARSE);
	ok(labs(coarse - real) < 200000000L, "and so does the coarse clock");
	ok(labs(syscall(SYS_time, NULL) - real / 1000000000L) <= 1, "and time");
	ok(real / 1000000000L > 1600000000L, "the wall clock comes from the machine's");
}

static void time_goes_on(void)
{
	bool forward = true;
	long last = raw_clock(CLOCK_MONOTONIC), first = last;
	struct sysinfo info;

	for (int i = 0; i < 20000; i++) {
		struct timespec t;
		clock_gettime(CLOCK_MONOTONIC, &t);
		forward = forward && to_ns(t) >= last;
		last = to_ns(t);
	}
	ok(forward && last > first, "the monotonic clock never goes back");
	long library = now_ms(), kernel = raw_clock(CLOCK_MONOTONIC) / 1000000;
	ok(kernel - library >= 0 && kernel - library < 10000,
	   "the vDSO and the kernel agree on the time");
	sysinfo(&info);
	ok(labs((long)info.uptime - raw_clock(CLOCK_BOOTTIME) / 1000000000L) <= 1,
	   "sysinfo's uptime is CLOCK_BOOTTIME's");
}

/* Processes on all CPUs hand a time stamp on; it must never decrease. */
static void processors_agree(void)
{
	struct shared {
		volatile int lock;
		volatile long last;
		volatile int backwards;
	} *s = (struct shared *)shared_ints();
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = spawn();
		if (pids[i] != 0)
			continue;
		unsigned long mask[16] = {1UL << i};
		syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask);
		for (int n = 0; n < 2000; n++) {
			struct timespec t;
			while (__atomic_exchange_n(&s->lock, 1, __ATOMIC_ACQUIRE))
				sched_yield();
			clock_gettime(CLOCK_MONOTONIC, &t);
			if (to_ns(t) < s->last)
				s->backwards++;
			s->last = to_ns(t);
			__atomic_store_n(&s->lock, 0, __ATOMIC_RELEASE);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		reap(pids[i]);
	is(s->backwards, 0, "processors agree on the monotonic clock");
}

static void sleeping(void)
{
	struct timespec t = {.tv_nsec = 50000000}, bad = {.tv_nsec = 1000000000}, at;
	long start = raw_clock(CLOCK_MONOTONIC);

	is(nanosleep(&t, NULL), 0, "nanosleep");
	long took = raw_clock(CLOCK_MONOTONIC) - start;
	ok(took >= 50000000 && took < 2000000000, "takes its time (%ld us)", took / 1000);
	fails(nanosleep(&bad, NULL), EINVAL, "too many nanoseconds");
	bad = (struct timespec){.tv_sec = -1};
	fails(nanosleep(&bad, NULL), EINVAL, "negative seconds");
	fails(syscall(SYS_nanosleep, BAD_POINTER, NULL), EFAULT, "a bad pointer");
	t.tv_nsec = 0;
	is(nanosleep(&t, NULL), 0, "no time at all");
	start = raw_clock(CLOCK_MONOTONIC);
	at = (struct timespec){.tv_sec = (start + 60000000) / 1000000000,
			       .tv_nsec = (start + 60000000) % 1000000000};
	is(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL), 0, "until a point in time");
	ok(raw_clock(CLOCK_MONOTONIC) >= start + 60000000, "and not before");
	is(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL), 0, "until one in the past");
	t.tv_nsec = 20000000;
	is(clock_nanosleep(CLOCK_REALTIME, 0, &t, NULL), 0, "by the real-time clock");
	is(clock_nanosleep(CLOCK_BOOTTIME, 0, &t, NULL), 0, "by the boot clock");
	is(clock_nanosleep(77, 0, &t, NULL), EINVAL, "by an unknown clock");
	is(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL), EINVAL, "by the thread's own");
}

static volatile sig_atomic_t hits;
static siginfo_t seen;

static void count(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	seen = *info;
	hits++;
}

static void handle(int sig)
{
	struct sigaction act = {.sa_sigaction = count, .sa_flags = SA_SIGINFO};

	sigaction(sig, &act, NULL);
	hits = 0;
}

static void interval_timers(void)
{
	struct itimerval set = {.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000}, got;

	handle(SIGALRM);
	is(setitimer(ITIMER_REAL, &set, NULL), 0, "setitimer");
	is(getitimer(ITIMER_REAL, &got), 0, "getitimer");
	ok(got.it_interval.tv_usec == 20000 && got.it_value.tv_usec <= 20000 &&
		   got.it_value.tv_usec > 0,
	   "tells interval and rest");
	wait_until(hits >= 3);
	ok(hits >= 3, "the signal comes again and again");
	memset(&set, 0, sizeof(set));
	is(setitimer(ITIMER_REAL, &set, &got), 0, "stopped");
	ok(got.it_interval.tv_usec == 20000, "the old one is told");
	int before = hits;
	sleep_ms(60);
	is(hits, before, "no more signals");
	fails(setitimer((__typeof__(ITIMER_REAL))9, &set, NULL), EINVAL, "an unknown timer");
	set.it_value.tv_usec = 1000000;
	fails(setitimer(ITIMER_REAL, &set, NULL), EINVAL, "too many microseconds");
	is(alarm(10), 0, "alarm");
	long rest = alarm(0);
	ok(rest == 10 || rest == 9, "tells the rest of the old one");
	handle(SIGVTALRM);
	set = (struct itimerval){.it_value.tv_usec = 20000};
	setitimer(ITIMER_VIRTUAL, &set, NULL);
	sleep_ms(60);
	is(hits, 0, "the virtual timer does not run while sleeping");
	for (long start = now_ms(); now_ms() - start < 5000 && !hits;)
		for (volatile int i = 0; i < 100000; i++)
			;
	is(hits, 1, "but while working");
	handle(SIGPROF);
	setitimer(ITIMER_PROF, &set, NULL);
	for (long start = now_ms(); now_ms() - start < 3000 && !hits;)
		getppid();
	is(hits, 1, "and so does the profiling timer");
}

static void posix_timers(void)
{
	struct itimerspec set = {.it_value.tv_nsec = 20000000}, got;
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 99};
	int id = -1;

	handle(SIGUSR1);
	is(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), 0, "timer_create");
	is(syscall(SYS_timer_settime, id, 0, &set, NULL), 0, "timer_settime");
	is(syscall(SYS_timer_gettime, id, &got), 0, "timer_gettime");
	ok(got.it_value.tv_nsec <= 20000000, "tells the rest");
	wait_until(hits);
	is(hits, 1, "the signal comes");
	ok(seen.si_code == SI_TIMER && seen.si_value.sival_int == 99,
	   "with SI_TIMER and the value");
	set.it_interval.tv_nsec = 1000000;
	sigset_t block;
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	syscall(SYS_timer_settime, id, 0, &set, NULL);
	sleep_ms(100);
	/* Still blocked, so that the timer's next signal cannot come in between. */
	siginfo_t info;
	sigwaitinfo(&block, &info);
	ok(syscall(SYS_timer_getoverrun, id) >= 10 && info.si_overrun >= 10,
	   "overruns are counted");
	is(syscall(SYS_timer_delete, id), 0, "timer_delete");
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	hits = 0;
	fails(syscall(SYS_timer_delete, id), EINVAL, "once");
	fails(syscall(SYS_timer_create, 55, &event, &id), EINVAL, "an unknown clock");
	event.sigev_signo = 99;
	fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL, "an unknown signal");
}

static void timers_as_files(void)
{
	struct itimerspec set = {.it_value.tv_nsec = 20000000, .it_interval.tv_nsec = 10000000},
			  got;
	uint64_t expired = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	ok(fd >= 0, "timerfd_create");
	fails(read(fd, &expired, 8), EAGAIN, "not set it does not expire");
	is(timerfd_settime(fd, 0, &set, NULL), 0, "timerfd_settime");
	is(timerfd_gettime(fd, &got), 0, "timerfd_gettime");
	ok(got.it_interval.tv_nsec == 10000000 && got.it_value.tv_nsec > 0, "tells it");
	struct pollfd p = {.fd = fd, .events = POLLIN};
	is(poll(&p, 1, 5000), 1, "poll waits for it");
	sleep_ms(35);
	is(read(fd, &expired, 8), 8, "read");
	ok(expired >= 3, "counts the expirations (%d)", (int)expired);
	fails(read(fd, &expired, 4), EINVAL, "a read of less than 8 bytes");
	memset(&set, 0, sizeof(set));
	is(timerfd_settime(fd, 0, &set, &got), 0, "stopped");
	fails(read(fd, &expired, 8), EAGAIN, "it does not expire");
	clock_gettime(CLOCK_MONOTONIC, &set.it_value);
	set.it_value.tv_nsec = 1;
	is(timerfd_settime(fd, TFD_TIMER_ABSTIME, &set, NULL), 0, "at a time in the past");
	is(poll(&p, 1, 1000), 1, "it expires at once");
	close(fd);
	fails(timerfd_create(55, 0), EINVAL, "an unknown clock");
	fails(timerfd_create(CLOCK_MONOTONIC, 0x10), EINVAL, "unknown flags");
}

static void only_root_sets_the_clock(void)
{
	struct timespec t;
	int st;

	clock_gettime(CLOCK_REALTIME, &t);
	fails(clock_settime(CLOCK_MONOTONIC, &t), EINVAL, "the monotonic clock is not set");
	if (child(&st) == 0) {
		become(1000, 1000);
		_exit(clock_settime(CLOCK_REALTIME, &t) == -1 ? errno : 0);
	}
	is(st, EXITED(EPERM), "nor the real-time clock by a user");
}

int main(void)
{
	clocks_are_read();
	time_goes_on();
	processors_agree();
	sleeping();
	interval_timers();
	posix_timers();
	timers_as_files();
	only_root_sets_the_clock();
	return done();
}
