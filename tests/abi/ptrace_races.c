/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracers, tracees, and those who kill, stop and continue them, all at once: everybody ends, and
 * every child can be waited for.
 */
#include "ptrace.h"

#include <pthread.h>

enum { ROUNDS = 30 };

static unsigned seed = 1;

static unsigned pick(unsigned limit)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % limit;
}

static void *make_calls(void *arg)
{
	for (;;) {
		syscall(SYS_getppid);
		if (arg)
			usleep(100);
	}
	return NULL;
}

static void be_traced(void)
{
	pthread_t thread;

	leave_counters();
	pthread_create(&thread, NULL, make_calls, NULL);
	pthread_create(&thread, NULL, make_calls, &seed);
	for (;;) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

/* Kills, stops and wakes until told that it is enough. */
static void disturb(pid_t pid, unsigned round)
{
	static const int signals[] = {SIGSTOP, SIGCONT, SIGUSR1, SIGCONT};

	leave_counters();
	seed = round * 7 + 3;
	for (unsigned i = 0; i < 5 + pick(20); i++) {
		kill(pid, signals[pick(4)]);
		usleep(pick(2000));
	}
	kill(pid, SIGKILL);
	_exit(0);
}

/* A step's SIGTRAP may be on its way when the tracer lets go, and then it kills. */
static bool let_go;

static void resume(pid_t pid, int st)
{
	static const int requests[] = {PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP,
				       PTRACE_SYSCALL};
	struct user_regs_struct regs;
	unsigned long sig = 0;

	if (pick(3) == 0)
		trace(PTRACE_GETREGS, pid, 0, (unsigned long)&regs);
	if (WSTOPSIG(st) == SIGUSR1)
		sig = SIGUSR1;
	if (pick(40) == 0) {
		trace(PTRACE_DETACH, pid, 0, 0);
		let_go = true;
		trace(SEIZE, pid, 0, 0x10000f);
		return;
	}
	if (st >> 16 == 128 && WSTOPSIG(st) != SIGTRAP && pick(2) == 0 &&
	    trace(LISTEN, pid, 0, 0) == 0)
		return;
	trace(requests[pick(4)], pid, 0, sig);
}

/* One tracee's life; true when it ended as it must. */
static bool round_of(unsigned round)
{
	pid_t pid = spawn();
	bool killed = false;

	let_go = false;

	if (pid == 0)
		be_traced();
	usleep(pick(3000));
	trace(SEIZE, pid, 0, 0x10000f);
	pid_t killer = spawn();
	if (killer == 0)
		disturb(pid, round);
	for (;;) {
		int st;
		pid_t got = waitpid(-1, &st, __WALL);
		if (got < 0)
			return killed && errno == ECHILD;
		if (got == pid && !WIFSTOPPED(st)) {
			killed = st == KILLED(SIGKILL) || (let_go && st == KILLED(SIGTRAP));
			if (!killed)
				note("round %u: status %#x", round, (unsigned)st);
		}
		if (WIFSTOPPED(st))
			resume(got, st);
		if (pick(10) == 0)
			trace(INTERRUPT, pid, 0, 0);
	}
}

int main(void)
{
	int good = 0;

	signal(SIGUSR1, SIG_IGN);
	for (unsigned round = 0; round < ROUNDS; round++)
		good += round_of(round);
	is(good, ROUNDS, "every tracee dies, and everybody is waited for");

	/* Tracers that die in the middle. */
	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t pid = spawn();
		if (pid == 0)
			be_traced();
		pid_t tracer = spawn();
		if (tracer == 0) {
			leave_counters();
			trace(SEIZE, pid, 0, 0x10000f);
			for (int i = 0; i < 30; i++) {
				int st;
				trace(INTERRUPT, pid, 0, 0);
				pid_t got = waitpid(-1, &st, __WALL);
				if (got > 0 && WIFSTOPPED(st))
					resume(got, st);
			}
			_exit(0);
		}
		usleep(pick(10000));
		if (pick(2))
			kill(tracer, SIGKILL);
		reap(tracer);
		kill(pid, SIGKILL);
		int st = reap(pid);
		/* The tracer may have let go after a step, too. */
		bool dead = st == KILLED(SIGKILL) || st == KILLED(SIGTRAP);
		if (!dead)
			note("round %u: status %#x", round, (unsigned)st);
		good += dead;
	}
	is(good, 2 * ROUNDS, "so do those whose tracer has died");
	return done();
}
