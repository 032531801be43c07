/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first program: a kernel thread becomes process 1 and runs it.
 */
#include "arch/context.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/credentials.h"
#include "proc/exec.h"
#include "proc/hooks.h"
#include "proc/namespace.h"
#include "proc/pid_namespace.h"
#include "proc/proc_internal.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/session.h"
#include "proc/signal.h"

#define ARGUMENTS_MAX 64

/* The calling kernel thread becomes the leader of a process with number 1. */
static int become_first_process(struct task *task)
{
	struct process *process = process_alloc();
	if (!process)
		return -ENOMEM;
	const pid_t one = 1;
	struct pid *pid = pid_alloc(pid_namespace_first(), &one, 1);
	if (IS_ERR(pid))
		return (int)PTR_ERR(pid);

	rlimits_init(process, frame_get_total_memory() / (16 * KERNEL_STACK_SIZE));
	int error = signal_init_process(process);
	if (!error)
		error = user_account_charge_process(task->credentials, RLIM_INFINITY);
	if (error)
		return error;
	process->leader = task;
	process->pid = 1;
	process->numbers = pid_hold(pid);
	task->pid = pid;
	task->numbers = pid_hold(pid);
	task->namespaces = namespaces_get_first();
	task->tid = 1;
	process_put(task->process);
	task->process = process_get(process); /* the other reference is the tree's */
	task->flags &= ~(u32)TASK_KERNEL;

	unsigned long flags = process_tree_lock();
	process->parent = &kernel_process;
	list_add_tail(&process->sibling_link, &kernel_process.children);
	pid->task = task_get(task);
	process_add_thread_locked(process, task);
	pid_namespace_enter_locked(task);
	process_set_init(process);
	process_count_task(1);
	process_tree_unlock(flags);
	return session_init_first(process);
}

static long try_program(const char *path, const char *const *argv, const char *const *envp)
{
	const char *arguments[ARGUMENTS_MAX + 1] = {path};

	for (size_t i = 1; i < ARGUMENTS_MAX && argv[0] && argv[i]; i++)
		arguments[i] = argv[i];
	long error = exec_kernel(path, arguments, envp);
	if (error && error != -ENOENT)
		log_warn("%s cannot be run: error %ld", path, -error);
	return error;
}

void kernel_exec_init(const char *path, const char *const *argv, const char *const *envp,
		      bool fall_back)
{
	static const char *const others[] = {"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
	struct task *task = current;

	int error = become_first_process(task);
	if (!error)
		error = file_hooks ? file_hooks->init_files(task) : -ENOSYS;
	if (error)
		panic("the first process cannot be made: error %d", -error);

	long result = try_program(path, argv, envp);
	for (size_t i = 0; result && fall_back && i < ARRAY_SIZE(others); i++)
		result = try_program(others[i], argv, envp);
	if (result)
		panic("no program to start with: %s and its substitutes cannot be run (error %ld); "
		      "try init= on the command line",
		      path, -result);
	arch_enter_user(task_frame());
}
