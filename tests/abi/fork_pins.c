/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork, and pages that pipes hold by vmsplice: whoever gave them goes on with them, and nobody else
 * sees what he writes, nor do others' writes show in the pipe.
 */
#include "abi.h"
#include <pthread.h>
#include <sys/uio.h>

enum { PAGES = 12 };

static int ends[2];

static void give(const void *memory, size_t length, unsigned flags)
{
	struct iovec vector = {(void *)memory, length};

	is(vmsplice(ends[1], &vector, 1, flags), length, "memory goes into the pipe");
}

/* Reads `count` pages from the pipe: does each begin with this byte? */
static bool comes(int count, char first)
{
	static char seen[PAGE];
	bool good = true;

	for (int i = 0; i < count; i++) {
		for (size_t got = 0; got < PAGE;) {
			ssize_t n = read(ends[0], seen + got, PAGE - got);
			if (n <= 0)
				return false;
			got += (size_t)n;
		}
		good = good && seen[0] == first;
	}
	return good;
}

static void fill(char *pages, char byte)
{
	for (int i = 0; i < PAGES; i++)
		pages[i * PAGE] = byte;
}

static void the_giver_goes_on_with_his_pages(void)
{
	char *pages = map_pages(PAGES), seen[8];
	int st;

	fill(pages, 'a');
	give(pages, 3 * PAGE, 0);
	pages[0] = 'b';
	ok(read(ends[0], seen, 1) == 1 && seen[0] == 'b', "what he writes later shows");
	ok(read(ends[0], seen, 1) == 1 && seen[0] == 0, "behind it is the rest");
	if (child(&st) == 0) {
		fill(pages, 'c');
		_exit(pages[0] == 'c' ? 0 : 1);
	}
	is(st, 0, "a child writes to the pages");
	is(pages[PAGE], 'a', "its parent does not see it");
	for (size_t left = 3 * PAGE - 2; left > 0;) {
		static char rest[3 * PAGE];
		ssize_t n = read(ends[0], rest, left);
		if (n <= 0 || memchr(rest, 'c', (size_t)n) != NULL) {
			ok(false, "nor the pipe");
			break;
		}
		left -= (size_t)n;
	}
	munmap(pages, PAGES * PAGE);
}

/* What the pipe holds is what there was when the others came to be, or what the giver wrote. */
static void relatives_do_not_see_each_other(void)
{
	char *pages = map_pages(PAGES);
	volatile int *step = shared_ints();
	int st, result;

	fill(pages, 'o');
	if (child(&st) == 0) {
		give(pages, 4 * PAGE, SPLICE_F_GIFT);
		pid_t pid = spawn();
		if (pid == 0) {
			fill(pages, 'g');
			give(pages + 4 * PAGE, 4 * PAGE, 0);
			fill(pages, 'h');
			mprotect(pages, PAGES * PAGE, PROT_NONE);
			_exit(*step);
		}
		result = reap(pid);
		munmap(pages + PAGE, 2 * PAGE);
		_exit(result == 0 && pages[0] == 'o' ? 0 : 1);
	}
	is(st, 0, "a child gives pages, and its child others");
	fill(pages, 's');
	ok(comes(4, 'o'), "the child's are as they were");
	ok(comes(4, 'h'), "the grandchild's as it left them");
	is(pages[3 * PAGE], 's', "and the parent's are his own");
	munmap(pages, PAGES * PAGE);
}

static void pipes_keep_pages_of_the_dead(void)
{
	int other[2], st;
	char *pages = map_pages(PAGES);

	ok(pipe(other) == 0, "another pipe");
	fill(pages, 'd');
	if (child(&st) == 0) {
		give(pages, 6 * PAGE, 0);
		munmap(pages, PAGES * PAGE);
		_exit(0);
	}
	is(st, 0, "a process gives its pages and exits");
	is(tee(ends[0], other[1], 2 * PAGE, 0), 2 * PAGE, "they are copied by tee");
	is(splice(ends[0], NULL, other[1], NULL, 2 * PAGE + 100, 0), 2 * PAGE + 100, "and moved");
	is(fcntl(ends[1], F_SETPIPE_SZ, 128 * 1024), 128 * 1024, "the pipe grows");
	fill(pages, 'e');
	int own[2] = {ends[0], ends[1]};
	ends[0] = other[0];
	ok(comes(4, 'd'), "one pipe has some");
	close(other[0]);
	close(other[1]);
	ends[0] = own[0];
	static char rest[4 * PAGE];
	size_t length = 0;
	while (length < 4 * PAGE - 100) {
		ssize_t n = read(ends[0], rest + length, sizeof(rest) - length);
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	is(length, 4 * PAGE - 100, "the other the rest");
	is(rest[PAGE - 100], 'd', "unchanged");
	munmap(pages, PAGES * PAGE);
}

static void pages_that_were_never_written(void)
{
	char *pages = map_pages(PAGES);

	give(pages, 2 * PAGE, 0);
	ok(comes(2, 0), "are zeros");
	mprotect(pages, PAGE, PROT_READ);
	give(pages, PAGE, 0);
	ok(comes(1, 0), "read-only ones can be given");
	mprotect(pages, PAGE, PROT_NONE);
	struct iovec vector = {pages, PAGE};
	fails(vmsplice(ends[1], &vector, 1, 0), EFAULT, "but none without access");
	munmap(pages, PAGES * PAGE);
}

/* --- All at once --- */

enum { FORKS = 60 };
static char *shared_pages;
static volatile bool stop;
static volatile bool mixed_up;

/* Gives a page, and reads from the pipe what it writes to the page meanwhile. */
static void *give_and_take(void *argument)
{
	int number = (int)(intptr_t)argument, own[2];
	char *page = shared_pages + (size_t)number * PAGE, seen[PAGE];
	struct iovec vector = {page, PAGE};

	if (pipe(own) != 0)
		return (void *)1;
	for (unsigned turn = 1; !stop; turn++) {
		memset(page, (int)turn & 0x7f, 64);
		if (vmsplice(own[1], &vector, 1, 0) != (ssize_t)PAGE)
			mixed_up = true;
		if (read(own[0], seen, PAGE) != (ssize_t)PAGE || memcmp(seen, page, 64) != 0)
			mixed_up = true;
	}
	close(own[0]);
	close(own[1]);
	return NULL;
}

/* Each child's pages are of one moment, and stay. */
static void threads_give_while_their_process_forks(void)
{
	enum { THREADS = 3 };
	pthread_t threads[THREADS];
	bool good = true;

	shared_pages = map_pages(PAGES);
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, give_and_take, (void *)i);
	for (int n = 0; n < FORKS && good; n++) {
		pid_t pid = spawn();
		if (pid == 0) {
			char was[THREADS];
			for (int i = 0; i < THREADS; i++)
				was[i] = shared_pages[(size_t)i * PAGE + 32];
			sched_yield();
			for (int i = 0; i < THREADS; i++) {
				if (shared_pages[(size_t)i * PAGE + 32] != was[i])
					_exit(1);
				memset(shared_pages + (size_t)i * PAGE, 0xff, PAGE);
			}
			_exit(0);
		}
		good = reap(pid) == 0;
	}
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ok(good, "children keep what there was when they were born");
	ok(!mixed_up, "threads get what they gave");
	munmap(shared_pages, PAGES * PAGE);
}

int main(void)
{
	if (pipe(ends) != 0)
		note("no pipe");
	the_giver_goes_on_with_his_pages();
	relatives_do_not_see_each_other();
	pipes_keep_pages_of_the_dead();
	pages_that_were_never_written();
	threads_give_while_their_process_forks();
	return done();
}
