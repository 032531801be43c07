/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Job control: a session and its terminal, the foreground group, orphaned groups.
 *
 * The terminal is a pointer that this file compares and hands back, never follows.  While
 * session->tty is set the terminal's driver holds whatever reference it needs; `released` tells it
 * that the session let go, without any lock held.
 */
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/session.h"
#include "proc/session_internal.h"
#include "proc/signal.h"

static const struct session_tty_ops *tty_ops; /* set once */

void session_set_tty_ops(const struct session_tty_ops *ops)
{
	tty_ops = ops;
}

static void send_locked(struct process_group *group, int signal)
{
	struct process *process;

	list_for_each_entry (process, &group->members, group_link)
		signal_send_kernel(process, signal);
}

static struct session *mine_locked(void)
{
	struct process_group *group = current->process->group;

	return group != NULL ? group->session : NULL;
}

static bool is_leader_locked(const struct process *process)
{
	return process->group != NULL && process->group->session->pid == process->leader->pid;
}

void session_clear_foreground_locked(struct session *session)
{
	struct process_group *group = session->foreground;

	session->foreground = NULL;
	if (group != NULL)
		process_group_put_locked(group);
}

static void set_foreground_locked(struct session *session, struct process_group *group)
{
	process_group_get_locked(group);
	session_clear_foreground_locked(session);
	session->foreground = group;
}

struct session *session_of_current(void)
{
	unsigned long flags = process_tree_lock();
	struct session *session = mine_locked();

	if (session != NULL)
		session_get_locked(session);
	process_tree_unlock(flags);
	return session;
}

bool session_current_is_leader(void)
{
	unsigned long flags = process_tree_lock();
	bool leader = is_leader_locked(current->process);

	process_tree_unlock(flags);
	return leader;
}

void *session_tty(void)
{
	unsigned long flags = process_tree_lock();
	struct session *session = mine_locked();
	void *tty = session != NULL && !current->process->tty_forgotten ? session->tty : NULL;

	process_tree_unlock(flags);
	return tty;
}

void process_terminal(struct process *process, const struct pid_namespace *space, dev_t *device,
		      pid_t *foreground)
{
	unsigned long flags = process_tree_lock();
	const struct session *session = process->group != NULL ? process->group->session : NULL;

	*device = 0;
	*foreground = -1;
	if (session != NULL && session->tty != NULL && !process->tty_forgotten) {
		*device = session->tty_device;
		*foreground = session->foreground != NULL
				      ? pid_number_in(session->foreground->pid, space)
				      : 0;
	}
	process_tree_unlock(flags);
}

int session_acquire_tty(void *tty, dev_t device)
{
	unsigned long flags = process_tree_lock();
	bool allowed = is_leader_locked(current->process) && mine_locked()->tty == NULL;

	if (allowed) {
		mine_locked()->tty = tty;
		mine_locked()->tty_device = device;
		current->process->tty_forgotten = false;
		set_foreground_locked(mine_locked(), current->process->group);
	}
	process_tree_unlock(flags);
	return allowed ? 0 : -EPERM;
}

/* Signals whom the loss of the terminal concerns: the foreground group and the leader, each once.
 */
static void hang_up_locked(struct session *session, enum tty_loss loss)
{
	struct process *leader = session->pid->task != NULL ? session->pid->task->process : NULL;
	bool group = loss == TTY_LOSS_HANGUP && session->foreground != NULL;

	if (group) {
		send_locked(session->foreground, SIGHUP);
		send_locked(session->foreground, SIGCONT);
	}
	if (leader != NULL && !(group && leader->group == session->foreground)) {
		signal_send_kernel(leader, SIGHUP);
		signal_send_kernel(leader, SIGCONT);
	}
}

void session_drop_tty(struct session *session, enum tty_loss loss)
{
	unsigned long flags = process_tree_lock();
	void *tty = session->tty;

	session_get_locked(session);
	if (loss != TTY_LOSS_QUIET && tty != NULL)
		hang_up_locked(session, loss);
	session->tty = NULL;
	session_clear_foreground_locked(session);
	process_tree_unlock(flags);
	if (tty != NULL && tty_ops != NULL)
		tty_ops->released(tty, session);
	session_put(session);
}

