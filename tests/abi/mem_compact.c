/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages move to other frames while programs use them: by compaction, and by move_pages(2) and its
 * kin. Nobody notices, but for the free blocks that there are afterwards.
 */
#include "abi.h"
#include <pthread.h>

enum { THREADS = 3, PAGES = 12288, KEPT = 8, ROUNDS = 4, GROUP_ORDER = 9 };
enum { MOVE = 2 };

static char *memory;
static volatile bool stop;
static long lost;

/* Every page that is kept has a counter for each thread, all of which a thread raises by one. */
static volatile long *counter(int page, long thread)
{
	return (volatile long *)(memory + (size_t)page * PAGE) + 8 + thread;
}

static void *count(void *argument)
{
	long thread = (long)argument, n = 0;

	for (; !stop; n++) {
		for (int page = 0; page < PAGES; page += KEPT) {
			if (*counter(page, thread) != n)
				__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
			*counter(page, thread) = n + 1;
		}
	}
	return (void *)n;
}

/* Free blocks of 2 MiB and more, in units of 2 MiB. */
static long free_groups(void)
{
	FILE *file = fopen("/proc/buddyinfo", "r");
	char line[512];
	long groups = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		char *at = strstr(line, "zone"), *end;
		if (at == NULL)
			continue;
		at += strcspn(at + 5, "0123456789") + 5;
		/* The name of a zone may have digits. */
		while (at > line && at[-1] != ' ')
			at += strcspn(at, " ") + strspn(at + strcspn(at, " "), " ");
		for (int order = 0;; order++, at = end) {
			long blocks = strtol(at, &end, 10);
			if (end == at)
				break;
			if (order >= GROUP_ORDER)
				groups += blocks << (order - GROUP_ORDER);
		}
	}
	if (file != NULL)
		fclose(file);
	return groups;
}

static bool compact(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);
	bool done = fd >= 0 && write(fd, "1", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

static void fill_and_scatter(void)
{
	memory = map_pages(PAGES);
	madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE);
	for (int page = 0; page < PAGES; page++)
		memset(memory + page * PAGE, page % KEPT == 0 ? 0 : 0xee, PAGE);
	for (int page = 0; page < PAGES; page += KEPT) {
		memset(memory + page * PAGE + PAGE / 2, page / KEPT % 251, PAGE / 2);
		madvise(memory + (page + 1) * PAGE, (KEPT - 1) * PAGE, MADV_DONTNEED);
	}
}

static bool halves_are_right(void)
{
	for (int page = 0; page < PAGES; page += KEPT)
		for (size_t i = PAGE / 2; i < PAGE; i += 61)
			if ((unsigned char)memory[page * PAGE + i] != page / KEPT % 251)
				return false;
	return true;
}

static void compaction(void)
{
	pthread_t threads[THREADS];
	long turns[THREADS];
	bool ours = access("/proc/cow", F_OK) == 0, right = true;

	fill_and_scatter();
	long before = free_groups();
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count, (void *)i);
	if (!compact()) {
		skip(2, "memory cannot be compacted by hand here");
	} else {
		for (int i = 1; i < ROUNDS; i++)
			right = compact() && right;
		ok(right, "compaction while threads write");
		long after = free_groups();
		if (ours)
			ok(after >= before + PAGES / 512 / 2, "%ld free blocks were %ld", after,
			   before);
		else
			skip(1, "how much it frees is this kernel's business");
	}
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], (void **)&turns[i]);
	is(lost, 0, "no write is lost");
	for (int page = 0; page < PAGES; page += KEPT)
		for (int i = 0; i < THREADS; i++)
			right = right && *counter(page, i) == turns[i];
	ok(right, "all counters are where they should be");
	ok(halves_are_right(), "what nobody wrote is as before");
	munmap(memory, PAGES * PAGE);
}

/* A child's copies of pages that move stay its own. */
static void compaction_and_fork(void)
{
	int status;

	fill_and_scatter();
	pid_t pid = child(&status);
	if (pid == 0) {
		bool right = compact() || true;
		for (int page = 0; page < PAGES; page += 2 * KEPT)
			memory[page * PAGE] = 7;
		right = (compact() || true) && halves_are_right();
		for (int page = 0; page < PAGES; page += KEPT)
			right = right && memory[page * PAGE] == (page / KEPT % 2 == 0 ? 7 : 0);
		_exit(right ? 0 : 1);
	}
	is(status, EXITED(0), "a child sees its memory");
	bool right = halves_are_right();
	for (int page = 0; page < PAGES; page += KEPT)
		right = right && memory[page * PAGE] == 0;
	ok(right, "and its parent another");
	munmap(memory, PAGES * PAGE);
}

