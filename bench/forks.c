/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fork costs, by the memory that the process has touched: "fork", MiB, and the nanoseconds of
 * the call, of the first write after it into each 2 MiB, and of fork + exit + wait; separated by
 * tabs.  Sizes that do not fit into the machine are left out.
 */
#include "bench.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { TURNS = 3, HUGE_PAGE = 2 * MIB };

static const size_t sizes[] = {16, 64, 256, 1024, 4096, 8192}; /* MiB */

static double call(char *memory, size_t size)
{
	double total = 0;

	for (int i = 0; i < TURNS; i++) {
		total += fork_call();
		touch_every(memory, size, HUGE_PAGE);
	}
	return total / TURNS;
}

static double first_write(char *memory, size_t size)
{
	int sleeper = fork_sleeper();
	double start = now();

	touch_every(memory, size, HUGE_PAGE);
	double took = per(start, (double)(size / HUGE_PAGE));
	end_sleeper(sleeper);
	return took;
}

static double cycle(void)
{
	double start = now();

	for (int i = 0; i < TURNS; i++)
		fork_call();
	return per(start, TURNS);
}

static void measure(size_t mib)
{
	size_t size = mib * MIB;
	char *memory = map_memory(size, false);

	touch(memory, size);
	fork_call();
	double took = call(memory, size), write = first_write(memory, size);

	printf("fork\t%zu\t%.0f\t%.0f\t%.0f\n", mib, took, write, cycle());
	fflush(stdout);
	munmap(memory, size);
}

int main(void)
{
	struct sysinfo info;

	machine_begin(NULL);
	sysinfo(&info);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i] * MIB < (double)info.freeram * info.mem_unit)
			measure(sizes[i]);
	machine_end();
	return 0;
}
