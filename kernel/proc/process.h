/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: groups of threads that share a program, and the tree that they form.
 *
 * process_tree_lock guards the shape of everything: the numbers (proc/pid.h), parents and children,
 * thread lists, process groups and sessions, and who is a zombie.  It is a spin lock taken with
 * interrupts off, outermost of all.
 *
 * process->lock is innermost but for task and queue locks, taken with interrupts off, from any
 * context.  It guards signals, resource limits, timers and the beginning of the end (exit_group).
 * The thread list changes under both locks, so that either is enough to walk it.
 *
 * A process is counted: its tasks hold a reference each (dropped when the task is freed), so does
 * the tree from fork until it is reaped, and whoever found it.
 *
 * Life: fork links it; process_begin_exit or the last thread's task_exit ends it; then it is a
 * zombie (`zombie`) until the parent has waited for it or showed no interest.
 */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include "lib/abi/resource.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/sync.h"
#include "lib/types.h"
#include "proc/exec.h"
#include "proc/pid.h"
#include "proc/signal_types.h"
#include "proc/task.h"

struct file;
struct process_group;
struct process_timers;

/* Resource use that has been added up: dead threads, or waited-for children. */
struct process_usage {
	nsec_t user_time, system_time;
	u64 user_ticks, kernel_ticks; /* what divides the sum of the two: proc/account.h */
	u64 minor_faults, major_faults;
	u64 switches_voluntary, switches_involuntary;
	u64 blocks_read, blocks_written;
	u64 max_resident; /* bytes: the largest resident set seen */
};

struct process {
	u32 refs;            /* atomic */
	pid_t pid;           /* const: in the first namespace */
	struct pid *numbers; /* const: the memory alone; NULL for the kernel's own process */
	spinlock_t lock;

	/* process_tree_lock */
	struct process *parent;     /* NULL only for init and the kernel's own process */
	pid_t parent_pid;           /* the parent's number as this process is shown it (0: not);
				       read without lock, too */
	struct task *parent_thread; /* which of the parent's threads made us (__WNOTHREAD); only
				       compared */
	struct list_head children;  /* by sibling_link */
	struct list_head sibling_link;
	struct process_group *group; /* NULL for the kernel's own process */
	struct list_head group_link;
	int exit_signal;      /* sent to the parent at the end; 0 for none */
	bool zombie;          /* all threads are gone: may be waited for */
	bool reaped;          /* somebody is taking it away */
	bool exec_done;       /* has called exec since it was forked */
	bool tty_forgotten;   /* TIOCNOTTY: the session's terminal is not ours; process_tree_lock */
	bool child_subreaper; /* PR_SET_CHILD_SUBREAPER */
	int stop_report;      /* signal that a WUNTRACED wait has yet to report, 0 for none */
	bool continue_report; /* a WCONTINUED wait has yet to report */
	int exit_status;      /* of the whole process, once zombie */

	/* process_tree_lock and lock to change, either to read */
	struct task *leader;      /* NULL once reaped */
	struct list_head threads; /* by task.thread_link: those that have not exited, the leader
				     among them till reaped */
	u32 thread_count;
	u32 live_threads; /* threads that have not begun to exit */

	/* lock */
	bool exiting; /* all threads are to end, with exit_group_status */
	int exit_group_status;
	struct task *dumper;    /* the thread that writes a core, or NULL */
	u32 dump_parked;        /* how many wait for that */
	struct task *exec_task; /* the thread that ends the others to exec, or NULL */
	struct rlimit64 limits[RLIMIT_COUNT];
	struct signal_process signals;
	struct process_timers *timers;       /* proc/time.h; NULL until the first one is made */
	struct process_usage dead_threads;   /* of threads that are gone */
	struct time_split told;              /* of the time of all threads: proc/account.h */
	struct process_usage children_usage; /* of children that were waited for */
	struct file *executable; /* shared by file_get: /proc/PID/exe; NULL for the kernel and
				    zombies */
	struct exec_auxiliary auxiliary;
	bool dumpable;          /* PR_SET_DUMPABLE */
	bool no_new_privileges; /* PR_SET_NO_NEW_PRIVS: never cleared */

	wait_queue_t child_wait;   /* wait4 sleeps here; also de_thread */
	wait_queue_t end_watchers; /* woken when the process becomes a zombie */
	nsec_t start_time;         /* const: monotonic */
	u64 personality;           /* own threads only */
	s32 oom_score_adjust;      /* lock */
};

/* The process of the kernel's threads (number 0, never listed), and init (number 1) once it exists.
 */
extern struct process kernel_process;
struct process *init_process(void);

unsigned long __must_check process_tree_lock(void);
void process_tree_unlock(unsigned long flags);
bool process_tree_is_locked(void); /* for assertions */

struct process *process_get(struct process *process);
void process_put(struct process *process); /* may free; any context but under process_tree_lock */

/* The process, or thread, with a number in current's namespace; with a reference, or NULL.  Zombies are found too.  Any
 * context. */
struct process *process_find(pid_t pid);
struct task *task_find(pid_t tid);
/* The same for holders of process_tree_lock, without a reference. */
struct process *process_find_locked(pid_t pid);
struct task *task_find_locked(pid_t tid);

/*
 * Iteration in order of number, in the first namespace or another, which other processes may come
 * and go between: the first process with a number >= `from`, with a reference, or NULL at the end.
 * Threads of one process likewise (a dead leader is listed while its process is).
 */
struct process *process_next(pid_t from);
struct process *process_next_in(const struct pid_namespace *space, pid_t from);
struct task *process_next_thread(struct process *process, const struct pid_namespace *space,
				 pid_t from);

/* The number that current is shown; 0: it cannot see it. */
static inline pid_t process_shown(const struct process *process)
{
	return pid_shown(process->numbers);
}
static inline pid_t task_shown(const struct task *task)
{
	return pid_shown(READ_ONCE(task->numbers));
}

/* Under process_tree_lock: every process, in order of number. */
struct process *process_first_locked(void);
struct process *process_next_locked(const struct process *process);
#define for_each_process_locked(p) \
	for ((p) = process_first_locked(); (p); (p) = process_next_locked(p))
/* Under process_tree_lock or process->lock: every thread that is still in the list. */
#define for_each_thread(t, p) list_for_each_entry (t, &(p)->threads, thread_link)

/* How many tasks exist, and the number of forks since boot (for /proc/stat). */
u32 task_count(void);
u64 process_forks(void);

/*
 * Marks the process to end with a wait(2) status; every thread will see it before it next runs user
 * code, and is woken if it sleeps interruptibly or killably, or is stopped.  The first status
 * counts.  process->lock held; any context.
 */
void process_begin_exit_locked(struct process *process, int status);
/* The current process ends with that status: exit_group(2), a fatal signal. */
void process_exit_group(int status) __noreturn;

/* True when the current process has one thread. */
static inline bool process_is_single(const struct process *process)
{
	return READ_ONCE(process->thread_count) == 1;
}

/*
 * Tells the parent that the process stopped (code CLD_STOPPED, status = the signal), or continued
 * (CLD_CONTINUED, SIGCONT): records it for wait, wakes a waiting parent and sends SIGCHLD unless
 * SA_NOCLDSTOP.  process_tree_lock held.
 */
void process_report_stop_locked(struct process *process, int code, int status);

/* Sums of the process so far: dead threads and living ones.  Takes process->lock. */
void process_usage(struct process *process, struct process_usage *usage);
/* One thread's. */
void task_usage(struct task *task, struct process_usage *usage);

#endif
