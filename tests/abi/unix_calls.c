/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unix sockets: making, naming and connecting them, and their options.
 */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
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

static socklen_t abstract_of(struct sockaddr_un *name, const char *text)
{
	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	memcpy(name->sun_path + 1, text, strlen(text));
	return (socklen_t)(FAMILY_LENGTH + 1 + strlen(text));
}

static int bind_to(int fd, const char *path)
{
	struct sockaddr_un name;
	socklen_t length = name_of(&name, path);

	return bind(fd, (struct sockaddr *)&name, length);
}

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un name;
	socklen_t length = name_of(&name, path);

	return connect(fd, (struct sockaddr *)&name, length);
}

static int listener_at(const char *path, int type, int backlog)
{
	int fd = socket(AF_UNIX, type, 0);

	if (bind_to(fd, path) < 0 || listen(fd, backlog) < 0)
		return -1;
	return fd;
}

static int poll_one(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

static void making(void)
{
	int pair[2], fd;
	struct stat status;
	char link[64], path[32];
	struct rlimit limit, old;

	fails(socket(AF_UNIX, SOCK_STREAM, 99), EPROTONOSUPPORT, "an unknown protocol");
	fails(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT, "an unsupported type");
	fails(socket(AF_UNIX, 11, 0), EINVAL, "a type that there is not");
	fails(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL, "an unknown flag");
	fails(socket(0, SOCK_STREAM, 0), EAFNOSUPPORT, "no family");
	fails(socket(45, SOCK_STREAM, 0), EAFNOSUPPORT, "an unknown family");
	fails(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT, "a negative family");
	fails(socketpair(AF_UNIX, SOCK_STREAM, 99, pair), EPROTONOSUPPORT, "socketpair likewise");
	fails(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD_POINTER), EFAULT, "socketpair to nowhere");
	fails(socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, pair), EINVAL, "socketpair, bad flag");
	getrlimit(RLIMIT_NOFILE, &old);
	limit = old;
	limit.rlim_cur = 4;
	setrlimit(RLIMIT_NOFILE, &limit);
	fails(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EMFILE, "socketpair with one descriptor");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	is(fd, 3, "the one is still free");
	close(fd);
	setrlimit(RLIMIT_NOFILE, &old);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	is(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK, "SOCK_NONBLOCK");
	is(fcntl(fd, F_GETFD), FD_CLOEXEC, "SOCK_CLOEXEC");
	fstat(fd, &status);
	ok(S_ISSOCK(status.st_mode), "fstat says socket");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(path, link, sizeof(link) - 1);
	link[length > 0 ? length : 0] = '\0';
	char want[64];
	snprintf(want, sizeof(want), "socket:[%lu]", (unsigned long)status.st_ino);
	is_str(link, want, "its link in /proc");
	fails(open(path, O_RDWR), ENXIO, "which cannot be opened");
	fails(lseek(fd, 0, SEEK_CUR), ESPIPE, "no position");
	fails(ioctl(fd, 0x5401, &status), ENOTTY, "no terminal");
	close(fd);
	fails(bind(0, (struct sockaddr *)&status, 4), ENOTSOCK, "bind of /dev/null");
	fails(listen(999, 1), EBADF, "listen without descriptor");
	fails(getpeername(0, NULL, NULL), ENOTSOCK, "getpeername of /dev/null");
	fails(shutdown(0, 0), ENOTSOCK, "shutdown of /dev/null");
	fails(accept(0, NULL, NULL), ENOTSOCK, "accept from /dev/null");
	fails(syscall(SYS_accept4, 999, NULL, NULL, 1), EBADF, "accept4 without descriptor");
	fails(syscall(SYS_accept4, 0, NULL, NULL, 1), EINVAL, "accept4 with an unknown flag");
}

