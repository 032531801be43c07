/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a child does to a range of its memory is its own affair, where tables are shared too: ranges
 * of a page, and of a page more or less than what a table or a table of tables spans.
 */
#include "abi.h"

#define LEAF   (2UL << 20)
#define GIB    (1UL << 30)
#define TOTAL  (GIB + 8 * LEAF)
#define BASE   ((char *)0x100040000000 - 2 * LEAF)
#define TARGET ((char *)0x200000000000)

enum { PROBES = 6 };
static char *probes[PROBES];

static long child_munmap(char *start, size_t size)
{
	return munmap(start, size);
}

static long child_mprotect(char *start, size_t size)
{
	return mprotect(start, size, PROT_READ);
}

static long child_drop(char *start, size_t size)
{
	return madvise(start, size, MADV_DONTNEED);
}

static long child_mremap(char *start, size_t size)
{
	return mremap(start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, TARGET) == TARGET ? 0 : -1;
}

static const struct {
	const char *name;
	long (*call)(char *start, size_t size);
} calls[] = {
	{"munmap", child_munmap},
	{"mprotect", child_mprotect},
	{"madvise(DONTNEED)", child_drop},
	{"mremap", child_mremap},
};

/* Does the child see what it should, after the call? */
static bool child_sees(size_t call, char *start, size_t size)
{
	for (int i = 0; i < PROBES; i++) {
		bool inside = probes[i] >= start && probes[i] < start + size;
		if (!inside || calls[call].call == child_mprotect) {
			if (*probes[i] != i + 1)
				return false;
		} else if (calls[call].call == child_drop) {
			if (*probes[i] != 0)
				return false;
		} else if (readable(probes[i])) {
			return false;
		}
		if (inside && calls[call].call == child_mremap &&
		    TARGET[probes[i] - start] != i + 1)
			return false;
	}
	return true;
}

static bool parent_is_unchanged(void)
{
	for (int i = 0; i < PROBES; i++)
		if (*probes[i] != i + 1)
			return false;
	for (int i = 0; i < PROBES; i++)
		*probes[i] = (char)(i + 60);
	for (int i = 0; i < PROBES; i++)
		if (*probes[i] != i + 60)
			return false;
	return true;
}

static void one(size_t call, char *start, size_t size)
{
	int st;

	if (mmap(BASE, TOTAL, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != BASE)
		note("no memory for a gigabyte");
	char *wanted[PROBES] = {start - PAGE,
				start,
				size > 4 * PAGE ? start + size / 2 / PAGE * PAGE : start + 8 * PAGE,
				size > PAGE ? start + size - PAGE : start + 9 * PAGE,
				start + size,
				start + size + LEAF};
	for (int i = 0; i < PROBES; i++) {
		probes[i] = wanted[i];
		*probes[i] = (char)(i + 1);
	}
	if (child(&st) == 0) {
		if (calls[call].call(start, size) != 0)
			_exit(2);
		_exit(child_sees(call, start, size) ? 0 : 1);
	}
	bool unchanged = parent_is_unchanged();
	ok(st == 0 && unchanged, "%s of %zu pages in a child, %s, leaves the parent alone",
	   calls[call].name, size / PAGE, (size_t)start % LEAF == 0 ? "aligned" : "askew");
	munmap(BASE, TOTAL);
}

int main(void)
{
	static const size_t sizes[] = {PAGE,       LEAF - PAGE, LEAF,      LEAF + PAGE,
				       GIB - PAGE, GIB,         GIB + PAGE};

	for (size_t call = 0; call < ARRAY_LEN(calls); call++)
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
			for (size_t askew = 0; askew < 2; askew++)
				one(call, BASE + LEAF + askew * PAGE, sizes[i]);
	return done();
}
