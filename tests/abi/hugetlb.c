/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages from the pool: MAP_HUGETLB in private memory, its reservations and rules, and what the
 * kernel tells about it.
 */
#include "abi.h"
#include "hugetlb.h"

static char *map(size_t length, int flags)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
}

static void come_and_go(void)
{
	char *p = map(2 * HUGE_PAGE, 0);

	ok(p != MAP_FAILED, "two huge pages");
	is((uintptr_t)p % HUGE_PAGE, 0, "aligned");
	is(figure("HugePages_Rsvd"), 2, "reserved");
	is(figure("HugePages_Free"), BLOCKS, "not taken yet");
	p[5] = 1;
	is(figure("HugePages_Rsvd"), 1, "a touch takes one");
	is(figure("HugePages_Free"), BLOCKS - 1, "from the pool");
	is(p[HUGE_PAGE - 1] | p[0], 0, "of zeros");
	p[HUGE_PAGE] = 2;
	is(figure("HugePages_Free"), BLOCKS - 2, "and the other");
	is(munmap(p, 2 * HUGE_PAGE), 0, "munmap");
	is(figure("HugePages_Free"), BLOCKS, "gives them back");
	is(figure("HugePages_Rsvd"), 0, "nothing is reserved");

	p = map(3 * HUGE_PAGE, 0);
	is(munmap(p, 3 * HUGE_PAGE), 0, "what was not touched");
	is(figure("HugePages_Rsvd"), 0, "is promised no more");
	p = map(5000, 0);
	ok(p != MAP_FAILED, "any length");
	p[HUGE_PAGE - 1] = 1;
	is(p[HUGE_PAGE - 1], 1, "is rounded up");
	is(munmap(p, HUGE_PAGE), 0, "munmap");
}

