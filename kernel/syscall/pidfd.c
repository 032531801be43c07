/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that take a descriptor of a process: making one, sending a signal, taking one of its
 * open files, advising on its memory.
 *
 * The descriptor lends its process for the length of the call.  A process that has been waited for
 * is gone (-ESRCH), whatever has its number now.
 */
#include "ipc/pidfd.h"

#include "fs/procfs/procfs.h"
#include "lib/abi/mman.h"
#include "lib/errno.h"
#include "mm/iov.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "mm/vmm.h"
#include "proc/access.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "syscall/process_internal.h"
#include "syscall/table.h"

long sys_pidfd_open(pid_t pid, u32 flags)
{
	if (flags & ~(u32)PIDFD_NONBLOCK || pid <= 0)
		return -EINVAL;
	struct task *task = task_find(pid);
	if (task == NULL)
		return -ESRCH;
	bool leads = process_shown(task->process) == pid;
	struct file *file = leads ? pidfd_create(task->process, flags) : ERR_PTR(-EINVAL);
	task_put(task);
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, O_CLOEXEC);
}

/* Calls function(process, argument) for the process of a descriptor.  -EBADF. */
static long with_process(int pidfd, long (*function)(struct process *process, void *argument),
			 void *argument)
{
	struct fd_borrow borrow = fd_borrow(pidfd);

	if (borrow.file == NULL)
		return -EBADF;
	struct process *process = pidfd_process(borrow.file);
	long result = process != NULL ? function(process, argument) : -EBADF;
	fd_return(borrow);
	return result;
}

/* The first thread of a process, with a reference; NULL when it is gone. */
static struct task *leader_of(struct process *process)
{
	unsigned long flags = process_tree_lock();
	struct task *leader = process->leader;

	if (leader != NULL)
		task_get(leader);
	process_tree_unlock(flags);
	return leader;
}

/* --- Signals --- */

struct send_request {
	int signal;
	vaddr_t info;
};

static long send_signal(struct process *process, void *argument)
{
	const struct send_request *request = argument;
	struct siginfo info;

	if (request->info != 0) {
		if (get_user(info, request->info) < 0)
			return -EFAULT;
		if (info.signo != request->signal)
			return -EINVAL;
		if ((info.code >= 0 || info.code == SI_TKILL) && process != current->process)
			return -EPERM;
	} else {
		siginfo_init_user(&info, request->signal, SI_USER);
	}
	if (process_shown(process) == 0)
		return -EINVAL;
	if (READ_ONCE(process->reaped))
		return -ESRCH;
	if (request->signal < 0 || request->signal > SIGNAL_MAX)
		return -EINVAL;
	long result = signal_permission(process, request->signal);
	return result == 0 ? signal_send(process, &info) : result;
}

/* Before there were pidfds, open directories of /proc were the way to hold on to a process. */
static long send_through_directory(int fd, struct send_request *request)
{
	struct fd_borrow borrow = fd_borrow(fd);

	if (borrow.file == NULL)
		return -EBADF;
	struct process *process = proc_directory_process(borrow.file);
	fd_return(borrow);
	if (process == NULL)
		return -EBADF;
	long result = send_signal(process, request);
	process_put(process);
	return result;
}

long sys_pidfd_send_signal(int pidfd, int signal, vaddr_t info, u32 flags)
{
	struct send_request request = {signal, info};

	if (flags != 0)
		return -EINVAL;
	long result = with_process(pidfd, send_signal, &request);
	return result == -EBADF ? send_through_directory(pidfd, &request) : result;
}

/* --- Open files --- */

static long take_file(struct process *process, void *argument)
{
	struct task *task = leader_of(process);

	if (task == NULL)
		return -ESRCH;
	long result = task_may_inspect(task);
	if (result == 0) {
		struct file *file = task_get_file(task, *(int *)argument);
		result = file != NULL ? fd_install(file, O_CLOEXEC) : -EBADF;
	}
	task_put(task);
	return result;
}

