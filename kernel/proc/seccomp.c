/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seccomp(2): what becomes of a restricted thread's calls, and how restrictions are installed.  See
 * seccomp.h.
 */
#include "proc/seccomp.h"

#include "arch/debug.h"
#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/exec.h"
#include "proc/hooks.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/signal.h"

#include <machine/syscall_numbers.h>

enum {
	CHAIN_LIMIT = 32768, /* instructions in all of a thread's filters */
	FILTER_COST = 4,     /* a filter counts as so many more */
	MOST_ERRNO = 4095,
	SYS_SECCOMP = 1, /* si_code of SIGSYS */
};

const struct seccomp_hooks *seccomp_hooks; /* set once */

/* --- Filters --- */

static void filter_put(struct seccomp_filter *filter)
{
	while (filter != NULL && __atomic_sub_fetch(&filter->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		struct seccomp_filter *previous = filter->previous;

		if (filter->listener != NULL)
			seccomp_hooks->filter_gone(filter->listener);
		kfree(filter);
		filter = previous;
	}
}

static struct seccomp_filter *filter_get(struct seccomp_filter *filter)
{
	if (filter != NULL)
		__atomic_add_fetch(&filter->refs, 1, __ATOMIC_RELAXED);
	return filter;
}

/* Was `filter` built upon `ancestor`, or is it that one?  NULL is below all. */
static bool is_built_upon(const struct seccomp_filter *filter,
			  const struct seccomp_filter *ancestor)
{
	if (ancestor == NULL)
		return true;
	while (filter != NULL && filter != ancestor)
		filter = filter->previous;
	return filter != NULL;
}

static void set_mode(struct task *task, u32 mode)
{
	__atomic_store_n(&task->seccomp.mode, mode, __ATOMIC_RELEASE);
	__atomic_or_fetch(&task->call_work, CALL_SECCOMP, __ATOMIC_SEQ_CST);
}

void seccomp_inherit_locked(struct task *task)
{
	u32 mode = __atomic_load_n(&current->seccomp.mode, __ATOMIC_ACQUIRE);

	if (mode == SECCOMP_MODE_DISABLED)
		return;
	task->seccomp.filter =
		filter_get(__atomic_load_n(&current->seccomp.filter, __ATOMIC_ACQUIRE));
	set_mode(task, mode);
}

void seccomp_release(struct task *task)
{
	filter_put(task->seccomp.filter);
	task->seccomp.filter = NULL;
}

void seccomp_describe(struct task *task, u32 *mode, u32 *filters)
{
	unsigned long flags = spin_lock_irqsave(&task->process->lock);

	*mode = task->seccomp.mode;
	*filters = 0;
	for (const struct seccomp_filter *f = task->seccomp.filter; f != NULL; f = f->previous)
		++*filters;
	spin_unlock_irqrestore(&task->process->lock, flags);
}

/* --- At a call --- */

static void log_action(long number, u32 action)
{
	log_info("seccomp: %s[%d]: system call %ld: action %#x", current->comm, current->tid,
		 number, action);
}

/* SIGSYS for the call, which was not made: its number is in the result register. */
static void send_sigsys(struct trap_frame *frame, long number, u32 data)
{
	struct siginfo info;

	trap_set_result(frame, number);
	siginfo_init(&info, SIGSYS, SYS_SECCOMP);
	info.error = (s32)data;
	info.fault.address = trap_ip(frame);
	info.fault.extra[0] = (u32)number | (u64)arch_audit_number() << 32;
	signal_force(&info);
}

/* Ends the process, or only the thread. */
static void kill(struct trap_frame *frame, long number, u32 action, u32 data)
{
	static const struct linux_sigaction by_default = {.handler = SIG_DFL};

	if (action == SECCOMP_RET_KILL_THREAD && READ_ONCE(current->process->live_threads) > 1)
		task_exit(SIGSYS);
	(void)!signal_set_action(SIGSYS, &by_default, NULL);
	send_sigsys(frame, number, data);
}

/* The strictest answer of all filters; *deciding: whose it was. */
static u32 ask_filters(const struct linux_seccomp_data *data,
		       const struct seccomp_filter **deciding)
{
	const struct seccomp_filter *filter =
		__atomic_load_n(&current->seccomp.filter, __ATOMIC_ACQUIRE);
	u32 answer = SECCOMP_RET_ALLOW;

	*deciding = filter;
	for (; filter != NULL; filter = filter->previous) {
		u32 its = seccomp_run(filter, data);

		if ((s32)(its & SECCOMP_RET_ACTION) < (s32)(answer & SECCOMP_RET_ACTION)) {
			answer = its;
			*deciding = filter;
		}
	}
	return answer;
}

static bool enter_filtered(struct trap_frame *frame, bool traced);

/* The tracer decides; what it makes of the call is asked about again. */
static bool ask_tracer(struct trap_frame *frame, u32 data)
{
	if (!ptrace_wants_event(PTRACE_EVENT_SECCOMP)) {
		trap_set_result(frame, -ENOSYS);
		return false;
	}
	ptrace_event(PTRACE_EVENT_SECCOMP, data);
	if (task_kill_pending(current) || (s32)arch_syscall_number(frame) < 0)
		return false;
	return enter_filtered(frame, true);
}

static bool ask_listener(struct trap_frame *frame, const struct seccomp_filter *filter,
			 const struct linux_seccomp_data *data)
{
	long result = -ENOSYS; /* nobody listens */

	if (filter->listener != NULL && seccomp_hooks->ask(filter->listener, data, &result))
		return true;
	trap_set_result(frame, result);
	return false;
}

static bool enter_filtered(struct trap_frame *frame, bool traced)
{
	const struct seccomp_filter *filter;
	struct linux_seccomp_data data = {
		.number = (s32)arch_syscall_number(frame),
		.arch = arch_audit_number(),
		.instruction_pointer = trap_ip(frame),
	};

	for (unsigned i = 0; i < ARRAY_SIZE(data.arguments); i++)
		data.arguments[i] = trap_syscall_argument(frame, i);
	u32 answer = ask_filters(&data, &filter);
	u32 action = answer & SECCOMP_RET_ACTION, value = answer & SECCOMP_RET_DATA;

	if (action == SECCOMP_RET_LOG || (filter->log && action != SECCOMP_RET_ALLOW))
		log_action(data.number, action);
	switch (action) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return true;
	case SECCOMP_RET_ERRNO:
		trap_set_result(frame, -(long)MIN(value, (u32)MOST_ERRNO));
		return false;
	case SECCOMP_RET_TRAP:
		send_sigsys(frame, data.number, value);
		return false;
	case SECCOMP_RET_TRACE:
		return traced || ask_tracer(frame, value);
	case SECCOMP_RET_USER_NOTIF:
		return ask_listener(frame, filter, &data);
	default:
		kill(frame, data.number, action, value);
		return false;
	}
}

