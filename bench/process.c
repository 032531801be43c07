/* SPDX-License-Identifier: BSD-2-Clause */
/* fork, exec, and copy-on-write after fork. */
#define _GNU_SOURCE
#include "bench.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FORKS = 50,
	BIG_FORKS = 4,
	SMALL_BYTES = 16 * MIB,
	BIG_BYTES = 256 * MIB,
	HUGE_PAGE = 2 * MIB
};

extern char **environ;

static double fork_calls(size_t size)
{
	char *memory = map_memory(size, false);
	double total = 0;

	touch(memory, size);
	fork_call();
	for (int i = 0; i < BIG_FORKS; i++) {
		touch(memory, size);
		total += fork_call();
	}
	return total / BIG_FORKS;
}

static double fork_cycles(int count)
{
	fork_call();
	double start = now();
	for (int i = 0; i < count; i++)
		fork_call();
	return per(start, count);
}

static double fork_small(void)
{
	return fork_cycles(FORKS);
}

static double fork_call_16(void)
{
	return fork_calls(SMALL_BYTES);
}

static double fork_call_256(void)
{
	return fork_calls(BIG_BYTES);
}

static double fork_cycle_256(void)
{
	touch(map_memory(BIG_BYTES, false), BIG_BYTES);
	return fork_cycles(BIG_FORKS);
}

static double first_writes(void)
{
	char *memory = map_memory(BIG_BYTES, false);

	touch(memory, BIG_BYTES);
	int sleeper = fork_sleeper();
	double start = now();
	touch_every(memory, BIG_BYTES, HUGE_PAGE);
	double took = per(start, BIG_BYTES / HUGE_PAGE);
	end_sleeper(sleeper);
	return took;
}

static double copy_on_write(void)
{
	char *memory = map_memory(SMALL_BYTES, false);

	touch(memory, SMALL_BYTES);
	int sleeper = fork_sleeper();
	double start = now();
	touch(memory, SMALL_BYTES);
	double took = per(start, SMALL_BYTES / PAGE);
	end_sleeper(sleeper);
	return took;
}

static double write_again(void)
{
	char *memory = map_memory(SMALL_BYTES, false);

	touch(memory, SMALL_BYTES);
	fork_call();
	double start = now();
	touch(memory, SMALL_BYTES);
	return per(start, SMALL_BYTES / PAGE);
}

/* The child of either never returns from the function that made it. */
static pid_t fork_and_exec(char *const *arguments)
{
	pid_t pid = fork();

	if (pid == 0) {
		execve(self_path, arguments, environ);
		_exit(1);
	}
	return pid;
}

static pid_t vfork_and_exec(char *const *arguments)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execve(self_path, arguments, environ);
		_exit(1);
	}
	return pid;
}

static double exec_cycles(pid_t (*spawn)(char *const *))
{
	char *arguments[] = {(char *)self_path, (char *)exit_word, NULL};
	double start = 0;

	/* The first cycle warms up. */
	for (int i = 0; i <= FORKS; i++) {
		int status;

		if (i == 1)
			start = now();
		pid_t pid = spawn(arguments);
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
			unsupported("exec");
	}
	return per(start, FORKS);
}

static double fork_exec(void)
{
	return exec_cycles(fork_and_exec);
}

static double vfork_exec(void)
{
	return exec_cycles(vfork_and_exec);
}

SUBJECT(process, {"fork + exit + wait, small program", fork_small},
	{"fork call, 16 MiB touched", fork_call_16}, {"fork call, 256 MiB touched", fork_call_256},
	{"fork + exit + wait, 256 MiB touched", fork_cycle_256},
	{"first write into each 2 MiB after fork", first_writes},
	{"copy-on-write fault, a page", copy_on_write},
	{"write again after the child has exited, a page", write_again},
	{"fork + exec + wait, static program", fork_exec}, {"vfork + exec + wait", vfork_exec});
