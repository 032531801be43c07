/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on signals.
 */
#include "proc/signal.h"

#include "arch/trap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/task.h"
#include "proc/time.h"
#include "syscall/table.h"

long sys_rt_sigaction(int signal, vaddr_t action, vaddr_t old_action, size_t set_size)
{
	struct linux_sigaction update, old;

	if (set_size != sizeof(sigset_t))
		return -EINVAL;
	if (action != 0 && get_user(update, action) < 0)
		return -EFAULT;
	int result = signal_set_action(signal, action != 0 ? &update : NULL, &old);
	if (result == 0 && old_action != 0)
		result = put_user(old, old_action);
	return result;
}

long sys_rt_sigprocmask(int how, vaddr_t set, vaddr_t old_set, size_t set_size)
{
	sigset_t old = current->signals.blocked;
	sigset_t mask;

	if (set_size != sizeof(sigset_t))
		return -EINVAL;
	if (set != 0) {
		if (get_user(mask, set) < 0)
			return -EFAULT;
		if (how == SIG_BLOCK)
			mask |= old;
		else if (how == SIG_UNBLOCK)
			mask = old & ~mask;
		else if (how != SIG_SETMASK)
			return -EINVAL;
		signal_set_mask(mask);
	}
	return old_set != 0 ? put_user(old, old_set) : 0;
}

long sys_rt_sigpending(vaddr_t set, size_t set_size)
{
	sigset_t pending = signal_pending_set() & current->signals.blocked;

	if (set_size > sizeof(pending))
		return -EINVAL;
	return copy_to_user((void __user *)set, &pending, set_size);
}

long sys_rt_sigsuspend(vaddr_t set, size_t set_size)
{
	sigset_t mask;

	if (set_size != sizeof(sigset_t))
		return -EINVAL;
	if (get_user(mask, set) < 0)
		return -EFAULT;
	return signal_suspend(mask);
}

/* What a program sees of a siginfo: the part that we keep, and zeros. */
static int put_siginfo(vaddr_t address, const struct siginfo *info)
{
	u8 whole[SIGINFO_SIZE] = {0};

	memcpy(whole, info, sizeof(*info));
	return copy_to_user((void __user *)address, whole, sizeof(whole));
}

long sys_rt_sigtimedwait(vaddr_t set, vaddr_t info_address, vaddr_t timeout, size_t set_size)
{
	sigset_t wanted;
	struct siginfo info;
	nsec_t deadline = NO_DEADLINE;

	if (set_size != sizeof(sigset_t))
		return -EINVAL;
	if (get_user(wanted, set) < 0)
		return -EFAULT;
	if (timeout != 0) {
		nsec_t delay;
		int result = timespec_from_user(&delay, timeout);

		if (result < 0)
			return result;
		deadline = delay != 0 ? time_after(delay) : 0;
	}
	int signal = signal_wait_for(wanted, &info, deadline);
	if (signal > 0 && info_address != 0 && put_siginfo(info_address, &info) < 0)
		return -EFAULT;
	return signal;
}

long sys_rt_sigreturn(void)
{
	return signal_return(task_frame());
}

long sys_sigaltstack(vaddr_t stack, vaddr_t old_stack)
{
	vaddr_t sp = trap_sp(task_frame());
	struct linux_stack update, old;

	if (stack != 0 && get_user(update, stack) < 0)
		return -EFAULT;
	signal_get_alt_stack(sp, &old);
	if (stack != 0) {
		int result = signal_set_alt_stack(sp, &update);

		if (result < 0)
			return result;
	}
	return old_stack != 0 ? put_user(old, old_stack) : 0;
}

/* --- Sending --- */

static bool is_valid(int signal)
{
	return signal >= 0 && signal <= SIGNAL_MAX;
}

/* To the process of a number (any of its threads' numbers will do). */
static long kill_process(pid_t pid, const struct siginfo *info)
{
	struct task *task = task_find(pid);

	if (task == NULL)
		return -ESRCH;
	long result = signal_permission(task->process, info->signo);
	if (result == 0)
		result = signal_send(task->process, info);
	task_put(task);
	return result;
}

struct kill_count {
	bool found, sent;
	int error;
};

static void kill_one_locked(struct process *process, const struct siginfo *info,
			    struct kill_count *count)
{
	int result = signal_permission_locked(process, info->signo);

