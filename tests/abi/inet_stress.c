/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP under stress: many connections at once that end in every way, and memory that comes back.
 */
#include "inet.h"

#include <pthread.h>
#include <sys/utsname.h>

enum { THREADS = 6, ROUNDS = 60, MANY = 300, REPEATS = 1200 };

static unsigned next_random(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

/* A server's side of one connection: sends back what comes, until something says no. */
static void *serve_one(void *argument)
{
	int fd = (int)(intptr_t)argument;
	char text[5000];
	unsigned state = (unsigned)fd;
	ssize_t n;

	while ((n = recv(fd, text, next_random(&state) % sizeof(text) + 1, 0)) > 0) {
		if (send(fd, text, (size_t)n, MSG_NOSIGNAL) < 0)
			break;
		if (next_random(&state) % 50 == 0)
			break;
	}
	close(fd);
	return NULL;
}

static volatile bool stop_serving;

static void *serve(void *argument)
{
	int listener = (int)(intptr_t)argument, fd;

	while (!stop_serving) {
		pthread_t thread;

		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) != 0) {
			close(fd);
			continue;
		}
		pthread_detach(thread);
	}
	return NULL;
}

/* One connection of a client, ended in one of several ways.  False: a byte came back wrong. */
static bool converse(int port, unsigned *state)
{
	struct linger hard = {.l_onoff = 1};
	char out[3000], in[3000];
	bool right = true;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	unsigned count = next_random(state) % 20;

	if (fd < 0 || connect_local(fd, AF_INET, port) < 0) {
		close(fd);
		return false;
	}
	for (unsigned i = 0; i < count; i++) {
		size_t size = next_random(state) % sizeof(out) + 1;

		memset(out, (int)next_random(state), size);
		if (send(fd, out, size, MSG_NOSIGNAL) != (ssize_t)size)
			break;
		ssize_t got = recv(fd, in, size, MSG_WAITALL);
		if (got < (ssize_t)size)
			break;
		right &= memcmp(out, in, size) == 0;
	}
	switch (next_random(state) % 4) {
	case 0:
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		break;
	case 1:
		(void)!send(fd, out, sizeof(out), MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case 2:
		shutdown(fd, SHUT_WR);
		while (recv(fd, in, sizeof(in), 0) > 0)
			;
		break;
	default:
		break;
	}
	close(fd);
	return right;
}

static int server_port;

static void *talk(void *argument)
{
	unsigned state = (unsigned)(intptr_t)argument;
	intptr_t good = 0;

	for (int i = 0; i < ROUNDS; i++)
		good += converse(server_port, &state);
	return (void *)good;
}

static void random_ends(void)
{
	pthread_t server, threads[THREADS];
	struct timeval limit = {.tv_usec = 100000};
	int listener = listener_at(AF_INET, 128);
	long good = 0;
	void *result;

	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	server_port = port_of(listener);
	pthread_create(&server, NULL, serve, (void *)(intptr_t)listener);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, talk, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		good += (long)(intptr_t)result;
	}
	is(good, THREADS * ROUNDS, "all conversations went well");
	stop_serving = true;
	pthread_join(server, NULL);
	close(listener);
}

static void many_at_once(void)
{
	static int near[MANY], far[MANY];
	int listener = listener_at(AF_INET, MANY), good = 0;
	char byte;

	for (int i = 0; i < MANY; i++) {
		near[i] = socket(AF_INET, SOCK_STREAM, 0);
		good += connect_local(near[i], AF_INET, port_of(listener)) == 0;
	}
	is(good, MANY, "%d connections at once", MANY);
	for (int i = 0; i < MANY; i++) {
		far[i] = accept(listener, NULL, NULL);
		byte = (char)i;
		(void)!write(far[i], &byte, 1);
	}
	good = 0;
	union address name;
	for (int i = 0; i < MANY; i++) {
		socklen_t length = sizeof(name);

		getpeername(far[i], &name.any, &length);
		good += read(near[i], &byte, 1) == 1 && byte == (char)i &&
			ntohs(name.in.sin_port) == port_of(near[i]);
	}
	is(good, MANY, "each is its own, in the order of their coming");
	for (int i = 0; i < MANY; i++) {
		close(i % 2 ? near[i] : far[i]);
		close(i % 2 ? far[i] : near[i]);
	}
	close(listener);
}

/* KiB that are free, or could be at once. */
static long free_memory(void)
{
	char text[4096], *line;

	if (get_file("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, "MemAvailable:");
	return line != NULL ? atol(line + strlen("MemAvailable:")) : -1;
}

static void one_after_another(int count)
{
	static char data[20000];
	int listener = listener_at(AF_INET, 4), good = 0;
	struct linger hard = {.l_onoff = 1};

	for (int i = 0; i < count; i++) {
		int near = socket(AF_INET, SOCK_STREAM, 0);

		if (connect_local(near, AF_INET, port_of(listener)) == 0) {
			int far = accept(listener, NULL, NULL);

			good += write(near, data, sizeof(data)) == (ssize_t)sizeof(data) &&
				recv(far, data, sizeof(data), MSG_WAITALL) == (ssize_t)sizeof(data);
			/* Some go with data that nobody has read. */
			if (i % 3 == 0)
				(void)!write(near, data, sizeof(data));
			setsockopt(far, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
			close(far);
		}
		close(near);
	}
	is(good, count, "%d connections, one after another", count);
	close(listener);
}

/* Of a machine that others use, too, free memory says nothing. */
static void memory(void)
{
	struct utsname name;

	one_after_another(50);
	if (uname(&name) < 0 || strstr(name.version, "Cowslip") == NULL) {
		skip(1, "the machine is not ours alone");
		return;
	}
	long before = free_memory();
	one_after_another(REPEATS);
	/* What is freed late, by others, may take a moment; a leak would be some MiB. */
	wait_until(free_memory() > before - 1024);
	ok(free_memory() > before - 1024, "the memory is back: %ld KiB, then %ld KiB", before,
	   free_memory());
}

int main(void)
{
	random_ends();
	many_at_once();
	memory();
	return done();
}