static void rules(void)
{
	char *p = map(2 * HUGE_PAGE, 0), *place;

	memset(p, 7, 2 * HUGE_PAGE);
	fails(munmap(p, PAGE), EINVAL, "munmap of a part");
	fails(munmap(p + PAGE, HUGE_PAGE), EINVAL, "munmap that is not aligned");
	fails(mprotect(p, PAGE, PROT_READ), EINVAL, "mprotect of a part");
	fails(mprotect(p + PAGE, HUGE_PAGE, PROT_READ), EINVAL, "mprotect that is not aligned");
	is(p[0] + p[2 * HUGE_PAGE - 1], 14, "nothing has changed");
	is(mprotect(p, HUGE_PAGE, PROT_READ), 0, "mprotect of one");
	is(p[PAGE] + p[HUGE_PAGE + PAGE], 14, "both can be read");
	is(mprotect(p, HUGE_PAGE, PROT_READ | PROT_WRITE), 0, "and back");
	p[0] = 8;
	is(p[0], 8, "it can be written");
	fails(madvise(p, HUGE_PAGE, MADV_FREE), EINVAL, "MADV_FREE");
	ok(mremap(p, 2 * HUGE_PAGE, 3 * HUGE_PAGE, MREMAP_MAYMOVE) == MAP_FAILED,
	   "mremap does not make it larger");
	is(munmap(p, HUGE_PAGE), 0, "munmap of the first");
	ok(!readable(p), "it is gone");
	is(p[HUGE_PAGE], 7, "the second is there");
	is(munmap(p + HUGE_PAGE, HUGE_PAGE), 0, "munmap of it");
	is(figure("HugePages_Free"), BLOCKS, "all are back");

	place = mmap(NULL, 4 * HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	place += HUGE_PAGE - (uintptr_t)place % HUGE_PAGE;
	ok(mmap(place, HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED, -1, 0) == place,
	   "MAP_FIXED where it is aligned");
	place[0] = 1;
	fails((long)mmap(place + PAGE, HUGE_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED, -1, 0),
	      EINVAL, "not elsewhere");
	ok(mmap(place, HUGE_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		   place,
	   "other memory in its place");
	is(figure("HugePages_Free"), BLOCKS, "gives it back");
}

static void no_more_than_there_are(void)
{
	int status;
	char *p, *q;

	fails((long)map((BLOCKS + 1) * HUGE_PAGE, 0), ENOMEM, "more than the pool has");
	p = map(BLOCKS * HUGE_PAGE, 0);
	ok(p != MAP_FAILED, "all of it");
	fails((long)map(HUGE_PAGE, 0), ENOMEM, "then nothing is left");
	q = map(HUGE_PAGE, MAP_NORESERVE);
	ok(q != MAP_FAILED, "without a promise");
	if (child(&status) == 0) {
		leave_counters();
		q[0] = 1;
		_exit(0);
	}
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "there is no page: SIGBUS");
	for (size_t i = 0; i < BLOCKS; i++)
		p[i * HUGE_PAGE] = 1;
	is(figure("HugePages_Free"), 0, "what was promised is there");
	munmap(p, BLOCKS * HUGE_PAGE);
	munmap(q, HUGE_PAGE);
	is(figure("HugePages_Free"), BLOCKS, "all are back");
	fails((long)map(HUGE_PAGE, 12 << MAP_HUGE_SHIFT), EINVAL, "no pages of 4 KiB");
	p = map(HUGE_PAGE, 21 << MAP_HUGE_SHIFT);
	ok(p != MAP_FAILED, "of 2 MiB by name");
	munmap(p, HUGE_PAGE);
}

static void processes(void)
{
	int status;
	char *p = map(HUGE_PAGE, 0);

	memset(p, 3, HUGE_PAGE);
	if (child(&status) == 0) {
		is(p[HUGE_PAGE / 2], 3, "a child sees it");
		p[HUGE_PAGE / 2] = 4;
		is(p[HUGE_PAGE / 2 - PAGE] + p[HUGE_PAGE / 2], 7, "and writes its own");
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(p[HUGE_PAGE / 2], 3, "the parent's is as it was");
	p[0] = 5;
	is(p[0] + p[1], 8, "and can be written");
	munmap(p, HUGE_PAGE);
	is(figure("HugePages_Free"), BLOCKS, "nothing is lost");

	if (child(&status) == 0) {
		p = map(2 * HUGE_PAGE, 0);
		p[0] = 1;
		_exit(0);
	}
	is(status, EXITED(0), "who exits");
	is(figure("HugePages_Free"), BLOCKS, "gives back pages");
	is(figure("HugePages_Rsvd"), 0, "and promises");
}

static void told(void)
{
	char text[64], line[512], start[64];
	char *p = map(HUGE_PAGE, 0);
	bool here = false, found = false;

	p[0] = 1;
	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)p);
	FILE *file = fopen("/proc/self/smaps", "r");
	while (file && fgets(line, sizeof(line), file)) {
		unsigned long first, last;
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			here = strncmp(line, start, strlen(start)) == 0;
		found = found || (here && strcmp(line, "Private_Hugetlb:    2048 kB\n") == 0);
		if (here && strncmp(line, "KernelPageSize:", 15) == 0)
			is(strtol(line + 15, NULL, 10), 2048, "KernelPageSize");
		if (here && strncmp(line, "Rss:", 4) == 0)
			is(strtol(line + 4, NULL, 10), 0, "not counted as Rss");
	}
	if (file)
		fclose(file);
	ok(found, "Private_Hugetlb");
	is(figure("Hugepagesize"), 2048, "the size in meminfo");
	is(figure("Hugetlb"), BLOCKS * 2048, "and the pool's");
	get_file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", text, sizeof(text));
	is(atoi(text), BLOCKS, "its pages in sysfs");
	get_file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", text, sizeof(text));
	is(atoi(text), BLOCKS - 1, "and what is free");

	is(set_pool(0), true, "a smaller pool");
	is(figure("HugePages_Total"), 1, "keeps what is in use");
	is(figure("HugePages_Surp"), 1, "as surplus");
	is(p[0], 1, "which stays");
	munmap(p, HUGE_PAGE);
	is(figure("HugePages_Total"), 0, "until it is given back");
}

int main(void)
{
	if (!make_pool())
		return done();
	come_and_go();
	rules();
	no_more_than_there_are();
	processes();
	told();
	set_pool(0);
	return done();
}
