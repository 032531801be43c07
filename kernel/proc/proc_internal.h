/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of kernel/proc share about tasks and processes.
 */
#ifndef PROC_PROC_INTERNAL_H
#define PROC_PROC_INTERNAL_H

#include "proc/process.h"
#include "proc/task.h"

/* A task with a kernel stack, one reference, everything else zero or a default; NULL without
 * memory. */
struct task *task_alloc(void);
/* The defaults of a zeroed task. */
void task_init(struct task *task);
/* Undoes task_alloc for a task that never ran; drops what its fields refer to. */
void task_free(struct task *task);
/* Called by the scheduler when a dead task has left its stack: frees that, and drops the
 * scheduler's reference. */
void task_buried(struct task *task);

/* A process with one reference, no threads, no parent; NULL without memory.  Undone by process_put.
 */
struct process *process_alloc(void);

/* The program file may be written again: the process's memory is gone. */
void process_drop_executable(struct process *process);

/* Adds a task to its process's threads, or takes it off.  process_tree_lock held; takes
 * process->lock. */
void process_add_thread_locked(struct process *process, struct task *task);
void process_remove_thread_locked(struct process *process, struct task *task);

/* The number of a task in use no more.  process_tree_lock held; drops the task's reference that the
 * pid held: the caller has its own. */
void task_unhash_locked(struct task *task);

/* Makes `process` number 1's; once. */
void process_set_init(struct process *process);

/* Two sums. */
void usage_add(struct process_usage *to, const struct process_usage *from);

/* Statistics: a task came or went. */
void process_count_task(s32 change);
void process_count_fork(void);

/*
 * A zombie leaves the tree: unlinked from its parent, its group and the numbers.  process_tree_lock
 * held.  Returns its leader, to be handed to process_bury, without the lock, which drops the
 * references that the tree held.
 */
struct task *process_unlink_locked(struct process *process);
void process_bury(struct process *process, struct task *leader);

/* A dead thread is counted no more among its process's.  process_tree_lock held. */
void thread_leave_process_locked(struct task *task);
/*
 * A task whose tracer has been told of its death, or is gone: now it is as dead as any other.  What
 * is left of it goes on *dead, for tasks_bury, which wants no lock.  process_tree_lock held.
 */
void task_settle_death_locked(struct task *task, struct list_head *dead);
void tasks_bury(struct list_head *dead);
/* Takes away the zombies among the process's children, but for those that a tracer has yet to see.
 */
void process_reap_zombies(struct process *process);

/* Make the caches and the kernel's own process: called by scheduler_init. */
void tasks_init(void);
void processes_init(void);

/* The thread will exit before it next runs user code.  process->lock or process_tree_lock held. */
void task_kill(struct task *task);

/* The parent that waits in vfork, if any, goes on: the child has left its memory.  (fork.c) */
void vfork_complete(struct task *task);

/* Leaves the current address space for `next` (NULL: none): robust futexes, clear_child_tid, vfork.
 * (exit.c) */
void task_leave_space(struct address_space *next);

#endif
