/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kcmp(2): do two tasks share something?
 *
 * The order of what differs is that of addresses, scrambled, so that none is given away.
 */
#include "fs/file.h"
#include "lib/errno.h"
#include "proc/access.h"
#include "proc/process.h"
#include "proc/random.h"
#include "syscall/table.h"

enum kcmp_type {
	KCMP_FILE,
	KCMP_VM,
	KCMP_FILES,
	KCMP_FS,
	KCMP_SIGHAND,
	KCMP_IO,
	KCMP_SYSVSEM,
	KCMP_EPOLL_TFD,
};

/* 0: the same; 1: the first is less; 2: it is greater. */
static long compare(const void *first, const void *second)
{
	static u64 factor; /* odd, once chosen; racing choosers agree on the first */
	u64 none = 0, chosen;

	if (first == second)
		return 0;
	if (__atomic_load_n(&factor, __ATOMIC_RELAXED) == 0) {
		random_bytes(&chosen, sizeof(chosen));
		chosen |= 1;
		__atomic_compare_exchange_n(&factor, &none, chosen, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	}
	u64 scramble = __atomic_load_n(&factor, __ATOMIC_RELAXED);
	return (u64)first * scramble < (u64)second * scramble ? 1 : 2;
}

static long compare_files(struct task *one, struct task *other, u64 fd_one, u64 fd_other)
{
	struct file *first = fd_one <= INT_MAX ? task_get_file(one, (int)fd_one) : NULL;
	struct file *second = fd_other <= INT_MAX ? task_get_file(other, (int)fd_other) : NULL;
	long result = first != NULL && second != NULL ? compare(first, second) : -EBADF;

	if (first != NULL)
		file_put(first);
	if (second != NULL)
		file_put(second);
	return result;
}

static long compare_tasks(struct task *one, struct task *other, int type, u64 index_one,
			  u64 index_other)
{
	if (task_may_inspect(one) != 0 || task_may_inspect(other) != 0)
		return -EPERM;
	switch (type) {
	case KCMP_FILE:
		return compare_files(one, other, index_one, index_other);
	case KCMP_VM:
		return compare(READ_ONCE(one->space), READ_ONCE(other->space));
	case KCMP_FILES:
		return compare(READ_ONCE(one->files), READ_ONCE(other->files));
	case KCMP_FS:
		return compare(READ_ONCE(one->fs), READ_ONCE(other->fs));
	case KCMP_SIGHAND:
		return compare(READ_ONCE(one->process->signals.actions),
			       READ_ONCE(other->process->signals.actions));
	case KCMP_IO:
		/* Nobody has a context of that kind. */
		return 0;
	case KCMP_SYSVSEM:
		return compare(READ_ONCE(one->sem_undo), READ_ONCE(other->sem_undo));
	case KCMP_EPOLL_TFD:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

long sys_kcmp(pid_t pid_one, pid_t pid_other, int type, u64 index_one, u64 index_other)
{
	struct task *one = task_find(pid_one), *other = task_find(pid_other);
	long result = one != NULL && other != NULL
			      ? compare_tasks(one, other, type, index_one, index_other)
			      : -ESRCH;

	if (one != NULL)
		task_put(one);
	if (other != NULL)
		task_put(other);
	return result;
}
