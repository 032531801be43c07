/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process numbers.
 *
 * A struct pid is a number in use: by a task, by a process group, by a session, or by several of
 * them.  It is counted: each of these holds a reference, and the number can be given out again when
 * the last is gone.  The numbers in use are kept in a tree ordered by number, under
 * process_tree_lock.  Numbers are handed out upwards and wrap at pid_max.
 */
#ifndef PROC_PID_H
#define PROC_PID_H

#include "lib/rbtree.h"
#include "lib/types.h"

struct process_group;
struct session;
struct task;

struct pid {
	struct rb_node node; /* process_tree_lock */
	pid_t number;        /* const */
	u32 refs;            /* atomic */
	struct task *task;   /* process_tree_lock; NULL when no task has the number (any more) */
	struct process_group *group; /* process_tree_lock */
	struct session *session;     /* process_tree_lock */
};

#define PID_MAX_DEFAULT 32768
#define PID_MAX_LIMIT   4194304
#define PID_RESERVED    300 /* where counting starts again after a wrap */

/* Limits of the numbers, for /proc/sys/kernel/pid_max.  Setting: 0 or -EINVAL. */
pid_t pid_max(void);
int __must_check pid_set_max(pid_t max);
pid_t pid_last(void); /* the number last given out, for /proc/loadavg */

/* A free number, in the tree, with one reference; ERR_PTR(-EAGAIN) when all are taken, -ENOMEM.
 * Takes the tree lock. */
struct pid *pid_alloc(void);
/* That very number: -EINVAL outside the limits, -EEXIST when it is in use, -ENOMEM. */
struct pid *pid_alloc_number(pid_t number);
/* The pid of a number in use, or NULL.  process_tree_lock held; no reference is taken. */
struct pid *pid_find_locked(pid_t number);
/* The first pid whose number is at least `number`, or NULL.  process_tree_lock held. */
struct pid *pid_next_locked(pid_t number);

struct pid *pid_get(struct pid *pid);
/* Drops a reference.  The _locked form is for holders of process_tree_lock. */
void pid_put(struct pid *pid);
void pid_put_locked(struct pid *pid);

#endif
