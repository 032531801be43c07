/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork, and memory that others hold: pipes that a child filled by vmsplice, files behind private
 * and shared mappings, debuggers' writes.
 */
#include "abi.h"
#include <pthread.h>
#include <sys/uio.h>

/* The pipe keeps what it got, whoever writes the page afterwards. */
static void pipes_keep_what_was_spliced(bool by_grandchild)
{
	char *page = map_pages(1), seen[16];
	int ends[2], st;

	strcpy(page, "public");
	if (pipe(ends) != 0)
		note("no pipe");
	if (child(&st) == 0) {
		if (by_grandchild && child(&st) != 0)
			_exit(st);
		struct iovec vector = {page, 16};
		if (vmsplice(ends[1], &vector, 1, 0) != 16)
			_exit(1);
		munmap(page, PAGE);
		_exit(0);
	}
	is(st, 0, "a %s puts its page into a pipe", by_grandchild ? "grandchild" : "child");
	strcpy(page, "secret");
	ok(read(ends[0], seen, 16) == 16 && strcmp(seen, "public") == 0,
	   "what the parent writes afterwards does not show in the pipe");
	close(ends[0]);
	close(ends[1]);
	munmap(page, PAGE);
}

static volatile bool stop;
static char *private_map;

static void *drop_pages(void *argument)
{
	(void)argument;
	while (!stop)
		madvise(private_map, 4 * PAGE, MADV_DONTNEED);
	return NULL;
}

static void debuggers_never_write_to_files(void)
{
	char content[4 * PAGE], seen[4 * PAGE];
	pthread_t dropper;
	bool good = true;

	memset(content, 'f', sizeof(content));
	put_file("file", content, sizeof(content), 0644);
	int fd = open("file", O_RDONLY), mem = open("/proc/self/mem", O_RDWR);
	private_map = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	ok(fd >= 0 && mem >= 0 && private_map != MAP_FAILED, "a private mapping, read only");
	pthread_create(&dropper, NULL, drop_pages, NULL);
	for (int i = 0; i < 1500 && good; i++) {
		good = pwrite(mem, "changed", 7, (off_t)(private_map + i % 4 * PAGE)) == 7;
		if (i % 300 == 0) {
			pid_t pid = spawn();
			if (pid == 0)
				_exit(0);
			good = good && reap(pid) == 0;
		}
	}
	stop = true;
	pthread_join(dropper, NULL);
	ok(good, "/proc/self/mem writes to it");
	ok(pread(fd, seen, sizeof(seen), 0) == sizeof(seen) &&
		   memcmp(seen, content, sizeof(seen)) == 0,
	   "the file stays what it was");
	close(fd);
	close(mem);
	munmap(private_map, 4 * PAGE);
}

static void both_sides_write_a_shared_file(void)
{
	enum { FILE_PAGES = 600 }; /* more than a table maps */
	int st, fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0644);
	bool good = true;
	char byte[2];

	if (fd < 0 || ftruncate(fd, FILE_PAGES * PAGE) != 0)
		note("no file");
	char *map = mmap(NULL, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int page = 0; page < FILE_PAGES; page += 3)
		map[page * PAGE] = 'p';
	if (child(&st) == 0) {
		for (int page = 0; page < FILE_PAGES; page++)
			map[page * PAGE + 1] = 'c';
		_exit(map[0] == 'p' ? 0 : 1);
	}
	for (int page = 0; page < FILE_PAGES; page++)
		map[page * PAGE] = 'q';
	is(msync(map, FILE_PAGES * PAGE, MS_SYNC), 0, "msync");
	for (int page = 0; page < FILE_PAGES; page++)
		good = good && pread(fd, byte, 2, page * (off_t)PAGE) == 2 && byte[0] == 'q' &&
		       byte[1] == 'c';
	ok(st == 0 && good, "a file has what both sides of a fork wrote");
	volatile int *flag = shared_ints();
	pid_t pid = spawn();
	if (pid == 0) {
		good = map[5 * PAGE] == 'q';
		*flag = 1;
		wait_until(*flag == 2);
		_exit(good && !readable(map + 5 * PAGE) && readable(map) ? 0 : 1);
	}
	wait_until(*flag == 1);
	is(ftruncate(fd, PAGE), 0, "it is cut");
	*flag = 2;
	is(reap(pid), 0, "the child loses the page");
	ok(!readable(map + 5 * PAGE), "and so does the parent");
	munmap(map, FILE_PAGES * PAGE);
	close(fd);
}

int main(void)
{
	scratch();
	pipes_keep_what_was_spliced(false);
	pipes_keep_what_was_spliced(true);
	debuggers_never_write_to_files();
	both_sides_write_a_shared_file();
	return done();
}
