/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap of anonymous memory: contents, placement, splitting by munmap, and the errors.
 */
#include "abi.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static void *map(void *at, size_t size, int prot, int flags)
{
	return mmap(at, size, prot, flags, -1, 0);
}

/* The raw call: the C library checks some arguments itself. */
static long raw_map(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	return syscall(SYS_mmap, at, size, prot, flags, fd, offset);
}

static void anonymous_memory_is_zero(void)
{
	char *p = map(NULL, 8 * PAGE, RW, ANON);
	bool zero = true;

	if (!ok(p != MAP_FAILED, "mmap of eight pages"))
		return;
	is((uintptr_t)p % PAGE, 0, "the address is page-aligned");
	for (size_t i = 0; i < 8 * PAGE; i++)
		zero = zero && p[i] == 0;
	ok(zero, "the memory is zero");
	memset(p, 0xa5, 8 * PAGE);
	ok((unsigned char)p[8 * PAGE - 1] == 0xa5, "and writable");
	is(munmap(p, 8 * PAGE), 0, "munmap");
	ok(!readable(p), "the first page is gone");
	ok(!readable(p + 7 * PAGE), "the last page is gone");
	is(munmap(p, 8 * PAGE), 0, "munmap of nothing succeeds");
}

static void length_is_rounded_up(void)
{
	char *p = map(NULL, PAGE + 1, RW, ANON);

	ok(p != MAP_FAILED, "mmap of a page and a byte");
	p[2 * PAGE - 1] = 1;
	ok(p[2 * PAGE - 1] == 1, "gives two pages");
	is(munmap(p, PAGE + 1), 0, "munmap rounds up as well");
	ok(!readable(p + PAGE), "the second page is gone");
}

static void munmap_splits(void)
{
	char *p = map_pages(5);

	for (int i = 0; i < 5; i++)
		p[i * PAGE] = (char)('0' + i);
	is(munmap(p + 2 * PAGE, PAGE), 0, "munmap of the middle page");
	ok(p[PAGE] == '1' && p[3 * PAGE] == '3', "the neighbours keep their content");
	ok(!readable(p + 2 * PAGE), "the middle is gone");
	is(munmap(p, PAGE), 0, "munmap of the first page");
	is(munmap(p + 4 * PAGE, PAGE), 0, "munmap of the last page");
	ok(!readable(p) && readable(p + PAGE) && readable(p + 3 * PAGE) && !readable(p + 4 * PAGE),
	   "just the two are left");
	is(munmap(p, 5 * PAGE), 0, "munmap over holes");
	ok(!readable(p + PAGE) && !readable(p + 3 * PAGE), "takes what is there");
}

static void fixed_replaces(void)
{
	char *p = map_pages(4);

	memset(p, 'a', 4 * PAGE);
	ok(map(p + PAGE, 2 * PAGE, RW, ANON | MAP_FIXED) == p + PAGE, "MAP_FIXED over a mapping");
	ok(p[PAGE] == 0 && p[3 * PAGE - 1] == 0, "gives fresh zero pages");
	ok(p[PAGE - 1] == 'a' && p[3 * PAGE] == 'a', "the neighbours keep their content");
	ok(map(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE) == MAP_FAILED && errno == EEXIST,
	   "MAP_FIXED_NOREPLACE over a mapping is EEXIST");
	munmap(p + PAGE, PAGE);
	ok(map(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE) == p + PAGE,
	   "MAP_FIXED_NOREPLACE in a hole takes it");
	ok(map(p + PAGE, PAGE, RW, ANON) != p + PAGE, "a hint that is taken is not obeyed");
	munmap(p + PAGE, PAGE);
	ok(map(p + PAGE, PAGE, RW, ANON) == p + PAGE, "a hint that is free is");
	munmap(p, 4 * PAGE);
}

