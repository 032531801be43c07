/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waitid and the stop and continue reports of waitpid.
 */
#include "abi.h"

#include <sys/resource.h>

static pid_t spawn_sleeper(void)
{
	pid_t pid = spawn();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void waitid_describes_an_exit(void)
{
	siginfo_t info;
	pid_t pid = spawn();

	if (pid == 0)
		_exit(23);
	memset(&info, 0xff, sizeof(info));
	is(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0, "waitid with WNOWAIT");
	is(info.si_pid, pid, "si_pid");
	is(info.si_signo, SIGCHLD, "si_signo");
	is(info.si_code, CLD_EXITED, "si_code is CLD_EXITED");
	is(info.si_status, 23, "si_status is the exit status");
	is(info.si_uid, 0, "si_uid is the child's");
	is(waitid(P_ALL, 0, &info, WEXITED), 0, "the child is still there for P_ALL");
	is(info.si_status, 23, "with the same status");
	fails(waitid(P_PID, (id_t)pid, &info, WEXITED), ECHILD, "afterwards it is gone");
}

static void waitid_describes_a_kill(void)
{
	siginfo_t info = {0};
	pid_t pid = spawn_sleeper();

	kill(pid, SIGKILL);
	is(waitid(P_PGID, (id_t)getpgrp(), &info, WEXITED), 0, "waitid by process group");
	is(info.si_pid, pid, "si_pid");
	is(info.si_code, CLD_KILLED, "si_code is CLD_KILLED");
	is(info.si_status, SIGKILL, "si_status is the signal");
}

static void waitid_checks_its_arguments(void)
{
	siginfo_t info;
	pid_t pid = spawn_sleeper();

	fails(waitid(P_PID, (id_t)pid, &info, 0), EINVAL, "no kind of event");
	fails(waitid(P_PID, (id_t)pid, &info, WEXITED | 0x10000), EINVAL, "an unknown option");
	fails(waitid((idtype_t)17, (id_t)pid, &info, WEXITED), EINVAL, "an unknown id type");
	fails(waitid(P_PID, 0, &info, WEXITED), EINVAL, "P_PID 0");
	fails(syscall(SYS_waitid, P_PID, pid, BAD_POINTER, WEXITED | WNOHANG, NULL), EFAULT,
	      "a bad siginfo pointer");
	memset(&info, 0xff, sizeof(info));
	is(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG), 0, "WNOHANG while it runs");
	ok(info.si_pid == 0 && info.si_signo == 0, "clears si_pid and si_signo");
	kill(pid, SIGKILL);
	is(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL), 0, "a null siginfo is fine");
}

static void stops_and_continues_are_reported(void)
{
	siginfo_t info = {0};
	int st = 0;
	pid_t pid = spawn_sleeper();

	kill(pid, SIGSTOP);
	is(waitpid(pid, &st, WUNTRACED), pid, "WUNTRACED reports the stop");
	ok(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP, "with the signal");
	is(st, 0x137f, "encoded as 0x137f");
	is(waitpid(pid, &st, WUNTRACED | WNOHANG), 0, "only once");
	kill(pid, SIGCONT);
	is(waitpid(pid, &st, WCONTINUED), pid, "WCONTINUED reports the continue");
	is(st, 0xffff, "encoded as 0xffff");
	is(waitpid(pid, &st, WCONTINUED | WNOHANG), 0, "only once");

	kill(pid, SIGTSTP);
	sleep_ms(20);
	is(waitpid(pid, &st, WUNTRACED | WNOHANG), 0, "SIGTSTP does not stop an orphaned group");
	kill(pid, SIGSTOP);
	is(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0, "waitid WSTOPPED");
	is(info.si_code, CLD_STOPPED, "si_code is CLD_STOPPED");
	is(info.si_status, SIGSTOP, "si_status is the stop signal");
	kill(pid, SIGCONT);
	is(waitid(P_PID, (id_t)pid, &info, WCONTINUED), 0, "waitid WCONTINUED");
	is(info.si_code, CLD_CONTINUED, "si_code is CLD_CONTINUED");
	is(info.si_status, SIGCONT, "si_status is SIGCONT");

	kill(pid, SIGSTOP);
	is(waitpid(pid, &st, WUNTRACED), pid, "stopped again");
	kill(pid, SIGKILL);
	is(waitpid(pid, &st, 0), pid, "SIGKILL ends a stopped process");
	is(st, KILLED(SIGKILL), "with the right status");
}

static void waitpid_ignores_stops(void)
{
	siginfo_t info;
	int st = 0;
	pid_t pid = spawn_sleeper();

	kill(pid, SIGSTOP);
	is(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0, "WNOWAIT leaves the stop");
	is(waitpid(pid, &st, WNOHANG), 0, "waitpid without WUNTRACED does not report a stop");
	kill(pid, SIGTERM);
	sleep_ms(20);
	is(waitpid(pid, &st, WNOHANG), 0, "SIGTERM waits until the process continues");
	kill(pid, SIGCONT);
	is(reap(pid), KILLED(SIGTERM), "and ends it then");
}

static void ignored_sigchld_reaps(void)
{
	int st;

	if (child(&st) == 0) {
		signal(SIGCHLD, SIG_IGN);
		pid_t pid = spawn();
		if (pid == 0)
			_exit(0);
		_exit(waitpid(pid, NULL, 0) == -1 && errno == ECHILD ? 0 : 1);
	}
	is(st, 0, "with SIGCHLD ignored waitpid waits and then finds no child");
	if (child(&st) == 0) {
		struct sigaction act = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
		sigaction(SIGCHLD, &act, NULL);
		pid_t pid = spawn();
		if (pid == 0)
			_exit(0);
		_exit(waitpid(-1, NULL, 0) == -1 && errno == ECHILD && kill(pid, 0) ? 0 : 1);
	}
	is(st, 0, "and so with SA_NOCLDWAIT");
}

static volatile sig_atomic_t hits;

static void count(int sig)
{
	(void)sig;
	hits++;
}

static void wait_is_interrupted_by_signals(void)
{
	struct sigaction act = {.sa_handler = count};
	int st;
	pid_t parent = getpid();

	sigaction(SIGUSR1, &act, NULL);
	pid_t pid = spawn();
	if (pid == 0) {
		for (int i = 0; i < 20 && kill(parent, SIGUSR1) == 0; i++)
			sleep_ms(20);
		for (;;)
			pause();
	}
	fails(waitpid(pid, &st, 0), EINTR, "a handler interrupts waitpid");
	kill(pid, SIGKILL);
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	is(st, KILLED(SIGKILL), "the child can be waited for afterwards");
	signal(SIGUSR1, SIG_DFL);
}

static void clone_children_need_wclone(void)
{
	int st = 0;
	pid_t pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(8);
	ok(pid > 0, "clone without an exit signal");
	sleep_ms(20);
	fails(waitpid(pid, &st, WNOHANG), ECHILD, "plain waitpid does not see the child");
	is(waitpid(pid, &st, __WCLONE), pid, "__WCLONE does");
	is(st, EXITED(8), "with its status");
	pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(9);
	is(waitpid(pid, &st, __WALL), pid, "__WALL sees every child");
}

int main(void)
{
	waitid_describes_an_exit();
	waitid_describes_a_kill();
	waitid_checks_its_arguments();
	stops_and_continues_are_reported();
	waitpid_ignores_stops();
	ignored_sigchld_reaps();
	wait_is_interrupted_by_signals();
	clone_children_need_wclone();
	return done();
}
