/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What travels with messages: descriptors and credentials.
 */
#include "abi.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MAX_FDS 254

/* Control messages as they are made here and come back. */
struct control {
	size_t length;
	union {
		struct cmsghdr header;
		char bytes[2 * CMSG_SPACE(MAX_FDS * sizeof(int))];
	};
};

static void add(struct control *control, int type, const void *data, size_t size)
{
	struct cmsghdr *header = (struct cmsghdr *)(control->bytes + control->length);

	memset(header, 0, CMSG_SPACE(size));
	header->cmsg_len = CMSG_LEN(size);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = type;
	memcpy(CMSG_DATA(header), data, size);
	control->length += CMSG_SPACE(size);
}

static ssize_t send_with(int fd, const char *text, struct control *control)
{
	struct iovec part = {.iov_base = (void *)text, .iov_len = strlen(text)};
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control ? control->bytes : NULL,
				.msg_controllen = control ? control->length : 0};

	/* The C library's own would rewrite the header. */
	return syscall(SYS_sendmsg, fd, &header, 0);
}

static ssize_t send_fd(int fd, const char *text, int sent)
{
	struct control control = {0};

	add(&control, SCM_RIGHTS, &sent, sizeof(sent));
	return send_with(fd, text, &control);
}

static ssize_t receive_with(int fd, char *text, size_t size, struct control *control, size_t room,
			    int flags, int *flags_back)
{
	struct iovec part = {.iov_base = text, .iov_len = size};
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = room ? control->bytes : NULL,
				.msg_controllen = room};
	ssize_t n;

	memset(control->bytes, 0, sizeof(control->bytes));
	n = syscall(SYS_recvmsg, fd, &header, flags);
	control->length = n < 0 ? 0 : header.msg_controllen;
	if (flags_back)
		*flags_back = header.msg_flags;
	return n;
}

/* The descriptors of the first control message; how many. */
static int fds_of(struct control *control, int *fds)
{
	struct cmsghdr *header = &control->header;

	if (control->length < CMSG_LEN(0) || header->cmsg_type != SCM_RIGHTS)
		return 0;
	int count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(header), (size_t)count * sizeof(int));
	return count;
}

static int receive_fd(int fd, int flags)
{
	struct control control;
	char text[64];
	int fds[MAX_FDS];

	if (receive_with(fd, text, sizeof(text), &control, CMSG_SPACE(sizeof(int)), flags, NULL) <
	    0)
		return -1;
	return fds_of(&control, fds) == 1 ? fds[0] : -1;
}

static bool same_file(int one, int other)
{
	struct stat a, b;

	return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void descriptors(int type, const char *kind)
{
	int s[2], ends[2], before = open_fds();
	char text[64];
	struct control control;
	int fds[MAX_FDS], flags;

	socketpair(AF_UNIX, type, 0, s);
	pipe(ends);
	is(send_fd(s[0], "x", ends[1]), 1, "%s: a descriptor is sent", kind);
	close(ends[1]);
	int got = receive_fd(s[1], 0);
	ok(got >= 0 && same_file(got, ends[0]), "and arrives as the same file");
	is(fcntl(got, F_GETFD), 0, "without close-on-exec");
	(void)!write(got, "hello", 5);
	is(read(ends[0], text, 64), 5, "it works");
	close(got);
	is(read(ends[0], text, 64), 0, "it was the last writer");

	send_fd(s[0], "x", ends[0]);
	got = receive_fd(s[1], MSG_CMSG_CLOEXEC);
	is(fcntl(got, F_GETFD), FD_CLOEXEC, "MSG_CMSG_CLOEXEC");
	close(got);

	int three[3] = {ends[0], s[0], s[1]};
	control.length = 0;
	add(&control, SCM_RIGHTS, three, sizeof(three));
	is(send_with(s[0], "x", &control), 1, "three at once");
	is(receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, &flags), 1, "come");
	is(fds_of(&control, fds), 3, "all");
	is(control.length, CMSG_SPACE(sizeof(three)), "the length used");
	is(flags & MSG_CTRUNC, 0, "nothing is missing");
	for (int i = 0; i < 3; i++)
		close(fds[i]);

	control.length = 0;
	add(&control, SCM_RIGHTS, three, 4);
	add(&control, SCM_RIGHTS, three + 1, 8);
	send_with(s[0], "x", &control);
	receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, NULL);
	is(fds_of(&control, fds), 3, "of two messages, in one");
	for (int i = 0; i < 3; i++)
		close(fds[i]);

	control.length = 0;
	add(&control, SCM_RIGHTS, three, sizeof(three));
	send_with(s[0], "x", &control);
	receive_with(s[1], text, 64, &control, CMSG_LEN(sizeof(int)), 0, &flags);
	is(fds_of(&control, fds), 1, "room for one");
	is(flags & MSG_CTRUNC, MSG_CTRUNC, "MSG_CTRUNC");
	close(fds[0]);

	send_fd(s[0], "x", ends[0]);
	is(receive_with(s[1], text, 64, &control, 0, 0, &flags), 1, "no room");
	is(flags & MSG_CTRUNC, MSG_CTRUNC, "MSG_CTRUNC");
	send_fd(s[0], "x", ends[0]);
	is(read(s[1], text, 64), 1, "a read drops it");

	send_fd(s[0], "x", ends[0]);
	got = receive_fd(s[1], MSG_PEEK);
	ok(got >= 0 && same_file(got, ends[0]), "a peek gives it");
	int again = receive_fd(s[1], 0);
	ok(again >= 0 && again != got && same_file(again, ends[0]), "the read another");
	close(got);
	close(again);
	close(ends[0]);

	struct rlimit limit, old;
	getrlimit(RLIMIT_NOFILE, &old);
	send_fd(s[0], "x", s[0]);
	limit = old;
	limit.rlim_cur = (rlim_t)s[1] + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	is(receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, &flags), 1,
	   "without a free descriptor");
	is(flags & MSG_CTRUNC, MSG_CTRUNC, "MSG_CTRUNC");
	setrlimit(RLIMIT_NOFILE, &old);
	close(s[0]);
	close(s[1]);
	is(open_fds(), before, "nothing is left open");
}

