/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets: addresses and ports, connect, listen and accept, options.
 */
#include "inet.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

static union address any_address(int family, int port)
{
	union address address = local_address(family, port);

	if (family == AF_INET6)
		address.in6.sin6_addr = in6addr_any;
	else
		address.in.sin_addr.s_addr = htonl(INADDR_ANY);
	return address;
}

static int bind_any(int fd, int family, int port)
{
	union address address = any_address(family, port);

	return bind(fd, &address.any, address_size(family));
}

static void making(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ok(fd >= 0, "a socket");
	is(option_of(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM, "SO_TYPE");
	is(option_of(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "SO_DOMAIN");
	is(option_of(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP, "SO_PROTOCOL");
	is(option_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 0, "SO_ACCEPTCONN");
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	ok(fd >= 0, "TCP by its number");
	close(fd);
	fails(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT, "UDP is no stream");
	fails(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT, "an unknown type");
	fails(socket(AF_INET, SOCK_STREAM, -1), EINVAL, "a protocol below 0");
	fails(socket(AF_INET, SOCK_STREAM, 300), EINVAL, "and one above all");
	int pair[2];
	fails(socketpair(AF_INET, SOCK_STREAM, 0, pair), EOPNOTSUPP, "no pairs");
}

static void binding(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);
	union address address = local_address(AF_INET, 0);
	socklen_t length = sizeof(address);

	is(port_of(fd), 0, "no port at first");
	fails(bind(fd, &address.any, 8), EINVAL, "a short address");
	address.any.sa_family = AF_INET6;
	fails(bind(fd, &address.any, sizeof(address.in)), EAFNOSUPPORT, "another family");
	address.any.sa_family = AF_UNSPEC;
	fails(bind(fd, &address.any, sizeof(address.in)), EAFNOSUPPORT, "no family");
	address = local_address(AF_INET, 0);
	address.in.sin_addr.s_addr = inet_addr("192.0.2.77");
	fails(bind(fd, &address.any, sizeof(address.in)), EADDRNOTAVAIL, "somebody else's address");
	fails(bind(fd, BAD_POINTER, sizeof(address.in)), EFAULT, "no address");
	is(bind_local(fd, AF_INET, 0), 0, "bind to any port");
	int port = port_of(fd);
	ok(port >= 1024, "a port of the kernel's choice");
	is(getsockname(fd, &address.any, &length), 0, "getsockname");
	is(address.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK), "tells the address");
	is(length, sizeof(address.in), "and its length");
	fails(getpeername(fd, &address.any, &length), ENOTCONN, "no peer");
	fails(bind_local(fd, AF_INET, 0), EINVAL, "bind twice");
	fails(bind_local(other, AF_INET, port), EADDRINUSE, "a port that is taken");
	fails(bind_any(other, AF_INET, port), EADDRINUSE, "for all addresses, too");
	address = local_address(AF_INET, port);
	address.in.sin_addr.s_addr = inet_addr("127.0.0.2");
	is(bind(other, &address.any, sizeof(address.in)), 0, "another address: free");
	close(other);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	is(bind_local(fd, AF_INET, port), 0, "after close it is free");
	close(fd);

	char text[16] = "";
	get_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", text, sizeof(text));
	int status;
	if (text[0] != '\0' && atoi(text) != 1024) {
		skip(1, "ports below %d are anybody's", atoi(text));
	} else {
		if (child(&status) == 0) {
			fd = socket(AF_INET, SOCK_STREAM, 0);
			if (become(1000, 1000) < 0)
				_exit(2);
			fails(bind_local(fd, AF_INET, 1023), EACCES, "a privileged port");
			_exit(0);
		}
		is(status, EXITED(0), "as an ordinary user");
	}
}

/* Two sockets with an option: may they have one port?  `listens`: the first one does. */
static int share(int option, bool both, bool listens)
{
	int one = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);

	set_option(one, SOL_SOCKET, option, 1);
	if (both)
		set_option(other, SOL_SOCKET, option, 1);
	bind_local(one, AF_INET, 0);
	if (listens)
		listen(one, 1);
	int error = bind_local(other, AF_INET, port_of(one)) < 0 ? errno : 0;
	if (error == 0 && listens && listen(other, 1) < 0)
		error = errno;
	close(one);
	close(other);
	return error;
}

