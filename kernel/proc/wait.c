/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for children.
 *
 * The waiting thread queues itself on its process's child_wait, then looks at the children under
 * process_tree_lock; whoever changes a child's state does so under that lock and wakes the queue
 * afterwards.  The one who takes a zombie marks it reaped under the lock, so that no two threads
 * get the same child.
 */
#include "proc/wait.h"

#include "lib/abi/signal.h"
#include "lib/abi/wait.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "proc/credentials.h"
#include "proc/proc_internal.h"
#include "proc/session.h"
#include "proc/user_namespace.h"

enum look { LOOK_NONE, LOOK_FOUND, LOOK_NO_CHILDREN };

static bool is_my_tracee(const struct task *task)
{
	return task && task->ptrace.tracer && task->ptrace.tracer->process == current->process;
}

/* Does the request mean this child at all? */
static bool eligible(const struct wait_request *request, const struct process *child)
{
	if (child->reaped)
		return false;
	if (request->which == WAIT_PROCESS && process_shown(child) != request->id)
		return false;
	if (request->which == WAIT_THIS && child != request->process)
		return false;
	if (request->which == WAIT_GROUP && pid_shown(child->group->pid) != request->id)
		return false;
	if (request->options & __WNOTHREAD && child->parent_thread != current)
		return false;
	if (request->options & __WALL || is_my_tracee(child->leader))
		return true;
	return (child->exit_signal != SIGCHLD) == !!(request->options & __WCLONE);
}

static void describe(struct process *child, struct wait_result *result, int code, int status)
{
	result->pid = process_shown(child);
	result->uid = uid_shown(process_uid(child));
	result->code = code;
	result->status = status;
	process_usage(child, &result->usage);
	usage_add(&result->usage, &child->children_usage);
}

/* Takes the zombie away; its leader goes on *dead. */
static void take_zombie(struct process *child, const struct wait_result *result,
			struct list_head *dead)
{
	struct process *parent = current->process;

	child->reaped = true;
	spin_lock(&parent->lock);
	usage_add(&parent->children_usage, &result->usage);
	spin_unlock(&parent->lock);
	list_add_tail(&process_unlink_locked(child)->thread_link, dead);
}

static int death_code(int status)
{
	if ((status & 0x7f) == 0)
		return CLD_EXITED;
	return status & WAIT_STATUS_CORE ? CLD_DUMPED : CLD_KILLED;
}

/* Has the child something to tell?  A zombie that was taken is left in *dead. */
static bool ask_child(const struct wait_request *request, struct process *child,
		      struct wait_result *result, struct list_head *dead)
{
	bool keep = request->options & WNOWAIT;

	if (child->zombie) {
		/* Somebody else's tracee is shown to him first. */
		if (!(request->options & WEXITED) || child->leader->ptrace.dead)
			return false;
		describe(child, result, death_code(child->exit_status), child->exit_status);
		if (!keep)
			take_zombie(child, result, dead);
		return true;
	}
	if (request->options & WSTOPPED && child->stop_report) {
		describe(child, result, CLD_STOPPED, WAIT_STATUS_STOPPED(child->stop_report));
		if (!keep)
			child->stop_report = 0;
		return true;
	}
	if (request->options & WCONTINUED && child->continue_report) {
		describe(child, result, CLD_CONTINUED, WAIT_STATUS_CONTINUED);
		if (!keep)
			child->continue_report = false;
		return true;
	}
	return false;
}

/* One child by number needs no walk. */
static enum look look_for_one(const struct wait_request *request, struct wait_result *result,
			      struct list_head *dead)
{
	struct process *child = process_find_locked(request->id);

	if (!child || child->parent != current->process || !eligible(request, child))
		return LOOK_NO_CHILDREN;
	return ask_child(request, child, result, dead) ? LOOK_FOUND : LOOK_NONE;
}

static enum look look_at_all(const struct wait_request *request, struct wait_result *result,
			     struct list_head *dead)
{
	enum look look = LOOK_NO_CHILDREN;
	struct process *child;