static void binding(void)
{
	struct sockaddr_un name, got;
	struct stat status;
	socklen_t length, got_length;
	char path[120];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);

	umask(027);
	got_length = sizeof(got);
	is(getsockname(fd, (struct sockaddr *)&got, &got_length), 0,
	   "getsockname of a nameless one");
	is(got_length, 2, "is the family alone");
	length = name_of(&name, "s");
	fails(bind(fd, (struct sockaddr *)&name, 1), EINVAL, "half a family");
	fails(bind(fd, (struct sockaddr *)&name, 0), EINVAL, "no address");
	fails(bind(fd, (struct sockaddr *)&name, sizeof(name) + 1), EINVAL, "too long an address");
	fails(bind(fd, (struct sockaddr *)&name, -1), EINVAL, "a negative length");
	fails(bind(fd, BAD_POINTER, length), EFAULT, "an address nowhere");
	name.sun_family = AF_INET;
	fails(bind(fd, (struct sockaddr *)&name, length), EINVAL, "another family's address");
	name.sun_family = AF_UNIX;
	is(bind(fd, (struct sockaddr *)&name, length), 0, "bind");
	stat("s", &status);
	is(status.st_mode, S_IFSOCK | 0750, "makes a socket, with the umask");
	fails(open("s", O_RDWR), ENXIO, "which cannot be opened");
	fails(bind_to(other, "s"), EADDRINUSE, "a name that is taken");
	fails(bind_to(fd, "s"), EADDRINUSE, "again to the same");
	fails(bind_to(fd, "t"), EINVAL, "a second name");
	fails(access("t", F_OK), ENOENT, "leaves nothing behind");
	fails(bind_to(other, "missing/s"), ENOENT, "in a folder that is not there");
	mkdir("d", 0700);
	fails(bind_to(other, "d"), EADDRINUSE, "a folder's name");
	is(bind_to(other, "d/x"), 0, "the failed ones leave it free to bind");
	got_length = sizeof(got);
	memset(&got, 'x', sizeof(got));
	getsockname(fd, (struct sockaddr *)&got, &got_length);
	is(got_length, FAMILY_LENGTH + 2, "getsockname's length has the terminator");
	is_str(got.sun_path, "s", "and the path");
	got_length = 3;
	memset(&got, 'x', sizeof(got));
	is(getsockname(fd, (struct sockaddr *)&got, &got_length), 0, "with room for three bytes");
	is(got_length, FAMILY_LENGTH + 2, "the length is the whole");
	ok(got.sun_path[0] == 's' && got.sun_path[1] == 'x', "what fits is there");
	fails(getsockname(fd, BAD_POINTER, &got_length), EFAULT, "getsockname to nowhere");
	fails(getsockname(fd, (struct sockaddr *)&got, BAD_POINTER), EFAULT, "length nowhere");
	got_length = (socklen_t)-1;
	fails(getsockname(fd, (struct sockaddr *)&got, &got_length), EINVAL, "negative length");
	close(other);
	close(fd);
	is(access("s", F_OK), 0, "the node outlives the socket");
	fails(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "s"), ECONNREFUSED,
	      "but nobody is there");

	memset(path, 'p', sizeof(path));
	memset(&name, 0, sizeof(name));
	name.sun_family = AF_UNIX;
	memset(name.sun_path, 'p', sizeof(name.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	is(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0, "108 bytes without terminator");
	char big[128];
	got_length = sizeof(big);
	getsockname(fd, (struct sockaddr *)big, &got_length);
	is(got_length, sizeof(name) + 1, "come back with one");
	path[108] = '\0';
	is(access(path, F_OK), 0, "all 108 are the name");
	listen(fd, 1);
	other = socket(AF_UNIX, SOCK_STREAM, 0);
	is(connect(other, (struct sockaddr *)&name, sizeof(name)), 0, "and lead back to it");
	close(other);
	close(fd);
}

static void abstract_names(void)
{
	struct sockaddr_un name, got;
	socklen_t length = abstract_of(&name, "cowslip-test"), got_length = sizeof(got);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);

	is(bind(fd, (struct sockaddr *)&name, length), 0, "an abstract name");
	fails(bind(other, (struct sockaddr *)&name, length), EADDRINUSE, "which is taken then");
	is(bind(other, (struct sockaddr *)&name, length + 1), 0, "one NUL more is another");
	fails(bind(fd, (struct sockaddr *)&name, length + 2), EINVAL, "a second name");
	getsockname(fd, (struct sockaddr *)&got, &got_length);
	ok(got_length == length && memcmp(&got, &name, length) == 0, "getsockname");
	int datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
	is(bind(datagram, (struct sockaddr *)&name, length), 0, "each type has names of its own");
	close(datagram);
	listen(fd, 1);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	is(connect(client, (struct sockaddr *)&name, length), 0, "connect");
	fails(connect(socket(AF_UNIX, SOCK_SEQPACKET, 0), (struct sockaddr *)&name, length),
	      ECONNREFUSED, "of another type");
	close(client);
	close(other);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	is(bind(fd, (struct sockaddr *)&name, length), 0, "the name is free after close");
	close(fd);

	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	is(bind(fd, (struct sockaddr *)&name, FAMILY_LENGTH), 0, "autobind");
	got_length = sizeof(got);
	getsockname(fd, (struct sockaddr *)&got, &got_length);
	ok(got_length == FAMILY_LENGTH + 6 && got.sun_path[0] == '\0' &&
		   strspn(got.sun_path + 1, "0123456789abcdef") >= 5,
	   "gives five hexadecimal digits");
	is(bind(fd, (struct sockaddr *)&name, FAMILY_LENGTH), 0, "once only");
	socklen_t second = sizeof(name);
	getsockname(fd, (struct sockaddr *)&name, &second);
	ok(second == got_length && memcmp(&name, &got, got_length) == 0, "and it stays");
	close(fd);
}

