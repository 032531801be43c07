/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process table: the tree's lock, finding and counting processes, walking over them.
 *
 * The numbers are in proc/pid.c; a process is found through the pid of its leader.  What a process
 * holds is let go in two steps: process_unlink_locked takes a zombie out of the tree, and the last
 * process_put frees the struct.
 */
#include "proc/process.h"

#include "arch/clock.h"
#include "lib/assert.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/meminfo.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/hooks.h"
#include "proc/pid_namespace.h"
#include "proc/proc_internal.h"
#include "proc/ptrace.h"
#include "proc/sched.h"
#include "proc/seccomp.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "proc/time.h"

struct process kernel_process;

static spinlock_t tree_lock;
static slab_cache_t *process_cache;
static struct process *first_process; /* set once */
static u32 tasks;                     /* atomic */
static u64 forks;                     /* atomic */

const struct file_hooks *file_hooks;
void (*uring_hook)(void);
void (*uring_exec_hook)(void);
const struct futex_hooks *futex_hooks;
const struct ipc_hooks *ipc_hooks;
const struct pidfd_hooks *pidfd_hooks;

unsigned long process_tree_lock(void)
{
	return spin_lock_irqsave(&tree_lock);
}

void process_tree_unlock(unsigned long flags)
{
	spin_unlock_irqrestore(&tree_lock, flags);
}

bool process_tree_is_locked(void)
{
	return spin_is_locked(&tree_lock);
}

static void process_init(struct process *process)
{
	process->refs = 1;
	spin_lock_init(&process->lock);
	list_init(&process->children);
	list_init(&process->sibling_link);
	list_init(&process->group_link);
	list_init(&process->threads);
	wait_queue_init(&process->child_wait);
	wait_queue_init(&process->end_watchers);
	process->exit_signal = SIGCHLD;
	process->dumpable = true;
	process->start_time = clock_monotonic();
}

/* For get_proc_meminfo: the memory of any thread that has not left it yet. */
static struct address_space *process_space(pid_t pid)
{
	struct process *process = process_find(pid);
	struct address_space *space = NULL;
	struct task *task;

	if (!process)
		return NULL;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	for_each_thread(task, process)
	{
		spin_lock(&task->lock);
		if (task->space && !space)
			space = vmm_get_address_space(task->space);
		spin_unlock(&task->lock);
	}
	spin_unlock_irqrestore(&process->lock, flags);
	process_put(process);
	return space;
}

static const struct mempolicy *thread_policy(void)
{
	return &current->policy;
}

void processes_init(void)
{
	process_cache = slab_cache_create("process", sizeof(struct process),
					  alignof(struct process), NULL, NULL);
	if (!process_cache)
		panic("no memory for the process table");
	process_init(&kernel_process);
	if (signal_init_process(&kernel_process) < 0)
		panic("no memory for the kernel's process");
	mempolicy_set_source(thread_policy);
	meminfo_set_process_lookup(process_space);
}

struct process *process_alloc(void)
{
	struct process *process = slab_alloc_zeroed(process_cache);

	if (process)
		process_init(process);
	return process;
}

struct process *process_get(struct process *process)
{
	__atomic_add_fetch(&process->refs, 1, __ATOMIC_RELAXED);
	return process;
}

void process_drop_executable(struct process *process)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct file *file = process->executable;
	process->executable = NULL;
	spin_unlock_irqrestore(&process->lock, flags);
	if (file)
		file_hooks->file_put(file);
}