static void sharing(void)
{
	is(share(SO_REUSEADDR, true, false), 0, "SO_REUSEADDR: both");
	is(share(SO_REUSEADDR, false, false), EADDRINUSE, "SO_REUSEADDR: one of two");
	is(share(SO_REUSEADDR, true, true), EADDRINUSE, "SO_REUSEADDR: not with a listener");
	is(share(SO_REUSEPORT, true, true), 0, "SO_REUSEPORT: two listeners");
	is(share(SO_REUSEPORT, false, true), EADDRINUSE, "SO_REUSEPORT: one of two");

	int one = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);
	set_option(one, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(other, SOL_SOCKET, SO_REUSEADDR, 1);
	bind_local(one, AF_INET, 0);
	is(bind_local(other, AF_INET, port_of(one)), 0, "two share a port");
	is(listen(one, 1), 0, "one listens");
	fails(listen(other, 1), EADDRINUSE, "the other may not");
	close(one);
	is(listen(other, 1), 0, "until that is closed");
	close(other);

	/* A server that is started again. */
	int s[2], listener = socket(AF_INET, SOCK_STREAM, 0);
	set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
	bind_local(listener, AF_INET, 0);
	int port = port_of(listener);
	listen(listener, 1);
	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	is(connect_local(s[0], AF_INET, port), 0, "a client");
	s[1] = accept(listener, NULL, NULL);
	is(port_of(s[1]), port, "the server's end has the listener's port");
	close(listener);
	close(s[1]);
	char byte;
	is(read(s[0], &byte, 1), 0, "the server goes first");
	close(s[0]);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	fails(bind_local(listener, AF_INET, port), EADDRINUSE, "its port is kept for a while");
	set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
	is(bind_local(listener, AF_INET, port), 0, "but for SO_REUSEADDR");
	is(listen(listener, 1), 0, "which may listen");
	close(listener);
}

static void sharing_load(void)
{
	enum { CLIENTS = 64 };
	int one = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);
	int clients[CLIENTS], got[2] = {0, 0}, fd;

	set_option(one, SOL_SOCKET, SO_REUSEPORT, 1);
	set_option(other, SOL_SOCKET, SO_REUSEPORT, 1);
	bind_local(one, AF_INET, 0);
	bind_local(other, AF_INET, port_of(one));
	listen(one, CLIENTS);
	listen(other, CLIENTS);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect_local(clients[i], AF_INET, port_of(one)) < 0)
			note("connect: %s", strerror(errno));
	}
	fcntl(one, F_SETFL, O_NONBLOCK);
	fcntl(other, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < CLIENTS; i++) {
		if ((fd = accept(one, NULL, NULL)) >= 0) {
			got[0]++;
			close(fd);
		}
		if ((fd = accept(other, NULL, NULL)) >= 0) {
			got[1]++;
			close(fd);
		}
	}
	is(got[0] + got[1], CLIENTS, "SO_REUSEPORT: all clients are accepted");
	ok(got[0] > 0 && got[1] > 0, "by both listeners");
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	close(one);
	close(other);
}

/* A port that nobody has. */
static int free_port(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);

	bind_local(fd, family, 0);
	int port = port_of(fd);
	close(fd);
	return port;
}

