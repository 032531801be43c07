/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Uses a disk, or a file in its place:
 *
 *	disk random PATH SEED STEPS	random reads, writes and mappings of four threads, each on a
 *					quarter of its own; what is read is compared with what should
 *					be there; the contents at the end depend on SEED and STEPS
 *					alone
 *	disk fresh PATH BYTES		what a disk of that size answers: calls and their errors
 *	disk broken PATH		reads and writes that fail must say so
 *
 * The random work uses O_DIRECT, too, where PATH is a disk.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLKROGET     0x125e
#define BLKGETSIZE   0x1260
#define BLKFLSBUF    0x1261
#define BLKSSZGET    0x1268
#define BLKPBSZGET   0x127b
#define BLKGETSIZE64 0x80081272

#define THREADS 4
#define PIECE   (128 * 1024)

static int failures;

#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			printf("line %d: expected %s (errno %d)\n", __LINE__, #condition, errno); \
			__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);                       \
		}                                                                                 \
	} while (0)

/* --- Random work --- */

static const char *path;
static uint64_t seed, steps;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void fill(unsigned char *to, size_t size, uint64_t *state)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t value = next_random(state);

		memcpy(to + i, &value, size - i < 8 ? size - i : 8);
	}
}

struct worker {
	pthread_t thread;
	off_t start;
	size_t size;
	uint64_t state;
};

static void write_some(int fd, struct worker *w, unsigned char *model, size_t at, size_t size)
{
	fill(model + at, size, &w->state);
	CHECK(pwrite(fd, model + at, size, w->start + (off_t)at) == (ssize_t)size);
}

static void read_some(int fd, struct worker *w, unsigned char *model, size_t at, size_t size,
		      unsigned char *buffer)
{
	CHECK(pread(fd, buffer, size, w->start + (off_t)at) == (ssize_t)size);
	CHECK(memcmp(buffer, model + at, size) == 0);
}

/* The same through a mapping. */
static void map_some(int fd, struct worker *w, unsigned char *model, size_t at, size_t size,
		     int write)
{
	size_t offset = (size_t)(w->start + (off_t)at) % 4096;
	unsigned char *map = mmap(NULL, size + offset, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				  w->start + (off_t)(at - offset));

	CHECK(map != MAP_FAILED);
	if (map == MAP_FAILED)
		return;
	CHECK(memcmp(map + offset, model + at, size) == 0);
	if (write) {
		fill(model + at, size, &w->state);
		memcpy(map + offset, model + at, size);
		if (next_random(&w->state) % 4 == 0)
			CHECK(msync(map, size + offset, MS_SYNC) == 0);
	}
	munmap(map, size + offset);
}

/* The whole pages of the range, in two pieces of memory that begin anywhere but within a block. */
static void direct_some(int fd, struct worker *w, unsigned char *model, size_t at, size_t size,
			unsigned char *buffer, int write)
{
	size_t first = ((size_t)w->start + at + 4095) / 4096 * 4096;
	size_t end = ((size_t)w->start + at + size) / 4096 * 4096;
	uint64_t choice = next_random(&w->state);

	if (first >= end)
		return;
	size_t half = (end - first) / 8192 * 4096;
	struct iovec pieces[2] = {
		{buffer + choice % 8 * 512, half},
		{buffer + PIECE + 4096 + choice / 8 % 8 * 512, end - first - half}};
	unsigned char *wanted = model + (first - (size_t)w->start);
	if (write) {
		fill(wanted, end - first, &w->state);
		memcpy(pieces[0].iov_base, wanted, half);
		memcpy(pieces[1].iov_base, wanted + half, pieces[1].iov_len);
		CHECK(pwritev(fd, pieces, 2, (off_t)first) == (ssize_t)(end - first));
		return;
	}
	CHECK(preadv(fd, pieces, 2, (off_t)first) == (ssize_t)(end - first));
	CHECK(memcmp(pieces[0].iov_base, wanted, half) == 0);
	CHECK(memcmp(pieces[1].iov_base, wanted + half, pieces[1].iov_len) == 0);
}

