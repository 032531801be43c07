/* SPDX-License-Identifier: BSD-2-Clause */
/* Page faults, mapping and unmapping, and the plainest system call. */
#define _GNU_SOURCE
#include "bench.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FAULT_BYTES = 64 * MIB, CALLS = 100000, MAPPINGS = 2000 };

static double getppid_call(void)
{
	double start = now();

	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return per(start, CALLS);
}

static double fault_small(void)
{
	char *memory = map_memory(FAULT_BYTES, false);
	double start = now();

	touch(memory, FAULT_BYTES);
	return per(start, FAULT_BYTES / PAGE);
}

static double fault_huge(void)
{
	char *memory = map_memory(FAULT_BYTES, true);
	double start = now();

	touch(memory, FAULT_BYTES);
	return per(start, FAULT_BYTES / PAGE);
}

static double unmap_populated(void)
{
	char *memory = map_memory(FAULT_BYTES, false);

	touch(memory, FAULT_BYTES);
	double start = now();
	if (munmap(memory, FAULT_BYTES) < 0)
		unsupported("munmap");
	return per(start, FAULT_BYTES / PAGE);
}

static double map_cycles(bool touched)
{
	/* A neighbour, as in a program that has mapped before: the new region may join it. */
	touch(map_memory(PAGE, false), PAGE);
	double start = now();

	for (int i = 0; i < MAPPINGS; i++) {
		char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
		if (p == MAP_FAILED)
			unsupported("mmap");
		if (touched)
			*(volatile char *)p = 1;
		munmap(p, PAGE);
	}
	return per(start, MAPPINGS);
}

static double map_unmap(void)
{
	return map_cycles(false);
}

static double map_touch_unmap(void)
{
	return map_cycles(true);
}

static double protect_back_and_forth(void)
{
	char *memory = map_memory(MIB, false);

	touch(memory, MIB);
	double start = now();
	for (int i = 0; i < MAPPINGS; i++)
		if (mprotect(memory, PAGE, PROT_READ) < 0 ||
		    mprotect(memory, PAGE, PROT_READ | PROT_WRITE) < 0)
			unsupported("mprotect");
	return per(start, MAPPINGS);
}

SUBJECT(memory, {"getppid", getppid_call},
	{"anonymous page fault, 4 KiB, a page, sequential touch", fault_small},
	{"the same with 2 MiB pages allowed", fault_huge},
	{"munmap, a populated page", unmap_populated}, {"mmap + munmap, 4 KiB", map_unmap},
	{"mmap + touch + munmap, 4 KiB", map_touch_unmap},
	{"mprotect 4 KiB, forth and back", protect_back_and_forth});