static bool enter_strict(long number)
{
	switch (number) {
	case NR_read:
	case NR_write:
	case NR_exit:
	case NR_rt_sigreturn:
		return true;
	default:
		task_exit(SIGKILL);
	}
}

bool seccomp_enter(struct trap_frame *frame)
{
	u32 mode = __atomic_load_n(&current->seccomp.mode, __ATOMIC_ACQUIRE);

	if (mode == SECCOMP_MODE_STRICT)
		return enter_strict((s32)arch_syscall_number(frame));
	return mode == SECCOMP_MODE_DISABLED || enter_filtered(frame, false);
}

/* --- Installing --- */

long seccomp_set_strict(void)
{
	struct process *process = current->process;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	bool allowed = current->seccomp.mode != SECCOMP_MODE_FILTER;

	if (allowed)
		set_mode(current, SECCOMP_MODE_STRICT);
	spin_unlock_irqrestore(&process->lock, flags);
	return allowed ? 0 : -EINVAL;
}

/* A checked filter from program memory, or ERR_PTR. */
static struct seccomp_filter *read_filter(vaddr_t address)
{
	struct linux_sock_fprog program;
	struct seccomp_filter *filter;
	int error = -EFAULT;

	if (get_user(program, address) != 0)
		return ERR_PTR(-EFAULT);
	if (program.length == 0 || program.length > BPF_MOST_INSTRUCTIONS)
		return ERR_PTR(-EINVAL);
	if (!READ_ONCE(current->process->no_new_privileges) && !capable_here(CAP_SYS_ADMIN))
		return ERR_PTR(-EACCES);
	size_t size = program.length * sizeof(filter->code[0]);
	filter = kmalloc(sizeof(*filter) + size);
	if (filter == NULL)
		return ERR_PTR(-ENOMEM);
	filter->refs = 1;
	filter->previous = NULL;
	filter->listener = NULL;
	filter->length = program.length;
	if (copy_from_user(filter->code, (const void __user *)program.filter, size) == 0)
		error = seccomp_check(filter->code, filter->length);
	if (error == 0)
		return filter;
	kfree(filter);
	return ERR_PTR(error);
}

