/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: making and freeing them, their names, and the kernel's own threads.
 *
 * A task's memory goes in two steps.  Its stack goes when the scheduler has switched away from it
 * for the last time (task_buried); the struct, with what it refers to, when the last reference is
 * dropped.
 */
#include "proc/pid_namespace.h"
#include "proc/task.h"

#include "arch/clock.h"
#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "proc/cgroup_namespace.h"
#include "proc/credentials.h"
#include "proc/proc_internal.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/sched_internal.h"
#include "proc/seccomp.h"
#include "proc/signal.h"
#include "proc/user_namespace.h"
#include "proc/uts.h"

#define DEFAULT_TIMER_SLACK (50 * NSEC_PER_USEC)

static slab_cache_t *task_cache;
static const struct credentials *kernel_credentials; /* all kernel threads' */

void tasks_init(void)
{
	task_cache =
		slab_cache_create("task", sizeof(struct task), alignof(struct task), NULL, NULL);
	if (!task_cache)
		panic("no memory for tasks");
	user_namespaces_init();
	pid_namespaces_init();
	uts_init();
	cgroup_namespaces_init();
	processes_init();
	kernel_credentials = credentials_initial();
}

struct task *task_alloc(void)
{
	struct task *task = slab_alloc_zeroed(task_cache);
	if (!task)
		return NULL;

	task->kernel_stack = kernel_stack_alloc();
	if (!task->kernel_stack) {
		slab_free(task_cache, task);
		return NULL;
	}
	task_init(task);
	return task;
}

void task_init(struct task *task)
{
	task->refs = 1;
	spin_lock_init(&task->lock);
	list_init(&task->thread_link);
	signal_init_task(task);
	sched_task_init(&task->sched);
	list_init(&task->lending.lenders);
	list_init(&task->futex.held);
	list_init(&task->ptrace.traced);
	list_init(&task->ptrace.traced_link);
	task->timer_slack = DEFAULT_TIMER_SLACK;
	task->start_time = clock_monotonic();
}

struct task *task_get(struct task *task)
{
	__atomic_add_fetch(&task->refs, 1, __ATOMIC_RELAXED);
	return task;
}

static void task_destroy(struct task *task)
{
	ASSERT(!task->space && !task->files && !task->fs && !task->kernel_stack &&
	       !task->namespaces);
	arch_task_release(&task->arch);
	signal_release_task(task);
	if (task->seccomp.filter)
		seccomp_release(task);
	if (task->credentials)
		credentials_put(task->credentials);
	pid_release(task->numbers);
	if (task->process)
		process_put(task->process);
	slab_free(task_cache, task);
}

void task_put(struct task *task)
{
	if (__atomic_sub_fetch(&task->refs, 1, __ATOMIC_ACQ_REL) == 0)
		task_destroy(task);
}

void task_free(struct task *task)
{
	kernel_stack_free(task->kernel_stack);
	task->kernel_stack = NULL;
	task_destroy(task);
}

void task_buried(struct task *task)
{
	kernel_stack_free(task->kernel_stack);
	task->kernel_stack = NULL;
	task_put(task);
}

void task_set_name(struct task *task, const char *name)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	memset(task->comm, 0, sizeof(task->comm));
	strscpy(task->comm, name, sizeof(task->comm));
	spin_unlock_irqrestore(&task->lock, flags);
}

void task_get_name(struct task *task, char *buffer)
{
	unsigned long flags = spin_lock_irqsave(&task->lock);
	memcpy(buffer, task->comm, TASK_COMM_LENGTH);
	spin_unlock_irqrestore(&task->lock, flags);
}

/* --- Kernel threads --- */

static void kernel_thread_start(void *argument)
{
	struct task *task = argument;

	task->kernel_entry(task->kernel_argument);
	task_exit(0);
}

static struct task *create(cpumask_t allowed, void (*entry)(void *), void *argument,
			   const char *name)
{
	struct task *task = task_alloc();
	if (!task)
		return ERR_PTR(-ENOMEM);

	task->flags = TASK_KERNEL;
	task->process = process_get(&kernel_process);
	task->credentials = credentials_get(kernel_credentials);
	task->kernel_entry = entry;
	task->kernel_argument = argument;
	task_set_name(task, name);
	task->sched.allowed = allowed;
	arch_task_init_kernel(&task->arch, task->kernel_stack, kernel_thread_start, task);
	task_get(task); /* the caller's */
	task_start(task);
	return task;
}

struct task *kernel_thread_create(void (*entry)(void *argument), void *argument, const char *name)
{
	return create(CPUMASK_ALL, entry, argument, name);
}

struct task *kernel_thread_create_on(u32 cpu, void (*entry)(void *argument), void *argument,
				     const char *name)
{
	return create(cpumask_of(cpu), entry, argument, name);
}
