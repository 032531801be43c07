/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that become longer while others sync them: nothing of what was written is missing, neither
 * in memory nor on the disk.
 *
 *	file_append [FOLDER]
 */
#include "abi.h"

enum { FILES = 24, SYNCERS = 2, FILE_SIZE = 200 * 1024, PIECE_MAX = 7000 };

static unsigned char byte_at(size_t at)
{
	return (unsigned char)(at * 7 + at / 251 + 1);
}

static void sync_for_ever(int fd)
{
	for (;;)
		if (fsync(fd) != 0)
			_exit(1);
}

static bool append(int fd)
{
	unsigned char piece[PIECE_MAX];
	unsigned random = 1;

	for (size_t at = 0, size; at < FILE_SIZE; at += size) {
		random = random * 1103515245 + 12345;
		size = 1 + (random >> 16) % PIECE_MAX;
		for (size_t i = 0; i < size; i++)
			piece[i] = byte_at(at + i);
		if (write(fd, piece, size) != (ssize_t)size)
			return false;
	}
	return true;
}

/* The first byte that is not what it should be, or how many there are. */
static size_t right_until(int fd)
{
	unsigned char bytes[PAGE];
	size_t at = 0;
	ssize_t got;

	while ((got = pread(fd, bytes, sizeof(bytes), (off_t)at)) > 0)
		for (ssize_t i = 0; i < got; i++, at++)
			if (bytes[i] != byte_at(at))
				return at;
	return at;
}

static void one_file(int number)
{
	int fd = open("appended", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0644), bad = 0;
	pid_t syncers[SYNCERS];
	struct stat status;

	for (int i = 0; i < SYNCERS; i++) {
		syncers[i] = fork();
		if (syncers[i] == 0)
			sync_for_ever(fd);
	}
	ok(append(fd), "file %d is written", number);
	for (int i = 0; i < SYNCERS; i++) {
		int how = 0;

		kill(syncers[i], SIGKILL);
		waitpid(syncers[i], &how, 0);
		bad += how != KILLED(SIGKILL);
	}
	is(bad, 0, "each fsync meanwhile succeeds");
	fstat(fd, &status);
	is(right_until(fd), status.st_size, "it is what was written");
	is(fsync(fd), 0, "it is on the disk");
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	is(right_until(fd), status.st_size, "as it was written");
	close(fd);
	unlink("appended");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		(void)!chdir(argv[1]);
	else
		scratch();
	for (int i = 0; i < FILES; i++)
		one_file(i);
	return done();
}