static void connecting(int family)
{
	const char *name = family == AF_INET ? "IPv4" : "IPv6";
	int listener = listener_at(family, 8), port = port_of(listener);
	int fd = socket(family, SOCK_STREAM, 0);
	union address address;
	socklen_t length = sizeof(address);

	fails(connect_local(fd, family, free_port(family)), ECONNREFUSED, "%s: nobody listens",
	      name);
	is(option_of(fd, SOL_SOCKET, SO_ERROR), 0, "%s: told once", name);
	is(connect_local(fd, family, port), 0, "%s: a second attempt", name);
	fails(connect_local(fd, family, port), EISCONN, "%s: twice", name);
	is(getpeername(fd, &address.any, &length), 0, "%s: getpeername", name);
	is(length, address_size(family), "%s: of its family's length", name);
	is(ntohs(family == AF_INET ? address.in.sin_port : address.in6.sin6_port), port,
	   "%s: the peer's port", name);
	int end = accept(listener, &address.any, &length);
	is(ntohs(family == AF_INET ? address.in.sin_port : address.in6.sin6_port), port_of(fd),
	   "%s: accept tells the caller's", name);
	ok(family == AF_INET ? address.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK)
			     : memcmp(&address.in6.sin6_addr, &in6addr_loopback, 16) == 0,
	   "%s: and its address", name);
	address.any.sa_family = AF_UNSPEC;
	is(connect(fd, &address.any, sizeof(address.any)), 0, "%s: AF_UNSPEC", name);
	fails(getpeername(fd, &address.any, &length), ENOTCONN, "%s: disconnects", name);
	is(poll_for(end, 0, 5000), POLLERR | POLLHUP, "%s: by a reset", name);
	is(connect_local(fd, family, port), 0, "%s: and the socket is as new", name);
	close(fd);
	close(end);

	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	fails(connect_local(fd, family, port), EINPROGRESS, "%s: without waiting", name);
	is(poll_for(fd, POLLOUT, 5000), POLLOUT, "%s: done", name);
	is(option_of(fd, SOL_SOCKET, SO_ERROR), 0, "%s: well", name);
	is(connect_local(fd, family, port), 0, "%s: the next call says so, too", name);
	fails(connect_local(fd, family, port), EISCONN, "%s: once", name);
	close(fd);
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	fails(connect_local(fd, family, free_port(family)), EINPROGRESS, "%s: to nobody", name);
	is(poll_for(fd, POLLIN | POLLOUT | POLLRDHUP, 5000),
	   POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, "%s: is done at once", name);
	is(option_of(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED, "%s: refused", name);
	is(option_of(fd, SOL_SOCKET, SO_ERROR), 0, "%s: told once", name);
	close(fd);
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	fails(connect_local(fd, family, free_port(family)), EINPROGRESS, "%s: to nobody", name);
	poll_for(fd, POLLOUT, 5000);
	fails(connect_local(fd, family, port), ECONNREFUSED, "%s: the next connect tells", name);
	fails(connect_local(fd, family, port), EINPROGRESS, "%s: and the one after begins anew",
	      name);
	is(poll_for(fd, POLLOUT, 5000), POLLOUT, "%s: well", name);
	close(fd);
	fails(connect_local(listener, family, port), EISCONN, "%s: a listener", name);
	close(listener);

	/* "Any" is oneself. */
	listener = listener_at(family, 1);
	fd = socket(family, SOCK_STREAM, 0);
	address = any_address(family, port_of(listener));
	is(connect(fd, &address.any, address_size(family)), 0, "%s: to no address", name);
	close(fd);
	close(listener);
}

static void connecting_badly(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	union address address = local_address(AF_INET, 9);

	fails(connect(fd, &address.any, 1), EINVAL, "a very short address");
	fails(connect(fd, &address.any, 8), EINVAL, "a short address");
	address.any.sa_family = AF_UNIX;
	fails(connect(fd, &address.any, sizeof(address.in)), EAFNOSUPPORT, "another family");
	address = local_address(AF_INET, 9);
	address.in.sin_addr.s_addr = inet_addr("255.255.255.255");
	fails(connect(fd, &address.any, sizeof(address.in)), ENETUNREACH, "to everybody");
	close(fd);
}

