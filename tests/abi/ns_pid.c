/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of process numbers: who is 1, what others see, orphans, signals to the first process,
 * the end of one, and /proc in it.
 */
#include "ns.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static volatile int *shared;

/* A child in a new namespace; 0 in it. */
static pid_t inside(void)
{
	pid_t pid = (pid_t)ns_clone(CLONE_NEWPID);

	if (pid == 0)
		alarm(20);
	return pid;
}

static void numbers(void)
{
	int status;
	pid_t pid = inside();

	if (pid == 0) {
		is(getpid(), 1, "the first process is 1");
		is(syscall(SYS_gettid), 1, "so is its thread");
		is(getppid(), 0, "its parent is nobody here");
		is(getpgrp(), 0, "its group is none of ours");
		is(getsid(0), 0, "nor its session");
		pid_t second = fork();
		if (second == 0) {
			is(getpid(), 2, "its child is 2");
			is(getppid(), 1, "whose parent is 1");
			is(setsid(), 2, "a session here");
			is(getpgid(0), 2, "has its number");
			_exit(3);
		}
		is(second, 2, "and fork says so");
		is(waitpid(2, &status, 0), 2, "wait knows it by that");
		is(status, EXITED(3), "with its status");
		fails(kill(getppid() + 12345, 0), ESRCH, "nobody else is here");
		_exit(0);
	}
	ok(pid > 1, "outside it has another number");
	is(waitpid(pid, &status, 0), pid, "by which it is waited for");
	is(status, 0, "it is done");
}

static void for_children(void)
{
	int status;

	if (child(&status) == 0) {
		long own = ns_number("/proc/self/ns/pid");
		pid_t before = getpid();
		is(unshare(CLONE_NEWPID), 0, "a namespace for children");
		is(getpid(), before, "has no part in our own number");
		is(ns_number("/proc/self/ns/pid"), own, "nor in our namespace");
		fails(unshare(CLONE_NEWPID), EINVAL, "one at a time");
		pid_t first = fork();
		if (first == 0) {
			shared[0] = getpid();
			_exit(0);
		}
		waitpid(first, &status, 0);
		is(shared[0], 1, "the first child is its init");
		fails(fork(), ENOMEM, "without which there are no more");
		_exit(0);
	}
	is(status, 0, "the child is done");
}

static void handler(int signal)
{
	shared[3] = signal;
}

static void signals_to_init(void)
{
	int status;
	pid_t pid = inside();

	shared[1] = shared[2] = shared[3] = 0;
	if (pid == 0) {
		kill(1, SIGTERM);
		kill(1, SIGKILL);
		ok(true, "the first process does not kill itself");
		if (fork() == 0) {
			kill(1, SIGKILL);
			kill(1, SIGSTOP);
			_exit(0);
		}
		wait(&status);
		ok(true, "nor do its children");
		struct sigaction action = {.sa_handler = handler};
		sigaction(SIGUSR1, &action, NULL);
		kill(1, SIGUSR1);
		is(shared[3], SIGUSR1, "what it handles it gets");
		shared[1] = 1;
		for (;;)
			pause();
	}
	wait_until(shared[1]);
	is(kill(pid, SIGTERM), 0, "from outside");
	sleep_ms(20);
	is(waitpid(pid, &status, WNOHANG), 0, "a signal that it does not handle is lost");
	is(kill(pid, SIGKILL), 0, "but SIGKILL");
	is(waitpid(pid, &status, 0), pid, "ends it");
	is(status, KILLED(SIGKILL), "by that");
}

static void receive(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	shared[5] = info->si_pid;
	shared[4] = 1;
}

static void senders(void)
{
	int status;
	pid_t pid = inside();

	shared[4] = shared[6] = 0;
	if (pid == 0) {
		struct sigaction action = {.sa_sigaction = receive, .sa_flags = SA_SIGINFO};
		sigaction(SIGUSR1, &action, NULL);
		shared[6] = 1;
		wait_until(shared[4]);
		is(shared[5], 0, "a signal from outside comes from nobody");
		shared[4] = 0;
		if (fork() == 0) {
			kill(1, SIGUSR1);
			_exit(0);
		}
		wait(NULL);
		wait_until(shared[4]);
		is(shared[5], 2, "one from inside has its sender");
		_exit(0);
	}
	wait_until(shared[6]);
	kill(pid, SIGUSR1);
	waitpid(pid, &status, 0);
	is(status, 0, "it is done");
}

