/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory that leaves memory: shared anonymous mappings, memfd, files of tmpfs and SysV
 * segments, sent out by madvise(MADV_PAGEOUT), under everything that may happen to them meanwhile.
 * Where there is no swap space they stay; what they contain is the same either way.
 */
#include <pthread.h>
#include <sys/shm.h>
#include <sys/utsname.h>

#include "abi.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { PAGES = 48 };
#define SIZE (PAGES * PAGE)

static bool swaps; /* pages can leave: this is no Linux without swap areas */

static long meminfo_kb(const char *name)
{
	static char text[8192];

	if (get_file("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	char *line = strstr(text, name);
	return line != NULL ? atol(line + strlen(name)) : -1;
}

static unsigned char byte_of(size_t page, size_t at, int salt)
{
	return (unsigned char)(page * 7 + at * 13 + at / 256 + (size_t)salt);
}

static void fill(unsigned char *memory, int salt)
{
	for (size_t page = 0; page < PAGES; page++)
		for (size_t at = 0; at < PAGE; at++)
			memory[page * PAGE + at] = byte_of(page, at, salt);
}

static size_t wrong(const unsigned char *memory, int salt)
{
	size_t count = 0;

	for (size_t page = 0; page < PAGES; page++)
		for (size_t at = 0; at < PAGE; at++)
			count += memory[page * PAGE + at] != byte_of(page, at, salt);
	return count;
}

static int out(void *memory)
{
	return madvise(memory, SIZE, MADV_PAGEOUT);
}

static long resident(void *memory)
{
	unsigned char map[PAGES];
	long count = 0;

	if (mincore(memory, SIZE, map) != 0)
		return -1;
	for (size_t i = 0; i < PAGES; i++)
		count += map[i] & 1;
	return count;
}

static unsigned char *map_file(int fd)
{
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0),
		    fd, 0);
}

static void anonymous(void)
{
	unsigned char *memory = map_file(-1);
	int status;

	fill(memory, 1);
	is(resident(memory), PAGES, "written pages are resident");
	is(out(memory), 0, "MADV_PAGEOUT of shared memory");
	if (swaps)
		is(resident(memory), 0, "then none is");
	else
		skip(1, "no swap area");
	is(wrong(memory, 1), 0, "the bytes come back");
	is(resident(memory), PAGES, "and the pages");
	out(memory);
	if (child(&status) == 0) {
		is(wrong(memory, 1), 0, "a child finds them");
		fill(memory, 2);
		out(memory);
		_exit(0);
	}
	is(status, EXITED(0), "the child ends");
	is(wrong(memory, 2), 0, "what it wrote is the parent's");
	out(memory);
	is(madvise(memory, SIZE, MADV_DONTNEED), 0, "MADV_DONTNEED");
	is(wrong(memory, 2), 0, "forgets nothing that is shared");
	out(memory);
	is(madvise(memory + 3 * PAGE, 2 * PAGE, MADV_REMOVE), 0, "MADV_REMOVE of pages outside");
	is(memory[3 * PAGE] | memory[5 * PAGE - 1], 0, "leaves zeros");
	is(memory[2 * PAGE], byte_of(2, 0, 2), "but for the one before");
	is(memory[5 * PAGE], byte_of(5, 0, 2), "and the one behind");
	munmap(memory, SIZE);
}

/* A file of tmpfs, with or without a name. */
static void file(int fd, const char *what)
{
	static unsigned char buffer[SIZE];
	struct stat stat;
	int pipes[2];

	ok(fd >= 0, "%s", what);
	is(ftruncate(fd, SIZE + 4 * PAGE), 0, "ftruncate");
	unsigned char *memory = map_file(fd);
	fill(memory, 3);
	is(out(memory), 0, "MADV_PAGEOUT");
	fstat(fd, &stat);
	is(stat.st_blocks, SIZE / 512, "the blocks of pages outside count");
	is(lseek(fd, 0, SEEK_HOLE), SIZE, "they are no holes");
	is(lseek(fd, PAGE, SEEK_DATA), PAGE, "but data");
	is(pread(fd, buffer, SIZE, 0), SIZE, "read");
	is(wrong(buffer, 3), 0, "has the bytes");
	out(memory);
	is(pwrite(fd, "xyz", 3, 4 * PAGE + 7), 3, "a write to a part of one page");
	out(memory);
	is(memory[4 * PAGE + 6], byte_of(4, 6, 3), "leaves what is in front");
	is(memcmp(memory + 4 * PAGE + 7, "xyz", 3), 0, "changes that");
	is(memory[4 * PAGE + 10], byte_of(4, 10, 3), "and leaves the rest");
	fill(memory, 4);
	out(memory);
	pipe(pipes);
	loff_t from = 2 * PAGE;
	is(splice(fd, &from, pipes[1], NULL, PAGE, 0), PAGE, "splice of a page outside");
	is(read(pipes[0], buffer, PAGE), PAGE, "into a pipe");
	is(buffer[77], byte_of(2, 77, 4), "brings the bytes");
	out(memory);
	is(ftruncate(fd, 5 * PAGE + 100), 0, "ftruncate within pages outside");
	is(ftruncate(fd, SIZE), 0, "and back");
	is(memory[5 * PAGE + 99], byte_of(5, 99, 4), "what was kept stays");
	is(memory[5 * PAGE + 100] | memory[6 * PAGE], 0, "what was cut off is zeros");
	fstat(fd, &stat);
	ok(stat.st_blocks <= (long)(7 * PAGE / 512), "and takes no room");
	fill(memory, 5);
	out(memory);
	is(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8 * PAGE, 2 * PAGE), 0,
	   "a hole in pages outside");
	is(memory[8 * PAGE] | memory[10 * PAGE - 1], 0, "has zeros");
	is(memory[10 * PAGE], byte_of(10, 0, 5), "the rest does not");
	out(memory);
	munmap(memory, SIZE);
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