static void connecting(void)
{
	struct sockaddr_un name, got;
	socklen_t length = name_of(&name, "c"), got_length;
	int server, client = socket(AF_UNIX, SOCK_STREAM, 0), end;

	fails(connect(client, (struct sockaddr *)&name, length), ENOENT, "connect to nothing");
	put_file("plain", "", 0, 0666);
	fails(connect_to(client, "plain"), ECONNREFUSED, "to a plain file");
	fails(listen(client, 1), EINVAL, "listen without a name");
	fails(accept(client, NULL, NULL), EINVAL, "accept without listen");
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	bind_to(server, "c");
	fails(connect(client, (struct sockaddr *)&name, length), ECONNREFUSED, "nobody listens");
	is(listen(server, 0), 0, "listen");
	is(listen(server, 1), 0, "listen again");
	int value = 7;
	socklen_t value_length = sizeof(value);
	is(getsockopt(server, SOL_SOCKET, SO_ACCEPTCONN, &value, &value_length), 0,
	   "SO_ACCEPTCONN");
	is(value, 1, "says so");
	fails(connect(socket(AF_UNIX, SOCK_DGRAM, 0), (struct sockaddr *)&name, length), EPROTOTYPE,
	      "another type");
	name.sun_family = AF_UNSPEC;
	fails(connect(client, (struct sockaddr *)&name, length), EINVAL, "no family");
	name.sun_family = AF_UNIX;
	fails(connect(client, BAD_POINTER, length), EFAULT, "address nowhere");
	fails(connect(client, (struct sockaddr *)&name, 200), EINVAL, "too long");
	got_length = sizeof(got);
	fails(getpeername(client, (struct sockaddr *)&got, &got_length), ENOTCONN, "no peer yet");
	fails(connect(server, (struct sockaddr *)&name, length), EINVAL, "a listener connects");
	is(poll_one(client, POLLIN | POLLOUT), POLLOUT | POLLHUP, "poll of an unconnected one");
	is(poll_one(server, POLLIN | POLLOUT), 0, "poll of a listener without clients");
	is(connect(client, (struct sockaddr *)&name, length), 0, "connect");
	is(poll_one(server, POLLIN | POLLOUT), POLLIN, "with one");
	is(poll_one(client, POLLIN | POLLOUT), POLLOUT, "the client may write before accept");
	is(write(client, "early", 5), 5, "and does");
	fails(connect(client, (struct sockaddr *)&name, length), EISCONN, "connect again");
	fails(listen(client, 1), EINVAL, "listen when connected");
	got_length = sizeof(got);
	is(getpeername(client, (struct sockaddr *)&got, &got_length), 0, "getpeername");
	is_str(got.sun_path, "c", "is the listener's name");
	got_length = sizeof(got);
	memset(&got, 'x', sizeof(got));
	end = accept4(server, (struct sockaddr *)&got, &got_length, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ok(end >= 0, "accept");
	is(got_length, 2, "the client has no name");
	is(fcntl(end, F_GETFL), O_RDWR | O_NONBLOCK, "accept4's O_NONBLOCK");
	is(fcntl(end, F_GETFD), FD_CLOEXEC, "accept4's close-on-exec");
	got_length = sizeof(got);
	getsockname(end, (struct sockaddr *)&got, &got_length);
	is_str(got.sun_path, "c", "the end has the listener's name");
	char text[8];
	is(read(end, text, sizeof(text)), 5, "what was written early is there");
	fails(read(end, text, sizeof(text)), EAGAIN, "and nothing else");
	fails(syscall(SYS_accept4, server, NULL, NULL, 1), EINVAL, "accept4 with an unknown flag");
	connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "c");
	fails(accept(server, BAD_POINTER, BAD_POINTER), EFAULT, "an address nowhere");
	fcntl(server, F_SETFL, O_NONBLOCK);
	fails(accept(server, NULL, NULL), EAGAIN, "takes the connection nevertheless");
	fails(read(server, text, 1), EINVAL, "a listener has no data");
	fails(write(server, text, 1), ENOTCONN, "and nobody to write to");
	fails(ioctl(server, FIONREAD, &value), EINVAL, "FIONREAD of a listener");
	chmod("c", 0);
	int status;
	if (child(&status) == 0) {
		become(1000, 1000);
		_exit(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "c") < 0 ? errno : 0);
	}
	is(status, EXITED(EACCES), "connect needs the right to write");
	close(end);
	close(client);
	close(server);
}

