/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID/pagemap and clear_refs: what is behind each page, and what was accessed lately.
 */
#include "abi.h"

#define PRESENT   (1ULL << 63)
#define FILE_PAGE (1ULL << 61)
#define EXCLUSIVE (1ULL << 56)
#define FRAME     ((1ULL << 55) - 1)

static char text[1 << 17];

static int pagemap;

static uint64_t word_of(const volatile void *p)
{
	uint64_t word = 0;

	if (pread(pagemap, &word, 8, (off_t)((uintptr_t)p / PAGE * 8)) != 8)
		return ~0ULL;
	return word;
}

/* KiB of a region that starts at `p` that have been accessed. */
static long referenced(const void *p)
{
	char start[64];

	snprintf(start, sizeof(start), "%08lx-", (unsigned long)(uintptr_t)p);
	get_file("/proc/self/smaps", text, sizeof(text));
	const char *entry = strstr(text, start);
	const char *line = entry ? strstr(entry, "\nReferenced:") : NULL;
	return line ? strtol(line + strlen("\nReferenced:"), NULL, 10) : -1;
}

static long clear(const char *what)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CREAT | O_TRUNC, 0666); /* as a shell */
	ssize_t count = write(fd, what, strlen(what));
	int error = errno;

	close(fd);
	errno = error;
	return count;
}

static char *island(void)
{
	char *p = mmap(NULL, 10 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p + PAGE, 8 * PAGE, PROT_READ | PROT_WRITE);
	madvise(p + PAGE, 8 * PAGE, MADV_NOHUGEPAGE);
	return p + PAGE;
}

static void words(void)
{
	char *p = island();
	uint64_t many[8];
	int st;

	is(word_of(p) & PRESENT, 0, "an untouched page is not present");
	p[0] = 'a';
	p[5 * PAGE] = 'b';
	uint64_t word = word_of(p);
	ok(word & PRESENT, "a written one is");
	ok(word & EXCLUSIVE, "nobody else has it");
	ok(!(word & FILE_PAGE), "it is anonymous");
	bool frames = word & FRAME;
	if (frames)
		ok(frames, "the privileged see its frame");
	else
		skip(1, "no frame numbers in a user namespace");
	is(pread(pagemap, many, sizeof(many), (off_t)((uintptr_t)p / PAGE * 8)), sizeof(many),
	   "many at once");
	ok(many[0] == word && !(many[1] & PRESENT) && (many[5] & PRESENT), "are the same");
	fails(pread(pagemap, many, 7, 0), EINVAL, "half a word");
	fails(pread(pagemap, many, 8, 4), EINVAL, "a word at no word's place");
	is(pread(pagemap, many, 8, 1L << 50), 0, "behind the last page there is nothing");
	if (child(&st) == 0) {
		pagemap = open("/proc/self/pagemap", O_RDONLY);
		ok(word_of(p) & PRESENT, "a child has the page");
		is(word_of(p) & FRAME, word & FRAME, "the same frame");
		ok(!(word_of(p) & EXCLUSIVE), "not alone");
		p[0] = 'c';
		ok(!frames || (word_of(p) & FRAME) != (word & FRAME), "after a write a copy");
		ok(word_of(p) & EXCLUSIVE, "of its own");
		_exit(0);
	}
	is(word_of(p) & FRAME, word & FRAME, "the parent keeps its frame");
	if (child(&st) == 0) {
		become(1000, 1000);
		int fd = open("/proc/self/pagemap", O_RDONLY);
		if (fd >= 0 && pread(fd, &word, 8, (off_t)((uintptr_t)p / PAGE * 8)) == 8)
			_exit((word & FRAME) != 0);
		_exit(0);
	}
	is(st, 0, "others see no frames");
}

static void file_pages(void)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	p[0] = 's';
	ok(word_of(p) & PRESENT, "shared memory is present");
	ok(word_of(p) & FILE_PAGE, "and counts as a file's");
}

/* --- Written pages: soft-dirty */

#define WRITTEN (1ULL << 55)

static bool is_written(const volatile char *p)
{
	return (word_of(p) & WRITTEN) != 0;
}

static void written_pages(void)
{
	char *p = island();
	int status;

	memset(p, 'a', 4 * PAGE);
	if (!is_written(p)) {
		skip(17, "this kernel does not note which pages are written");
		return;
	}
	ok(is_written(p + 5 * PAGE), "in new memory all counts as written");
	is(clear("4"), 1, "clear_refs");
	ok(!is_written(p) && !is_written(p + 3 * PAGE), "forgets it");
	ok(!is_written(p + 5 * PAGE), "of what is not there, too");
	p[PAGE] = 'b';
	ok(is_written(p + PAGE), "a write is noted");
	ok(!is_written(p) && !is_written(p + 2 * PAGE), "its neighbours are not written");
	is(p[0], 'a', "reading");
	(void)((volatile char *)p)[6 * PAGE];
	ok(!is_written(p) && !is_written(p + 6 * PAGE), "is no writing");
	p[6 * PAGE] = 'c';
	p[7 * PAGE] = 'c';
	ok(is_written(p + 6 * PAGE) && is_written(p + 7 * PAGE), "what is new is written");
	int zero = open("/dev/zero", O_RDONLY);
	is(read(zero, p + 2 * PAGE, 1), 1, "the kernel writes");
	close(zero);
	ok(is_written(p + 2 * PAGE), "which counts");
	mprotect(p, PAGE, PROT_READ);
	mprotect(p, PAGE, PROT_READ | PROT_WRITE);
	ok(!is_written(p), "mprotect does not");
	if (child(&status) == 0) {
		pagemap = open("/proc/self/pagemap", O_RDONLY);
		bool same = !is_written(p) && is_written(p + PAGE);
		p[0] = 'd';
		_exit(same && is_written(p) ? 0 : 1);
	}
	is(status, 0, "a child has what its parent has");
	ok(!is_written(p), "and writes for itself");
	p[0] = 'e';
	ok(is_written(p), "as the parent does");
	clear("4");
	ok(!is_written(p), "again");
	char *moved = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, island());
	ok(is_written(moved) && moved[0] == 'e', "what has moved counts as written");
}

/* Is one page accessed when it has been read, and then clear_refs written?  Linux leaves the TLB
 * alone, so mprotect has to flush it. */
static bool stays_referenced(char *p, const char *what)
{
	for (int i = 0; i < 50; i++) {
		mprotect(p + 3 * PAGE, PAGE, PROT_READ);
		mprotect(p + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE);
		(void)((volatile char *)p)[3 * PAGE];
		if ((what == NULL || clear(what) == 1) && referenced(p) == 4)
			return true;
	}
	return false;
}

static void referenced_pages(void)
{
	char *p = island();

	memset(p, 'r', 8 * PAGE);
	is(referenced(p), 32, "all pages have been accessed");
	is(clear("1\n"), 2, "clear_refs");
	is(referenced(p), 0, "none since");
	ok(stays_referenced(p, NULL), "one since");
	ok(stays_referenced(p, "3"), "those of files leave anonymous ones alone");
	is(clear("2"), 1, "those of anonymous memory");
	is(referenced(p), 0, "are gone");
	is(p[7 * PAGE], 'r', "the content stays");
	is(clear("5"), 1, "the peak begins anew");
	fails(clear("0"), EINVAL, "0");
	fails(clear("6"), EINVAL, "6");
	fails(clear("all"), EINVAL, "no number");
}

int main(void)
{
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	ok(pagemap >= 0, "pagemap opens");
	words();
	file_pages();
	written_pages();
	referenced_pages();
	return done();
}
