/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the rows and prints them on the console: "row", the name and the figure, separated by tabs;
 * "-" for what the kernel cannot do.  "bench done" is the last line, then the machine goes off.
 *
 * Two figures are taken before anything else: the time stamp counter at our first instructions,
 * which under -icount counts from power-on, and the free memory.
 */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROW_SECONDS = 4 };

const char *const self_path = "/init";
const char *const exit_word = "exit";

static uint64_t time_stamp(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void print_row(const char *name, double figure)
{
	if (figure < 0)
		printf("row\t%s\t-\n", name);
	else
		printf("row\t%s\t%.0f\n", name, figure);
	fflush(stdout);
}

/* Runs the row in a process of its own and takes its figure from a pipe. */
static void run_row(const struct row *row)
{
	double figure = UNSUPPORTED;
	int ends[2];

	if (pipe(ends) < 0) {
		print_row(row->name, UNSUPPORTED);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		alarm(ROW_SECONDS);
		figure = row->measure();
		_exit(write(ends[1], &figure, sizeof(figure)) != sizeof(figure));
	}
	close(ends[1]);
	if (pid > 0) {
		if (read(ends[0], &figure, sizeof(figure)) != sizeof(figure))
			figure = UNSUPPORTED;
		waitpid(pid, NULL, 0);
	}
	close(ends[0]);
	print_row(row->name, figure);
}

static void run_subject(const struct subject *subject, const char *only)
{
	for (size_t i = 0; i < subject->count; i++)
		if (only == NULL || strstr(subject->rows[i].name, only) != NULL)
			run_row(&subject->rows[i]);
}

static void print_memory(void)
{
	struct sysinfo info;

	if (sysinfo(&info) == 0)
		printf("memory\t%.0f\t%.0f\n", (double)info.totalram * info.mem_unit,
		       (double)info.freeram * info.mem_unit);
	fflush(stdout);
}

static uint64_t started;

static void print_start(void)
{
	printf("\nstart\t%llu\n", (unsigned long long)started);
	print_memory();
}

int main(int argc, char **argv)
{
	started = time_stamp();
	if (argc > 1 && strcmp(argv[1], exit_word) == 0)
		return 0;
	bool booted = machine_begin(print_start);
	/* On an ordinary Linux a word chooses rows; the kernel may hand words to the first program
	 * as well. */
	const char *only = !booted && argc > 1 ? argv[1] : NULL;
	const struct subject *const subjects[] = {
		&memory_subject,  &regions_subject, &process_subject, &file_subject,
		&message_subject, &thread_subject,  &network_subject};
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		run_subject(subjects[i], only);
	machine_end();
	return 0;
}