static void listening(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), client, end, value;
	union address address;
	socklen_t length = sizeof(address);
	char byte;

	fails(accept(fd, NULL, NULL), EINVAL, "accept without listen");
	is(listen(fd, 4), 0, "listen without bind");
	int port = port_of(fd);
	ok(port != 0, "chooses a port");
	is(option_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 1, "SO_ACCEPTCONN");
	is(listen(fd, 2), 0, "listen again");
	is(poll_one(fd, POLLIN | POLLOUT), 0, "nobody there");
	fails(recv(fd, &byte, 1, 0), ENOTCONN, "nothing to receive");
	fails(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE, "nor to send");
	fails(ioctl(fd, FIONREAD, &value), EINVAL, "nor to count");
	fails(getpeername(fd, &address.any, &length), ENOTCONN, "nor a peer");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fails(accept(fd, NULL, NULL), EAGAIN, "nobody to accept");
	client = socket(AF_INET, SOCK_STREAM, 0);
	is(connect_local(client, AF_INET, port), 0, "a client");
	is(poll_for(fd, POLLIN, 5000), POLLIN, "is seen");
	is(write(client, "early", 5), 5, "and writes before it is accepted");
	end = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	ok(end >= 0, "accept4");
	is(fcntl(end, F_GETFD), FD_CLOEXEC, "SOCK_CLOEXEC");
	is(fcntl(end, F_GETFL) & O_NONBLOCK, 0, "O_NONBLOCK is not inherited");
	char text[8];
	is(recv(end, text, 5, MSG_WAITALL), 5, "what was written");
	fails(listen(client, 1), EINVAL, "listen on a connection");
	fails(accept(client, NULL, NULL), EINVAL, "accept on one");
	close(client);
	close(end);

	/* A client that is gone before it is accepted. */
	client = socket(AF_INET, SOCK_STREAM, 0);
	connect_local(client, AF_INET, port);
	(void)!write(client, "bye", 3);
	close(client);
	poll_for(fd, POLLIN, 5000);
	end = accept(fd, &address.any, &length);
	ok(end >= 0, "a client that has gone is accepted");
	is(recv(end, text, 8, MSG_WAITALL), 3, "with all that it said");
	close(end);

	/* A listener that goes before it has accepted. */
	client = socket(AF_INET, SOCK_STREAM, 0);
	is(connect_local(client, AF_INET, port), 0, "a client");
	poll_for(fd, POLLIN, 5000);
	close(fd);
	is(poll_for(client, 0, 5000), POLLERR | POLLHUP, "the listener is closed: a reset");
	is(option_of(client, SOL_SOCKET, SO_ERROR), ECONNRESET, "ECONNRESET");
	close(client);

	fd = listener_at(AF_INET, 1);
	port = port_of(fd);
	is(shutdown(fd, SHUT_RD), 0, "shutdown of a listener");
	client = socket(AF_INET, SOCK_STREAM, 0);
	fails(connect_local(client, AF_INET, port), ECONNREFUSED, "refuses");
	fails(accept(fd, NULL, NULL), EINVAL, "and accept");
	is(listen(fd, 1), 0, "until it listens again");
	is(connect_local(client, AF_INET, port_of(fd)), 0, "at a new port");
	close(client);
	close(fd);
}

static void backlog(void)
{
	enum { CLIENTS = 3 };
	int fd = listener_at(AF_INET, 1), clients[CLIENTS], connected = 0, accepted = 0;

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect_local(clients[i], AF_INET, port_of(fd));
	}
	poll_for(fd, POLLIN, 5000);
	sleep_ms(20);
	for (int i = 0; i < CLIENTS; i++)
		connected += poll_one(clients[i], POLLOUT) == POLLOUT;
	is(connected, 2, "listen(1): two are connected, the third waits");
	for (int i = 0; i < CLIENTS && poll_for(fd, POLLIN, 9000) == POLLIN; i++) {
		close(accept(fd, NULL, NULL));
		accepted++;
	}
	is(accepted, CLIENTS, "and is connected once there is room");
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	close(fd);
}

static void deferring(void)
{
	int fd = listener_at(AF_INET, 4), client = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	is(set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30), 0, "TCP_DEFER_ACCEPT");
	is(connect_local(client, AF_INET, port_of(fd)), 0, "a silent client");
	is(poll_one(fd, POLLIN), 0, "is nobody");
	(void)!write(client, "x", 1);
	is(poll_for(fd, POLLIN, 5000), POLLIN, "until it speaks");
	int end = accept(fd, NULL, NULL);
	is(read(end, &byte, 1), 1, "and then has");
	close(end);
	close(client);
	client = socket(AF_INET, SOCK_STREAM, 0);
	connect_local(client, AF_INET, port_of(fd));
	close(fd);
	close(client);
}

