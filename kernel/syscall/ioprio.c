/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioprio_set(2) and ioprio_get(2): a thread's class and level of input and output.
 *
 * Disks are served in the order of arrival, as by Linux without a scheduler of its own: the value
 * is kept and handed down.
 */
#include "lib/errno.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/session.h"
#include "proc/user_namespace.h"
#include "syscall/table.h"

enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_WHO_PGRP = 2, IOPRIO_WHO_USER = 3 };
enum { CLASS_NONE, CLASS_REALTIME, CLASS_BEST_EFFORT, CLASS_IDLE };
enum { CLASS_SHIFT = 13, LEVELS = 8, NORMAL_LEVEL = 4 };

struct ioprio_walk {
	int which, who;
	bool set;
	u16 priority;
	long result; /* of getting: the best; of setting: 0 or an error; -ESRCH: nobody yet */
};

static int check(int priority)
{
	int level = priority & ((1 << CLASS_SHIFT) - 1);

	switch (priority >> CLASS_SHIFT) {
	case CLASS_REALTIME:
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
			return -EPERM;
		return level < LEVELS ? 0 : -EINVAL;
	case CLASS_BEST_EFFORT:
		return level < LEVELS ? 0 : -EINVAL;
	case CLASS_IDLE:
		return 0;
	case CLASS_NONE:
		return level == 0 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static bool may_control(struct task *task)
{
	const struct credentials *mine = current_credentials();
	struct credentials *theirs = credentials_of_task(task);
	bool allowed = theirs->uid == mine->euid || theirs->uid == mine->uid ||
		       capable_in(theirs->user_namespace, CAP_SYS_NICE);

	credentials_put(theirs);
	return allowed;
}

/* For comparing: who has none counts as best effort. */
static u16 effective(u16 priority)
{
	return priority >> CLASS_SHIFT != CLASS_NONE
		       ? priority
		       : (u16)(CLASS_BEST_EFFORT << CLASS_SHIFT | NORMAL_LEVEL);
}

static void visit(struct ioprio_walk *walk, struct task *task)
{
	if (walk->set) {
		long error = may_control(task) ? 0 : -EPERM;

		if (error == 0)
			WRITE_ONCE(task->io_priority, walk->priority);
		if (error != 0 || walk->result == -ESRCH)
			walk->result = error;
		return;
	}
	u16 its = READ_ONCE(task->io_priority);
	if (walk->which == IOPRIO_WHO_PROCESS)
		walk->result = its;
	else if (walk->result < 0 || effective(its) < walk->result)
		walk->result = effective(its);
}

static bool is_meant(const struct ioprio_walk *walk, struct process *process)
{
	if (walk->which == IOPRIO_WHO_PGRP)
		return process->group != NULL && pid_shown(process->group->pid) == walk->who;
	return process_uid(process) == uid_given((uid_t)walk->who);
}

static long walk_tasks(struct ioprio_walk *walk)
{
	struct process *process;
	struct task *task;

	if (walk->which < IOPRIO_WHO_PROCESS || walk->which > IOPRIO_WHO_USER)
		return -EINVAL;
	if (walk->which == IOPRIO_WHO_PROCESS) {
		task = walk->who == 0 ? task_get(current) : task_find(walk->who);
		if (task == NULL)
			return -ESRCH;
		visit(walk, task);
		task_put(task);
		return walk->result;
	}
	if (walk->who == 0)
		walk->who = walk->which == IOPRIO_WHO_PGRP
				    ? process_group_id(current->process)
				    : (int)uid_shown(current_credentials()->uid);
	unsigned long flags = process_tree_lock();
	for_each_process_locked(process)
	{
		if (!is_meant(walk, process))
			continue;
		for_each_thread(task, process) visit(walk, task);
	}
	process_tree_unlock(flags);
	return walk->result;
}

long sys_ioprio_set(int which, int who, int priority)
{
	struct ioprio_walk walk = {
		.which = which,
		.who = who,
		.set = true,
		.priority = (u16)priority,
		.result = -ESRCH,
	};
	int error = check(priority);

	return error != 0 ? error : walk_tasks(&walk);
}

long sys_ioprio_get(int which, int who)
{
	struct ioprio_walk walk = {.which = which, .who = who, .result = -ESRCH};

	return walk_tasks(&walk);
}
