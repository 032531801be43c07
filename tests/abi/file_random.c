/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on files against a copy in memory: writes, shared mappings, sizes, holes, blocks
 * ahead, and what reads, mappings and SEEK_DATA say of it; several processes at once.
 *
 *	file_random [SECONDS [FOLDER]]	leaves the files in the folder, with their copies beside them,
 *					and drops the page cache now and then
 */
#include "abi.h"

enum { WORKERS = 4, STEPS = 400, FILE_MAX = 600 * 1024, PIECE_MAX = 70000, DROP_EACH = 97 };

struct model {
	int fd;
	size_t size;
	unsigned char bytes[FILE_MAX];
};

static struct model model;
static uint64_t state;
static char name[64];
static int step;
static const char *operation;

static uint64_t pick(uint64_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % below;
}

/* Half of the places are at pages. */
static size_t place(size_t most)
{
	size_t at = most > 0 ? pick(most) : 0;

	return pick(2) ? at & ~(PAGE - 1) : at;
}

static void wrong(const char *what, size_t at)
{
	printf("# %s step %d, %s: %s at %#zx (errno %d)\n", name, step, operation, what, at, errno);
	fflush(stdout);
	_exit(1);
}

static void compare(const unsigned char *bytes, size_t at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != model.bytes[at + i])
			wrong("another byte", at + i);
}

static void fill(unsigned char *bytes, size_t size)
{
	unsigned char first = (unsigned char)pick(256);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(first + i * 7);
}

/* --- Operations --- */

static void do_write(void)
{
	size_t at = place(FILE_MAX), size = 1 + pick(PIECE_MAX);

	operation = "write";
	if (pick(3) == 0)
		at = model.size;
	if (at >= FILE_MAX)
		return;
	size = size > FILE_MAX - at ? FILE_MAX - at : size;
	fill(model.bytes + at, size);
	if (pwrite(model.fd, model.bytes + at, size, (off_t)at) != (ssize_t)size)
		wrong("no write", at);
	if (at + size > model.size)
		model.size = at + size;
}

static void do_read(void)
{
	static unsigned char bytes[PIECE_MAX];
	size_t at = place(model.size), left = model.size - at;
	ssize_t got = pread(model.fd, bytes, sizeof(bytes), (off_t)at);

	operation = "read";
	if (got != (ssize_t)(left < sizeof(bytes) ? left : sizeof(bytes)))
		wrong("another size", at);
	compare(bytes, at, (size_t)got);
}

static void do_map(bool change)
{
	size_t at = place(model.size) & ~(PAGE - 1), size = 1 + pick(PIECE_MAX), from;
	unsigned char *bytes;

	operation = change ? "mapped write" : "mapped read";
	if (model.size == 0)
		return;
	size = size > model.size - at ? model.size - at : size;
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, model.fd, (off_t)at);
	if (bytes == MAP_FAILED)
		wrong("no mapping", at);
	compare(bytes, at, size);
	if (change) {
		from = pick(size);
		fill(model.bytes + at + from, size - from);
		memcpy(bytes + from, model.bytes + at + from, size - from);
		if (pick(3) == 0 && msync(bytes, size, MS_SYNC) != 0)
			wrong("no msync", at);
	}
	munmap(bytes, size);
}

static void do_truncate(void)
{
	size_t size = pick(3) == 0 ? place(model.size + PAGE) : place(FILE_MAX);

	operation = "truncate";
	if (ftruncate(model.fd, (off_t)size) != 0)
		wrong("no truncation", size);
	if (size < model.size)
		memset(model.bytes + size, 0, model.size - size);
	model.size = size;
}

static void do_punch(int mode)
{
	size_t at = place(FILE_MAX), size = 1 + pick(PIECE_MAX), end;

	operation = mode & 2 ? "punch" : mode & 16 ? "zero range" : "allocate";
	size = size > FILE_MAX - at ? FILE_MAX - at : size;
	if (size == 0)
		return;
	if (fallocate(model.fd, mode, (off_t)at, (off_t)size) != 0) {
		if (errno != EOPNOTSUPP)
			wrong("no fallocate", at);
		return;
	}
	end = at + size;
	if (!(mode & 1) && end > model.size)
		model.size = end;
	end = end < model.size ? end : model.size;
	if (mode & (2 | 16) && at < end)
		memset(model.bytes + at, 0, end - at);
}

/* Cuts whole blocks out, or puts some in. */
static void do_shift(int mode)
{
	size_t at = place(model.size) & ~(PAGE - 1), size = (1 + pick(12)) * PAGE;

	operation = mode & 8 ? "collapse" : "insert";
	if (mode & 8 ? at + size >= model.size : at >= model.size || model.size + size > FILE_MAX)
		return;
	if (fallocate(model.fd, mode, (off_t)at, (off_t)size) != 0) {
		if (errno != EOPNOTSUPP)
			wrong("no fallocate", at);
		return;
	}
	if (mode & 8) {
		memmove(model.bytes + at, model.bytes + at + size, model.size - at - size);
		memset(model.bytes + model.size - size, 0, size);
		model.size -= size;
	} else {
		memmove(model.bytes + at + size, model.bytes + at, model.size - at);
		memset(model.bytes + at, 0, size);
		model.size += size;
	}
}