/* The number of a thread that cannot take over current's filters, or 0. */
static pid_t find_obstacle_locked(void)
{
	const struct task *task;

	for_each_thread(task, current->process)
	{
		if (task == current || task->seccomp.mode == SECCOMP_MODE_DISABLED)
			continue;
		if (task->seccomp.mode != SECCOMP_MODE_FILTER ||
		    !is_built_upon(current->seccomp.filter, task->seccomp.filter))
			return task_shown(task);
	}
	return 0;
}

/* Gives current's filters to the other threads. */
static void synchronise_locked(void)
{
	struct task *task;

	for_each_thread(task, current->process)
	{
		struct seccomp_filter *old = task->seccomp.filter;

		if (task == current)
			continue;
		__atomic_store_n(&task->seccomp.filter, filter_get(current->seccomp.filter),
				 __ATOMIC_RELEASE);
		/* The new ones are built upon it, so it stays. */
		filter_put(old);
		set_mode(task, SECCOMP_MODE_FILTER);
	}
}

static long install_locked(struct seccomp_filter *filter, u32 flags)
{
	u64 total = filter->length;

	if (current->seccomp.mode == SECCOMP_MODE_STRICT)
		return -EINVAL;
	for (const struct seccomp_filter *f = current->seccomp.filter; f != NULL; f = f->previous) {
		total += f->length + FILTER_COST;
		if (f->listener != NULL && filter->listener != NULL)
			return -EBUSY;
	}
	if (total > CHAIN_LIMIT)
		return -ENOMEM;
	if (flags & SECCOMP_FILTER_FLAG_TSYNC) {
		pid_t obstacle = find_obstacle_locked();
		if (obstacle != 0)
			return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : obstacle;
	}
	filter->previous = current->seccomp.filter;
	__atomic_store_n(&current->seccomp.filter, filter, __ATOMIC_RELEASE);
	set_mode(current, SECCOMP_MODE_FILTER);
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		synchronise_locked();
	return 0;
}

static int check_flags(u32 flags)
{
	const u32 known = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
			  SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_NEW_LISTENER |
			  SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	bool listens = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;

	if (flags & ~known)
		return -EINVAL;
	/* The result cannot be a descriptor and the number of a thread. */
	if (listens && flags & SECCOMP_FILTER_FLAG_TSYNC &&
	    !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return -EINVAL;
	return flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !listens ? -EINVAL : 0;
}

static long install(struct seccomp_filter *filter, u32 flags)
{
	struct process *process = current->process;
	unsigned long irq = spin_lock_irqsave(&process->lock);
	long result = install_locked(filter, flags);

	spin_unlock_irqrestore(&process->lock, irq);
	return result;
}

long seccomp_set_filter(u32 flags, vaddr_t program)
{
	struct file *file = NULL;
	int fd = 0, error = check_flags(flags);

	if (error != 0)
		return error;
	struct seccomp_filter *filter = read_filter(program);
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	filter->log = (flags & SECCOMP_FILTER_FLAG_LOG) != 0;
	if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		fd = seccomp_hooks->prepare(flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
					    &filter->listener, &file);
	long result = fd < 0 ? fd : install(filter, flags);
	if (result != 0)
		filter_put(filter);
	if (file == NULL)
		return result;
	if (result != 0) {
		seccomp_hooks->discard(fd, file);
		return result;
	}
	seccomp_hooks->install(fd, file);
	return fd;
}

bool seccomp_knows_action(u32 action)
{
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_USER_NOTIF:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return true;
	default:
		return false;
	}
}
