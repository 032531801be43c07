/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that is cut short loses its pages in every mapping, also while the mappings move, are
 * divided, joined, and inherited: whoever looks after the cut sees nothing of what was there
 * before.
 */
#include "abi.h"

#include <setjmp.h>

enum { PAGES = 24, WORKERS = 3, CUTS = 250 };

/* Every word of the file is the number of the cut that it was written after, or 0. */
static struct shared {
	unsigned cuts;
	unsigned over, looked, stale;
} * shared;

static int file;

static sigjmp_buf back;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

/* Where the pages of one mapping are: each at home, or at its other place. */
struct mapping {
	char *home, *other;
	bool away[PAGES];
	bool private;
};

static char *place_of(const struct mapping *mapping, unsigned page)
{
	return (mapping->away[page] ? mapping->other : mapping->home) + page * PAGE;
}

static void look(const struct mapping *mapping, unsigned page)
{
	volatile unsigned *word = (volatile unsigned *)place_of(mapping, page);
	unsigned cuts = __atomic_load_n(&shared->cuts, __ATOMIC_ACQUIRE);

	if (sigsetjmp(back, 1) != 0)
		return;
	unsigned value = *word;
	__atomic_fetch_add(&shared->looked, 1, __ATOMIC_RELAXED);
	if (value != 0 && value < cuts)
		__atomic_fetch_add(&shared->stale, 1, __ATOMIC_RELAXED);
	/* A copy of one's own goes with the page. */
	if (mapping->private)
		word[1] = value;
}

static void look_at_all(const struct mapping *mapping)
{
	for (unsigned page = 0; page < PAGES; page++)
		look(mapping, page);
}

static struct mapping make_mapping(bool private)
{
	struct mapping mapping = {.private = private};

	mapping.home = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			    private ? MAP_PRIVATE : MAP_SHARED, file, 0);
	mapping.other = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mapping;
}

static void move(struct mapping *mapping, unsigned page)
{
	char *from = place_of(mapping, page);

	mapping->away[page] = !mapping->away[page];
	if (mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place_of(mapping, page)) ==
	    MAP_FAILED)
		_exit(1);
}

static void change(struct mapping *mapping, unsigned random)
{
	unsigned page = random / 8 % PAGES;
	char *place = place_of(mapping, page);
	pid_t pid;

	switch (random % 8) {
	case 0:
	case 1:
	case 2:
		move(mapping, page);
		break;
	case 3:
		mprotect(place, PAGE, PROT_READ);
		look(mapping, page == 0 ? 1 : page - 1);
		mprotect(place, PAGE, PROT_READ | PROT_WRITE);
		break;
	case 4:
		if (mmap(place, PAGE, PROT_READ | PROT_WRITE,
			 MAP_FIXED | (mapping->private ? MAP_PRIVATE : MAP_SHARED), file,
			 page * PAGE) == MAP_FAILED)
			_exit(1);
		break;
	case 5:
		if (random / 1024 % 4 != 0)
			break;
		pid = fork();
		if (pid == 0) {
			move(mapping, page);
			look_at_all(mapping);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		break;
	default:
		look_at_all(mapping);
	}
}

static void work(struct mapping *mappings, unsigned seed)
{
	alarm(60);
	for (unsigned i = 0; !__atomic_load_n(&shared->over, __ATOMIC_ACQUIRE); i++) {
		seed = seed * 1664525 + 1013904223;
		change(&mappings[i % 2], seed >> 8);
	}
	_exit(0);
}

static void cut(unsigned number)
{
	ftruncate(file, 0);
	__atomic_store_n(&shared->cuts, number, __ATOMIC_RELEASE);
	ftruncate(file, PAGES * PAGE);
	for (unsigned page = 0; page < PAGES; page++)
		pwrite(file, &number, sizeof(number), (off_t)(page * PAGE));
	if (number % 16 == 0)
		sched_yield();
}

static void nothing_is_left_of_what_was_cut_off(int the_file, const char *what)
{
	pid_t workers[WORKERS];
	bool fine = true;

	file = the_file;
	memset(shared, 0, sizeof(*shared));
	cut(1);
	/* Inherited, so that they all begin with the same mappings. */
	struct mapping mappings[2] = {make_mapping(false), make_mapping(true)};
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (workers[i] == 0)
			work(mappings, i + 1);
	}
	for (unsigned number = 2; number < CUTS; number++) {
		cut(number);
		/* Let them look. */
		unsigned looked = __atomic_load_n(&shared->looked, __ATOMIC_RELAXED);
		for (int tries = 0;
		     tries < 100 && __atomic_load_n(&shared->looked, __ATOMIC_RELAXED) == looked;
		     tries++)
			sched_yield();
	}
	__atomic_store_n(&shared->over, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < WORKERS; i++) {
		int st = -1;
		waitpid(workers[i], &st, 0);
		fine = fine && st == EXITED(0);
	}
	ok(fine, "%s: the workers end well", what);
	ok(shared->looked > CUTS, "%s: pages were looked at", what);
	is(shared->stale, 0, "%s: nothing of an earlier time was seen", what);
	for (int i = 0; i < 2; i++) {
		munmap(mappings[i].home, PAGES * PAGE);
		munmap(mappings[i].other, PAGES * PAGE);
	}
	close(file);
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_bus};

	scratch();
	sigaction(SIGBUS, &action, NULL);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	nothing_is_left_of_what_was_cut_off(open("cut", O_RDWR | O_CREAT, 0600), "a file");
	nothing_is_left_of_what_was_cut_off(memfd_create("cut", 0), "a file in memory");
	return done();
}
