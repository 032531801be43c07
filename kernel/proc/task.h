/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: one thread of control each, a program's or the kernel's own.
 *
 * A task is counted.  References are held by: its struct pid (from fork until it is reaped), the
 * scheduler (from creation until it has left its stack for the last time), and whoever got it from
 * task_find or task_get.  The kernel stack goes when the scheduler's reference goes; the struct
 * when the last one goes.
 *
 * Each field names who may touch it: "own" is the task itself; "const" never changes after
 * creation; otherwise a lock. Locks, outermost first: process_tree_lock (proc/process.h),
 * process->lock, task->lock, a wait queue's lock, a run queue's lock.
 */
#ifndef PROC_TASK_H
#define PROC_TASK_H

#include "arch/context.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/spinlock.h"
#include "lib/sync.h"
#include "lib/types.h"
#include "mm/mempolicy.h"
#include "proc/account.h"
#include "proc/ptrace_types.h"
#include "proc/signal_types.h"
#include "proc/timer.h"

struct address_space;
struct credentials;
struct files;
struct fs_context;
struct namespaces;
struct pid;
struct process;
struct seccomp_filter;
struct sem_undo_list;
struct vfork_wait;

#define TASK_COMM_LENGTH 16

/* What a task does.  RUNNING is running or ready; the rest are bits so that a wake-up can name
 * several. */
enum task_state {
	TASK_RUNNING = 0,
	TASK_INTERRUPTIBLE = 1 << 0,   /* sleeps until woken or a signal comes */
	TASK_UNINTERRUPTIBLE = 1 << 1, /* sleeps until woken */
	TASK_KILLABLE = 1 << 2,        /* sleeps until woken or killed */
	TASK_STOPPED = 1 << 3,         /* by job control */
	TASK_TRACED = 1 << 4,          /* by a debugger */
	TASK_DEAD = 1 << 5,            /* never runs again */
};
#define TASK_ANY_SLEEP (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_KILLABLE)

/* Things to do before the task next enters user mode: bits of task->work_flags. */
enum task_work {
	TASK_WORK_SIGNAL =
		1 << 0, /* an unblocked signal may be pending; proc/signal.c sets and clears it */
	TASK_WORK_KILL =
		1 << 1, /* the task must exit with its process's exit status; never cleared */
	TASK_WORK_STOP = 1 << 2, /* a group stop or freeze to take part in; proc/signal.c's */
	TASK_WORK_RESTORE_MASK = 1 << 3, /* signals.saved_blocked is to be put back */
	TASK_WORK_SET_TID = 1 << 4,      /* a new thread writes its number to set_child_tid */
	TASK_WORK_RSEQ = 1 << 5,         /* proc/rseq.c: the thread has lost its CPU */
	TASK_WORK_GIVE_WAY = 1 << 7,     /* proc/sched.c: another fair task is due */
	TASK_WORK_URING = 1 << 8,        /* requests of io_uring are ready: uring_hook */
	TASK_WORK_CALL_EXIT = 1 << 6, /* proc/ptrace_stop.c: the end of this call is a stop, too */
};

enum task_flags {
	TASK_KERNEL = 1 << 0,  /* a kernel thread: no user half, ever */
	TASK_IDLE = 1 << 1,    /* a CPU's idle loop */
	TASK_EXITING = 1 << 2, /* has begun task_exit */
	TASK_NO_EXEC =
		1 << 3, /* forked and did not exec yet (AFORK of accounting, setpgid's EACCES) */
	TASK_NO_WAIT = 1 << 5,   /* own: waits that a signal would end, end at once: io_uring */
	TASK_SUPERUSER = 1 << 6, /* has used a capability (ASU of accounting) */
	TASK_NO_FAULTS = 1 << 4, /* a fault on user memory fails at once instead of sleeping */
};

/* What a SCHED_DEADLINE task has reserved (proc/sched_deadline.c); the run queue's lock. */
struct deadline_task {
	nsec_t runtime, deadline, period;
	s64 budget;         /* of this period; negative: it has overrun */
	nsec_t until;       /* absolute deadline */
	u64 share;          /* of the CPUs, that was admitted; the lock there */
	struct timer timer; /* while it is throttled */
	bool throttled;     /* neither ready nor asleep: waits for its next period */
};

/* The scheduler's part; guarded by the lock of the run queue that `cpu` names, unless it says
 * otherwise. */