static int open_direct(void)
{
	struct stat status;

	return open(path,
		    O_RDWR | (stat(path, &status) == 0 && S_ISBLK(status.st_mode) ? O_DIRECT : 0));
}

static void *work(void *argument)
{
	struct worker *w = argument;
	unsigned char *model = malloc(w->size), *buffer = aligned_alloc(4096, 2 * PIECE + 16384);
	int fd = open(path, O_RDWR), direct = open_direct();

	CHECK(fd >= 0 && direct >= 0 && model && buffer);
	CHECK(pread(fd, model, w->size, w->start) == (ssize_t)w->size);
	for (uint64_t step = 0; step < steps && failures == 0; step++) {
		uint64_t choice = next_random(&w->state) % 100;
		size_t size = 1 + next_random(&w->state) % (choice < 50 ? 6000 : PIECE);
		size_t at = next_random(&w->state) % (w->size - size);

		if (choice < 20)
			write_some(fd, w, model, at, size);
		else if (choice < 50)
			direct_some(direct, w, model, at, size, buffer, choice < 35);
		else if (choice < 70)
			read_some(fd, w, model, at, size, buffer);
		else if (choice < 95)
			map_some(fd, w, model, at, size, choice < 85);
		else if (choice < 97)
			CHECK(fsync(fd) == 0);
		else
			ioctl(fd, BLKFLSBUF, 0);
	}
	ioctl(fd, BLKFLSBUF, 0);
	CHECK(pread(fd, buffer, PIECE, w->start) == PIECE);
	CHECK(memcmp(buffer, model, PIECE) == 0);
	CHECK(fsync(fd) == 0);
	close(fd);
	close(direct);
	free(model);
	free(buffer);
	return NULL;
}

