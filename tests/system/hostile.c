/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that do what they should not; the argument chooses one.  Each prints what happened, in
 * words that do not depend on the kernel, and ends by itself unless the kernel ends it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_CHILDREN = 20000, MIB = 1 << 20, EATERS = 8, LAST_CALL = 450 };

/* Forks until fork fails, or until no sane limit is left; the children wait to be killed. */
static int fork_bomb(void)
{
	int children = 0;
	pid_t pid;

	sigset_t term;

	/* Blocked, not ignored: a child that has not run yet must not miss it. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	setpgid(0, 0);
	sigprocmask(SIG_BLOCK, &term, NULL);
	while (children < MOST_CHILDREN && (pid = fork()) >= 0) {
		if (pid == 0) {
			sigprocmask(SIG_UNBLOCK, &term, NULL);
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

/* Touches one page in each page table's reach: nearly all that is taken is tables. */
static int table_eater(void)
{
	enum { REACH = 2 * MIB };
	size_t size = (size_t)1 << 40;
	char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char sum = 0;

	if (p == MAP_FAILED)
		return 1;
	for (size_t at = 0; at < size; at += REACH)
		sum += *(volatile char *)(p + at);
	return sum;
}

/* Fills pipes that nobody reads, in as many processes as it takes. */
static int pipe_eater(void)
{
	static char piece[65536];

	for (int processes = 0; processes < 64; processes++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid > 0) {
			waitpid(pid, NULL, WNOHANG);
			continue;
		}
		int ends[2];
		while (pipe(ends) == 0) {
			fcntl(ends[1], F_SETFL, O_NONBLOCK);
			while (write(ends[1], piece, sizeof(piece)) > 0)
				;
		}
		sleep(3);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	puts("pipe eater: ended");
	return 0;
}

static void *idle_thread(void *argument)
{
	sleep(2);
	return argument;
}

/* Starts threads until there are no more. */
static int thread_eater(void)
{
	int count = 0;
	pthread_t thread;

	while (count < MOST_CHILDREN && pthread_create(&thread, NULL, idle_thread, NULL) == 0)
		count++;
	printf("thread eater: %s\n", count == MOST_CHILDREN ? "never stopped" : "stopped");
	return 0;
}

/* Opens as many files as it can, in many processes. */
static int file_opener(void)
{
	for (int processes = 0; processes < 64; processes++) {
		if (fork() == 0) {
			while (eventfd(0, 0) >= 0 && open("/dev/null", O_RDONLY) >= 0)
				;
			sleep(2);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	puts("file opener: ended");
	return 0;
}

/* Goes down in directories that it makes, until it is refused or has gone deep enough. */
static int directory_eater(void)
{
	int depth = 0;

	mkdir("/tmp/deep", 0700);
	if (chdir("/tmp/deep") != 0)
		return 1;
	while (depth < 100000 && mkdir("d", 0700) == 0 && chdir("d") == 0)
		depth++;
	/* And back up, so that the shell need not know how. */
	while (depth-- > 0 && chdir("..") == 0)
		rmdir("d");
	puts("directory eater: ended");
	return 0;
}

/* Makes empty files until it is refused. */
static int name_eater(void)
{
	char name[32];
	int count = 0;

	mkdir("/tmp/names", 0700);
	if (chdir("/tmp/names") != 0)
		return 1;
	for (;; count++) {
		snprintf(name, sizeof(name), "n%d", count);
		int fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd < 0 || count == 500000)
			break;
		close(fd);
	}
	for (; count >= 0; count--) {
		snprintf(name, sizeof(name), "n%d", count);
		unlink(name);
	}
	puts("name eater: ended");
	return 0;
}

/* Takes nearly all memory and then sits on it: whoever wants a page now must get one. */
static int memory_sitter(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;) {
			char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			struct sysinfo info;
			if (p == MAP_FAILED || sysinfo(&info) != 0)
				break;
			if (info.freeram * info.mem_unit < info.totalram * info.mem_unit / 40)
				break;
			memset(p, 1, 65536);
		}
		sleep(5);
		_exit(0);
	}
	sleep(2);
	puts("memory sitter: sits");
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

static const struct {
	const char *name;
	int (*run)(void);
} programs[] = {
	{"fork-bomb", fork_bomb},
	{"memory-eater", memory_eater},
	{"many-eaters", many_eaters},
	{"file-eater", file_eater},
	{"table-eater", table_eater},
	{"pipe-eater", pipe_eater},
	{"thread-eater", thread_eater},
	{"file-opener", file_opener},
	{"directory-eater", directory_eater},
	{"name-eater", name_eater},
	{"memory-sitter", memory_sitter},
	{"descriptors", descriptors},
	{"wild-jumps", wild_jumps},
	{"bad-calls", bad_calls},
};

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(what, "deep-stack") == 0)
		return deep_stack(0);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(what, programs[i].name) == 0)
			return programs[i].run();
	fprintf(stderr, "hostile: %s: unknown\n", what);
	return 2;
}
