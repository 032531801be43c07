/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work on a file system whose disk fails now and then.
 *
 *	faults work DIR N	makes N files; prints "safe NAME" for each that every call was happy
 *				with, "error NAME CALL ERRNO" for the others
 *	faults check DIR	reads names, a line each: their content must be what it was made of
 *	faults once FILE OTHER	FILE's blocks cannot be written for a while, OTHER's can: who hears of it,
 *				and how often
 *	faults unreadable FILE	a file with a block that cannot be read: the others can
 *	faults refused DIR	a directory that cannot be read
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 120000, BLOCK = 4096 };

static unsigned char bytes[SIZE_MAX_BYTES], found[SIZE_MAX_BYTES];
static int failures;

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			printf("wrong: line %d: %s (errno %d)\n", __LINE__, #condition, errno); \
			failures++;                                                             \
		}                                                                               \
	} while (0)

/* The name decides. */
static size_t make_content(int number)
{
	uint64_t state = (uint64_t)number * 7919 + 1;
	size_t size;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		bytes[i] = (unsigned char)(state >> 40);
	}
	size = 1 + (state >> 33) % (SIZE_MAX_BYTES - 1);
	return size;
}

/* 0, or the errno and the call that had it. */
static int make_file(int number, const char **call)
{
	char name[32], late[32];
	size_t size = make_content(number);
	int fd, error = 0;

	snprintf(name, sizeof(name), "new%d", number);
	snprintf(late, sizeof(late), "file%d", number);
	*call = "open";
	fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0644);
	if (fd < 0)
		return errno;
	*call = "write";
	if (write(fd, bytes, size) != (ssize_t)size)
		error = errno;
	if (!error && (*call = "fsync", fsync(fd)) != 0)
		error = errno;
	if (close(fd) != 0 && !error)
		error = errno;
	if (!error && (*call = "rename", rename(name, late)) != 0)
		error = errno;
	if (error || number % 4 != 0)
		return error;
	*call = "directory";
	fd = open(".", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fsync(fd) != 0)
		error = errno;
	close(fd);
	return error;
}

static void work(int count)
{
	for (int i = 0; i < count; i++) {
		const char *call;
		int error = make_file(i, &call);

		if (error)
			printf("error %d %s %d\n", i, call, error);
		else
			printf("safe %d\n", i);
	}
}

static void check(void)
{
	int number, checked = 0;

	while (scanf("%d", &number) == 1) {
		char name[32];
		size_t size = make_content(number);
		int fd;

		snprintf(name, sizeof(name), "file%d", number);
		fd = open(name, O_RDONLY);
		if (fd < 0) {
			snprintf(name, sizeof(name), "new%d", number);
			fd = open(name, O_RDONLY);
		}
		CHECK(fd >= 0);
		CHECK(read(fd, found, sizeof(found)) == (ssize_t)size);
		CHECK(memcmp(found, bytes, size) == 0);
		if (failures)
			printf("wrong: file %d\n", number);
		close(fd);
		checked++;
	}
	printf("checked %d\n", checked);
}

static void once(const char *name, const char *other)
{
	int first = open(name, O_RDWR), second = open(name, O_RDWR), third = open(other, O_RDWR),
	    late;

	CHECK(first >= 0 && second >= 0 && third >= 0);
	make_content(1);
	CHECK(pwrite(first, bytes, BLOCK, 0) == BLOCK);
	CHECK(pwrite(third, bytes, BLOCK, 0) == BLOCK);
	CHECK(fsync(first) == -1 && errno == EIO);
	CHECK(fsync(first) == 0);
	CHECK(fsync(third) == 0);
	late = open(name, O_RDWR);
	CHECK(late >= 0 && fsync(late) == 0);
	CHECK(fsync(second) == -1 && errno == EIO);
	CHECK(fsync(second) == 0);
	/* What was written is still there to be read. */
	CHECK(pread(first, found, BLOCK, 0) == BLOCK && memcmp(found, bytes, BLOCK) == 0);
	close(late);
	/* The disk writes again. */
	CHECK(pwrite(first, bytes, BLOCK, 0) == BLOCK);
	CHECK(fsync(first) == 0);
	CHECK(close(first) == 0 && close(second) == 0 && close(third) == 0);
}

static void unreadable(const char *name)
{
	int fd = open(name, O_RDONLY);
	struct stat status;
	int errors = 0, good = 0;

	CHECK(fd >= 0 && fstat(fd, &status) == 0);
	for (off_t at = 0; at < status.st_size; at += BLOCK) {
		ssize_t got = pread(fd, found, BLOCK, at);

		if (got > 0)
			good++;
		else if (got < 0 && errno == EIO)
			errors++;
		else
			CHECK(got > 0);
	}
	CHECK(errors == 1 && good > 10);
	close(fd);
}

static void refused(const char *name)
{
	DIR *directory = opendir(name);
	struct dirent *entry;
	char path[256];
	struct stat status;

	CHECK(directory != NULL);
	errno = 0;
	do
		entry = readdir(directory);
	while (entry);
	CHECK(errno == EIO);
	closedir(directory);
	snprintf(path, sizeof(path), "%s/file", name);
	CHECK(stat(path, &status) == -1 && errno == EIO);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && strcmp(argv[1], "work") == 0 && chdir(argv[2]) == 0)
		work(atoi(argv[3]));
	else if (argc == 3 && strcmp(argv[1], "check") == 0 && chdir(argv[2]) == 0)
		check();
	else if (argc == 4 && strcmp(argv[1], "once") == 0)
		once(argv[2], argv[3]);
	else if (argc == 3 && strcmp(argv[1], "unreadable") == 0)
		unreadable(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "refused") == 0)
		refused(argv[2]);
	else
		printf("wrong: usage (errno %d)\n", errno);
	return failures != 0;
}
