/* SPDX-License-Identifier: BSD-2-Clause */
/* What memtop has read of the kernel's files, for those who show it. */
#ifndef USER_MEMTOP_H
#define USER_MEMTOP_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum { PROCESSES = 256, NAME_LENGTH = 16 };

struct process {
	pid_t pid;
	char name[NAME_LENGTH];
	long resident, proportional, shared, tables; /* KiB */
};

/* Counters since boot; -1 where the kernel does not tell. */
struct counters {
	long faults, cow, demand, file, duplicated, reused;
	long swapped_in, swapped_out;
};

struct sample {
	double time;                                            /* seconds */
	long total, free, cached, anonymous, slab, page_tables; /* KiB */
	long swap_total, swap_free;
	long cow_pages, saved; /* pages; bytes */
	char pressure[2][80];  /* some, full */
	struct counters counters;
	struct process processes[PROCESSES]; /* those that hold most come first */
	size_t process_count;
};

/* sample.c: reads everything. */
void sample_take(struct sample *sample);

/* show.c: writes `rows` lines at most, each ended by `end`; rates are those since `before`. */
void show(FILE *to, const struct sample *now, const struct sample *before, int rows,
	  const char *end);

#endif
