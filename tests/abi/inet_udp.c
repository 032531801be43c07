/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP over lo, IPv4 and IPv6: names, connections, what comes along with a datagram, errors, groups.
 */
#include "abi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

static union name {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
} none;

static union name in_name(const char *address, unsigned short port)
{
	union name name = {.in = {.sin_family = AF_INET, .sin_port = htons(port)}};

	inet_pton(AF_INET, address, &name.in.sin_addr);
	return name;
}

static union name in6_name(const char *address, unsigned short port)
{
	union name name = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};

	inet_pton(AF_INET6, address, &name.in6.sin6_addr);
	return name;
}

static socklen_t length_of(const union name *name)
{
	return name->any.sa_family == AF_INET6 ? sizeof(name->in6) : sizeof(name->in);
}

static int bind_to(int fd, union name name)
{
	return bind(fd, &name.any, length_of(&name));
}

static int connect_to(int fd, union name name)
{
	return connect(fd, &name.any, length_of(&name));
}

static ssize_t send_to(int fd, union name name, const char *text)
{
	return sendto(fd, text, strlen(text), 0, &name.any, length_of(&name));
}

static union name own_name(int fd)
{
	union name name = none;
	socklen_t length = sizeof(name);

	getsockname(fd, &name.any, &length);
	return name;
}

static unsigned short port_of(int fd)
{
	return ntohs(own_name(fd).in.sin_port);
}

/* A socket that is bound to that address and a free port. */
static int bound(union name name)
{
	int fd = socket(name.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return bind_to(fd, name) == 0 ? fd : -1;
}

static int events_of(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

	return poll(&p, 1, 0) >= 0 ? p.revents : -1;
}

/* Waits until something has come: a loaded Linux may be late even on lo. */
static int ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	poll(&p, 1, 5000);
	return fd;
}

static void names(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP), other = socket(AF_INET, SOCK_DGRAM, 0);
	union name name;
	socklen_t length = sizeof(name);
	int value = 0;

	fails(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT, "datagrams of TCP");
	fails(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT, "no sequenced packets");
	is(getsockname(fd, &name.any, &length), 0, "getsockname");
	is(length, sizeof(name.in), "its length");
	is(name.in.sin_port, 0, "no port");
	is(bind_to(fd, in_name("127.0.0.1", 0)), 0, "bind");
	ok(port_of(fd) >= 1024, "to a port of the kernel's choice");
	fails(bind_to(fd, in_name("127.0.0.1", 0)), EINVAL, "once");
	fails(bind_to(other, in_name("127.0.0.1", port_of(fd))), EADDRINUSE,
	      "a port that is taken");
	fails(bind_to(other, in_name("0.0.0.0", port_of(fd))), EADDRINUSE, "by any address");
	fails(bind_to(other, in_name("192.0.2.1", 0)), EADDRNOTAVAIL, "not an address of ours");
	fails(bind(other, &name.any, 8), EINVAL, "half an address");
	fails(bind_to(other, in6_name("::1", 0)), EAFNOSUPPORT, "of another family");
	is(bind_to(other, in_name("127.0.0.2", port_of(fd))), 0, "another address, the same port");
	fails(listen(fd, 1), EOPNOTSUPP, "listen");
	fails(accept(fd, NULL, NULL), EOPNOTSUPP, "accept");
	length = sizeof(value);
	is(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &length), 0, "SO_PROTOCOL");
	is(value, IPPROTO_UDP, "is UDP");
	close(other);
	other = socket(AF_INET, SOCK_DGRAM, 0);
	value = 1;
	setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
	fails(bind_to(other, in_name("127.0.0.1", port_of(fd))), EADDRINUSE, "one alone shares");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
	is(bind_to(other, in_name("127.0.0.1", port_of(fd))), 0, "both do");
	close(other);
	close(fd);
}