static void do_copy(void)
{
	size_t from = place(model.size), to = place(FILE_MAX), size = 1 + pick(PIECE_MAX);
	off_t in = (off_t)from, out = (off_t)to;

	operation = "copy_file_range";
	size = size > model.size - from ? model.size - from : size;
	size = size > FILE_MAX - to ? FILE_MAX - to : size;
	if (size == 0 || (from < to + size && to < from + size))
		return;
	for (size_t left = size; left > 0;) {
		ssize_t got = syscall(SYS_copy_file_range, model.fd, &in, model.fd, &out, left, 0);

		if (got <= 0)
			wrong("no copy", from);
		left -= (size_t)got;
	}
	memcpy(model.bytes + to, model.bytes + from, size);
	if (to + size > model.size)
		model.size = to + size;
}

/* Past the page cache, where the file system can: whole blocks. */
static void do_direct(void)
{
	static unsigned char bytes[PIECE_MAX] __attribute__((aligned(4096)));
	size_t at = place(FILE_MAX - PIECE_MAX) & ~(PAGE - 1), size = (1 + pick(15)) * PAGE;
	bool writes = pick(2);
	int fd = open(name, O_RDWR | O_DIRECT);
	ssize_t got;

	operation = writes ? "direct write" : "direct read";
	if (fd < 0)
		return;
	if (writes) {
		fill(model.bytes + at, size);
		memcpy(bytes, model.bytes + at, size);
		if (pwrite(fd, bytes, size, (off_t)at) != (ssize_t)size)
			wrong("no write", at);
		if (at + size > model.size)
			model.size = at + size;
	} else {
		got = pread(fd, bytes, size, (off_t)at);
		if (got != (ssize_t)(at >= model.size         ? 0
				     : at + size > model.size ? model.size - at
							      : size))
			wrong("another size", at);
		compare(bytes, at, (size_t)got);
	}
	close(fd);
}

static void do_reopen(void)
{
	operation = "open";
	close(model.fd);
	model.fd = open(name, O_RDWR);
	if (model.fd < 0)
		wrong("no file", 0);
}

static void do_sync(void)
{
	operation = "sync";
	if ((pick(2) ? fsync(model.fd) : fdatasync(model.fd)) != 0)
		wrong("no fsync", 0);
}

/* What SEEK_DATA passes over is zeros; the end is where it should be. */
static void do_seek(void)
{
	size_t at = place(model.size), end;
	off_t data = lseek(model.fd, (off_t)at, SEEK_DATA);
	struct stat status;

	operation = "seek";
	if (model.size == 0)
		return;
	end = data < 0 ? model.size : (size_t)data;
	if (data < 0 && errno != ENXIO)
		wrong("SEEK_DATA", at);
	for (size_t i = at; i < end; i++)
		if (model.bytes[i] != 0)
			wrong("data in a hole", i);
	if (fstat(model.fd, &status) != 0 || (size_t)status.st_size != model.size)
		wrong("another size", (size_t)status.st_size);
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0)
		(void)!write(fd, "1", 1);
	close(fd);
}

static void do_extra(void)
{
	switch (pick(6)) {
	case 0:
		do_shift(8);
		break;
	case 1:
		do_shift(32);
		break;
	case 2:
		do_copy();
		break;
	case 3:
		do_reopen();
		break;
	default:
		do_direct();
	}
}

static void one_step(void)
{
	uint64_t what = pick(100);

	if (what < 26)
		do_write();
	else if (what < 45)
		do_read();
	else if (what < 55)
		do_map(false);
	else if (what < 68)
		do_map(true);
	else if (what < 78)
		do_truncate();
	else if (what < 83)
		do_punch(1 | 2);
	else if (what < 86)
		do_punch(0);
	else if (what < 88)
		do_punch(1);
	else if (what < 91)
		do_punch(16 | (int)pick(2));
	else if (what < 93)
		do_sync();
	else if (what < 95)
		do_extra();
	else
		do_seek();
}

static void work(int number, long until)
{
	snprintf(name, sizeof(name), "random%d", number);
	model.fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (model.fd < 0)
		wrong("no file", 0);
	state = (uint64_t)number * 1234567 + 1;
	for (step = 0; step < STEPS || now_ms() < until; step++) {
		one_step();
		if (until != 0 && number == 0 && step % DROP_EACH == 0)
			drop_caches();
	}
	for (size_t at = 0; at < model.size; at += PIECE_MAX)
		do_read();
	close(model.fd);
	strcat(name, ".copy");
	if (until != 0 && put_file(name, model.bytes, model.size, 0644) != 0)
		wrong("no copy", 0);
}

int main(int argc, char **argv)
{
	long until = argc > 1 ? now_ms() + atol(argv[1]) * 1000 : 0;
	pid_t workers[WORKERS];
	int status;

	if (argc > 2)
		(void)!chdir(argv[2]);
	else
		scratch();
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (workers[i] == 0) {
			work(i, until);
			_exit(0);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		is(waitpid(workers[i], &status, 0), workers[i], "worker %d ends", i);
		is(status, 0, "and its file is what it should be");
	}
	return done();
}
