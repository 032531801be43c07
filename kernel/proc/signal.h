/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: sending, waiting, delivering, stopping and continuing (signal(7)).
 *
 * struct task has `signals` (one thread's mask, its own pending signals, its alternate stack),
 * struct process has `signals` too (what is pending for any thread, the stop state) and points at
 * the counted struct signal_actions.
 *
 * Locks.  process->lock guards all of it; signal_actions.lock nests inside.  Both are taken with
 * interrupts off, because timers and the terminal send from interrupt handlers.  Two processes'
 * locks are never held together.  The sending functions may be called in any context, also with
 * process_tree_lock held, and never sleep; process->lock must not be held but for those that end in
 * _locked.
 *
 * A task that has something to deliver has TASK_WORK_SIGNAL set, one that a group stop wants
 * TASK_WORK_STOP; these end its interruptible sleeps (task_signal_pending).  Death is the process's
 * business: TASK_WORK_KILL, process_begin_exit_locked.
 */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include "lib/abi/signal.h"
#include "lib/types.h"
#include "proc/signal_types.h"
#include "proc/task.h"

struct process;
struct process_group;
struct task;
struct trap_frame;

/* Life cycle, for fork, exec and exit (proc). */

/* Prepares the caches.  Once, after the heap. */
void signal_init(void);

/*
 * A process without a parent to inherit from (the kernel's own, the first program's): default
 * actions, nothing pending.  -ENOMEM.
 */
int __must_check signal_init_process(struct process *process);
/* Fork: shares current's actions (CLONE_SIGHAND), copies them, or has defaults
 * (CLONE_CLEAR_SIGHAND).  -ENOMEM. */
int __must_check signal_fork_process(struct process *child, u64 clone_flags);
/* A new kernel thread, or a thread before signal_fork_task: empty masks, nothing pending. */
void signal_init_task(struct task *task);
/* A new thread of clone or fork: current's mask, and its alternate stack unless they share memory
 * without vfork. */
void signal_fork_task(struct task *child, u64 clone_flags);

/* A thread that becomes one of its process takes part in a stop that is under way.  process->lock
 * held. */
void signal_join_locked(struct process *process, struct task *task);

/*
 * The current thread begins to exit: it takes no signals any more, those of the process that it
 * could have taken go to others, a group stop no longer waits for it.  Takes process_tree_lock and
 * process->lock.
 */
void signal_exit_task(void);
/* Frees pending signals when a task or process is freed (also after a failed fork).  The process
 * one drops the actions. */
void signal_release_task(struct task *task);
void signal_release_process(struct process *process);

/*
 * exec.  _prepare, before the point of no return, gives the process actions of its own (-ENOMEM);
 * signal_exec, when the other threads are gone, resets handlers and drops the alternate stack.
 * Pending signals and the mask stay.
 */
int __must_check signal_exec_prepare(void);
void signal_exec(void);

/* sigaction(2) for current's process; `update` and `old` may be NULL.  -EINVAL. */
int __must_check signal_set_action(int signal, const struct linux_sigaction *update,
				   struct linux_sigaction *old);

/* Only signals with a handler reach this process from now on: the first one. */
void signal_protect(struct process *process);
/* SIGCHLD is ignored from now on, whatever the action was: children vanish when they end. */
void signal_ignore_children(struct process *process);

/* Questions. */

/* Must an interruptible (killable) sleep of this task end? */
static inline bool signal_pending(const struct task *task)
{
	return task_signal_pending(task);
}
static inline bool signal_fatal_pending(const struct task *task)
{
	return task_kill_pending(task);
}

/* Is the signal blocked or ignored by the current thread? */
bool signal_is_blocked_or_ignored(int signal);
bool signal_is_ignored(struct process *process, int signal);

/* For /proc: the sets of a thread and its process. */
struct signal_sets {
	sigset_t pending, shared, blocked, ignored, caught;
	u32 queued; /* entries of the user that are queued */
	bool stopped;
};
void signal_get_sets(struct task *task, struct signal_sets *sets);

/* Sending.  0, or -EAGAIN when a queued signal finds RLIMIT_SIGPENDING exhausted. */

void siginfo_init(struct siginfo *info, int signal, int code);      /* everything else zero */
void siginfo_init_user(struct siginfo *info, int signal, int code); /* with current's pid and uid */

/* To a process: any thread that does not block it takes it.  To a thread.  signo 0 does nothing. */
int signal_send(struct process *process, const struct siginfo *info);
int signal_send_task(struct task *task, const struct siginfo *info);
/* To the calling thread, from itself, with the code SI_TKILL or another of a program's. */
int signal_send_current(int signal, int code);
/* From the kernel itself (SI_KERNEL), when nobody needs to know more. */
void signal_send_kernel(struct process *process, int signal);
/* To every member of a process group; returns how many processes there were. */
u32 signal_send_group(struct process_group *group, const struct siginfo *info);

/*
 * To the current thread, because of what it just did (a fault): cannot be escaped.  If it is
 * blocked or ignored the default action is taken.
 */
void signal_force(const struct siginfo *info);
/* The same, with the machine's exception for the frame. */
void signal_force_fault(int signal, int code, vaddr_t address, int trap_number, u64 trap_error);
/* The same for SIGSEGV with SEGV_PKUERR. */
void signal_force_key_fault(u32 key, vaddr_t address, int trap_number, u64 trap_error);

/* May the current task signal the process (kill(2)'s rule)?  0, -EPERM.  The _locked form:
 * process_tree_lock held. */
int __must_check signal_permission(struct process *process, int signal);
int __must_check signal_permission_locked(struct process *process, int signal);

/*
 * A child stopped, continued or died: sends `signal` (SIGCHLD; 0: none) with CLD_ information to
 * `parent`, unless SA_NOCLDSTOP says otherwise.  True when the parent does not want to wait for
 * dead children (SIGCHLD ignored, or SA_NOCLDWAIT): then the child reaps itself.  process_tree_lock
 * may be held; waiters are not woken here.
 */
struct child_event {
	pid_t pid;
	uid_t uid;
	int code;   /* CLD_* */
	int status; /* exit code or signal number */
	nsec_t user_time, system_time;
};
bool signal_notify_parent(struct process *parent, int signal, const struct child_event *event);

/* Masks and waiting, for the system calls that carry a mask (ppoll, pselect, epoll_pwait, …). */

/* Sets current's mask (SIGKILL and SIGSTOP are left out). */
void signal_set_mask(sigset_t mask);
/*
 * Reads a mask from the program (NULL: nothing to do) and installs it until the call ends.  -EINVAL
 * for a size other than 8, -EFAULT.
 */
int __must_check signal_push_user_mask(vaddr_t mask, size_t size);
/* Before such a call returns: back to the old mask, unless a signal interrupted it (then delivery
 * sees to that). */
void signal_pop_mask(bool interrupted);

/*
 * Takes the next pending signal out of `set` from current's queues: its number and details, or 0.
 * signalfd and sigtimedwait.
 */
int signal_dequeue(sigset_t set, struct siginfo *info);
sigset_t signal_pending_set(void);

/* sigsuspend(2): sleeps under another mask until a signal; always -ERESTARTNOHAND. */
long signal_suspend(sigset_t mask);
/*
 * sigtimedwait(2): the number of a signal of `set` and its details, -EAGAIN when the deadline has
 * passed (0: do not sleep), -EINTR.  May sleep.
 */
int signal_wait_for(sigset_t set, struct siginfo *info, nsec_t deadline);

/* sigaltstack(2); `sp` is the program's stack pointer.  -EPERM, -EINVAL, -ENOMEM. */
bool signal_on_alt_stack(vaddr_t sp);
void signal_get_alt_stack(vaddr_t sp, struct linux_stack *stack);
int __must_check signal_set_alt_stack(vaddr_t sp, const struct linux_stack *stack);

/*
 * restart_syscall(2): stores the function that goes on with a time-out begun before (task->restart
 * has its arguments, put there by the caller), and returns -ERESTART_RESTARTBLOCK.
 */
long signal_restart_later(long (*resume)(struct task *task));

/* Return to user mode. */

/*
 * Delivers what is pending: runs default actions, builds the handler's frame, arranges the
 * restart of a call.  Called by user_return_work with interrupts on when one of
 * TASK_WORK_SIGNAL, _STOP, _RESTORE_MASK is set (TASK_WORK_KILL comes before it).  May
 * sleep (stops), may not return (death).
 */
void signal_deliver(struct trap_frame *frame);
/* rt_sigreturn(2): back to where the handler interrupted.  The result register's content. */
long signal_return(struct trap_frame *frame);

#endif
