/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * userfaultfd and changes of memory: fork, mremap, munmap and pages that are dropped, with the
 * messages about them and without; many threads that fault while the program forks.
 */
#include "userfault.h"

/* --- Somebody who changes memory, and so may have to wait --- */

struct changer {
	pthread_t thread;
	char *at;
	volatile int finished;
	void *result;
};

static void *changer_unmaps(void *argument)
{
	struct changer *changer = argument;

	changer->result = (void *)(long)munmap(changer->at, 2 * PAGE);
	changer->finished = 1;
	return NULL;
}

static void *changer_drops(void *argument)
{
	struct changer *changer = argument;

	changer->result = (void *)(long)madvise(changer->at, PAGE, MADV_DONTNEED);
	changer->finished = 1;
	return NULL;
}

static void *changer_moves(void *argument)
{
	struct changer *changer = argument;
	char *place = map_pages(8);

	changer->result =
		mremap(changer->at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	changer->finished = 1;
	return NULL;
}

static void start_change(struct changer *changer, void *(*how)(void *), char *at)
{
	*changer = (struct changer){.at = at};
	pthread_create(&changer->thread, NULL, how, changer);
}

static void unmapping_is_told(void)
{
	int fd = ready_fd(UFFD_FEATURE_EVENT_UNMAP);
	char *pages = map_pages(4), *source = map_pages(1);
	struct changer changer;
	struct uffd_msg got;

	enroll(fd, pages, 4 * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	start_change(&changer, changer_unmaps, pages + PAGE);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	poll(&p, 1, 5000);
	sleep_ms(10);
	ok(!changer.finished, "munmap waits until it is read of");
	is(bring(fd, pages, source, PAGE, 0), -EAGAIN, "nothing can be brought meanwhile");
	ok(message(fd, &got) && got.event == UFFD_EVENT_UNMAP, "munmap is a message");
	ok(got.arg.remove.start == (unsigned long)pages + PAGE &&
		   got.arg.remove.end == (unsigned long)pages + 3 * PAGE,
	   "with its range");
	pthread_join(changer.thread, NULL);
	is((long)changer.result, 0, "it succeeds");
	is(bring(fd, pages, source, PAGE, 0), PAGE, "and pages can be brought again");
	munmap(source, PAGE);
	close(fd);
	munmap(pages, PAGE);
	munmap(pages + 3 * PAGE, PAGE);
}

static void dropping_is_told(void)
{
	int fd = ready_fd(UFFD_FEATURE_EVENT_REMOVE);
	char *pages = map_pages(4);
	struct changer changer;
	struct uffd_msg got;

	pages[0] = 'a';
	enroll(fd, pages, 4 * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	start_change(&changer, changer_drops, pages);
	ok(message(fd, &got) && got.event == UFFD_EVENT_REMOVE, "MADV_DONTNEED is a message");
	ok(got.arg.remove.start == (unsigned long)pages &&
		   got.arg.remove.end == (unsigned long)pages + PAGE,
	   "with its range");
	pthread_join(changer.thread, NULL);
	munmap(pages, 4 * PAGE);
	ok(is_quiet(fd), "munmap is none where nobody asked for it");
	close(fd);
}

static void moving(void)
{
	int fd = ready_fd(UFFD_FEATURE_EVENT_REMAP);
	char *pages = map_pages(4), *source = map_pages(1);
	struct changer changer;
	struct toucher toucher;
	struct uffd_msg got;

	memset(source, 's', PAGE);
	enroll(fd, pages, 2 * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	bring(fd, pages, source, PAGE, 0);
	start_change(&changer, changer_moves, pages);
	ok(message(fd, &got) && got.event == UFFD_EVENT_REMAP, "mremap is a message");
	pthread_join(changer.thread, NULL);
	char *moved = changer.result;
	ok(got.arg.remap.from == (unsigned long)pages && got.arg.remap.to == (unsigned long)moved &&
		   got.arg.remap.len == 2 * PAGE,
	   "from where, where to, how much");
	is(moved[0], 's', "what was there is there");
	begin(&toucher, moved + PAGE, false);
	ok(message(fd, &got) && got.arg.pagefault.address == (unsigned long)moved + PAGE,
	   "the registration moved, too");
	bring(fd, moved + PAGE, source, PAGE, 0);
	is(end(&toucher), 's', "and serves");
	close(fd);
	munmap(moved, 2 * PAGE);

	fd = ready_fd(0);
	pages = map_pages(2);
	enroll(fd, pages, 2 * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	moved = mremap(pages, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map_pages(8));
	is(moved[PAGE], 0, "without the feature it does not");
	ok(is_quiet(fd), "nobody is asked");
	close(fd);
	munmap(moved, 2 * PAGE);
	munmap(source, PAGE);
}

/* --- fork --- */

static void children_are_not_registered(void)
{
	int fd = ready_fd(0), status;
	const size_t count = 600;
	char *pages = map_pages(count), *source = map_pages(1);
	struct toucher toucher;
	struct uffd_msg got;

	memset(source, 's', PAGE);
	memset(pages, 'a', 2 * PAGE);
	enroll(fd, pages, count * PAGE, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
	protect(fd, pages, PAGE, true);
	if (child(&status) == 0) {
		pages[0] = 'c';
		bool fresh = pages[5 * PAGE] == 0 && pages[599 * PAGE] == 0;
		pages[6 * PAGE] = 'c';
		/* And a child of the child's. */
		pid_t pid = fork();
		if (pid == 0)
			_exit(pages[6 * PAGE] == 'c' && pages[7 * PAGE] == 0 ? 0 : 1);
		int inner = -1;
		waitpid(pid, &inner, 0);
		_exit(fresh && pages[0] == 'c' && inner == 0 ? 0 : 1);
	}
	is(status, EXITED(0), "a child gets its pages without anybody being asked");
	ok(is_quiet(fd), "nobody is");
	is(pages[0], 'a', "what it wrote is its own");
	begin(&toucher, pages + 5 * PAGE, false);
	ok(message(fd, &got) && got.arg.pagefault.address == (unsigned long)pages + 5 * PAGE,
	   "what the child read is still missing here");
	bring(fd, pages + 5 * PAGE, source, PAGE, 0);
	is(end(&toucher), 's', "until it is brought");
	begin(&toucher, pages, true);
	ok(message(fd, &got) && (got.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP),
	   "and what was protected still is");
	protect(fd, pages, PAGE, false);
	is(end(&toucher), 'w', "until it may be written");
	if (child(&status) == 0) {
		int own = ready_fd(0);
		if (enroll(own, pages, count * PAGE, UFFDIO_REGISTER_MODE_MISSING) != 0)
			_exit(1);
		begin(&toucher, pages + 8 * PAGE, false);
		bool asked = message(own, &got);
		bring(own, pages + 8 * PAGE, source, PAGE, 0);
		_exit(asked && end(&toucher) == 's' ? 0 : 2);
	}
	is(status, EXITED(0), "a child may register for itself");
	ok(is_quiet(fd), "with nothing to do with its parent");
	close(fd);
	munmap(pages, count * PAGE);
	munmap(source, PAGE);
}

static int pipe_of_child[2];

/* The child writes what it finds to a pipe. */
static void *forks(void *argument)
{
	struct changer *changer = argument;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(10);
		char found = changer->at[PAGE];
		changer->at[0] = 'c';
		_exit(write(pipe_of_child[1], &found, 1) == 1 ? 0 : 1);
	}
	changer->result = (void *)(long)pid;
	changer->finished = 1;
	return NULL;
}

static void children_are_told(void)
{
	int fd = ready_fd(UFFD_FEATURE_EVENT_FORK), status;
	char *pages = map_pages(4), *source = map_pages(1), found = 0;
	struct changer changer;
	struct uffd_msg got;

	memset(source, 's', PAGE);
	pages[0] = 'a';
	ok(pipe(pipe_of_child) == 0, "pipe");
	enroll(fd, pages, 4 * PAGE, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
	protect(fd, pages, PAGE, true);
	start_change(&changer, forks, pages);
	ok(message(fd, &got) && got.event == UFFD_EVENT_FORK, "fork is a message");
	int theirs = (int)got.arg.fork.ufd;
	ok(fcntl(theirs, F_GETFD) >= 0, "with a descriptor for the child");
	ok(fcntl(theirs, F_GETFL) & O_NONBLOCK, "that is like the parent's");
	pthread_join(changer.thread, NULL);
	ok(message(theirs, &got) && got.event == UFFD_EVENT_PAGEFAULT &&
		   got.arg.pagefault.address == (unsigned long)pages + PAGE,
	   "the child's faults come there");
	is(bring(theirs, pages + PAGE, source, PAGE, 0), PAGE, "and are served there");
	ok(message(theirs, &got) && (got.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP),
	   "its writes, too");
	is(protect(theirs, pages, PAGE, false), 0, "and permitted");
	ok(read(pipe_of_child[0], &found, 1) == 1 && found == 's', "it found what was brought");
	status = reap((pid_t)(long)changer.result);
	is(status, EXITED(0), "and ended");
	ok(is_quiet(fd) && pages[0] == 'a', "the parent saw none of it");
	is(bring(theirs, pages, source, PAGE, 0), -ESRCH, "its memory is gone");
	close(theirs);
	close(fd);
	munmap(pages, 4 * PAGE);
	munmap(source, PAGE);
}

/* --- All at once --- */

enum { THREADS = 4, ROUND_PAGES = 256 };

static char *arena;
static volatile int serving;
static volatile unsigned long served;
static volatile long refused; /* what a request was refused with, last */

/* Whoever waits for a page faults again. */
static void wake(int fd, unsigned long at)
{
	struct uffdio_range range = {.start = at, .len = PAGE};

	ioctl(fd, UFFDIO_WAKE, &range);
}

static void *serve(void *argument)
{
	int fd = *(int *)argument;
	char *page = map_pages(1);

	while (serving) {
		struct uffd_msg got;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, 10) != 1 || read(fd, &got, sizeof(got)) != sizeof(got))
			continue;
		unsigned long at = got.arg.pagefault.address;
		if (got.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) {
			long result = protect(fd, (void *)at, PAGE, false);
			if (result != 0) {
				refused = result;
				wake(fd, at);
			}
			continue;
		}
		*(unsigned long *)page = at;
		long result = bring(fd, (void *)at, page, PAGE, UFFDIO_COPY_MODE_WP);
		if (result != PAGE) {
			if (result != -EEXIST)
				refused = result;
			wake(fd, at);
		}
		served++;
	}
	munmap(page, PAGE);
	return NULL;
}

/* Each thread counts in a word of its own on every page. */
static void *count_up(void *argument)
{
	unsigned long which = (unsigned long)argument, wrong = 0;

	for (int i = 0; i < ROUND_PAGES; i++) {
		volatile unsigned long *page = (volatile unsigned long *)(arena + i * PAGE);
		wrong += page[0] != (unsigned long)page;
		page[1 + which]++;
		wrong += page[1 + which] != 1;
	}
	return (void *)wrong;
}

static void many_threads_and_forks(void)
{
	int fd = ready_fd(0), status;
	pthread_t threads[THREADS], server;
	unsigned long wrong = 0, lost = 0;

	serving = 1;
	pthread_create(&server, NULL, serve, &fd);
	for (int round = 0; round < 4; round++) {
		arena = map_pages(ROUND_PAGES);
		enroll(fd, arena, ROUND_PAGES * PAGE,
		       UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
		for (unsigned long i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, count_up, (void *)i);
		for (int i = 0; i < 6; i++) {
			pid_t pid = spawn();
			if (pid == 0) {
				for (int at = 0; at < ROUND_PAGES; at++)
					arena[at * PAGE + 100] = 'c';
				_exit(0);
			}
			status = reap(pid);
			lost += status != 0;
		}
		for (int i = 0; i < THREADS; i++) {
			void *result;
			pthread_join(threads[i], &result);
			wrong += (unsigned long)result;
		}
		for (int i = 0; i < ROUND_PAGES; i++)
			lost += arena[i * PAGE + 100] != 0;
		munmap(arena, ROUND_PAGES * PAGE);
	}
	serving = 0;
	pthread_join(server, NULL);
	is(wrong, 0, "every page is as it was brought, every write is made once");
	is(lost, 0, "and nothing of a child's is seen");
	is(refused, 0, "no page was refused");
	ok(served >= 4 * ROUND_PAGES, "all of them were brought");
	close(fd);
}

int main(void)
{
	unmapping_is_told();
	dropping_is_told();
	moving();
	children_are_not_registered();
	children_are_told();
	many_threads_and_forks();
	return done();
}
