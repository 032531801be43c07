/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Masks, waiting for signals, and the alternate stack: what a thread does about its own signals.
 *
 * Only the thread itself writes its mask, so it needs no lock to read it, and none to write it as
 * long as no signal waits that the change is about: it writes the mask and then looks for such,
 * while who sends one queues it and then looks at masks, so one of the two sees the other.  A
 * thread that blocks signals which wait for the process hands them to a thread that does not. Calls
 * with a mask of their own (ppoll and others) keep the old one in saved_blocked until delivery has
 * happened, so that the handler runs under the call's mask and returns to the old one.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "proc/sched.h"
#include "proc/signal_internal.h"

/* The mask is set, and what it changed concerns signals that wait. */
static void __noinline look_at_waiting(struct process *process, sigset_t mask, sigset_t changed)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);

	signal_retarget_locked(process, changed & mask);
	signal_update_current_locked();
	spin_unlock_irqrestore(&process->lock, flags);
}

void signal_set_mask(sigset_t mask)
{
	struct signal_task *mine = &current->signals;
	struct process *process = current->process;

	mask &= ~SIGNALS_UNBLOCKABLE;
	sigset_t changed = mask ^ mine->blocked;
	if (changed == 0)
		return;
	/* A full barrier: see announce() in signal.c. */
	__atomic_exchange_n(&mine->blocked, mask, __ATOMIC_SEQ_CST);
	/* What waits for this thread alone is no other's business. */
	if (unlikely((READ_ONCE(process->signals.pending.present) & changed) != 0))
		look_at_waiting(process, mask, changed);
	else if ((READ_ONCE(mine->pending.present) & changed & ~mask) != 0)
		task_work_set(current, TASK_WORK_SIGNAL);
}

int signal_push_user_mask(vaddr_t mask_address, size_t size)
{
	sigset_t mask;

	if (mask_address == 0)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, mask_address) < 0)
		return -EFAULT;
	current->signals.saved_blocked = current->signals.blocked;
	current->signals.restore_blocked = true;
	signal_set_mask(mask);
	return 0;
}

void signal_pop_mask(bool interrupted)
{
	if (!current->signals.restore_blocked)
		return;
	if (interrupted) {
		task_work_set(current, TASK_WORK_RESTORE_MASK);
		return;
	}
	current->signals.restore_blocked = false;
	signal_set_mask(current->signals.saved_blocked);
}

long signal_suspend(sigset_t mask)
{
	current->signals.saved_blocked = current->signals.blocked;
	current->signals.restore_blocked = true;
	signal_set_mask(mask);
	while (task_sleep_until(NO_DEADLINE, WAIT_INTERRUPTIBLE) == 0)
		;
	signal_pop_mask(true);
	return -ERESTARTNOHAND;
}

static int take_locked(sigset_t set, struct siginfo *info, struct posix_timer **timer)
{
	int signal = signal_queue_take(&current->signals.pending, set, info, timer);

	if (signal == 0)
		signal = signal_queue_take(&current->process->signals.pending, set, info, timer);
	return signal;
}

int signal_dequeue(sigset_t set, struct siginfo *info)
{
	struct process *process = current->process;
	struct posix_timer *timer = NULL;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	int signal = take_locked(set, info, &timer);

	spin_unlock_irqrestore(&process->lock, flags);
	if (timer != NULL)
		posix_timer_delivered(timer, info);
	return signal;
}

sigset_t signal_pending_set(void)
{
	struct process *process = current->process;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	sigset_t set = current->signals.pending.present | process->signals.pending.present;

	spin_unlock_irqrestore(&process->lock, flags);
	return set;
}

/* Lets the signals of a set interrupt current's sleep though it blocks them; 0 ends that. */
static void set_waited(sigset_t set)
{
	struct process *process = current->process;
	unsigned long flags = spin_lock_irqsave(&process->lock);

	current->signals.waited = set;
	signal_update_current_locked();
	if (set == 0)
		signal_retarget_locked(process, current->signals.blocked);
	spin_unlock_irqrestore(&process->lock, flags);
}

int signal_wait_for(sigset_t set, struct siginfo *info, nsec_t deadline)
{
	set &= ~SIGNALS_UNBLOCKABLE;
	int signal = signal_dequeue(set, info);

	if (signal != 0 || deadline == 0)
		return signal != 0 ? signal : -EAGAIN;
	set_waited(set);
	int result = task_sleep_until(deadline, WAIT_INTERRUPTIBLE);
	set_waited(0);
	signal = signal_dequeue(set, info);
	if (signal != 0)
		return signal;
	return result == 0 ? -EAGAIN : -EINTR;
}

bool signal_on_alt_stack(vaddr_t sp)
{
	const struct linux_stack *mine = &current->signals.alt_stack;

	return !((u32)mine->flags & SS_AUTODISARM) && sp > mine->sp && sp - mine->sp <= mine->size;
}

void signal_get_alt_stack(vaddr_t sp, struct linux_stack *stack)
{
	*stack = current->signals.alt_stack;
	stack->flags = (s32)((u32)stack->flags & SS_AUTODISARM);
	if (stack->size == 0)
		stack->flags |= SS_DISABLE;
	else if (signal_on_alt_stack(sp))
		stack->flags |= SS_ONSTACK;
}

int signal_set_alt_stack(vaddr_t sp, const struct linux_stack *stack)
{
	u32 mode = (u32)stack->flags & ~SS_AUTODISARM;

	if (signal_on_alt_stack(sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode != SS_DISABLE && stack->size < MINSIGSTKSZ)
		return -ENOMEM;
	current->signals.alt_stack = (struct linux_stack){
		.sp = mode == SS_DISABLE ? 0 : stack->sp,
		.flags = stack->flags,
		.size = mode == SS_DISABLE ? 0 : stack->size,
	};
	return 0;
}

long signal_restart_later(long (*resume)(struct task *task))
{
	current->restart_function = resume;
	return -ERESTART_RESTARTBLOCK;
}
