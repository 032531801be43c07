/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cow: copy-on-write, to see and to try.
 *
 *	cow status      what is shared now, in one line
 *	cow stats       the kernel's figures (/proc/cow)
 *	cow create      forks with pages and shows what is shared before and after a write
 *	cow protect     forbids writing to pages, and shows that a write fails
 *	cow unprotect   permits it again, and shows that a write changes nobody else's page
 *	cow test        checks all that; the exit status says whether it holds
 *
 * What is shared is read from /proc/self/pagemap: bit 63 says present, bit 56 that nobody else has
 * the page.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 64, PAGE = 4096 };

#define PRESENT   (1ULL << 63)
#define EXCLUSIVE (1ULL << 56)

static sigjmp_buf after_fault;

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(after_fault, 1);
}

/* Writes a byte; false when that is forbidden. */
static bool try_write(volatile char *at, char value)
{
	if (sigsetjmp(after_fault, 1) != 0)
		return false;
	*at = value;
	return true;
}

/* Of the pages, how many others have too; -1: the kernel does not tell. */
static int count_shared(const char *pages)
{
	uint64_t words[PAGES];
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), count = 0;
	ssize_t got = pread(fd, words, sizeof(words), (off_t)((uintptr_t)pages / PAGE * 8));

	close(fd);
	if (got != (ssize_t)sizeof(words))
		return -1;
	for (int i = 0; i < PAGES; i++)
		count += (words[i] & (PRESENT | EXCLUSIVE)) == PRESENT;
	return count;
}

static char *make_pages(void)
{
	char *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (pages == MAP_FAILED) {
		perror("cow: memory");
		exit(1);
	}
	for (int i = 0; i < PAGES; i++)
		memset(pages + i * PAGE, 'a' + i % 26, PAGE);
	return pages;
}

static void say_shared(const char *when, const char *pages)
{
	printf("%-34s %2d of %d pages shared\n", when, count_shared(pages), PAGES);
	fflush(stdout);
}

/* Runs a function in a child; says whether it returned true there. */
static bool in_child(bool (*function)(char *pages), char *pages)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		bool good = function(pages);
		fflush(stdout);
		_exit(good ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* A figure of /proc/cow; -1 when there is none. */
static long long figure(const char *name)
{
	char line[128], key[64];
	long long value, found = -1;
	FILE *file = fopen("/proc/cow", "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%63s %lld", key, &value) == 2 && strcmp(key, name) == 0)
			found = value;
	if (file != NULL)
		fclose(file);
	return found;
}

/* --- The commands --- */

static int status(void)
{
	long long pages = figure("cow_pages");

	if (pages < 0) {
		puts("copy-on-write: this kernel has no /proc/cow");
		return 1;
	}
	printf("copy-on-write: on; %lld pages shared %lld times, %lld KiB saved\n", pages,
	       figure("cow_mappings"), figure("bytes_saved") / 1024);
	return 0;
}

static int stats(void)
{
	char line[128];
	FILE *file = fopen("/proc/cow", "re");

	if (file == NULL) {
		perror("cow: /proc/cow");
		return 1;
	}
	while (fgets(line, sizeof(line), file) != NULL)
		fputs(line, stdout);
	fclose(file);
	return 0;
}

static bool show_child(char *pages)
{
	say_shared("in the child:", pages);
	for (int i = 0; i < PAGES / 4; i++)
		pages[i * PAGE] = '!';
	say_shared("after the child wrote a quarter:", pages);
	return true;
}

static int create(void)
{
	char *pages = make_pages();

	say_shared("before fork:", pages);
	bool good = in_child(show_child, pages);
	say_shared("after the child's end:", pages);
	return good && pages[0] == 'a' ? 0 : 1;
}

static int protect(void)
{
	char *pages = make_pages();

	if (mprotect(pages, PAGES * PAGE, PROT_READ) != 0)
		return 1;
	bool written = try_write(pages, '!');
	printf("%d pages protected: a write %s\n", PAGES, written ? "went through" : "is refused");
	return written ? 1 : 0;
}

static bool write_after_unprotect(char *pages)
{
	return mprotect(pages, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0 &&
	       try_write(pages, '!') && pages[0] == '!';
}

static int unprotect(void)
{
	char *pages = make_pages();

	mprotect(pages, PAGES * PAGE, PROT_READ);
	bool written = in_child(write_after_unprotect, pages);
	printf("a child unprotected its pages: its write %s, the parent's page %s\n",
	       written ? "went through" : "is refused",
	       pages[0] == 'a' ? "is as it was" : "changed");
	return written && pages[0] == 'a' ? 0 : 1;
}

/* --- test --- */

static bool child_shares_all(char *pages)
{
	return count_shared(pages) == PAGES;
}

static bool child_writes_alone(char *pages)
{
	memset(pages, '!', PAGES * PAGE);
	return count_shared(pages) == 0;
}

static bool child_sees_the_fork(char *pages)
{
	for (int i = 0; i < PAGES; i++)
		if (pages[i * PAGE] != 'a' + i % 26 || pages[i * PAGE + PAGE - 1] != 'a' + i % 26)
			return false;
	return true;
}

static bool grandchild(char *pages)
{
	pages[0] = '1';
	return in_child(child_writes_alone, pages) && pages[0] == '1' && pages[PAGE] == 'b';
}

static int check(bool good, const char *name)
{
	printf("%s: %s\n", good ? "ok" : "FAILED", name);
	fflush(stdout);
	return good ? 0 : 1;
}

static int test(void)
{
	char *pages = make_pages();
	int failures = 0;

	failures += check(count_shared(pages) == 0, "fresh pages are nobody else's");
	failures += check(in_child(child_shares_all, pages), "a child shares every page");
	failures += check(in_child(child_sees_the_fork, pages), "and sees what was there");
	failures += check(in_child(child_writes_alone, pages), "it writes pages of its own");
	failures += check(child_sees_the_fork(pages), "the parent's stay as they were");
	failures += check(in_child(grandchild, pages), "three generations are apart");
	failures += check(count_shared(pages) == 0, "without children nothing is shared");
	failures += check(protect() == 0, "protection holds");
	failures += check(unprotect() == 0, "and can be taken off");
	printf("%d failed\n", failures);
	return failures != 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} commands[] = {{"status", status},   {"stats", stats},         {"create", create},
			{"protect", protect}, {"unprotect", unprotect}, {"test", test}};

	signal(SIGSEGV, on_fault);
	for (size_t i = 0; argc == 2 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run();
	fputs("usage: cow status|stats|create|protect|unprotect|test\n", stderr);
	return 2;
}