static void stream_bounds(void)
{
	int s[2], null = open("/dev/null", O_RDWR);
	char text[64];
	struct control control;
	int fds[MAX_FDS];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	(void)!write(s[0], "ab", 2);
	send_fd(s[0], "cd", null);
	(void)!write(s[0], "ef", 2);
	is(receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, NULL), 4,
	   "a read ends behind the bytes that brought descriptors");
	is(fds_of(&control, fds), 1, "and gives them");
	close(fds[0]);
	is(read(s[1], text, 64), 2, "the next bytes come next");
	send_fd(s[0], "abc", null);
	is(receive_with(s[1], text, 1, &control, sizeof(control.bytes), 0, NULL), 1,
	   "the first byte");
	is(fds_of(&control, fds), 1, "brings them");
	close(fds[0]);
	is(receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, NULL), 2, "the others");
	is(fds_of(&control, fds), 0, "not");
	is(send_fd(s[0], "", null), 0, "no bytes, no descriptors");
	fails(recv(s[1], text, 1, MSG_DONTWAIT), EAGAIN, "nothing came");
	close(null);
	close(s[0]);
	close(s[1]);
}

static void errors(void)
{
	int s[2], many[MAX_FDS], bad = 999;
	struct control control = {0};
	struct msghdr header = {0};

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	fails(send_fd(s[0], "x", bad), EBADF, "a descriptor that is not open");
	fails(send_fd(s[0], "x", -1), EBADF, "a negative one");
	for (int i = 0; i < MAX_FDS; i++)
		many[i] = s[0];
	add(&control, SCM_RIGHTS, many, sizeof(many));
	fails(send_with(s[0], "x", &control), EINVAL, "254 at once");
	control.length = 0;
	add(&control, SCM_RIGHTS, many, sizeof(many) - 4);
	is(send_with(s[0], "x", &control), 1, "253 are allowed");
	char text[8];
	int flags;
	receive_with(s[1], text, 8, &control, sizeof(control.bytes), 0, &flags);
	int fds[MAX_FDS];
	is(fds_of(&control, fds), 253, "all come");
	for (int i = 0; i < 253; i++)
		close(fds[i]);
	control.length = 0;
	add(&control, 99, many, 4);
	fails(send_with(s[0], "x", &control), EINVAL, "an unknown type");
	control.header.cmsg_level = 99;
	is(send_with(s[0], "x", &control), 1, "another level is left alone");
	control.header.cmsg_len = 4;
	fails(send_with(s[0], "x", &control), EINVAL, "too short a header");
	control.header.cmsg_len = 1000;
	fails(send_with(s[0], "x", &control), EINVAL, "a length past the end");
	header.msg_control = BAD_POINTER;
	header.msg_controllen = 16;
	fails(syscall(SYS_sendmsg, s[0], &header, 0), EFAULT, "control messages nowhere");
	header.msg_controllen = 1UL << 31;
	fails(syscall(SYS_sendmsg, s[0], &header, 0), ENOBUFS, "too many");
	close(s[0]);
	close(s[1]);
}

