/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splice, tee and vmsplice: data moves into, out of and between pipes.
 */
#include "abi.h"

#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/utsname.h>

static char data[8 * PAGE], got[8 * PAGE];

static void fill_data(void)
{
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 + i / PAGE);
}

/* Reads exactly `size` bytes of what a non-empty pipe holds. */
static bool drains_to(int fd, const char *want, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = read(fd, got + at, size - at);
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return memcmp(got, want, size) == 0;
}

static void files_flow_into_pipes(void)
{
	int ends[2];

	put_file("in", data, sizeof(data), 0600);
	int fd = open("in", O_RDWR);
	pipe(ends);
	is(splice(fd, NULL, ends[1], NULL, 5 * PAGE, 0), 5 * PAGE, "splice from a file");
	is(lseek(fd, 0, SEEK_CUR), 5 * PAGE, "moves its position");
	ok(drains_to(ends[0], data, 5 * PAGE), "the pipe has the data");

	off_t at = 100;
	is(splice(fd, &at, ends[1], NULL, 2 * PAGE, 0), 2 * PAGE, "from a position of our own");
	is(at, 100 + 2 * PAGE, "which moves");
	is(lseek(fd, 0, SEEK_CUR), 5 * PAGE, "the file's own does not");
	ok(drains_to(ends[0], data + 100, 2 * PAGE), "and the data");

	at = 0;
	is(splice(fd, &at, ends[1], NULL, 10, 0), 10, "ten bytes of a file's page");
	is(write(ends[1], "abcdef", 6), 6, "then some that are written");
	char head[5];
	pread(fd, head, 5, 10);
	ok(memcmp(head, data + 10, 5) == 0, "do not land in the file");
	char expect[16];
	memcpy(expect, data, 10);
	memcpy(expect + 10, "abcdef", 6);
	ok(drains_to(ends[0], expect, 16), "both come out in order");

	at = sizeof(data) - 7;
	is(splice(fd, &at, ends[1], NULL, PAGE, 0), 7, "only to the end of the file");
	is(splice(fd, &at, ends[1], NULL, PAGE, 0), 0, "0 behind it");
	ok(drains_to(ends[0], data + sizeof(data) - 7, 7), "the tail");

	ftruncate(fd, 20 * PAGE);
	at = 12 * PAGE;
	is(splice(fd, &at, ends[1], NULL, PAGE, 0), PAGE, "a hole");
	static const char zeros[PAGE];
	ok(drains_to(ends[0], zeros, PAGE), "is zeros");
	unlink("in");
	at = 0;
	is(splice(fd, &at, ends[1], NULL, 3 * PAGE, 0), 3 * PAGE, "pages of a nameless file");
	close(fd);
	ok(drains_to(ends[0], data, 3 * PAGE), "stay in the pipe without the file");
	close(ends[0]);
	close(ends[1]);
}

static void pipes_flow_into_files(void)
{
	int ends[2], fd = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);

	pipe(ends);
	write(ends[1], data, 3 * PAGE);
	is(splice(ends[0], NULL, fd, NULL, PAGE + 5, 0), PAGE + 5, "splice to a file");
	is(lseek(fd, 0, SEEK_CUR), PAGE + 5, "moves its position");
	off_t at = 5 * PAGE;
	ssize_t rest = splice(ends[0], NULL, fd, &at, 9 * PAGE, 0);
	is(rest, 2 * PAGE - 5, "to a position: what there is");
	is(at, 7 * PAGE - 5, "which moves");
	pread(fd, got, PAGE + 5, 0);
	ok(memcmp(got, data, PAGE + 5) == 0, "the first part");
	pread(fd, got, 2 * PAGE, 5 * PAGE);
	ok(memcmp(got, data + PAGE + 5, 2 * PAGE - 5) == 0, "and the second");
	close(ends[1]);
	is(splice(ends[0], NULL, fd, NULL, PAGE, 0), 0, "0 when there is no writer");
	close(ends[0]);
	close(fd);
}

