/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on scheduling (sched(7)): policies, nice values, affinity.
 */
#include "arch/cpu.h"
#include "lib/abi/resource.h"
#include "lib/abi/sched.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/time.h"
#include "proc/user_namespace.h"
#include "syscall/process_internal.h"
#include "syscall/table.h"

#define FAIR_INTERVAL (4 * NSEC_PER_MSEC)
#define NICE_BASE     20 /* getpriority's result is this less the nice value */

long sys_sched_yield(void)
{
	task_yield();
	return 0;
}

long sys_getcpu(vaddr_t cpu, vaddr_t node)
{
	u32 here = task_cpu(current), zero = 0;

	if (cpu && put_user(here, cpu))
		return -EFAULT;
	return node ? put_user(zero, node) : 0;
}

/* The thread with that number (0: the caller), with a reference. */
static struct task *find(pid_t pid)
{
	if (pid < 0)
		return ERR_PTR(-EINVAL);
	if (pid == 0)
		return task_get(current);
	struct task *task = task_find(pid);
	return task ? task : ERR_PTR(-ESRCH);
}

/* May the caller change how the task is scheduled? */
static bool may_control(struct task *task)
{
	const struct credentials *own = current_credentials();
	struct credentials *other = credentials_of_task(task);
	bool may = own->euid == other->euid || own->euid == other->uid ||
		   capable_in(other->user_namespace, CAP_SYS_NICE);

	credentials_put(other);
	return may;
}

static bool may_have_nice(struct task *task, int nice)
{
	return nice >= task->sched.nice ||
	       (u64)(NICE_BASE - nice) <= rlimit_of(task->process, RLIMIT_NICE) ||
	       capable(CAP_SYS_NICE);
}

/* --- Policies --- */

static bool is_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool may_have_policy(struct task *task, int policy, int priority)
{
	if (capable(CAP_SYS_NICE))
		return true;
	if (is_realtime(policy)) {
		u64 limit = rlimit_of(task->process, RLIMIT_RTPRIO);
		if (policy != task->sched.policy && limit == 0)
			return false;
		if (priority > task->sched.rt_priority && (u64)priority > limit)
			return false;
	}
	/* Out of SCHED_IDLE is a step up. */
	if (task->sched.policy == SCHED_IDLE && policy != SCHED_IDLE)
		return may_have_nice(task, task->sched.nice - 1);
	return !(task->sched.reset_on_fork);
}

static long set_policy(struct task *task, int policy, int priority, bool reset_on_fork)
{
	if (policy == SCHED_DEADLINE || policy < 0)
		return -EINVAL;
	if (is_realtime(policy) ? priority < 1 || priority > 99 : priority != 0)
		return -EINVAL;
	if (!may_control(task) || !may_have_policy(task, policy, priority))
		return -EPERM;
	return task_set_policy(task, policy, priority, reset_on_fork || task->sched.reset_on_fork);
}

