/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memtop: reads /proc/meminfo, /proc/vmstat, /proc/cow, /proc/pressure/memory, and of each process
 * status and smaps_rollup.
 */
#define _GNU_SOURCE
#include "memtop.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One figure that is wanted of a file of lines "name value" or "name: value". */
struct wanted {
	const char *name;
	long *value;
};

static void read_figures(const char *path, const struct wanted *wanted, size_t count)
{
	char line[256], key[64];
	long value;
	FILE *file = fopen(path, "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%63[^: ]%*[: ]%ld", key, &value) != 2)
			continue;
		for (size_t i = 0; i < count; i++)
			if (strcmp(key, wanted[i].name) == 0)
				*wanted[i].value = value;
	}
	if (file != NULL)
		fclose(file);
}

#define READ_FIGURES(path, ...)                                                  \
	do {                                                                     \
		const struct wanted wanted_[] = {__VA_ARGS__};                   \
		read_figures(path, wanted_, sizeof(wanted_) / sizeof(*wanted_)); \
	} while (0)

static void read_system(struct sample *sample)
{
	struct counters *counters = &sample->counters;

	READ_FIGURES("/proc/meminfo", {"MemTotal", &sample->total}, {"MemFree", &sample->free},
		     {"Cached", &sample->cached}, {"AnonPages", &sample->anonymous},
		     {"Slab", &sample->slab}, {"PageTables", &sample->page_tables},
		     {"SwapTotal", &sample->swap_total}, {"SwapFree", &sample->swap_free});
	*counters = (struct counters){-1, -1, -1, -1, -1, -1, -1, -1};
	READ_FIGURES("/proc/vmstat", {"pgfault", &counters->faults},
		     {"pswpin", &counters->swapped_in}, {"pswpout", &counters->swapped_out});
	sample->cow_pages = sample->saved = -1;
	READ_FIGURES("/proc/cow", {"faults_cow", &counters->cow},
		     {"faults_demand", &counters->demand}, {"faults_file", &counters->file},
		     {"pages_duplicated", &counters->duplicated},
		     {"pages_reused", &counters->reused}, {"cow_pages", &sample->cow_pages},
		     {"bytes_saved", &sample->saved});
}

static void read_pressure(struct sample *sample)
{
	FILE *file = fopen("/proc/pressure/memory", "re");

	for (int i = 0; i < 2; i++) {
		char *line = sample->pressure[i];
		if (file == NULL || fgets(line, sizeof(sample->pressure[i]), file) == NULL)
			line[0] = '\0';
		line[strcspn(line, "\n")] = '\0';
	}
	if (file != NULL)
		fclose(file);
}

static void read_name(struct process *process)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", process->pid);
	FILE *file = fopen(path, "re");
	if (file == NULL || fgets(process->name, sizeof(process->name), file) == NULL)
		strcpy(process->name, "?");
	process->name[strcspn(process->name, "\n")] = '\0';
	if (file != NULL)
		fclose(file);
}

/* False: it has no memory, or is gone. */
static bool read_process(struct process *process)
{
	char path[64];
	long clean = 0, dirty = 0;

	read_name(process);
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", process->pid);
	READ_FIGURES(path, {"Rss", &process->resident}, {"Pss", &process->proportional},
		     {"Shared_Clean", &clean}, {"Shared_Dirty", &dirty});
	process->shared = clean + dirty;
	snprintf(path, sizeof(path), "/proc/%d/status", process->pid);
	READ_FIGURES(path, {"VmPTE", &process->tables});
	return process->resident != 0;
}

static int by_proportional(const void *left, const void *right)
{
	const struct process *a = left, *b = right;

	return (a->proportional < b->proportional) - (a->proportional > b->proportional);
}

static void read_processes(struct sample *sample)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;

	while (folder != NULL && sample->process_count < PROCESSES &&
	       (entry = readdir(folder)) != NULL) {
		struct process process = {.pid = atoi(entry->d_name)};
		if (process.pid > 0 && read_process(&process))
			sample->processes[sample->process_count++] = process;
	}
	if (folder != NULL)
		closedir(folder);
	qsort(sample->processes, sample->process_count, sizeof(struct process), by_proportional);
}

void sample_take(struct sample *sample)
{
	struct timespec now;

	memset(sample, 0, sizeof(*sample));
	read_system(sample);
	read_pressure(sample);
	read_processes(sample);
	clock_gettime(CLOCK_MONOTONIC, &now);
	sample->time = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
