/* SPDX-License-Identifier: BSD-2-Clause */
/* What the three programs share: being the first program of a machine, time, and memory. */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 * MIB };

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

_Noreturn void unsupported(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

char *map_memory(size_t size, bool huge)
{
	char *p = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		unsupported("mmap");
	p = (char *)(((uintptr_t)p + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
	madvise(p, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return p;
}

void touch_every(char *memory, size_t size, size_t step)
{
	for (size_t at = 0; at < size; at += step)
		((volatile char *)memory)[at] = 1;
}

void touch(char *memory, size_t size)
{
	touch_every(memory, size, PAGE);
}

pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		unsupported("fork");
	return pid;
}

double fork_call(void)
{
	double start = now();
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	double took = per(start, 1);
	if (pid < 0)
		unsupported("fork");
	waitpid(pid, NULL, 0);
	return took;
}

int fork_sleeper(void)
{
	int ends[2];
	char byte;

	if (pipe(ends) < 0)
		unsupported("pipe");
	if (fork_child() == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	close(ends[0]);
	return ends[1];
}

void end_sleeper(int end)
{
	close(end);
	wait(NULL);
}

static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
}

static void mount_file_systems(void)
{
	mkdir("/proc", 0755);
	mkdir("/tmp", 0777);
	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		printf("# no /proc: %s\n", strerror(errno));
	if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0)
		printf("# no tmpfs: %s\n", strerror(errno));
}

bool machine_begin(void (*first)(void))
{
	bool booted = getpid() == 1;

	if (booted) {
		open_console();
		if (first != NULL)
			first();
		mount_file_systems();
	}
	return booted;
}

void machine_end(void)
{
	puts("bench done");
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
}
