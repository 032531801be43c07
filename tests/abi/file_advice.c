/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * posix_fadvise, readahead and sync_file_range: what they refuse, that no advice changes what a
 * file holds, and, on ext4, which of its pages are in memory afterwards.
 */
#include "abi.h"

#include <sys/vfs.h>

#ifndef EXT4_SUPER_MAGIC
#define EXT4_SUPER_MAGIC 0xef53
#endif

enum { PAGES = 64, ALL_ADVICE = 6 };

static long advise(int fd, off_t offset, off_t length, int advice)
{
	return syscall(SYS_fadvise64, fd, offset, length, advice);
}

static long sync_range(int fd, off_t offset, off_t length, unsigned flags)
{
	return syscall(SYS_sync_file_range, fd, offset, length, flags);
}

static int make_file(const char *name, char seed)
{
	char page[PAGE];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (int i = 0; i < PAGES; i++) {
		memset(page, seed + i, PAGE);
		if (write(fd, page, PAGE) != PAGE)
			return -1;
	}
	return fd;
}

static int holds(int fd, char seed)
{
	char page[PAGE];
	int good = 0;

	for (int i = 0; i < PAGES; i++)
		good += pread(fd, page, PAGE, (off_t)i * PAGE) == PAGE &&
			page[0] == (char)(seed + i) && page[PAGE - 1] == (char)(seed + i);
	return good;
}

static void refusals(void)
{
	int fd = make_file("advised", 1), ends[2], written;

	pipe(ends);
	written = open("advised", O_WRONLY);
	fails(advise(-1, 0, 0, POSIX_FADV_NORMAL), EBADF, "no file");
	fails(advise(ends[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE, "a pipe");
	fails(advise(fd, 0, 0, ALL_ADVICE), EINVAL, "no such advice");
	fails(advise(fd, 0, 0, -1), EINVAL, "nor a negative one");
	fails(advise(fd, 0, -1, POSIX_FADV_WILLNEED), EINVAL, "a negative length");
	fails(readahead(-1, 0, PAGE), EBADF, "no file to read ahead");
	fails(readahead(written, 0, PAGE), EBADF, "one that is not read");
	fails(readahead(ends[0], 0, PAGE), EINVAL, "a pipe");
	is(readahead(fd, 0, PAGE), 0, "a file");
	is(readahead(fd, PAGES * PAGE, PAGE), 0, "behind its end");
	fails(sync_range(-1, 0, 0, 0), EBADF, "no file to sync");
	fails(sync_range(ends[0], 0, 0, 0), ESPIPE, "a pipe");
	fails(sync_range(fd, 0, 0, 8), EINVAL, "no such flag");
	fails(sync_range(fd, -1, 1, 0), EINVAL, "a negative offset");
	fails(sync_range(fd, 1, -1, 0), EINVAL, "a negative length");
	for (unsigned flags = 0; flags < 8; flags++)
		is(sync_range(fd, PAGE, 2 * PAGE, flags), 0, "flags %u", flags);
	close(fd);
	close(written);
	close(ends[0]);
	close(ends[1]);
}

static void contents_stay(void)
{
	int fd = make_file("advised", 1);

	for (int advice = 0; advice < ALL_ADVICE; advice++) {
		is(advise(fd, 0, 0, advice), 0, "advice %d on all of a file that is dirty", advice);
		is(holds(fd, 1), PAGES, "it holds what it held");
		is(advise(fd, 100, 3 * PAGE + 17, advice), 0, "on parts of pages");
		is(advise(fd, PAGES * PAGE, PAGE, advice), 0, "behind the end");
		is(advise(fd, 0, INT64_MAX, advice), 0, "as far as there is");
		is(advise(fd, INT64_MAX, INT64_MAX, advice), 0, "and farther");
		is(holds(fd, 1), PAGES, "it still does");
	}
	close(fd);
}

/* How many of the file's pages are in memory, or whether one is. */
static int resident(int fd, int page)
{
	unsigned char map[PAGES];
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	int count = 0;

	if (memory == MAP_FAILED || mincore(memory, PAGES * PAGE, map))
		return -1;
	munmap(memory, PAGES * PAGE);
	for (int i = 0; i < PAGES; i++)
		count += (page < 0 || i == page) && map[i] & 1;
	return count;
}

/* Others may hold a page for a moment. */
static int drop_all(int fd)
{
	for (int i = 0; i < 500; i++) {
		fsync(fd);
		if (advise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
			return -1;
		if (resident(fd, -1) == 0)
			return 0;
		usleep(10000);
	}
	return resident(fd, -1);
}

static void wait_for(int fd, int page)
{
	for (int i = 0; i < 3000 && resident(fd, page) != 1; i++)
		usleep(10000);
}

static void pages_come_and_go(void)
{
	int fd = make_file("advised", 1);
	struct statfs status;
	char byte;

	if (fstatfs(fd, &status) != 0 || status.f_type != EXT4_SUPER_MAGIC) {
		close(fd);
		return;
	}
	is(resident(fd, -1), PAGES, "what was written is in memory");
	is(drop_all(fd), 0, "DONTNEED: and then it is not");
	is(holds(fd, 1), PAGES, "but on the disk");
	is(drop_all(fd), 0, "DONTNEED, again");
	is(advise(fd, 8 * PAGE + 1, 8 * PAGE, POSIX_FADV_WILLNEED), 0, "WILLNEED");
	wait_for(fd, 8);
	wait_for(fd, 16);
	ok(resident(fd, 8) == 1 && resident(fd, 16) == 1, "from the first to the last");
	is(drop_all(fd), 0, "DONTNEED, again");
	is(readahead(fd, 40 * PAGE, PAGE), 0, "readahead");
	wait_for(fd, 40);
	is(resident(fd, 40), 1, "the page is there");
	is(drop_all(fd), 0, "DONTNEED, again");
	is(advise(fd, 0, 0, POSIX_FADV_RANDOM), 0, "RANDOM");
	is(pread(fd, &byte, 1, 0), 1, "a byte");
	is(pread(fd, &byte, 1, PAGE), 1, "the one behind it");
	is(resident(fd, -1), 2, "and nothing was read ahead");
	is(advise(fd, 0, 0, POSIX_FADV_NORMAL), 0, "NORMAL");
	is(drop_all(fd), 0, "DONTNEED, again");
	is(holds(fd, 1), PAGES, "all is there");
	is(advise(fd, 16 * PAGE, 16 * PAGE, POSIX_FADV_DONTNEED), 0, "DONTNEED in the middle");
	ok(resident(fd, 15) == 1 && resident(fd, 32) == 1, "leaves what is beside it");
	close(fd);
}

int main(void)
{
	scratch();
	refusals();
	contents_stay();
	pages_come_and_go();
	return done();
}
