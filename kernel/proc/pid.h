/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process numbers.
 *
 * A struct pid is a number in use: by a task, by a process group, by a session, or by several of
 * them.  It is counted: each of these holds a reference, and the number can be given out again when
 * the last is gone.  It has a number in the namespace (proc/pid_namespace.h) where it was made, and
 * in each one above that, up to the first; the one in the first, `number`, is the kernel's own name
 * for it.  Each namespace keeps its numbers in a tree ordered by number, under process_tree_lock.
 * Numbers are handed out upwards and wrap at pid_max.
 *
 * The memory lives a little longer than the number: until nobody holds it any more (pid_hold), so
 * that a dead task can still be named.
 *
 * What programs say is looked up in current's namespace, and what they are shown is the number
 * there: pid_shown, and process_shown and task_shown of proc/process.h.
 */
#ifndef PROC_PID_H
#define PROC_PID_H

#include "lib/rbtree.h"
#include "lib/types.h"

struct pid;
struct pid_namespace;
struct process_group;
struct session;
struct task;

/* A number in one namespace. */
struct pid_number {
	struct rb_node node;         /* process_tree_lock */
	pid_t number;                /* const */
	struct pid_namespace *space; /* const; counted */
	struct pid *pid;             /* const */
};

struct pid {
	pid_t number;      /* const: in the first namespace */
	u32 level;         /* const: of the namespace it was made in */
	u32 refs;          /* atomic */
	u32 holds;         /* atomic: of the memory; all of refs are one */
	struct task *task; /* process_tree_lock; NULL when no task has the number (any more) */
	struct process_group *group; /* process_tree_lock */
	struct session *session;     /* process_tree_lock */
	struct pid_number numbers[]; /* from the first namespace's to its own */
};

#define PID_MAX_DEFAULT 32768
#define PID_MAX_LIMIT   4194304
#define PID_RESERVED    300 /* where counting starts again after a wrap */

/* Limits of the numbers, for /proc/sys/kernel/pid_max.  Setting: 0 or -EINVAL. */
pid_t pid_max(void);
int __must_check pid_set_max(pid_t max);
pid_t pid_last(void); /* the number last given out in current's namespace, for /proc/loadavg */

/*
 * Numbers in a namespace and all above it, with one reference: free ones, but for the innermost
 * `count`, which are to be those of `wanted` (innermost first).  ERR_PTR: -EAGAIN when all are
 * taken; -EEXIST when a wanted one is, -EINVAL when it is beyond the limits, or not 1 in a namespace
 * without a first process; -ENOMEM, also when the namespace's first process has ended.  Takes the
 * tree lock.
 */
struct pid *pid_alloc(struct pid_namespace *space, const pid_t *wanted, u32 count);
/* The pid of a number in use in current's namespace, or in another, or NULL.  process_tree_lock
 * held; no reference is taken. */
struct pid *pid_find_locked(pid_t number);
struct pid *pid_find_in_locked(const struct pid_namespace *space, pid_t number);
/* The first pid whose number there is at least `number`, or NULL.  process_tree_lock held. */
struct pid *pid_next_in_locked(const struct pid_namespace *space, pid_t number);

/* Its number in a namespace, or in current's: 0 when it has none there, or pid is NULL. */
pid_t pid_number_in(const struct pid *pid, const struct pid_namespace *space);
pid_t pid_shown(const struct pid *pid);
/* What current is shown for a number of the kernel's; 0: nothing has it, or not there. */
pid_t pid_show_number(pid_t number);

struct pid *pid_get(struct pid *pid);
/* Drops a reference.  The _locked form is for holders of process_tree_lock. */
void pid_put(struct pid *pid);
void pid_put_locked(struct pid *pid);
/* The memory alone; any context. */
struct pid *pid_hold(struct pid *pid);
void pid_release(struct pid *pid);

#endif