	count->found = true;
	if (result == 0)
		result = signal_send(process, info);
	if (result == 0)
		count->sent = true;
	else
		count->error = result;
}

static long kill_result(const struct kill_count *count)
{
	if (count->sent)
		return 0;
	return count->found ? count->error : -ESRCH;
}

static long kill_group(pid_t id, const struct siginfo *info)
{
	struct process_group *group =
		id == 0 ? process_group_of(current->process) : process_group_find(id);
	struct kill_count count = {0};
	struct process *process;

	if (group == NULL)
		return -ESRCH;
	unsigned long flags = process_tree_lock();
	list_for_each_entry (process, &group->members, group_link)
		kill_one_locked(process, info, &count);
	process_tree_unlock(flags);
	process_group_put(group);
	return kill_result(&count);
}

/* Everybody in our namespace but its first process and ourselves. */
static long kill_all(const struct siginfo *info)
{
	struct kill_count count = {0};
	struct process *process;
	unsigned long flags = process_tree_lock();

	for_each_process_locked(process) if (process_shown(process) > 1 &&
					     process != current->process)
		kill_one_locked(process, info, &count);
	process_tree_unlock(flags);
	return kill_result(&count);
}

long sys_kill(pid_t pid, int signal)
{
	struct siginfo info;

	if (!is_valid(signal))
		return -EINVAL;
	siginfo_init_user(&info, signal, SI_USER);
	if (pid > 0)
		return kill_process(pid, &info);
	if (pid == -1)
		return kill_all(&info);
	if (pid == INT_MIN)
		return -ESRCH;
	return kill_group(-pid, &info);
}

/* To one thread; `pid` 0: of whatever process. */
static long kill_thread(pid_t pid, pid_t tid, const struct siginfo *info)
{
	struct task *task = task_find(tid);

	if (task == NULL)
		return -ESRCH;
	long result = -ESRCH;
	if (pid == 0 || process_shown(task->process) == pid)
		result = signal_permission(task->process, info->signo);
	if (result == 0)
		result = signal_send_task(task, info);
	task_put(task);
	return result;
}

long sys_tkill(pid_t tid, int signal)
{
	struct siginfo info;

	if (tid <= 0 || !is_valid(signal))
		return -EINVAL;
	if (tid == task_shown(current))
		return signal_send_current(signal, SI_TKILL);
	siginfo_init_user(&info, signal, SI_TKILL);
	return kill_thread(0, tid, &info);
}

long sys_tgkill(pid_t pid, pid_t tid, int signal)
{
	struct siginfo info;

	if (pid <= 0 || tid <= 0 || !is_valid(signal))
		return -EINVAL;
	if (tid == task_shown(current) && pid == process_shown(current->process))
		return signal_send_current(signal, SI_TKILL);
	siginfo_init_user(&info, signal, SI_TKILL);
	return kill_thread(pid, tid, &info);
}

/* A program may not pretend to be the kernel or kill(2) towards others. */
static int get_siginfo(struct siginfo *info, vaddr_t address, int signal, pid_t pid)
{
	if (get_user(*info, address) < 0)
		return -EFAULT;
	if (!is_valid(signal))
		return -EINVAL;
	if ((info->code >= 0 || info->code == SI_TKILL) && pid != process_shown(current->process))
		return -EPERM;
	info->signo = signal;
	return 0;
}

long sys_rt_sigqueueinfo(pid_t pid, int signal, vaddr_t info_address)
{
	struct siginfo info;
	int result = get_siginfo(&info, info_address, signal, pid);

	return result < 0 ? result : kill_process(pid, &info);
}

long sys_rt_tgsigqueueinfo(pid_t pid, pid_t tid, int signal, vaddr_t info_address)
{
	struct siginfo info;

	if (pid <= 0 || tid <= 0)
		return -EINVAL;
	int result = get_siginfo(&info, info_address, signal, pid);
	return result < 0 ? result : kill_thread(pid, tid, &info);
}

long sys_pause(void)
{
	while (task_sleep_until(NO_DEADLINE, WAIT_INTERRUPTIBLE) == 0)
		;
	return -ERESTARTNOHAND;
}

long sys_restart_syscall(void)
{
	long (*resume)(struct task * task) = current->restart_function;

	current->restart_function = NULL;
	return resume != NULL ? resume(current) : -EINTR;
}
