/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may look into whose memory: see access.h.
 *
 * The memory is taken before the credentials are looked at.  Should the other process exec a
 * set-user-ID program in between, then the reference is to its old memory.
 */
#include "proc/access.h"

#include "lib/errno.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/landlock.h"
#include "proc/process.h"
#include "proc/task.h"

static bool same_owner(const struct credentials *mine, const struct credentials *theirs)
{
	return mine->uid == theirs->euid && mine->uid == theirs->suid && mine->uid == theirs->uid &&
	       mine->gid == theirs->egid && mine->gid == theirs->sgid && mine->gid == theirs->gid;
}

int task_may_inspect(struct task *task)
{
	if (task->process == current->process)
		return 0;
	int error = landlock_may_trace(current, task);
	if (error != 0 || capable_towards(task, CAP_SYS_PTRACE))
		return error;
	const struct credentials *mine = current_credentials();
	struct credentials *theirs = credentials_of_task(task);
	bool may = same_owner(mine, theirs) && READ_ONCE(task->process->dumpable) &&
		   mine->user_namespace == theirs->user_namespace &&
		   !(theirs->cap_permitted & ~mine->cap_permitted);

	credentials_put(theirs);
	return may ? 0 : -EPERM;
}

static struct address_space *space_of(struct task *task)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	struct address_space *space =
		task->space != NULL ? vmm_get_address_space(task->space) : NULL;

	spin_unlock_irqrestore(&task->lock, flags);
	return space;
}

int task_inspect_space(pid_t tid, int no_memory, struct address_space **space)
{
	struct task *task = tid == 0 ? task_get(current) : task_find(tid);
	int result = 0;

	if (task == NULL)
		return -ESRCH;
	*space = space_of(task);
	if (*space != current->space)
		result = task_may_inspect(task);
	if (result == 0 && *space == NULL)
		result = no_memory;
	if (result != 0)
		vmm_put_address_space(*space);
	task_put(task);
	return result;
}