long sys_pidfd_getfd(int pidfd, int fd, u32 flags)
{
	return flags != 0 ? -EINVAL : with_process(pidfd, take_file, &fd);
}

/* --- Memory --- */

/* The memory of a process, any of whose threads may still have it, with a reference; ERR_PTR. */
static struct address_space *space_of(struct process *process)
{
	struct task *task;
	struct address_space *space = NULL;
	unsigned long flags = process_tree_lock();

	for_each_thread(task, process)
	{
		spin_lock(&task->lock);
		if (task->space != NULL)
			space = vmm_get_address_space(task->space);
		spin_unlock(&task->lock);
		if (space != NULL)
			break;
	}
	process_tree_unlock(flags);
	return space != NULL ? space : ERR_PTR(-ESRCH);
}

struct advice_request {
	const struct user_iovec *vector;
	size_t count;
	int advice;
};

static bool may_advise_others(int advice)
{
	return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED ||
	       advice == MADV_COLLAPSE;
}

/* Bytes of whole buffers that the advice was taken for; an error when that is none. */
static long advise_all(struct address_space *space, const struct advice_request *request)
{
	long done = 0;

	for (size_t i = 0; i < request->count; i++) {
		const struct user_iovec *buffer = &request->vector[i];
		int error = vmm_madvise(space, buffer->base, buffer->length, request->advice);
		if (error != 0)
			return done > 0 ? done : error;
		done += (long)buffer->length;
	}
	return done;
}

static long advise_process(struct process *process, void *argument)
{
	const struct advice_request *request = argument;

	if (READ_ONCE(process->reaped))
		return -ESRCH;
	if (!may_advise_others(request->advice))
		return -EINVAL;
	struct task *leader = leader_of(process);
	struct address_space *space = space_of(process);
	long result = IS_ERR(space) ? PTR_ERR(space) : 0;
	if (result == 0 && space != current->space)
		result = leader == NULL ? -ESRCH : task_may_inspect(leader) < 0 ? -EACCES : 0;
	if (result == 0 && !capable(CAP_SYS_NICE))
		result = -EPERM;
	if (result == 0)
		result = advise_all(space, request);
	if (!IS_ERR(space))
		vmm_put_address_space(space);
	if (leader != NULL)
		task_put(leader);
	return result;
}

long sys_process_madvise(int pidfd, vaddr_t vector, size_t count, int advice, u32 flags)
{
	if (flags != 0)
		return -EINVAL;
	struct user_iovec *buffers = copy_remote_vector(vector, count);
	if (IS_ERR(buffers))
		return PTR_ERR(buffers);
	struct advice_request request = {buffers, count, advice};
	long result = with_process(pidfd, advise_process, &request);
	kfree(buffers);
	return result;
}

/* Is everybody who has that memory on the way out? */
static bool all_users_exit(const struct address_space *space)
{
	struct process *process;
	struct task *task;
	bool all = true;
	unsigned long flags = process_tree_lock();

	for_each_process_locked(process)
	{
		if (READ_ONCE(process->exiting))
			continue;
		for_each_thread(task, process) all = all && READ_ONCE(task->space) != space;
	}
	process_tree_unlock(flags);
	return all;
}

/* Gives the anonymous private pages back, as the process's own end will. */
static long release_memory(struct process *process, void *argument __unused)
{
	struct region_info info = {0};

	struct address_space *space = space_of(process);
	if (IS_ERR(space))
		return PTR_ERR(space);
	long result = all_users_exit(space) ? 0 : -EINVAL;
	while (result == 0 && vmm_next_region(space, info.end, &info, false)) {
		if (!info.shared && info.inode == 0)
			(void)!vmm_madvise(space, info.start, info.end - info.start,
					   MADV_DONTNEED_LOCKED);
		if (signal_pending(current))
			result = -EINTR;
	}
	vmm_put_address_space(space);
	return result;
}

long sys_process_mrelease(int pidfd, u32 flags)
{
	return flags != 0 ? -EINVAL : with_process(pidfd, release_memory, NULL);
}
