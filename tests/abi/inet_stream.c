/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP as a stream: bytes, ends, resets, waiting, room, over IPv4 and IPv6.
 */
#include "inet.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

static void bytes(int family)
{
	const char *name = family == AF_INET ? "IPv4" : "IPv6";
	int s[2], value;
	char text[32] = "";
	struct iovec parts[2] = {{.iov_base = "ab", .iov_len = 2},
				 {.iov_base = "cde", .iov_len = 3}};

	is(tcp_pair(family, s), 0, "%s: a connection", name);
	is(poll_one(s[0], POLLIN | POLLOUT), POLLOUT, "%s: is writable", name);
	is(write(s[0], "one", 3), 3, "%s: write", name);
	is(send(s[0], "two", 3, 0), 3, "%s: send", name);
	is(writev(s[0], parts, 2), 5, "%s: writev", name);
	wait_until(ioctl(s[1], FIONREAD, &value) == 0 && value == 11);
	is(value, 11, "%s: FIONREAD counts all bytes", name);
	is(poll_one(s[1], POLLIN), POLLIN, "%s: readable", name);
	is(recv(s[1], text, 4, MSG_PEEK), 4, "%s: peek", name);
	is_str(text, "onet", "%s: crosses writes", name);
	is(read(s[1], text, 2), 2, "%s: a short read", name);
	is(recv(s[1], NULL, 3, MSG_TRUNC), 3, "%s: MSG_TRUNC throws away", name);
	is(read(s[1], text, sizeof(text)), 6, "%s: leaves the rest", name);
	ok(memcmp(text, "oabcde", 6) == 0, "%s: in order", name);
	wait_until(ioctl(s[0], 0x5411, &value) == 0 && value == 0);
	is(value, 0, "%s: all is acknowledged", name);
	fails(recv(s[1], text, 1, MSG_DONTWAIT), EAGAIN, "%s: MSG_DONTWAIT", name);
	is(write(s[1], "back", 4), 4, "%s: the other way", name);
	is(read(s[0], text, 32), 4, "%s: works too", name);
	is(write(s[0], "", 0), 0, "%s: nothing", name);
	is(poll_one(s[1], POLLIN), 0, "%s: is not sent", name);
	is(read(s[1], text, 0), 0, "%s: reading nothing does not wait", name);
	fails(write(s[0], BAD_POINTER, 4), EFAULT, "%s: bytes from nowhere", name);
	fails(write(s[0], BAD_POINTER, 40000), EFAULT, "%s: many of them", name);
	is(poll_one(s[1], POLLIN), 0, "%s: are not sent", name);
	is(write(s[0], "keep", 4), 4, "%s: write", name);
	fails(read(s[1], BAD_POINTER, 4), EFAULT, "%s: bytes to nowhere", name);
	is(read(s[1], text, 32), 4, "%s: are not lost", name);
	fails(recv(s[1], text, 1, MSG_OOB), EINVAL, "%s: no urgent byte", name);
	union address to = local_address(family, 9);
	is(sendto(s[0], "x", 1, 0, &to.any, address_size(family)), 1,
	   "%s: an address does not matter", name);
	union address from;
	socklen_t length = sizeof(from);
	is(recvfrom(s[1], text, 32, 0, &from.any, &length), 1, "%s: recvfrom", name);
	is(length, 0, "%s: names nobody", name);
	close(s[0]);
	close(s[1]);
}