static void pipes_flow_into_pipes(void)
{
	int a[2], b[2];

	pipe(a);
	pipe(b);
	write(a[1], data, 2 * PAGE);
	is(splice(a[0], NULL, b[1], NULL, 100, 0), 100, "part of a page");
	is(splice(a[0], NULL, b[1], NULL, 9 * PAGE, 0), 2 * PAGE - 100, "and all the rest");
	ok(drains_to(b[0], data, 2 * PAGE), "in order");
	write(b[1], data, 50);
	is(splice(b[0], NULL, a[1], NULL, 20, 0), 20, "a part of what is there");
	write(a[1], data + 20, 30);
	write(b[1], data + 50, 10);
	ok(drains_to(a[0], data, 50), "writes behind it keep apart");
	ok(drains_to(b[0], data + 20, 40), "in both pipes");

	write(a[1], data, 1000);
	is(tee(a[0], b[1], 600, 0), 600, "tee");
	ok(drains_to(b[0], data, 600), "copies");
	is(tee(a[0], b[1], 5000, 0), 1000, "and leaves all there");
	write(a[1], "tail", 4);
	write(b[1], "other", 5);
	ok(drains_to(a[0], data, 1000), "the first has the data");
	ok(drains_to(a[0], "tail", 4), "and its own tail");
	ok(drains_to(b[0], data, 1000), "the second too");
	ok(drains_to(b[0], "other", 5), "with another tail");
	close(a[1]);
	is(tee(a[0], b[1], 1, 0), 0, "0 when there is no writer");
	is(splice(a[0], NULL, b[1], NULL, 1, 0), 0, "for splice as well");
	close(a[0]);
	close(b[0]);
	close(b[1]);
}

