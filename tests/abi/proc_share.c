/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tasks share: unshare(2), kcmp(2); and ioprio_set(2), which children get.
 */
#include "abi.h"

#include <sys/sem.h>

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM };
#define WHO_PROCESS 1
#define WHO_PGRP    2
#define BEST(level) (2 << 13 | (level))

static long kcmp(pid_t one, pid_t other, int type, unsigned long a, unsigned long b)
{
	return syscall(SYS_kcmp, one, other, type, a, b);
}

/* A child that shares what `flags` say runs `function`, in memory that is shared. */
static int run_sharing(unsigned long flags, int (*function)(void *))
{
	char *stack = map_pages(16);
	int status = -1;
	pid_t pid = clone(function, stack + 16 * PAGE, (int)flags | SIGCHLD, NULL);

	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

static pid_t parent;

static int stop_sharing(void *argument)
{
	(void)argument;
	if (kcmp(parent, getpid(), KCMP_FILES, 0, 0) != 0 ||
	    kcmp(parent, getpid(), KCMP_FS, 0, 0) != 0)
		return 1;
	if (unshare(CLONE_FS | CLONE_FILES) != 0)
		return 2;
	if (kcmp(parent, getpid(), KCMP_FILES, 0, 0) == 0 ||
	    kcmp(parent, getpid(), KCMP_FS, 0, 0) == 0)
		return 3;
	chdir("/");
	umask(0777);
	close(0);
	return 0;
}

static void unsharing(void)
{
	char before[256], after[256];

	parent = getpid();
	umask(022);
	getcwd(before, sizeof(before));
	is(run_sharing(CLONE_FS | CLONE_FILES, stop_sharing), 0, "a child that stops sharing");
	getcwd(after, sizeof(after));
	is_str(after, before, "goes alone");
	is(umask(022), 022, "with its mask");
	ok(fcntl(0, F_GETFD) >= 0, "and its files");
	is(unshare(0), 0, "nothing");
	is(unshare(CLONE_FS | CLONE_FILES), 0, "what nobody shares");
	is(unshare(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM), 0, "what cannot be parted, alone");
	fails(unshare(CLONE_PARENT), EINVAL, "no such part");
}

static int in_shared_memory(void *argument)
{
	(void)argument;
	return unshare(CLONE_VM) == -1 && errno == EINVAL ? 0 : 1;
}

static void undo(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600), status;
	struct sembuf add = {0, 3, SEM_UNDO};

	if (child(&status) == 0) {
		semop(id, &add, 1);
		is(semctl(id, 0, GETVAL), 3, "added");
		is(unshare(CLONE_SYSVSEM), 0, "leaves its list");
		is(semctl(id, 0, GETVAL), 0, "which is done at once");
		exit(0);
	}
	semctl(id, 0, IPC_RMID);
	is(run_sharing(CLONE_VM, in_shared_memory), 0, "shared memory stays shared");
}

static void comparing(void)
{
	int one = open("/dev/null", O_RDONLY), same = dup(one), other = open("/dev/null", O_RDONLY);
	pid_t self = getpid();
	int status;

	is(kcmp(self, self, KCMP_FILE, one, same), 0, "one open file");
	long order = kcmp(self, self, KCMP_FILE, one, other);
	ok(order == 1 || order == 2, "another");
	is(kcmp(self, self, KCMP_FILE, other, one), 3 - order, "the other way round");
	is(kcmp(self, self, KCMP_VM, 0, 0), 0, "its memory");
	fails(kcmp(self, self, KCMP_FILE, one, 999), EBADF, "no file");
	fails(kcmp(self, 0x7fffff0, KCMP_VM, 0, 0), ESRCH, "no task");
	fails(kcmp(self, self, 99, 0, 0), EINVAL, "no such thing");
	if (child(&status) == 0) {
		is(kcmp(self, getpid(), KCMP_FILE, one, same), 0, "a child has the same file");
		ok(kcmp(self, getpid(), KCMP_VM, 0, 0) > 0, "but memory of its own");
		ok(kcmp(self, getpid(), KCMP_SIGHAND, 0, 0) > 0, "and handlers");
		ok(kcmp(self, getpid(), KCMP_FILES, 0, 0) > 0, "and a table");
		is(kcmp(self, getpid(), KCMP_SYSVSEM, 0, 0), 0, "neither has anything to undo");
		become(1000, 1000);
		fails(kcmp(self, getpid(), KCMP_VM, 0, 0), EPERM, "others' are not ours to see");
		exit(0);
	}
	close(one);
	close(same);
	close(other);
}

static void io_priority(void)
{
	int status;

	is(syscall(SYS_ioprio_get, WHO_PROCESS, 0) >> 13, 0, "no class");
	is(syscall(SYS_ioprio_set, WHO_PROCESS, 0, BEST(6)), 0, "best effort");
	is(syscall(SYS_ioprio_get, WHO_PROCESS, 0), BEST(6), "kept");
	is(syscall(SYS_ioprio_get, WHO_PROCESS, getpid()), BEST(6), "by number");
	if (child(&status) == 0) {
		is(syscall(SYS_ioprio_get, WHO_PROCESS, 0), BEST(6), "a child gets it");
		setpgid(0, 0);
		is(syscall(SYS_ioprio_set, WHO_PGRP, 0, 3 << 13), 0, "a group, idle");
		is(syscall(SYS_ioprio_get, WHO_PGRP, getpid()), 3 << 13, "kept");
		become(1000, 1000);
		fails(syscall(SYS_ioprio_set, WHO_PROCESS, 0, 1 << 13), EPERM,
		      "real time is root's");
		fails(syscall(SYS_ioprio_set, WHO_PROCESS, getppid(), BEST(4)), EPERM,
		      "so are root's processes");
		is(syscall(SYS_ioprio_set, WHO_PROCESS, 0, BEST(7)), 0, "one's own are not");
		exit(0);
	}
	is(syscall(SYS_ioprio_get, WHO_PROCESS, 0), BEST(6), "the child's is its own");
	fails(syscall(SYS_ioprio_set, WHO_PROCESS, 0, 7 << 13), EINVAL, "no such class");
	fails(syscall(SYS_ioprio_set, WHO_PROCESS, 0, 1), EINVAL, "a level without class");
	fails(syscall(SYS_ioprio_set, 9, 0, BEST(4)), EINVAL, "nobody");
	fails(syscall(SYS_ioprio_get, 9, 0), EINVAL, "nobody");
	fails(syscall(SYS_ioprio_get, WHO_PROCESS, 0x7fffff0), ESRCH, "no such process");
}

int main(void)
{
	scratch();
	unsharing();
	undo();
	comparing();
	io_priority();
	return done();
}
