/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals about files: O_ASYNC, F_SETOWN, F_SETSIG.
 */
#include "abi.h"

#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static volatile int count, code, band, from_fd, last;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	last = signal;
	code = info->si_code;
	band = (int)info->si_band;
	from_fd = info->si_fd;
	count++;
}

static void catch (int signal)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	sigaction(signal, &action, NULL);
	count = 0;
}

static void owners(void)
{
	int ends[2];
	struct f_owner_ex owner;

	pipe(ends);
	is(fcntl(ends[0], F_GETOWN), 0, "nobody");
	is(fcntl(ends[0], F_SETOWN, getpid()), 0, "this process");
	is(fcntl(ends[0], F_GETOWN), getpid(), "is it");
	is(fcntl(ends[0], F_GETOWN_EX, &owner), 0, "in detail");
	ok(owner.type == F_OWNER_PID && owner.pid == getpid(), "a process");
	owner = (struct f_owner_ex){F_OWNER_TID, getpid()};
	is(fcntl(ends[0], F_SETOWN_EX, &owner), 0, "a thread");
	owner.type = 99;
	fcntl(ends[0], F_GETOWN_EX, &owner);
	is(owner.type, F_OWNER_TID, "is it");
	is(fcntl(ends[0], F_SETOWN, -getpgrp()), 0, "a group");
	fcntl(ends[0], F_GETOWN_EX, &owner);
	ok(owner.type == F_OWNER_PGRP && owner.pid == getpgrp(), "is it");
	fails(fcntl(ends[0], F_SETOWN, 0x7fffff0), ESRCH, "no such process");
	fails(fcntl(ends[0], F_SETOWN, INT_MIN), EINVAL, "no such group");
	owner.type = 77;
	fails(fcntl(ends[0], F_SETOWN_EX, &owner), EINVAL, "no such sort");
	fails(fcntl(ends[0], F_SETOWN_EX, BAD_POINTER), EFAULT, "a bad pointer");
	is(fcntl(ends[0], F_SETOWN, 0), 0, "nobody");
	is(fcntl(ends[0], F_GETOWN), 0, "again");
	is(fcntl(ends[0], F_GETSIG), 0, "no signal");
	is(fcntl(ends[0], F_SETSIG, SIGRTMIN + 1), 0, "one");
	is(fcntl(ends[0], F_GETSIG), SIGRTMIN + 1, "is it");
	fails(fcntl(ends[0], F_SETSIG, 65), EINVAL, "no such signal");
	pid_t gone = fork();
	if (gone == 0)
		_exit(0);
	fcntl(ends[0], F_SETOWN, gone);
	waitpid(gone, NULL, 0);
	is(fcntl(ends[0], F_GETOWN), 0, "who is gone owns nothing");
	close(ends[0]);
	close(ends[1]);
}

static void pipes(void)
{
	int ends[2];
	char byte = 'x';

	catch (SIGIO);
	pipe(ends);
	fcntl(ends[0], F_SETOWN, getpid());
	is(fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK), 0, "O_ASYNC");
	ok(fcntl(ends[0], F_GETFL) & O_ASYNC, "is set");
	is(count, 0, "nothing happened");
	write(ends[1], &byte, 1);
	wait_until(count > 0);
	is(count, 1, "a signal");
	is(last, SIGIO, "SIGIO");
	read(ends[0], &byte, 1);
	catch (SIGRTMIN + 2);
	fcntl(ends[0], F_SETSIG, SIGRTMIN + 2);
	write(ends[1], &byte, 1);
	wait_until(count > 0);
	is(last, SIGRTMIN + 2, "the chosen signal");
	ok(code == POLL_IN && from_fd == ends[0] && (band & POLLIN), "says what happened to whom");
	count = 0;
	is(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0, "cleared");
	write(ends[1], &byte, 1);
	sleep_ms(20);
	is(count, 0, "no signal");
	int on = 1;
	is(ioctl(ends[0], FIOASYNC, &on), 0, "by ioctl");
	ok(fcntl(ends[0], F_GETFL) & O_ASYNC, "is set");
	write(ends[1], &byte, 1);
	wait_until(count > 0);
	is(count, 1, "a signal");
	close(ends[0]);
	close(ends[1]);
}

