/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unix streams: bytes, ends, waiting, signals.
 */
#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

static int poll_one(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

static void bytes(void)
{
	int s[2], value;
	char text[32] = "";
	struct iovec parts[2] = {{.iov_base = "ab", .iov_len = 2},
				 {.iov_base = "cde", .iov_len = 3}};

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	is(poll_one(s[0], POLLIN | POLLOUT), POLLOUT, "a fresh pair is writable");
	is(write(s[0], "one", 3), 3, "write");
	is(send(s[0], "two", 3, 0), 3, "send");
	is(writev(s[0], parts, 2), 5, "writev");
	is(poll_one(s[1], POLLIN), POLLIN, "readable");
	is(ioctl(s[1], FIONREAD, &value), 0, "FIONREAD");
	is(value, 11, "counts all bytes");
	is(ioctl(s[0], 0x5411, &value), 0, "SIOCOUTQ");
	ok(value > 0, "counts what is under way");
	is(recv(s[1], text, 4, MSG_PEEK), 4, "peek");
	is_str(text, "onet", "crosses messages");
	is(read(s[1], text, 2), 2, "a short read");
	is(read(s[1], text, sizeof(text)), 9, "leaves the rest");
	ok(memcmp(text, "etwoabcde", 9) == 0, "in order");
	ioctl(s[0], 0x5411, &value);
	is(value, 0, "nothing is under way");
	fails(recv(s[1], text, 1, MSG_DONTWAIT), EAGAIN, "MSG_DONTWAIT");
	is(write(s[1], "back", 4), 4, "the other way");
	is(read(s[0], text, 32), 4, "works too");
	is(write(s[0], "", 0), 0, "nothing");
	is(poll_one(s[1], POLLIN), 0, "is not sent");
	is(read(s[1], text, 0), 0, "reading nothing does not wait");
	fails(write(s[0], BAD_POINTER, 4), EFAULT, "bytes from nowhere");
	is(poll_one(s[1], POLLIN), 0, "are not sent");
	(void)!write(s[0], "keep", 4);
	fails(read(s[1], BAD_POINTER, 4), EFAULT, "bytes to nowhere");
	is(read(s[1], text, 32), 4, "are not lost");
	fails(recv(s[1], text, 1, MSG_OOB), EINVAL, "no urgent byte");
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	fails(sendto(s[0], "x", 1, 0, (struct sockaddr *)&name, 3), EISCONN, "an address");
	int alone = socket(AF_UNIX, SOCK_STREAM, 0);
	fails(sendto(alone, "x", 1, 0, (struct sockaddr *)&name, 3), EOPNOTSUPP, "unconnected");
	fails(send(alone, "x", 1, 0), ENOTCONN, "send without peer");
	fails(recv(alone, text, 1, 0), EINVAL, "receive without peer");
	fails(sendto(0, "x", 1, 0, NULL, 0), ENOTSOCK, "send to /dev/null");
	fails(recvfrom(999, text, 1, 0, NULL, NULL), EBADF, "receive from nothing");
	close(alone);
	socklen_t length = sizeof(name);
	(void)!write(s[0], "from", 4);
	is(recvfrom(s[1], text, 32, 0, (struct sockaddr *)&name, &length), 4, "recvfrom");
	is(length, 0, "without a sender's name");
	close(s[0]);
	close(s[1]);
}

static void ends(void)
{
	int s[2];
	char byte;

	signal(SIGPIPE, count_signal);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	(void)!write(s[0], "xy", 2);
	is(shutdown(s[0], SHUT_WR), 0, "shutdown");
	is(poll_one(s[1], POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP, "POLLRDHUP");
	is(read(s[1], &byte, 1), 1, "what was written first");
	is(read(s[1], &byte, 1), 1, "comes");
	is(read(s[1], &byte, 1), 0, "then the end");
	fails(write(s[0], "x", 1), EPIPE, "no more writes");
	is(signals, 1, "SIGPIPE");
	fails(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE, "MSG_NOSIGNAL");
	is(signals, 1, "no signal");
	is(write(s[1], "z", 1), 1, "the other way is open");
	is(read(s[0], &byte, 1), 1, "and works");
	is(shutdown(s[1], SHUT_RD), 0, "shutdown of the read side");
	is(shutdown(s[1], SHUT_WR), 0, "and the write side");
	is(poll_one(s[0], POLLIN | POLLOUT), POLLIN | POLLOUT | POLLHUP, "POLLHUP at both ends");
	fails(shutdown(s[1], 3), EINVAL, "an unknown way");
	close(s[0]);
	close(s[1]);

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	close(s[1]);
	is(poll_one(s[0], POLLIN | POLLOUT), POLLIN | POLLOUT | POLLHUP, "the peer is closed");
	is(read(s[0], &byte, 1), 0, "the end");
	fails(write(s[0], "x", 1), EPIPE, "EPIPE");
	is(signals, 2, "SIGPIPE");
	close(s[0]);

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	(void)!write(s[0], "lost", 4);
	(void)!write(s[1], "kept", 4);
	close(s[1]);
	ok(poll_one(s[0], POLLIN) & POLLERR, "closed with unread data: POLLERR");
	char text[8];
	is(read(s[0], text, 8), 4, "what came is read first");
	fails(read(s[0], text, 8), ECONNRESET, "then the error");
	is(read(s[0], text, 8), 0, "then the end");
	int value = -1;
	socklen_t length = sizeof(value);
	getsockopt(s[0], SOL_SOCKET, SO_ERROR, &value, &length);
	is(value, 0, "SO_ERROR is clear");
	close(s[0]);

	int alone = socket(AF_UNIX, SOCK_STREAM, 0);
	is(shutdown(alone, SHUT_RDWR), 0, "shutdown without peer");
	close(alone);
	signal(SIGPIPE, SIG_DFL);
	int status;
	if (child(&status) == 0) {
		socketpair(AF_UNIX, SOCK_STREAM, 0, s);
		close(s[1]);
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

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
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
	struct itimerval soon = {.it_value.tv_usec = 20000};
	limit.tv_sec = 5;
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setitimer(ITIMER_REAL, &soon, NULL);
	fails(read(s[1], &byte, 1), EINTR, "a signal ends the wait");
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	fails(read(s[1], &byte, 1), EINTR, "with a time-out even with SA_RESTART");
	limit = (struct timeval){0};
	setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	pid = spawn();
	if (pid == 0) {
		sleep_ms(80);
		(void)!write(s[0], "r", 1);
		_exit(0);
	}
	setitimer(ITIMER_REAL, &soon, NULL);
	is(read(s[1], &byte, 1), 1, "without one it is restarted");
	reap(pid);
	int value = 3;
	setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	(void)!write(s[0], "ab", 2);
	is(read(s[1], text, 16), 2, "SO_RCVLOWAT does not hold back what is there");
	fails(read(s[1], text, 16), EAGAIN, "O_NONBLOCK");
	close(s[0]);
	close(s[1]);
}

static void room(void)
{
	static char piece[4096];
	int s[2];
	long total = 0, got = 0;
	ssize_t n;

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
	while ((n = write(s[0], piece, sizeof(piece))) > 0)
		total += n;
	is(errno, EAGAIN, "the socket is full");
	ok(total >= 65536 && total <= 1 << 20, "after some %d KiB", (int)(total / 1024));
	is(poll_one(s[0], POLLOUT), 0, "not writable");
	is(poll_one(s[1], POLLOUT), POLLOUT, "the other way is");
	(void)!read(s[1], piece, 1);
	is(poll_one(s[0], POLLOUT), 0, "one byte less is no room yet");
	for (got = 1; (n = read(s[1], piece, sizeof(piece))) > 0; got += n)
		;
	is(got, total, "all of it is read");
	is(poll_one(s[0], POLLOUT), POLLOUT, "writable again");
	fcntl(s[0], F_SETFL, 0);
	fcntl(s[1], F_SETFL, 0);
	pid_t pid = spawn();
	if (pid == 0) {
		close(s[1]);
		for (int i = 0; i < 512; i++) {
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
	is(got, 512 * 4096, "two MiB through a socket that is full most of the time");
	ok(right, "are what was written");
	is(reap(pid), EXITED(0), "the writer waited for room");
	close(s[1]);

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	struct timeval limit = {.tv_usec = 30000};
	setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	for (total = 0; (n = write(s[0], piece, sizeof(piece))) == sizeof(piece); total += n)
		;
	ok(n > 0 || errno == EAGAIN, "SO_SNDTIMEO");
	signal(SIGPIPE, SIG_IGN);
	pid = spawn();
	if (pid == 0) {
		close(s[0]);
		sleep_ms(30);
		_exit(0);
	}
	close(s[1]);
	limit.tv_usec = 0;
	setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	n = write(s[0], piece, sizeof(piece));
	ok(n < 0 && (errno == EPIPE || errno == ECONNRESET), "the reader's close ends the wait");
	reap(pid);
	close(s[0]);
}

static void big_writes(void)
{
	enum { SIZE = 3 << 20 };
	char *data = map_pages(SIZE / PAGE), *back = map_pages(SIZE / PAGE);
	int s[2];

	for (int i = 0; i < SIZE; i++)
		data[i] = (char)(i * 7 + i / 4096);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pid_t pid = spawn();
	if (pid == 0)
		_exit(write(s[0], data, SIZE) == SIZE ? 0 : 1);
	is(recv(s[1], back, SIZE, MSG_WAITALL), SIZE, "three MiB at once");
	ok(memcmp(data, back, SIZE) == 0, "are the same");
	is(reap(pid), EXITED(0), "the write is complete");
	int fd = open("/proc/self/exe", O_RDONLY);
	ssize_t sent = sendfile(s[0], fd, NULL, 5000);
	is(sent, 5000, "sendfile to a socket");
	pread(fd, data, 5000, 0);
	is(recv(s[1], back, 5000, MSG_WAITALL), 5000, "comes");
	ok(memcmp(data, back, 5000) == 0, "as it is in the file");
	close(fd);
	close(s[0]);
	close(s[1]);
}

static void peek_offset(void)
{
	int s[2], value = 1;
	char text[16] = "";
	socklen_t length = sizeof(value);

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	is(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, sizeof(value)), 0, "SO_PEEK_OFF");
	(void)!write(s[0], "abc", 3);
	(void)!write(s[0], "defg", 4);
	is(recv(s[1], text, 3, MSG_PEEK), 3, "peek from an offset");
	ok(memcmp(text, "bcd", 3) == 0, "crosses messages");
	getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, &length);
	is(value, 4, "and moves on");
	is(recv(s[1], text, 2, MSG_PEEK), 2, "the next peek");
	ok(memcmp(text, "ef", 2) == 0, "goes on there");
	is(read(s[1], text, 2), 2, "a read");
	getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, &length);
	is(value, 4, "moves it back");
	close(s[0]);
	close(s[1]);
}

static void with_epoll(void)
{
	int s[2], epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP}, got;
	char text[8];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	epoll_ctl(epoll, EPOLL_CTL_ADD, s[1], &event);
	is(epoll_wait(epoll, &got, 1, 0), 1, "epoll: writable at first");
	is(got.events, EPOLLOUT, "just that");
	is(epoll_wait(epoll, &got, 1, 0), 0, "once, edge-triggered");
	(void)!write(s[0], "x", 1);
	is(epoll_wait(epoll, &got, 1, 1000), 1, "a byte");
	is(got.events, EPOLLIN | EPOLLOUT, "makes it readable");
	(void)!write(s[0], "x", 1);
	is(epoll_wait(epoll, &got, 1, 1000), 1, "another byte, another event");
	(void)!read(s[1], text, 8);
	close(s[0]);
	is(epoll_wait(epoll, &got, 1, 1000), 1, "the peer's close");
	is(got.events, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP, "is seen");
	close(s[1]);

	int middle = epoll_create1(0), outer = epoll_create1(0);
	event.events = EPOLLIN;
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	epoll_ctl(middle, EPOLL_CTL_ADD, epoll, &event);
	epoll_ctl(outer, EPOLL_CTL_ADD, middle, &event);
	epoll_ctl(epoll, EPOLL_CTL_ADD, s[1], &event);
	is(epoll_wait(outer, &got, 1, 0), 0, "a set in a set in a set is silent");
	(void)!write(s[0], "x", 1);
	is(epoll_wait(outer, &got, 1, 1000), 1, "and hears of a byte");
	(void)!read(s[1], text, 8);
	is(epoll_wait(outer, &got, 1, 0), 0, "until it is read");
	close(s[0]);
	close(s[1]);
	close(middle);
	close(outer);
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

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
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

static volatile sig_atomic_t urged;

static void on_urgent(int sig)
{
	(void)sig;
	urged = 1;
}

/* The last byte of what is sent as urgent has a way of its own. */
static void urgent_bytes(void)
{
	int s[2], mark = -1, on = 1;
	char text[16] = "";

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	if (send(s[0], "abc", 3, MSG_OOB) != 3) {
		skip(1, "no urgent bytes in this kernel: %s", strerror(errno));
		close(s[0]);
		close(s[1]);
		return;
	}
	recv(s[1], text, 2, 0);
	recv(s[1], text, 1, MSG_OOB);
	fails(send(s[0], "", 0, MSG_OOB), EOPNOTSUPP, "nothing is not urgent");
	signal(SIGURG, on_urgent);
	fcntl(s[1], F_SETOWN, getpid());
	is(send(s[0], "abc", 3, MSG_OOB), 3, "three bytes, the last of them urgent");
	wait_until(urged);
	is(urged, 1, "SIGURG tells");
	struct pollfd p = {s[1], POLLIN | POLLPRI, 0};
	is(poll(&p, 1, 0), 1, "so does poll");
	is(p.revents, POLLIN | POLLPRI, "of both");
	is(ioctl(s[1], SIOCATMARK, &mark), 0, "is the next byte urgent?");
	is(mark, 0, "no");
	is(recv(s[1], text, sizeof(text), 0), 2, "a read ends before it");
	is(memcmp(text, "ab", 2), 0, "with what came before");
	ioctl(s[1], SIOCATMARK, &mark);
	is(mark, 1, "now it is the next");
	is(recv(s[1], text, sizeof(text), MSG_OOB), 1, "it is read");
	is(text[0], 'c', "apart");
	fails(recv(s[1], text, sizeof(text), MSG_OOB), EINVAL, "once");
	send(s[0], "d", 1, 0);
	is(recv(s[1], text, sizeof(text), 0), 1, "what follows");
	is(text[0], 'd', "is read as ever");
	send(s[0], "pq", 2, MSG_OOB);
	send(s[0], "r", 1, 0);
	is(recv(s[1], text, sizeof(text), 0), 1, "who does not care");
	is(recv(s[1], text, sizeof(text), 0), 1, "goes on");
	is(text[0], 'r', "behind it");
	setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	send(s[0], "xy", 2, MSG_OOB);
	is(recv(s[1], text, sizeof(text), 0), 1, "in line, too, a read ends before it");
	fails(recv(s[1], text, sizeof(text), MSG_OOB), EINVAL, "and it has no way of its own");
	is(recv(s[1], text, sizeof(text), 0), 1, "but is read");
	is(text[0], 'y', "among the others");
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	bytes();
	ends();
	waiting();
	room();
	big_writes();
	peek_offset();
	with_epoll();
	threads();
	urgent_bytes();
	return done();
}
