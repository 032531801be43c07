/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that a signal interrupts: which start again with SA_RESTART, which never do; kill's
 * reach and permissions.
 */
#include "abi.h"

#include <poll.h>
#include <sys/time.h>

static volatile sig_atomic_t hits;

static void count(int sig)
{
	(void)sig;
	hits++;
}

static void handle(int flags)
{
	struct sigaction act = {.sa_handler = count, .sa_flags = flags};

	sigaction(SIGUSR1, &act, NULL);
	hits = 0;
}

static pid_t pester(int times)
{
	pid_t me = getpid(), pid = spawn();

	if (pid == 0) {
		for (int i = 0; i < times; i++) {
			sleep_ms(25);
			kill(me, SIGUSR1);
		}
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	reap(pid);
}

static void reads_are_interrupted(void)
{
	int ends[2];
	char c;

	pipe(ends);
	handle(0);
	pid_t pid = pester(40);
	fails(read(ends[0], &c, 1), EINTR, "read of an empty pipe without SA_RESTART");
	end(pid);
	handle(SA_RESTART);
	pid = spawn();
	pid_t parent = getppid();
	if (pid == 0) {
		sleep_ms(25);
		kill(getppid(), SIGUSR1);
		sleep_ms(50);
		_exit(write(ends[1], "y", 1) == 1 ? 0 : 1);
	}
	(void)parent;
	is(read(ends[0], &c, 1), 1, "with SA_RESTART read starts again");
	ok(hits == 1 && c == 'y', "after the handler ran");
	is(reap(pid), 0, "the writer ended");
	close(ends[0]);
	close(ends[1]);
}

static void waits_restart(void)
{
	int st;

	handle(SA_RESTART);
	pid_t pid = spawn();
	if (pid == 0) {
		sleep_ms(25);
		kill(getppid(), SIGUSR1);
		sleep_ms(50);
		_exit(12);
	}
	is(waitpid(pid, &st, 0), pid, "waitpid starts again with SA_RESTART");
	ok(st == EXITED(12) && hits == 1, "after the handler ran");
}

static void some_never_restart(void)
{
	struct timespec five = {.tv_sec = 5}, left = {0};
	struct timeval tv = {.tv_sec = 5};
	struct pollfd none;

	handle(SA_RESTART);
	pid_t pid = pester(200);
	fails(nanosleep(&five, &left), EINTR, "nanosleep is interrupted even with SA_RESTART");
	ok(left.tv_sec == 4 && left.tv_nsec > 0, "and tells the time left");
	fails(poll(&none, 0, 5000), EINTR, "poll as well");
	fails(syscall(SYS_select, 0, NULL, NULL, NULL, &tv), EINTR, "and select");
	ok(tv.tv_sec == 4, "which tells the time left");
	fails(pause(), EINTR, "and pause");
	fails(clock_nanosleep(CLOCK_MONOTONIC, 0, &five, &left) == EINTR ? (errno = EINTR, -1) : 0,
	      EINTR, "and clock_nanosleep");
	end(pid);
}

static void ignored_signals_do_not_interrupt(void)
{
	struct timespec t = {.tv_nsec = 100000000};

	signal(SIGUSR1, SIG_IGN);
	pid_t pid = pester(3);
	is(nanosleep(&t, NULL), 0, "an ignored signal does not interrupt");
	end(pid);
}

static void stopping_does_not_interrupt(void)
{
	volatile int *seen = shared_ints();
	pid_t pid = spawn();
	int ends[2], st;

	if (pid == 0) {
		struct timespec t = {.tv_nsec = 150000000};
		*seen = 1;
		_exit(nanosleep(&t, NULL) == 0 ? 0 : errno);
	}
	wait_until(*seen);
	sleep_ms(20);
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	kill(pid, SIGCONT);
	is(reap(pid), 0, "a stop and continue does not interrupt nanosleep");
	pipe(ends);
	pid = spawn();
	if (pid == 0) {
		char c;
		_exit(read(ends[0], &c, 1) == 1 ? 0 : errno);
	}
	sleep_ms(20);
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	kill(pid, SIGCONT);
	(void)!write(ends[1], "x", 1);
	is(reap(pid), 0, "nor a read");
	close(ends[0]);
	close(ends[1]);
}

static void kill_needs_permission(void)
{
	pid_t victim = spawn();
	int st;

	if (victim == 0) {
		become(1001, 1001);
		for (;;)
			pause();
	}
	sleep_ms(30);
	if (child(&st) == 0) {
		become(1000, 1000);
		_exit(kill(victim, SIGTERM) == -1 ? errno : 0);
	}
	is(st, EXITED(EPERM), "a user cannot signal another user's process");
	if (child(&st) == 0) {
		become(1001, 1001);
		_exit(kill(victim, SIGTERM) == 0 ? 0 : errno);
	}
	is(st, 0, "but one of its own");
	is(reap(victim), KILLED(SIGTERM), "which ends");
	if (child(&st) == 0) {
		setresuid(1000, 2000, 0);
		pid_t mine = spawn();
		if (mine == 0) {
			setresuid(0, 0, 0);
			setresuid(1000, 1000, 1000);
			for (;;)
				pause();
		}
		sleep_ms(30);
		_exit(kill(mine, SIGTERM) == 0 && reap(mine) == KILLED(SIGTERM) ? 0 : 1);
	}
	is(st, 0, "the sender's real id against the target's counts as well");
}

static void kill_everybody(void)
{
	int st;

	if (child(&st) == 0) {
		pid_t a = spawn();
		if (a == 0)
			for (;;)
				pause();
		if (become(45678, 45678) < 0)
			_exit(1);
		pid_t b = spawn();
		if (b == 0)
			for (;;)
				pause();
		int result = kill(-1, SIGTERM);
		int end_b = reap(b);
		_exit(result == 0 && end_b == KILLED(SIGTERM) && waitpid(a, NULL, WNOHANG) == 0
			      ? 0
			      : 2);
	}
	is(st, 0, "kill(-1) reaches what the caller may signal, and not the caller");
}

static void many_signals_between_processes(void)
{
	enum { ROUNDS = 200 };
	sigset_t set;
	siginfo_t info;
	struct timespec limit = {.tv_sec = 5};
	int good = 0;
	pid_t me = getpid();

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid_t pid = spawn();
	if (pid == 0) {
		for (int i = 0; i < ROUNDS; i++) {
			if (sigtimedwait(&set, &info, &limit) != SIGUSR2)
				_exit(1);
			kill(me, SIGUSR2);
		}
		_exit(0);
	}
	for (int i = 0; i < ROUNDS; i++) {
		kill(pid, SIGUSR2);
		good += sigtimedwait(&set, &info, &limit) == SIGUSR2 && info.si_pid == pid;
	}
	is(good, ROUNDS, "two hundred signals there and back");
	is(reap(pid), 0, "the other side saw them all");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(void)
{
	reads_are_interrupted();
	waits_restart();
	some_never_restart();
	ignored_signals_do_not_interrupt();
	stopping_does_not_interrupt();
	kill_needs_permission();
	kill_everybody();
	many_signals_between_processes();
	return done();
}
