/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transparent huge pages: where they come from, and that what is in them stays what it was whoever
 * changes a part of it.
 */
#include "abi.h"

#include <pthread.h>
#include <sys/prctl.h>

#define HUGE_PAGE (2UL << 20)
#define PAGES     (HUGE_PAGE / PAGE)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* The sum of a figure of smaps over all regions that begin within [start, end), in KiB. */
static long sum(const char *name, const char *start, const char *end)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512], label[64];
	unsigned long first = 0, last;
	long total = 0;
	size_t length = (size_t)snprintf(label, sizeof(label), "%s:", name);

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long at;
		if (sscanf(line, "%lx-%lx ", &at, &last) == 2) {
			first = at;
			continue;
		}
		if (strncmp(line, label, length) == 0 && first >= (unsigned long)(uintptr_t)start &&
		    first < (unsigned long)(uintptr_t)end)
			total += strtol(line + length, NULL, 10);
	}
	if (file)
		fclose(file);
	return total;
}

static long huge_kib(const char *p)
{
	return sum("AnonHugePages", p, p + HUGE_PAGE);
}

/* Aligned memory of so many huge pages, alone among pages without access, and advised; NULL when
 * there is none. */
static char *island(size_t count)
{
	size_t size = count * HUGE_PAGE;
	char *p = mmap(NULL, size + 2 * HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	p += HUGE_PAGE - (uintptr_t)p % HUGE_PAGE;
	p = mmap(p, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

static void fill(char *p, size_t size)
{
	for (size_t i = 0; i < size; i += PAGE)
		p[i] = (char)(1 + i / PAGE % 100);
}

/* Pages of [from, to) that do not hold what `fill` wrote. */
static int wrong(const char *p, size_t from, size_t to)
{
	int count = 0;

	for (size_t i = from; i < to; i++)
		count += p[i * PAGE] != (char)(1 + i % 100);
	return count;
}

static char *filled(void)
{
	char *p = island(1);

	fill(p, HUGE_PAGE);
	return p;
}

static void come_and_go(void)
{
	char *p = filled();

	is(huge_kib(p), 2048, "a write to advised memory brings a huge page");
	is(sum("Rss", p, p + HUGE_PAGE), 2048, "all of it is resident");
	is(wrong(p, 0, PAGES), 0, "it holds what was written");
	is(munmap(p, HUGE_PAGE), 0, "and goes");

	p = island(1);
	is(madvise(p, HUGE_PAGE, MADV_NOHUGEPAGE), 0, "advice against it");
	p[0] = 1;
	is(huge_kib(p), 0, "is followed");
	is(sum("Rss", p, p + HUGE_PAGE), 4, "and one page comes");
	munmap(p, HUGE_PAGE);

	p = island(1);
	munmap(p + HUGE_PAGE - PAGE, PAGE);
	p[0] = 1;
	is(huge_kib(p), 0, "a region that does not cover 2 MiB gets none");
	munmap(p, HUGE_PAGE);
}

static void change_parts(void)
{
	unsigned char vector[PAGES];
	char *p = filled();

	is(mprotect(p + 100 * PAGE, 3 * PAGE, PROT_READ), 0, "mprotect of pages in the middle");
	is(huge_kib(p), 0, "splits it");
	is(wrong(p, 0, PAGES), 0, "and changes nothing");
	is(sum("Rss", p, p + HUGE_PAGE), 2048, "all is resident as before");
	munmap(p, HUGE_PAGE);

	p = filled();
	is(munmap(p + 100 * PAGE, 3 * PAGE), 0, "munmap of pages in the middle");
	ok(!readable(p + 101 * PAGE), "they are gone");
	is(wrong(p, 0, 100) + wrong(p, 103, PAGES), 0, "the others stay");
	munmap(p, HUGE_PAGE);

	p = filled();
	is(madvise(p + 100 * PAGE, 3 * PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED in the middle");
	is(p[100 * PAGE] | p[101 * PAGE] | p[102 * PAGE], 0, "they are zeros");
	is(wrong(p, 0, 100) + wrong(p, 103, PAGES), 0, "the others stay");
	munmap(p, HUGE_PAGE);

	p = filled();
	char *to = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok(mremap(p + 7 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to,
	   "mremap of a page in it");
	is(to[0], 8, "takes its bytes along");
	is(wrong(p, 0, 7) + wrong(p, 8, PAGES), 0, "the others stay");
	munmap(p, HUGE_PAGE);

	p = filled();
	is(mincore(p, HUGE_PAGE, vector), 0, "mincore");
	int resident = 0;
	for (size_t i = 0; i < PAGES; i++)
		resident += vector[i] & 1;
	is(resident, PAGES, "says that all pages are there");
	is(madvise(p, HUGE_PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED of all");
	is(p[0] + p[HUGE_PAGE - PAGE], 0, "leaves zeros");
	munmap(p, HUGE_PAGE);
}

static void move_all(void)
{
	char *p = filled(), *to = island(1);

	ok(mremap(p, HUGE_PAGE, HUGE_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to,
	   "mremap of a whole one");
	is(wrong(to, 0, PAGES), 0, "takes all bytes along");
	ok(!readable(p), "nothing is left");
	munmap(to, HUGE_PAGE);
}

static void fork_shares(void)
{
	int status;
	char *p = filled();

	if (child(&status) == 0) {
		is(wrong(p, 0, PAGES), 0, "a child sees what the parent wrote");
		p[5 * PAGE] = 111;
		is(wrong(p, 0, 5) + wrong(p, 6, PAGES), 0, "writing a page changes no other");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(wrong(p, 0, PAGES), 0, "the parent does not see the child's write");
	p[0] = 1;
	is(wrong(p, 0, PAGES), 0, "it goes on writing");

	pid_t pid = spawn();
	if (pid == 0) {
		for (int i = 0; i < 2000 && p[9 * PAGE] == 10; i++)
			usleep(100);
		is(wrong(p, 0, PAGES), 0, "a child does not see what its parent writes later");
		_exit(0);
	}
	p[9 * PAGE] = 99;
	p[HUGE_PAGE - PAGE] = 98;
	is(reap(pid), EXITED(0), "the second child ends");
	is(p[9 * PAGE], 99, "the parent has its own");
	is(wrong(p, 0, 9) + wrong(p, 10, PAGES - 1), 0, "and all else");
	munmap(p, HUGE_PAGE);
}

/* Parent, child and grandchild each write one page in turn; whoever goes first. */
static void generations(void)
{
	for (int order = 0; order < 3; order++) {
		char *p = filled();
		volatile int *turn = shared_ints();
		pid_t pid = spawn();
		if (pid == 0) {
			pid_t grandchild = spawn();
			int who = grandchild == 0 ? 2 : 1;
			wait_until(turn[0] == 1);
			p[(size_t)(20 + who) * PAGE] = 77;
			is(wrong(p, 0, (size_t)(20 + who)) + wrong(p, (size_t)(21 + who), PAGES), 0,
			   "process %d of three has its own page and all else", who);
			if (who == 1 && order != 1)
				reap(grandchild);
			_exit(0);
		}
		if (order == 2)
			p[20 * PAGE] = 77;
		turn[0] = 1;
		is(reap(pid), EXITED(0), "the family ends");
		is(wrong(p, 21, PAGES), 0, "the parent's pages are untouched");
		munmap(p, HUGE_PAGE);
	}
}

static volatile bool stop;

static void *writer(void *argument)
{
	volatile char *p = argument;
	long rounds = 0;

	for (; !stop; rounds++)
		for (size_t i = 0; i < PAGES; i += 16)
			p[i * PAGE + 8]++;
	return (void *)rounds;
}

/* No write is lost while the page is split, shared and made whole again. */
static void threads_write_meanwhile(void)
{
	char *p = filled();
	pthread_t thread;
	void *rounds;
	int lost = 0;

	stop = false;
	pthread_create(&thread, NULL, writer, p);
	for (int i = 0; i < 40; i++) {
		int status;
		mprotect(p + PAGE * 3, PAGE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ);
		if (i % 8 == 0 && child(&status) == 0)
			_exit(0);
		madvise(p, HUGE_PAGE, MADV_COLLAPSE);
	}
	stop = true;
	pthread_join(thread, &rounds);
	for (size_t i = 0; i < PAGES; i += 16)
		lost += p[i * PAGE + 8] != (char)(long)rounds;
	is(lost, 0, "a thread's writes are all there");
	is(wrong(p, 0, PAGES), 0, "and the other bytes");
	munmap(p, HUGE_PAGE);
}

static void collapse_when_asked(void)
{
	char *p = island(1);

	madvise(p, HUGE_PAGE, MADV_NOHUGEPAGE);
	fill(p, HUGE_PAGE / 2);
	madvise(p, HUGE_PAGE, MADV_HUGEPAGE);
	is(huge_kib(p), 0, "single pages");
	if (madvise(p, HUGE_PAGE, MADV_COLLAPSE) != 0) {
		skip(7, "no MADV_COLLAPSE: errno %d", errno);
		return;
	}
	is(huge_kib(p), 2048, "MADV_COLLAPSE makes them a huge page");
	is(wrong(p, 0, PAGES / 2), 0, "with what they held");
	is(p[HUGE_PAGE - 1], 0, "and zeros where there was nothing");
	is(madvise(p, HUGE_PAGE, MADV_COLLAPSE), 0, "again: it is one");
	madvise(p, HUGE_PAGE, MADV_NOHUGEPAGE);
	fails(madvise(p, HUGE_PAGE, MADV_COLLAPSE), EINVAL, "not where it is advised against");
	munmap(p, HUGE_PAGE);
	fails(madvise(p, HUGE_PAGE, MADV_COLLAPSE), ENOMEM, "nor where nothing is mapped");

	p = filled();
	mprotect(p + 5 * PAGE, PAGE, PROT_READ);
	mprotect(p + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	is(madvise(p, HUGE_PAGE, MADV_COLLAPSE), 0, "what was split becomes one again");
	is(wrong(p, 0, PAGES), 0, "and holds the same");
	munmap(p, HUGE_PAGE);
}

/* Each word of a switch can be chosen, and no other. */
static void choices(void)
{
	static const char *const words[] = {"always", "defer", "defer+madvise", "madvise", "never"};
	const char *path = "/sys/kernel/mm/transparent_hugepage/defrag";
	char before[128], text[128], chosen[32];
	int fd = open(path, O_WRONLY);

	get_file(path, before, sizeof(before));
	if (fd < 0 || !strchr(before, '[')) {
		skip(1, "the switch cannot be changed here");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		is(pwrite(fd, words[i], strlen(words[i]), 0), (long)strlen(words[i]), "%s",
		   words[i]);
		get_file(path, text, sizeof(text));
		snprintf(chosen, sizeof(chosen), "[%s]", words[i]);
		ok(strstr(text, chosen), "is chosen");
	}
	fails(pwrite(fd, "sometimes", 9, 0), EINVAL, "no other word");
	char *word = strchr(before, '[') + 1;
	*strchr(word, ']') = '\0';
	is(pwrite(fd, word, strlen(word), 0), (long)strlen(word), "as it was");
	close(fd);
}

static void switches(void)
{
	char text[128];

	get_file("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text));
	ok(strstr(text, "[always] madvise never\n") || strstr(text, "always [madvise] never\n") ||
		   strstr(text, "always madvise [never]\n"),
	   "the switch has three positions");
	get_file("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", text, sizeof(text));
	is_str(text, "2097152\n", "the size of a huge page");
	is(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0, "a process may have them");
	fails(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL, "no arguments");
	is(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0, "until it does not want them");
	is(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1, "as it can see");
	char *p = filled();
	is(huge_kib(p), 0, "then it gets none");
	is(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0, "it may have them again");
	munmap(p, HUGE_PAGE);
}

int main(void)
{
	char *p = filled();

	if (huge_kib(p) != 2048) {
		skip(1, "no huge pages here");
		return done();
	}
	munmap(p, HUGE_PAGE);
	come_and_go();
	change_parts();
	move_all();
	fork_shares();
	generations();
	threads_write_meanwhile();
	collapse_when_asked();
	switches();
	choices();
	return done();
}
