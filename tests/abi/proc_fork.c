/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork, vfork, exit and the plain wait4: what a child inherits and what its parent learns of its
 * end.
 */
#include "abi.h"

#include <sys/resource.h>

static void child_is_a_copy(void)
{
	volatile int *seen = shared_ints();
	pid_t me = getpid();
	int st;

	pid_t pid = child(&st);
	if (pid == 0) {
		seen[0] = getpid();
		seen[1] = getppid();
		seen[2] = (int)syscall(SYS_gettid);
		seen[3] = getpgrp();
		_exit(42);
	}
	ok(pid > 0 && pid != me, "fork gives the parent the child's pid");
	is(seen[0], pid, "which is the child's getpid");
	is(seen[1], me, "the child's parent is the parent");
	is(seen[2], pid, "its gettid is its pid");
	is(seen[3], getpgrp(), "it stays in the process group");
	is(st, EXITED(42), "its exit status arrives");
}

static void exit_codes_are_one_byte(void)
{
	static const int codes[] = {0, 1, 127, 128, 255};
	int st;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (child(&st) == 0)
			_exit(codes[i]);
		is(st, EXITED(codes[i]), "exit status %d", codes[i]);
	}
	if (child(&st) == 0)
		syscall(SYS_exit_group, 0x1234);
	is(st, EXITED(0x34), "only the low byte of the status counts");
	if (child(&st) == 0)
		syscall(SYS_exit, -1);
	is(st, EXITED(255), "exit(-1) is 255");
}

static void signals_show_in_the_status(void)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE, SIGALRM};
	int st;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (child(&st) == 0) {
			kill(getpid(), signals[i]);
			_exit(0);
		}
		is(st, KILLED(signals[i]), "a child killed by signal %d", signals[i]);
	}
	if (child(&st) == 0)
		abort();
	is(st & 0x7f, SIGABRT, "abort ends a child by SIGABRT");
	if (child(&st) == 0) {
		*(volatile int *)BAD_POINTER = 1;
		_exit(0);
	}
	is(st & 0x7f, SIGSEGV, "a bad store ends a child by SIGSEGV");
}

static void wait_errors(void)
{
	int st = 77;

	fails(waitpid(-1, &st, 0), ECHILD, "waiting without children");
	fails(waitpid(getppid(), &st, 0), ECHILD, "waiting for a process that is no child");
	fails(waitpid(-1, &st, WNOHANG), ECHILD, "WNOHANG without children");
	fails(waitpid(-1, &st, 0x4000), EINVAL, "an unknown option");
	is(st, 77, "the status is not touched by errors");
	pid_t pid = spawn();
	if (pid == 0)
		_exit(3);
	fails(syscall(SYS_wait4, pid, BAD_POINTER, 0, NULL), EFAULT, "a bad status pointer");
	fails(waitpid(pid, &st, WNOHANG), ECHILD, "has reaped the child all the same");
}

static void wait_picks(void)
{
	int st = 0;
	pid_t a = spawn();

	if (a == 0)
		_exit(1);
	pid_t b = spawn();
	if (b == 0)
		_exit(2);
	is(waitpid(b, &st, 0), b, "waitpid waits for the one asked for");
	is(st, EXITED(2), "with its status");
	is(waitpid(-getpgrp(), &st, 0), a, "waitpid(-pgrp) finds members of the group");
	is(st, EXITED(1), "with its status");
	a = spawn();
	if (a == 0) {
		setpgid(0, 0);
		_exit(4);
	}
	setpgid(a, a);
	is(waitpid(0, &st, WNOHANG), -1, "waitpid(0) does not look into other groups");
	is(waitpid(-a, &st, 0), a, "waitpid(-pgid) does");
	is(waitpid(-a, &st, 0), -1, "only once");
}

