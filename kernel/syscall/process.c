/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on processes and threads: making them, running programs, ending, and what a process
 * is.
 */
#include "arch/clock.h"
#include "lib/abi/fcntl.h"
#include "lib/abi/prctl.h"
#include "lib/abi/resource.h"
#include "lib/abi/sched.h"
#include "lib/abi/signal.h"
#include "lib/abi/wait.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/exec.h"
#include "proc/fork.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/seccomp.h"
#include "proc/signal.h"
#include "proc/time.h"
#include "syscall/process_internal.h"
#include "syscall/table.h"

#define PATH_LIMIT 4096

/* --- fork and its kin --- */

long sys_fork(void)
{
	struct clone_request request = {.exit_signal = SIGCHLD};

	return process_clone(&request);
}

long sys_vfork(void)
{
	struct clone_request request = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};

	return process_clone(&request);
}

long sys_clone(u64 flags, vaddr_t stack, vaddr_t parent_tid, vaddr_t child_tid, vaddr_t tls)
{
	int signal = (int)(flags & CSIGNAL);
	struct clone_request request = {
		.flags = flags & UINT32_MAX & ~CSIGNAL,
		/* A number that is no signal means that none is sent. */
		.exit_signal = signal <= SIGNAL_MAX ? signal : 0,
		.stack = stack,
		.tls = tls,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.pidfd = parent_tid,
	};

	/* They would be stored at the same place. */
	if (flags & CLONE_PIDFD && flags & CLONE_PARENT_SETTID)
		return -EINVAL;
	return process_clone(&request);
}

/* A structure that may be longer than we know it, if the rest is zero (see clone3(2),
 * sched_setattr(2)). */
int copy_versioned(void *to, size_t known, vaddr_t from, size_t size)
{
	memset(to, 0, known);
	if (copy_from_user(to, (const void __user *)from, MIN(size, known)))
		return -EFAULT;
	for (size_t at = known; at < size; at++) {
		u8 byte;
		if (get_user(byte, from + at))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return 0;
}

static bool clone3_is_valid(const struct linux_clone_args *args)
{
	u64 known = UINT32_MAX | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

	if (args->flags & (~known | CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME)))
		return false;
	if (args->exit_signal > SIGNAL_MAX)
		return false;
	if (args->flags & (CLONE_THREAD | CLONE_PARENT) && args->exit_signal)
		return false;
	if (!args->stack != !args->stack_size)
		return false;
	if (args->flags & CLONE_PIDFD && args->flags & CLONE_PARENT_SETTID &&
	    args->pidfd == args->parent_tid)
		return false;
	if (args->stack && !user_range_ok(args->stack, args->stack_size))
		return false;
	return !args->set_tid == !args->set_tid_size &&
	       args->set_tid_size <= PID_NAMESPACE_MAX_LEVEL;
}

/* The numbers that the child is to have, which who rules all those namespaces may choose. */
static int get_wanted(pid_t *wanted, const struct linux_clone_args *args)
{
	struct pid_namespace *space = pid_namespace_for_children();
	bool fresh = args->flags & CLONE_NEWPID;

	if (copy_from_user(wanted, (const void __user *)args->set_tid,
			   args->set_tid_size * sizeof(*wanted)))
		return -EFAULT;
	for (u64 i = 0; i < args->set_tid_size; i++) {
		if (wanted[i] < 1)
			return -EINVAL;
		if (i == 0 && fresh)
			continue;
		if (!space)
			return -EINVAL;
		if (!capable_in(space->base.owner, CAP_SYS_ADMIN))
			return -EPERM;
		space = space->parent;
	}
	return 0;
}

long sys_clone3(vaddr_t arguments, size_t size)
{
	struct linux_clone_args args;
	pid_t wanted[PID_NAMESPACE_MAX_LEVEL];

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	int error = copy_versioned(&args, sizeof(args), arguments, size);
	if (error)
		return error;
	if (!clone3_is_valid(&args))
		return -EINVAL;
	if (args.set_tid) {
		error = get_wanted(wanted, &args);
		if (error)
			return error;
	}
	struct clone_request request = {
		.flags = args.flags,
		.exit_signal = (int)args.exit_signal,
		.stack = args.stack + args.stack_size,
		.tls = args.tls,
		.parent_tid = args.parent_tid,
		.child_tid = args.child_tid,
		.wanted_tids = wanted,
		.wanted_count = (u32)args.set_tid_size,
		.pidfd = args.pidfd,
	};
	return process_clone(&request);
}

/* --- exec and exit --- */

static long exec_at(int dirfd, vaddr_t path, vaddr_t argv, vaddr_t envp, int flags)
{
	char *name = strdup_from_user((const char __user *)path, PATH_LIMIT);
	if (IS_ERR(name))
		return PTR_ERR(name);
	long result = exec_user(dirfd, name, argv, envp, flags);
	kfree(name);
	return result;
}

