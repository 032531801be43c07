/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource limits: reading and setting them, and that they hold.
 */
#include "abi.h"

#include <sys/resource.h>
#include <sys/time.h>

static int limit(int what, rlim_t soft)
{
	struct rlimit lim;

	if (getrlimit(what, &lim) < 0)
		return -1;
	lim.rlim_cur = soft;
	return setrlimit(what, &lim);
}

static void limits_are_read_and_set(void)
{
	struct rlimit lim = {0}, old;

	is(getrlimit(RLIMIT_STACK, &lim), 0, "getrlimit");
	is(lim.rlim_cur, 8 << 20, "the stack may grow to 8 MiB");
	is(getrlimit(RLIMIT_NOFILE, &lim), 0, "RLIMIT_NOFILE");
	ok(lim.rlim_cur >= 1024, "at least 1024 descriptors");
	old = lim;
	lim.rlim_cur = 100;
	is(setrlimit(RLIMIT_NOFILE, &lim), 0, "setrlimit");
	is(getrlimit(RLIMIT_NOFILE, &lim), 0, "read again");
	ok(lim.rlim_cur == 100 && lim.rlim_max == old.rlim_max, "shows what was set");
	setrlimit(RLIMIT_NOFILE, &old);
	lim.rlim_cur = lim.rlim_max + (lim.rlim_max == RLIM_INFINITY ? 0 : 1);
	fails(setrlimit(RLIMIT_NOFILE, &lim), EINVAL, "a soft limit above the hard one");
	fails(getrlimit((__typeof__(RLIMIT_CPU))16, &lim), EINVAL, "a limit that does not exist");
	fails(syscall(SYS_prlimit64, 0, RLIMIT_CPU, NULL, BAD_POINTER), EFAULT, "a bad pointer");
	fails(syscall(SYS_prlimit64, 0, RLIMIT_CPU, BAD_POINTER, NULL), EFAULT, "a bad new limit");
	fails(prlimit(999999, RLIMIT_CPU, NULL, &lim), ESRCH, "prlimit of nobody");
	is(getrlimit(RLIMIT_CPU, &lim), 0, "RLIMIT_CPU");
	ok(lim.rlim_cur == RLIM_INFINITY, "is unlimited");
}

static void limits_of_others(void)
{
	struct rlimit lim = {0}, old = {0};
	pid_t pid = spawn();

	if (pid == 0)
		for (;;)
			pause();
	is(prlimit(pid, RLIMIT_NOFILE, NULL, &lim), 0, "prlimit reads a child's limit");
	lim.rlim_cur = 33;
	is(prlimit(pid, RLIMIT_NOFILE, &lim, &old), 0, "and sets it, returning the old");
	ok(old.rlim_cur != 33, "the old one");
	is(prlimit(pid, RLIMIT_NOFILE, NULL, &lim), 0, "read again");
	is(lim.rlim_cur, 33, "shows the new one");
	kill(pid, SIGKILL);
	reap(pid);
}

static void limits_are_inherited(void)
{
	int st;

	if (child(&st) == 0) {
		limit(RLIMIT_NOFILE, 77);
		if (child(&st) == 0) {
			struct rlimit lim;
			getrlimit(RLIMIT_NOFILE, &lim);
			_exit(lim.rlim_cur == 77 ? 0 : 1);
		}
		_exit(st >> 8);
	}
	is(st, 0, "a child inherits limits");
}

static void descriptors_are_limited(void)
{
	int st;

	if (child(&st) == 0) {
		int fd = 0, last = -1, ends[2];
		limit(RLIMIT_NOFILE, 20);
		while ((fd = dup(1)) >= 0)
			last = fd;
		ok(fd == -1 && errno == EMFILE, "dup beyond RLIMIT_NOFILE is EMFILE");
		is(last, 19, "the last descriptor is the limit less one");
		fails(open("/dev/null", O_RDONLY), EMFILE, "so is open");
		fails(pipe(ends), EMFILE, "and pipe");
		close(last);
		fails(pipe(ends), EMFILE, "pipe needs two");
		is(open("/dev/null", O_RDONLY), last, "a failed pipe gave its one back");
		fails(dup2(1, 20), EBADF, "dup2 to the limit is EBADF");
		fails(fcntl(1, F_DUPFD, 20), EINVAL, "F_DUPFD from the limit is EINVAL");
		_exit(0);
	}
	is(st, 0, "the child came to its end");
}

