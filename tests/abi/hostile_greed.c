/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Greedy programs: fork until it fails, memory until there is none, descriptors, mappings, signals,
 * deep directories. Each meets an error or its end; what it took comes back.
 */
#include "abi.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>

enum { NOBODY = 65533 };

static int limit(int what, rlim_t soft)
{
	struct rlimit lim;

	if (getrlimit(what, &lim) < 0)
		return -1;
	lim.rlim_cur = soft;
	return setrlimit(what, &lim);
}

static void fork_bomb(void)
{
	volatile int *made = shared_ints();
	int st;

	if (child(&st) == 0) {
		limit(RLIMIT_NPROC, 60);
		if (become(NOBODY, NOBODY) < 0)
			_exit(1);
		for (int generation = 0; generation < 20; generation++) {
			pid_t pid = fork();
			if (pid < 0)
				break;
			__atomic_add_fetch(&made[0], 1, __ATOMIC_SEQ_CST);
		}
		alarm(10);
		sleep_ms(200);
		signal(SIGTERM, SIG_DFL);
		kill(-1, SIGKILL);
		_exit(0);
	}
	ok(made[0] >= 59, "a fork bomb reaches its limit (%d forks)", made[0]);
	if (child(&st) == 0) {
		become(NOBODY, NOBODY);
		for (int i = 0; i < 50; i++) {
			kill(-1, SIGKILL);
			sleep_ms(2);
		}
		_exit(0);
	}
	is(st, 0, "kill(-1) ends what is left of it");
	if (child(&st) == 0)
		_exit(5);
	is(st, EXITED(5), "and others can fork");
}

static void limited_memory(void)
{
	int st;

	if (child(&st) == 0) {
		size_t got = 0;
		limit(RLIMIT_AS, 64UL << 20);
		for (;;) {
			char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p == MAP_FAILED)
				break;
			memset(p, 1, 1 << 20);
			got++;
		}
		_exit(got > 40 && got <= 64 ? 0 : 1);
	}
	is(st, 0, "a program that takes all its RLIMIT_AS allows meets ENOMEM");
}

/* Fills memory with what does not compress. */
static void fill_with_noise(uint64_t *words, size_t bytes)
{
	static uint64_t seed = 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < bytes / sizeof(*words); i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		words[i] = seed;
	}
}

/* Only where all memory is little: an ordinary machine would be hurt. */
static void all_memory(void)
{
	struct sysinfo info = {0};
	int status = -1;

	sysinfo(&info);
	if (info.totalram * info.mem_unit > 1UL << 30) {
		skip(3, "this machine has too much memory to be filled");
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		put_file("/proc/self/oom_score_adj", "1000", 4, 0644);
		for (;;) {
			void *p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p == MAP_FAILED)
				_exit(1);
			fill_with_noise(p, 4 << 20);
		}
	}
	for (int i = 0; i < 7000 && waitpid(pid, &status, WNOHANG) != pid; i++)
		sleep_ms(10);
	ok(status == EXITED(1) || status == KILLED(SIGKILL),
	   "a program that eats all memory is killed or told so (status %#x)", (unsigned)status);
	char *p = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok(p != MAP_FAILED, "afterwards there is memory again");
	memset(p, 1, 16 << 20);
	munmap(p, 16 << 20);
	int st;
	if (child(&st) == 0)
		_exit(3);
	is(st, EXITED(3), "and the system works");
}

static void all_descriptors(void)
{
	int st;

	if (child(&st) == 0) {
		int opened = 0, ends[2];
		limit(RLIMIT_NOFILE, 1024);
		while (pipe(ends) == 0)
			opened += 2;
		bool told = errno == EMFILE;
		_exit(told && opened >= 1000 && opened < 1024 ? 0 : 1);
	}
	is(st, 0, "a thousand descriptors of pipes, then EMFILE");
}

static void full_sockets(void)
{
	static char piece[32768];
	int st;

	if (child(&st) == 0) {
		int s[2], pairs = 0;
		long bytes = 0;
		limit(RLIMIT_NOFILE, 1024);
		for (; pairs < 300 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0;
		     pairs++)
			for (int i = 0; i < 2; i++)
				for (ssize_t n; (n = write(s[i], piece, sizeof(piece))) > 0;)
					bytes += n;
		_exit(pairs == 300 && bytes >= 600L * 32768 ? 0 : 1);
	}
	is(st, 0, "hundreds of sockets that are full in both directions");
}

static void many_mappings(void)
{
	int st;

	if (child(&st) == 0) {
		enum { TRIES = 70000 };
		char *area = mmap(NULL, TRIES * PAGE, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		int made = 0;
		for (; made < TRIES / 2; made++)
			if (mprotect(area + 2 * (size_t)made * PAGE, PAGE, PROT_READ) < 0)
				break;
		_exit(made > 30000 && (made == TRIES / 2 || errno == ENOMEM) ? 0 : 1);
	}
	is(st, 0, "tens of thousands of mappings, then ENOMEM or none");
}

static void queued_signals(void)
{
	int st;

	if (child(&st) == 0) {
		union sigval v = {.sival_int = 0};
		sigset_t set;
		int sent = 0;
		sigfillset(&set);
		sigprocmask(SIG_BLOCK, &set, NULL);
		limit(RLIMIT_SIGPENDING, 100);
		if (become(NOBODY, NOBODY) < 0)
			_exit(1);
		while (sent < 1000 && sigqueue(getpid(), SIGRTMIN, v) == 0)
			sent++;
		_exit(errno == EAGAIN && sent >= 90 && sent <= 100 && kill(getpid(), SIGUSR1) == 0
			      ? 0
			      : 1);
	}
	is(st, 0, "queued signals are limited by RLIMIT_SIGPENDING: EAGAIN");
}

static void deep_directories(void)
{
	char where[PATH_MAX + 1];
	int depth = 0, st;

	if (child(&st) == 0) {
		while (depth < 600 && mkdir("0123456789", 0700) == 0 && chdir("0123456789") == 0)
			depth++;
		bool long_path = syscall(SYS_getcwd, where, PATH_MAX) == -1;
		bool file = put_file("f", "x", 1, 0600) == 0 && unlink("f") == 0;
		while (depth > 0 && chdir("..") == 0 && rmdir("0123456789") == 0)
			depth--;
		_exit(depth == 0 && long_path && file ? 0 : 1);
	}
	is(st, 0, "directories deeper than a path can say are made, used and removed");
}

static void short_lived_processes(void)
{
	struct sysinfo before = {0}, after = {0};
	int good = 0, st;

	for (int i = 0; i < 20; i++)
		if (child(&st) == 0)
			_exit(0);
	sysinfo(&before);
	for (int i = 0; i < 500; i++) {
		if (child(&st) == 0) {
			memset(map_pages(32), 1, 32 * PAGE);
			_exit(0);
		}
		good += st == 0;
	}
	sysinfo(&after);
	is(good, 500, "five hundred processes with 128 KiB each");
	long lost = ((long)before.freeram - (long)after.freeram) / 1024;
	note("%ld KiB of free memory less than before", lost);
	if (before.totalram * before.mem_unit > 1UL << 30)
		skip(1, "others use memory of this machine as well");
	else
		ok(lost < 16 * 1024, "give their memory back");
}

int main(void)
{
	scratch();
	fork_bomb();
	limited_memory();
	all_memory();
	all_descriptors();
	full_sockets();
	many_mappings();
	queued_signals();
	deep_directories();
	short_lived_processes();
	return done();
}