	list_for_each_entry (child, &current->process->children, sibling_link) {
		if (!eligible(request, child))
			continue;
		if (ask_child(request, child, result, dead))
			return LOOK_FOUND;
		look = LOOK_NONE;
	}
	return look;
}

/* --- Tracees, which may be single threads and other people's children --- */

static bool means_tracee(const struct wait_request *request, const struct task *task)
{
	const struct process *process = task->process;

	switch (request->which) {
	case WAIT_PROCESS:
		return task_shown(task) == request->id;
	case WAIT_GROUP:
		return process->group && pid_shown(process->group->pid) == request->id;
	case WAIT_THIS:
		return process == request->process && task == process->leader;
	default:
		return true;
	}
}

/* Has it stopped, or died so that only we know? */
static bool ask_tracee(const struct wait_request *request, struct task *task,
		       struct wait_result *result, struct list_head *dead)
{
	struct ptrace_task *its = &task->ptrace;
	bool keep = request->options & WNOWAIT;

	if (its->dead && request->options & WEXITED) {
		describe(task->process, result, death_code((int)its->code), (int)its->code);
		result->pid = task_shown(task);
		if (!keep)
			task_settle_death_locked(task, dead);
		return true;
	}
	if (its->dead || !its->stopped || its->reported || its->listening)
		return false;
	describe(task->process, result, CLD_TRAPPED, WAIT_STATUS_STOPPED((int)its->code));
	result->pid = task_shown(task);
	its->reported = !keep;
	return true;
}

static enum look look_at_tracees_of(const struct wait_request *request, struct task *tracer,
				    struct wait_result *result, struct list_head *dead)
{
	enum look look = LOOK_NO_CHILDREN;
	struct task *task;

	list_for_each_entry (task, &tracer->ptrace.traced, ptrace.traced_link) {
		if (!means_tracee(request, task))
			continue;
		if (ask_tracee(request, task, result, dead))
			return LOOK_FOUND;
		look = LOOK_NONE;
	}
	return look;
}

static enum look look_at_tracees(const struct wait_request *request, struct wait_result *result,
				 struct list_head *dead)
{
	enum look look = LOOK_NO_CHILDREN;
	struct task *thread;

	for_each_thread(thread, current->process)
	{
		if (request->options & __WNOTHREAD && thread != current)
			continue;
		enum look found = look_at_tracees_of(request, thread, result, dead);
		if (found == LOOK_FOUND)
			return found;
		if (found == LOOK_NONE)
			look = found;
	}
	return look;
}

static enum look look_at_children(const struct wait_request *request, struct wait_result *result)
{
	struct list_head dead = LIST_INIT(dead);

	unsigned long flags = process_tree_lock();
	enum look look = request->which == WAIT_PROCESS ? look_for_one(request, result, &dead)
							: look_at_all(request, result, &dead);
	if (look != LOOK_FOUND) {
		enum look tracees = look_at_tracees(request, result, &dead);
		if (tracees != LOOK_NO_CHILDREN)
			look = tracees;
	}
	process_tree_unlock(flags);
	tasks_bury(&dead);
	return look;
}

int process_wait(const struct wait_request *request, struct wait_result *result)
{
	wait_queue_t *queue = &current->process->child_wait;
	struct waiter waiter;
	int interrupted = 0;

	memset(result, 0, sizeof(*result));
	waiter_init(&waiter);
	for (;;) {
		wait_prepare(queue, &waiter, WAIT_INTERRUPTIBLE);
		enum look look = look_at_children(request, result);
		if (look == LOOK_FOUND)
			interrupted = 0;
		else if (look == LOOK_NO_CHILDREN)
			interrupted = -ECHILD;
		if (look != LOOK_NONE || interrupted != 0 || request->options & WNOHANG)
			break;
		interrupted = wait_sleep(WAIT_INTERRUPTIBLE, NO_DEADLINE);
	}
	wait_finish(queue, &waiter);
	return interrupted;
}
