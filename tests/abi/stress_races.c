/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that meet: each pair of them is harmless alone, and together used to stand in each other's
 * way or to leave something behind.  A test that hangs is ended by its alarm.
 */
#include "abi.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/sendfile.h>

enum { ROUNDS = 2000, BYTES = 256, EXCHANGE = 2 /* RENAME_EXCHANGE */ };

/* Runs two functions at once, in a child that an alarm ends. */
static void both(void *(*one)(void *), void *(*other)(void *), const char *what)
{
	int st = -1;

	if (child(&st) == 0) {
		pthread_t thread;

		alarm(20);
		if (pthread_create(&thread, NULL, other, NULL) != 0)
			_exit(1);
		one(NULL);
		pthread_join(thread, NULL);
		_exit(0);
	}
	is(st, EXITED(0), "%s", what);
}

static int left, right;

static void *copies_right(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		lseek(left, 0, SEEK_SET);
		sendfile(right, left, NULL, BYTES);
	}
	return arg;
}

static void *copies_left(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		lseek(right, 0, SEEK_SET);
		sendfile(left, right, NULL, BYTES);
	}
	return arg;
}

static void files_are_copied_both_ways(void)
{
	left = open("left", O_RDWR | O_CREAT | O_TRUNC, 0600);
	right = open("right", O_RDWR | O_CREAT | O_TRUNC, 0600);
	ftruncate(left, BYTES);
	ftruncate(right, BYTES);
	both(copies_right, copies_left, "sendfile between two files, both ways at once");
	close(left);
	close(right);
}

static int inside;

static void *exchanges_outside(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		syscall(SYS_renameat2, AT_FDCWD, "name", AT_FDCWD, "folder", EXCHANGE);
	return arg;
}

static void *renames_inside(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		renameat(inside, "name", inside, "other");
		renameat(inside, "other", inside, "name");
	}
	return arg;
}

static void a_file_has_names_inside_and_beside(void)
{
	/* Which of the two inodes has the lower address is chance. */
	for (int i = 0; i < 4; i++) {
		mkdir("folder", 0700);
		close(open("folder/name", O_WRONLY | O_CREAT, 0600));
		link("folder/name", "name");
		inside = open("folder", O_DIRECTORY);
		both(exchanges_outside, renames_inside,
		     "a file changes places with the directory in which it has another name");
		close(inside);
		unlink("name/name");
		unlink("folder/name");
		unlink("name");
		unlink("folder");
		rmdir("name");
		rmdir("folder");
	}
}

static pid_t moved;

static void *moves_itself(void *arg)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	for (int i = 0; i < ROUNDS; i++)
		sched_setaffinity(0, sizeof(set), &set);
	return arg;
}

static void *moves_it_too(void *arg)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	for (int i = 0; i < ROUNDS; i++)
		sched_setaffinity(moved, sizeof(set), &set);
	return arg;
}

static void *moves_the_first_thread(void *arg)
{
	moved = getpid();
	return moves_it_too(arg);
}

static void a_thread_is_moved_by_two(void)
{
	both(moves_itself, moves_the_first_thread, "two threads move one to different CPUs");
}

/* The timers of a process that is gone must not go off. */
static void limits_of_zombies(void)
{
	struct rlimit limit = {1, 2};
	int good = 0;

	for (int i = 0; i < 20; i++) {
		siginfo_t info;
		pid_t pid = spawn();

		if (pid == 0)
			_exit(0);
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
		good += prlimit(pid, RLIMIT_CPU, &limit, NULL) == 0;
		good += reap(pid) == EXITED(0);
	}
	is(good, 40, "a limit of CPU time for processes that have ended");
	sleep_ms(1100);
	ok(true, "and nothing happens when the time is over");
}

static pid_t victim;

static void *limits_the_child(void *arg)
{
	struct rlimit limit = {100, 200};

	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = __atomic_load_n(&victim, __ATOMIC_ACQUIRE);

		if (pid < 0)
			break;
		if (pid > 0) {
			prlimit(pid, RLIMIT_CPU, &limit, NULL);
			kill(pid, SIGCONT);
		}
	}
	return arg;
}

static void *makes_children(void *arg)
{
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		__atomic_store_n(&victim, pid, __ATOMIC_RELEASE);
		waitpid(pid, NULL, 0);
	}
	__atomic_store_n(&victim, -1, __ATOMIC_RELEASE);
	return arg;
}

static void limits_while_waiting(void)
{
	both(makes_children, limits_the_child,
	     "limits and signals for children that are waited for");
}

int main(void)
{
	scratch();
	files_are_copied_both_ways();
	a_file_has_names_inside_and_beside();
	a_thread_is_moved_by_two();
	limits_of_zombies();
	limits_while_waiting();
	return done();
}
