/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * O_DIRECT on a disk, while the program whose memory it is forks, unmaps and exits:
 *
 *	direct PATH
 *
 * The disk has at least AREA bytes for each of the threads.  Ends with "direct: passed".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 3, LENGTH = PAGES * PAGE, THREADS = 3, FORKS = 60, AREA = 65536 };

static int failures;

#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			printf("line %d: expected %s (errno %d)\n", __LINE__, #condition, errno); \
			__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);                       \
		}                                                                                 \
	} while (0)

static const char *path;
static volatile int stop;
static volatile unsigned char *buffers; /* LENGTH for each thread, then LENGTH that nobody pins */
static volatile unsigned long rounds;

static unsigned char *map(size_t length)
{
	unsigned char *at =
		mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	return at;
}

static int all_are(const volatile unsigned char *bytes, size_t length, unsigned char value)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != value)
			return 0;
	return 1;
}

static int open_disk(void)
{
	int fd = open(path, O_RDWR | O_DIRECT);

	CHECK(fd >= 0);
	return fd;
}

/* --- Threads write to the disk and read back, while their process forks --- */

static void *write_and_read(void *argument)
{
	int number = (int)(intptr_t)argument, fd = open_disk();
	unsigned char *buffer = (unsigned char *)buffers + number * LENGTH;

	for (unsigned turn = 1; !stop; turn++) {
		unsigned char value = (unsigned char)turn;
		memset(buffer, value, LENGTH);
		CHECK(pwrite(fd, buffer, LENGTH, number * AREA) == LENGTH);
		memset(buffer, ~value, LENGTH);
		CHECK(pread(fd, buffer, LENGTH, number * AREA) == LENGTH);
		if (!all_are(buffer, LENGTH, value)) {
			printf("thread %d, turn %u: not what was written\n", number, turn);
			failures++;
		}
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
	}
	close(fd);
	return NULL;
}

/* What the child has of the buffers stays as it is, until it writes there itself. */
static int look_as_child(int number)
{
	unsigned char *copy = malloc(THREADS * LENGTH);

	memcpy(copy, (unsigned char *)buffers, THREADS * LENGTH);
	for (int i = 0; i < 20; i++)
		sched_yield();
	if (memcmp(copy, (unsigned char *)buffers, THREADS * LENGTH) != 0)
		return 1;
	memset((unsigned char *)buffers, 0xee, THREADS * LENGTH);
	if (number % 4 == 0) {
		int fd = open(path, O_RDONLY | O_DIRECT);
		if (pread(fd, (unsigned char *)buffers, LENGTH, THREADS * AREA) != LENGTH)
			return 2;
		if (!all_are(buffers, LENGTH, 0x77))
			return 3;
	}
	return all_are(buffers + LENGTH, LENGTH, 0xee) ? 0 : 4;
}

static void fork_in_a_loop(void)
{
	for (int i = 0; i < FORKS && failures == 0; i++) {
		int status = -1;
		pid_t pid = fork();
		if (pid == 0)
			_exit(look_as_child(i));
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
		if (status != 0)
			printf("child %d: status %#x\n", i, status);
	}
}

static void check_forks(void)
{
	pthread_t threads[THREADS];
	int fd = open_disk();

	buffers = map((THREADS + 1) * LENGTH);
	memset((unsigned char *)buffers, 0x77, LENGTH);
	CHECK(pwrite(fd, (unsigned char *)buffers, LENGTH, THREADS * AREA) == LENGTH);
	close(fd);
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, write_and_read, (void *)i);
	fork_in_a_loop();
	while (rounds < 20 && failures == 0)
		sched_yield();
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%lu rounds\n", rounds);
	munmap((unsigned char *)buffers, (THREADS + 1) * LENGTH);
}

/* --- Memory that goes while the disk is at work --- */

static unsigned char *volatile target;

static void *read_on(void *argument)
{
	int fd = open_disk();

	(void)argument;
	while (!stop) {
		ssize_t n = pread(fd, target, LENGTH, THREADS * AREA);
		CHECK(n == LENGTH || (n > 0 && n % PAGE == 0) || (n == -1 && errno == EFAULT));
	}
	close(fd);
	return NULL;
}

/* At the place of unmapped memory are zeros, or what the disk has, by a call that began later. */
static void check_unmapping(void)
{
	pthread_t thread;

	stop = 0;
	target = map(LENGTH);
	pthread_create(&thread, NULL, read_on, NULL);
	for (int i = 0; i < 200; i++) {
		unsigned char *old = target, *next = map(LENGTH);
		target = next;
		munmap(old, LENGTH);
		unsigned char *fresh =
			mmap(old, LENGTH, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (fresh != old)
			continue;
		sched_yield();
		for (int at = 0; at < LENGTH; at++)
			CHECK(fresh[at] == 0 || fresh[at] == 0x77);
		munmap(fresh, LENGTH);
	}
	stop = 1;
	pthread_join(thread, NULL);
}

/* Threads are at work when their process ends. */
static void check_exit(void)
{
	for (int i = 0; i < 10; i++) {
		int status = -1;
		pid_t pid = fork();
		if (pid == 0) {
			pthread_t thread;
			stop = 0;
			target = map(LENGTH);
			pthread_create(&thread, NULL, read_on, NULL);
			pthread_create(&thread, NULL, read_on, NULL);
			usleep((useconds_t)(i * 700));
			_exit(0);
		}
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	}
}

/* --- Afterwards --- */

static unsigned long figure(const char *name)
{
	unsigned long value = 0;
	char line[200];
	FILE *file = fopen("/proc/vmstat", "r");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoul(line + strlen(name), NULL, 10);
	if (file != NULL)
		fclose(file);
	return value;
}

static int marked_nodes(void)
{
	char line[400];
	int count = 0;
	FILE *file = fopen("/proc/self/tree", "r");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		count += strstr(line, " pins") != NULL;
	if (file != NULL)
		fclose(file);
	return count;
}

/* Each pin is dropped, and the marks go with the next fork. */
static void check_what_is_left(void)
{
	unsigned long acquired = figure("nr_foll_pin_acquired ");
	unsigned char *buffer = map(PAGE);
	int fd = open_disk();

	CHECK(acquired > 0 && acquired == figure("nr_foll_pin_released "));
	CHECK(pread(fd, buffer, PAGE, 0) == PAGE);
	CHECK(figure("nr_foll_pin_acquired ") == acquired + 1);
	CHECK(marked_nodes() > 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(marked_nodes() == 0 ? 0 : 1);
	int status = -1;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(marked_nodes() == 0);
	close(fd);
}

int main(int count, char **words)
{
	if (count != 2)
		return 2;
	path = words[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	check_forks();
	check_unmapping();
	check_exit();
	check_what_is_left();
	printf("direct: %s\n", failures ? "failed" : "passed");
	return failures != 0;
}