static void bad_arguments_are_refused(void)
{
	fails(raw_map(NULL, 0, RW, ANON, -1, 0), EINVAL, "length 0");
	fails(raw_map(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL, "neither private nor shared");
	fails(raw_map((void *)1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL,
	      "MAP_FIXED at an odd address");
	fails(raw_map(NULL, PAGE, RW, ANON, -1, 1), EINVAL, "an odd offset");
	fails(raw_map(NULL, -PAGE, RW, ANON, -1, 0), ENOMEM, "a length beyond the address space");
	fails(raw_map(NULL, 1UL << 47, RW, ANON | MAP_NORESERVE, -1, 0), ENOMEM,
	      "a length of the whole address space");
	fails(raw_map(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF, "a file mapping without a file");
	fails(raw_map(NULL, PAGE, RW, MAP_PRIVATE, 9999, 0), EBADF, "a closed descriptor");
	fails(munmap((void *)1, PAGE), EINVAL, "munmap at an odd address");
	fails(munmap((void *)PAGE, 0), EINVAL, "munmap of length 0");
	fails(munmap((void *)PAGE, -PAGE), EINVAL, "munmap beyond the user half");
}

/* With five levels of page tables Linux's user half is larger, for those who ask for high
 * addresses. */
static void nothing_above_the_user_half(void)
{
	void *high = map((void *)(1UL << 47), PAGE, RW, ANON | MAP_FIXED_NOREPLACE);

	if (high != MAP_FAILED) {
		munmap(high, PAGE);
		skip(3, "this kernel has five levels of page tables");
		return;
	}
	fails(raw_map((void *)(1UL << 47), PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM,
	      "MAP_FIXED above the user half");
	fails(raw_map((void *)0x7ffffffff000, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM,
	      "MAP_FIXED at the last page of the user half");
	fails(munmap((void *)(1UL << 47), PAGE), EINVAL, "munmap above the user half");
}

static void root_may_map_page_zero(void)
{
	long p = raw_map(NULL, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	int st;

	is(p, 0, "root maps page 0");
	if (p == 0)
		munmap(NULL, PAGE);
	if (child(&st) == 0) {
		if (become(1000, 1000) < 0)
			_exit(1);
		p = raw_map(NULL, PAGE, RW, ANON | MAP_FIXED, -1, 0);
		_exit(p == -1 && errno == EPERM ? 0 : 2);
	}
	is(st, 0, "a user may not, EPERM");
}

static void large_and_sparse_memory(void)
{
	size_t size = 64UL << 30;
	char *p = map(NULL, size, RW, ANON | MAP_NORESERVE);

	if (!ok(p != MAP_FAILED, "64 GiB of address space with MAP_NORESERVE"))
		return;
	for (size_t at = 0; at < size; at += size / 16)
		p[at] = (char)(at >> 32) + 1;
	bool good = true;
	for (size_t at = 0; at < size; at += size / 16)
		good = good && p[at] == (char)(at >> 32) + 1;
	ok(good, "pages far apart keep their contents");
	is(munmap(p, size), 0, "munmap of it all");
	ok(!readable(p) && !readable(p + size / 16), "all of it is gone");
}

static void many_small_mappings(void)
{
	enum { COUNT = 1000 };
	char *p = map(NULL, 2 * COUNT * PAGE, PROT_NONE, ANON);
	bool good = p != MAP_FAILED;

	for (size_t i = 0; i < COUNT && good; i++)
		good = map(p + 2 * i * PAGE, PAGE, RW, ANON | MAP_FIXED) == p + 2 * i * PAGE;
	ok(good, "a thousand mappings between unreadable pages");
	for (size_t i = 0; i < COUNT && good; i++)
		*(size_t *)(p + 2 * i * PAGE) = i;
	for (size_t i = 0; i < COUNT && good; i++)
		good = *(size_t *)(p + 2 * i * PAGE) == i;
	ok(good, "each has its own content");
	is(munmap(p, 2 * COUNT * PAGE), 0, "one munmap takes them all");
}

static void populate_and_locked_memory(void)
{
	unsigned char in[4] = {0};
	char *p = map(NULL, 4 * PAGE, RW, ANON | MAP_POPULATE);

	ok(p != MAP_FAILED, "MAP_POPULATE");
	is(mincore(p, 4 * PAGE, in), 0, "mincore");
	ok((in[0] & 1) && (in[1] & 1) && (in[2] & 1) && (in[3] & 1), "all pages are resident");
	is(mlock(p, 2 * PAGE), 0, "mlock");
	is(munlock(p, 2 * PAGE), 0, "munlock");
	munmap(p, 4 * PAGE);
	fails(mlock(p, PAGE), ENOMEM, "mlock of unmapped memory");
	fails(mincore(p, PAGE, in), ENOMEM, "mincore of unmapped memory");
	fails(mincore(p + 1, PAGE, in), EINVAL, "mincore at an odd address");
}

int main(void)
{
	anonymous_memory_is_zero();
	length_is_rounded_up();
	munmap_splits();
	fixed_replaces();
	bad_arguments_are_refused();
	nothing_above_the_user_half();
	root_may_map_page_zero();
	large_and_sparse_memory();
	many_small_mappings();
	populate_and_locked_memory();
	return done();
}
