/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random system calls with random arguments, made by an ordinary user in an empty root: whatever
 * they do to the process that makes them, the system lives on.
 *
 * The seed is fixed, so that a run can be repeated; the word abi_seed=N of the kernel's command
 * line changes it.
 */
#include "abi.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

enum { ROUNDS = 24, CALLS = 400, LAST_CALL = 334, NOBODY = 65534 };

static uint64_t state;
static char *memory;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Calls that end the process or start others for no gain. */
static bool left_out(long number)
{
	static const int list[] = {SYS_exit,
				   SYS_exit_group,
				   SYS_fork,
				   SYS_vfork,
				   SYS_clone,
				   SYS_pause,
				   SYS_reboot,
				   SYS_kill,
				   SYS_tkill,
				   SYS_tgkill,
				   SYS_rt_sigqueueinfo,
				   SYS_rt_tgsigqueueinfo,
				   SYS_rt_sigreturn,
				   SYS_setitimer,
				   SYS_alarm,
				   SYS_execve,
				   SYS_execveat,
				   SYS_ptrace,
				   SYS_userfaultfd,
				   SYS_bpf,
				   SYS_perf_event_open,
				   SYS_seccomp,
				   SYS_setpriority};

	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (list[i] == number)
			return true;
	return false;
}

static long random_argument(void)
{
	static const long special[] = {0,        1,          -1,    2,        4096,
				       4095,     0x7fffffff, -4096, 1L << 31, 1L << 32,
				       LONG_MAX, LONG_MIN,   0x10,  -2};

	switch (next() % 8) {
	case 0:
	case 1:
		return (long)(next() % 16); /* a descriptor, perhaps */
	case 2:
	case 3:
		return (long)(memory + next() % (16 * PAGE));
	case 4:
		return special[next() % ARRAY_LEN(special)];
	case 5:
		return 1L << next() % 64;
	case 6:
		return (long)(next() % 4096);
	default:
		return (long)next();
	}
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* An empty root, no privileges, little of everything, and an alarm that interrupts what waits. */
static void enter_jail(void)
{
	struct sigaction act = {.sa_handler = on_alarm};
	struct itimerval often = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
	struct rlimit address_space = {256UL << 20, 256UL << 20}, processes = {20, 20},
		      file = {1 << 20, 1 << 20}, core = {0, 0};
	int ends[2];

	leave_counters();
	for (int fd = 0; fd < 3; fd++)
		dup2(open("/dev/null", O_RDWR), fd);
	syscall(SYS_close_range, 3U, ~0U, 0);
	open("/dev/zero", O_RDWR);
	(void)!pipe2(ends, O_NONBLOCK);
	epoll_create1(0);
	eventfd(0, EFD_NONBLOCK);
	if (chroot("jail") < 0 || chdir("/") < 0)
		_exit(1);
	open("file", O_RDWR | O_CREAT, 0666);
	open(".", O_RDONLY);
	memory = map_pages(16);
	for (size_t i = 0; i < 16 * PAGE; i += 8)
		*(uint64_t *)(memory + i) = next() % 3 ? next() % 256 : next();
	strcpy(memory, "name");
	setrlimit(RLIMIT_AS, &address_space);
	setrlimit(RLIMIT_NPROC, &processes);
	setrlimit(RLIMIT_FSIZE, &file);
	setrlimit(RLIMIT_CORE, &core);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	if (become(NOBODY, NOBODY) < 0)
		_exit(1);
}

static void make_calls(void)
{
	for (int i = 0; i < CALLS; i++) {
		long number = (long)(next() % (LAST_CALL + 1));
		if (next() % 50 == 0)
			number = (long)next();
		long a[6];
		for (int n = 0; n < 6; n++)
			a[n] = random_argument();
		if (!left_out(number))
			syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	_exit(0);
}

/* Waits at most three seconds, then kills. Returns whether the process has ended one way or the
 * other. */
static bool ends(pid_t pid)
{
	int status;

	for (int i = 0; i < 3000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return true;
		sleep_ms(1);
	}
	kill(pid, SIGKILL);
	for (int i = 0; i < 2000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return true;
		sleep_ms(1);
	}
	return false;
}

static bool system_works(void)
{
	char *p = map_pages(64), buf[8];
	int st, pipe_ends[2];

	memset(p, 5, 64 * PAGE);
	if (child(&st) == 0) {
		bool good = put_file("health", "works", 5, 0600) == 0 &&
			    get_file("health", buf, sizeof(buf)) == 5 && pipe(pipe_ends) == 0 &&
			    write(pipe_ends[1], buf, 5) == 5 && read(pipe_ends[0], buf, 5) == 5 &&
			    memcmp(buf, "works", 5) == 0 && p[5 * PAGE] == 5;
		p[0] = 1;
		_exit(good ? 0 : 1);
	}
	bool same = p[0] == 5;
	munmap(p, 64 * PAGE);
	return st == 0 && same;
}

static uint64_t chosen_seed(void)
{
	char words[4096];
	char *p = get_file("/proc/cmdline", words, sizeof(words)) > 0 ? strstr(words, "abi_seed=")
								      : NULL;

	return p ? strtoull(p + 9, NULL, 0) : 1;
}

int main(void)
{
	uint64_t seed = chosen_seed();

	scratch();
	mkdir("jail", 0777);
	chmod("jail", 0777);
	note("abi_seed=%llu", (unsigned long long)seed);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid = fork();
		if (pid == 0) {
			state = (seed * 1000003 + (uint64_t)round) * 0x9e3779b97f4a7c15 | 1;
			enter_jail();
			make_calls();
		}
		ok(pid > 0 && ends(pid), "round %d of random calls ends", round);
		if (round % 6 == 5)
			ok(system_works(), "and the system works");
	}
	return done();
}
