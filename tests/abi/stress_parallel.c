/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many at once: threads and processes that fault, map, fork, open and rename the same things on all
 * CPUs. What each can know for certain it checks.
 */
#include "abi.h"

#include <pthread.h>

enum { THREADS = 6 };

static void in_threads(void *(*fn)(void *), const char *what)
{
	pthread_t threads[THREADS];
	void *result;
	int made = 0, good = 0;

	for (long i = 0; i < THREADS; i++)
		made += pthread_create(&threads[made], NULL, fn, (void *)i) == 0;
	for (int i = 0; i < made; i++)
		good += pthread_join(threads[i], &result) == 0 && result == NULL;
	is(good, THREADS, "%s", what);
}

static void *maps_and_unmaps(void *arg)
{
	long me = (long)arg + 1;

	for (int round = 0; round < 15; round++) {
		long *p = (long *)map_pages(8);
		for (size_t i = 0; i < 8; i++)
			p[i * PAGE / sizeof(long)] = me;
		mprotect(p, 4 * PAGE, PROT_READ);
		for (size_t i = 0; i < 8; i++)
			if (p[i * PAGE / sizeof(long)] != me)
				return (void *)1;
		munmap(p, 8 * PAGE);
	}
	return NULL;
}

enum { SHARED_PAGES = 512 };
static volatile char *common;

static void *touches_the_same_pages(void *arg)
{
	long me = (long)arg;

	for (int round = 0; round < 8; round++) {
		for (size_t i = 0; i < SHARED_PAGES; i++)
			common[i * PAGE + (size_t)me] = (char)(me + 1);
		for (size_t i = 0; i < SHARED_PAGES; i++)
			if (common[i * PAGE + (size_t)me] != (char)(me + 1))
				return (void *)1;
	}
	return NULL;
}

static void *forks_and_checks(void *arg)
{
	long me = (long)arg;

	for (int round = 0; round < 4; round++) {
		int st;
		pid_t pid = fork();
		if (pid == 0) {
			alarm(10);
			for (size_t i = 0; i < SHARED_PAGES; i += 7)
				common[i * PAGE + 100] = (char)me;
			_exit(common[7 * PAGE + 100] == (char)me ? 0 : 1);
		}
		if (pid < 0 || waitpid(pid, &st, 0) != pid || st != 0)
			return (void *)1;
		for (size_t i = 0; i < SHARED_PAGES; i += 5)
			common[i * PAGE + 8 + (size_t)me]++;
	}
	for (size_t i = 0; i < SHARED_PAGES; i += 5)
		if (common[i * PAGE + 8 + (size_t)me] != 4)
			return (void *)2;
	return NULL;
}

static void *drops_pages(void *arg)
{
	size_t slice = 16, first = (size_t)(long)arg * slice;

	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < slice; i++)
			common[(first + i) * PAGE + 9] = 'd';
		madvise((char *)common + first * PAGE, slice * PAGE, MADV_DONTNEED);
		for (size_t i = 0; i < slice; i++)
			if (common[(first + i) * PAGE + 9] != 0)
				return (void *)1;
	}
	return NULL;
}

static void *opens_and_closes(void *arg)
{
	char name[16], buf[16];

	for (int round = 0; round < 15; round++) {
		snprintf(name, sizeof(name), "own-%ld", (long)arg);
		if (put_file(name, name, strlen(name), 0600) < 0 ||
		    get_file(name, buf, sizeof(buf)) != (ssize_t)strlen(name) ||
		    strcmp(name, buf) != 0)
			return (void *)1;
		if (rename(name, "common") < 0)
			return (void *)2;
		int fd = open("common", O_RDONLY);
		if (fd < 0)
			return (void *)3;
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n != 5 || memcmp(buf, "own-", 4) != 0)
			return (void *)4;
		close(fd);
	}
	return NULL;
}

static void *makes_directories(void *arg)
{
	char path[64];

	for (int round = 0; round < 60; round++) {
		snprintf(path, sizeof(path), "tree/%d", round % 3);
		mkdir(path, 0700);
		snprintf(path, sizeof(path), "tree/%d/%ld", round % 3, (long)arg);
		if (mkdir(path, 0700) < 0 && errno != ENOENT)
			return (void *)1;
		rmdir(path);
		snprintf(path, sizeof(path), "tree/%d", round % 3);
		if (rmdir(path) < 0 && errno != ENOTEMPTY && errno != ENOENT)
			return (void *)2;
	}
	return NULL;
}

static void appending_processes(void)
{
	enum { WRITERS = 5, LINES = 200, LENGTH = 20 };
	char line[LENGTH + 1], text[WRITERS * LINES * LENGTH + 1];
	pid_t pids[WRITERS];
	int whole = 0;

	unlink("log");
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = spawn();
		if (pids[i] != 0)
			continue;
		int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
		for (int n = 0; n < LINES; n++) {
			snprintf(line, sizeof(line), "%d:%017d\n", i, n);
			if (write(fd, line, LENGTH) != LENGTH)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < WRITERS; i++)
		reap(pids[i]);
	ssize_t size = get_file("log", text, sizeof(text));
	is(size, WRITERS * LINES * LENGTH, "five processes append to a file: nothing is lost");
	for (ssize_t at = 0; at + LENGTH <= size; at += LENGTH)
		whole += text[at + 1] == ':' && text[at + LENGTH - 1] == '\n';
	is(whole, WRITERS * LINES, "no line is torn");
}

static void processes_in_parallel(const char *self)
{
	enum { STARTERS = 5, EACH = 15 };
	pid_t pids[STARTERS];
	int good = 0;

	for (int i = 0; i < STARTERS; i++) {
		pids[i] = spawn();
		if (pids[i] != 0)
			continue;
		for (int n = 0; n < EACH; n++) {
			int st;
			if (child(&st) == 0) {
				execl(self, self, "29", (char *)NULL);
				_exit(1);
			}
			if (st != EXITED(29))
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < STARTERS; i++)
		good += reap(pids[i]) == 0;
	is(good, STARTERS, "five processes fork and exec fifteen times each");
}

static void signal_storm(void)
{
	enum { TARGETS = 4 };
	pid_t pids[TARGETS];
	int good = 0;

	for (int i = 0; i < TARGETS; i++) {
		pids[i] = spawn();
		if (pids[i] == 0)
			for (;;)
				getppid();
	}
	for (int n = 0; n < 100; n++) {
		kill(pids[n % TARGETS], SIGSTOP);
		kill(pids[(n + 1) % TARGETS], SIGCONT);
		kill(pids[(n + 2) % TARGETS], SIGWINCH);
	}
	for (int i = 0; i < TARGETS; i++) {
		kill(pids[i], SIGKILL);
		good += reap(pids[i]) == KILLED(SIGKILL);
	}
	is(good, TARGETS, "processes stopped and continued many times can be killed");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return atoi(argv[1]);
	scratch();
	mkdir("tree", 0700);
	common = map_pages(SHARED_PAGES);
	in_threads(maps_and_unmaps, "threads map, protect and unmap at once");
	in_threads(touches_the_same_pages, "threads fault on the same pages at once");
	memset((char *)common, 0, SHARED_PAGES * PAGE);
	in_threads(forks_and_checks, "threads fork while others write");
	in_threads(drops_pages, "threads drop and touch neighbouring pages");
	in_threads(opens_and_closes, "threads replace a file by rename: readers always see one");
	in_threads(makes_directories, "threads make and remove the same directories");
	appending_processes();
	processes_in_parallel(argv[0]);
	signal_storm();
	return done();
}
