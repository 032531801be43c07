/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces of many regions: made by giving every second page of one mapping another
 * protection. */
#define _GNU_SOURCE
#include "bench.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SPLIT_REGIONS = 4096, FAULT_REGIONS = 8192, FORKS = 4 };

/* Splits the mapping at `memory` into `regions` regions of one page each. */
static void split(char *memory, int regions)
{
	for (int i = 0; i < regions; i += 2)
		if (mprotect(memory + (size_t)i * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) <
		    0)
			unsupported("mprotect");
}

static double split_off(void)
{
	char *memory = map_memory((size_t)2 * SPLIT_REGIONS * PAGE, false);

	split(memory, SPLIT_REGIONS);
	double start = now();
	split(memory + (size_t)SPLIT_REGIONS * PAGE, SPLIT_REGIONS);
	return per(start, SPLIT_REGIONS / 2);
}

static double fault_among_regions(void)
{
	char *memory = map_memory((size_t)FAULT_REGIONS * PAGE, false);

	split(memory, FAULT_REGIONS);
	double start = now();
	touch(memory, (size_t)FAULT_REGIONS * PAGE);
	return per(start, FAULT_REGIONS);
}

static double fork_among_regions(void)
{
	char *memory = map_memory((size_t)FAULT_REGIONS * PAGE, false);
	double total = 0;

	split(memory, FAULT_REGIONS);
	/* Every second region is populated. */
	for (int i = 0; i < FAULT_REGIONS; i += 2)
		touch(memory + (size_t)i * PAGE, PAGE);
	for (int i = 0; i < FORKS; i++) {
		double start = now();
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		total += per(start, 1);
		if (pid < 0)
			unsupported("fork");
		waitpid(pid, NULL, 0);
	}
	return total / FORKS;
}

SUBJECT(regions, {"splitting off a region, among 4,096", split_off},
	{"page fault among 8,192 regions", fault_among_regions},
	{"fork call with 8,192 regions", fork_among_regions});
