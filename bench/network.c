/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP through the loopback interface. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 1000, STREAM_BYTES = 16 * MIB, PIECE = 65536, PORT = 7411 };

static char piece[PIECE];

static void loopback_up(int fd)
{
	struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};

	strcpy(request.ifr_name, "lo");
	ioctl(fd, SIOCSIFFLAGS, &request);
}

/* Makes two connected sockets. */
static void connect_pair(int *near, int *far)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(PORT),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0)
		unsupported("socket");
	loopback_up(listener);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		unsupported("listen");
	*near = socket(AF_INET, SOCK_STREAM, 0);
	if (*near < 0 || connect(*near, (struct sockaddr *)&address, sizeof(address)) < 0)
		unsupported("connect");
	*far = accept(listener, NULL, NULL);
	if (*far < 0)
		unsupported("accept");
	close(listener);
	setsockopt(*near, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(*far, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static double tcp_round_trip(void)
{
	int near, far;
	char byte = 0;
	double start = 0;

	connect_pair(&near, &far);
	pid_t pid = fork();
	if (pid == 0) {
		close(near);
		while (read(far, &byte, 1) == 1)
			if (write(far, &byte, 1) != 1)
				break;
		_exit(0);
	}
	for (int i = -10; i < ROUNDS; i++) {
		if (i == 0)
			start = now();
		if (write(near, &byte, 1) != 1 || read(near, &byte, 1) != 1)
			unsupported("one byte there and back");
	}
	double took = per(start, ROUNDS);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return took;
}

static double tcp_kib(void)
{
	int near, far;

	connect_pair(&near, &far);
	touch(piece, PIECE);
	pid_t pid = fork();
	if (pid == 0) {
		close(near);
		for (int at = 0; at < STREAM_BYTES; at += PIECE)
			if (write(far, piece, PIECE) != PIECE)
				_exit(1);
		_exit(0);
	}
	close(far);
	double start = now();
	ssize_t total = 0, got;
	while ((got = read(near, piece, PIECE)) > 0)
		total += got;
	double took = per(start, STREAM_BYTES / 1024);
	waitpid(pid, NULL, 0);
	return total == STREAM_BYTES ? took : UNSUPPORTED;
}

SUBJECT(network, {"TCP loopback, 1 byte there and back", tcp_round_trip},
	{"TCP loopback, a KiB", tcp_kib});