static void wnohang_does_not_wait(void)
{
	int st = 55, ends[2];
	char c;

	is(pipe(ends), 0, "a pipe");
	pid_t pid = spawn();
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], &c, 1) == 0 ? 6 : 7);
	}
	is(waitpid(pid, &st, WNOHANG), 0, "WNOHANG returns 0 while the child runs");
	is(st, 55, "and leaves the status alone");
	close(ends[1]);
	close(ends[0]);
	is(reap(pid), EXITED(6), "the child saw the end of the pipe");
}

static void zombies_wait(void)
{
	int st;
	pid_t pid = spawn();

	if (pid == 0)
		_exit(9);
	sleep_ms(30);
	is(kill(pid, 0), 0, "a dead child that was not waited for still has its pid");
	is(waitpid(pid, &st, 0), pid, "it can be waited for");
	fails(kill(pid, 0), ESRCH, "afterwards it is gone");
}

static void orphans_get_a_new_parent(void)
{
	volatile int *seen = shared_ints();
	int st;

	if (child(&st) == 0) {
		pid_t parent = getpid();
		if (spawn() == 0) {
			wait_until(getppid() != parent);
			seen[0] = getppid();
			_exit(0);
		}
		_exit(0);
	}
	wait_until(seen[0]);
	is(seen[0], 1, "an orphan's parent is process 1");
}

static void vfork_waits_for_the_child(void)
{
	volatile int *order = shared_ints();
	int st = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		for (int i = 0; i < 20; i++)
			sched_yield();
		order[0] = 1;
		_exit(5);
	}
	is(order[0], 1, "vfork returns after the child has ended");
	is(waitpid(pid, &st, 0), pid, "the child can be waited for");
	is(st, EXITED(5), "with its status");
}

static void usage_is_reported(void)
{
	struct rusage use;
	int st;

	memset(&use, 0xff, sizeof(use));
	pid_t pid = spawn();
	if (pid == 0) {
		for (long start = now_ms(); now_ms() - start < 60;)
			;
		_exit(0);
	}
	is(wait4(pid, &st, 0, &use), pid, "wait4 with rusage");
	long used = use.ru_utime.tv_sec * 1000 + use.ru_utime.tv_usec / 1000 +
		    use.ru_stime.tv_sec * 1000 + use.ru_stime.tv_usec / 1000;
	ok(used >= 10 && used < 5000, "the child's 60 ms of work show (%ld ms)", used);
	is(getrusage(RUSAGE_CHILDREN, &use), 0, "getrusage of the children");
	ok(use.ru_utime.tv_sec + use.ru_utime.tv_usec + use.ru_stime.tv_usec > 0,
	   "includes those waited for");
	fails(getrusage(99, &use), EINVAL, "getrusage of nobody");
	fails(syscall(SYS_getrusage, RUSAGE_SELF, BAD_POINTER), EFAULT,
	      "getrusage to a bad pointer");
}

static void descriptors_are_shared_with_the_child(void)
{
	int st, fd;

	scratch();
	put_file("f", "0123456789", 10, 0644);
	fd = open("f", O_RDONLY);
	if (child(&st) == 0) {
		char buf[4];
		_exit(read(fd, buf, 4) == 4 && close(fd) == 0 ? 0 : 1);
	}
	is(st, 0, "the child reads from the parent's descriptor");
	is(lseek(fd, 0, SEEK_CUR), 4, "which moves the shared file offset");
	is(close(fd), 0, "the child's close left the parent's open");
}

static void many_children(void)
{
	int good = 0;

	for (int i = 0; i < 200; i++) {
		int st;
		if (child(&st) == 0)
			_exit(i & 0x7f);
		good += st == EXITED(i & 0x7f);
	}
	is(good, 200, "two hundred forks, one after the other");
}

int main(void)
{
	child_is_a_copy();
	exit_codes_are_one_byte();
	signals_show_in_the_status();
	wait_errors();
	wait_picks();
	wnohang_does_not_wait();
	zombies_wait();
	orphans_get_a_new_parent();
	vfork_waits_for_the_child();
	usage_is_reported();
	descriptors_are_shared_with_the_child();
	many_children();
	return done();
}