static void random_work(void)
{
	struct worker workers[THREADS];
	int fd = open(path, O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);

	CHECK(fd >= 0 && size >= THREADS * 2 * PIECE);
	close(fd);
	for (int i = 0; i < THREADS; i++) {
		/* Not on page boundaries: neighbours share a page. */
		off_t edge = size / THREADS * i + (i ? 100 : 0);
		off_t end = size / THREADS * (i + 1) + (i + 1 < THREADS ? 100 : 0);

		workers[i] = (struct worker){.start = edge,
					     .size = (size_t)(end - edge),
					     .state = seed * 1000003 + (uint64_t)i + 1};
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

/* --- Calls --- */

static void check_sizes(int fd, uint64_t bytes)
{
	uint64_t size64 = 0;
	unsigned long sectors = 0;
	int value = -1;
	struct stat status;

	CHECK(ioctl(fd, BLKGETSIZE64, &size64) == 0 && size64 == bytes);
	CHECK(ioctl(fd, BLKGETSIZE, &sectors) == 0 && sectors == bytes / 512);
	CHECK(ioctl(fd, BLKSSZGET, &value) == 0 && value == 512);
	CHECK(ioctl(fd, BLKROGET, &value) == 0 && value == 0);
	CHECK(ioctl(fd, 0x12ff, &value) == -1 && errno == ENOTTY);
	CHECK(ioctl(fd, BLKGETSIZE64, (void *)8) == -1 && errno == EFAULT);
	CHECK(lseek(fd, 0, SEEK_END) == (off_t)bytes);
	CHECK(lseek(fd, 1, SEEK_END) == -1 && errno == EINVAL);
	CHECK(fstat(fd, &status) == 0 && S_ISBLK(status.st_mode));
}

static void check_end(int fd, uint64_t bytes)
{
	char buffer[8192] = "end";

	CHECK(pread(fd, buffer, sizeof(buffer), (off_t)bytes) == 0);
	CHECK(pread(fd, buffer, sizeof(buffer), (off_t)bytes - 100) == 100);
	CHECK(pwrite(fd, buffer, sizeof(buffer), (off_t)bytes - 100) == 100);
	CHECK(pwrite(fd, buffer, 1, (off_t)bytes) == -1 && errno == ENOSPC);
	CHECK(ftruncate(fd, 0) == -1 && errno == EINVAL);
}

static void check_direct(void)
{
	char *buffer = aligned_alloc(4096, 8192);
	int fd = open(path, O_RDWR | O_DIRECT), cached = open(path, O_RDWR);

	CHECK(fd >= 0 && cached >= 0);
	memset(buffer, 0x5a, 8192);
	CHECK(pwrite(fd, buffer, 8192, 4096) == 8192);
	CHECK(pwrite(fd, buffer, 100, 4096) == -1 && errno == EINVAL);
	CHECK(pread(fd, buffer, 512, 4097) == -1 && errno == EINVAL);
	CHECK(pread(fd, buffer + 1, 512, 4096) == -1 && errno == EINVAL);
	CHECK(pread(fd, (void *)4096, 512, 4096) == -1 && errno == EFAULT);
	CHECK(pwrite(fd, (void *)4096, 512, 4096) == -1 && errno == EFAULT);
	memset(buffer, 0, 8192);
	CHECK(pread(cached, buffer, 8192, 4096) == 8192 && buffer[0] == 0x5a &&
	      buffer[8191] == 0x5a);
	CHECK(pwrite(cached, "cached", 6, 4096) == 6);
	CHECK(pread(fd, buffer, 512, 4096) == 512 && memcmp(buffer, "cached", 6) == 0);
	close(fd);
	close(cached);
	free(buffer);
}

/* A write whose buffer ends in nothing keeps what the disk has behind it. */
static void check_fault(int fd)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char buffer[4096];

	memset(buffer, 'd', sizeof(buffer));
	CHECK(pwrite(fd, buffer, 4096, 65536) == 4096);
	CHECK(ioctl(fd, BLKFLSBUF, 0) == 0);
	memset(pages, 'n', 4096);
	munmap(pages + 4096, 4096);
	CHECK(pwrite(fd, pages + 4096 - 1000, 4096, 65536) == 1000);
	CHECK(pread(fd, buffer, 4096, 65536) == 4096);
	CHECK(buffer[999] == 'n' && buffer[1000] == 'd' && buffer[4095] == 'd');
	munmap(pages, 4096);
}

static void check_exclusive(void)
{
	int first = open(path, O_RDONLY | O_EXCL);

	CHECK(first >= 0);
	CHECK(open(path, O_RDONLY | O_EXCL) == -1 && errno == EBUSY);
	int second = open(path, O_RDONLY);
	CHECK(second >= 0);
	close(first);
	close(second);
	first = open(path, O_RDONLY | O_EXCL);
	CHECK(first >= 0);
	close(first);
}

static void fresh(uint64_t bytes)
{
	int fd = open(path, O_RDWR);

	CHECK(fd >= 0);
	check_sizes(fd, bytes);
	check_end(fd, bytes);
	check_direct();
	check_fault(fd);
	CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
	CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0);
	close(fd);
	check_exclusive();
}

/* --- A disk that fails --- */

static void broken(void)
{
	char buffer[4096] = "lost";
	int fd = open(path, O_RDWR);

	CHECK(fd >= 0);
	CHECK(pread(fd, buffer, sizeof(buffer), 1 << 20) == -1 && errno == EIO);
	CHECK(pwrite(fd, buffer, sizeof(buffer), 2 << 20) == sizeof(buffer));
	CHECK(fsync(fd) == -1 && errno == EIO);
	CHECK(fsync(fd) == 0);
	char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1 << 20);
	CHECK(map != MAP_FAILED);
	close(fd);
}

int main(int count, char **words)
{
	if (count < 3)
		return 2;
	path = words[2];
	if (strcmp(words[1], "random") == 0 && count == 5) {
		seed = strtoull(words[3], NULL, 0);
		steps = strtoull(words[4], NULL, 0);
		random_work();
	} else if (strcmp(words[1], "fresh") == 0 && count == 4) {
		fresh(strtoull(words[3], NULL, 0));
	} else if (strcmp(words[1], "broken") == 0) {
		broken();
	} else {
		return 2;
	}
	printf("disk %s: %s\n", words[1], failures ? "failed" : "passed");
	return failures != 0;
}
