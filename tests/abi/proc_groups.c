/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process groups and sessions: who may move whom where.
 */
#include "abi.h"

static pid_t spawn_sleeper(void)
{
	pid_t pid = spawn();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	reap(pid);
}

static void children_start_in_the_parents_group(void)
{
	pid_t pid = spawn_sleeper();

	is(getpgid(pid), getpgrp(), "a child is in its parent's group");
	is(getsid(pid), getsid(0), "and session");
	is(setpgid(pid, pid), 0, "the parent gives it a group of its own");
	is(getpgid(pid), pid, "named after it");
	is(setpgid(pid, pid), 0, "doing it again changes nothing");
	is(setpgid(pid, getpgrp()), 0, "and takes it back");
	is(getpgid(pid), getpgrp(), "as getpgid shows");
	is(setpgid(pid, 0), 0, "group 0 means the process's own pid");
	is(getpgid(pid), pid, "as getpgid shows");
	pid_t other = spawn_sleeper();
	is(setpgid(other, pid), 0, "a second child joins the first one's group");
	is(getpgid(other), pid, "as getpgid shows");
	end(pid);
	is(getpgid(other), pid, "a group outlives its leader");
	end(other);
	fails(setpgid(getpid(), pid), EPERM, "a group that is gone cannot be joined");
}

static void bad_moves_are_refused(void)
{
	volatile int *ready = shared_ints();
	pid_t pid = spawn();

	if (pid == 0) {
		setsid();
		*ready = 1;
		for (;;)
			pause();
	}
	wait_until(*ready);
	fails(setpgid(0, -1), EINVAL, "a negative group");
	fails(setpgid(-1, 0), EINVAL, "a negative pid");
	fails(setpgid(999999, 0), ESRCH, "a process that does not exist");
	fails(setpgid(getppid(), 0), ESRCH, "a process that is no child");
	fails(setpgid(pid, getpgrp()), EPERM, "a child in another session");
	fails(setpgid(0, pid), EPERM, "a group in another session");
	fails(setpgid(0, 999999), EPERM, "a group that does not exist");
	fails(getpgid(999999), ESRCH, "getpgid of nobody");
	fails(getsid(999999), ESRCH, "getsid of nobody");
	is(getsid(pid), pid, "getsid of the child is its pid");
	is(getpgid(pid), pid, "its group is new as well");
	end(pid);
}

static void session_leaders_stay(void)
{
	int st;

	fails(setsid(), EPERM, "the leader of a group cannot start a session");
	fails(setpgid(0, 0), EPERM, "the leader of a session cannot leave its group");
	if (child(&st) == 0) {
		pid_t me = getpid();
		if (setsid() != me || getsid(0) != me || getpgrp() != me)
			_exit(1);
		_exit(setsid() == -1 && errno == EPERM ? 0 : 2);
	}
	is(st, 0, "a child starts a session, once");
}

static void exec_ends_the_parents_right(const char *self)
{
	pid_t pid = spawn();

	if (pid == 0) {
		execl(self, self, "sleep", (char *)NULL);
		_exit(1);
	}
	wait_until(setpgid(pid, 0) < 0);
	fails(setpgid(pid, 0), EACCES, "a child that has called execve is not moved any more");
	end(pid);
}

static volatile sig_atomic_t hits;

static void count(int sig)
{
	(void)sig;
	hits++;
}

static void signals_reach_groups(void)
{
	pid_t pids[3];
	int st = 0;

	for (int i = 0; i < 3; i++) {
		pids[i] = spawn_sleeper();
		setpgid(pids[i], pids[0]);
	}
	pid_t outside = spawn_sleeper();
	is(kill(-pids[0], 0), 0, "signal 0 to a group tells that it exists");
	is(kill(-pids[0], SIGTERM), 0, "kill of a group");
	for (int i = 0; i < 3; i++)
		is(reap(pids[i]), KILLED(SIGTERM), "member %d is killed", i);
	is(waitpid(outside, &st, WNOHANG), 0, "others are not");
	end(outside);
	fails(kill(-pids[0], 0), ESRCH, "the group is gone");
	signal(SIGUSR1, count);
	is(kill(0, SIGUSR1), 0, "kill(0) signals the caller's group");
	is(hits, 1, "the caller included");
	is(killpg(0, SIGUSR1), 0, "killpg(0) as well");
	is(hits, 2, "once more");
	fails(killpg(-5, SIGUSR1), EINVAL, "a negative group");
}

/* A stopped member of a group that becomes orphaned gets SIGHUP and SIGCONT. */
static void orphaned_stopped_groups_are_hung_up(void)
{
	volatile int *seen = shared_ints();
	int st;

	if (child(&st) == 0) {
		setsid();
		pid_t shell = fork();
		if (shell == 0) {
			alarm(10);
			setpgid(0, 0);
			pid_t job = fork();
			if (job == 0) {
				alarm(10);
				setpgid(0, 0);
				hits = 0;
				signal(SIGHUP, count);
				seen[0] = getpid();
				raise(SIGSTOP);
				seen[1] = 1;
				seen[2] = hits;
				_exit(0);
			}
			waitpid(job, &st, WUNTRACED);
			_exit(WIFSTOPPED(st) ? 0 : 1);
		}
		waitpid(shell, &st, 0);
		wait_until(seen[1]);
		_exit(st >> 8);
	}
	is(st, 0, "a shell with a stopped job ends");
	is(seen[1], 1, "the job continues");
	is(seen[2], 1, "after a SIGHUP");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		sleep_ms(5000);
		return 0;
	}
	children_start_in_the_parents_group();
	bad_moves_are_refused();
	session_leaders_stay();
	exec_ends_the_parents_right(argv[0]);
	signals_reach_groups();
	orphaned_stopped_groups_are_hung_up();
	return done();
}