struct sched_task {
	struct rb_node node;      /* in the run queue's tree while queued and not running */
	u64 virtual_time;         /* weighted nanoseconds on a CPU (fair tasks) */
	u64 virtual_deadline;     /* of what it asks for now: the tree's key (fair tasks) */
	u64 least_time;           /* of the virtual times in its subtree (fair tasks) */
	s64 lag;                  /* of a fair task that is not ready: what it is owed */
	u64 sequence;             /* order of arrival among real-time tasks of one priority */
	nsec_t run_start;         /* when the present stretch on a CPU was last accounted */
	nsec_t slice_end_runtime; /* run_time at which its turn is over (SCHED_RR) */
	nsec_t run_time;          /* nanoseconds on a CPU so far */
	nsec_t ready_since;       /* when it began to wait for a CPU */
	nsec_t waited;            /* for CPUs, so far */
	u64 turns;                /* that it has had on CPUs */
	u64 migrations;           /* between CPUs */
	u64 switches_voluntary, switches_involuntary;
	cpumask_t allowed;
	u32 cpu; /* whose run queue it belongs to; changes under both queues' locks or while asleep
		  */
	u32 weight;
	u8 policy;      /* SCHED_* */
	u8 rt_priority; /* 1-99 for FIFO and RR, else 0 */
	u8 inherited;   /* 1-100: of who waits for something that the task holds; else 0 */
	u8 priority;    /* the greater of the two: what counts; 100 is above all: deadlines */
	s8 nice;        /* -20 to 19 */
	bool queued;    /* ready: in the tree, or running */
	bool reset_on_fork;
	struct deadline_task deadline;
	u8 on_cpu; /* atomic: 1 while the task's registers live in a CPU; clears after it has left
		      its stack */
};

/* Where the time goes: see proc/account.h. */
struct task_times {
	u64 user_ticks, kernel_ticks;    /* the CPU that it runs on; read by others, too */
	struct time_split told;          /* the run queue's lock */
	u64 minor_faults, major_faults;  /* own */
	u64 blocks_read, blocks_written; /* own: in units of 512 bytes */
};

struct lender;

/* proc/lend.c's, guarded by the lock there. */
struct lending_task {
	struct list_head lenders; /* who lends it a priority, the greatest first */
	struct lender *waiting;   /* the task's own, while it waits for a lock, or NULL */
};

/* ipc/futex_pi.c's, guarded by proc/lend.c's lock. */
struct futex_task {
	struct list_head held; /* locks that it has and others wait for */
	bool gone;             /* it has exited, and takes over no waiters */
};

/* proc/rseq.c's. */
struct rseq_task {
	vaddr_t area;  /* own; 0: none */
	u32 signature; /* own */
	u32 cpu;       /* own: what the area says */
};

/* proc/seccomp.c's; own reads it, process->lock to change. */
struct seccomp_task {
	u32 mode; /* SECCOMP_MODE_* */
	struct seccomp_filter *filter;
};

struct task {
	u32 work_flags; /* atomic: enum task_work */
	u32 state; /* enum task_state: own sets it to sleep, the run queue's lock guards waking */
	u32 flags; /* own: enum task_flags */
	u32 refs;  /* atomic */
	struct process
		*process; /* const (a reference); the kernel's own process for kernel threads */
	struct address_space
		*space;      /* own changes it under lock; NULL for kernel threads and after exit */
	struct files *files; /* own changes it under lock; NULL after exit */
	struct fs_context *fs; /* own changes it under lock; NULL after exit */
	const struct credentials
		*credentials; /* own changes it under lock; each set is immutable and counted */
	const struct credentials *acting; /* own: whose it uses meanwhile, or NULL */
	void *kernel_stack;               /* const; lowest address of KERNEL_STACK_SIZE bytes */
	spinlock_t
		lock; /* taken with interrupts off; for those who look at another task's fields */
	pid_t tid; /* in the first namespace; const but for a thread whose exec makes it the leader (process_tree_lock) */
	struct pid *pid;     /* process_tree_lock */
	struct pid *numbers; /* process_tree_lock to change, for an exec: the memory alone;
					NULL for kernel threads */
	struct namespaces
		*namespaces; /* own changes it under lock; NULL for kernel threads and after exit */
	char comm[TASK_COMM_LENGTH]; /* lock */

