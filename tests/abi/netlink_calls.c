/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink sockets: addresses, groups, messages between programs, requests and their answers.
 */
#include "abi.h"

#include <poll.h>

#include "netlink.h"

static int open_netlink(int protocol)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

static struct sockaddr_nl name_of(unsigned port, unsigned groups)
{
	return (struct sockaddr_nl){.family = AF_NETLINK, .port = port, .groups = groups};
}

static int bind_to(int fd, unsigned port, unsigned groups)
{
	struct sockaddr_nl name = name_of(port, groups);

	return bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static unsigned port_of(int fd)
{
	struct sockaddr_nl name;
	socklen_t length = sizeof(name);

	return getsockname(fd, (struct sockaddr *)&name, &length) == 0 ? name.port : ~0u;
}

static ssize_t send_to(int fd, unsigned port, unsigned groups, const void *data, size_t size)
{
	struct sockaddr_nl name = name_of(port, groups);

	return sendto(fd, data, size, 0, (struct sockaddr *)&name, sizeof(name));
}

static void addresses(void)
{
	struct sockaddr_nl name;
	socklen_t length = sizeof(name);
	int one = open_netlink(NETLINK_USERSOCK), two = open_netlink(NETLINK_USERSOCK);

	fails(open_netlink(31), EPROTONOSUPPORT, "a protocol that is not there");
	fails(open_netlink(32), EPROTONOSUPPORT, "one beyond the last");
	fails(socket(AF_NETLINK, SOCK_STREAM, 0), ESOCKTNOSUPPORT, "no streams");
	is(getsockname(one, (struct sockaddr *)&name, &length), 0, "getsockname");
	is(length, sizeof(name), "its length");
	is(name.port, 0, "no port before bind");
	is(bind_to(one, 0, 0), 0, "bind to a port of the kernel's choice");
	is(port_of(one), getpid(), "is the process's number");
	is(bind_to(two, 0, 0), 0, "the second one");
	ok((int)port_of(two) < 0, "has another number, which no process has");
	fails(bind_to(two, 0, 0), EINVAL, "bind again without a port");
	is(bind_to(two, port_of(two), 0), 0, "with the one that it has");
	fails(bind_to(two, 77, 0), EINVAL, "but not to another one");
	close(two);
	two = open_netlink(NETLINK_USERSOCK);
	fails(bind_to(two, getpid(), 0), EADDRINUSE, "a port that is taken");
	is(bind_to(two, 4711, 0), 0, "one that is free");
	is(port_of(two), 4711, "is what was asked for");
	fails(bind(two, (struct sockaddr *)&name, 4), EINVAL, "half an address");
	name.family = AF_UNIX;
	fails(bind(two, (struct sockaddr *)&name, sizeof(name)), EINVAL, "of another family");
	int other = open_netlink(NETLINK_ROUTE);
	is(bind_to(other, 4711, 0), 0, "ports are of a protocol");
	fails(listen(one, 1), EOPNOTSUPP, "listen");
	fails(accept(one, NULL, NULL), EOPNOTSUPP, "accept");
	fails(shutdown(one, SHUT_RD), EOPNOTSUPP, "shutdown");
	close(one);
	close(two);
	close(other);
}

static void between_programs(void)
{
	int one = open_netlink(NETLINK_USERSOCK), two = open_netlink(NETLINK_USERSOCK);
	struct sockaddr_nl name;
	socklen_t length = sizeof(name);
	char text[64];

	bind_to(one, 5001, 0);
	bind_to(two, 5002, 1 << 2);
	is(send_to(one, 5002, 0, "hello", 5), 5, "to a port");
	struct pollfd p = {.fd = two, .events = POLLIN | POLLOUT};
	is(poll(&p, 1, 0), 1, "poll");
	is(p.revents, POLLIN | POLLOUT, "ready to be read");
	is(recv(two, text, 2, MSG_PEEK | MSG_TRUNC), 5, "peek tells the whole length");
	is(recvfrom(two, text, 64, 0, (struct sockaddr *)&name, &length), 5, "comes");
	ok(memcmp(text, "hello", 5) == 0, "with its bytes");
	is(name.port, 5001, "from that port");
	is(name.groups, 0, "not to a group");
	fails(recv(two, text, 64, MSG_DONTWAIT), EAGAIN, "nothing more");
	fails(send_to(one, 6000, 0, "x", 1), ECONNREFUSED, "to nobody");
	fails(send_to(one, 0, 1 << 2, "group", 5), ECONNREFUSED,
	      "to a group, and the kernel, which does not listen");
	is(recvfrom(two, text, 64, MSG_DONTWAIT, (struct sockaddr *)&name, &length), 5,
	   "the group hears it");
	is(name.groups, 1 << 2, "and which one it was");
	is(send_to(one, 5002, 1 << 7, "other", 5), 5, "a group without members, and a port");
	is(recv(two, text, 64, MSG_DONTWAIT), 5, "comes once");
	fails(recv(two, text, 64, MSG_DONTWAIT), EAGAIN, "only");
	fails(send_to(one, 5002, 0, "", 0), ENODATA, "an empty message");
	fails(send(one, "x", 1, MSG_OOB), EOPNOTSUPP, "no urgent data");
	name = name_of(5002, 0);
	is(connect(one, (struct sockaddr *)&name, sizeof(name)), 0, "connect");
	length = sizeof(name);
	is(getpeername(one, (struct sockaddr *)&name, &length), 0, "getpeername");
	is(name.port, 5002, "is the peer");
	is(send(one, "to peer", 7, 0), 7, "send");
	is(recv(two, text, 64, MSG_DONTWAIT), 7, "comes");
	close(one);
	close(two);
}

static void options(void)
{
	int fd = open_netlink(NETLINK_USERSOCK), other = open_netlink(NETLINK_USERSOCK);
	int value = 1, groups[4] = {0};
	socklen_t length = sizeof(groups);
	char data[8], control[256];
	struct iovec vector = {data, sizeof(data)};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};

	bind_to(fd, 0, 0);
	value = 3;
	is(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &value, 4), 0, "join a group");
	is(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &length), 0, "list them");
	is(groups[0], 1 << 2, "there it is");
	value = 0;
	fails(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &value, 4), EINVAL, "group 0");
	value = 4000;
	fails(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &value, 4), EINVAL, "too large");
	fails(setsockopt(fd, SOL_NETLINK, 99, &value, 4), ENOPROTOOPT, "no such option");
	value = 1;
	is(setsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &value, 4), 0, "NETLINK_PKTINFO");
	is(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &value, 4), 0, "SO_PASSCRED");
	length = sizeof(value);
	value = 0;
	is(getsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &value, &length), 0, "get it");
	is(value, 1, "it is on");
	(void)!send_to(other, 0, 1 << 2, "info", 4);
	is(recvmsg(fd, &header, MSG_DONTWAIT), 4, "a message to the group");
	int seen = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c != NULL; c = CMSG_NXTHDR(&header, c)) {
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_PKTINFO)
			seen |= *(unsigned *)CMSG_DATA(c) == 3 ? 1 : 0;
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			seen |= ((struct ucred *)CMSG_DATA(c))->pid == getpid() ? 2 : 0;
	}
	is(seen, 3, "tells the group, and who sent it");
	value = 3;
	is(setsockopt(fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &value, 4), 0, "leave the group");
	(void)!send_to(other, 0, 1 << 2, "info", 4);
	fails(recv(fd, data, 8, MSG_DONTWAIT), EAGAIN, "hears no more of it");
	close(fd);
	close(other);
}

