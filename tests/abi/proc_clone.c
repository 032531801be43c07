/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clone and clone3, by bare system calls: what each flag shares, and which combinations are
 * refused.
 */
#include "abi.h"

#include <sys/resource.h>

struct clone3_args {
	uint64_t flags;
	uint64_t pidfd;
	uint64_t child_tid;
	uint64_t parent_tid;
	uint64_t exit_signal;
	uint64_t stack;
	uint64_t stack_size;
	uint64_t tls;
	uint64_t set_tid;
	uint64_t set_tid_size;
	uint64_t cgroup;
};

enum { STACK_SIZE = 64 * 1024 };

static char stack[STACK_SIZE] __attribute__((aligned(16)));
static volatile int value;
static int tid_seen;

/* Runs `fn` in a child on a stack of its own; returns its wait status. */
static int run(int (*fn)(void *), int flags, void *arg)
{
	int st = -1;
	pid_t pid = clone(fn, stack + STACK_SIZE, flags | SIGCHLD, arg, &tid_seen, NULL, &tid_seen);

	if (pid < 0)
		return -1;
	while (waitpid(pid, &st, __WALL) < 0 && errno == EINTR)
		;
	return st;
}

static int set_value(void *arg)
{
	value = *(int *)arg;
	return 3;
}

static int close_descriptor(void *arg)
{
	return close(*(int *)arg) == 0 ? 0 : 1;
}

static int change_directory(void *arg)
{
	umask(0077);
	return chdir(arg) == 0 ? 0 : 1;
}

static void memory_is_shared_on_request(void)
{
	int v = 11;

	value = 0;
	is(run(set_value, 0, &v), EXITED(3), "a child without CLONE_VM");
	is(value, 0, "writes its own memory");
	is(run(set_value, CLONE_VM, &v), EXITED(3), "a child with CLONE_VM");
	is(value, 11, "writes its parent's");
	v = 12;
	is(run(set_value, CLONE_VM | CLONE_VFORK, &v), EXITED(3), "CLONE_VM and CLONE_VFORK");
	is(value, 12, "as vfork does");
}

static void files_are_shared_on_request(void)
{
	int fd = dup(1);

	is(run(close_descriptor, 0, &fd), 0, "a child without CLONE_FILES closes a descriptor");
	ok(fcntl(fd, F_GETFD) >= 0, "the parent's stays open");
	is(run(close_descriptor, CLONE_FILES, &fd), 0, "a child with CLONE_FILES closes it");
	fails(fcntl(fd, F_GETFD), EBADF, "and the parent's is closed");
}

static void directory_is_shared_on_request(void)
{
	char where[256];
	mode_t mask = umask(022);

	chdir("/");
	is(run(change_directory, 0, "/tmp"), 0, "a child without CLONE_FS changes directory");
	is_str(getcwd(where, sizeof(where)), "/", "the parent's stays");
	is(run(change_directory, CLONE_FS, "/tmp"), 0, "a child with CLONE_FS changes directory");
	is_str(getcwd(where, sizeof(where)), "/tmp", "the parent moves along");
	is(umask(mask), 0077, "and so does the file mode mask");
}

static int same_parent(void *arg)
{
	return getppid() == *(pid_t *)arg ? 0 : 1;
}