static void file_size_is_limited(void)
{
	int st, fd;

	scratch();
	if (child(&st) == 0) {
		char buf[3000] = {0};
		fd = open("big", O_WRONLY | O_CREAT, 0644);
		signal(SIGXFSZ, SIG_IGN);
		limit(RLIMIT_FSIZE, 5000);
		is(write(fd, buf, 3000), 3000, "a write below RLIMIT_FSIZE");
		is(write(fd, buf, 3000), 2000, "a write across it is cut");
		fails(write(fd, buf, 1), EFBIG, "a write at it is EFBIG");
		fails(ftruncate(fd, 5001), EFBIG, "so is ftruncate");
		is(ftruncate(fd, 5000), 0, "up to the limit it works");
		signal(SIGXFSZ, SIG_DFL);
		(void)!write(fd, buf, 1);
		_exit(0);
	}
	is(st & 0x7f, SIGXFSZ, "and SIGXFSZ kills a process that does not ignore it");
}

static void address_space_is_limited(void)
{
	int st;

	if (child(&st) == 0) {
		limit(RLIMIT_AS, 64UL << 20);
		void *p = mmap(NULL, 128UL << 20, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ok(p == MAP_FAILED && errno == ENOMEM, "mmap beyond RLIMIT_AS is ENOMEM");
		p = mmap(NULL, 16UL << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ok(p != MAP_FAILED, "below it works");
		ok(mremap(p, 16UL << 20, 256UL << 20, MREMAP_MAYMOVE) == MAP_FAILED &&
			   errno == ENOMEM,
		   "mremap obeys as well");
		_exit(0);
	}
	is(st, 0, "the child came to its end");
}

static void processor_time_is_limited(void)
{
	int st;
	struct rlimit lim = {.rlim_cur = 1, .rlim_max = 3};

	if (child(&st) == 0) {
		setrlimit(RLIMIT_CPU, &lim);
		for (;;)
			;
	}
	is(st & 0x7f, SIGXCPU, "SIGXCPU ends a process after its second of processor time");
}

static void processes_are_limited(void)
{
	int st;

	if (child(&st) == 0) {
		int made = 0;
		limit(RLIMIT_NPROC, 10);
		if (become(54321, 54321) < 0)
			_exit(1);
		for (; made < 50; made++) {
			pid_t pid = fork();
			if (pid < 0)
				break;
			if (pid == 0) {
				alarm(5);
				pause();
				_exit(0);
			}
		}
		ok(made == 9 && errno == EAGAIN, "fork beyond RLIMIT_NPROC is EAGAIN (%d)", made);
		signal(SIGTERM, SIG_IGN);
		kill(-1, SIGTERM);
		int reaped = 0;
		while (wait(NULL) > 0)
			reaped++;
		is(reaped, made, "a user's kill(-1) ends the user's processes");
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		ok(pid > 0, "and then there is room again");
		_exit(0);
	}
	is(st, 0, "the child came to its end");
}

static void priority_of_processes(void)
{
	int st;

	is(getpriority(PRIO_PROCESS, 0), 0, "a process starts with nice value 0");
	if (child(&st) == 0) {
		is(setpriority(PRIO_PROCESS, 0, 7), 0, "setpriority");
		is(getpriority(PRIO_PROCESS, 0), 7, "is read again");
		is(syscall(SYS_getpriority, PRIO_PROCESS, 0), 13, "the raw call returns 20 - nice");
		is(nice(3), 10, "nice adds");
		is(setpriority(PRIO_PROCESS, 0, 100), 0, "values are cut");
		is(getpriority(PRIO_PROCESS, 0), 19, "at 19");
		is(setpriority(PRIO_PROCESS, 0, -100), 0, "root may go below 0");
		is(getpriority(PRIO_PROCESS, 0), -20, "to -20");
		is(setpriority(PRIO_PGRP, 0, 4), 0, "a whole group");
		is(getpriority(PRIO_PGRP, 0), 4, "shows its best value");
		is(setpriority(PRIO_PGRP, 0, 0), 0, "back to 0");
		_exit(0);
	}
	is(st, 0, "the child came to its end");
	fails(getpriority(PRIO_PROCESS, 999999), ESRCH, "of nobody");
	fails(getpriority(99, 0), EINVAL, "of no kind");
}

int main(void)
{
	limits_are_read_and_set();
	limits_of_others();
	limits_are_inherited();
	descriptors_are_limited();
	file_size_is_limited();
	address_space_is_limited();
	processor_time_is_limited();
	processes_are_limited();
	priority_of_processes();
	return done();
}
