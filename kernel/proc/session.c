/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process groups and sessions as objects, and moving between them.
 *
 * A group lives in pid->group while it has members, a session in pid->session while it has groups
 * with members.  The objects themselves live as long as somebody holds a reference (a terminal may
 * name a group whose members are gone).  Everything here is under process_tree_lock, counts of
 * references included: they are small and seldom change.
 */
#include "proc/session.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "proc/process.h"
#include "proc/session_internal.h"

struct session *session_get_locked(struct session *session)
{
	session->references++;
	return session;
}

void session_put_locked(struct session *session)
{
	if (--session->references > 0)
		return;
	ASSERT(session->foreground == NULL && session->pid->session != session);
	pid_put_locked(session->pid);
	kfree(session);
}

struct session *session_get(struct session *session)
{
	unsigned long flags = process_tree_lock();

	session_get_locked(session);
	process_tree_unlock(flags);
	return session;
}

void session_put(struct session *session)
{
	unsigned long flags = process_tree_lock();

	session_put_locked(session);
	process_tree_unlock(flags);
}

struct process_group *process_group_get_locked(struct process_group *group)
{
	group->references++;
	return group;
}

void process_group_put_locked(struct process_group *group)
{
	if (--group->references > 0)
		return;
	ASSERT(list_empty(&group->members));
	session_put_locked(group->session);
	pid_put_locked(group->pid);
	kfree(group);
}

struct process_group *process_group_get(struct process_group *group)
{
	unsigned long flags = process_tree_lock();

	process_group_get_locked(group);
	process_tree_unlock(flags);
	return group;
}

void process_group_put(struct process_group *group)
{
	unsigned long flags = process_tree_lock();

	process_group_put_locked(group);
	process_tree_unlock(flags);
}

static struct process_group *find_locked(pid_t id)
{
	struct pid *pid = pid_find_locked(id);

	return pid != NULL ? pid->group : NULL;
}

struct process_group *process_group_find(pid_t id)
{
	unsigned long flags = process_tree_lock();
	struct process_group *group = find_locked(id);

	if (group != NULL)
		process_group_get_locked(group);
	process_tree_unlock(flags);
	return group;
}

struct process_group *process_group_of(struct process *process)
{
	unsigned long flags = process_tree_lock();
	struct process_group *group = process->group;

	if (group != NULL)
		process_group_get_locked(group);
	process_tree_unlock(flags);
	return group;
}

pid_t process_group_id(struct process *process)
{
	unsigned long flags = process_tree_lock();
	pid_t id = process->group != NULL ? pid_shown(process->group->pid) : 0;

	process_tree_unlock(flags);
	return id;
}

pid_t process_session_id(struct process *process)
{
	unsigned long flags = process_tree_lock();
	pid_t id = process->group != NULL ? pid_shown(process->group->session->pid) : 0;

	process_tree_unlock(flags);
	return id;
}

/* The process enters the group, which has none or some members; the membership is a reference. */
static void join_locked(struct process *process, struct process_group *group)
{
	if (list_empty(&group->members)) {
		group->pid->group = group;
		group->session->groups++;
		group->session->pid->session = group->session;
	}
	process_group_get_locked(group);
	list_add_tail(&process->group_link, &group->members);
	process->group = group;
}

static void leave_locked(struct process *process)
{
	struct process_group *group = process->group;
	struct session *session = group->session;

	list_remove(&process->group_link);
	process->group = NULL;
	if (list_empty(&group->members)) {
		if (group->pid->group == group)
			group->pid->group = NULL;
		if (--session->groups == 0) {
			if (session->pid->session == session)
				session->pid->session = NULL;
			session_clear_foreground_locked(session);
		}
	}
	process_group_put_locked(group);
}

/* A group without members yet, with one reference; takes over the memory. */
static struct process_group *init_group_locked(struct process_group *group, struct pid *pid,
					       struct session *session)
{
	group->references = 1;
	group->pid = pid_get(pid);
	group->session = session_get_locked(session);
	list_init(&group->members);
	return group;
}

static struct session *init_session_locked(struct session *session, struct pid *pid)
{
	session->references = 1;
	session->pid = pid_get(pid);
	return session;
}

/* The process founds a session and a group under its own number.  Takes over both blocks of memory.
 */
static void found_session_locked(struct process *process, struct session *session,
				 struct process_group *group)
{
	struct pid *pid = process->leader->pid;

