/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madvise: the advice that drops pages, punches holes, brings pages in, and what each refuses.
 */
#include "abi.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLD
#define MADV_COLD    20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING 2u
#endif

#define RW (PROT_READ | PROT_WRITE)

static int memory_file(size_t pages)
{
	int fd = (int)syscall(SYS_memfd_create, "advice", MFD_ALLOW_SEALING);

	if (ftruncate(fd, (off_t)(pages * PAGE)))
		return -1;
	return fd;
}

static long blocks(int fd)
{
	struct stat status;

	fstat(fd, &status);
	return status.st_blocks;
}

static void remove_punches(void)
{
	int fd = memory_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0), c = 0;
	char *private = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);

	memset(p, 'r', 4 * PAGE);
	private[2 * PAGE] = 'P';
	long before = blocks(fd);
	is(madvise(p + PAGE, 2 * PAGE, MADV_REMOVE), 0, "MADV_REMOVE of a file in memory");
	ok(blocks(fd) < before, "the file takes less");
	ok(p[0] == 'r' && p[PAGE] == 0 && p[3 * PAGE - 1] == 0 && p[3 * PAGE] == 'r',
	   "the pages are zero");
	pread(fd, &c, 1, (off_t)PAGE);
	is(c, 0, "in the file, too");
	ok(private[2 * PAGE] == 'P', "a private copy stays");
	fails(madvise(private, PAGE, MADV_REMOVE), EACCES, "not of a private mapping");
	char *anonymous = map_pages(1);
	fails(madvise(anonymous, PAGE, MADV_REMOVE), EINVAL, "nor without a file");
	munmap(p + PAGE, PAGE);
	fails(madvise(p, 3 * PAGE, MADV_REMOVE), ENOMEM, "a hole in the range");
	ok(p[0] == 0 && p[2 * PAGE] == 0, "but the rest is done");
	mlock(p + 3 * PAGE, PAGE);
	fails(madvise(p + 3 * PAGE, PAGE, MADV_REMOVE), EINVAL, "not of locked memory");
	close(fd);

	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(p, 's', 2 * PAGE);
	is(madvise(p, PAGE, MADV_REMOVE), 0, "of shared anonymous memory");
	ok(p[0] == 0 && p[PAGE] == 's', "just the same");
}

static void free_is_private(void)
{
	char *p = map_pages(2);
	char *shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = memory_file(1);
	char *file = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

	memset(p, 'f', 2 * PAGE);
	is(madvise(p, PAGE, MADV_FREE), 0, "MADV_FREE");
	ok((p[0] == 'f' || p[0] == 0) && p[PAGE] == 'f', "the page is there or zero");
	p[0] = 'g';
	sleep_ms(1);
	is(p[0], 'g', "what is written after stays");
	fails(madvise(shared, PAGE, MADV_FREE), EINVAL, "not of shared memory");
	fails(madvise(file, PAGE, MADV_FREE), EINVAL, "nor of a file");
	mlock(p, PAGE);
	fails(madvise(p, PAGE, MADV_FREE), EINVAL, "nor of locked memory");
	fails(madvise(p, PAGE, MADV_DONTNEED), EINVAL, "which nothing drops");
	fails(madvise(p, PAGE, MADV_COLD), EINVAL, "nor calls cold");
	fails(madvise(p, PAGE, MADV_PAGEOUT), EINVAL, "nor puts out");
	if (madvise(p, PAGE, MADV_DONTNEED_LOCKED) == 0)
		is(p[0], 0, "but MADV_DONTNEED_LOCKED");
	else
		skip(1, "no MADV_DONTNEED_LOCKED");
	munlock(p, PAGE);
	close(fd);
}

