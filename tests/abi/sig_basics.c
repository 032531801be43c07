/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: handlers, masks, pending sets, default actions, and what sigaction's flags do.
 */
#include "abi.h"

#include <ucontext.h>

static volatile sig_atomic_t hits, depth, deepest, order[16];
static volatile int ordered;
static sigset_t mask_inside;

static void count(int sig)
{
	order[ordered++ & 15] = sig;
	hits++;
}

static void look_at_mask(int sig)
{
	(void)sig;
	sigprocmask(SIG_SETMASK, NULL, &mask_inside);
}

static void recurse(int sig)
{
	hits++;
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (depth < 3)
		raise(sig);
	depth--;
}

static int act_on(int sig, void (*handler)(int), int flags)
{
	struct sigaction act = {.sa_handler = handler, .sa_flags = flags};

	hits = depth = deepest = ordered = 0;
	return sigaction(sig, &act, NULL);
}

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	if (b)
		sigaddset(&set, b);
	return set;
}

static void handlers_run(void)
{
	struct sigaction old;

	is(act_on(SIGUSR1, count, SA_RESTART), 0, "sigaction");
	is(raise(SIGUSR1), 0, "raise");
	is(hits, 1, "runs the handler before it returns");
	is(kill(getpid(), SIGUSR1), 0, "kill of oneself");
	is(hits, 2, "as well");
	is(sigaction(SIGUSR1, NULL, &old), 0, "sigaction reads");
	ok(old.sa_handler == count && (old.sa_flags & SA_RESTART), "what was set");
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	is(hits, 2, "an ignored signal does nothing");
	signal(SIGUSR1, SIG_DFL);
	fails(sigaction(SIGKILL, &old, NULL), EINVAL, "SIGKILL cannot be caught");
	fails(sigaction(SIGSTOP, &old, NULL), EINVAL, "nor SIGSTOP");
	fails(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL, "signal 65");
	fails(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL, "signal 0");
	fails(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 16), EINVAL, "a wrong set size");
	fails(syscall(SYS_rt_sigaction, SIGUSR1, BAD_POINTER, NULL, 8), EFAULT, "a bad pointer");
	fails(kill(getpid(), 65), EINVAL, "kill with signal 65");
	fails(kill(getpid(), -1), EINVAL, "kill with signal -1");
	fails(kill(999999, SIGTERM), ESRCH, "kill of nobody");
}

static void masks_hold_signals_back(void)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2), old, pending;

	act_on(SIGUSR1, count, 0);
	act_on(SIGUSR2, count, 0);
	is(sigprocmask(SIG_BLOCK, &set, &old), 0, "SIG_BLOCK");
	ok(!sigismember(&old, SIGUSR1), "the old mask had not blocked it");
	raise(SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR2);
	is(hits, 0, "blocked signals wait");
	is(sigpending(&pending), 0, "sigpending");
	ok(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGUSR2) &&
		   !sigismember(&pending, SIGTERM),
	   "shows both");
	set = set_of(SIGUSR2, 0);
	is(sigprocmask(SIG_UNBLOCK, &set, NULL), 0, "SIG_UNBLOCK");
	is(hits, 1, "delivers the unblocked one before it returns");
	is(sigprocmask(SIG_SETMASK, &old, NULL), 0, "SIG_SETMASK");
	is(hits, 2, "a standard signal raised twice is delivered once");
	fails(sigprocmask(77, &set, NULL), EINVAL, "an unknown way");
	is(sigprocmask(77, NULL, &old), 0, "is not looked at without a set");
	fails(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL, "a wrong set size");
	fails(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD_POINTER, NULL, 8), EFAULT, "a bad set");
	fails(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, BAD_POINTER, 8), EFAULT, "a bad old");
	unsigned long all = ~0UL, got = 0;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
	all = 0;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &got, 8);
	is(got, ~(1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1)),
	   "all can be blocked but SIGKILL and SIGSTOP");
}

