/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: from a node to the process, thread or memory that it speaks of.
 *
 * A node's struct pid outlives the process; pid->task, guarded by process_tree_lock, says whether
 * there still is one.
 */
#include "fs/procfs/procfs.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/pid.h"
#include "proc/process.h"

struct task *proc_node_task(const struct proc_node *node)
{
	unsigned long flags = process_tree_lock();
	struct task *task =
		node->pid != NULL && node->pid->task != NULL ? task_get(node->pid->task) : NULL;

	process_tree_unlock(flags);
	return task;
}

struct process *proc_node_process(const struct proc_node *node)
{
	unsigned long flags = process_tree_lock();
	struct process *process = node->pid != NULL && node->pid->task != NULL
					  ? process_get(node->pid->task->process)
					  : NULL;

	process_tree_unlock(flags);
	return process;
}

static struct address_space *task_space(struct task *task)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	struct address_space *space =
		task->space != NULL ? vmm_get_address_space(task->space) : NULL;

	spin_unlock_irqrestore(&task->lock, flags);
	return space;
}

struct address_space *proc_process_space(struct process *process)
{
	struct address_space *space = NULL;
	struct task *task;
	unsigned long flags = spin_lock_irqsave(&process->lock);

	/* Any thread that has not left its memory yet will do. */
	for_each_thread(task, process)
	{
		space = task_space(task);
		if (space != NULL)
			break;
	}
	spin_unlock_irqrestore(&process->lock, flags);
	return space;
}

struct address_space *proc_node_space(const struct proc_node *node)
{
	struct process *process = proc_node_process(node);

	if (process == NULL)
		return NULL;
	struct address_space *space = proc_process_space(process);
	process_put(process);
	return space;
}

int proc_may_inspect(const struct proc_node *node)
{
	struct task *task = proc_node_task(node);

	if (task == NULL)
		return -ESRCH;
	const struct credentials *mine = current_credentials();
	struct credentials *theirs = credentials_of_task(task);
	bool same_process = task->process == current->process;
	bool same_user = mine->fsuid == theirs->euid && mine->fsuid == theirs->suid &&
			 mine->fsuid == theirs->uid && mine->fsgid == theirs->egid &&
			 mine->fsgid == theirs->sgid && mine->fsgid == theirs->gid;
	bool may = same_process || capable_in(theirs->user_namespace, CAP_SYS_PTRACE) ||
		   (same_user && mine->user_namespace == theirs->user_namespace &&
		    READ_ONCE(task->process->dumpable));

	credentials_put(theirs);
	task_put(task);
	return may ? 0 : -EACCES;
}

int proc_inspect_space(const struct proc_node *node, struct address_space **space)
{
	/* First the memory, then the question: a process that executes a set-user-ID program stops
	 * being dumpable before it has the program's memory. */
	*space = proc_node_space(node);
	int error = proc_may_inspect(node);

	if (error && *space != NULL)
		vmm_put_address_space(*space);
	if (error)
		*space = NULL;
	return error;
}

int proc_parse_number(const char *name, size_t length)
{
	int number = 0;

	if (length == 0 || length > 9 || (name[0] == '0' && length > 1))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		number = number * 10 + (name[i] - '0');
	}
	return number;
}
