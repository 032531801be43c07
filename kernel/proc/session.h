/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process groups and sessions (setpgid(2), setsid(2), credentials(7)), and what a terminal needs
 * for job control.
 *
 * A session holds groups, a group holds processes.  struct process has `struct process_group
 * *group` (never NULL for a user process, guarded by process_tree_lock) and `struct list_head
 * group_link`.  Groups and sessions are counted; a group's members each hold one reference, a group
 * holds one on its session, and whoever else keeps a pointer (a terminal) its own.
 *
 * One lock, process_tree_lock (a spin lock, interrupts off), guards all memberships and the
 * session's terminal.  Order: the process tree's lock (proc), process_tree_lock,
 * signal_process.lock.
 *
 * The terminal is opaque here: the tty driver registers it and asks.
 */
#ifndef PROC_SESSION_H
#define PROC_SESSION_H

#include "lib/list.h"
#include "lib/types.h"

struct process;
struct pid_namespace;
struct siginfo;

struct session {
	u32 references;                   /* process_tree_lock */
	struct pid *pid;                  /* const, counted: its number and how it is found */
	void *tty;                        /* process_tree_lock: the controlling terminal, or NULL */
	dev_t tty_device;                 /* process_tree_lock: its number, while there is one */
	struct process_group *foreground; /* process_tree_lock: reference; NULL for none */
	u32 groups;                       /* process_tree_lock: with members */
};

struct process_group {
	u32 references;           /* process_tree_lock */
	struct pid *pid;          /* const, counted */
	struct session *session;  /* reference; constant */
	struct list_head members; /* process_tree_lock: process.group_link */
};

/* For fork and exit (proc). */

/* The first user process founds a session and a group under its own number.  -ENOMEM. */
int __must_check session_init_first(struct process *process);
/* A child joins its parent's group.  process_tree_lock held. */
void session_fork_locked(struct process *child, struct process *parent);
/*
 * A process dies: if it was the leader its session loses the terminal (SIGHUP, SIGCONT to the
 * foreground group).  Before its children are given to others; process_tree_lock not held.
 */
void session_exit(struct process *process);
/*
 * Groups that become orphans because `process` dies, its own and its children's, and have stopped
 * members, get SIGHUP and SIGCONT. Before its children are given to others.
 */
void session_orphan_groups_locked(struct process *process);
/* Leaves the group, when reaped. */
void session_release_locked(struct process *process);

/* Groups. */

struct process_group *process_group_get(struct process_group *group);
void process_group_put(struct process_group *group); /* process_tree_lock not held */
struct process_group *process_group_find(pid_t id);  /* a reference, or NULL */
struct process_group *
process_group_of(struct process *process);         /* a reference, or NULL (kernel threads) */
pid_t process_group_id(struct process *process);   /* 0 for none */
pid_t process_session_id(struct process *process); /* 0 for none */
/* Has no member a parent in another group of the same session?  Then nobody would continue it. */
bool process_group_is_orphaned_locked(struct process_group *group);

/* setpgid, setsid, getpgid, getsid (pid 0: current).  Results and errors as in the man pages. */
int __must_check session_setpgid(pid_t pid, pid_t group);
long session_setsid(void);
long session_getpgid(pid_t pid);
long session_getsid(pid_t pid);

/* The terminal's side.  A tty is named by an opaque pointer, which the session never follows. */

/* Registered once by the tty driver: the controlling terminal of a session went away with its
 * leader; drop the reference. */
struct session_tty_ops {
	void (*released)(void *tty, struct session *session);
};
void session_set_tty_ops(const struct session_tty_ops *ops);

struct session *session_of_current(void); /* a reference */
struct session *session_get(struct session *session);
void session_put(struct session *session);
bool session_current_is_leader(void);

/* current's controlling terminal, or NULL (no reference taken: compare it, or hold your own lock).
 */
void *session_tty(void);
/* For /proc: the number of a process's controlling terminal (0: none) and its foreground group as
 * that namespace has it (-1: no terminal; 0: no group). */
void process_terminal(struct process *process, const struct pid_namespace *space, dev_t *device,
		      pid_t *foreground);
/* Makes `tty`, which has the number `device`, the terminal of current's session, and current's
 * group the foreground one.  -EPERM (not leader, has one). */
int __must_check session_acquire_tty(void *tty, dev_t device);
/* Who gets SIGHUP and SIGCONT when a session loses its terminal. */
enum tty_loss {
	TTY_LOSS_QUIET,
	TTY_LOSS_LEADER, /* vhangup(2) */
	TTY_LOSS_HANGUP, /* the foreground group and the leader: the line went, or TIOCNOTTY */
};
/* The session gives up its terminal (TIOCNOTTY by the leader, or the tty hung up). */
void session_drop_tty(struct session *session, enum tty_loss loss);
/* Current, and its children from now on, have no terminal until they are in another session:
 * TIOCNOTTY by another than the leader. */
void session_forget_tty(void);

/* The foreground group of a session: a reference or NULL; and setting it (-ESRCH, -EPERM: not a
 * group of the session). */
struct process_group *session_foreground(struct session *session);
int __must_check session_set_foreground(struct session *session, pid_t group);
/* Signals the foreground group of the session (interrupt characters, SIGWINCH).  Any context. */
void session_signal_foreground(struct session *session, int signal);

/*
 * A process uses `tty`: reading (SIGTTIN) or writing and setting (SIGTTOU).  0 if it may: the tty
 * is not its controlling terminal, or it is in the foreground, or ignores SIGTTOU.  Else its group
 * was signalled: -ERESTARTSYS, or -EIO when that cannot help.
 */
int __must_check job_control_check_background(void *tty, int signal);

#endif