static bool credentials_of(struct control *control, struct ucred *got)
{
	if (control->length < CMSG_LEN(sizeof(*got)) ||
	    control->header.cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(got, CMSG_DATA(&control->header), sizeof(*got));
	return true;
}

static void credentials(int type, const char *kind)
{
	int s[2], one = 1, flags, status;
	char text[64];
	struct control control = {0};
	struct ucred me = {getpid(), getuid(), getgid()}, got, other = {1, 77, 78};

	socketpair(AF_UNIX, type, 0, s);
	(void)!write(s[0], "before", 6);
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, &flags);
	ok(credentials_of(&control, &got) && got.pid == 0 && got.uid == 65534,
	   "%s: sent before SO_PASSCRED: from nobody", kind);
	(void)!write(s[0], "x", 1);
	receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, &flags);
	ok(credentials_of(&control, &got) && memcmp(&got, &me, sizeof(me)) == 0,
	   "the sender's are added");
	is(flags & MSG_CTRUNC, 0, "whole");
	(void)!write(s[0], "x", 1);
	is(receive_with(s[1], text, 64, &control, 0, 0, &flags), 1, "without room");
	is(flags & MSG_CTRUNC, MSG_CTRUNC, "MSG_CTRUNC");
	(void)!write(s[0], "x", 1);
	receive_with(s[1], text, 64, &control, CMSG_LEN(4), 0, &flags);
	ok(flags & MSG_CTRUNC && control.length == CMSG_LEN(4) &&
		   control.header.cmsg_len == CMSG_LEN(4),
	   "cut to the room there is");
	control.length = 0;
	other.pid = getppid();
	add(&control, SCM_CREDENTIALS, &other, sizeof(other));
	is(send_with(s[0], "x", &control), 1, "root claims to be another");
	receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, NULL);
	ok(credentials_of(&control, &got) && memcmp(&got, &other, sizeof(got)) == 0, "and is");
	control.length = 0;
	other.pid = 4000000;
	add(&control, SCM_CREDENTIALS, &other, sizeof(other));
	fails(send_with(s[0], "x", &control), ESRCH, "but not a process that there is not");
	control.length = 0;
	add(&control, SCM_CREDENTIALS, &me, 8);
	fails(send_with(s[0], "x", &control), EINVAL, "of the wrong size");
	if (child(&status) == 0) {
		become(1000, 1000);
		me = (struct ucred){getpid(), 1000, 1000};
		control.length = 0;
		add(&control, SCM_CREDENTIALS, &me, sizeof(me));
		if (send_with(s[0], "x", &control) != 1)
			_exit(1);
		me.uid = 0;
		control.length = 0;
		add(&control, SCM_CREDENTIALS, &me, sizeof(me));
		if (send_with(s[0], "x", &control) != -1 || errno != EPERM)
			_exit(2);
		me.uid = 1000;
		me.pid = getppid();
		control.length = 0;
		add(&control, SCM_CREDENTIALS, &me, sizeof(me));
		_exit(send_with(s[0], "x", &control) == -1 && errno == EPERM ? 0 : 3);
	}
	is(status, EXITED(0), "others may only tell the truth");
	receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, NULL);
	ok(credentials_of(&control, &got) && got.uid == 1000, "which arrives");
	int null = open("/dev/null", O_RDWR);
	send_fd(s[0], "x", null);
	receive_with(s[1], text, 64, &control, sizeof(control.bytes), 0, NULL);
	struct cmsghdr *second =
		(struct cmsghdr *)(control.bytes + CMSG_SPACE(sizeof(struct ucred)));
	ok(control.length == CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(4) &&
		   second->cmsg_type == SCM_RIGHTS,
	   "credentials first, then descriptors");
	close(*(int *)CMSG_DATA(second));
	close(null);
	close(s[0]);
	close(s[1]);
}