/* policy -1: keeps the one there is. */
static long set_scheduler(pid_t pid, int policy, vaddr_t parameters)
{
	struct linux_sched_param param;
	bool reset = policy >= 0 && policy & SCHED_RESET_ON_FORK;

	if (!parameters || pid < 0)
		return -EINVAL;
	if (get_user(param, parameters))
		return -EFAULT;
	struct task *task = find(pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	long result =
		set_policy(task, policy < 0 ? task->sched.policy : policy & ~SCHED_RESET_ON_FORK,
			   param.sched_priority, reset);
	task_put(task);
	return result;
}

long sys_sched_setscheduler(pid_t pid, int policy, vaddr_t parameters)
{
	return policy < 0 ? -EINVAL : set_scheduler(pid, policy, parameters);
}

long sys_sched_setparam(pid_t pid, vaddr_t parameters)
{
	return set_scheduler(pid, -1, parameters);
}

long sys_sched_getscheduler(pid_t pid)
{
	struct task *task = find(pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	long policy = task->sched.policy | (task->sched.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	task_put(task);
	return policy;
}

long sys_sched_getparam(pid_t pid, vaddr_t parameters)
{
	if (!parameters)
		return -EINVAL;
	struct task *task = find(pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	struct linux_sched_param param = {.sched_priority = task->sched.rt_priority};
	task_put(task);
	return put_user(param, parameters);
}

/* Reads the structure; -E2BIG tells the program, through its size field, how much we know. */
static int read_attributes(struct linux_sched_attr *attributes, vaddr_t address)
{
	u32 size, known = sizeof(*attributes);

	if (get_user(size, address))
		return -EFAULT;
	if (size == 0)
		size = SCHED_ATTR_SIZE_VER0;
	int error = size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE
			    ? -E2BIG
			    : copy_versioned(attributes, known, address, size);
	if (error == -E2BIG && put_user(known, address))
		return -EFAULT;
	return error;
}

/* Only who may do everything may reserve time: it is taken from all others. */
static long set_deadline(struct task *task, const struct linux_sched_attr *attributes)
{
	struct sched_deadline wanted = {attributes->sched_runtime, attributes->sched_deadline,
					attributes->sched_period};

	if (attributes->sched_priority != 0)
		return -EINVAL;
	if (!capable(CAP_SYS_NICE))
		return -EPERM;
	return task_set_deadline(task, &wanted, attributes->sched_flags & SCHED_FLAG_RESET_ON_FORK);
}

static long set_attributes(struct task *task, const struct linux_sched_attr *attributes)
{
	bool keep = attributes->sched_flags & SCHED_FLAG_KEEP_POLICY;
	int policy = keep ? task->sched.policy : (int)attributes->sched_policy;
	int nice = CLAMP(attributes->sched_nice, -20, 19);
	bool reset = attributes->sched_flags & SCHED_FLAG_RESET_ON_FORK;

	if (policy == SCHED_DEADLINE)
		return set_deadline(task, attributes);
	if (!is_realtime(policy) && policy != SCHED_IDLE && !may_have_nice(task, nice))
		return -EPERM;
	long error = set_policy(task, policy, (int)attributes->sched_priority, reset);
	if (error || is_realtime(policy))
		return error;
	return task_set_nice(task, nice);
}

long sys_sched_setattr(pid_t pid, vaddr_t address, u32 flags)
{
	struct linux_sched_attr attributes;

	if (!address || pid < 0 || flags)
		return -EINVAL;
	int error = read_attributes(&attributes, address);
	if (error)
		return error;
	if ((s32)attributes.sched_policy < 0 ||
	    attributes.sched_flags & ~(u64)(SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP_POLICY))
		return -EINVAL;
	struct task *task = find(pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	long result = set_attributes(task, &attributes);
	task_put(task);
	return result;
}

long sys_sched_getattr(pid_t pid, vaddr_t address, u32 size, u32 flags)
{
	if (!address || pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	struct task *task = find(pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	struct sched_deadline deadline = {0};
	if (task->sched.policy == SCHED_DEADLINE)
		task_get_deadline(task, &deadline);
	struct linux_sched_attr attributes = {
		.sched_runtime = deadline.runtime,
		.sched_deadline = deadline.deadline,
		.sched_period = deadline.period,
		.size = MIN(size, (u32)sizeof(attributes)),
		.sched_policy = task->sched.policy,
		.sched_flags = task->sched.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
		.sched_nice = task->sched.rt_priority ? 0 : task->sched.nice,
		.sched_priority = task->sched.rt_priority,
		.sched_util_max = 1024,
	};
	task_put(task);
	return copy_to_user((void __user *)address, &attributes, attributes.size);
}

static bool is_policy(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ||
	       policy == SCHED_DEADLINE;
}

long sys_sched_get_priority_max(int policy)
{
	if (is_realtime(policy))
		return 99;
	return is_policy(policy) ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(int policy)
{
	if (is_realtime(policy))
		return 1;
	return is_policy(policy) ? 0 : -EINVAL;
}

long sys_sched_rr_get_interval(pid_t pid, vaddr_t interval)
{
	struct task *task = find(pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	nsec_t slice = task->sched.policy == SCHED_FIFO || task->sched.policy == SCHED_DEADLINE ? 0
		       : task->sched.policy == SCHED_RR ? scheduler_rr_slice()
							: FAIR_INTERVAL;
	task_put(task);
	return timespec_to_user(interval, slice);
}

/* --- Affinity --- */

long sys_sched_setaffinity(pid_t pid, u32 size, vaddr_t address)
{
	cpumask_t mask = 0;

	if (copy_from_user(&mask, (const void __user *)address, MIN(size, (u32)sizeof(mask))))
		return -EFAULT;
	struct task *task = find(pid);
	if (IS_ERR(task))
		return pid < 0 ? -ESRCH : PTR_ERR(task);
	long result = may_control(task) ? task_set_affinity(task, mask) : -EPERM;
	task_put(task);
	return result;
}

long sys_sched_getaffinity(pid_t pid, u32 size, vaddr_t address)
{
	if (size * 8ull < cpu_count() || size % sizeof(u64))
		return -EINVAL;
	struct task *task = find(pid);
	if (IS_ERR(task))
		return pid < 0 ? -ESRCH : PTR_ERR(task);
	cpumask_t mask = READ_ONCE(task->sched.allowed) & cpus_online();
	task_put(task);
	return put_user(mask, address) ? -EFAULT : (long)sizeof(mask);
}

/* --- Nice values of several processes --- */

struct priority_walk {
	int which, who;
	bool set;
	int nice;
	long result; /* of getting: the most favourable; of setting: 0 or the last error; -ESRCH:
			nobody yet */
};

static long set_nice_of(struct task *task, const struct priority_walk *walk)
{
	if (!may_control(task))
		return -EPERM;
	if (!may_have_nice(task, walk->nice))
		return -EACCES;
	return task_set_nice(task, walk->nice);
}

static void visit(struct priority_walk *walk, struct task *task)
{
	if (!walk->set) {
		walk->result = MAX(walk->result, (long)(NICE_BASE - task->sched.nice));
		return;
	}
	long error = set_nice_of(task, walk);
	if (error || walk->result == -ESRCH)
		walk->result = error;
}

static bool is_meant(const struct priority_walk *walk, struct process *process)
{
	if (walk->which == PRIO_PGRP)
		return process->group && pid_shown(process->group->pid) == walk->who;
	return process_uid(process) == uid_given((uid_t)walk->who);
}

static long walk_priorities(struct priority_walk *walk)
{
	struct process *process;
	struct task *task;

	if (walk->which == PRIO_PROCESS) {
		task = walk->who < 0 ? ERR_PTR(-ESRCH) : find(walk->who);
		if (IS_ERR(task))
			return -ESRCH;
		visit(walk, task);
		task_put(task);
		return walk->result;
	}
	if (walk->who == 0)
		walk->who = walk->which == PRIO_PGRP ? process_group_id(current->process)
						     : (int)uid_shown(current_credentials()->uid);
	unsigned long flags = process_tree_lock();
	for_each_process_locked(process)
	{
		if (!is_meant(walk, process))
			continue;
		for_each_thread(task, process) visit(walk, task);
	}
	process_tree_unlock(flags);
	return walk->result;
}

long sys_getpriority(int which, int who)
{
	struct priority_walk walk = {.which = which, .who = who, .result = -ESRCH};

	return which < PRIO_PROCESS || which > PRIO_USER ? -EINVAL : walk_priorities(&walk);
}

long sys_setpriority(int which, int who, int nice)
{
	struct priority_walk walk = {
		.which = which,
		.who = who,
		.set = true,
		.nice = CLAMP(nice, -20, 19),
		.result = -ESRCH,
	};

	return which < PRIO_PROCESS || which > PRIO_USER ? -EINVAL : walk_priorities(&walk);
}