static void backlog(void)
{
	int server = listener_at("b", SOCK_STREAM, 1), clients[4];
	struct timeval limit = {.tv_usec = 30000};
	long start = now_ms();

	for (int i = 0; i < 4; i++)
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	is(connect_to(clients[0], "b"), 0, "a backlog of one");
	is(connect_to(clients[1], "b"), 0, "takes two");
	fails(connect_to(clients[2], "b"), EAGAIN, "not a third without waiting");
	fcntl(clients[2], F_SETFL, 0);
	setsockopt(clients[2], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	fails(connect_to(clients[2], "b"), EAGAIN, "nor with a short wait");
	ok(now_ms() - start >= 29, "that takes its time");
	pid_t pid = spawn();
	if (pid == 0)
		_exit(connect_to(clients[3], "b") == 0 || errno == EAGAIN ? 0 : 1);
	limit.tv_usec = 0;
	limit.tv_sec = 5;
	setsockopt(clients[2], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	reap(pid);
	pid = spawn();
	if (pid == 0) {
		sleep_ms(20);
		_exit(close(accept(server, NULL, NULL)));
	}
	is(connect_to(clients[2], "b"), 0, "a waiting one gets in after accept");
	reap(pid);
	close(server);
	char byte;
	fails(read(clients[2], &byte, 1), ECONNRESET, "the listener's close resets those left");
	is(read(clients[2], &byte, 1), 0, "then it is the end");
	for (int i = 0; i < 4; i++)
		close(clients[i]);

	server = listener_at("b2", SOCK_STREAM, 5);
	pid = spawn();
	if (pid == 0) {
		sleep_ms(20);
		connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "b2");
		_exit(0);
	}
	int end = accept(server, NULL, NULL);
	ok(end >= 0, "accept waits for a client");
	close(end);
	reap(pid);
	limit = (struct timeval){.tv_usec = 20000};
	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	fails(accept(server, NULL, NULL), EAGAIN, "for so long");
	is(shutdown(server, SHUT_RD), 0, "shutdown of a listener");
	limit.tv_usec = 0;
	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	fails(accept(server, NULL, NULL), EINVAL, "ends accept");
	fails(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "b2"), ECONNREFUSED, "and connect");
	close(server);
}

static int get_int(int fd, int option)
{
	int value = -12345;
	socklen_t length = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -errno;
}

static int set_int(int fd, int option, int value)
{
	return setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value));
}