static void writers_are_told_apart(void)
{
	int s[2], one = 1, status;
	char text[64];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	(void)!write(s[0], "ab", 2);
	(void)!write(s[0], "cd", 2);
	if (child(&status) == 0) {
		(void)!write(s[0], "ef", 2);
		_exit(0);
	}
	is(read(s[1], text, 64), 4, "one writer's bytes");
	is(read(s[1], text, 64), 2, "are not glued to another's");
	close(s[0]);
	close(s[1]);

	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0rights"}, got;
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 7;
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	bind(server, (struct sockaddr *)&name, length);
	setsockopt(client, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	connect(client, (struct sockaddr *)&name, length);
	length = sizeof(got);
	getsockname(client, (struct sockaddr *)&got, &length);
	is(length, offsetof(struct sockaddr_un, sun_path) + 6, "SO_PASSCRED gives a name");
	close(server);
	close(client);
}

/* Does the other end of the pipe see that nobody has the writing end any more? */
static bool writer_gone(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (int i = 0; i < 200; i++) {
		/* The close of any unix socket makes the kernel look for garbage. */
		close(socket(AF_UNIX, SOCK_STREAM, 0));
		if (poll(&p, 1, 10) == 1 && p.revents & POLLHUP)
			return true;
	}
	return false;
}

static void circles(void)
{
	int s[2], t[2], ends[2];

	pipe(ends);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send_fd(s[0], "x", s[1]);
	send_fd(s[0], "x", ends[1]);
	close(ends[1]);
	close(s[0]);
	close(s[1]);
	ok(writer_gone(ends[0]), "a socket in its own queue is freed");
	close(ends[0]);

	pipe(ends);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, t);
	send_fd(s[0], "x", t[0]);
	send_fd(s[0], "x", t[1]);
	send_fd(t[0], "x", s[0]);
	send_fd(t[0], "x", s[1]);
	send_fd(t[1], "x", ends[1]);
	close(ends[1]);
	close(s[0]);
	close(s[1]);
	close(t[0]);
	close(t[1]);
	ok(writer_gone(ends[0]), "a circle of two is freed");
	close(ends[0]);

	/* The circle hangs on a socket that is still there. */
	int anchor[2];
	char byte;
	pipe(ends);
	socketpair(AF_UNIX, SOCK_STREAM, 0, anchor);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send_fd(s[0], "x", s[1]);
	send_fd(s[0], "x", ends[1]);
	send_fd(anchor[0], "x", s[1]);
	close(ends[1]);
	close(s[0]);
	close(s[1]);
	close(socket(AF_UNIX, SOCK_STREAM, 0));
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	fails(read(ends[0], &byte, 1), EAGAIN, "one that can be reached stays");
	int got = receive_fd(anchor[1], 0);
	ok(got >= 0, "and can be read");
	int inner = receive_fd(got, 0);
	ok(inner >= 0, "all that is in it");
	close(inner);
	int writer = receive_fd(got, 0);
	is(write(writer, "y", 1), 1, "down to the end");
	is(read(ends[0], &byte, 1), 1, "which works");
	close(writer);
	close(got);
	ok(writer_gone(ends[0]), "then it is freed");
	close(ends[0]);
	close(anchor[0]);
	close(anchor[1]);

	/* In the queue of a connection that nobody accepts. */
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0circle"};
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 7;
	pipe(ends);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(server, (struct sockaddr *)&name, length);
	listen(server, 3);
	connect(client, (struct sockaddr *)&name, length);
	send_fd(client, "x", server);
	send_fd(client, "x", ends[1]);
	close(ends[1]);
	close(server);
	close(client);
	ok(writer_gone(ends[0]), "a listener in a connection to itself is freed");
	close(ends[0]);
}

static void long_chain(void)
{
	enum { LENGTH = 3000 };
	int ends[2], carried;

	/* Each socket travels in the queue of the next; the last close frees them all. */
	pipe(ends);
	carried = ends[1];
	for (int i = 0; i < LENGTH; i++) {
		int s[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0 ||
		    send_fd(s[0], "x", carried) != 1) {
			ok(false, "a chain of %d is built", LENGTH);
			return;
		}
		close(carried);
		close(s[0]);
		carried = s[1];
	}
	close(carried);
	ok(writer_gone(ends[0]), "a chain of %d sockets is freed", LENGTH);
	close(ends[0]);
}

static void too_many(void)
{
	int status;

	if (child(&status) == 0) {
		struct rlimit limit = {32, 32};
		int s[2], sent = 0;

		setrlimit(RLIMIT_NOFILE, &limit);
		become(31337, 31337);
		socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
		while (sent < 200 && send_fd(s[0], "x", s[0]) == 1)
			sent++;
		_exit(sent < 200 && errno == ETOOMANYREFS ? 0 : 1);
	}
	is(status, EXITED(0), "in flight at once: not more than RLIMIT_NOFILE");
}

int main(void)
{
	descriptors(SOCK_STREAM, "stream");
	descriptors(SOCK_DGRAM, "datagram");
	descriptors(SOCK_SEQPACKET, "packet");
	stream_bounds();
	errors();
	credentials(SOCK_STREAM, "stream");
	credentials(SOCK_DGRAM, "datagram");
	credentials(SOCK_SEQPACKET, "packet");
	writers_are_told_apart();
	circles();
	long_chain();
	too_many();
	return done();
}