static void settings(void)
{
	char text[16] = "";
	int fd = open("/proc/sys/vm/compaction_proactiveness", O_RDWR);

	if (fd < 0) {
		skip(3, "no settings of compaction for us");
		return;
	}
	bool right = read(fd, text, sizeof(text) - 1) > 0;
	ok(right && atoi(text) >= 0 && atoi(text) <= 100, "proactiveness is %d", atoi(text));
	if (write(fd, "101", 3) == 3)
		skip(1, "a kernel that takes any number");
	else
		is(errno, EINVAL, "not more than 100");
	close(fd);
	fd = open("/proc/sys/vm/extfrag_threshold", O_RDWR);
	right = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0;
	ok(right && atoi(text) <= 1000, "the threshold of fragmentation is %d", atoi(text));
	close(fd);
}

static long number_in(const char *path, const char *name)
{
	FILE *file = fopen(path, "r");
	char line[256];
	long value = -1;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = atol(line + strlen(name));
	if (file != NULL)
		fclose(file);
	return value;
}

/* Most of free memory is scattered, and what is left of large blocks gets used up: then others
 * become free by themselves. */
static void by_itself(void)
{
	enum { WANTED = 8, SECONDS = 30 };
	const size_t huge = 512 * PAGE;
	long pages = number_in("/proc/meminfo", "MemFree:") / 4 * 3 / 4;

	if (access("/proc/cow", F_OK) != 0) {
		skip(2, "a kernel that decides otherwise");
		return;
	}
	char *p = map_pages((size_t)pages);
	madvise(p, (size_t)pages * PAGE, MADV_NOHUGEPAGE);
	for (long i = 0; i < pages; i++)
		p[(size_t)i * PAGE] = (char)i;
	for (long i = 0; i + KEPT < pages; i += KEPT)
		madvise(p + (size_t)(i + 1) * PAGE, (KEPT - 1) * PAGE, MADV_DONTNEED);
	size_t size = ((size_t)free_groups() + 1) * huge;
	char *q = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(q, size, MADV_HUGEPAGE);
	for (size_t at = 0; at < size; at += PAGE)
		q[at] = 1;
	for (int i = 0; i < SECONDS * 10 && free_groups() < WANTED; i++)
		usleep(100000);
	ok(free_groups() >= WANTED, "%ld blocks of 2 MiB are free", free_groups());
	bool right = true;
	for (long i = 0; i + KEPT < pages; i++)
		right = right && p[(size_t)i * PAGE] == (i % KEPT == 0 ? (char)i : 0);
	ok(right, "all pages are as before");
	munmap(q, size);
	munmap(p, (size_t)pages * PAGE);
}

/* With one node pages are where they should be; with two they go there and back. */
static void moving(void)
{
	bool two = access("/sys/devices/system/node/node1", F_OK) == 0;
	char *p = map_pages(64);
	void *pages[64];
	int nodes[64], where[64];
	long result = 0;
	bool right = true;

	for (int i = 0; i < 64; i++) {
		p[i * PAGE] = (char)i;
		pages[i] = p + i * PAGE;
	}
	for (int turn = 0; turn < 4; turn++) {
		for (int i = 0; i < 64; i++)
			nodes[i] = two ? (i + turn) % 2 : 0;
		result |= syscall(SYS_move_pages, 0, 64UL, pages, nodes, where, MOVE);
		right = right && memcmp(nodes, where, sizeof(nodes)) == 0;
		for (int i = 0; i < 64; i++)
			right = right && p[i * PAGE] == i;
	}
	if (result == -1 && errno == ENOSYS) {
		skip(4, "no nodes");
		return;
	}
	is(result, 0, "move_pages");
	ok(right, "pages are on the nodes where they should be, as they were");
	unsigned long all = two ? 3 : 1, last = two ? 2 : 1;
	is(syscall(SYS_migrate_pages, 0, 64UL, &all, &last), 0, "migrate_pages");
	is(syscall(SYS_move_pages, 0, 64UL, pages, NULL, where, 0), 0, "asks where they are");
	for (int i = 0; i < 64; i++)
		right = right && where[i] == two && p[i * PAGE] == i;
	ok(right, "all on the last node");
	if (two) {
		unsigned long first = 1;
		is(syscall(SYS_mbind, p, 64 * PAGE, 2L, &first, 64UL, 0), 0, "bound elsewhere");
		fails(syscall(SYS_mbind, p, 64 * PAGE, 2L, &first, 64UL, 1), EIO, "they stay");
		is(syscall(SYS_mbind, p, 64 * PAGE, 2L, &first, 64UL, 1 | MOVE), 0, "and move");
		syscall(SYS_move_pages, 0, 64UL, pages, NULL, where, 0);
		for (int i = 0; i < 64; i++)
			right = right && where[i] == 0 && p[i * PAGE] == i;
		ok(right, "to the first");
	}
	munmap(p, 64 * PAGE);
}

int main(void)
{
	compaction();
	compaction_and_fork();
	settings();
	by_itself();
	moving();
	return done();
}