static void parent_can_be_inherited(void)
{
	volatile int *seen = shared_ints();
	pid_t me = getpid();
	int st;

	if (child(&st) == 0) {
		pid_t pid = clone(same_parent, stack + STACK_SIZE, CLONE_PARENT | SIGCHLD, &me);
		*seen = pid;
		_exit(pid > 0 && waitpid(pid, NULL, 0) == -1 && errno == ECHILD ? 0 : 1);
	}
	is(st, 0, "a child made with CLONE_PARENT is a sibling");
	is(reap(*seen), 0, "its parent is its creator's parent");
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void thread_ids_are_stored(void)
{
	pid_t parent_tid = 0, child_tid = 0;
	int st;

	pid_t pid = clone(nothing, stack + STACK_SIZE,
			  CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL,
			  &parent_tid, NULL, &child_tid);
	is(waitpid(pid, &st, 0), pid, "a child with both tid stores");
	is(parent_tid, pid, "CLONE_PARENT_SETTID stores in the parent");
	is(child_tid, pid, "CLONE_CHILD_SETTID stores in the child");
	child_tid = 99;
	pid = clone(nothing, stack + STACK_SIZE, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL,
		    NULL, NULL, &child_tid);
	is(waitpid(pid, &st, 0), pid, "a child with CLONE_CHILD_CLEARTID");
	is(child_tid, 0, "clears the word at its end");
	ok(syscall(SYS_set_tid_address, &child_tid) == getpid(), "set_tid_address returns the tid");
}

static void exit_signal_is_chosen(void)
{
	sigset_t set;
	siginfo_t info = {0};
	struct timespec second = {.tv_sec = 5};
	int st;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid_t pid = clone(nothing, stack + STACK_SIZE, SIGUSR2, NULL);
	is(sigtimedwait(&set, &info, &second), SIGUSR2, "the exit signal is the one asked for");
	is(info.si_pid, pid, "from the child");
	is(info.si_code, CLD_EXITED, "with CLD_EXITED");
	is(waitpid(pid, &st, __WALL), pid, "the child is reaped with __WALL");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static long raw_clone(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return pid;
}

static void bad_combinations_are_refused(void)
{
	fails(raw_clone(CLONE_THREAD | SIGCHLD), EINVAL, "CLONE_THREAD without CLONE_SIGHAND");
	fails(raw_clone(CLONE_SIGHAND | SIGCHLD), EINVAL, "CLONE_SIGHAND without CLONE_VM");
	fails(raw_clone(CLONE_NEWNS | CLONE_FS | SIGCHLD), EINVAL, "CLONE_NEWNS with CLONE_FS");
	fails(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD), EINVAL,
	      "CLONE_PIDFD with CLONE_PARENT_SETTID");
}

static long clone3(struct clone3_args *args, size_t size)
{
	return syscall(SYS_clone3, args, size);
}

static void clone3_forks(void)
{
	struct clone3_args args = {.exit_signal = SIGCHLD};
	pid_t tid = 0;
	int st;

	long pid = clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(31);
	ok(pid > 0, "clone3 as fork");
	is(reap((pid_t)pid), EXITED(31), "the child's status arrives");
	args.flags = CLONE_PARENT_SETTID;
	args.parent_tid = (uintptr_t)&tid;
	pid = clone3(&args, 64);
	if (pid == 0)
		_exit(0);
	ok(pid > 0, "clone3 with the first version's size");
	is(tid, pid, "parent_tid is stored");
	is(waitpid((pid_t)pid, &st, 0), pid, "reaped");
}

static void clone3_checks_its_arguments(void)
{
	struct {
		struct clone3_args args;
		uint64_t more[4];
	} big = {.args = {.exit_signal = SIGCHLD}};

	fails(clone3(&big.args, 63), EINVAL, "a size below the first version");
	fails(clone3(&big.args, 8192), E2BIG, "a size beyond a page");
	big.more[1] = 1;
	fails(clone3(&big.args, sizeof(big)), E2BIG, "unknown fields that are not zero");
	fails(clone3(BAD_POINTER, sizeof(big.args)), EFAULT, "a bad pointer");
	big.args.exit_signal = 100;
	fails(clone3(&big.args, sizeof(big.args)), EINVAL, "an exit signal that does not exist");
	big.args.exit_signal = SIGCHLD;
	big.args.flags = SIGCHLD;
	fails(clone3(&big.args, sizeof(big.args)), EINVAL, "an exit signal among the flags");
	big.args.flags = 0;
	big.args.stack = (uintptr_t)stack;
	fails(clone3(&big.args, sizeof(big.args)), EINVAL, "a stack without a size");
	big.args.stack = 0;
	big.args.stack_size = STACK_SIZE;
	fails(clone3(&big.args, sizeof(big.args)), EINVAL, "a size without a stack");
}

int main(void)
{
	memory_is_shared_on_request();
	files_are_shared_on_request();
	directory_is_shared_on_request();
	parent_can_be_inherited();
	thread_ids_are_stored();
	exit_signal_is_chosen();
	bad_combinations_are_refused();
	clone3_forks();
	clone3_checks_its_arguments();
	return done();
}
