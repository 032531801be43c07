/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace: events, PTRACE_SEIZE, detaching, masks and queues, who may, and what becomes of tracees.
 */
#include "ptrace.h"

#include <pthread.h>

/* --- Events --- */

static void *end_at_once(void *arg)
{
	return arg;
}

static void family(const char *self)
{
	pthread_t thread;
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	waitpid(pid, NULL, 0);
	pid = vfork();
	if (pid == 0)
		_exit(4);
	waitpid(pid, NULL, 0);
	pthread_create(&thread, NULL, end_at_once, NULL);
	pthread_join(thread, NULL);
	execl(self, self, "quiet", NULL);
	_exit(9);
}

static char self[256];

static void events_stop(void)
{
	unsigned long message = 0;
	pid_t pid = start_traced();

	if (pid == 0)
		family(self);
	is(trace(PTRACE_SETOPTIONS, pid, 0,
		 OPT_FORK | OPT_VFORK | OPT_CLONE | OPT_EXEC | OPT_VFORK_DONE | OPT_EXIT |
			 OPT_EXITKILL),
	   0, "all events");
	is(cont(pid, 0), EVENT(SIGTRAP, EVENT_FORK), "fork is an event");
	is(trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message), 0, "its message");
	pid_t born = (pid_t)message;
	is(wait_for(born), STOPPED(SIGSTOP), "is a tracee's number, which stops");
	is(cont(born, 0), EVENT(SIGTRAP, EVENT_EXIT), "its end is an event");
	trace(PTRACE_GETEVENTMSG, born, 0, (unsigned long)&message);
	is(message, EXITED(3), "with its status");
	is(cont(born, 0), EXITED(3), "then it ends");
	is(cont(pid, 0), STOPPED(SIGCHLD), "its parent is told afterwards");
	is(cont(pid, SIGCHLD), EVENT(SIGTRAP, EVENT_VFORK), "vfork");
	trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message);
	born = (pid_t)message;
	is(wait_for(born), STOPPED(SIGSTOP), "its child");
	trace(PTRACE_CONT, pid, 0, 0);
	is(cont(born, 0), EVENT(SIGTRAP, EVENT_EXIT), "ends");
	trace(PTRACE_CONT, born, 0, 0);
	is(wait_for(pid), EVENT(SIGTRAP, EVENT_VFORK_DONE), "which ends the parent's wait");
	is(wait_for(born), EXITED(4), "its status");
	int st = cont(pid, 0);
	if (st == STOPPED(SIGCHLD))
		st = cont(pid, 0);
	is(st, EVENT(SIGTRAP, EVENT_CLONE), "a thread");
	trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message);
	born = (pid_t)message;
	is(wait_for(born), STOPPED(SIGSTOP), "which is a tracee, too");
	trace(PTRACE_CONT, pid, 0, 0);
	is(cont(born, 0), EVENT(SIGTRAP, EVENT_EXIT), "and ends");
	is(cont(born, 0), EXITED(0), "to be waited for like a process");
	is(wait_for(pid), EVENT(SIGTRAP, EVENT_EXEC), "exec");
	trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message);
	is(message, pid, "by the leader");
	is(cont(pid, 0), EVENT(SIGTRAP, EVENT_EXIT), "the new program ends");
	is(cont(pid, 0), EXITED(21), "with its own status");
}

static void exec_traps_without_events(void)
{
	pid_t pid = start_traced();

	if (pid == 0) {
		execl(self, self, "quiet", NULL);
		_exit(9);
	}
	is(cont(pid, 0), STOPPED(SIGTRAP), "exec is a SIGTRAP");
	is(cont(pid, 0), EXITED(21), "and goes on");
}

/* --- PTRACE_SEIZE --- */