static void memory_flows(void)
{
	int ends[2];
	struct iovec vec[3] = {{data + 10, 100}, {data, 0}, {data + 500, 2 * PAGE}};
	char copy[100 + 2 * PAGE];

	pipe(ends);
	memcpy(copy, data + 10, 100);
	memcpy(copy + 100, data + 500, 2 * PAGE);
	is(vmsplice(ends[1], vec, 3, 0), 100 + 2 * PAGE, "vmsplice into a pipe");
	ok(drains_to(ends[0], copy, sizeof(copy)), "gathers");
	write(ends[1], data, 3 * PAGE);
	static char to[3 * PAGE];
	struct iovec into[2] = {{to, 50}, {to + 50, 3 * PAGE - 50}};
	ssize_t n = vmsplice(ends[0], into, 2, 0);
	ok(n == 3 * PAGE && memcmp(to, data, 3 * PAGE) == 0, "and out of one it scatters");
	is(vmsplice(ends[1], vec, 0, 0), 0, "no buffers");
	fails(vmsplice(ends[1], vec, 1025, 0), EINVAL, "too many");
	fails(vmsplice(ends[1], BAD_POINTER, 1, 0), EFAULT, "a bad list");
	vec[0].iov_base = BAD_POINTER;
	fails(vmsplice(ends[1], vec, 1, 0), EFAULT, "a bad buffer");
	fails(vmsplice(ends[1], vec, 1, 0x100), EINVAL, "an unknown flag");
	fails(vmsplice(-1, vec, 1, 0), EBADF, "no descriptor");
	int fd = open("/dev/null", O_RDWR);
	fails(vmsplice(fd, vec, 1, 0), EBADF, "no pipe");
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

static void full_and_empty(void)
{
	int a[2], b[2], st;
	struct iovec vec = {data, PAGE};

	pipe(a);
	pipe(b);
	fails(splice(a[0], NULL, b[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN, "an empty pipe");
	fails(tee(a[0], b[1], 1, SPLICE_F_NONBLOCK), EAGAIN, "for tee");
	fails(vmsplice(a[0], &vec, 1, SPLICE_F_NONBLOCK), EAGAIN, "for vmsplice");
	fcntl(b[1], F_SETFL, O_NONBLOCK);
	while (write(b[1], data, PAGE) > 0)
		;
	write(a[1], "x", 1);
	fails(splice(a[0], NULL, b[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN, "a full pipe");
	fails(tee(a[0], b[1], 1, SPLICE_F_NONBLOCK), EAGAIN, "for tee");
	fails(vmsplice(b[1], &vec, 1, SPLICE_F_NONBLOCK), EAGAIN, "for vmsplice");
	int fd = open("/dev/zero", O_RDONLY);
	fails(splice(fd, NULL, b[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN, "from a file");
	signal(SIGPIPE, SIG_IGN);
	close(b[0]);
	fails(splice(a[0], NULL, b[1], NULL, 1, 0), EPIPE, "no reader");
	fails(splice(fd, NULL, b[1], NULL, 1, 0), EPIPE, "for a file");
	signal(SIGPIPE, SIG_DFL);
	close(b[1]);

	read(a[0], got, 1);
	pipe(b);
	pid_t pid = spawn();
	if (pid == 0)
		_exit(splice(a[0], NULL, b[1], NULL, 10, 0) == 4 ? 0 : 1);
	sleep_ms(30);
	write(a[1], "wake", 4);
	is(reap(pid), 0, "splice waits for data");
	ok(drains_to(b[0], "wake", 4), "and moves it");
	ok(splice(fd, NULL, a[1], NULL, PAGE, 0) == PAGE, "a device that is read");
	static const char zeros[PAGE];
	ok(drains_to(a[0], zeros, PAGE), "gives zeros");
	close(fd);
	if (child(&st) == 0) {
		alarm(1);
		splice(a[0], NULL, b[1], NULL, 10, 0);
		_exit(0);
	}
	is(st, KILLED(SIGALRM), "a signal ends the wait");
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}

static void arguments_are_checked(void)
{
	int a[2], b[2], fd = open("file", O_RDWR | O_CREAT, 0600);
	int append = open("file", O_WRONLY | O_APPEND);
	off_t at = 0;

	pipe(a);
	pipe(b);
	write(a[1], "xyz", 3);
	is(splice(a[0], NULL, b[1], NULL, 0, 0xffff), 0, "nothing to move");
	fails(splice(a[0], NULL, b[1], NULL, 1, 0x10), EINVAL, "an unknown flag");
	fails(splice(fd, NULL, fd, NULL, 1, 0), EINVAL, "no pipe at all");
	fails(splice(a[0], &at, fd, NULL, 1, 0), ESPIPE, "a position of a pipe");
	fails(splice(fd, NULL, a[1], &at, 1, 0), ESPIPE, "at the other side");
	fails(splice(a[0], NULL, a[1], NULL, 1, 0), EINVAL, "a pipe into itself");
	fails(splice(a[1], NULL, b[1], NULL, 1, 0), EBADF, "the writing end is not read");
	fails(splice(a[0], NULL, b[0], NULL, 1, 0), EBADF, "the reading end is not written");
	fails(splice(-1, NULL, b[1], NULL, 1, 0), EBADF, "no descriptor");
	fails(splice(a[0], NULL, append, NULL, 1, 0), EINVAL, "O_APPEND");
	fails(splice(a[0], NULL, fd, BAD_POINTER, 1, 0), EFAULT, "a bad position");
	at = -1;
	fails(splice(fd, &at, b[1], NULL, 1, 0), EINVAL, "a negative position");
	fails(tee(a[0], fd, 1, 0), EINVAL, "tee to a file");
	fails(tee(fd, b[1], 1, 0), EINVAL, "tee from a file");
	fails(tee(a[0], a[1], 1, 0), EINVAL, "tee into itself");
	fails(tee(a[0], b[1], 1, 0x10), EINVAL, "an unknown flag of tee");
	fails(tee(a[0], -1, 1, 0), EBADF, "tee to no descriptor");
	is(read(a[0], got, 9), 3, "nothing is lost");
	close(append);
	close(fd);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}

/* --- Many at once: bytes go round through two pipes and come out as they went in --- */

static int ring[3][2];
enum { ROUND = 4 << 20 };

static void *feed(void *arg)
{
	(void)arg;
	for (size_t at = 0; at < ROUND;) {
		size_t from = at % sizeof(data);
		ssize_t n = write(ring[0][1], data + from, sizeof(data) - from);
		if (n > 0)
			at += (size_t)n;
	}
	close(ring[0][1]);
	return NULL;
}

static void *pass(void *arg)
{
	int i = *(int *)arg;

	while (splice(ring[i][0], NULL, ring[i + 1][1], NULL, 3333, 0) > 0)
		;
	close(ring[i + 1][1]);
	return NULL;
}

static void rings_keep_the_order(void)
{
	pthread_t threads[3];
	int numbers[2] = {0, 1};
	size_t at = 0;
	bool same = true;

	for (int i = 0; i < 3; i++)
		pipe(ring[i]);
	pthread_create(&threads[0], NULL, feed, NULL);
	pthread_create(&threads[1], NULL, pass, &numbers[0]);
	pthread_create(&threads[2], NULL, pass, &numbers[1]);
	for (ssize_t n; (n = read(ring[2][0], got, sizeof(got))) > 0; at += (size_t)n)
		for (ssize_t i = 0; i < n; i++)
			same = same && got[i] == data[(at + (size_t)i) % sizeof(data)];
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	is(at, ROUND, "all bytes come through two splices");
	ok(same, "in their order");
	for (int i = 0; i < 3; i++)
		close(ring[i][0]);
}

/* --- A socket that makes splice wait --- */

static int pair[2], from_socket[2], to_socket[2];

static void *read_socket(void *argument)
{
	(void)argument;
	return (void *)splice(pair[0], NULL, from_socket[1], NULL, 100, 0);
}

static void *write_socket(void *argument)
{
	ssize_t total = 0;

	(void)argument;
	for (ssize_t n = 1; n > 0; total += n)
		n = splice(to_socket[0], NULL, pair[0], NULL, PAGE, 0);
	return (void *)total;
}

/* The pipe is everybody's while splice waits for the socket.  (Linux may keep it.) */
static void a_socket_does_not_hold_the_pipe(void)
{
	struct utsname name;
	pthread_t thread;
	void *result;
	size_t sent = 0;

	if (uname(&name) != 0 || strstr(name.version, "Cowslip") == NULL) {
		skip(6, "this kernel keeps a pipe locked while a socket waits");
		return;
	}
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	pipe(from_socket);
	pthread_create(&thread, NULL, read_socket, NULL);
	sleep_ms(20);
	write(from_socket[1], "mine", 4);
	ok(drains_to(from_socket[0], "mine", 4), "a pipe can be used while splice waits");
	is(fcntl(from_socket[1], F_SETPIPE_SZ, PAGE), PAGE, "and made smaller");
	write(pair[1], "theirs", 6);
	pthread_join(thread, &result);
	ok(result == (void *)6 && drains_to(from_socket[0], "theirs", 6), "then the bytes come");

	/* More than the socket takes, and a pipe that is full, but for what is on its way. */
	pipe(to_socket);
	pthread_create(&thread, NULL, write_socket, NULL);
	fcntl(to_socket[1], F_SETFL, O_NONBLOCK);
	for (int quiet = 0; quiet < 5;) {
		ssize_t n = write(to_socket[1], data + sent % PAGE, PAGE - sent % PAGE);
		sent += n > 0 ? (size_t)n : 0;
		quiet = n > 0 ? 0 : quiet + 1;
		if (n <= 0)
			sleep_ms(10);
	}
	fails(fcntl(to_socket[1], F_SETPIPE_SZ, PAGE), EBUSY,
	      "a full pipe stays as large as it is");
	close(to_socket[1]);
	bool same = true;
	size_t at = 0;
	while (same && at < sent) {
		ssize_t n = read(pair[1], got, PAGE - at % PAGE);
		same = n > 0 && memcmp(got, data + at % PAGE, (size_t)n) == 0;
		at += (size_t)n;
	}
	ok(same, "all comes in order");
	pthread_join(thread, &result);
	is((size_t)result, sent, "through the socket");
	close(to_socket[0]);
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(from_socket[i]);
	}
}

int main(void)
{
	scratch();
	fill_data();
	files_flow_into_pipes();
	pipes_flow_into_files();
	pipes_flow_into_pipes();
	memory_flows();
	full_and_empty();
	arguments_are_checked();
	rings_keep_the_order();
	a_socket_does_not_hold_the_pipe();
	return done();
}