	init_session_locked(session, pid);
	init_group_locked(group, pid, session);
	if (process->group != NULL)
		leave_locked(process);
	join_locked(process, group);
	process_group_put_locked(group);
	session_put_locked(session);
}

int session_init_first(struct process *process)
{
	struct session *session = kzalloc(sizeof(*session));
	struct process_group *group = kzalloc(sizeof(*group));

	if (session == NULL || group == NULL) {
		kfree(session);
		kfree(group);
		return -ENOMEM;
	}
	unsigned long flags = process_tree_lock();
	found_session_locked(process, session, group);
	process_tree_unlock(flags);
	return 0;
}

void session_fork_locked(struct process *child, struct process *parent)
{
	child->tty_forgotten = parent->tty_forgotten;
	if (parent->group != NULL)
		join_locked(child, parent->group);
}

void session_release_locked(struct process *process)
{
	if (process->group != NULL)
		leave_locked(process);
}

long session_setsid(void)
{
	struct process *process = current->process;
	struct session *session = kzalloc(sizeof(*session));
	struct process_group *group = kzalloc(sizeof(*group));

	if (session == NULL || group == NULL) {
		kfree(session);
		kfree(group);
		return -ENOMEM;
	}
	unsigned long flags = process_tree_lock();
	struct pid *pid = process->leader->pid;
	bool allowed = pid->group == NULL && pid->session == NULL;
	if (allowed)
		found_session_locked(process, session, group);
	if (allowed)
		process->tty_forgotten = false;
	process_tree_unlock(flags);
	if (!allowed) {
		kfree(session);
		kfree(group);
		return -EPERM;
	}
	return process_shown(process);
}

/* The process that setpgid may move: current's, or a child that has not called exec.  NULL and
 * *error. */
static struct process *movable_locked(pid_t pid, int *error)
{
	struct process *mine = current->process;
	struct process *process = process_find_locked(pid);

	*error = -ESRCH;
	if (process == NULL || process->group == NULL)
		return NULL;
	if (process != mine && process->parent != mine)
		return NULL;
	*error = -EPERM;
	if (process != mine && process->group->session != mine->group->session)
		return NULL;
	*error = -EACCES;
	if (process != mine && process->exec_done)
		return NULL;
	*error = -EPERM;
	if (process->group->session->pid == process->leader->pid)
		return NULL;
	return process;
}

int session_setpgid(pid_t pid, pid_t group_id)
{
	int error;

	if (pid == 0)
		pid = process_shown(current->process);
	if (group_id == 0)
		group_id = pid;
	if (group_id < 0)
		return -EINVAL;
	struct process_group *fresh = kzalloc(sizeof(*fresh));
	if (fresh == NULL)
		return -ENOMEM;

	unsigned long flags = process_tree_lock();
	struct process *process = movable_locked(pid, &error);
	if (process == NULL)
		goto out;
	struct process_group *group = find_locked(group_id);
	error = -EPERM;
	if (group != NULL ? group->session != process->group->session : group_id != pid)
		goto out;
	error = 0;
	if (group == process->group)
		goto out;
	if (group == NULL) {
		group = init_group_locked(fresh, process->leader->pid, process->group->session);
		fresh = NULL;
	} else {
		process_group_get_locked(group);
	}
	struct session *session = session_get_locked(group->session);
	leave_locked(process);
	join_locked(process, group);
	process_group_put_locked(group);
	session_put_locked(session);
out:
	process_tree_unlock(flags);
	kfree(fresh);
	return error;
}

/* The group of a process by number (0: current), for getpgid and getsid.  process_tree_lock held.
 */
static struct process_group *group_by_pid_locked(pid_t pid)
{
	struct process *process = pid == 0 ? current->process : process_find_locked(pid);

	return process != NULL ? process->group : NULL;
}

long session_getpgid(pid_t pid)
{
	unsigned long flags = process_tree_lock();
	struct process_group *group = group_by_pid_locked(pid);
	long result = group != NULL ? pid_shown(group->pid) : -ESRCH;

	process_tree_unlock(flags);
	return result;
}

long session_getsid(pid_t pid)
{
	unsigned long flags = process_tree_lock();
	struct process_group *group = group_by_pid_locked(pid);
	long result = group != NULL ? pid_shown(group->session->pid) : -ESRCH;

	process_tree_unlock(flags);
	return result;
}
