/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * brk: the heap grows and shrinks, is zero, and refuses what it cannot do by returning the old end.
 */
#include "abi.h"

#include <sys/resource.h>

/* The raw call: returns the end of the heap, moved or not. */
static char *set_brk(void *end)
{
	return (char *)syscall(SYS_brk, end);
}

static bool all_zero(const char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i])
			return false;
	return true;
}

static void heap_grows_and_shrinks(void)
{
	char *start = set_brk(NULL);

	ok(start != NULL && start != (char *)-1L, "brk(0) returns the end of the heap");
	ok(set_brk(NULL) == start, "and does not move it");
	ok(set_brk(start + 3 * PAGE) == start + 3 * PAGE, "it grows by three pages");
	ok(all_zero(start, 3 * PAGE), "which are zero");
	memset(start, 0x5a, 3 * PAGE);
	ok(start[3 * PAGE - 1] == 0x5a, "and writable to the last byte");
	ok(set_brk(start + PAGE) == start + PAGE, "it shrinks");
	ok(start[0] == 0x5a, "what stays keeps its content");
	ok(!readable(start + 3 * PAGE - 1), "what went is unmapped");
	ok(set_brk(start + 3 * PAGE) == start + 3 * PAGE, "it grows again");
	char *page = (char *)(((uintptr_t)start + 2 * PAGE - 1) & ~(PAGE - 1));
	ok(all_zero(page, PAGE), "pages that come back are zero");
	ok(set_brk(start) == start, "it shrinks to nothing");
}

static void odd_ends_are_kept(void)
{
	char *start = set_brk(NULL);

	ok(set_brk(start + 123) == start + 123, "the end need not be page-aligned");
	ok(set_brk(NULL) == start + 123, "and is kept to the byte");
	start[122] = 1;
	ok(set_brk(start) == start, "back to the start");
}

static void impossible_ends_are_refused(void)
{
	char *end = set_brk(NULL);

	ok(set_brk((void *)PAGE) == end, "an end below the heap leaves it alone");
	ok(set_brk((void *)-1L) == end, "an end in the kernel leaves it alone");
	ok(set_brk((void *)0x7ffffffff000) == end, "an end above the stack leaves it alone");
	char *page = (char *)(((uintptr_t)end + PAGE - 1) & ~(PAGE - 1));
	char *block = mmap(page + 16 * PAGE, PAGE, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (block != page + 16 * PAGE) {
		skip(1, "no room for a mapping behind the heap");
		return;
	}
	ok(set_brk(page + 32 * PAGE) == end, "the heap does not grow over a mapping");
	munmap(block, PAGE);
}

static void data_limit_is_obeyed(void)
{
	int st;

	if (child(&st) == 0) {
		struct rlimit none = {.rlim_cur = 64 * PAGE, .rlim_max = RLIM_INFINITY};
		char *end = set_brk(NULL);

		getrlimit(RLIMIT_DATA, &none);
		none.rlim_cur = 64 * PAGE;
		if (setrlimit(RLIMIT_DATA, &none) < 0)
			_exit(1);
		_exit(set_brk(end + 1024 * PAGE) == end ? 0 : 2);
	}
	is(st, 0, "RLIMIT_DATA holds the heap back");
}

static void fork_copies_the_heap(void)
{
	char *start = set_brk(NULL);
	int st;

	set_brk(start + PAGE);
	start[0] = 'p';
	if (child(&st) == 0) {
		bool same = start[0] == 'p' && set_brk(NULL) == start + PAGE;
		start[0] = 'c';
		set_brk(start + 64 * PAGE);
		_exit(same ? 0 : 1);
	}
	is(st, 0, "a child has the parent's heap");
	ok(start[0] == 'p', "the child's writes stay its own");
	ok(set_brk(NULL) == start + PAGE, "and so does its end of the heap");
	set_brk(start);
}

int main(void)
{
	heap_grows_and_shrinks();
	odd_ends_are_kept();
	impossible_ends_are_refused();
	fork_copies_the_heap();
	data_limit_is_obeyed();
	return done();
}