static void options(void)
{
	static const int switches[] = {SO_REUSEADDR, SO_DONTROUTE, SO_BROADCAST, SO_KEEPALIVE,
				       SO_OOBINLINE, SO_PASSCRED,  SO_DEBUG};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), value = 1;
	socklen_t length = sizeof(value);
	struct timeval time = {.tv_sec = 3, .tv_usec = 250000};
	struct linger linger = {.l_onoff = 5, .l_linger = 7};
	struct ucred peer;

	is(get_int(fd, SO_TYPE), SOCK_SEQPACKET, "SO_TYPE");
	is(get_int(fd, SO_DOMAIN), AF_UNIX, "SO_DOMAIN");
	is(get_int(fd, SO_PROTOCOL), 0, "SO_PROTOCOL");
	is(get_int(fd, SO_ERROR), 0, "SO_ERROR");
	is(get_int(fd, SO_ACCEPTCONN), 0, "SO_ACCEPTCONN");
	is(get_int(fd, SO_RCVLOWAT), 1, "SO_RCVLOWAT");
	is(get_int(fd, SO_SNDLOWAT), 1, "SO_SNDLOWAT");
	fails(set_int(fd, SO_SNDLOWAT, 1), ENOPROTOOPT, "which cannot be set");
	fails(set_int(fd, SO_TYPE, 1), ENOPROTOOPT, "nor SO_TYPE");
	fails(set_int(fd, SO_ERROR, 1), ENOPROTOOPT, "nor SO_ERROR");
	fails(set_int(fd, 9999, 1), ENOPROTOOPT, "nor one that there is not");
	is(get_int(fd, 9999), -ENOPROTOOPT, "which cannot be asked for either");
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		int before = get_int(fd, switches[i]);
		int done = set_int(fd, switches[i], 55);
		int after = get_int(fd, switches[i]);
		set_int(fd, switches[i], 0);
		ok(before == 0 && done == 0 && after == 1 && get_int(fd, switches[i]) == 0,
		   "switch %d: off, on, off", switches[i]);
	}
	is(set_int(fd, SO_SNDBUF, 10000), 0, "SO_SNDBUF");
	is(get_int(fd, SO_SNDBUF), 20000, "is doubled");
	set_int(fd, SO_RCVBUF, 8000);
	is(get_int(fd, SO_RCVBUF), 16000, "so is SO_RCVBUF");
	set_int(fd, SO_SNDBUF, 1);
	ok(get_int(fd, SO_SNDBUF) >= 2048, "a least size of SO_SNDBUF");
	set_int(fd, SO_RCVBUF, 0);
	ok(get_int(fd, SO_RCVBUF) >= 1024, "a least size of SO_RCVBUF");
	is(set_int(fd, SO_SNDBUFFORCE, 1 << 20), 0, "root forces SO_SNDBUF");
	is(get_int(fd, SO_SNDBUF), 2 << 20, "beyond the limit");
	is(set_int(fd, SO_RCVLOWAT, 0), 0, "SO_RCVLOWAT of 0");
	is(get_int(fd, SO_RCVLOWAT), 1, "is 1");
	set_int(fd, SO_RCVLOWAT, -1);
	is(get_int(fd, SO_RCVLOWAT), 0x7fffffff, "a negative one the largest");
	is(set_int(fd, SO_PRIORITY, 3), 0, "SO_PRIORITY");
	is(get_int(fd, SO_PRIORITY), 3, "is kept");
	is(get_int(fd, SO_PEEK_OFF), -1, "SO_PEEK_OFF is off");

	length = sizeof(time);
	is(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, length), 0, "SO_RCVTIMEO");
	time.tv_sec = 0;
	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, &length);
	ok(length == sizeof(time) && time.tv_sec == 3 && time.tv_usec >= 250000 &&
		   time.tv_usec < 260000,
	   "is kept");
	getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, &length);
	ok(time.tv_sec == 0 && time.tv_usec == 0, "SO_SNDTIMEO is unlimited");
	time.tv_usec = 1000000;
	fails(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, length), EDOM, "a bad time");
	fails(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, 8), EINVAL, "half a time");

	is(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0, "SO_LINGER");
	length = sizeof(linger);
	getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length);
	ok(linger.l_onoff == 1 && linger.l_linger == 7, "is kept");
	fails(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, 4), EINVAL, "half of it");

	fails(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 3), EINVAL, "too short a value");
	fails(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, BAD_POINTER, 4), EFAULT, "a bad pointer");
	fails(setsockopt(0, SOL_SOCKET, SO_KEEPALIVE, &value, 4), ENOTSOCK, "of /dev/null");
	fails(setsockopt(999, SOL_SOCKET, SO_KEEPALIVE, &value, 4), EBADF, "of nothing");
	fails(setsockopt(fd, 6, 1, &value, 4), EOPNOTSUPP, "TCP's option");
	length = 4;
	fails(getsockopt(fd, 6, 1, &value, &length), EOPNOTSUPP, "asked for");
	fails(getsockopt(fd, SOL_SOCKET, SO_TYPE, BAD_POINTER, &length), EFAULT, "value nowhere");
	fails(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, BAD_POINTER), EFAULT, "length nowhere");
	length = (socklen_t)-1;
	fails(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length), EINVAL, "negative length");
	length = 1;
	value = 0;
	is(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length), 0, "a short buffer");
	ok(length == 1 && value == SOCK_SEQPACKET, "gets what fits");
	length = sizeof(peer);
	is(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0, "SO_PEERCRED without peer");
	ok(peer.pid == 0 && peer.uid == (uid_t)-1 && peer.gid == (gid_t)-1, "tells of nobody");
	close(fd);
}