static void datagrams(void)
{
	int server = bound(in_name("127.0.0.1", 0)), client = socket(AF_INET, SOCK_DGRAM, 0);
	union name to = own_name(server), from = none;
	socklen_t length = sizeof(from);
	char text[64];
	int value = -1;

	fails(send(client, "x", 1, 0), EDESTADDRREQ, "to nobody");
	fails(send_to(client, in_name("127.0.0.1", 0), "x"), EINVAL, "to port 0");
	is(events_of(server), POLLOUT, "nothing to be read");
	is(send_to(client, to, "hello"), 5, "sendto");
	is(events_of(ready(server)), POLLIN | POLLOUT, "something is");
	is(ioctl(server, FIONREAD, &value), 0, "FIONREAD");
	is(value, 5, "its length");
	is(recv(ready(server), text, 2, MSG_PEEK | MSG_TRUNC), 5, "peek");
	is(recvfrom(ready(server), text, 64, 0, &from.any, &length), 5, "comes");
	ok(memcmp(text, "hello", 5) == 0, "with its bytes");
	is(length, sizeof(from.in), "the sender's name");
	is(ntohs(from.in.sin_port), port_of(client), "has his port");
	is(ntohl(from.in.sin_addr.s_addr), INADDR_LOOPBACK, "and address");
	is(sendto(server, "back", 4, 0, &from.any, length), 4, "answer");
	is(recv(ready(client), text, 64, 0), 4, "comes");
	fails(recv(client, text, 64, MSG_DONTWAIT), EAGAIN, "nothing more");
	is(send_to(client, to, ""), 0, "an empty one");
	is(recv(ready(server), text, 64, MSG_DONTWAIT), 0, "comes");
	send_to(client, to, "longer");
	is(recv(ready(server), text, 3, 0), 3, "a short buffer");
	fails(recv(server, text, 3, MSG_DONTWAIT), EAGAIN, "the rest is lost");
	char *large = map_pages(17);
	memset(large, 'z', 65507);
	is(sendto(client, large, 65507, 0, &to.any, sizeof(to.in)), 65507, "the longest");
	memset(large, 0, 65507);
	is(recv(ready(server), large, 17 * PAGE, MSG_DONTWAIT), 65507, "comes whole");
	ok(large[0] == 'z' && large[65506] == 'z', "to its end");
	fails(sendto(client, large, 65508, 0, &to.any, sizeof(to.in)), EMSGSIZE, "a longer one");
	fails(sendto(client, BAD_POINTER, 8, 0, &to.any, sizeof(to.in)), EFAULT, "from nowhere");
	is(send_to(client, in_name("0.0.0.0", port_of(server)), "any"), 3, "to 0.0.0.0");
	is(recv(ready(server), text, 64, MSG_DONTWAIT), 3, "is to this machine");
	struct timeval soon = {0, 20000};
	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	fails(recv(server, text, 64, 0), EAGAIN, "SO_RCVTIMEO");
	close(server);
	close(client);
}