static void overrun(void)
{
	int fd = open_netlink(NETLINK_USERSOCK), other = open_netlink(NETLINK_USERSOCK);
	char data[256] = {0};
	int count = 0, value = 2304;

	bind_to(fd, 5003, 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value));
	for (int i = 0; i < 1000; i++)
		(void)!send_to(other, 0, 1, data, sizeof(data));
	fails(recv(fd, data, sizeof(data), MSG_DONTWAIT), ENOBUFS, "what is lost is told");
	while (recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		count++;
	ok(count > 0 && count < 1000, "some came");
	(void)!send_to(other, 0, 1, data, 8);
	is(recv(fd, data, sizeof(data), MSG_DONTWAIT), 8, "then it goes on");
	for (int i = 0; i < 1000; i++)
		if (sendto(other, data, sizeof(data), MSG_DONTWAIT,
			   (struct sockaddr *)&(struct sockaddr_nl){.family = AF_NETLINK,
								    .port = 5003},
			   sizeof(struct sockaddr_nl)) < 0)
			break;
	is(errno, EAGAIN, "one that sends to a port would have to wait");
	pid_t pid = spawn();
	if (pid == 0) {
		is(send_to(other, 5003, 0, "late", 4), 4, "which it does");
		_exit(0);
	}
	ssize_t got;
	do
		got = recv(fd, data, sizeof(data), 0);
	while (got == sizeof(data));
	is(got, 4, "until there is room");
	is(reap(pid), EXITED(0), "the sender ends");
	close(fd);
	close(other);
}

/* A request with `extra` bytes of zeros behind its header. */
static void ask(int fd, unsigned type, unsigned flags, unsigned extra)
{
	struct {
		struct nl_header header;
		char body[64];
	} request = {.header = {.length = (sizeof(struct nl_header) + extra),
				.type = (unsigned short)type,
				.flags = (unsigned short)(NLM_F_REQUEST | flags),
				.sequence = 42}};

	is(send(fd, &request, request.header.length, 0), request.header.length, "a request");
}