static void ignoring_drops_pending_ones(void)
{
	sigset_t set = set_of(SIGUSR1, 0), pending;

	act_on(SIGUSR1, count, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	sigpending(&pending);
	ok(!sigismember(&pending, SIGUSR1), "SIG_IGN drops a pending signal");
	act_on(SIGUSR1, count, 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	is(hits, 0, "it does not come back");
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	int st;
	if (child(&st) == 0) {
		sigpending(&pending);
		_exit(sigismember(&pending, SIGUSR1) ? 1 : 0);
	}
	is(st, 0, "a child starts without pending signals");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	is(hits, 1, "the parent's stay");
}

static void masks_during_handlers(void)
{
	struct sigaction act = {.sa_handler = look_at_mask};

	sigemptyset(&act.sa_mask);
	sigaddset(&act.sa_mask, SIGHUP);
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	ok(sigismember(&mask_inside, SIGUSR1), "a handler runs with its signal blocked");
	ok(sigismember(&mask_inside, SIGHUP), "and those of sa_mask");
	sigprocmask(SIG_SETMASK, NULL, &mask_inside);
	ok(!sigismember(&mask_inside, SIGUSR1) && !sigismember(&mask_inside, SIGHUP),
	   "afterwards the mask is the old one");
	act.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	ok(!sigismember(&mask_inside, SIGUSR1), "with SA_NODEFER the signal is not blocked");
	ok(sigismember(&mask_inside, SIGHUP), "sa_mask is");
	act_on(SIGUSR1, recurse, SA_NODEFER);
	raise(SIGUSR1);
	is(deepest, 3, "SA_NODEFER handlers nest");
}

static void one_shot_handlers(void)
{
	struct sigaction old;
	int st;

	act_on(SIGUSR1, count, (int)SA_RESETHAND);
	raise(SIGUSR1);
	is(hits, 1, "a SA_RESETHAND handler runs once");
	sigaction(SIGUSR1, NULL, &old);
	ok(old.sa_handler == SIG_DFL, "then the default is back");
	if (child(&st) == 0) {
		raise(SIGUSR1);
		_exit(0);
	}
	is(st, KILLED(SIGUSR1), "which kills");
}

static void lower_numbers_come_first(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	act_on(SIGTERM, count, 0);
	act_on(SIGUSR1, count, 0);
	act_on(SIGHUP, count, 0);
	for (int sig = SIGHUP; sig <= SIGTERM; sig++) {
		struct sigaction act = {.sa_handler = count};
		sigfillset(&act.sa_mask);
		if (sig == SIGHUP || sig == SIGUSR1 || sig == SIGTERM)
			sigaction(sig, &act, NULL);
	}
	raise(SIGTERM);
	raise(SIGHUP);
	raise(SIGUSR1);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	is(hits, 3, "three pending signals are delivered at once");
	ok(order[0] == SIGHUP && order[1] == SIGUSR1 && order[2] == SIGTERM,
	   "the lowest number first");
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

static void default_actions(void)
{
	static const int kills[] = {SIGHUP,  SIGINT,  SIGPIPE,   SIGALRM, SIGTERM, SIGUSR1,
				    SIGUSR2, SIGPROF, SIGVTALRM, SIGPOLL, SIGPWR,  SIGSTKFLT};
	static const int cores[] = {SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
				    SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};
	static const int nothing[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
	int st;

	for (size_t i = 0; i < ARRAY_LEN(kills) + ARRAY_LEN(cores); i++) {
		int sig = i < ARRAY_LEN(kills) ? kills[i] : cores[i - ARRAY_LEN(kills)];
		if (child(&st) == 0) {
			signal(sig, SIG_DFL);
			raise(sig);
			_exit(0);
		}
		is(st & 0x7f, sig, "the default of signal %d is to kill", sig);
	}
	for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
		if (child(&st) == 0) {
			signal(nothing[i], SIG_DFL);
			raise(nothing[i]);
			_exit(0);
		}
		is(st, 0, "the default of signal %d is nothing", nothing[i]);
	}
	if (child(&st) == 0) {
		syscall(SYS_kill, getpid(), 40);
		_exit(0);
	}
	is(st, KILLED(40), "the default of a real-time signal is to kill");
}

int main(void)
{
	handlers_run();
	masks_hold_signals_back();
	ignoring_drops_pending_ones();
	masks_during_handlers();
	one_shot_handlers();
	lower_numbers_come_first();
	default_actions();
	return done();
}