static void connections(void)
{
	int server = bound(in_name("127.0.0.1", 0)), client = socket(AF_INET, SOCK_DGRAM, 0);
	int third = bound(in_name("127.0.0.1", 0));
	union name name = none;
	socklen_t length = sizeof(name);
	char text[64];

	fails(getpeername(client, &name.any, &length), ENOTCONN, "no peer");
	fails(shutdown(client, SHUT_RD), ENOTCONN, "shutdown without one");
	close(client);
	client = socket(AF_INET, SOCK_DGRAM, 0);
	is(connect_to(client, own_name(server)), 0, "connect");
	is(ntohl(own_name(client).in.sin_addr.s_addr), INADDR_LOOPBACK, "takes an address");
	ok(port_of(client) != 0, "and a port");
	is(getpeername(client, &name.any, &length), 0, "getpeername");
	is(ntohs(name.in.sin_port), port_of(server), "is the server");
	is(send(client, "via", 3, 0), 3, "send");
	is(recv(ready(server), text, 64, 0), 3, "comes");
	is(send_to(third, own_name(client), "other"), 5, "somebody else sends");
	fails(recv(client, text, 64, MSG_DONTWAIT), EAGAIN, "it is not heard");
	is(send_to(client, own_name(third), "to third"), 8, "it may send elsewhere");
	is(recv(ready(third), text, 64, 0), 8, "comes");
	is(send_to(server, own_name(client), "peer"), 4, "the peer");
	is(recv(ready(client), text, 64, MSG_DONTWAIT), 4, "is heard");
	name.any.sa_family = AF_UNSPEC;
	is(connect(client, &name.any, sizeof(name.in)), 0, "AF_UNSPEC dissolves it");
	length = sizeof(name);
	fails(getpeername(client, &name.any, &length), ENOTCONN, "no peer");
	is(port_of(client), 0, "the port is given back");
	connect_to(client, own_name(server));
	is(shutdown(client, SHUT_RDWR), 0, "shutdown");
	is(recv(client, text, 64, 0), 0, "the end");
	fails(send(client, "x", 1, MSG_NOSIGNAL), EPIPE, "nothing can be sent");
	ok(events_of(client) & POLLHUP, "POLLHUP");
	close(server);
	close(client);
	close(third);
}

static void errors(void)
{
	int gone = bound(in_name("127.0.0.1", 0)), fd = socket(AF_INET, SOCK_DGRAM, 0), value = 1;
	union name nobody = own_name(gone), name;
	char text[64], control[256];
	struct iovec vector = {text, sizeof(text)};
	struct msghdr header = {.msg_name = &name,
				.msg_namelen = sizeof(name),
				.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};
	socklen_t length = sizeof(value);

	close(gone);
	is(send_to(fd, nobody, "x"), 1, "to a port that nobody has");
	fails(recv(fd, text, 64, MSG_DONTWAIT), EAGAIN, "is not told");
	connect_to(fd, nobody);
	is(send(fd, "x", 1, 0), 1, "over a connection");
	ok(events_of(ready(fd)) & POLLERR, "poll tells");
	fails(recv(ready(fd), text, 64, 0), ECONNREFUSED, "recv too");
	fails(recv(fd, text, 64, MSG_DONTWAIT), EAGAIN, "once");
	(void)!send(fd, "x", 1, 0);
	fails(send(ready(fd), "y", 1, 0), ECONNREFUSED, "or the next send");
	(void)!send(fd, "x", 1, 0);
	is(getsockopt(ready(fd), SOL_SOCKET, SO_ERROR, &value, &length), 0, "SO_ERROR");
	is(value, ECONNREFUSED, "has it");
	fails(recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT), EAGAIN, "no queue of errors");
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	value = 1;
	is(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &value, sizeof(value)), 0, "IP_RECVERR");
	is(send_to(fd, nobody, "what"), 4, "unconnected");
	fails(recv(ready(fd), text, 64, MSG_DONTWAIT), ECONNREFUSED, "is told, too");
	/* An error need not repeat more of a packet than its headers: RFC 792. */
	ssize_t told = recvmsg(fd, &header, MSG_ERRQUEUE);
	ok(told == 0 || (told == 4 && memcmp(text, "what", 4) == 0), "the datagram comes back");
	ok(header.msg_flags & MSG_ERRQUEUE, "marked");
	is(name.in.sin_port, nobody.in.sin_port, "and where it went");
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	ok(c != NULL && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR, "its error");
	if (c != NULL) {
		struct {
			uint32_t number;
			uint8_t origin, type, code, pad;
			uint32_t info, data;
			struct sockaddr_in offender;
		} *error = (void *)CMSG_DATA(c);
		is(error->number, ECONNREFUSED, "is ECONNREFUSED");
		is(error->origin, 2, "from ICMP");
		is(error->type, 3, "destination unreachable");
		is(error->code, 3, "port");
		is(ntohl(error->offender.sin_addr.s_addr), INADDR_LOOPBACK, "who complained");
	}
	close(fd);
}

