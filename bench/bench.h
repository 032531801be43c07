/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark: static programs that run unmodified on Linux and on Cowslip, as the first program
 * of a machine.  bench.c has the rows, parallel.c what several CPUs do, forks.c the cost of fork.
 *
 * A row is one figure: a name and a function that does the work and returns the nanoseconds of one
 * operation.  Under QEMU's -icount the guest's clock counts instructions, one a nanosecond, so the
 * figure is instructions and repeats. Each row runs in a process of its own, with a time limit, so
 * a kernel that cannot do one row still does the others.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PAGE = 4096, MIB = 1 << 20 };

/* What a row returns when the kernel cannot do it. */
#define UNSUPPORTED (-1.0)

struct row {
	const char *name;
	double (*measure)(void);
};

struct subject {
	const struct row *rows;
	size_t count;
};

#define SUBJECT(subject_name, ...)                                     \
	static const struct row subject_name##_rows[] = {__VA_ARGS__}; \
	const struct subject subject_name##_subject = {                \
		subject_name##_rows, sizeof(subject_name##_rows) / sizeof(struct row)}

extern const struct subject memory_subject, regions_subject, process_subject, file_subject,
	message_subject, thread_subject, network_subject;

/* The monotonic clock in nanoseconds. */
double now(void);

/* Nanoseconds an operation since `start`. */
static inline double per(double start, double operations)
{
	return (now() - start) / operations;
}

/* Ends the row's process: the row is shown as unsupported. */
_Noreturn void unsupported(const char *what);

/* Writable private memory of `size` bytes, aligned to 2 MiB, 4 KiB pages only unless `huge`. */
char *map_memory(size_t size, bool huge);

/* Writes a byte into each page, or one every `step` bytes. */
void touch(char *memory, size_t size);
void touch_every(char *memory, size_t size, size_t step);

/* fork, or `unsupported`. */
pid_t fork_child(void);
/* Forks a child that ends at once and returns what the call took in the parent; waits for the
 * child. */
double fork_call(void);
/* Forks a child that sleeps until the returned descriptor is given to end_sleeper, which waits for
 * it. */
int fork_sleeper(void);
void end_sleeper(int end);

/* As the first program of a machine: opens the console, calls `first` before anything else is done,
 * and mounts /proc and /tmp.  Says whether it is the first program. */
bool machine_begin(void (*first)(void));
/* Says that all is done; the first program switches the machine off. */
void machine_end(void);

/* The file that is run by the rows with exec: this program; with this argument it ends at once. */
extern const char *const self_path;
extern const char *const exit_word;

#endif