	struct sched_task sched;
	struct task_times times;
	u8 stalls; /* own: bits of enum pressure_kind (proc/pressure.c) */
	struct signal_task signals;
	u32 call_work; /* atomic: enum call_work (proc/ptrace.h) */
	struct ptrace_task ptrace;

	struct list_head thread_link; /* in process->threads; process_tree_lock and process->lock to
					 change */
	vaddr_t clear_child_tid;  /* own: zeroed and futex-woken when the task leaves its address
				     space */
	vaddr_t set_child_tid;    /* own: written when the task first runs */
	vaddr_t robust_list;      /* own: set_robust_list(2) */
	size_t robust_list_size;  /* own */
	struct vfork_wait *vfork; /* lock: the parent that waits for our exec or exit */
	struct sem_undo_list *sem_undo; /* own: ipc/sem_undo.c's; NULL: none yet */
	struct seccomp_task seccomp;    /* proc/seccomp.c's */
	struct lending_task lending;
	struct futex_task futex;
	struct rseq_task rseq;   /* own, and the CPU that switches */
	struct mempolicy policy; /* own: set_mempolicy(2) */
	u16 io_priority;         /* ioprio_set(2): kept for who asks; single word */
	int parent_death_signal; /* own: PR_SET_PDEATHSIG; read under process_tree_lock */
	void *journal_handle;    /* own: fs/ext4/transaction.h's handles that are open */
	int exit_status;         /* own until TASK_DEAD: as wait(2) shows it */
	nsec_t timer_slack;      /* own: PR_SET_TIMERSLACK */
	nsec_t start_time;       /* const: monotonic */
	u64 restart[6];          /* own: restart_syscall(2)'s arguments */
	long (*restart_function)(struct task *task); /* own */
	bool exited; /* process_tree_lock: is done but for its last switch */
	void (*kernel_entry)(void *argument); /* const: what a kernel thread runs */
	void *kernel_argument;                /* const */
	struct lock_stack held_locks;         /* own: of the checking build */

	struct arch_task arch; /* own, and the CPU that switches */
};

/* References.  task_put may free; any context. */
struct task *task_get(struct task *task);
void task_put(struct task *task);

/* The user registers of the current task, saved at its last entry into the kernel.  Not for kernel
 * threads. */
static inline struct trap_frame *task_frame(void)
{
	return arch_user_frame(current->kernel_stack);
}
static inline struct trap_frame *task_frame_of(const struct task *task)
{
	return arch_user_frame(task->kernel_stack);
}

static inline u32 task_work(const struct task *task)
{
	return __atomic_load_n(&task->work_flags, __ATOMIC_RELAXED);
}
static inline void task_work_set(struct task *task, u32 bits)
{
	__atomic_or_fetch(&task->work_flags, bits, __ATOMIC_SEQ_CST);
}
static inline void task_work_clear(struct task *task, u32 bits)
{
	__atomic_and_fetch(&task->work_flags, ~bits, __ATOMIC_SEQ_CST);
}

/* Would an interruptible sleep end?  A killable one? */
static inline bool task_signal_pending(const struct task *task)
{
	return task_work(task) &
	       (TASK_WORK_SIGNAL | TASK_WORK_KILL | TASK_WORK_STOP | TASK_WORK_URING);
}
static inline bool task_kill_pending(const struct task *task)
{
	return task_work(task) & TASK_WORK_KILL;
}

/* The name of a task, for ps: at most 15 bytes are kept.  `buffer` holds TASK_COMM_LENGTH bytes.
 * Any context. */
void task_set_name(struct task *task, const char *name);
void task_get_name(struct task *task, char *buffer);

/*
 * Makes a kernel thread that runs entry(argument); it starts at once.  entry returns or calls
 * task_exit.  The result is the task with a reference for the caller, or an ERR_PTR (-ENOMEM,
 * -EAGAIN).  May sleep.
 */
struct task *kernel_thread_create(void (*entry)(void *argument), void *argument, const char *name);
/* The same, bound to one CPU from the start. */
struct task *kernel_thread_create_on(u32 cpu, void (*entry)(void *argument), void *argument,
				     const char *name);

/* Ends the current task with a wait(2) status (code << 8, or a signal number).  The last one of a
 * process ends that. */
void task_exit(int status) __noreturn;

#endif