static void peer_credentials(void)
{
	int pair[2], server = listener_at("p", SOCK_STREAM, 5), status;
	struct ucred peer;
	socklen_t length = sizeof(peer);
	volatile int *shared = shared_ints();

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &length);
	ok(peer.pid == getpid() && peer.uid == 0 && peer.gid == 0, "of a pair");
	chmod("p", 0777);
	chmod(".", 0777);
	pid_t pid = spawn();
	if (pid == 0) {
		int client = socket(AF_UNIX, SOCK_STREAM, 0);

		become(1234, 2345);
		shared[1] = connect_to(client, "p");
		length = sizeof(peer);
		getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length);
		shared[2] = peer.pid == getppid() && peer.uid == 0;
		shared[0] = 1;
		char byte;
		_exit(read(client, &byte, 1) == 0 ? 0 : 1);
	}
	int end = accept(server, NULL, NULL);
	length = sizeof(peer);
	getsockopt(end, SOL_SOCKET, SO_PEERCRED, &peer, &length);
	ok(peer.pid == pid && peer.uid == 1234 && peer.gid == 2345, "of who called connect");
	wait_until(shared[0]);
	ok(shared[1] == 0 && shared[2] == 1, "of who called listen");
	close(end);
	status = reap(pid);
	is(status, EXITED(0), "the client saw the end");
	close(server);
	close(pair[0]);
	close(pair[1]);
}

static void proc_net(void)
{
	char limit[32] = "";

	get_file("/proc/sys/net/core/somaxconn", limit, sizeof(limit));
	ok(atoi(limit) >= 128, "/proc/sys/net/core/somaxconn");
	get_file("/proc/sys/net/unix/max_dgram_qlen", limit, sizeof(limit));
	ok(atoi(limit) >= 10, "/proc/sys/net/unix/max_dgram_qlen");

	static char text[65536];
	struct sockaddr_un name;
	int fd = listener_at("in-proc", SOCK_STREAM, 1), other = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t length = abstract_of(&name, "shown");
	struct stat status;
	char want[128];

	bind(other, (struct sockaddr *)&name, length);
	if (get_file("/proc/net/unix", text, sizeof(text)) <= 0) {
		ok(false, "/proc/net/unix can be read");
		return;
	}
	ok(strncmp(text, "Num       RefCount Protocol Flags    Type St Inode Path\n", 56) == 0,
	   "/proc/net/unix has its heading");
	fstat(fd, &status);
	snprintf(want, sizeof(want), "00010000 0001 01 %5lu in-proc\n",
		 (unsigned long)status.st_ino);
	ok(strstr(text, want) != NULL, "a listener's line");
	fstat(other, &status);
	snprintf(want, sizeof(want), "00000000 0002 01 %5lu @shown\n",
		 (unsigned long)status.st_ino);
	ok(strstr(text, want) != NULL, "an abstract name's line");
	close(fd);
	close(other);
}

int main(void)
{
	making();
	scratch();
	binding();
	abstract_names();
	connecting();
	backlog();
	options();
	peer_credentials();
	proc_net();
	return done();
}
