/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory across fork: private pages are copied when written, shared ones are not.
 */
#include "abi.h"

enum { PAGES = 64 };

static void fill(char *p, char tag)
{
	for (int i = 0; i < PAGES; i++)
		memset(p + i * PAGE, tag + i % 16, PAGE);
}

static bool holds(const char *p, char tag)
{
	for (size_t i = 0; i < PAGES * PAGE; i += 61)
		if (p[i] != (char)(tag + (char)(i / PAGE % 16)))
			return false;
	return true;
}

static int variable = 1;

static void child_write_leaves_parent_unchanged(void)
{
	char *p = map_pages(PAGES);
	int local = 10, st;

	fill(p, 'A');
	if (child(&st) == 0) {
		bool same = holds(p, 'A') && variable == 1 && local == 10;
		fill(p, 'a');
		variable = 2;
		local = 20;
		_exit(same && holds(p, 'a') ? 7 : 1);
	}
	is(st, EXITED(7), "the child sees the parent's memory and writes its own");
	ok(holds(p, 'A'), "the parent's memory is unchanged");
	ok(variable == 1 && local == 10, "so are its data and its stack");
	munmap(p, PAGES * PAGE);
}

static void parent_write_leaves_child_unchanged(void)
{
	char *p = map_pages(PAGES);
	volatile int *flag = shared_ints();

	fill(p, 'A');
	pid_t pid = spawn();
	if (pid == 0) {
		wait_until(*flag);
		_exit(*flag && holds(p, 'A') ? 0 : 1);
	}
	fill(p, 'a');
	*flag = 1;
	is(reap(pid), 0, "the child keeps what was there at fork");
	ok(holds(p, 'a'), "the parent has what it wrote");
	munmap(p, PAGES * PAGE);
}

static void generations_are_apart(void)
{
	char *p = map_pages(PAGES);
	int st;

	fill(p, 'A');
	if (child(&st) == 0) {
		p[0] = '1';
		if (child(&st) == 0) {
			bool good = p[0] == '1' && p[PAGE] == 'B';
			p[0] = '2';
			p[PAGE] = '2';
			if (child(&st) == 0)
				_exit(p[0] == '2' && p[PAGE] == '2' && p[2 * PAGE] == 'C' ? 0 : 1);
			_exit(good && st == 0 ? 0 : 2);
		}
		_exit(st == 0 && p[0] == '1' && p[PAGE] == 'B' ? 0 : 3);
	}
	is(st, 0, "each of three generations has its own pages");
	ok(holds(p, 'A'), "and the first is unchanged");
	munmap(p, PAGES * PAGE);
}

static void kernel_writes_copy_too(void)
{
	char *p = map_pages(1);
	int st, ends[2];

	strcpy(p, "parent");
	if (pipe(ends) < 0 || write(ends[1], "child!", 7) != 7)
		note("no pipe");
	if (child(&st) == 0)
		_exit(read(ends[0], p, 7) == 7 && strcmp(p, "child!") == 0 ? 0 : 1);
	is(st, 0, "read(2) into a page shared by fork");
	is_str(p, "parent", "leaves the parent's page alone");
	close(ends[0]);
	close(ends[1]);
	munmap(p, PAGE);
}

static void protection_and_unmapping_are_private(void)
{
	char *p = map_pages(2);
	int st;

	p[0] = p[PAGE] = 'q';
	if (child(&st) == 0) {
		mprotect(p, PAGE, PROT_NONE);
		munmap(p + PAGE, PAGE);
		_exit(readable(p) || readable(p + PAGE));
	}
	is(st, 0, "the child protects and unmaps");
	ok(p[0] == 'q' && p[PAGE] == 'q', "the parent's mappings stay");
	p[0] = 'r';
	ok(p[0] == 'r', "and stay writable");
	munmap(p, 2 * PAGE);
}

static void shared_memory_stays_shared(void)
{
	volatile int *v = shared_ints();
	int st;

	v[0] = 1;
	if (child(&st) == 0) {
		v[1] = v[0] + 1;
		v[0] = 5;
		_exit(0);
	}
	ok(st == 0 && v[0] == 5 && v[1] == 2, "MAP_SHARED memory is the same in the child");
	if (child(&st) == 0) {
		if (child(&st) == 0) {
			v[2] = 77;
			_exit(0);
		}
		_exit(v[2] == 77 ? 0 : 1);
	}
	ok(st == 0 && v[2] == 77, "and in the grandchild");
	munmap((void *)v, PAGE);
}

static void untouched_pages_stay_apart(void)
{
	volatile int *shared = shared_ints();
	char *p = map_pages(1);
	int st;

	if (child(&st) == 0) {
		p[0] = 'c';
		shared[1] = 9;
		_exit(0);
	}
	ok(p[0] == 0, "a private page first touched by the child is not the parent's");
	ok(shared[1] == 9, "a shared page first touched by the child is");
	munmap(p, PAGE);
}

static void many_children_at_once(void)
{
	enum { CHILDREN = 20 };
	char *p = map_pages(PAGES);
	pid_t pids[CHILDREN];
	bool good = true;

	fill(p, 'A');
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = spawn();
		if (pids[i] == 0) {
			bool same = holds(p, 'A');
			fill(p, (char)('a' + i));
			sched_yield();
			_exit(same && holds(p, (char)('a' + i)) ? 0 : 1);
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		good = reap(pids[i]) == 0 && good;
	ok(good, "twenty children write the same pages, each its own");
	ok(holds(p, 'A'), "the parent's are unchanged");
	fill(p, 'Z');
	ok(holds(p, 'Z'), "and it writes in place again");
	munmap(p, PAGES * PAGE);
}

int main(void)
{
	child_write_leaves_parent_unchanged();
	parent_write_leaves_child_unchanged();
	generations_are_apart();
	kernel_writes_copy_too();
	protection_and_unmapping_are_private();
	shared_memory_stays_shared();
	untouched_pages_stay_apart();
	many_children_at_once();
	return done();
}
