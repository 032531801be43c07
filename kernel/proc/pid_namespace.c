/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of process numbers, and the end of one: see pid_namespace.h.
 *
 * A pid holds the innermost of its namespaces, and a namespace the one above it, so what a pid
 * points at is there.  process_tree_lock guards everything that changes; releasing needs no lock.
 */
#include "proc/pid_namespace.h"

#include "lib/abi/signal.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/acct.h"
#include "proc/proc_internal.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/user_namespace.h"

static struct pid_namespace first;

struct pid_namespace *pid_namespace_first(void)
{
	return &first;
}

struct pid_namespace *pid_namespace_of(const struct pid *pid)
{
	return pid ? pid->numbers[pid->level].space : &first;
}

struct pid_namespace *pid_namespace_current(void)
{
	return pid_namespace_of(current->numbers);
}

struct pid_namespace *pid_namespace_for_children(void)
{
	return current->namespaces ? pid_namespace_from(current->namespaces->of[NAMESPACE_PID])
				   : &first;
}

bool pid_namespace_is_below(const struct pid_namespace *space, const struct pid_namespace *ancestor)
{
	while (space->level > ancestor->level)
		space = space->parent;
	return space == ancestor;
}

/* --- The kind --- */

/* A new one is below the caller's own, and only while its children would be there as well. */
static struct namespace *copy(struct namespace *from, const struct namespace_request *request)
{
	struct pid_namespace *parent = pid_namespace_from(from), *space;

	if (parent != pid_namespace_current())
		return ERR_PTR(-EINVAL);
	if (parent->level >= PID_NAMESPACE_MAX_LEVEL)
		return ERR_PTR(-ENOSPC);
	if (!user_namespace_is_below(request->owner, parent->base.owner))
		return ERR_PTR(-EINVAL);
	space = kzalloc(sizeof(*space));
	if (!space)
		return ERR_PTR(-ENOMEM);
	int error = namespace_init(&space->base, NAMESPACE_PID, request->owner);
	if (error) {
		kfree(space);
		return ERR_PTR(error);
	}
	space->level = parent->level + 1;
	space->parent = parent;
	namespace_get(&parent->base);
	return &space->base;
}

static void release(struct namespace *base)
{
	struct pid_namespace *space = pid_namespace_from(base);

	namespace_put(&space->parent->base);
	namespace_fini(base);
	kfree(space);
}

/* Only downwards: nobody leaves a namespace for one that his own does not rule. */
static int check(struct namespace *space, const struct credentials *credentials __unused)
{
	return pid_namespace_is_below(pid_namespace_from(space), pid_namespace_current()) ? 0
											  : -EINVAL;
}

static const struct namespace_kind_ops operations = {
	.copy = copy, .release = release, .check = check};

void pid_namespaces_init(void)
{
	namespace_register(NAMESPACE_PID, &operations, &first.base);
}

/* --- Who is in it --- */

void pid_namespace_enter_locked(struct task *task)
{
	struct process *process = task->process;
	struct pid *pid = task->pid;
	struct pid_number *innermost = &pid->numbers[pid->level];

	for (u32 level = 0; level <= pid->level; level++)
		pid->numbers[level].space->tasks++;
	if (innermost->number == 1 && process->leader == task) {
		innermost->space->init = process;
		signal_protect(process);
	}
}

void pid_namespace_leave_locked(struct task *task)
{
	struct pid *pid = task->pid;

	for (u32 level = 0; level <= pid->level; level++) {
		struct pid_namespace *space = pid->numbers[level].space;

		space->tasks--;
		if (space->closed && space->init)
			wake_up_all(&space->init->child_wait);
	}
	struct pid_namespace *own = pid_namespace_of(pid);
	if (own->init == task->process && task->process->leader == task)
		own->init = NULL;
}

struct process *pid_namespace_reaper_locked(const struct process *process)
{
	struct pid_namespace *space = pid_namespace_of(process->numbers);

	return space->init && space->init != process ? space->init : init_process();
}

/* --- The end --- */

/* No more numbers; everybody but init himself has to go. */
static void close_locked(struct pid_namespace *space, struct process *init)
{
	struct pid *pid = NULL;

	space->closed = true;
	for (pid_t from = 1; (pid = pid_next_in_locked(space, from)) != NULL;) {
		struct task *task = pid->task;

		from = pid_number_in(pid, space) + 1;
		if (!task || task->process == init || task->process->leader != task)
			continue;
		spin_lock(&task->process->lock);
		process_begin_exit_locked(task->process, SIGKILL);
		spin_unlock(&task->process->lock);
	}
}

/* Are only the init's own threads left? */
static bool is_empty(struct pid_namespace *space, struct process *init)
{
	unsigned long flags = process_tree_lock();
	bool empty = space->tasks <= init->thread_count;

	process_tree_unlock(flags);
	return empty;
}

void pid_namespace_end(struct process *process)
{
	struct pid_namespace *space = pid_namespace_of(process->numbers);

	if (READ_ONCE(space->init) != process || space == &first)
		return;
	acct_forget_namespace(space);
	/* Nobody will wait for the children that are left. */
	signal_ignore_children(process);
	unsigned long flags = process_tree_lock();
	close_locked(space, process);
	process_tree_unlock(flags);
	process_reap_zombies(process);
	wait_event(&process->child_wait, is_empty(space, process));
}