static void hints_change_nothing(void)
{
	static const int hints[] = {MADV_NORMAL,   MADV_RANDOM, MADV_SEQUENTIAL,
				    MADV_WILLNEED, MADV_COLD,   MADV_PAGEOUT};
	char *p = map_pages(4);

	memset(p, 'h', 4 * PAGE);
	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		is(madvise(p, 4 * PAGE, hints[i]), 0, "hint %d", hints[i]);
		ok(p[0] == 'h' && p[4 * PAGE - 1] == 'h', "changes nothing");
	}
	munmap(p + PAGE, PAGE);
	fails(madvise(p, 4 * PAGE, MADV_COLD), ENOMEM, "a hole is told of");
	fails(madvise(p, (size_t)-1, MADV_NORMAL), EINVAL, "a length that wraps");
	fails(madvise(p + 1, 0, MADV_NORMAL), EINVAL, "an odd address, even for nothing");
	fails(madvise(p, 0, 12345), EINVAL, "an unknown advice, even for nothing");
}

static size_t present(char *p, size_t pages)
{
	unsigned char vector[64];
	size_t count = 0;

	mincore(p, pages * PAGE, vector);
	for (size_t i = 0; i < pages; i++)
		count += vector[i] & 1;
	return count;
}

static void populate(void)
{
	char *p = map_pages(16);

	is(present(p, 16), 0, "fresh memory is not there");
	if (madvise(p, 4 * PAGE, MADV_POPULATE_WRITE)) {
		skip(10, "no MADV_POPULATE_WRITE");
		return;
	}
	is(present(p, 4), 4, "MADV_POPULATE_WRITE brings it");
	is(madvise(p + 8 * PAGE, 4 * PAGE, MADV_POPULATE_READ), 0, "MADV_POPULATE_READ");
	is(p[8 * PAGE], 0, "reads as zero");
	mprotect(p, PAGE, PROT_READ);
	fails(madvise(p, 2 * PAGE, MADV_POPULATE_WRITE), EINVAL, "not where writing is forbidden");
	is(madvise(p, 2 * PAGE, MADV_POPULATE_READ), 0, "reading is not");
	mprotect(p, PAGE, PROT_NONE);
	fails(madvise(p, 2 * PAGE, MADV_POPULATE_READ), EINVAL, "now it is");
	munmap(p, PAGE);
	fails(madvise(p, 2 * PAGE, MADV_POPULATE_READ), ENOMEM, "a hole");
	int fd = memory_file(1);
	char *file = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	fails(madvise(file, 2 * PAGE, MADV_POPULATE_READ), EFAULT, "behind the end of the file");
	is(madvise(file, PAGE, MADV_POPULATE_WRITE), 0, "before it");
	ok(blocks(fd) > 0, "the file has the page");
	close(fd);
}

static void forks(void)
{
	char *p = map_pages(3);
	char *shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	memset(p, 'k', 3 * PAGE);
	is(madvise(p, PAGE, MADV_WIPEONFORK), 0, "MADV_WIPEONFORK");
	is(madvise(p + PAGE, PAGE, MADV_DONTFORK), 0, "MADV_DONTFORK");
	fails(madvise(shared, PAGE, MADV_WIPEONFORK), EINVAL, "not of shared memory");
	if (child(&status) == 0) {
		ok(p[0] == 0 && !readable(p + PAGE) && p[2 * PAGE] == 'k', "a child sees to it");
		int grandchild;
		p[0] = 'c';
		if (child(&grandchild) == 0) {
			is(p[0], 0, "and its child");
			_exit(0);
		}
		_exit(0);
	}
	is(madvise(p, PAGE, MADV_KEEPONFORK), 0, "MADV_KEEPONFORK");
	is(madvise(p + PAGE, PAGE, MADV_DOFORK), 0, "MADV_DOFORK");
	if (child(&status) == 0) {
		ok(p[0] == 'k' && p[PAGE] == 'k', "as before");
		_exit(0);
	}
	is(madvise(p, PAGE, MADV_DONTDUMP), 0, "MADV_DONTDUMP");
	is(madvise(p, PAGE, MADV_DODUMP), 0, "MADV_DODUMP");
}

int main(void)
{
	remove_punches();
	free_is_private();
	hints_change_nothing();
	populate();
	forks();
	return done();
}
