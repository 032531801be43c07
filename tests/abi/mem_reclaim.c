/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that leave memory while a program has them: by madvise(MADV_PAGEOUT), under everything that
 * may happen to them meanwhile.  Where there is no swap space, as on Linux without an area, they
 * stay; what they contain is the same either way.
 */
#include <pthread.h>
#include <sys/utsname.h>

#include "abi.h"

#ifndef MADV_COLD
#define MADV_COLD    20
#define MADV_PAGEOUT 21
#endif

enum { PAGES = 64 };

static bool swaps; /* pages can leave: this is no Linux without swap areas */

static long status_kb(const char *name)
{
	static char text[8192];

	if (get_file("/proc/self/status", text, sizeof(text)) < 0)
		return -1;
	char *line = strstr(text, name);
	return line != NULL ? atol(line + strlen(name)) : -1;
}

static long meminfo_kb(const char *name)
{
	static char text[8192];

	if (get_file("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	char *line = strstr(text, name);
	return line != NULL ? atol(line + strlen(name)) : -1;
}

static unsigned char byte_of(size_t page, size_t at, int salt)
{
	return (unsigned char)(page * 7 + at * 13 + at / 256 + (size_t)salt);
}

static void fill(unsigned char *memory, int salt)
{
	for (size_t page = 0; page < PAGES; page++)
		for (size_t at = 0; at < PAGE; at++)
			memory[page * PAGE + at] = byte_of(page, at, salt);
}

static size_t wrong(const unsigned char *memory, int salt)
{
	size_t count = 0;

	for (size_t page = 0; page < PAGES; page++)
		for (size_t at = 0; at < PAGE; at++)
			count += memory[page * PAGE + at] != byte_of(page, at, salt);
	return count;
}

static unsigned char *make(int salt)
{
	unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fill(memory, salt);
	return memory;
}

static int out(void *memory)
{
	return madvise(memory, PAGES * PAGE, MADV_PAGEOUT);
}

static long resident(void *memory)
{
	unsigned char map[PAGES];
	long count = 0;

	if (mincore(memory, PAGES * PAGE, map) != 0)
		return -1;
	for (size_t i = 0; i < PAGES; i++)
		count += map[i] & 1;
	return count;
}

static void figures(void)
{
	unsigned char *memory = make(1);

	is(resident(memory), PAGES, "written pages are resident");
	long before = status_kb("VmSwap:");
	is(out(memory), 0, "MADV_PAGEOUT");
	if (swaps) {
		is(resident(memory), 0, "then none is");
		is(status_kb("VmSwap:") - before, (long)(PAGES * PAGE / 1024), "VmSwap tells");
	} else {
		skip(2, "no swap area");
	}
	is(wrong(memory, 1), 0, "the bytes come back");
	is(resident(memory), PAGES, "and the pages");
	is(status_kb("VmSwap:"), before, "VmSwap is what it was");
	is(madvise(memory, PAGES * PAGE, MADV_COLD), 0, "MADV_COLD");
	is(wrong(memory, 1), 0, "changes nothing");
	is(out(memory), 0, "out again");
	is(madvise(memory, PAGES * PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED of pages outside");
	is(memory[0] | memory[PAGE * 5], 0, "leaves zeros");
	is(status_kb("VmSwap:"), before, "and no swap space");
	munmap(memory, PAGES * PAGE);
}

static void changes(void)
{
	unsigned char *memory = make(2);

	is(out(memory), 0, "MADV_PAGEOUT");
	is(mprotect(memory, PAGES * PAGE, PROT_NONE), 0, "mprotect(PROT_NONE)");
	is(out(memory), 0, "out once more");
	is(mprotect(memory, PAGES * PAGE, PROT_READ), 0, "mprotect(PROT_READ)");
	is(wrong(memory, 2), 0, "the bytes are there");
	is(mprotect(memory, PAGES * PAGE, PROT_NONE), 0, "PROT_NONE while resident");
	is(out(memory), 0, "goes out, too");
	is(mprotect(memory, PAGES * PAGE, PROT_READ | PROT_WRITE), 0, "mprotect to read and write");
	is(wrong(memory, 2), 0, "the bytes are there");
	is(out(memory), 0, "out");
	unsigned char *moved = mremap(memory, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);
	ok(moved != MAP_FAILED, "mremap of pages outside");
	is(wrong(moved, 2), 0, "the bytes moved");
	fill(moved, 3);
	is(out(moved), 0, "out");
	is(munmap(moved + PAGE, PAGE), 0, "a page of them is unmapped");
	is(moved[0], byte_of(0, 0, 3), "the one before");
	is(moved[2 * PAGE], byte_of(2, 0, 3), "and the one behind stay");
	munmap(moved, 2 * PAGES * PAGE);
	memory = make(4);
	is(mlock(memory, PAGE), 0, "mlock");
	fails(out(memory), EINVAL, "locked memory stays");
	munmap(memory, PAGES * PAGE);
}

static void family(void)
{
	unsigned char *memory = make(5);
	int status;

	is(out(memory), 0, "out before fork");
	if (child(&status) == 0) {
		is(wrong(memory, 5), 0, "the child finds the bytes");
		fill(memory, 6);
		out(memory);
		is(wrong(memory, 6), 0, "and has its own");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(wrong(memory, 5), 0, "the parent's are as they were");
	int pipes[2];
	is(pipe(pipes), 0, "pipe");
	pid_t pid = spawn();
	if (pid == 0) {
		char byte;
		out(memory);
		is(read(pipes[0], &byte, 1), 1, "the parent has written");
		is(wrong(memory, 5), 0, "the child does not see it");
		_exit(0);
	}
	out(memory);
	fill(memory, 7);
	out(memory);
	is(write(pipes[1], "x", 1), 1, "the child goes on");
	is(reap(pid), EXITED(0), "the child ends");
	is(wrong(memory, 7), 0, "what the parent wrote");
	munmap(memory, PAGES * PAGE);
}

static long lazy_kb(const void *memory)
{
	static char text[65536];
	char start[32];

	if (get_file("/proc/self/smaps", text, sizeof(text)) < 0)
		return -1;
	snprintf(start, sizeof(start), "%lx-", (unsigned long)memory);
	char *entry = strstr(text, start);
	char *line = entry != NULL ? strstr(entry, "LazyFree:") : NULL;
	return line != NULL ? atol(line + strlen("LazyFree:")) : -1;
}

/* Whether a page that was given up is still there is the kernel's to say; what is written
 * afterwards is there. */
static void given_up(void)
{
	unsigned char *memory = make(8);
	size_t third = 0;

	is(madvise(memory, PAGES * PAGE, MADV_FREE), 0, "MADV_FREE");
	/* Linux notes it in batches of some pages. */
	long lazy = lazy_kb(memory);
	ok(lazy > (long)(PAGES * PAGE / 2048) && lazy <= (long)(PAGES * PAGE / 1024),
	   "LazyFree tells");
	is(wrong(memory, 8), 0, "nothing is gone before memory is wanted");
	for (size_t page = 0; page < PAGES; page += 2)
		memory[page * PAGE + 1] = 111;
	ok(lazy_kb(memory) <= (long)(PAGES * PAGE / 2048), "what is written is not given up");
	out(memory);
	for (size_t page = 0; page < PAGES; page++) {
		unsigned char first = memory[page * PAGE];
		if (page % 2 == 0)
			third += memory[page * PAGE + 1] != 111 || first != byte_of(page, 0, 8);
		else
			third += first != 0 && first != byte_of(page, 0, 8);
	}
	is(third, 0, "a page is as it was, or zeros, or as written");
	fill(memory, 9);
	is(madvise(memory, PAGES * PAGE, MADV_FREE), 0, "MADV_FREE again");
	int pipes[2];
	pipe(pipes);
	is(write(pipes[1], "kernel", 6), 6, "the kernel");
	is(read(pipes[0], memory + 2 * PAGE, 6), 6, "writes, too");
	out(memory);
	is(memcmp(memory + 2 * PAGE, "kernel", 6), 0, "which counts");
	close(pipes[0]);
	close(pipes[1]);
	munmap(memory, PAGES * PAGE);
}

static void ahead(void)
{
	unsigned char *memory = make(10);

	out(memory);
	is(madvise(memory, PAGES * PAGE, MADV_WILLNEED), 0, "MADV_WILLNEED of pages outside");
	is(wrong(memory, 10), 0, "the bytes are there");
	munmap(memory, PAGES * PAGE);
}

/* --- Races --- */

enum { WRITERS = 3, RACE_MS = 1500 };

static volatile unsigned *shared_words;
static volatile bool stop;
static unsigned totals[WRITERS];

static void *write_words(void *argument)
{
	size_t self = (size_t)argument;

	for (unsigned round = 1; !stop; round++) {
		for (size_t page = 0; page < PAGES; page++) {
			volatile unsigned *word = &shared_words[page * PAGE / 4 + self * 16];
			if (*word != round - 1) {
				totals[self] = ~0u;
				return NULL;
			}
			*word = round;
		}
		totals[self] = round;
	}
	return NULL;
}

static void *send_out(void *argument)
{
	while (!stop)
		out(argument);
	return NULL;
}

static void races(void)
{
	unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t writers[WRITERS], sender;
	long end = now_ms() + RACE_MS;

	shared_words = (volatile unsigned *)memory;
	stop = false;
	for (size_t i = 0; i < WRITERS; i++)
		pthread_create(&writers[i], NULL, write_words, (void *)i);
	pthread_create(&sender, NULL, send_out, memory);
	size_t forks = 0, bad = 0;
	while (now_ms() < end) {
		pid_t pid = spawn();
		if (pid == 0) {
			unsigned first[WRITERS];
			int code = 0;
			for (size_t i = 0; i < WRITERS; i++)
				first[i] = shared_words[i * 16];
			out(memory);
			for (size_t i = 0; i < WRITERS; i++)
				code |= shared_words[i * 16] != first[i];
			_exit(code);
		}
		bad += reap(pid) != EXITED(0);
		forks++;
	}
	stop = true;
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	pthread_join(sender, NULL);
	size_t lost = 0;
	for (size_t i = 0; i < WRITERS; i++) {
		lost += totals[i] == ~0u;
		for (size_t page = 0; page < PAGES; page++)
			lost += shared_words[page * PAGE / 4 + i * 16] != totals[i];
	}
	is(lost, 0, "no write is lost while pages are sent out");
	is(bad, 0, "nor a child's copy, of %zu", forks);
	munmap(memory, PAGES * PAGE);
}

int main(void)
{
	struct utsname name;

	uname(&name);
	swaps = strstr(name.version, "Cowslip") != NULL || meminfo_kb("SwapTotal:") > 0;
	figures();
	changes();
	family();
	given_up();
	ahead();
	races();
	return done();
}
