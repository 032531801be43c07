/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces of process numbers (pid_namespaces(7)).
 *
 * A process has numbers in the namespace it was forked into and in all above that; from below
 * nobody sees it.  The first process of a namespace is its init: orphans become its children,
 * signals from within reach it only if it handles them, and when it ends all others are killed and
 * taken away, and no more numbers are given out.
 */
#ifndef PROC_PID_NAMESPACE_H
#define PROC_PID_NAMESPACE_H

#include "lib/rbtree.h"
#include "proc/namespace.h"
#include "proc/pid.h"

struct process;

#define PID_NAMESPACE_MAX_LEVEL 32

struct pid_namespace {
	struct namespace base;
	struct pid_namespace *parent; /* const; counted; NULL for the first */
	u32 level;                    /* const */
	struct rb_root numbers;       /* process_tree_lock: struct pid_number */
	pid_t last;                   /* process_tree_lock to write: given out last */
	u32 tasks;                    /* process_tree_lock: tasks with a number here */
	struct process *init; /* process_tree_lock; NULL before it is there and once reaped */
	bool closed;          /* process_tree_lock: init has ended: no more numbers */
};

/* Registers the kind; at start-up. */
void pid_namespaces_init(void);
struct pid_namespace *pid_namespace_first(void);
static inline struct pid_namespace *pid_namespace_from(struct namespace *space)
{
	return (struct pid_namespace *)space;
}

/* Where a pid was made; the first for NULL (kernel threads).  No reference. */
struct pid_namespace *pid_namespace_of(const struct pid *pid);
/* Current's: where it has its innermost number. */
struct pid_namespace *pid_namespace_current(void);
/* Where current's children will be. */
struct pid_namespace *pid_namespace_for_children(void);
/* Is it `ancestor`, or below? */
bool pid_namespace_is_below(const struct pid_namespace *space,
			    const struct pid_namespace *ancestor);

/* A task has come into being with these numbers, or will have none: keeps `tasks`, and `init` for
 * the leader of the first process.  process_tree_lock held. */
void pid_namespace_enter_locked(struct task *task);
void pid_namespace_leave_locked(struct task *task);
/*
 * The last thread of a process ends: if that is a namespace's init, all others in there are killed,
 * and are gone on return.  May sleep.
 */
void pid_namespace_end(struct process *process);
/* Who gets the children of a process in that namespace that nobody else claims.  process_tree_lock
 * held. */
struct process *pid_namespace_reaper_locked(const struct process *process);

#endif
