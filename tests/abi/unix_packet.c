/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unix datagrams and sequenced packets; sending and receiving several at once.
 */
#include "abi.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define FAMILY_LENGTH offsetof(struct sockaddr_un, sun_path)

static socklen_t name_of(struct sockaddr_un *name, const char *path)
{
	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	strcpy(name->sun_path, path);
	return (socklen_t)(FAMILY_LENGTH + strlen(path) + 1);
}

static int bound_at(const char *path, int type)
{
	struct sockaddr_un name;
	socklen_t length = name_of(&name, path);
	int fd = socket(AF_UNIX, type, 0);

	unlink(path);
	if (bind(fd, (struct sockaddr *)&name, length) < 0)
		return -1;
	return fd;
}

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un name;
	socklen_t length = name_of(&name, path);

	return connect(fd, (struct sockaddr *)&name, length);
}

static ssize_t send_to(int fd, const char *path, const char *text)
{
	struct sockaddr_un name;
	socklen_t length = name_of(&name, path);

	return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&name, length);
}

static int poll_one(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

static void datagrams(void)
{
	int s[2], value;
	char text[64];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	is(write(s[0], "first", 5), 5, "a datagram");
	is(write(s[0], "", 0), 0, "an empty one");
	is(write(s[0], "second", 6), 6, "another");
	ioctl(s[1], FIONREAD, &value);
	is(value, 5, "FIONREAD tells of the first");
	is(recv(s[1], text, 64, MSG_PEEK), 5, "peek");
	is(recv(s[1], text, 2, MSG_TRUNC), 5, "MSG_TRUNC returns the whole length");
	is(recv(s[1], text, 64, 0), 0, "the empty one");
	is(recv(s[1], text, 3, 0), 3, "a short buffer");
	ok(memcmp(text, "sec", 3) == 0, "gets the beginning");
	fails(recv(s[1], text, 3, MSG_DONTWAIT), EAGAIN, "the rest is lost");
	fails(recv(s[1], text, 3, MSG_OOB), EOPNOTSUPP, "no urgent data");
	fails(send(s[1], text, 3, MSG_OOB), EOPNOTSUPP, "in neither direction");
	fails(listen(s[0], 1), EOPNOTSUPP, "listen");
	fails(accept(s[0], NULL, NULL), EOPNOTSUPP, "accept");
	(void)!write(s[0], "bad", 3);
	fails(recv(s[1], BAD_POINTER, 3, 0), EFAULT, "to nowhere");
	char *large = map_pages(128);
	is(write(s[0], large, 200000), 200000, "a large one");
	is(recv(s[1], large, 128 * PAGE, MSG_DONTWAIT), 200000, "comes whole");
	fails(write(s[0], large, 128 * PAGE), EMSGSIZE, "too large a one");
	is(shutdown(s[1], SHUT_RD), 0, "shutdown");
	fails(send(s[0], "x", 1, 0), EPIPE, "nobody reads");
	is(recv(s[1], text, 3, 0), 0, "read at the end");
	fails(recv(s[1], text, 3, MSG_DONTWAIT), EAGAIN, "without waiting");
	close(s[0]);
	fails(send(s[1], "x", 1, 0), ECONNREFUSED, "the peer is closed");
	fails(send(s[1], "x", 1, 0), ENOTCONN, "and then none");
	close(s[1]);
}

static void addresses(void)
{
	int server = bound_at("server", SOCK_DGRAM), client = bound_at("client", SOCK_DGRAM);
	int third = bound_at("third", SOCK_DGRAM);
	struct sockaddr_un name;
	socklen_t length = sizeof(name);
	char text[64];

	fails(send(client, "x", 1, 0), ENOTCONN, "send to nobody");
	fails(send_to(client, "nobody", "x"), ENOENT, "to a name that is not there");
	fails(sendto(client, "x", 1, 0, (struct sockaddr *)&name, 1), EINVAL, "half an address");
	fails(sendto(client, "x", 1, 0, BAD_POINTER, 8), EFAULT, "an address nowhere");
	is(send_to(client, "server", "hello"), 5, "sendto");
	is(recvfrom(server, text, 64, 0, (struct sockaddr *)&name, &length), 5, "recvfrom");
	is_str(name.sun_path, "client", "tells the sender");
	is(length, FAMILY_LENGTH + 7, "with its length");
	is(send_to(server, "client", "reply"), 5, "reply");
	is(recv(client, text, 64, 0), 5, "comes");
	int nameless = socket(AF_UNIX, SOCK_DGRAM, 0);
	is(send_to(nameless, "server", "hi"), 2, "a nameless sender");
	length = sizeof(name);
	is(recvfrom(server, text, 64, 0, (struct sockaddr *)&name, &length), 2, "is heard");
	is(length, 0, "without a name");
	fails(connect_to(client, "missing"), ENOENT, "connect to nothing");
	is(connect_to(client, "server"), 0, "connect");
	length = sizeof(name);
	is(getpeername(client, (struct sockaddr *)&name, &length), 0, "getpeername");
	is_str(name.sun_path, "server", "is the server");
	is(send(client, "via connect", 11, 0), 11, "send");
	is(recv(server, text, 64, 0), 11, "comes");
	is(send_to(client, "third", "x"), 1, "a connected one may send elsewhere");
	(void)!recv(third, text, 64, 0);
	is(connect_to(server, "client"), 0, "the server connects back");
	fails(send_to(third, "server", "x"), EPERM, "then it takes nothing from others");
	fails(connect_to(third, "server"), EPERM, "who cannot connect either");
	name.sun_family = AF_UNSPEC;
	is(connect(server, (struct sockaddr *)&name, sizeof(name)), 0, "AF_UNSPEC dissolves it");
	length = sizeof(name);
	fails(getpeername(server, (struct sockaddr *)&name, &length), ENOTCONN, "no peer");
	is(send_to(third, "server", "x"), 1, "open to all again");
	is(connect_to(third, "third"), 0, "connect to oneself");
	is(send(third, "me", 2, 0), 2, "send to oneself");
	is(recv(third, text, 64, 0), 2, "comes");
	chmod("server", 0);
	int status;
	if (child(&status) == 0) {
		become(1000, 1000);
		_exit(send_to(nameless, "server", "x") < 0 ? errno : 0);
	}
	is(status, EXITED(EACCES), "sendto needs the right to write");
	close(server);
	fails(send(client, "x", 1, 0), ECONNREFUSED, "the server is gone");
	fails(send(client, "x", 1, 0), ENOTCONN, "nobody is left");
	fails(send_to(nameless, "server", "x"), ECONNREFUSED, "its name leads nowhere");
	close(client);
	close(third);
	close(nameless);
}

static void limits(void)
{
	int server = bound_at("limited", SOCK_DGRAM), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct timeval limit = {.tv_usec = 30000};
	struct epoll_event event = {.events = EPOLLOUT}, got;
	int count = 0, epoll = epoll_create1(0);
	char text[64];

	connect_to(client, "limited");
	fcntl(client, F_SETFL, O_NONBLOCK);
	is(poll_one(client, POLLOUT), POLLOUT, "there is room");
	while (count < 2000 && write(client, "x", 1) == 1)
		count++;
	is(errno, EAGAIN, "the receiver's queue is full");
	ok(count >= 11 && count < 1000, "after %d", count);
	is(poll_one(client, POLLOUT), 0, "poll knows");
	epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
	is(epoll_wait(epoll, &got, 1, 0), 0, "so does epoll");
	pid_t pid = spawn();
	if (pid == 0) {
		sleep_ms(20);
		for (int i = 0; i < count; i++)
			(void)!recv(server, text, 64, 0);
		_exit(0);
	}
	is(epoll_wait(epoll, &got, 1, 5000), 1, "epoll hears of room");
	reap(pid);
	is(poll_one(client, POLLOUT), POLLOUT, "and so does poll");
	while (write(client, "x", 1) == 1)
		;
	fcntl(client, F_SETFL, 0);
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	fails(write(client, "x", 1), EAGAIN, "SO_SNDTIMEO");
	limit = (struct timeval){.tv_sec = 5};
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	pid = spawn();
	if (pid == 0) {
		sleep_ms(20);
		_exit(recv(server, text, 64, 0) == 1 ? 0 : 1);
	}
	is(write(client, "x", 1), 1, "a sender waits for room");
	is(reap(pid), EXITED(0), "that a reader makes");
	pid = spawn();
	if (pid == 0) {
		close(server);
		ssize_t n = write(client, "x", 1);
		_exit(n < 0 ? errno : 0);
	}
	sleep_ms(30);
	close(server);
	is(reap(pid), EXITED(ECONNREFUSED), "the receiver's close ends the wait");
	close(client);
	close(epoll);
}

static void packets(void)
{
	int s[2], value;
	char text[64];
	struct msghdr header = {0};
	struct iovec part = {.iov_base = text, .iov_len = 3};

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
	is(write(s[0], "first", 5), 5, "a packet");
	is(write(s[0], "second", 6), 6, "another");
	ioctl(s[1], FIONREAD, &value);
	is(value, 11, "FIONREAD counts both");
	is(read(s[1], text, 64), 5, "a read takes one");
	header.msg_iov = &part;
	header.msg_iovlen = 1;
	is(syscall(SYS_recvmsg, s[1], &header, 0), 3, "recvmsg");
	is(header.msg_flags & MSG_TRUNC, MSG_TRUNC, "tells that it was cut");
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	is(sendto(s[0], "x", 1, 0, (struct sockaddr *)&name, 3), 1, "an address does not count");
	is(read(s[1], text, 64), 1, "it goes to the peer");
	signal(SIGPIPE, SIG_IGN);
	(void)!write(s[0], "last", 4);
	close(s[0]);
	is(poll_one(s[1], POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
	   "the peer is closed");
	is(read(s[1], text, 64), 4, "what was left");
	is(read(s[1], text, 64), 0, "the end");
	is(recv(s[1], text, 64, MSG_DONTWAIT), 0, "also without waiting");
	fails(write(s[1], "x", 1), EPIPE, "EPIPE");
	close(s[1]);
	int alone = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	fails(send(alone, "x", 1, 0), ENOTCONN, "send without peer");
	fails(recv(alone, text, 1, 0), ENOTCONN, "receive without peer");
	close(alone);

	int server = bound_at("packets", SOCK_SEQPACKET),
	    client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	listen(server, 3);
	is(connect_to(client, "packets"), 0, "connect");
	is(send(client, "early", 5, 0), 5, "send before accept");
	int end = accept(server, NULL, NULL);
	is(recv(end, text, 64, 0), 5, "is there after it");
	close(end);
	close(client);
	close(server);
}

static void several(void)
{
	enum { COUNT = 4 };
	int s[2];
	char in[COUNT][8], out[COUNT][8] = {"a", "bb", "ccc", "dddd"};
	struct iovec parts[COUNT];
	struct mmsghdr headers[COUNT];
	struct timespec limit = {.tv_nsec = 20000000};

	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	memset(headers, 0, sizeof(headers));
	for (int i = 0; i < COUNT; i++) {
		parts[i] = (struct iovec){out[i], strlen(out[i])};
		headers[i].msg_hdr.msg_iov = &parts[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
	is(syscall(SYS_sendmmsg, s[0], headers, COUNT, 0), COUNT, "sendmmsg");
	ok(headers[0].msg_len == 1 && headers[3].msg_len == 4, "tells each length");
	for (int i = 0; i < COUNT; i++)
		parts[i] = (struct iovec){in[i], sizeof(in[i])};
	is(syscall(SYS_recvmmsg, s[1], headers, 3, 0, NULL), 3, "recvmmsg of three");
	ok(headers[2].msg_len == 3 && memcmp(in[2], "ccc", 3) == 0, "in order");
	is(syscall(SYS_recvmmsg, s[1], headers, COUNT, MSG_WAITFORONE, NULL), 1, "MSG_WAITFORONE");
	fails(syscall(SYS_recvmmsg, s[1], headers, COUNT, MSG_DONTWAIT, NULL), EAGAIN,
	      "nothing more");
	limit.tv_nsec = -1;
	fails(syscall(SYS_recvmmsg, s[1], headers, COUNT, 0, &limit), EINVAL, "a bad time-out");
	(void)!write(s[0], "x", 1);
	limit.tv_nsec = 0;
	is(syscall(SYS_recvmmsg, s[1], headers, COUNT, 0, &limit), 1,
	   "a time-out of nothing ends behind one");
	fails(syscall(SYS_sendmmsg, s[0], BAD_POINTER, 1, 0), EFAULT, "headers nowhere");
	fails(syscall(SYS_recvmmsg, s[1], BAD_POINTER, 1, MSG_DONTWAIT, NULL), EFAULT, "likewise");
	is(syscall(SYS_sendmmsg, s[0], headers, 0, 0), 0, "none");
	fails(syscall(SYS_sendmmsg, 999, headers, 1, 0), EBADF, "no descriptor");
	headers[1].msg_hdr.msg_iov = BAD_POINTER;
	parts[0].iov_len = 1;
	is(syscall(SYS_sendmmsg, s[0], headers, 2, 0), 1, "an error behind the first ends it");
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2000};
	fails(syscall(SYS_sendmsg, s[0], &header, 0), EMSGSIZE, "too many parts");
	fails(syscall(SYS_recvmsg, s[1], &header, 0), EMSGSIZE, "to receive as well");
	fails(syscall(SYS_sendmsg, s[0], BAD_POINTER, 0), EFAULT, "a header nowhere");
	fails(syscall(SYS_recvmsg, s[0], BAD_POINTER, 0), EFAULT, "likewise");
	header = (struct msghdr){.msg_name = parts, .msg_namelen = (socklen_t)-1};
	fails(syscall(SYS_sendmsg, s[0], &header, 0), EINVAL, "a negative length of the name");
	close(s[0]);
	close(s[1]);
}

static void peek_offset(void)
{
	int s[2], value = 2;
	char text[16];
	socklen_t length = sizeof(value);

	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, sizeof(value));
	(void)!write(s[0], "abc", 3);
	(void)!write(s[0], "defg", 4);
	is(recv(s[1], text, 16, MSG_PEEK), 1, "a peek behind two bytes");
	is(text[0], 'c', "gives the third");
	is(recv(s[1], text, 2, MSG_PEEK), 2, "the next");
	ok(memcmp(text, "de", 2) == 0, "is of the next datagram");
	getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, &length);
	is(value, 5, "the offset");
	is(recv(s[1], text, 16, 0), 3, "a read takes the first");
	getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &value, &length);
	is(value, 2, "and moves the offset back");
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	scratch();
	datagrams();
	addresses();
	limits();
	packets();
	several();
	peek_offset();
	return done();
}