void session_forget_tty(void)
{
	unsigned long flags = process_tree_lock();

	current->process->tty_forgotten = true;
	process_tree_unlock(flags);
}

void session_exit(struct process *process)
{
	unsigned long flags = process_tree_lock();
	struct session *session =
		is_leader_locked(process) ? session_get_locked(process->group->session) : NULL;

	process_tree_unlock(flags);
	if (session == NULL)
		return;
	session_drop_tty(session, TTY_LOSS_HANGUP);
	session_put(session);
}

struct process_group *session_foreground(struct session *session)
{
	unsigned long flags = process_tree_lock();
	struct process_group *group = session->foreground;

	if (group != NULL)
		process_group_get_locked(group);
	process_tree_unlock(flags);
	return group;
}

int session_set_foreground(struct session *session, pid_t id)
{
	int result = 0;
	unsigned long flags = process_tree_lock();
	struct pid *pid = pid_find_locked(id);

	if (pid == NULL || pid->group == NULL)
		result = -ESRCH;
	else if (pid->group->session != session)
		result = -EPERM;
	else
		set_foreground_locked(session, pid->group);
	process_tree_unlock(flags);
	return result;
}

void session_signal_foreground(struct session *session, int signal)
{
	unsigned long flags = process_tree_lock();

	if (session->foreground != NULL)
		send_locked(session->foreground, signal);
	process_tree_unlock(flags);
}

/*
 * Is there a member whose parent, in the same session but another group, could continue it? `dying`
 * counts as gone, and its children as given to init.
 */
static bool has_guardian_locked(struct process_group *group, const struct process *dying)
{
	struct process *member;

	list_for_each_entry (member, &group->members, group_link) {
		const struct process *parent = member->parent;

		if (member == dying || member->zombie || parent == NULL || parent == dying ||
		    parent == init_process() || parent->signals.unkillable)
			continue;
		if (parent->group != group && parent->group != NULL &&
		    parent->group->session == group->session)
			return true;
	}
	return false;
}

bool process_group_is_orphaned_locked(struct process_group *group)
{
	return !has_guardian_locked(group, NULL);
}

static bool has_stopped_member_locked(struct process_group *group)
{
	struct process *member;

	list_for_each_entry (member, &group->members, group_link)
		if (READ_ONCE(member->signals.stop_signal) != 0)
			return true;
	return false;
}

/* `guardian` kept the group from being an orphan until now, as the parent of one of its members. */
static void check_orphaned_locked(struct process_group *group, const struct process *guardian,
				  const struct process *dying)
{
	if (group == NULL || guardian == NULL || guardian->group == group ||
	    guardian->group == NULL || guardian->group->session != group->session)
		return;
	if (has_guardian_locked(group, dying) || !has_stopped_member_locked(group))
		return;
	send_locked(group, SIGHUP);
	send_locked(group, SIGCONT);
}

void session_orphan_groups_locked(struct process *process)
{
	struct process *child;

	check_orphaned_locked(process->group, process->parent, process);
	list_for_each_entry (child, &process->children, sibling_link)
		check_orphaned_locked(child->group, process, process);
}

int job_control_check_background(void *tty, int signal)
{
	int result = 0;
	unsigned long flags = process_tree_lock();
	struct process_group *group = current->process->group;
	struct session *session = mine_locked();

	if (session == NULL || session->tty != tty || current->process->tty_forgotten ||
	    session->foreground == NULL || session->foreground == group) {
		result = 0;
	} else if (signal_is_blocked_or_ignored(signal)) {
		result = signal == SIGTTIN ? -EIO : 0;
	} else if (process_group_is_orphaned_locked(group)) {
		result = -EIO;
	} else {
		send_locked(group, signal);
		task_work_set(current, TASK_WORK_SIGNAL);
		result = -ERESTARTSYS;
	}
	process_tree_unlock(flags);
	return result;
}