static union {
	struct nl_header header;
	char bytes[32768];
} answer;

static const struct nl_error *error_of(int fd)
{
	ssize_t length = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);

	if (length < (ssize_t)(sizeof(struct nl_header) + sizeof(struct nl_error)) ||
	    answer.header.type != NLMSG_ERROR) {
		static const struct nl_error none = {.error = 1};
		return &none;
	}
	return NL_DATA(&answer.header);
}

static void requests(void)
{
	int fd = open_netlink(NETLINK_ROUTE), value = 1;

	bind_to(fd, 0, 0);
	ask(fd, 15, NLM_F_ACK, 16);
	is(error_of(fd)->error, 0, "a control message is acknowledged");
	is(answer.header.sequence, 42, "with its number");
	is(answer.header.port, port_of(fd), "to its sender");
	is(answer.header.flags, NLM_F_CAPPED, "without the request");
	is(answer.header.length, (sizeof(struct nl_header) + sizeof(struct nl_error)),
	   "so it is short");
	is(error_of(fd)->error, 1, "and that is all");
	ask(fd, 15, 0, 16);
	is(error_of(fd)->error, 1, "no answer when none is asked for");
	ask(fd, 200, 0, 16);
	const struct nl_error *error = error_of(fd);
	is(error->error, -EOPNOTSUPP, "a type that is not there");
	is(error->request.type, 200, "tells which it was");
	is(answer.header.length, (sizeof(struct nl_header) + sizeof(*error)) + 16,
	   "with the whole request");
	is(setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &value, 4), 0, "NETLINK_CAP_ACK");
	ask(fd, 200, 0, 16);
	is(error_of(fd)->error, -EOPNOTSUPP, "the same");
	is(answer.header.length, (sizeof(struct nl_header) + sizeof(*error)), "without it");
	/* Two in one datagram, the second with a length that goes too far. */
	struct nl_header two[2] = {{.length = 16, .type = 15, .flags = 5},
				   {.length = 17, .type = 15, .flags = 5}};
	is(send(fd, two, sizeof(two), 0), sizeof(two), "two at once");
	is(error_of(fd)->error, 0, "the first is acknowledged");
	is(error_of(fd)->error, 1, "the broken one is not looked at");
	close(fd);
}

static void dumps(void)
{
	int fd = open_netlink(NETLINK_ROUTE), rules = 0, done_seen = 0;
	struct sockaddr_nl name;
	socklen_t size = sizeof(name);

	ask(fd, RTM_GETRULE, NLM_F_DUMP, sizeof(struct nl_rule));
	while (!done_seen) {
		int length = (int)recvfrom(fd, &answer, sizeof(answer), MSG_DONTWAIT,
					   (struct sockaddr *)&name, &size);

		if (length <= 0)
			break;
		for (char *next = answer.bytes; next < answer.bytes + length;) {
			struct nl_header *at = (struct nl_header *)next;

			next += NL_ALIGN(at->length);
			if (!(at->flags & NLM_F_MULTI) || at->sequence != 42)
				rules = -100;
			rules += at->type == RTM_NEWRULE;
			done_seen += at->type == NLMSG_DONE;
		}
	}
	is(done_seen, 1, "a dump has an end");
	ok(rules >= 5, "and what was asked for");
	is(name.port, 0, "from the kernel");
	fails(recv(fd, &answer, sizeof(answer), MSG_DONTWAIT), EAGAIN, "nothing more");
	close(fd);
}

static void ordinary_user(void)
{
	int status;

	if (getuid() != 0) {
		skip(1, "not root");
		return;
	}
	if (child(&status) == 0) {
		struct nl_link body = {.family = AF_UNSPEC};
		struct {
			struct nl_header header;
			struct nl_link body;
		} request = {{sizeof(request), RTM_SETLINK, NLM_F_REQUEST, 1, 0}, body};
		if (become(1000, 1000) < 0)
			_exit(1);
		int fd = open_netlink(NETLINK_ROUTE);
		(void)!send(fd, &request, sizeof(request), 0);
		is(error_of(fd)->error, -EPERM, "may not change anything");
		fails(send_to(fd, 4, 0, "x", 1), EPERM, "nor send to other programs");
		is(bind_to(fd, port_of(fd), 1), 0, "but listen");
		_exit(0);
	}
	is(status, EXITED(0), "an ordinary user");
}

int main(void)
{
	addresses();
	between_programs();
	options();
	overrun();
	requests();
	dumps();
	ordinary_user();
	return done();
}