static void segment(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
	struct shm_info before, after;

	ok(id >= 0, "shmget");
	unsigned char *memory = shmat(id, NULL, 0);
	fill(memory, 6);
	shmctl(0, SHM_INFO, (struct shmid_ds *)&before);
	is(out(memory), 0, "MADV_PAGEOUT of a segment");
	shmctl(0, SHM_INFO, (struct shmid_ds *)&after);
	if (swaps)
		is(after.shm_swp - before.shm_swp, PAGES, "SHM_INFO tells");
	else
		skip(1, "no swap area");
	is(wrong(memory, 6), 0, "the bytes come back");
	is(shmctl(id, SHM_LOCK, NULL), 0, "SHM_LOCK");
	out(memory);
	is(resident(memory), PAGES, "a locked segment stays");
	is(shmctl(id, SHM_UNLOCK, NULL), 0, "SHM_UNLOCK");
	out(memory);
	is(wrong(memory, 6), 0, "the bytes are there");
	is(shmctl(id, IPC_RMID, NULL), 0, "IPC_RMID");
	out(memory);
	shmdt(memory);
}

/* --- Races --- */

enum { WRITERS = 3, RACE_MS = 1500 };

static unsigned char *shared;
static int shared_fd;
static volatile bool stop;
static unsigned totals[WRITERS];

/* Each has a word of each page, and goes through a mapping, write and read, in turns. */
static void *count_up(void *argument)
{
	size_t self = (size_t)argument;

	for (unsigned round = 1; !stop; round++) {
		for (size_t page = 0; page < PAGES; page++) {
			off_t at = (off_t)(page * PAGE + self * 64);
			volatile unsigned *word = (unsigned *)(shared + at);
			unsigned value = *word, read = 0;
			if (pread(shared_fd, &read, sizeof(read), at) != sizeof(read) ||
			    value != round - 1 || read != round - 1) {
				totals[self] = ~0u;
				return NULL;
			}
			if ((page + round) % 3 == 0)
				*word = round;
			else if (pwrite(shared_fd, &round, sizeof(round), at) != sizeof(round))
				return NULL;
		}
		totals[self] = round;
	}
	return NULL;
}

static void *send_out(void *argument)
{
	(void)argument;
	while (!stop)
		out(shared);
	return NULL;
}

/* Punches and cuts off beyond what the others have. */
static void *cut(void *argument)
{
	static unsigned char block[PAGE * 2];
	size_t bad = 0;

	while (!stop) {
		if (pwrite(shared_fd, block, sizeof(block), SIZE) != sizeof(block))
			bad++;
		out(shared);
		if (ftruncate(shared_fd, SIZE) != 0)
			bad++;
	}
	*(size_t *)argument = bad;
	return NULL;
}

static void races(void)
{
	pthread_t writers[WRITERS], senders[2], cutter;
	size_t lost = 0, bad = 0;

	shared_fd = memfd_create("races", 0);
	is(ftruncate(shared_fd, SIZE), 0, "a file for races");
	shared = map_file(shared_fd);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_create(&writers[i], NULL, count_up, (void *)i);
	for (size_t i = 0; i < ARRAY_LEN(senders); i++)
		pthread_create(&senders[i], NULL, send_out, NULL);
	pthread_create(&cutter, NULL, cut, &bad);
	for (long end = now_ms() + RACE_MS; now_ms() < end;)
		usleep(10000);
	stop = true;
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(senders); i++)
		pthread_join(senders[i], NULL);
	pthread_join(cutter, NULL);
	for (size_t i = 0; i < WRITERS; i++) {
		lost += totals[i] == ~0u || totals[i] == 0;
		for (size_t page = 0; page < PAGES; page++)
			lost += *(unsigned *)(shared + page * PAGE + i * 64) != totals[i];
	}
	is(lost, 0, "no write is lost while pages are sent out");
	is(bad, 0, "nor does cutting fail");
	munmap(shared, SIZE);
	close(shared_fd);
}

int main(void)
{
	struct utsname name;

	uname(&name);
	swaps = strstr(name.version, "Cowslip") != NULL || meminfo_kb("SwapTotal:") > 0;
	long before = meminfo_kb("Shmem:");
	ok(before >= 0, "Shmem in /proc/meminfo");
	anonymous();
	file(memfd_create("swapped", 0), "memfd_create");
	file(open("/tmp/swapped", O_RDWR | O_CREAT | O_TRUNC, 0600), "a file of tmpfs");
	unlink("/tmp/swapped");
	segment();
	races();
	return done();
}