/* Receives one with its control messages. */
static struct msghdr *receive(int fd)
{
	static char text[64], control[256];
	static struct iovec vector;
	static struct msghdr header;

	vector = (struct iovec){text, sizeof(text)};
	header = (struct msghdr){.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	is(recvmsg(ready(fd), &header, MSG_DONTWAIT), 1, "a datagram with what comes along");
	return &header;
}

static const void *find(struct msghdr *header, int level, int type)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			return CMSG_DATA(c);
	return NULL;
}

static void extras(void)
{
	int server = bound(in_name("0.0.0.0", 0)), client = socket(AF_INET, SOCK_DGRAM, 0);
	int value = 1;
	const int *number;

	setsockopt(server, IPPROTO_IP, IP_PKTINFO, &value, sizeof(value));
	setsockopt(server, IPPROTO_IP, IP_RECVTTL, &value, sizeof(value));
	setsockopt(server, IPPROTO_IP, IP_RECVTOS, &value, sizeof(value));
	setsockopt(server, SOL_SOCKET, SO_TIMESTAMP, &value, sizeof(value));
	value = 17;
	is(setsockopt(client, IPPROTO_IP, IP_TTL, &value, sizeof(value)), 0, "IP_TTL");
	value = 0x10;
	is(setsockopt(client, IPPROTO_IP, IP_TOS, &value, sizeof(value)), 0, "IP_TOS");
	send_to(client, in_name("127.0.0.3", port_of(server)), "x");
	struct msghdr *header = receive(server);
	const struct in_pktinfo *info = find(header, IPPROTO_IP, IP_PKTINFO);
	ok(info != NULL, "IP_PKTINFO");
	if (info != NULL) {
		is(info->ipi_ifindex, 1, "came by lo");
		is(ntohl(info->ipi_addr.s_addr), 0x7f000003, "to that address");
	}
	number = find(header, IPPROTO_IP, IP_TTL);
	ok(number != NULL && *number == 17, "its TTL");
	const unsigned char *tos = find(header, IPPROTO_IP, IP_TOS);
	ok(tos != NULL && *tos == 0x10, "its TOS");
	const struct timeval *stamp = find(header, SOL_SOCKET, SO_TIMESTAMP);
	ok(stamp != NULL && labs((long)(stamp->tv_sec - stamp_now())) < 60, "when it came");
	/* From a chosen address. */
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
	struct in_pktinfo wanted = {.ipi_spec_dst.s_addr = htonl(0x7f000005)};
	union name to = in_name("127.0.0.1", port_of(server)), from = none;
	struct iovec vector = {"y", 1};
	struct msghdr out = {.msg_name = &to,
			     .msg_namelen = sizeof(to.in),
			     .msg_iov = &vector,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&out);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(wanted));
	memcpy(CMSG_DATA(c), &wanted, sizeof(wanted));
	is(sendmsg(client, &out, 0), 1, "sendmsg with IP_PKTINFO");
	socklen_t length = sizeof(from);
	char text[8];
	is(recvfrom(ready(server), text, 8, MSG_DONTWAIT, &from.any, &length), 1, "comes");
	is(ntohl(from.in.sin_addr.s_addr), 0x7f000005, "from the address that was asked for");
	close(server);
	close(client);
}

