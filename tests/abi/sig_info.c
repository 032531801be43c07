/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes with a signal: siginfo of every origin, queued real-time signals, sigsuspend and
 * sigtimedwait.
 */
#include "abi.h"

#include <sys/time.h>

static siginfo_t seen[64];
static volatile int seen_count;

static void record(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	seen[seen_count++ & 63] = *info;
}

static void catch_signal(int sig)
{
	struct sigaction act = {.sa_sigaction = record, .sa_flags = SA_SIGINFO};

	sigfillset(&act.sa_mask);
	sigaction(sig, &act, NULL);
	memset(seen, 0, sizeof(seen));
	seen_count = 0;
}

static sigset_t blocked(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return set;
}

static void senders_are_named(void)
{
	union sigval v = {.sival_int = 4711};
	int st;

	catch_signal(SIGUSR1);
	kill(getpid(), SIGUSR1);
	is(seen[0].si_signo, SIGUSR1, "si_signo");
	is(seen[0].si_code, SI_USER, "kill gives SI_USER");
	is(seen[0].si_pid, getpid(), "with the sender's pid");
	is(seen[0].si_uid, 0, "and uid");
	is(seen[0].si_errno, 0, "si_errno is 0");
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
	is(seen[1].si_code, SI_TKILL, "tgkill gives SI_TKILL");
	is(sigqueue(getpid(), SIGUSR1, v), 0, "sigqueue");
	is(seen[2].si_code, SI_QUEUE, "gives SI_QUEUE");
	is(seen[2].si_value.sival_int, 4711, "with the value");
	is(seen[2].si_pid, getpid(), "and the sender");
	pid_t me = getpid();
	pid_t pid = child(&st);
	if (pid == 0) {
		setresuid(0, 0, 0);
		_exit(kill(me, SIGUSR1));
	}
	wait_until(seen_count == 4);
	is(seen[3].si_pid, pid, "a child's signal has its pid");
	siginfo_t forged = {.si_signo = SIGUSR1, .si_code = SI_USER};
	is(syscall(SYS_rt_sigqueueinfo, me, SIGUSR1, &forged), 0,
	   "rt_sigqueueinfo to oneself may say anything");
	fails(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &forged), EPERM, "to others it may not");
}

static void child_changes_are_told(void)
{
	int st;

	catch_signal(SIGCHLD);
	pid_t pid = child(&st);
	if (pid == 0)
		_exit(19);
	wait_until(seen_count == 1);
	is(seen[0].si_code, CLD_EXITED, "SIGCHLD of an exit has CLD_EXITED");
	is(seen[0].si_pid, pid, "the child's pid");
	is(seen[0].si_status, 19, "and its exit status");
	catch_signal(SIGCHLD);
	pid = spawn();
	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	wait_until(seen_count == 1);
	ok(seen[0].si_code == CLD_STOPPED && seen[0].si_status == SIGSTOP, "a stop is told");
	kill(pid, SIGCONT);
	wait_until(seen_count == 2);
	ok(seen[1].si_code == CLD_CONTINUED && seen[1].si_status == SIGCONT, "a continue is told");
	kill(pid, SIGKILL);
	wait_until(seen_count == 3);
	ok(seen[2].si_code == CLD_KILLED && seen[2].si_status == SIGKILL, "a kill is told");
	reap(pid);
	struct sigaction act = {.sa_sigaction = record, .sa_flags = SA_SIGINFO | SA_NOCLDSTOP};
	sigaction(SIGCHLD, &act, NULL);
	seen_count = 0;
	pid = spawn();
	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	kill(pid, SIGCONT);
	waitpid(pid, &st, WCONTINUED);
	is(seen_count, 0, "with SA_NOCLDSTOP stops are not told");
	kill(pid, SIGKILL);
	reap(pid);
	wait_until(seen_count == 1);
	is(seen_count, 1, "deaths are");
	signal(SIGCHLD, SIG_DFL);
}

static void real_time_signals_queue(void)
{
	int rt = SIGRTMIN + 1, good = 0;
	union sigval v;

	catch_signal(rt);
	catch_signal(rt + 1);
	sigset_t set = blocked(rt), other = blocked(rt + 1);
	v.sival_int = 100;
	sigqueue(getpid(), rt + 1, v);
	for (v.sival_int = 0; v.sival_int < 10; v.sival_int++)
		sigqueue(getpid(), rt, v);
	sigaddset(&set, rt + 1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)other;
	is(seen_count, 11, "every queued real-time signal is delivered");
	for (int i = 0; i < 10; i++)
		good += seen[i].si_value.sival_int == i && seen[i].si_signo == rt;
	is(good, 10, "in the order sent, the lowest number first");
	is(seen[10].si_value.sival_int, 100, "the higher number last");
}

static void waiting_takes_a_signal(void)
{
	struct timespec none = {0}, short_time = {.tv_nsec = 20000000}, bad = {.tv_nsec = -1};
	siginfo_t info = {0};
	sigset_t set = blocked(SIGUSR2);
	union sigval v = {.sival_int = 5};

	catch_signal(SIGUSR2);
	fails(sigtimedwait(&set, &info, &none), EAGAIN, "sigtimedwait without a signal");
	long start = now_ms();
	fails(sigtimedwait(&set, &info, &short_time), EAGAIN, "with a time-out");
	ok(now_ms() - start >= 19, "takes its time");
	fails(sigtimedwait(&set, &info, &bad), EINVAL, "a bad time-out");
	sigqueue(getpid(), SIGUSR2, v);
	is(sigtimedwait(&set, &info, &none), SIGUSR2, "it takes a pending signal");
	ok(info.si_code == SI_QUEUE && info.si_value.sival_int == 5, "with its siginfo");
	is(seen_count, 0, "without running the handler");
	pid_t me = getpid();
	pid_t pid = spawn();
	if (pid == 0) {
		sleep_ms(30);
		kill(me, SIGUSR2);
		_exit(0);
	}
	is(sigwaitinfo(&set, &info), SIGUSR2, "sigwaitinfo waits for one");
	is(info.si_pid, pid, "from the child");
	reap(pid);
	fails(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 4), EINVAL, "a wrong set size");
	fails(syscall(SYS_rt_sigtimedwait, BAD_POINTER, NULL, NULL, 8), EFAULT, "a bad set");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void suspending_waits_with_a_mask(void)
{
	sigset_t set = blocked(SIGUSR1), empty, now;

	catch_signal(SIGUSR1);
	raise(SIGUSR1);
	sigemptyset(&empty);
	fails(sigsuspend(&empty), EINTR, "sigsuspend ends with EINTR");
	is(seen_count, 1, "after the handler ran");
	sigprocmask(SIG_SETMASK, NULL, &now);
	ok(sigismember(&now, SIGUSR1), "the old mask is back");
	pid_t me = getpid();
	pid_t pid = spawn();
	if (pid == 0) {
		sleep_ms(30);
		kill(me, SIGUSR1);
		_exit(0);
	}
	fails(sigsuspend(&empty), EINTR, "it waits for a signal of another process");
	is(seen_count, 2, "whose handler ran");
	reap(pid);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(0);
	catch_signal(SIGALRM);
	alarm(1);
	fails(pause(), EINTR, "pause waits for a handler");
	is(seen[0].si_code, SI_KERNEL, "alarm's signal is SI_KERNEL");
}

int main(void)
{
	senders_are_named();
	child_changes_are_told();
	real_time_signals_queue();
	waiting_takes_a_signal();
	suspending_waits_with_a_mask();
	return done();
}