static void seized_tracees(void)
{
	siginfo_t info;
	pid_t pid = start_sleeper();
	int st;

	fails(trace(SEIZE, pid, 1, 0), EIO, "an address with PTRACE_SEIZE");
	fails(trace(SEIZE, pid, 0, 1ul << 30), EIO, "an unknown option");
	is(trace(SEIZE, pid, 0, OPT_SYSGOOD), 0, "PTRACE_SEIZE");
	sleep_ms(10);
	is(waitpid(pid, &st, WNOHANG | __WALL), 0, "does not stop");
	fails(trace(PTRACE_CONT, pid, 0, 0), ESRCH, "nor is it stopped");
	is(trace(INTERRUPT, pid, 0, 0), 0, "PTRACE_INTERRUPT");
	is(wait_for(pid), EVENT(SIGTRAP, EVENT_STOP), "does");
	is(trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info), 0, "the stop is described");
	is(info.si_code, SIGTRAP | EVENT_STOP << 8, "by its code");
	fails(trace(PTRACE_ATTACH, pid, 0, 0), EPERM, "one tracer is enough");
	trace(PTRACE_CONT, pid, 0, 0);

	kill(pid, SIGSTOP);
	is(wait_for(pid), STOPPED(SIGSTOP), "SIGSTOP arrives as a signal");
	is(cont(pid, SIGSTOP), EVENT(SIGSTOP, EVENT_STOP), "then the group stop is seen");
	is(trace(LISTEN, pid, 0, 0), 0, "PTRACE_LISTEN");
	sleep_ms(10);
	is(waitpid(pid, &st, WNOHANG | __WALL), 0, "it stays stopped");
	fails(trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info), ESRCH, "and is left alone");
	kill(pid, SIGCONT);
	is(wait_for(pid), EVENT(SIGTRAP, EVENT_STOP), "until SIGCONT");
	is(cont(pid, 0), STOPPED(SIGCONT), "which arrives, too");
	is(trace(PTRACE_CONT, pid, 0, 0), 0, "it goes on");
	is(trace(INTERRUPT, pid, 0, 0), 0, "interrupted once more");
	is(wait_for(pid), EVENT(SIGTRAP, EVENT_STOP), "it stops");
	is(trace(PTRACE_DETACH, pid, 0, 0), 0, "PTRACE_DETACH");
	is(tracer_of(pid), 0, "nobody traces it");
	wait_until(state_of(pid) == 'S');
	is(state_of(pid), 'S', "and it sleeps as before");
	kill(pid, SIGTERM);
	is(wait_for(pid), KILLED(SIGTERM), "a signal kills it again");
}

static void detaching_delivers(void)
{
	pid_t pid = start_sleeper();

	trace(PTRACE_ATTACH, pid, 0, 0);
	is(wait_for(pid), STOPPED(SIGSTOP), "attached");
	fails(trace(INTERRUPT, pid, 0, 0), EIO, "PTRACE_INTERRUPT is for the seized");
	is(trace(PTRACE_DETACH, pid, 0, SIGTERM), 0, "detached with a signal");
	is(wait_for(pid), KILLED(SIGTERM), "which kills");

	pid = start_sleeper();
	kill(pid, SIGSTOP);
	int st = 0;
	waitpid(pid, &st, WUNTRACED);
	is(trace(PTRACE_ATTACH, pid, 0, 0), 0, "one that is stopped");
	is(wait_for(pid), STOPPED(SIGSTOP), "is attached to as well");
	finish(pid);
}

/* --- Masks and queues --- */