static void sockets(void)
{
	int ends[2], status;
	volatile int *shared = shared_ints();
	char byte = 'x';

	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	catch (SIGIO);
	pid_t other = spawn();
	if (other == 0) {
		struct f_owner_ex owner = {F_OWNER_TID, getpid()};
		fcntl(ends[0], F_SETOWN_EX, &owner);
		fcntl(ends[0], F_SETFL, O_ASYNC);
		shared[0] = 1;
		for (int i = 0; i < 5000 && count == 0; i++)
			sleep_ms(1);
		_exit(last == SIGIO ? 0 : 1);
	}
	wait_until(shared[0]);
	write(ends[1], &byte, 1);
	is(reap(other), 0, "a thread is told of a socket");
	fcntl(ends[0], F_SETFL, 0);
	if (child(&status) == 0) {
		/* The owner is root's, so an ordinary user's file does not reach it. */
		pid_t root = getppid();
		int own[2];
		if (become(1000, 1000) != 0)
			exit(1);
		pipe(own);
		fcntl(own[0], F_SETOWN, root);
		fcntl(own[0], F_SETFL, O_ASYNC);
		write(own[1], &byte, 1);
		sleep_ms(20);
		exit(0);
	}
	is(count, 0, "nobody is told who may not be signalled");
	close(ends[0]);
	close(ends[1]);
}

/* Files end while signals are on their way. */
static void races(void)
{
	char byte = 'x';

	catch (SIGIO);
	for (int i = 0; i < 300; i++) {
		int ends[2];
		pipe(ends);
		fcntl(ends[0], F_SETOWN, getpid());
		fcntl(ends[0], F_SETFL, O_ASYNC);
		if (fork() == 0) {
			write(ends[1], &byte, 1);
			_exit(0);
		}
		close(ends[1]);
		close(ends[0]);
		while (wait(NULL) == -1 && errno == EINTR)
			;
	}
	ok(true, "closing races with signals");
}

/* How many signals came of what was done since; the time that one may take is long, for none short. */
static int told(int expected)
{
	if (expected == 0)
		sleep_ms(50);
	else
		wait_until(count >= expected);
	int n = count;

	count = 0;
	return n;
}

static void directories(void)
{
	catch (SIGIO);
	catch (SIGRTMIN + 3);
	mkdir("watched", 0755);
	int fd = open("watched", O_RDONLY | O_DIRECTORY), file;

	put_file("plain", "x", 1, 0600);
	file = open("plain", O_RDONLY);
	fails(fcntl(file, F_NOTIFY, DN_CREATE), ENOTDIR, "a file is no directory");
	close(file);
	is(fcntl(fd, F_NOTIFY, DN_CREATE), 0, "F_NOTIFY");
	put_file("watched/a", "x", 1, 0600);
	is(told(1), 1, "a new file is told, once");
	is(last, SIGIO, "by SIGIO");
	put_file("watched/b", "x", 1, 0600);
	is(told(0), 0, "the next is not");

	fcntl(fd, F_SETSIG, SIGRTMIN + 3);
	is(fcntl(fd, F_NOTIFY, DN_DELETE | DN_MULTISHOT), 0, "DN_MULTISHOT");
	is(fcntl(fd, F_NOTIFY, DN_RENAME | DN_MULTISHOT), 0, "more is wanted");
	unlink("watched/b");
	is(told(1), 1, "a file that went");
	is(last, SIGRTMIN + 3, "by the signal of F_SETSIG");
	is(from_fd, fd, "with the descriptor");
	is(code, POLL_MSG, "and its code");
	rename("watched/a", "watched/c");
	ok(told(1) >= 1, "a file with another name");
	sleep_ms(50);
	count = 0;
	put_file("watched/c", "new text", 8, 0600);
	is(told(0), 0, "what nobody asked for is not told");
	is(fcntl(fd, F_NOTIFY, 0), 0, "nothing more is wanted");
	unlink("watched/c");
	is(told(0), 0, "nothing more is told");

	is(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT), 0, "once more");
	close(fd);
	put_file("watched/d", "x", 1, 0600);
	is(told(0), 0, "until it is closed");
}

/* Threads change a directory while its watcher opens and closes it. */
static void directory_races(void)
{
	catch (SIGIO);
	pid_t pid = spawn();

	if (pid == 0)
		for (;;) {
			put_file("watched/e", "x", 1, 0600);
			unlink("watched/e");
		}
	for (int i = 0; i < 500; i++) {
		int fd = open("watched", O_RDONLY | O_DIRECTORY);

		fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | (i & 1 ? DN_MULTISHOT : 0));
		sched_yield();
		close(fd);
	}
	kill(pid, SIGKILL);
	reap(pid);
	ok(true, "closing races with changes");
}

int main(void)
{
	scratch();
	owners();
	directories();
	directory_races();
	pipes();
	sockets();
	races();
	return done();
}
