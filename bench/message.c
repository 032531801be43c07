/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes between processes: pipes and unix sockets; waiting for one of many. */
#define _GNU_SOURCE
#include "bench.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 2000, PIPE_BYTES = 16 * MIB, PIECE = 65536, WATCHED = 100, WAITS = 5000 };

static char piece[PIECE];

/* A child that sends back every byte that comes on `in`, to `out`, until the end. */
static pid_t fork_echo(int in, int out, int unused_in, int unused_out)
{
	char byte;
	pid_t pid = fork();

	if (pid < 0)
		unsupported("fork");
	if (pid == 0) {
		close(unused_in);
		close(unused_out);
		while (read(in, &byte, 1) == 1)
			if (write(out, &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	return pid;
}

static double round_trips(int in, int out)
{
	char byte = 0;
	double start = 0;

	for (int i = -10; i < ROUNDS; i++) {
		if (i == 0)
			start = now();
		if (write(out, &byte, 1) != 1 || read(in, &byte, 1) != 1)
			unsupported("one byte there and back");
	}
	return per(start, ROUNDS);
}

static double pipe_round_trip(void)
{
	int there[2], back[2];

	if (pipe(there) < 0 || pipe(back) < 0)
		unsupported("pipe");
	pid_t pid = fork_echo(there[0], back[1], there[1], back[0]);
	double took = round_trips(back[0], there[1]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return took;
}

static double pipe_kib(void)
{
	int ends[2];

	if (pipe(ends) < 0)
		unsupported("pipe");
	touch(piece, PIECE);
	pid_t pid = fork();
	if (pid < 0)
		unsupported("fork");
	if (pid == 0) {
		close(ends[0]);
		for (int at = 0; at < PIPE_BYTES; at += PIECE)
			if (write(ends[1], piece, PIECE) != PIECE)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	double start = now();
	ssize_t total = 0, got;
	while ((got = read(ends[0], piece, PIECE)) > 0)
		total += got;
	double took = per(start, PIPE_BYTES / 1024);
	waitpid(pid, NULL, 0);
	return total == PIPE_BYTES ? took : UNSUPPORTED;
}

static double socket_round_trip(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		unsupported("socketpair");
	pid_t pid = fork_echo(ends[1], ends[1], ends[0], -1);
	double took = round_trips(ends[0], ends[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return took;
}

/* One event as a server sees it: it arrives, epoll_wait reports it, it is read. */
static double epoll_one_event(void)
{
	int epoll = epoll_create1(0), ends[2] = {-1, -1};
	char byte = 0;

	if (epoll < 0)
		unsupported("epoll");
	for (int i = 0; i < WATCHED; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		if (pipe(ends) < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) < 0)
			unsupported("epoll_ctl");
	}
	double start = now();
	for (int i = 0; i < WAITS; i++) {
		struct epoll_event events[8];

		if (write(ends[1], &byte, 1) != 1 || epoll_wait(epoll, events, 8, -1) != 1 ||
		    read(ends[0], &byte, 1) != 1)
			unsupported("epoll_wait");
	}
	return per(start, WAITS);
}

SUBJECT(message, {"pipe, 1 byte there and back between processes", pipe_round_trip},
	{"pipe, a KiB, 64 KiB writes", pipe_kib},
	{"epoll_wait among 100, one event", epoll_one_event},
	{"unix socket, 1 byte there and back", socket_round_trip});
