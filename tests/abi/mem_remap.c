/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mremap: growing, shrinking and moving, with every flag; stack growth and its limit; madvise.
 */
#include "abi.h"

#include <sys/resource.h>

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS, DONTUNMAP = 4 };

static void *raw_mremap(void *old, size_t old_size, size_t new_size, int flags, void *to)
{
	return (void *)syscall(SYS_mremap, old, old_size, new_size, flags, to);
}

#define refuses(call, error, ...) \
	(errno = 0, ok((call) == MAP_FAILED && errno == (error), __VA_ARGS__))

static void shrinking_and_growing(void)
{
	char *p = map_pages(8);

	for (int i = 0; i < 8; i++)
		p[i * PAGE] = (char)i;
	ok(raw_mremap(p, 8 * PAGE, 4 * PAGE, 0, NULL) == p, "shrinking stays in place");
	ok(readable(p + 3 * PAGE) && !readable(p + 4 * PAGE), "and unmaps the rest");
	ok(raw_mremap(p, 4 * PAGE, 6 * PAGE, 0, NULL) == p, "growing into free space as well");
	ok(p[3 * PAGE] == 3 && p[4 * PAGE] == 0, "old content stays, new pages are zero");
	ok(raw_mremap(p, 6 * PAGE, 6 * PAGE, 0, NULL) == p, "the same size changes nothing");
	mmap(p + 6 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	mprotect(p + 6 * PAGE, PAGE, PROT_READ);
	refuses(raw_mremap(p, 6 * PAGE, 12 * PAGE, 0, NULL), ENOMEM, "no room to grow in place");
	char *q = raw_mremap(p, 6 * PAGE, 12 * PAGE, MREMAP_MAYMOVE, NULL);
	ok(q != MAP_FAILED && q != p, "MREMAP_MAYMOVE moves then");
	ok(q[0] == 0 && q[PAGE] == 1 && q[3 * PAGE] == 3 && q[11 * PAGE] == 0, "with the content");
	ok(!readable(p) && !readable(p + 5 * PAGE), "the old place is free");
	munmap(p + 6 * PAGE, PAGE);
	munmap(q, 12 * PAGE);
}

static void moving_to_a_place(void)
{
	char *p = map_pages(4), *area = map_pages(8);

	memset(p, 'm', 4 * PAGE);
	char *q = raw_mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + PAGE);
	ok(q == area + PAGE, "MREMAP_FIXED moves to the place given");
	ok(q[0] == 'm' && q[4 * PAGE - 1] == 'm' && q[-1] == 0 && q[4 * PAGE] == 0,
	   "over what was there, and nothing else");
	ok(!readable(p), "the old place is free");
	q = raw_mremap(area + PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       area + 5 * PAGE);
	ok(q == area + 5 * PAGE && q[0] == 'm' && q[2 * PAGE] == 0, "part of a mapping, growing");
	ok(!readable(area + PAGE) && readable(area + 3 * PAGE), "leaves a hole");
	munmap(area, 8 * PAGE);
	p = map_pages(2);
	memset(p, 'd', 2 * PAGE);
	q = raw_mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | DONTUNMAP, NULL);
	ok(q != MAP_FAILED && q != p && q[PAGE] == 'd', "MREMAP_DONTUNMAP moves the pages");
	ok(readable(p) && p[PAGE] == 0, "and leaves an empty mapping");
	munmap(p, 2 * PAGE);
	munmap(q, 2 * PAGE);
}

static void bad_arguments(void)
{
	char *p = map_pages(4);

	refuses(raw_mremap(p + 1, PAGE, PAGE, 0, NULL), EINVAL, "an odd address");
	refuses(raw_mremap(p, PAGE, 0, 0, NULL), EINVAL, "a new size of 0");
	refuses(raw_mremap(p, PAGE, PAGE, 0x80, NULL), EINVAL, "unknown flags");
	refuses(raw_mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 2 * PAGE), EINVAL,
		"MREMAP_FIXED without MREMAP_MAYMOVE");
	refuses(raw_mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), EINVAL,
		"overlapping places");
	refuses(raw_mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1), EINVAL,
		"an odd new address");
	refuses(raw_mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | DONTUNMAP, NULL), EINVAL,
		"MREMAP_DONTUNMAP with another size");
	refuses(raw_mremap(p, 0, PAGE, MREMAP_MAYMOVE, NULL), EINVAL,
		"an old size of 0 of private memory");
	munmap(p, PAGE);
	refuses(raw_mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL), EFAULT, "unmapped memory");
	mprotect(p + 2 * PAGE, PAGE, PROT_READ);
	refuses(raw_mremap(p + PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE, NULL), EFAULT,
		"growing across two mappings");
	munmap(p, 4 * PAGE);
}

static void shared_memory_is_doubled(void)
{
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *q = raw_mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE, NULL);

	ok(q != MAP_FAILED && q != p, "an old size of 0 doubles a shared mapping");
	p[5] = 'x';
	ok(q != MAP_FAILED && q[5] == 'x', "both show the same memory");
	munmap(p, 2 * PAGE);
	munmap(q, 2 * PAGE);
}

