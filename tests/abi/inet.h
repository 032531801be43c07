/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets of the loopback interface, for the programs that test TCP. */
#ifndef ABI_INET_H
#define ABI_INET_H

#include "abi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static inline socklen_t address_size(int family)
{
	return family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* 127.0.0.1 or ::1. */
static inline union address local_address(int family, int port)
{
	union address address = {0};

	address.any.sa_family = (sa_family_t)family;
	if (family == AF_INET6) {
		address.in6.sin6_addr = in6addr_loopback;
		address.in6.sin6_port = htons((uint16_t)port);
	} else {
		address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address.in.sin_port = htons((uint16_t)port);
	}
	return address;
}

static inline int port_of(int fd)
{
	union address address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, &address.any, &length) < 0)
		return -1;
	return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port
						       : address.in.sin_port);
}

static inline int bind_local(int fd, int family, int port)
{
	union address address = local_address(family, port);

	return bind(fd, &address.any, address_size(family));
}

static inline int connect_local(int fd, int family, int port)
{
	union address address = local_address(family, port);

	return connect(fd, &address.any, address_size(family));
}

/* A listener at a port of the kernel's choice. */
static inline int listener_at(int family, int backlog)
{
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0 || bind_local(fd, family, 0) < 0 || listen(fd, backlog) < 0)
		return -1;
	return fd;
}

/* Two ends of a connection: s[0] called, s[1] was accepted. */
static inline int tcp_pair(int family, int s[2])
{
	int listener = listener_at(family, 5);

	s[0] = socket(family, SOCK_STREAM, 0);
	if (listener < 0 || s[0] < 0 || connect_local(s[0], family, port_of(listener)) < 0)
		return -1;
	s[1] = accept(listener, NULL, NULL);
	close(listener);
	return s[1] < 0 ? -1 : 0;
}

static inline int poll_for(int fd, short events, int limit)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, limit) == 1 ? p.revents : 0;
}

static inline int poll_one(int fd, short events)
{
	return poll_for(fd, events, 0);
}

static inline int option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	return getsockopt(fd, level, option, &value, &length) < 0 ? -errno : value;
}

static inline int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* A machine may be without IPv6. */
static inline bool has_ip6(void)
{
	int fd = listener_at(AF_INET6, 1);

	close(fd);
	return fd >= 0;
}

#endif