static void limits(void)
{
	int server = bound(in_name("127.0.0.1", 0)), client = socket(AF_INET, SOCK_DGRAM, 0);
	int value = 4096, count = 0;
	char data[512];

	setsockopt(server, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value));
	connect_to(client, own_name(server));
	for (int i = 0; i < 100; i++)
		count += send(client, data, sizeof(data), 0) == sizeof(data);
	is(count, 100, "sending never fails for the receiver's sake");
	for (count = 0, ready(server); recv(server, data, sizeof(data), MSG_DONTWAIT) > 0;)
		count++;
	ok(count > 0 && count < 50, "what finds no room is lost");
	struct mmsghdr several[4] = {0};
	struct iovec vectors[4];
	char texts[4][8];
	for (int i = 0; i < 3; i++)
		(void)!send(client, "several" + i, 4, 0);
	for (int i = 0; i < 4; i++) {
		vectors[i] = (struct iovec){texts[i], 8};
		several[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	is(recvmmsg(ready(server), several, 3, 0, NULL), 3, "recvmmsg");
	is(several[2].msg_len, 4, "each with its length");
	ok(memcmp(texts[1], "ever", 4) == 0, "in order");
	close(server);
	close(client);
}

static void sharing(void)
{
	int one = socket(AF_INET, SOCK_DGRAM, 0), two = socket(AF_INET, SOCK_DGRAM, 0), value = 1;
	int got[2] = {0};
	char text[8];

	setsockopt(one, SOL_SOCKET, SO_REUSEPORT, &value, sizeof(value));
	setsockopt(two, SOL_SOCKET, SO_REUSEPORT, &value, sizeof(value));
	bind_to(one, in_name("127.0.0.1", 0));
	is(bind_to(two, own_name(one)), 0, "SO_REUSEPORT");
	for (int i = 0; i < 64; i++) {
		int client = socket(AF_INET, SOCK_DGRAM, 0);

		send_to(client, own_name(one), "x");
		close(client);
	}
	for (int tries = 0; tries < 5000 && got[0] + got[1] < 64; tries++) {
		while (recv(one, text, 8, MSG_DONTWAIT) > 0)
			got[0]++;
		while (recv(two, text, 8, MSG_DONTWAIT) > 0)
			got[1]++;
		if (got[0] + got[1] < 64)
			sleep_ms(1);
	}
	is(got[0] + got[1], 64, "all come");
	ok(got[0] > 0 && got[1] > 0, "and to both: %d, %d", got[0], got[1]);
	close(one);
	close(two);
}

static void version_6(void)
{
	int server = bound(in6_name("::1", 0)), client = socket(AF_INET6, SOCK_DGRAM, 0), value = 1;
	union name from = none;
	socklen_t length = sizeof(from);
	char text[64];

	if (server < 0) {
		skip(1, "no IPv6");
		return;
	}
	setsockopt(server, IPPROTO_IPV6, IPV6_RECVPKTINFO, &value, sizeof(value));
	setsockopt(server, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &value, sizeof(value));
	is(send_to(client, own_name(server), "x"), 1, "over IPv6");
	struct msghdr *header = receive(server);
	const struct {
		struct in6_addr address;
		unsigned index;
	} *info = find(header, IPPROTO_IPV6, IPV6_PKTINFO);
	ok(info != NULL && info->index == 1, "IPV6_PKTINFO");
	const int *hops = find(header, IPPROTO_IPV6, IPV6_HOPLIMIT);
	ok(hops != NULL && *hops == 64, "its hop limit");
	connect_to(client, own_name(server));
	(void)!send(client, "again", 5, 0);
	is(recvfrom(ready(server), text, 64, MSG_DONTWAIT, &from.any, &length), 5, "connected");
	is(length, sizeof(from.in6), "the sender's name");
	ok(IN6_IS_ADDR_LOOPBACK(&from.in6.sin6_addr), "is ::1");
	close(server);
	(void)!send(client, "x", 1, 0);
	fails(recv(ready(client), text, 64, MSG_DONTWAIT), ECONNREFUSED, "nobody there");
	close(client);
	/* Both versions at once. */
	server = bound(in6_name("::", 0));
	client = socket(AF_INET, SOCK_DGRAM, 0);
	is(send_to(client, in_name("127.0.0.1", port_of(server)), "x"), 1,
	   "IPv4 to an IPv6 socket");
	length = sizeof(from);
	is(recvfrom(ready(server), text, 64, MSG_DONTWAIT, &from.any, &length), 1, "comes");
	ok(IN6_IS_ADDR_V4MAPPED(&from.in6.sin6_addr), "from a mapped address");
	is(sendto(server, "yy", 2, 0, &from.any, length), 2, "to which it can answer");
	is(recv(ready(client), text, 64, MSG_DONTWAIT), 2, "comes");
	fails(bind_to(client, in_name("0.0.0.0", port_of(server))), EINVAL, "bound by sending");
	int other = socket(AF_INET, SOCK_DGRAM, 0);
	fails(bind_to(other, in_name("0.0.0.0", port_of(server))), EADDRINUSE, "it has both");
	int mixed = socket(AF_INET6, SOCK_DGRAM, 0);
	is(send_to(mixed, in_name("127.0.0.1", port_of(server)), "xyz"), 3,
	   "an IPv6 socket sends to an IPv4 address");
	is(recv(ready(server), text, 64, MSG_DONTWAIT), 3, "comes");
	is(connect_to(mixed, in_name("127.0.0.1", port_of(server))), 0, "and connects to one");
	length = sizeof(from);
	getpeername(mixed, &from.any, &length);
	ok(length == sizeof(from.in6) && IN6_IS_ADDR_V4MAPPED(&from.in6.sin6_addr),
	   "which is a mapped address then");
	close(mixed);
	close(server);
	server = socket(AF_INET6, SOCK_DGRAM, 0);
	setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof(value));
	bind_to(server, in6_name("::", 0));
	is(bind_to(other, in_name("0.0.0.0", port_of(server))), 0, "unless it is IPv6 alone");
	close(server);
	close(other);
	close(client);
}

