/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files proc/signal*.c and the POSIX timers share. */
#ifndef PROC_SIGNAL_INTERNAL_H
#define PROC_SIGNAL_INTERNAL_H

#include "lib/list.h"
#include "proc/process.h"
#include "proc/signal.h"

struct posix_timer;
struct user_account;

#define SIGNALS_STOP \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
/* Those whose default is to be ignored. */
#define SIGNALS_IGNORE \
	(SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGWINCH) | SIGNAL_BIT(SIGURG))
/* Those that an instruction causes: delivered before others. */
#define SIGNALS_SYNCHRONOUS                                                                    \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | \
	 SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))
/* Those whose default is to leave a core. */
#define SIGNALS_CORE                                                                            \
	(SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGABRT) | \
	 SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGXCPU) |  \
	 SIGNAL_BIT(SIGXFSZ) | SIGNAL_BIT(SIGSYS))
/* Those that cannot be blocked, caught or ignored. */
#define SIGNALS_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* Queues (signal_queue.c).  process->lock held, but for init. */
void signal_queue_init(struct signal_queue *queue);
void signal_queue_add(struct signal_queue *queue, struct signal_entry *entry);
/* Takes one entry off its queue; the signal stays pending if there are more of it. */
void signal_queue_remove(struct signal_entry *entry);
/* Drops all signals of a set. */
void signal_queue_flush(struct signal_queue *queue, sigset_t set);
/*
 * Takes the most urgent signal of `set`: its number and details, or 0.  *timer: whose expiry it was
 * (see posix_timer_delivered), or NULL.
 */
int signal_queue_take(struct signal_queue *queue, sigset_t set, struct siginfo *info,
		      struct posix_timer **timer);

/* An entry charged to the user of `target`; NULL without memory or, unless `over_limit`, beyond
 * RLIMIT_SIGPENDING.  Any context. */
struct signal_entry *signal_entry_create(struct task *target, bool over_limit);
/* One that was taken off its queue and is no timer's. */
void signal_entry_destroy(struct signal_entry *entry);
void signal_entries_init(void);

/* Sending.  process->lock held.  `task` NULL: to the process.  `entry`: a timer's own, or NULL.  0,
 * -EAGAIN, or 1 when ignored. */
int signal_send_locked(struct process *process, struct task *task, const struct siginfo *info,
		       struct signal_entry *entry);
/* Drops the signals of a set wherever in the process they wait. */
void signal_flush_locked(struct process *process, sigset_t set);
/* Sets TASK_WORK_SIGNAL for current if there is something to deliver. */
void signal_update_current_locked(void);
/* Gives the threads that could take signals of `set` pending for the process, current aside, a
 * chance to. */
void signal_retarget_locked(struct process *process, sigset_t set);

static inline struct linux_sigaction *signal_action_locked(struct process *process, int signal)
{
	return &process->signals.actions->action[signal - 1];
}
/* The handler's address, SIG_DFL or SIG_IGN: one word, read without the actions' lock. */
static inline vaddr_t signal_handler(const struct process *process, int signal)
{
	return READ_ONCE(process->signals.actions->action[signal - 1].handler);
}
static inline sigset_t signal_blocked_now(const struct task *task)
{
	return task->signals.blocked & ~task->signals.waited;
}
bool signal_is_default_ignored(const struct process *process, int signal);

/* Group stops (signal_stop.c). */
void signal_continue_locked(struct process *process);
/* The default action of a stop signal, for current.  process->lock held; begins the stop of all
 * threads. */
void signal_begin_stop_locked(struct process *process, int signal);
/* current takes part in the stop under way: sleeps until it is over or the task is killed.  No
 * locks held. */
void signal_take_part_in_stop(void);
/* Tells the parent about a stop or continue that was noted under process->lock.  No locks held. */
void signal_report_to_parent(struct process *process);

/* signal_queue_take holds a timer so; posix_timer_delivered lets go. */
void posix_timer_get(struct posix_timer *timer);
/* What the POSIX timers do when their signal is taken: overrun, next expiry.  No locks held
 * (posix_timer.c). */
void posix_timer_delivered(struct posix_timer *timer, struct siginfo *info);

#endif