long sys_execve(vaddr_t path, vaddr_t argv, vaddr_t envp)
{
	return exec_at(AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(int dirfd, vaddr_t path, vaddr_t argv, vaddr_t envp, int flags)
{
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return exec_at(dirfd, path, argv, envp, flags);
}

long sys_exit(int status)
{
	task_exit(WAIT_STATUS_EXITED(status));
}

long sys_exit_group(int status)
{
	process_exit_group(WAIT_STATUS_EXITED(status));
}

/* --- Who am I --- */

long sys_getpid(void)
{
	return process_shown(current->process);
}

long sys_gettid(void)
{
	return task_shown(current);
}

long sys_getppid(void)
{
	return READ_ONCE(current->process->parent_pid);
}

long sys_set_tid_address(vaddr_t address)
{
	current->clear_child_tid = address;
	return task_shown(current);
}

long sys_ptrace(long request, pid_t tid, vaddr_t address, vaddr_t data)
{
	return ptrace_request(request, tid, address, data);
}

/* --- prctl --- */

static long set_name(vaddr_t address)
{
	char name[TASK_COMM_LENGTH];

	ssize_t length = strncpy_from_user(name, (const char __user *)address, sizeof(name));
	if (length < 0)
		return length;
	name[sizeof(name) - 1] = '\0';
	task_set_name(current, name);
	return 0;
}

static long get_name(vaddr_t address)
{
	char name[TASK_COMM_LENGTH];

	task_get_name(current, name);
	return copy_to_user((void __user *)address, name, sizeof(name));
}

static long set_parent_death_signal(u64 signal)
{
	if (signal > SIGNAL_MAX)
		return -EINVAL;
	unsigned long flags = process_tree_lock();
	current->parent_death_signal = (int)signal;
	process_tree_unlock(flags);
	return 0;
}

static long set_subreaper(bool wanted)
{
	unsigned long flags = process_tree_lock();
	current->process->child_subreaper = wanted;
	process_tree_unlock(flags);
	return 0;
}

static long set_dumpable(u64 value)
{
	if (value > 1)
		return -EINVAL;
	WRITE_ONCE(current->process->dumpable, value != 0);
	return 0;
}

static long set_no_new_privileges(void)
{
	WRITE_ONCE(current->process->no_new_privileges, true);
	return 0;
}

static long set_no_huge(bool no_huge)
{
	WRITE_ONCE(current->space->no_huge, no_huge);
	return 0;
}

long sys_prctl(int option, u64 argument2, u64 argument3, u64 argument4, u64 argument5)
{
	switch (option) {
	case PR_SET_NAME:
		return set_name(argument2);
	case PR_GET_NAME:
		return get_name(argument2);
	case PR_SET_PDEATHSIG:
		return set_parent_death_signal(argument2);
	case PR_GET_PDEATHSIG:
		return put_user(current->parent_death_signal, argument2);
	case PR_SET_DUMPABLE:
		return set_dumpable(argument2);
	case PR_GET_DUMPABLE:
		return current->process->dumpable;
	case PR_SET_NO_NEW_PRIVS:
		return argument2 != 1 || argument3 || argument4 || argument5
			       ? -EINVAL
			       : set_no_new_privileges();
	case PR_GET_NO_NEW_PRIVS:
		return argument2 || argument3 || argument4 || argument5
			       ? -EINVAL
			       : current->process->no_new_privileges;
	case PR_GET_SECCOMP:
		return (long)current->seccomp.mode;
	case PR_SET_SECCOMP:
		if (argument2 == SECCOMP_MODE_STRICT)
			return seccomp_set_strict();
		return argument2 == SECCOMP_MODE_FILTER ? seccomp_set_filter(0, argument3)
							: -EINVAL;
	case PR_SET_CHILD_SUBREAPER:
		return set_subreaper(argument2 != 0);
	case PR_GET_CHILD_SUBREAPER:
		return put_user((int)current->process->child_subreaper, argument2);
	case PR_SET_TIMERSLACK:
		current->timer_slack = argument2 ? argument2 : PR_DEFAULT_TIMERSLACK;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)current->timer_slack;
	case PR_SET_THP_DISABLE:
		return argument3 || argument4 || argument5 ? -EINVAL : set_no_huge(argument2 != 0);
	case PR_GET_THP_DISABLE:
		return argument2 || argument3 || argument4 || argument5
			       ? -EINVAL
			       : READ_ONCE(current->space->no_huge);
	case PR_GET_TID_ADDRESS:
		return put_user(current->clear_child_tid, argument2);
	default:
		return credentials_prctl(option, argument2, argument3, argument4, argument5);
	}
}

/* --- Use of resources --- */

long sys_getrusage(int who, vaddr_t address)
{
	struct process *process = current->process;
	struct process_usage usage;

	if (who == RUSAGE_SELF) {
		process_usage(process, &usage);
	} else if (who == RUSAGE_THREAD) {
		task_usage(current, &usage);
		usage.max_resident = current->space->peak_resident * PAGE_SIZE;
	} else if (who == RUSAGE_CHILDREN) {
		unsigned long flags = spin_lock_irqsave(&process->lock);
		usage = process->children_usage;
		spin_unlock_irqrestore(&process->lock, flags);
	} else {
		return -EINVAL;
	}
	return put_rusage(address, &usage);
}

static s64 to_ticks(nsec_t time)
{
	return (s64)(time / (NSEC_PER_SEC / LINUX_CLOCKS_PER_SECOND));
}

long sys_times(vaddr_t buffer)
{
	struct process *process = current->process;
	struct process_usage own, children;

	if (buffer) {
		process_usage(process, &own);
		unsigned long flags = spin_lock_irqsave(&process->lock);
		children = process->children_usage;
		spin_unlock_irqrestore(&process->lock, flags);
		struct linux_tms times = {
			.tms_utime = to_ticks(own.user_time),
			.tms_stime = to_ticks(own.system_time),
			.tms_cutime = to_ticks(children.user_time),
			.tms_cstime = to_ticks(children.system_time),
		};
		if (put_user(times, buffer))
			return -EFAULT;
	}
	return to_ticks(clock_monotonic());
}