void process_put(struct process *process)
{
	if (__atomic_sub_fetch(&process->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	ASSERT(list_empty(&process->threads) && list_empty(&process->children));
	process_drop_executable(process);
	pid_release(process->numbers);
	signal_release_process(process);
	slab_free(process_cache, process);
}

struct process *init_process(void)
{
	return READ_ONCE(first_process);
}

void process_set_init(struct process *process)
{
	ENSURE(!first_process);
	WRITE_ONCE(first_process, process);
}

/* --- Finding --- */

struct task *task_find_locked(pid_t tid)
{
	struct pid *pid = pid_find_locked(tid);

	return pid ? pid->task : NULL;
}

struct process *process_find_locked(pid_t number)
{
	struct task *task = task_find_locked(number);

	return task && task->process->leader == task ? task->process : NULL;
}

struct process *process_find(pid_t number)
{
	unsigned long flags = process_tree_lock();
	struct process *process = process_find_locked(number);
	if (process)
		process_get(process);
	process_tree_unlock(flags);
	return process;
}

struct task *task_find(pid_t tid)
{
	unsigned long flags = process_tree_lock();
	struct task *task = task_find_locked(tid);
	if (task)
		task_get(task);
	process_tree_unlock(flags);
	return task;
}

/* The first process at or after a number of the tree. */
static struct process *process_from(const struct pid_namespace *space, pid_t number)
{
	struct pid *pid = pid_next_in_locked(space, number);

	for (; pid; pid = pid_next_in_locked(space, pid_number_in(pid, space) + 1)) {
		if (pid->task && pid->task->process->leader == pid->task)
			return pid->task->process;
	}
	return NULL;
}

struct process *process_first_locked(void)
{
	return process_from(pid_namespace_first(), 1);
}

struct process *process_next_locked(const struct process *process)
{
	return process_from(pid_namespace_first(), process->pid + 1);
}

struct process *process_next(pid_t from)
{
	return process_next_in(pid_namespace_first(), from);
}

struct process *process_next_in(const struct pid_namespace *space, pid_t from)
{
	unsigned long flags = process_tree_lock();
	struct process *process = process_from(space, from);
	if (process)
		process_get(process);
	process_tree_unlock(flags);
	return process;
}

struct task *process_next_thread(struct process *process, const struct pid_namespace *space,
				 pid_t from)
{
	struct task *task, *best = NULL;

	unsigned long flags = process_tree_lock();
	for_each_thread(task, process)
	{
		pid_t tid = pid_number_in(task->numbers, space);
		if (tid >= from && tid && (!best || tid < pid_number_in(best->numbers, space)))
			best = task;
	}
	if (best)
		task_get(best);
	process_tree_unlock(flags);
	return best;
}

/* --- The tree --- */

void process_add_thread_locked(struct process *process, struct task *task)
{
	spin_lock(&process->lock);
	list_add_tail(&task->thread_link, &process->threads);
	process->thread_count++;
	process->live_threads++;
	/* Born while the others are being ended. */
	if (process->exiting || process->exec_task)
		task_kill(task);
	signal_join_locked(process, task);
	if (unlikely(current->seccomp.mode != 0))
		seccomp_inherit_locked(task);
	spin_unlock(&process->lock);
}

void process_remove_thread_locked(struct process *process, struct task *task)
{
	spin_lock(&process->lock);
	list_remove(&task->thread_link);
	process->thread_count--;
	spin_unlock(&process->lock);
}

void task_unhash_locked(struct task *task)
{
	struct pid *pid = task->pid;

	ASSERT(pid->task == task);
	pid_namespace_leave_locked(task);
	pid->task = NULL;
	task->pid = NULL;
	pid_put_locked(pid);
	user_account_release_process(task->credentials);
	process_count_task(-1);
}

struct task *process_unlink_locked(struct process *process)
{
	struct task *leader = process->leader;

	ptrace_unlink_locked(leader);
	ASSERT(process->zombie && process->thread_count == 1);
	list_remove(&process->sibling_link);
	session_release_locked(process);
	process_remove_thread_locked(process, leader);
	task_unhash_locked(leader);
	spin_lock(&process->lock);
	process->leader = NULL;
	spin_unlock(&process->lock);
	return leader;
}

void process_bury(struct process *process, struct task *leader)
{
	task_put(leader);
	process_put(process);
	/* Whose turn is it otherwise, when a thousand processes end and no more are made? */
	kernel_stacks_trim(2);
}

/* --- Counting --- */

u32 task_count(void)
{
	return __atomic_load_n(&tasks, __ATOMIC_RELAXED);
}

u64 process_forks(void)
{
	return __atomic_load_n(&forks, __ATOMIC_RELAXED);
}

void process_count_task(s32 change)
{
	__atomic_add_fetch(&tasks, (u32)change, __ATOMIC_RELAXED);
}

void process_count_fork(void)
{
	__atomic_add_fetch(&forks, 1, __ATOMIC_RELAXED);
}
