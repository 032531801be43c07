/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills a file, or a disk, that has more pages than the machine has memory for, and looks whether
 * all of them are still there.  Every other page is written through a shared mapping and read with
 * read(2), and the others the other way round.  The arguments are the file and the size in MiB.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, RANDOM_WORDS = WORDS / 2 };

static uint64_t word_of(size_t page, size_t index)
{
	uint64_t x = (page * WORDS + index + 7) * 0x9e3779b97f4a7c15;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	return index < RANDOM_WORDS ? x ^ x >> 32 : page;
}

static void fill(uint64_t *words, size_t page)
{
	for (size_t i = 0; i < WORDS; i++)
		words[i] = word_of(page, i);
}

static size_t damaged(const uint64_t *words, size_t page)
{
	size_t count = 0;

	for (size_t i = 0; i < WORDS; i += 37)
		count += words[i] != word_of(page, i);
	return count;
}

int main(int argc, char **argv)
{
	size_t pages = argc > 2 ? strtoul(argv[2], NULL, 10) * 256 : 0, count = 0;
	int fd = argc > 1 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
	static uint64_t buffer[WORDS];
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) != 0 ||
	    (S_ISREG(stat.st_mode) && ftruncate(fd, (off_t)pages * PAGE) != 0)) {
		perror("open");
		return 1;
	}
	uint64_t *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (size_t page = 0; page < pages; page++) {
		fill(page % 2 == 0 ? &memory[page * WORDS] : buffer, page);
		if (page % 2 != 0 && pwrite(fd, buffer, PAGE, (off_t)page * PAGE) != PAGE) {
			perror("pwrite");
			return 1;
		}
	}
	printf("pressure: filled %zu pages\n", pages);
	fflush(stdout);
	for (size_t page = 0; page < pages; page++) {
		if (page % 2 == 0 && pread(fd, buffer, PAGE, (off_t)page * PAGE) != PAGE) {
			perror("pread");
			return 1;
		}
		count += damaged(page % 2 == 0 ? buffer : &memory[page * WORDS], page);
	}
	printf("pressure: %zu words damaged\n", count);
	return 0;
}
