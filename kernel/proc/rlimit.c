/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource limits: defaults, inheritance, reading and setting.  Whoever owns the resource enforces
 * its limit; the limits on address space are copied to the address space, which does not know
 * processes.
 */
#include "proc/rlimit.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/vmm.h"
#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/task.h"
#include "proc/time.h"

enum {
	DEFAULT_STACK = 8 << 20,
	DEFAULT_OPEN_FILES = 1024,
	MAXIMUM_OPEN_FILES = 1 << 20,
	HARD_OPEN_FILES = 4096,
	DEFAULT_LOCKED = 8 << 20,
	DEFAULT_MESSAGE_QUEUES = 819200,
};

void rlimits_init(struct process *process, u64 max_tasks)
{
	for (unsigned i = 0; i < RLIMIT_COUNT; i++)
		process->limits[i] = (struct rlimit64){RLIM_INFINITY, RLIM_INFINITY};
	process->limits[RLIMIT_STACK].soft = DEFAULT_STACK;
	process->limits[RLIMIT_CORE].soft = 0;
	process->limits[RLIMIT_NOFILE] = (struct rlimit64){DEFAULT_OPEN_FILES, HARD_OPEN_FILES};
	process->limits[RLIMIT_MEMLOCK] = (struct rlimit64){DEFAULT_LOCKED, DEFAULT_LOCKED};
	process->limits[RLIMIT_NPROC] = (struct rlimit64){max_tasks, max_tasks};
	process->limits[RLIMIT_SIGPENDING] = (struct rlimit64){max_tasks, max_tasks};
	process->limits[RLIMIT_MSGQUEUE] =
		(struct rlimit64){DEFAULT_MESSAGE_QUEUES, DEFAULT_MESSAGE_QUEUES};
	process->limits[RLIMIT_NICE] = (struct rlimit64){0, 0};
	process->limits[RLIMIT_RTPRIO] = (struct rlimit64){0, 0};
}

void rlimits_copy(struct process *child, struct process *parent)
{
	unsigned long flags = spin_lock_irqsave(&parent->lock);

	memcpy(child->limits, parent->limits, sizeof(child->limits));
	spin_unlock_irqrestore(&parent->lock, flags);
}

u64 rlimit_of(const struct process *process, unsigned resource)
{
	return READ_ONCE(process->limits[resource].soft);
}

u64 rlimit_current(unsigned resource)
{
	return rlimit_of(current->process, resource);
}

struct rlimit64 rlimit_pair(struct process *process, unsigned resource)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct rlimit64 pair = process->limits[resource];

	spin_unlock_irqrestore(&process->lock, flags);
	return pair;
}

void rlimits_to_space(const struct process *process, struct vm_limits *limits)
{
	WRITE_ONCE(limits->address_space, rlimit_of(process, RLIMIT_AS));
	WRITE_ONCE(limits->data, rlimit_of(process, RLIMIT_DATA));
	WRITE_ONCE(limits->stack, rlimit_of(process, RLIMIT_STACK));
	WRITE_ONCE(limits->locked, rlimit_of(process, RLIMIT_MEMLOCK));
}

/* Linux's vm.mmap_min_addr, which CAP_SYS_RAWIO overrides. */
static bool may_map_lowest(void)
{
	return capable(CAP_SYS_RAWIO);
}

static bool may_lock_all(void)
{
	return capable(CAP_IPC_LOCK);
}

/* Who may use the memory that strict accounting keeps for the privileged. */
static bool may_use_reserve(void)
{
	return capable(CAP_SYS_ADMIN);
}

void low_addresses_init(void)
{
	vmm_set_low_address_hook(may_map_lowest);
	vmm_set_lock_hook(may_lock_all);
	commit_set_privilege_hook(may_use_reserve);
}

/* The address space that the process's threads have follows the new limits. */
static void update_space(struct process *process)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct task *task;

	/* The leader may have ended before the others, or have been waited for meanwhile. */
	for_each_thread(task, process)
	{
		spin_lock(&task->lock);
		if (task->space != NULL)
			rlimits_to_space(process, &task->space->limits);
		spin_unlock(&task->lock);
	}
	spin_unlock_irqrestore(&process->lock, flags);
}

int rlimit_exchange(struct process *process, unsigned resource, const struct rlimit64 *update,
		    struct rlimit64 *old)
{
	bool may_raise = capable(CAP_SYS_RESOURCE);
	int result = 0;

	if (resource >= RLIMIT_COUNT)
		return -EINVAL;
	if (update != NULL && update->soft > update->hard)
		return -EINVAL;
	if (update != NULL && resource == RLIMIT_NOFILE && update->hard > MAXIMUM_OPEN_FILES)
		return -EPERM;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct rlimit64 *limit = &process->limits[resource];
	if (old != NULL)
		*old = *limit;
	if (update != NULL && update->hard > limit->hard && !may_raise)
		result = -EPERM;
	else if (update != NULL)
		*limit = *update;
	spin_unlock_irqrestore(&process->lock, flags);
	if (result < 0 || update == NULL)
		return result;
	update_space(process);
	if (resource == RLIMIT_CPU)
		process_timers_watch_cpu_limit(process);
	return result;
}