static void groups(void)
{
	int one = socket(AF_INET, SOCK_DGRAM, 0), two = socket(AF_INET, SOCK_DGRAM, 0), value = 1;
	int client = socket(AF_INET, SOCK_DGRAM, 0);
	struct ip_mreqn group = {.imr_ifindex = 1};
	char text[8];

	inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
	setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
	setsockopt(two, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
	bind_to(one, in_name("0.0.0.0", 0));
	bind_to(two, in_name("0.0.0.0", port_of(one)));
	is(setsockopt(one, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)), 0, "join");
	fails(setsockopt(one, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)), EADDRINUSE,
	      "once");
	is(setsockopt(two, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)), 0,
	   "another socket");
	is(setsockopt(client, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group)), 0,
	   "IP_MULTICAST_IF");
	is(send_to(client, in_name("239.1.2.3", port_of(one)), "all"), 3, "to the group");
	is(recv(ready(one), text, 8, MSG_DONTWAIT), 3, "one hears it");
	is(recv(ready(two), text, 8, MSG_DONTWAIT), 3, "and the other");
	is(setsockopt(two, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof(group)), 0, "leave");
	fails(setsockopt(two, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof(group)), EADDRNOTAVAIL,
	      "once");
	value = 0;
	is(setsockopt(two, IPPROTO_IP, IP_MULTICAST_ALL, &value, sizeof(value)), 0,
	   "and hear nothing that others joined");
	send_to(client, in_name("239.1.2.3", port_of(one)), "again");
	is(recv(ready(one), text, 8, MSG_DONTWAIT), 5, "one hears it");
	fails(recv(two, text, 8, MSG_DONTWAIT), EAGAIN, "not the other");
	setsockopt(client, IPPROTO_IP, IP_MULTICAST_LOOP, &value, sizeof(value));
	inet_pton(AF_INET, "127.0.0.1", &group.imr_multiaddr);
	fails(setsockopt(two, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)), EINVAL,
	      "no group");
	ok(send_to(client, in_name("255.255.255.255", 9), "x") == -1 &&
		   (errno == EACCES || errno == ENETUNREACH),
	   "a broadcast wants SO_BROADCAST, and a way");
	close(one);
	close(two);
	close(client);
}

int main(void)
{
	names();
	datagrams();
	connections();
	errors();
	extras();
	limits();
	sharing();
	version_6();
	groups();
	return done();
}