static void queues_are_seen(void)
{
	struct {
		uint64_t off;
		uint32_t flags;
		int32_t nr;
	} args = {0, 1, 4};
	siginfo_t info[4];
	uint64_t mask = 0;
	pid_t pid = start_traced();

	if (pid == 0) {
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigaddset(&set, SIGUSR2);
		sigprocmask(SIG_BLOCK, &set, NULL);
		kill(getpid(), SIGUSR1);
		kill(getpid(), SIGUSR2);
		raise(SIGWINCH);
		_exit(0);
	}
	is(cont(pid, 0), STOPPED(SIGWINCH), "stopped with two signals blocked");
	is(trace(PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)info), 2,
	   "PTRACE_PEEKSIGINFO finds both");
	ok(info[0].si_signo == SIGUSR1 && info[1].si_signo == SIGUSR2, "in order");
	args.flags = 0;
	is(trace(PEEKSIGINFO, pid, (unsigned long)&args, (unsigned long)info), 0,
	   "the thread's own queue is empty");
	is(trace(GETSIGMASK, pid, 8, (unsigned long)&mask), 0, "PTRACE_GETSIGMASK");
	ok(mask & 1 << (SIGUSR1 - 1) && mask & 1 << (SIGUSR2 - 1), "has both");
	fails(trace(GETSIGMASK, pid, 4, (unsigned long)&mask), EINVAL, "of another size");
	is(cont(pid, 0), EXITED(0), "it ends");
}

/* --- Who may, and what becomes of tracees --- */

static void rules_are_kept(void)
{
	int st;
	pid_t pid = start_sleeper();

	fails(trace(PTRACE_ATTACH, getpid(), 0, 0), EPERM, "ourselves");
	fails(trace(PTRACE_ATTACH, 4000000, 0, 0), ESRCH, "nobody");
	fails(trace(PTRACE_CONT, pid, 0, 0), ESRCH, "one that is not our tracee");
	if (child(&st) == 0) {
		become(1000, 1000);
		fails(trace(PTRACE_ATTACH, pid, 0, 0), EPERM,
		      "an ordinary user and root's process");
		fails(trace(SEIZE, pid, 0, 0), EPERM, "PTRACE_SEIZE");
		_exit(0);
	}
	is(st, 0, "the stranger ends");
	trace(PTRACE_ATTACH, pid, 0, 0);
	wait_for(pid);
	fails(trace(0x9999, pid, 0, 0), EIO, "an unknown request");
	if (child(&st) == 0) {
		fails(trace(PTRACE_CONT, pid, 0, 0), ESRCH, "another process than the tracer");
		_exit(0);
	}
	is(st, 0, "it ends");
	finish(pid);
}

static void tracers_may_die(void)
{
	int st;
	pid_t pid = start_sleeper();
	volatile int *shared = shared_ints();

	if (child(&st) == 0) {
		trace(SEIZE, pid, 0, 0);
		trace(INTERRUPT, pid, 0, 0);
		shared[0] = waitpid(pid, &st, __WALL) == pid;
		_exit(0);
	}
	is(shared[0], 1, "another process traced our child");
	wait_until(state_of(pid) == 'S');
	is(state_of(pid), 'S', "it goes on when the tracer is gone");
	is(tracer_of(pid), 0, "and nobody traces it");
	if (child(&st) == 0) {
		trace(SEIZE, pid, 0, OPT_EXITKILL);
		_exit(0);
	}
	is(wait_for(pid), KILLED(SIGKILL), "PTRACE_O_EXITKILL");

	pid = start_sleeper();
	if (child(&st) == 0) {
		trace(SEIZE, pid, 0, 0);
		kill(pid, SIGTERM);
		shared[1] = waitpid(pid, &st, __WALL) == pid && st == STOPPED(SIGTERM);
		trace(PTRACE_CONT, pid, 0, SIGTERM);
		shared[2] = waitpid(pid, &st, __WALL) == pid && st == KILLED(SIGTERM);
		_exit(0);
	}
	is(shared[1], 1, "the tracer sees the signal");
	is(shared[2], 1, "and the end first");
	is(wait_for(pid), KILLED(SIGTERM), "the parent sees it afterwards");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "quiet") == 0)
		_exit(21);
	readlink("/proc/self/exe", self, sizeof(self) - 1);
	events_stop();
	exec_traps_without_events();
	seized_tracees();
	detaching_delivers();
	queues_are_seen();
	rules_are_kept();
	tracers_may_die();
	return done();
}