static void large_moves(void)
{
	enum { COUNT = 1024 };
	char *p = map_pages(COUNT);
	bool good = true;

	for (size_t i = 0; i < COUNT; i++)
		*(size_t *)(p + i * PAGE) = i;
	char *wall = mmap(p + COUNT * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	for (size_t size = COUNT; good && size < 16 * COUNT; size *= 2) {
		p = raw_mremap(p, size * PAGE, 2 * size * PAGE, MREMAP_MAYMOVE, NULL);
		good = p != MAP_FAILED;
	}
	for (size_t i = 0; good && i < COUNT; i++)
		good = *(size_t *)(p + i * PAGE) == i;
	ok(good, "4 MiB grow to 64 MiB by moving, with their content");
	int st;
	if (child(&st) == 0)
		_exit(*(size_t *)(p + 77 * PAGE) == 77 &&
				      raw_mremap(p, COUNT * PAGE, PAGE, 0, NULL) == p
			      ? 0
			      : 1);
	ok(st == 0 && *(size_t *)(p + 500 * PAGE) == 500, "a child's shrinking is its own");
	munmap(p, 16UL * COUNT * PAGE);
	if (wall != MAP_FAILED)
		munmap(wall, PAGE);
}

static int depth_reached(long bytes)
{
	volatile char block[1024];

	memset((char *)block, 1, sizeof(block));
	if (bytes <= 0)
		return block[5];
	return depth_reached(bytes - 1100) + block[7] - 1;
}

static void the_stack_grows(void)
{
	int st;

	if (child(&st) == 0)
		_exit(depth_reached(6 << 20));
	is(st, EXITED(1), "the stack grows by 6 MiB");
	if (child(&st) == 0)
		_exit(depth_reached(10 << 20));
	is(st & 0x7f, SIGSEGV, "not beyond its limit of 8 MiB");
	if (child(&st) == 0) {
		struct rlimit lim = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
		getrlimit(RLIMIT_STACK, &lim);
		lim.rlim_cur = 1 << 20;
		setrlimit(RLIMIT_STACK, &lim);
		_exit(depth_reached(3 << 20));
	}
	is(st & 0x7f, SIGSEGV, "a lower limit holds at once");
	if (child(&st) == 0) {
		char *here = __builtin_frame_address(0);
		ssize_t n = read(open("/dev/zero", O_RDONLY), here - (1 << 20), PAGE);
		_exit(n == (ssize_t)PAGE ? 0 : 1);
	}
	is(st, 0, "the kernel's own accesses grow the stack");
}

static void grows_down_mappings(void)
{
	char *area = mmap(NULL, 400 * PAGE, PROT_NONE, ANON, -1, 0);
	int st;

	munmap(area, 400 * PAGE);
	char *p = mmap(area + 390 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	ok(p == area + 390 * PAGE, "a MAP_GROWSDOWN mapping");
	if (child(&st) == 0) {
		p[-1] = 1;
		p[-(long)(3 * PAGE)] = 1;
		_exit(p[-1] == 1 ? 0 : 1);
	}
	is(st, 0, "grows when touched below");
	munmap(p, 2 * PAGE);
}

static void advice(void)
{
	char *p = map_pages(4);
	unsigned char in[4];

	memset(p, 'z', 4 * PAGE);
	is(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
	ok(p[0] == 'z' && p[PAGE] == 0 && p[3 * PAGE - 1] == 0 && p[3 * PAGE] == 'z',
	   "throws away just its pages");
	madvise(p, 4 * PAGE, MADV_DONTNEED);
	is(mincore(p, 4 * PAGE, in), 0, "mincore");
	ok(!(in[0] & 1) && !(in[3] & 1), "shows that they are gone");
	p[2 * PAGE] = 1;
	mincore(p, 4 * PAGE, in);
	ok(!(in[0] & 1) && (in[2] & 1), "until they are touched");
	is(madvise(p, 4 * PAGE, MADV_NORMAL), 0, "MADV_NORMAL");
	is(madvise(p, 4 * PAGE, MADV_WILLNEED), 0, "MADV_WILLNEED");
	is(madvise(p, 4 * PAGE, MADV_FREE), 0, "MADV_FREE");
	ok(p[2 * PAGE] == 1 || p[2 * PAGE] == 0, "the page is the old one or zero");
	is(madvise(p, 0, MADV_DONTNEED), 0, "a length of 0");
	fails(madvise(p, PAGE, 9999), EINVAL, "an unknown advice");
	fails(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL, "an odd address");
	munmap(p + PAGE, PAGE);
	fails(madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM, "a range with a hole");
	ok(p[2 * PAGE] == 0, "was carried out all the same");
	int st;
	is(madvise(p, PAGE, MADV_DONTFORK), 0, "MADV_DONTFORK");
	p[0] = 1;
	if (child(&st) == 0)
		_exit(readable(p) || !readable(p + 2 * PAGE));
	is(st, 0, "keeps the page from children");
	p[2 * PAGE] = 'w';
	is(madvise(p + 2 * PAGE, PAGE, MADV_WIPEONFORK), 0, "MADV_WIPEONFORK");
	if (child(&st) == 0)
		_exit(p[2 * PAGE]);
	is(st, 0, "gives children zeros");
	ok(p[2 * PAGE] == 'w', "and leaves the parent's");
	munmap(p, 4 * PAGE);
}

int main(void)
{
	shrinking_and_growing();
	moving_to_a_place();
	bad_arguments();
	shared_memory_is_doubled();
	large_moves();
	the_stack_grows();
	grows_down_mappings();
	advice();
	return done();
}
