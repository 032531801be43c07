/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on futexes.
 */
#include "ipc/futex.h"

#include "lib/abi/futex.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/task.h"
#include "proc/time.h"
#include "syscall/table.h"

long sys_futex(vaddr_t address, int operation, u32 value, vaddr_t timeout, vaddr_t address2,
	       u32 value3)
{
	return futex_call(address, operation, value, timeout, address2, value3);
}

long sys_futex_waitv(vaddr_t vector, u32 count, u32 flags, vaddr_t timeout, clockid_t clock)
{
	nsec_t deadline = NO_DEADLINE;

	if (flags != 0 || count == 0 || count > FUTEX_WAITV_MAX || vector == 0)
		return -EINVAL;
	if (timeout != 0) {
		nsec_t time;

		if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
			return -EINVAL;
		int result = timespec_from_user(&time, timeout);
		if (result == 0)
			result = time_deadline(clock, time, true, &deadline);
		if (result < 0)
			return result;
	}
	return futex_wait_any(vector, count, deadline);
}

long sys_set_robust_list(vaddr_t head, size_t size)
{
	if (size != sizeof(struct linux_robust_list_head))
		return -EINVAL;
	current->robust_list = head;
	current->robust_list_size = size;
	return 0;
}

/* Another thread's list is as private as its memory. */
static bool may_look(struct task *task)
{
	const struct credentials *mine = current->credentials;
	struct credentials *theirs = credentials_of_task(task);
	bool allowed = task->process == current->process || capable_towards(task, CAP_SYS_PTRACE) ||
		       (mine->uid == theirs->uid && mine->uid == theirs->euid &&
			mine->uid == theirs->suid);

	credentials_put(theirs);
	return allowed;
}

long sys_get_robust_list(pid_t tid, vaddr_t head_address, vaddr_t size_address)
{
	struct task *task = tid == 0 ? task_get(current) : task_find(tid);
	u64 size = sizeof(struct linux_robust_list_head);

	if (task == NULL)
		return -ESRCH;
	vaddr_t head = READ_ONCE(task->robust_list);
	bool allowed = may_look(task);
	task_put(task);
	if (!allowed)
		return -EPERM;
	if (put_user(size, size_address) < 0 || put_user(head, head_address) < 0)
		return -EFAULT;
	return 0;
}
