/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that do what they should not; the argument chooses one.  Each prints what happened, in
 * words that do not depend on the kernel, and ends by itself unless the kernel ends it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_CHILDREN = 20000, MIB = 1 << 20, EATERS = 8, LAST_CALL = 450 };

/* Forks until fork fails, or until no sane limit is left; the children wait to be killed. */
static int fork_bomb(void)
{
	int children = 0;
	pid_t pid;

	setpgid(0, 0);
	signal(SIGTERM, SIG_IGN);
	while (children < MOST_CHILDREN && (pid = fork()) >= 0) {
		if (pid == 0) {
			signal(SIGTERM, SIG_DFL);
			for (;;)
				pause();
		}
		children++;
	}
	printf("fork bomb: %s\n", children == MOST_CHILDREN            ? "never stopped"
				  : errno == EAGAIN || errno == ENOMEM ? "stopped by the kernel"
								       : strerror(errno));
	kill(0, SIGTERM);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}

/* Touches memory until there is no more; the kernel refuses or kills. */
static int memory_eater(void)
{
	for (;;) {
		char *p =
			mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return 0;
		memset(p, 1, MIB);
	}
}

/* Several at once; all of them end. */
static int many_eaters(void)
{
	int ended = 0;

	for (int i = 0; i < EATERS; i++)
		if (fork() == 0)
			_exit(memory_eater());
	while (wait(NULL) > 0)
		ended++;
	printf("many eaters: %d ended\n", ended);
	return 0;
}

/* Fills the file system in memory; writing fails or the writer is killed. */
static int file_eater(void)
{
	static char piece[MIB];
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open("/tmp/eaten", O_CREAT | O_WRONLY, 0600);

		memset(piece, 1, sizeof(piece));
		while (write(fd, piece, sizeof(piece)) > 0)
			;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	unlink("/tmp/eaten");
	puts("file eater: ended");
	return 0;
}

/* Opens until the limit of descriptors. */
static int descriptors(void)
{
	int count = 0;

	while (count < 10 * MIB && open("/dev/null", O_RDONLY) >= 0)
		count++;
	printf("descriptors: %s\n", errno == EMFILE ? "limited" : "not limited");
	return 0;
}

/* Goes down until the stack ends. */
static int deep_stack(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	return deep_stack(depth + 1) + frame[0];
}

/* Jumps to addresses where no code can be; each jump is a signal. */
static int wild_jumps(void)
{
	static const uintptr_t targets[] = {0,
					    8,
					    0x7ffffffff000,
					    0x800000000000,
					    0xffff800000000000,
					    0xffffffff80000000,
					    0xffffffffff600000,
					    UINTPTR_MAX};
	int killed = 0;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			((void (*)(void))targets[i])();
			_exit(0);
		}
		waitpid(pid, &status, 0);
		killed += WIFSIGNALED(status);
	}
	printf("wild jumps: %d of %zu killed\n", killed, sizeof(targets) / sizeof(targets[0]));
	return 0;
}

/* Every system call with arguments that make no sense, each in a process of its own that may block
 * or die. */
static int bad_calls(void)
{
	static const long values[] = {
		-1, 0, 1, 4096, INT64_MIN, 0x7fffffffffff, (long)0xffff800000000000};

	for (long number = 0; number <= LAST_CALL; number++) {
		/* Not those that end, stop or leave the machine, or that wait for a child or a
		 * signal on purpose. */
		if (number == SYS_reboot || number == SYS_pause || number == SYS_vfork ||
		    number == SYS_fork || number == SYS_kill || number == SYS_tkill ||
		    number == SYS_tgkill || number == SYS_clone || number == SYS_clone3 ||
		    number == SYS_rt_sigqueueinfo || number == SYS_swapoff)
			continue;
		pid_t pid = fork();
		if (pid == 0) {
			int null = open("/dev/null", O_RDWR);

			for (int i = 0; i < 3; i++)
				dup2(null, i);
			alarm(1);
			setsid();
			chroot("/tmp");
			for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
				syscall(number, values[i], values[(i + 1) % 7], values[(i + 2) % 7],
					values[(i + 3) % 7], values[(i + 4) % 7],
					values[(i + 5) % 7]);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	puts("bad calls: done");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(what, "fork-bomb") == 0)
		return fork_bomb();
	if (strcmp(what, "memory-eater") == 0)
		return memory_eater();
	if (strcmp(what, "many-eaters") == 0)
		return many_eaters();
	if (strcmp(what, "file-eater") == 0)
		return file_eater();
	if (strcmp(what, "descriptors") == 0)
		return descriptors();
	if (strcmp(what, "deep-stack") == 0)
		return deep_stack(0);
	if (strcmp(what, "wild-jumps") == 0)
		return wild_jumps();
	if (strcmp(what, "bad-calls") == 0)
		return bad_calls();
	fprintf(stderr, "hostile: %s: unknown\n", what);
	return 2;
}
