/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of a tmpfs, and the calls on their names. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES = 16 * MIB, PIECE = 65536, CALLS = 5000, CREATIONS = 1000 };

static const char *const file_path = "/tmp/bench/file";
static char piece[PIECE];

static int open_file(int flags)
{
	mkdir("/tmp/bench", 0755);
	int fd = open(file_path, flags, 0644);
	if (fd < 0)
		unsupported(file_path);
	return fd;
}

static void write_file(int fd)
{
	for (int at = 0; at < FILE_BYTES; at += PIECE)
		if (write(fd, piece, PIECE) != PIECE)
			unsupported("write");
}

static double write_kib(void)
{
	int fd = open_file(O_RDWR | O_CREAT | O_TRUNC);

	touch(piece, PIECE);
	double start = now();
	write_file(fd);
	return per(start, FILE_BYTES / 1024);
}

static double read_kib(void)
{
	int fd = open_file(O_RDWR | O_CREAT | O_TRUNC);

	touch(piece, PIECE);
	write_file(fd);
	lseek(fd, 0, SEEK_SET);
	double start = now();
	for (int at = 0; at < FILE_BYTES; at += PIECE)
		if (read(fd, piece, PIECE) != PIECE)
			unsupported("read");
	return per(start, FILE_BYTES / 1024);
}

static double mapped_fault(void)
{
	int fd = open_file(O_RDWR | O_CREAT | O_TRUNC);

	write_file(fd);
	const volatile char *memory = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		unsupported("mmap of a file");
	double start = now();
	for (size_t at = 0; at < FILE_BYTES; at += PAGE)
		(void)memory[at];
	return per(start, FILE_BYTES / PAGE);
}

static double open_close(void)
{
	close(open_file(O_RDWR | O_CREAT));
	double start = now();
	for (int i = 0; i < CALLS; i++)
		close(open(file_path, O_RDONLY));
	return per(start, CALLS);
}

static double stat_call(void)
{
	struct stat info;

	close(open_file(O_RDWR | O_CREAT));
	double start = now();
	for (int i = 0; i < CALLS; i++)
		if (stat(file_path, &info) < 0)
			unsupported("stat");
	return per(start, CALLS);
}

static double create_unlink(void)
{
	close(open_file(O_RDWR | O_CREAT));
	double start = now();
	for (int i = 0; i < CREATIONS; i++) {
		int fd = open("/tmp/bench/new", O_RDWR | O_CREAT | O_EXCL, 0644);
		close(fd);
		if (fd < 0 || unlink("/tmp/bench/new") < 0)
			unsupported("create and unlink");
	}
	return per(start, CREATIONS);
}

SUBJECT(file, {"tmpfs write, a KiB", write_kib}, {"tmpfs read, a KiB", read_kib},
	{"mapped file, read fault, a page", mapped_fault}, {"open + close", open_close},
	{"stat", stat_call}, {"create + unlink", create_unlink});