static void both_families(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int only = socket(AF_INET6, SOCK_STREAM, 0), plain = socket(AF_INET, SOCK_STREAM, 0);
	union address address;
	socklen_t length = sizeof(address);
	char text[INET6_ADDRSTRLEN] = "";

	set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	is(option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0, "IPV6_V6ONLY is off");
	is(bind_any(fd, AF_INET6, 0), 0, "bind to all addresses of both families");
	is(listen(fd, 4), 0, "listen");
	int port = port_of(fd);
	fails(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), EINVAL, "too late for the option");
	fails(bind_any(plain, AF_INET, port), EADDRINUSE, "IPv4 is taken, too");
	is(connect_local(client, AF_INET, port), 0, "an IPv4 client");
	int end = accept(fd, &address.any, &length);
	is(length, sizeof(address.in6), "has an address of IPv6");
	inet_ntop(AF_INET6, &address.in6.sin6_addr, text, sizeof(text));
	is_str(text, "::ffff:127.0.0.1", "a mapped one");
	length = sizeof(address);
	getsockname(end, &address.any, &length);
	inet_ntop(AF_INET6, &address.in6.sin6_addr, text, sizeof(text));
	is_str(text, "::ffff:127.0.0.1", "and so has our end");
	close(end);
	close(client);
	close(fd);

	set_option(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	is(bind_any(only, AF_INET6, 0), 0, "IPV6_V6ONLY: all addresses of IPv6");
	port = port_of(only);
	is(bind_any(plain, AF_INET, port), 0, "leave those of IPv4");
	is(listen(only, 1) + listen(plain, 1), 0, "both listen");
	client = socket(AF_INET6, SOCK_STREAM, 0);
	set_option(client, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	memset(&address, 0, sizeof(address));
	address.in6.sin6_family = AF_INET6;
	address.in6.sin6_port = htons((uint16_t)port);
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.in6.sin6_addr);
	is(connect(client, &address.any, sizeof(address.in6)), 0, "an IPv6 socket calls IPv4");
	is(poll_for(plain, POLLIN, 5000), POLLIN, "and is heard there");
	close(client);
	client = socket(AF_INET6, SOCK_STREAM, 0);
	set_option(client, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	fails(connect(client, &address.any, sizeof(address.in6)), ENETUNREACH,
	      "but not with IPV6_V6ONLY");
	close(client);
	client = socket(AF_INET6, SOCK_STREAM, 0);
	fails(connect(client, &address.any, 20), EINVAL, "a short address");
	is(connect_local(client, AF_INET6, port), 0, "IPv6");
	is(poll_for(only, POLLIN, 5000), POLLIN, "is heard there");
	close(client);
	close(only);
	close(plain);
}

struct number {
	int level, option, first, set, then;
	const char *name;
};

static void options(void)
{
	static const struct number numbers[] = {
		{IPPROTO_TCP, TCP_NODELAY, 0, 1, 1, "TCP_NODELAY"},
		{IPPROTO_TCP, TCP_CORK, 0, 1, 1, "TCP_CORK"},
		{IPPROTO_TCP, TCP_MAXSEG, 536, 1000, 1000, "TCP_MAXSEG"},
		{IPPROTO_TCP, TCP_KEEPIDLE, 7200, 60, 60, "TCP_KEEPIDLE"},
		{IPPROTO_TCP, TCP_KEEPINTVL, 75, 5, 5, "TCP_KEEPINTVL"},
		{IPPROTO_TCP, TCP_KEEPCNT, 9, 3, 3, "TCP_KEEPCNT"},
		{IPPROTO_TCP, TCP_SYNCNT, 6, 2, 2, "TCP_SYNCNT"},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 1500, 1500, "TCP_USER_TIMEOUT"},
		{IPPROTO_IP, IP_TTL, 64, 5, 5, "IP_TTL"},
		{IPPROTO_IP, IP_TOS, 0, 16, 16, "IP_TOS"},
		{IPPROTO_IP, IP_MTU_DISCOVER, 1, 0, 0, "IP_MTU_DISCOVER"},
		{IPPROTO_IP, IP_FREEBIND, 0, 1, 1, "IP_FREEBIND"},
		{SOL_SOCKET, SO_KEEPALIVE, 0, 1, 1, "SO_KEEPALIVE"},
		{SOL_SOCKET, SO_OOBINLINE, 0, 1, 1, "SO_OOBINLINE"},
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0), value = 1;
	socklen_t length = sizeof(value);

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct number *n = &numbers[i];

		is(option_of(fd, n->level, n->option), n->first, "%s: at first", n->name);
		is(set_option(fd, n->level, n->option, n->set), 0, "%s: set", n->name);
		is(option_of(fd, n->level, n->option), n->then, "%s: is so", n->name);
	}
	fails(set_option(fd, IPPROTO_TCP, TCP_MAXSEG, 10), EINVAL, "TCP_MAXSEG: too little");
	fails(set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0), EINVAL, "TCP_KEEPIDLE: none");
	fails(set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 128), EINVAL, "TCP_KEEPCNT: too many");
	fails(set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, -1), EINVAL, "TCP_USER_TIMEOUT: -1");
	fails(set_option(fd, IPPROTO_IP, IP_TTL, 256), EINVAL, "IP_TTL: too much");
	fails(set_option(fd, IPPROTO_IP, IP_TTL, 0), EINVAL, "IP_TTL: too little");
	is(set_option(fd, IPPROTO_IP, IP_TTL, -1), 0, "IP_TTL: -1");
	is(option_of(fd, IPPROTO_IP, IP_TTL), 64, "is the default");
	fails(set_option(fd, IPPROTO_TCP, 999, 1), ENOPROTOOPT, "an unknown option of TCP");
	fails(set_option(fd, IPPROTO_IP, 999, 1), ENOPROTOOPT, "and of IP");
	fails(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 2), EINVAL, "a short value");
	fails(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, BAD_POINTER, 4), EFAULT, "no value");
	unsigned char small = 9;
	is(setsockopt(fd, IPPROTO_IP, IP_TTL, &small, 1), 0, "a byte will do for IP_TTL");
	length = 1;
	is(getsockopt(fd, IPPROTO_IP, IP_TTL, &small, &length), 0, "and is told");
	is(small, 9, "right");
	char name[16] = "lo";
	is(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0, "SO_BINDTODEVICE");
	length = sizeof(name);
	is(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length), 0, "tells it");
	is_str(name, "lo", "by its name");
	fails(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nothing", 8), ENODEV, "no such thing");
	close(fd);

	struct tcp_info info = {0};
	int s[2] = {-1, -1};
	tcp_pair(AF_INET, s);
	length = sizeof(info);
	is(getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &info, &length), 0, "TCP_INFO");
	is(info.tcpi_state, TCP_ESTABLISHED, "established");
	ok(info.tcpi_snd_mss >= 536, "with segments of %u bytes", info.tcpi_snd_mss);
	is(shutdown(s[0], SHUT_WR), 0, "shutdown");
	poll_for(s[1], POLLRDHUP, 5000);
	getsockopt(s[1], IPPROTO_TCP, TCP_INFO, &info, &length);
	is(info.tcpi_state, TCP_CLOSE_WAIT, "the other end waits for our close");
	length = 4;
	is(getsockopt(s[1], IPPROTO_TCP, TCP_INFO, &info, &length), 0, "a part of TCP_INFO");
	is(length, 4, "is a part");
	close(s[0]);
	close(s[1]);

	fd = socket(AF_INET, SOCK_STREAM, 0);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	bind_local(fd, AF_INET, 0);
	listen(fd, 1);
	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect_local(s[0], AF_INET, port_of(fd));
	s[1] = accept(fd, NULL, NULL);
	is(option_of(s[1], IPPROTO_TCP, TCP_NODELAY), 1, "accepted sockets inherit TCP_NODELAY");
	is(option_of(s[1], SOL_SOCKET, SO_KEEPALIVE), 1, "and SO_KEEPALIVE");
	is(option_of(s[1], SOL_SOCKET, SO_ACCEPTCONN), 0, "but do not listen");
	close(s[0]);
	close(s[1]);
	close(fd);
}

int main(void)
{
	making();
	binding();
	sharing();
	sharing_load();
	connecting(AF_INET);
	connecting_badly();
	if (has_ip6()) {
		connecting(AF_INET6);
		both_families();
	} else {
		skip(2, "no IPv6");
	}
	listening();
	backlog();
	deferring();
	options();
	return done();
}
