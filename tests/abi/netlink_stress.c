/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagram and netlink sockets, used by several processes at once and closed at any moment.  Nothing
 * is lost but what may be, and nobody hangs.
 */
#include "abi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/time.h>

#include "netlink.h"

enum { WORKERS = 4, ROUNDS = 150, PORTS = 8, FIRST_PORT = 20000 };

static unsigned random_state;

static unsigned pick(unsigned limit)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % limit;
}

static struct sockaddr_in port_name(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)(FIRST_PORT + port)),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Binds, connects, sends to whoever has a port at the moment, and closes. */
static bool datagrams(void)
{
	int fds[4], one = 1;
	char text[600];
	bool good = true;

	for (unsigned i = 0; i < 4; i++) {
		struct sockaddr_in name = port_name(pick(PORTS));
		struct ip_mreqn group = {.imr_ifindex = 1,
					 .imr_multiaddr.s_addr = htonl(0xef010203)};

		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		setsockopt(fds[i], SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
		if (pick(2))
			good &= bind(fds[i], (struct sockaddr *)&name, sizeof(name)) == 0;
		if (pick(4) == 0)
			good &= setsockopt(fds[i], IPPROTO_IP, IP_ADD_MEMBERSHIP, &group,
					   sizeof(group)) == 0;
		name = port_name(pick(PORTS));
		if (pick(2))
			good &= connect(fds[i], (struct sockaddr *)&name, sizeof(name)) == 0;
	}
	for (unsigned i = 0; i < 16; i++) {
		struct sockaddr_in name = port_name(pick(PORTS));

		if (sendto(fds[pick(4)], text, pick(sizeof(text)), 0, (struct sockaddr *)&name,
			   sizeof(name)) < 0)
			good &= errno == ECONNREFUSED;
		if (recv(fds[pick(4)], text, sizeof(text), 0) < 0)
			good &= errno == EAGAIN || errno == ECONNREFUSED;
	}
	for (unsigned i = 0; i < 4; i++)
		close(fds[i]);
	return good;
}

static bool has_end(const char *bytes, ssize_t length)
{
	const char *end = bytes + length;

	while (bytes + sizeof(struct nl_header) <= end) {
		const struct nl_header *header = (const void *)bytes;

		if (header->type == NLMSG_DONE || header->length < sizeof(*header))
			return true;
		bytes += NL_ALIGN(header->length);
	}
	return false;
}

/* A dump to its end, or only its beginning. */
static bool dump(void)
{
	static const uint16_t types[] = {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETRULE};
	struct {
		struct nl_header header;
		char body[16];
	} request = {.header = {sizeof(request), types[pick(4)], NLM_F_REQUEST | NLM_F_DUMP, 9, 0}};
	static union {
		struct nl_header header;
		char bytes[32768];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	bool whole = pick(4) != 0, good = send(fd, &request, sizeof(request), 0) > 0;

	while (good) {
		ssize_t length = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);

		good = length >= (ssize_t)sizeof(struct nl_header) &&
		       answer.header.type != NLMSG_ERROR;
		/* The end may be in a datagram of its own, or behind other messages. */
		if (!whole || has_end(answer.bytes, length))
			break;
	}
	close(fd);
	return good;
}

/* Sends to the group that all workers are in, and hears what others say. */
static bool chat(void)
{
	struct sockaddr_nl group = {.family = AF_NETLINK, .groups = 1 << 4};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_USERSOCK);
	bool good = bind(fd, (struct sockaddr *)&group, sizeof(group)) == 0;
	char text[64] = "hello";

	for (int i = 0; i < 8 && good; i++) {
		if (sendto(fd, text, sizeof(text), 0, (struct sockaddr *)&group, sizeof(group)) < 0)
			good = errno == ECONNREFUSED;
		if (recv(fd, text, sizeof(text), 0) < 0)
			good &= errno == EAGAIN || errno == ENOBUFS;
	}
	close(fd);
	return good;
}

int main(void)
{
	pid_t workers[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (workers[i] != 0)
			continue;
		int bad = 0;
		alarm(80);
		random_state = i * 7919 + 1;
		for (int round = 0; round < ROUNDS; round++) {
			bad |= datagrams() ? 0 : 1;
			bad |= dump() ? 0 : 2;
			bad |= chat() ? 0 : 4;
		}
		_exit(bad);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		int status = -1;

		waitpid(workers[i], &status, 0);
		is(status, EXITED(0), "worker %u: nothing but what may be", i);
	}
	return done();
}
