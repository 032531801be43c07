/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills more memory than the machine has, with bytes of which about half are random, and looks
 * whether all of them are still there; a child that shares the memory looks, too.  The argument is
 * the size in MiB.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, RANDOM_WORDS = WORDS / 2 };

static uint64_t word_of(size_t page, size_t index)
{
	uint64_t x = (page * WORDS + index + 1) * 0x9e3779b97f4a7c15;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	return index < RANDOM_WORDS ? x ^ x >> 32 : page;
}

static size_t damaged(const uint64_t *memory, size_t pages)
{
	size_t count = 0;

	for (size_t page = 0; page < pages; page++)
		for (size_t i = 0; i < WORDS; i += 37)
			count += memory[page * WORDS + i] != word_of(page, i);
	return count;
}

int main(int argc, char **argv)
{
	size_t pages = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) * 256;
	uint64_t *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (size_t page = 0; page < pages; page++)
		for (size_t i = 0; i < WORDS; i++)
			memory[page * WORDS + i] = word_of(page, i);
	printf("pressure: filled %zu pages\n", pages);
	fflush(stdout);
	printf("pressure: %zu words damaged\n", damaged(memory, pages));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(damaged(memory, pages / 4) != 0);
	for (size_t page = 0; page < pages / 4; page++)
		memset(&memory[page * WORDS], (int)page, PAGE);
	int status = -1;
	waitpid(pid, &status, 0);
	printf("pressure: the child ends with %d\n", status);
	size_t count = 0;
	for (size_t page = 0; page < pages / 4; page++)
		count += ((unsigned char *)&memory[page * WORDS])[page % PAGE] !=
			 (unsigned char)page;
	printf("pressure: %zu pages of the parent damaged\n", count);
	return 0;
}