static void ends(void)
{
	int s[2];
	char byte, text[8];

	signal(SIGPIPE, count_signal);
	signals = 0;
	tcp_pair(AF_INET, s);
	(void)!write(s[0], "xy", 2);
	is(shutdown(s[0], SHUT_WR), 0, "shutdown");
	is(poll_for(s[1], POLLRDHUP, 5000), POLLRDHUP, "POLLRDHUP");
	is(poll_one(s[1], POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP,
	   "with data before it");
	is(read(s[1], &byte, 1), 1, "what was written first");
	is(read(s[1], &byte, 1), 1, "comes");
	is(read(s[1], &byte, 1), 0, "then the end");
	is(read(s[1], &byte, 1), 0, "again and again");
	fails(write(s[0], "x", 1), EPIPE, "no more writes");
	is(signals, 1, "SIGPIPE");
	fails(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE, "MSG_NOSIGNAL");
	is(signals, 1, "no signal");
	is(write(s[1], "z", 1), 1, "the other way is open");
	is(read(s[0], &byte, 1), 1, "and works");
	is(shutdown(s[1], SHUT_WR), 0, "its end");
	is(poll_for(s[0], POLLHUP, 5000) & POLLHUP, POLLHUP, "is POLLHUP for who has ended, too");
	is(read(s[0], &byte, 1), 0, "and the end of what comes");
	fails(shutdown(s[1], 3), EINVAL, "an unknown way");
	close(s[0]);
	close(s[1]);

	tcp_pair(AF_INET, s);
	close(s[1]);
	is(poll_for(s[0], POLLIN | POLLRDHUP, 5000), POLLIN | POLLRDHUP, "the peer is closed");
	is(read(s[0], &byte, 1), 0, "the end");
	is(write(s[0], "x", 1), 1, "the first write goes");
	is(poll_for(s[0], 0, 5000), POLLERR | POLLHUP, "and is answered by a reset");
	is(option_of(s[0], SOL_SOCKET, SO_ERROR), EPIPE, "behind the end: EPIPE");
	fails(write(s[0], "x", 1), EPIPE, "no more writes");
	close(s[0]);

	tcp_pair(AF_INET, s);
	(void)!write(s[0], "lost", 4);
	is(poll_for(s[1], POLLIN, 5000), POLLIN, "data");
	close(s[1]);
	is(poll_for(s[0], 0, 5000), POLLERR | POLLHUP, "closed with unread data: a reset");
	fails(read(s[0], text, 8), ECONNRESET, "the error");
	is(read(s[0], text, 8), 0, "is told once");
	is(option_of(s[0], SOL_SOCKET, SO_ERROR), 0, "SO_ERROR is clear");
	fails(write(s[0], "x", 1), EPIPE, "nothing can be sent");
	close(s[0]);

	struct linger hard = {.l_onoff = 1};
	tcp_pair(AF_INET, s);
	setsockopt(s[1], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(s[1]);
	is(poll_for(s[0], POLLIN | POLLOUT | POLLRDHUP, 5000),
	   POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, "SO_LINGER of 0: a reset");
	is(option_of(s[0], SOL_SOCKET, SO_ERROR), ECONNRESET, "ECONNRESET");
	close(s[0]);

	struct linger soft = {.l_onoff = 1, .l_linger = 5};
	tcp_pair(AF_INET, s);
	setsockopt(s[0], SOL_SOCKET, SO_LINGER, &soft, sizeof(soft));
	(void)!write(s[0], "all", 3);
	is(close(s[0]), 0, "SO_LINGER of 5 s");
	is(recv(s[1], text, 8, MSG_WAITALL), 3, "loses nothing");
	close(s[1]);

	tcp_pair(AF_INET, s);
	(void)!write(s[0], "ab", 2);
	is(poll_for(s[1], POLLIN, 5000), POLLIN, "data");
	is(shutdown(s[1], SHUT_RD), 0, "shutdown of the read side");
	is(read(s[1], text, 8), 2, "leaves what is there");
	is(read(s[1], text, 8), 0, "then the end");
	is(write(s[1], "ok", 2), 2, "and writes go on");
	is(read(s[0], text, 8), 2, "as before");
	close(s[0]);
	close(s[1]);

	int alone = socket(AF_INET, SOCK_STREAM, 0);
	is(poll_one(alone, POLLIN | POLLOUT), POLLOUT | POLLHUP, "poll without peer");
	fails(recv(alone, text, 1, 0), ENOTCONN, "receive without peer");
	fails(shutdown(alone, SHUT_RDWR), ENOTCONN, "shutdown without peer");
	is(poll_one(alone, POLLIN | POLLOUT), POLLIN | POLLOUT | POLLHUP, "ends it all the same");
	is(recv(alone, text, 1, 0), 0, "and so there is an end to receive");
	fails(send(alone, "x", 1, MSG_NOSIGNAL), EPIPE, "send without peer");
	close(alone);
	signal(SIGPIPE, SIG_DFL);
	int status;
	if (child(&status) == 0) {
		tcp_pair(AF_INET, s);
		shutdown(s[0], SHUT_WR);
		(void)!write(s[0], "x", 1);
		_exit(0);
	}
	is(status, KILLED(SIGPIPE), "SIGPIPE kills by default");
}

static void waiting(void)
{
	int s[2];
	char byte, text[16];
	struct timeval limit = {.tv_usec = 30000};

	tcp_pair(AF_INET, s);
	pid_t pid = spawn();
	if (pid == 0) {
		sleep_ms(20);
		(void)!write(s[0], "ab", 2);
		sleep_ms(20);
		(void)!write(s[0], "cd", 2);
		_exit(0);
	}
	is(recv(s[1], text, 4, MSG_WAITALL), 4, "MSG_WAITALL waits for all");
	reap(pid);
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	long start = now_ms();
	fails(read(s[1], &byte, 1), EAGAIN, "SO_RCVTIMEO");
	ok(now_ms() - start >= 29, "takes its time");
	(void)!write(s[0], "ab", 2);
	is(recv(s[1], text, 4, MSG_WAITALL), 2, "MSG_WAITALL gives what came in time");
	struct sigaction action = {.sa_handler = count_signal};
	sigaction(SIGALRM, &action, NULL);
	struct itimerval soon = {.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000};
	struct itimerval never = {0};
	limit.tv_sec = 5;
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setitimer(ITIMER_REAL, &soon, NULL);
	fails(read(s[1], &byte, 1), EINTR, "a signal ends the wait");
	setitimer(ITIMER_REAL, &never, NULL);
	limit = (struct timeval){0};
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	int value = 3;
	setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
	(void)!write(s[0], "ab", 2);
	wait_until(ioctl(s[1], FIONREAD, &value) == 0 && value == 2);
	is(poll_one(s[1], POLLIN), 0, "SO_RCVLOWAT holds poll back");
	(void)!write(s[0], "c", 1);
	is(poll_for(s[1], POLLIN, 5000), POLLIN, "until there is enough");
	is(read(s[1], text, 16), 3, "all of it");
	close(s[0]);
	close(s[1]);
}

static void room(void)
{
	static char piece[4096];
	int s[2];
	long total = 0, got = 0;
	ssize_t n;

	tcp_pair(AF_INET, s);
	fcntl(s[0], F_SETFL, O_NONBLOCK);
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	do {
		n = write(s[0], piece, sizeof(piece));
		total += n > 0 ? n : 0;
	} while (n > 0 || poll_for(s[0], POLLOUT, 200) != 0);
	is(errno, EAGAIN, "the socket is full");
	ok(total >= 65536, "after some %d KiB", (int)(total / 1024));
	is(poll_one(s[0], POLLOUT), 0, "not writable");
	is(poll_one(s[1], POLLOUT), POLLOUT, "the other way is");
	while (got < total && poll_for(s[1], POLLIN, 5000) == POLLIN)
		while ((n = read(s[1], piece, sizeof(piece))) > 0)
			got += n;
	is(got, total, "all of it is read");
	is(poll_for(s[0], POLLOUT, 5000), POLLOUT, "writable again");
	fcntl(s[0], F_SETFL, 0);
	fcntl(s[1], F_SETFL, 0);
	pid_t pid = spawn();
	if (pid == 0) {
		close(s[1]);
		for (int i = 0; i < 2048; i++) {
			memset(piece, i, sizeof(piece));
			if (write(s[0], piece, sizeof(piece)) != sizeof(piece))
				_exit(1);
		}
		_exit(0);
	}
	close(s[0]);
	bool right = true;
	got = 0;
	while ((n = read(s[1], piece, 1000)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			right &= piece[i] == (char)((got + i) / 4096);
		got += n;
	}
	is(got, 2048 * 4096, "eight MiB through a socket that is full most of the time");
	ok(right, "are what was written");
	is(reap(pid), EXITED(0), "the writer waited for room");
	close(s[1]);

	tcp_pair(AF_INET, s);
	is(set_option(s[0], SOL_SOCKET, SO_SNDBUF, 4096), 0, "a small send buffer");
	is(set_option(s[1], SOL_SOCKET, SO_RCVBUF, 4096), 0, "a small receive buffer");
	pid = spawn();
	if (pid == 0) {
		for (int i = 0; i < 32; i++) {
			memset(piece, i, sizeof(piece));
			if (write(s[0], piece, sizeof(piece)) != sizeof(piece))
				_exit(1);
		}
		_exit(0);
	}
	close(s[0]);
	for (got = 0, right = true; (n = read(s[1], piece, 777)) > 0; got += n)
		for (ssize_t i = 0; i < n; i++)
			right &= piece[i] == (char)((got + i) / 4096);
	is(got, 32 * 4096, "128 KiB through small buffers");
	ok(right, "are what was written");
	is(reap(pid), EXITED(0), "and complete");
	close(s[1]);

	tcp_pair(AF_INET, s);
	struct timeval limit = {.tv_usec = 30000};
	setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	for (total = 0; (n = write(s[0], piece, sizeof(piece))) == sizeof(piece); total += n)
		;
	ok(n > 0 || errno == EAGAIN, "SO_SNDTIMEO");
	limit.tv_usec = 0;
	setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	signal(SIGPIPE, SIG_IGN);
	pid = spawn();
	if (pid == 0) {
		close(s[0]);
		sleep_ms(30);
		_exit(0);
	}
	close(s[1]);
	while ((n = write(s[0], piece, sizeof(piece))) > 0)
		;
	ok(n < 0 && (errno == EPIPE || errno == ECONNRESET), "the reader's close ends the wait");
	reap(pid);
	close(s[0]);
	signal(SIGPIPE, SIG_DFL);
}

static void small_writes(void)
{
	enum { COUNT = 20000 };
	int s[2], good = 0;
	char byte;

	tcp_pair(AF_INET, s);
	pid_t pid = spawn();
	if (pid == 0) {
		for (int i = 0; i < COUNT; i++) {
			byte = (char)(i % 251);
			if (write(s[0], &byte, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	is(reap(pid), EXITED(0), "%d bytes, one by one", COUNT);
	for (int i = 0; i < COUNT && read(s[1], &byte, 1) == 1; i++)
		good += byte == (char)(i % 251);
	is(good, COUNT, "all come, in order");
	close(s[0]);
	close(s[1]);
}

static void big_writes(int family)
{
	enum { SIZE = 3 << 20 };
	char *data = map_pages(SIZE / PAGE), *back = map_pages(SIZE / PAGE);
	const char *name = family == AF_INET ? "IPv4" : "IPv6";
	int s[2];

	for (int i = 0; i < SIZE; i++)
		data[i] = (char)(i * 7 + i / 4096);
	tcp_pair(family, s);
	pid_t pid = spawn();
	if (pid == 0)
		_exit(write(s[0], data, SIZE) == SIZE ? 0 : 1);
	is(recv(s[1], back, SIZE, MSG_WAITALL), SIZE, "%s: three MiB at once", name);
	ok(memcmp(data, back, SIZE) == 0, "%s: are the same", name);
	is(reap(pid), EXITED(0), "%s: the write is complete", name);
	int fd = open("/proc/self/exe", O_RDONLY), pipe_ends[2];
	is(sendfile(s[0], fd, NULL, 5000), 5000, "%s: sendfile", name);
	is(pread(fd, data, 5000, 0), 5000, "%s: what was sent", name);
	is(recv(s[1], back, 5000, MSG_WAITALL), 5000, "%s: comes", name);
	ok(memcmp(data, back, 5000) == 0, "%s: as it is in the file", name);
	close(fd);
	is(pipe(pipe_ends), 0, "%s: pipe", name);
	is(write(pipe_ends[1], "through a pipe", 14), 14, "%s: write", name);
	is(splice(pipe_ends[0], NULL, s[0], NULL, 14, 0), 14, "%s: splice out", name);
	is(splice(s[1], NULL, pipe_ends[1], NULL, 14, 0), 14, "%s: splice in", name);
	is(read(pipe_ends[0], back, 32), 14, "%s: round", name);
	ok(memcmp(back, "through a pipe", 14) == 0, "%s: and whole", name);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	struct mmsghdr two[2] = {0};
	struct iovec parts[2] = {{.iov_base = "ab", .iov_len = 2},
				 {.iov_base = "cde", .iov_len = 3}};
	for (int i = 0; i < 2; i++)
		two[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	is(sendmmsg(s[0], two, 2, 0), 2, "%s: sendmmsg", name);
	is(two[1].msg_len, 3, "%s: tells lengths", name);
	is(recv(s[1], back, 5, MSG_WAITALL), 5, "%s: all of it", name);
	close(s[0]);
	close(s[1]);
	munmap(data, SIZE);
	munmap(back, SIZE);
}

/* How long something is held back is the kernel's affair; but it all comes, in order. */
static void held_back(void)
{
	int s[2];
	char text[16];

	tcp_pair(AF_INET, s);
	is(set_option(s[0], IPPROTO_TCP, TCP_CORK, 1), 0, "TCP_CORK");
	(void)!write(s[0], "ab", 2);
	(void)!write(s[0], "cd", 2);
	is(set_option(s[0], IPPROTO_TCP, TCP_CORK, 0), 0, "without it");
	is(recv(s[1], text, 4, MSG_WAITALL), 4, "what was held back goes");
	is(send(s[0], "ef", 2, MSG_MORE), 2, "MSG_MORE");
	(void)!write(s[0], "g", 1);
	is(recv(s[1], text + 4, 3, MSG_WAITALL), 3, "goes with what follows");
	ok(memcmp(text, "abcdefg", 7) == 0, "in order");
	set_option(s[0], IPPROTO_TCP, TCP_CORK, 1);
	(void)!write(s[0], "h", 1);
	is(read(s[1], text, 1), 1, "nothing is held back for ever");
	(void)!write(s[0], "i", 1);
	close(s[0]);
	is(read(s[1], text, 1), 1, "nor lost by close");
	close(s[1]);
}

static void with_epoll(void)
{
	int s[2], epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP}, got;
	char text[8];

	tcp_pair(AF_INET, s);
	epoll_ctl(epoll, EPOLL_CTL_ADD, s[1], &event);
	is(epoll_wait(epoll, &got, 1, 0), 1, "epoll: writable at first");
	is(got.events, EPOLLOUT, "just that");
	is(epoll_wait(epoll, &got, 1, 0), 0, "once, edge-triggered");
	(void)!write(s[0], "x", 1);
	is(epoll_wait(epoll, &got, 1, 5000), 1, "a byte");
	is(got.events, EPOLLIN | EPOLLOUT, "makes it readable");
	is(epoll_wait(epoll, &got, 1, 0), 0, "once");
	(void)!write(s[0], "x", 1);
	is(epoll_wait(epoll, &got, 1, 5000), 1, "another byte, another event");
	(void)!read(s[1], text, 8);
	close(s[0]);
	is(epoll_wait(epoll, &got, 1, 5000), 1, "the peer's close");
	is(got.events, EPOLLIN | EPOLLOUT | EPOLLRDHUP, "is seen");
	close(s[1]);
	int listener = listener_at(AF_INET, 4);
	event.events = EPOLLIN;
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	is(epoll_wait(epoll, &got, 1, 0), 0, "a listener is silent");
	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	is(connect_local(s[0], AF_INET, port_of(listener)), 0, "until somebody connects");
	is(epoll_wait(epoll, &got, 1, 5000), 1, "and is heard");
	is(got.events, EPOLLIN, "as readable");
	close(s[0]);
	close(listener);
	close(epoll);
}

static void *echo(void *argument)
{
	int fd = *(int *)argument;
	char text[64];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		if (write(fd, text, (size_t)n) != n)
			break;
	return NULL;
}

static void threads(void)
{
	enum { ROUNDS = 300 };
	int s[2], good = 0;
	pthread_t thread;
	char text[64];

	tcp_pair(AF_INET, s);
	pthread_create(&thread, NULL, echo, &s[1]);
	for (int i = 0; i < ROUNDS; i++) {
		size_t size = (size_t)(i % 60 + 1);

		memset(text, i, sizeof(text));
		if (write(s[0], text, size) == (ssize_t)size &&
		    recv(s[0], text, size, MSG_WAITALL) == (ssize_t)size && text[0] == (char)i)
			good++;
	}
	is(good, ROUNDS, "there and back between threads");
	shutdown(s[0], SHUT_WR);
	pthread_join(thread, NULL);
	close(s[0]);
	close(s[1]);
}

/* What was sent before close comes whole, however slowly it is read. */
static void slow_reader(void)
{
	enum { SIZE = 720000, PIECE = 4096 };
	static char piece[PIECE];
	int s[2];
	ssize_t got, sent = 0, received = 0;

	if (tcp_pair(AF_INET, s) < 0)
		return;
	while (sent < SIZE) {
		got = send(s[0], piece, SIZE - sent < PIECE ? SIZE - sent : PIECE, MSG_DONTWAIT);
		if (got < 0)
			break;
		sent += got;
	}
	close(s[0]);
	for (int i = 0; (got = read(s[1], piece, PIECE)) > 0; i++) {
		received += got;
		if (i % 10 == 9 && i < 50)
			usleep(1100000);
	}
	is(received, sent, "a slow reader gets what was sent before the end");
	close(s[1]);
}

/* Ports of which one end still waits for stray packets are not taken for new connections. */
static void one_after_the_other(void)
{
	enum { COUNT = 2000 };
	int listener = listener_at(AF_INET, 5), good = 0;

	for (int i = 0; i < COUNT; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0), server;

		if (connect_local(client, AF_INET, port_of(listener)) < 0)
			break;
		server = accept(listener, NULL, NULL);
		close(server);
		close(client);
		good++;
	}
	close(listener);
	ok(good == COUNT, "thousands of connections one after the other, which the server ends");
}

int main(void)
{
	one_after_the_other();
	slow_reader();
	bytes(AF_INET);
	if (has_ip6()) {
		bytes(AF_INET6);
		big_writes(AF_INET6);
	} else {
		skip(2, "no IPv6");
	}
	ends();
	waiting();
	room();
	small_writes();
	big_writes(AF_INET);
	held_back();
	with_epoll();
	threads();
	return done();
}
