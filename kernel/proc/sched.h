/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: which task runs where.
 *
 * Each CPU has a run queue with a lock: real-time tasks by priority first, then the fair ones by
 * the weighted time that they have had (the smallest first).  A task is woken on the CPU where it
 * ran last if that is free, else on an idle one; a CPU that runs out of work takes from the fullest
 * queue.  No tick decides who runs: the CPU's timer is armed for the end of a slice only when
 * somebody waits for the CPU.  What ticks there are only look whose time it is (proc/account.h).
 *
 * Sleeping, without wait queues: set the state, look at the condition, schedule().  A wake-up
 * between the two makes schedule return at once.  The wait_event macros of lib/sync.h do it for
 * you.
 */
#ifndef PROC_SCHED_H
#define PROC_SCHED_H

#include "arch/cpu.h"
#include "lib/types.h"
#include "proc/task.h"

/* Before the first task exists, after the heap and the timers: makes the caller the boot CPU's idle
 * task.  Boot CPU, once. */
void scheduler_init(void);
/* Where each further CPU ends up, interrupts off: its stack becomes the idle task's. */
void scheduler_start_cpu(void) __noreturn;
/* The same for the boot CPU: the end of kernel_main. */
void scheduler_idle(void) __noreturn;

/*
 * Gives the CPU away: to sleep if the task's state says so, else to anybody who is due.  No spin
 * lock held, preemption on, not in an interrupt.  Returns when the task is chosen again, with
 * interrupts as they were.
 */
void schedule(void);

/* Runs on the new task's stack right after a switch; releases the run queue.  Called by arch code
 * for a task's first run. */
void finish_switch(struct task *previous);

/* Sets the current task's state, with a full barrier: what follows is seen after it. */
static inline void task_set_state(enum task_state state)
{
	__atomic_store_n(&current->state, (u32)state, __ATOMIC_SEQ_CST);
}

/*
 * Makes a task runnable if it sleeps in one of `states` (bits of enum task_state); says whether it
 * did.  Any context. Everything that the caller wrote before is seen by the woken task.
 */
bool task_wake_if(struct task *task, u32 states);
/* Ends any ordinary sleep. */
bool task_wake(struct task *task);

/*
 * The same after setting bits in a task's work_flags, and sees to it that one that runs in user
 * mode on another CPU enters the kernel to look at them.
 */
void task_interrupt(struct task *task, u32 states);

/* Lets a task that was just made run for the first time. */
void task_start(struct task *task);

/* Sleeps until the clock has reached the deadline, or, when interruptible, a signal: 0 or
 * -ERESTARTSYS.  May sleep. */
int task_sleep_until(nsec_t deadline, enum wait_mode mode);
void task_sleep(nsec_t duration); /* uninterruptible */

/* sched_yield(2). */
void task_yield(void);

/* On the way to user mode: TASK_WORK_GIVE_WAY is set. */
void sched_give_way(void);

/* nice(2), the policies and affinity; each checks its numbers only: -EINVAL.  Any task; may sleep.
 */
int __must_check task_set_nice(struct task *task, int nice);
int __must_check task_set_policy(struct task *task, int policy, int rt_priority,
				 bool reset_on_fork);
/*
 * SCHED_DEADLINE: nanoseconds; period 0 is the same as the deadline.  -EINVAL, -EPERM for a task
 * that is not allowed on all CPUs, -EBUSY when too much is reserved already.
 */
struct sched_deadline {
	nsec_t runtime, deadline, period;
};
int __must_check task_set_deadline(struct task *task, const struct sched_deadline *wanted,
				   bool reset_on_fork);
/* What a task has reserved; any moment. */
void task_get_deadline(struct task *task, struct sched_deadline *deadline);
/* The current task is about to exit: it gives back what it has reserved.  May not sleep. */
void sched_task_exit(void);
/* -EBUSY: a deadline task is to be allowed on all CPUs. */
int __must_check task_set_affinity(struct task *task, cpumask_t allowed);

/*
 * The real-time priority (1-99, 0: none, 100: a deadline) that a task has because of who waits for it; says whether
 * the one that counts changed.  Any context; the caller's lock keeps others from setting another.
 */
bool task_inherit_priority(struct task *task, int priority);
static inline int task_priority(const struct task *task)
{
	return READ_ONCE(task->sched.priority);
}

/*
 * How much of a CPU real-time tasks may have while others wait: `runtime` of each `period`, in
 * nanoseconds; runtime -1: all.  Setting: -EINVAL for a period that is not positive, or a runtime
 * beyond it; -EBUSY when deadline tasks have reserved more.  The turn of a SCHED_RR task; set to 0 it is the usual one.  Any context.
 */
s64 scheduler_rt_period(void);
s64 scheduler_rt_runtime(void);
int __must_check scheduler_set_rt_limit(s64 period, s64 runtime);
nsec_t scheduler_rr_slice(void);
void scheduler_set_rr_slice(nsec_t slice);
/* The least and greatest period of a deadline task; -EINVAL when they would cross. */
nsec_t scheduler_deadline_period(bool greatest);
int __must_check scheduler_set_deadline_period(bool greatest, nsec_t period);

/* Does the task hold a CPU now; the CPU it ran on last. */
static inline bool task_is_running(const struct task *task)
{
	return __atomic_load_n(&task->sched.on_cpu, __ATOMIC_ACQUIRE);
}
static inline u32 task_cpu(const struct task *task)
{
	return READ_ONCE(task->sched.cpu);
}
/* Nanoseconds the task has had a CPU, up to this moment. */
nsec_t task_run_time(struct task *task);
/* "R", "S", "D", "T", "t", "Z", "X" as ps shows it. */
char task_state_letter(struct task *task);

/* For /proc/PID/sched and /proc/PID/schedstat. */
struct task_sched_info {
	nsec_t run_start; /* when it was last accounted */
	nsec_t run_time, virtual_time, waited;
	u64 turns, migrations, switches_voluntary, switches_involuntary;
	u32 weight;
	int policy;
	int priority;    /* as the kernel counts: 0 to 98 real-time, 100 to 139 fair, -1 deadline */
	s64 runtime;     /* left of a deadline task's */
	nsec_t deadline; /* absolute */
};
void task_sched_info(struct task *task, struct task_sched_info *info);
/* For /proc/schedstat; false when that CPU has no queue. */
struct cpu_sched_info {
	u64 yields, switches, idles;
	nsec_t busy, delayed; /* time it ran tasks; time tasks waited for it, one by one */
};
bool scheduler_cpu_info(u32 cpu, struct cpu_sched_info *info);

/* For /proc/stat and /proc/loadavg.  Times in nanoseconds since boot. */
struct cpu_times {
	nsec_t user, nice, system, idle, iowait, irq;
};
void scheduler_cpu_times(u32 cpu, struct cpu_times *times);
u64 scheduler_switches(void);     /* context switches since boot */
u32 scheduler_runnable(void);     /* tasks running or ready */
u32 scheduler_blocked(void);      /* tasks in uninterruptible sleep */
void scheduler_load(u64 load[3]); /* 1, 5 and 15 minutes, times 2048 */
nsec_t scheduler_idle_time(void); /* all CPUs together: /proc/uptime */

#endif
