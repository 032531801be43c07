/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Job control: which session a terminal controls, and its ioctls (tty_ioctl(4), credentials(7)).
 *
 * tty->session and the session's own terminal pointer (proc/session.c) name each other.
 * tty->session, guarded by tty->lock, carries a reference on the session; the session's pointer
 * carries one on the terminal, given up in session_released.
 */
#include "drivers/tty/tty_internal.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/pid.h"
#include "proc/session.h"
#include "proc/signal.h"

/* The terminal's session with a reference, or NULL. */
static struct session *session_of(struct tty *tty)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	struct session *session = tty->session != NULL ? session_get(tty->session) : NULL;

	spin_unlock_irqrestore(&tty->lock, flags);
	return session;
}

void tty_signal_foreground(struct tty *tty, int signal)
{
	struct session *session = session_of(tty);

	if (session == NULL)
		return;
	session_signal_foreground(session, signal);
	session_put(session);
}

/* The session has let go of its terminal. */
static void session_released(void *pointer, struct session *session)
{
	struct tty *tty = pointer;
	bool ours = false;
	unsigned long flags = spin_lock_irqsave(&tty->lock);

	if (tty->session == session) {
		tty->session = NULL;
		ours = true;
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	if (ours)
		session_put(session);
	tty_put(tty);
}

static const struct session_tty_ops session_operations = {.released = session_released};

void tty_job_init(void)
{
	session_set_tty_ops(&session_operations);
}

void tty_drop_session(struct tty *tty, enum tty_loss loss)
{
	struct session *session = session_of(tty);

	if (session == NULL)
		return;
	session_drop_tty(session, loss);
	session_put(session);
}

int tty_acquire(struct tty *tty, bool steal)
{
	struct session *mine = session_of_current();
	struct session *holder;
	unsigned long flags;
	int error = 0;

	if (mine == NULL)
		return -EPERM;
	holder = session_of(tty);
	if (holder == mine)
		goto out;
	if (holder != NULL) {
		error = steal && capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
		if (error)
			goto out;
		session_drop_tty(holder, TTY_LOSS_QUIET);
	}
	flags = spin_lock_irqsave(&tty->lock);
	if (tty->session != NULL || tty->hung_up)
		error = -EPERM;
	else
		tty->session = session_get(mine);
	spin_unlock_irqrestore(&tty->lock, flags);
	if (error)
		goto out;

	error = session_acquire_tty(tty_get(tty), tty->device);
	if (error) {
		flags = spin_lock_irqsave(&tty->lock);
		tty->session = NULL;
		spin_unlock_irqrestore(&tty->lock, flags);
		session_put(mine);
		tty_put(tty);
	}
out:
	if (holder != NULL)
		session_put(holder);
	session_put(mine);
	return error;
}

static bool is_controlling(const struct tty *tty)
{
	return session_tty() == (const void *)tty;
}

static long get_foreground(struct tty *tty, vaddr_t argument)
{
	struct session *session = session_of(tty);
	struct process_group *group;
	u32 id = 0;

	if (session == NULL)
		return -ENOTTY;
	group = session_foreground(session);
	if (group != NULL) {
		id = (u32)pid_shown(group->pid);
		process_group_put(group);
	}
	session_put(session);
	return put_user(id, argument);
}

static long set_foreground(struct tty *tty, vaddr_t argument)
{
	struct session *session;
	u32 id;
	int error = job_control_check_background(tty, SIGTTOU);

	if (error)
		return error;
	if (!is_controlling(tty))
		return -ENOTTY;
	if (get_user(id, argument))
		return -EFAULT;
	if ((pid_t)id < 0)
		return -EINVAL;
	session = session_of(tty);
	if (session == NULL)
		return -ENOTTY;
	error = session_set_foreground(session, (pid_t)id);
	session_put(session);
	return error;
}

static long get_session(struct tty *tty, vaddr_t argument)
{
	struct session *session = session_of(tty);

	if (session == NULL)
		return -ENOTTY;
	u32 id = (u32)pid_shown(session->pid);
	session_put(session);
	return put_user(id, argument);
}

static long give_up(struct tty *tty)
{
	if (!is_controlling(tty))
		return -ENOTTY;
	if (session_current_is_leader())
		tty_drop_session(tty, TTY_LOSS_HANGUP);
	else
		session_forget_tty();
	return 0;
}

long tty_job_ioctl(struct tty *tty, unsigned request, vaddr_t argument)
{
	switch (request) {
	case TIOCSCTTY:
		if (is_controlling(tty) && session_current_is_leader())
			return 0;
		if (!session_current_is_leader() || session_tty() != NULL)
			return -EPERM;
		return tty_acquire(tty, argument == 1);
	case TIOCNOTTY:
		return give_up(tty);
	case TIOCGPGRP:
		return get_foreground(tty, argument);
	case TIOCSPGRP:
		return set_foreground(tty, argument);
	case TIOCGSID:
		return get_session(tty, argument);
	default:
		return -ENOTTY;
	}
}