static void orphans(void)
{
	int status;
	pid_t pid = inside();

	if (pid == 0) {
		if (fork() == 0) {
			if (fork() == 0) {
				wait_until(getppid() == 1);
				_exit(getppid() == 1 ? 7 : 8);
			}
			_exit(0);
		}
		wait(&status);
		pid_t orphan = wait(&status);
		is(orphan, 3, "an orphan comes to the first process");
		is(status, EXITED(7), "and knew it");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	is(status, 0, "it is done");
}

static void the_end(void)
{
	int ends[2], status;
	char byte;

	if (pipe(ends))
		return;
	pid_t pid = inside();
	if (pid == 0) {
		close(ends[0]);
		for (int i = 0; i < 5; i++) {
			if (fork() == 0) {
				signal(SIGTERM, SIG_IGN);
				if (i % 2)
					fork();
				for (;;)
					pause();
			}
		}
		/* One in a namespace further in. */
		if (ns_clone(CLONE_NEWPID) == 0) {
			fork();
			for (;;)
				pause();
		}
		_exit(5);
	}
	close(ends[1]);
	is(waitpid(pid, &status, 0), pid, "the first process ends");
	is(status, EXITED(5), "as it wants");
	is(read(ends[0], &byte, 1), 0, "and all others are gone by then");
	close(ends[0]);
}

static void nested(void)
{
	int status;
	pid_t pid = inside();

	if (pid == 0) {
		pid_t second = (pid_t)ns_clone(CLONE_NEWPID);
		if (second == 0) {
			is(getpid(), 1, "1 further in");
			if (fork() == 0) {
				is(getpid(), 2, "and 2");
				_exit(0);
			}
			wait(NULL);
			_exit(0);
		}
		is(second, 2, "2 one level up");
		waitpid(second, &status, 0);
		is(status, 0, "which waits for it");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	is(status, 0, "it is done");
}

static void proc_files(void)
{
	int status;
	pid_t pid = (pid_t)ns_clone(CLONE_NEWPID | CLONE_NEWNS);

	if (pid == 0) {
		char text[8192], link[64] = "";
		struct stat st;

		alarm(20);
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		scratch();
		char *line;
		ok(readlink("/proc/self", link, sizeof(link)) > 0 && strtol(link, NULL, 10) > 1,
		   "the old /proc has our outer number");
		is(mkdir("proc", 0755), 0, "a folder");
		is(mount("proc", "proc", "proc", 0, NULL), 0, "for a /proc of one's own");
		is(readlink("proc/self", link, sizeof(link)), 1, "self is short");
		is(link[0], '1', "it is 1");
		ok(get_file("proc/1/status", text, sizeof(text)) > 0, "1 is there");
		line = strstr(text, "\nPid:\t");
		ok(line != NULL && strtol(line + 6, NULL, 10) == 1, "and is called that");
		line = strstr(text, "NSpid:\t");
		ok(line != NULL && strncmp(line, "NSpid:\t1\n", 9) == 0, "it has one number here");
		ok(strstr(text, "\nNSpgid:\t0\nNSsid:\t0\n") != NULL,
		   "and 0 for a group and a session of elsewhere");
		is(stat("proc/2", &st), -1, "nobody else is");
		pid_t second = fork();
		if (second == 0) {
			pause();
			_exit(0);
		}
		is(stat("proc/2", &st), 0, "until it forks");
		kill(second, SIGKILL);
		wait(NULL);
		is(stat("proc/2", &st), -1, "and until that is gone");
		umount("proc");
		rmdir("proc");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	is(status, 0, "it is done");
}

static void numbers_outside(void)
{
	int ready[2], status;
	char path[64], text[8192], expected[64], byte;

	if (pipe(ready))
		return;
	pid_t pid = inside();
	if (pid == 0) {
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	(void)!read(ready[0], &byte, 1);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	ok(get_file(path, text, sizeof(text)) > 0, "outside /proc shows it");
	snprintf(expected, sizeof(expected), "NSpid:\t%d\t1\n", pid);
	ok(strstr(text, expected) != NULL, "with both numbers");
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	is(poll(&poll_fd, 1, 0), 0, "its descriptor waits");
	kill(pid, SIGKILL);
	is(poll(&poll_fd, 1, 10000), 1, "for its end");
	waitpid(pid, &status, 0);
	close(fd);
}

static void enter(void)
{
	int ready[2], status;
	char path[64], byte;

	if (pipe(ready))
		return;
	pid_t pid = inside();
	if (pid == 0) {
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	(void)!read(ready[0], &byte, 1);
	if (child(&status) == 0) {
		int in, own = open("/proc/self/ns/pid", O_RDONLY);
		snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
		in = open(path, O_RDONLY);
		is(setns(in, CLONE_NEWPID), 0, "children go to another namespace");
		pid_t there = fork();
		if (there == 0) {
			is(getppid(), 0, "where the parent is not seen");
			is(kill(1, 0), 0, "but the first process is");
			fails(setns(own, CLONE_NEWPID), EINVAL, "there is no way up");
			_exit(getpid() == 2 ? 4 : 5);
		}
		waitpid(there, &status, 0);
		is(status, EXITED(4), "it was number 2");
		is(setns(own, CLONE_NEWPID), 0, "back to one's own for children");
		_exit(0);
	}
	is(status, 0, "the child is done");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (child(&status) == 0)
		_exit(0);
}

static void credentials(void)
{
	int pair[2], status;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return;
	int one = 1;
	setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	pid_t pid = inside();
	if (pid == 0) {
		(void)!write(pair[1], "x", 1);
		_exit(0);
	}
	char byte, control[128];
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	is(recvmsg(pair[0], &message, 0), 1, "a message from inside");
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct {
		pid_t pid;
		uid_t uid;
		gid_t gid;
	} sender = {0, 0, 0};
	if (header != NULL)
		memcpy(&sender, CMSG_DATA(header), sizeof(sender));
	is(sender.pid, pid, "names its sender as we know it");
	waitpid(pid, &status, 0);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	shared = shared_ints();
	numbers();
	for_children();
	signals_to_init();
	senders();
	orphans();
	the_end();
	nested();
	proc_files();
	numbers_outside();
	enter();
	credentials();
	return done();
}
