/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery: what happens to pending signals on the way back to user mode.
 *
 * One pass takes signals until one has a handler or kills the process; ignored ones vanish, stop
 * signals stop.  The handler's frame is built by the machine (arch_signal_push); further signals
 * are taken in further passes, and stack up.  A system call that was interrupted left one of the
 * -ERESTART codes: it becomes EINTR or a second execution of the call, as signal(7) says. This is
 * the only place that clears TASK_WORK_SIGNAL, so none of these codes reaches a program.
 */
#include <machine/syscall_numbers.h>

#include "arch/context.h"
#include "arch/debug.h"
#include "lib/errno.h"
#include "proc/coredump.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/rseq.h"
#include "proc/session.h"
#include "proc/signal_internal.h"

/* A handler will run: does the interrupted call return EINTR or start again afterwards? */
static void settle_call_for_handler(struct trap_frame *frame, u64 action_flags)
{
	if (trap_syscall_number(frame) < 0)
		return;
	switch (trap_result(frame)) {
	case -ERESTARTSYS:
		if (!(action_flags & SA_RESTART)) {
			trap_set_result(frame, -EINTR);
			break;
		}
		trap_restart_syscall(frame);
		break;
	case -ERESTARTNOINTR:
		trap_restart_syscall(frame);
		break;
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		trap_set_result(frame, -EINTR);
		break;
	}
	trap_clear_syscall(frame);
}

/* No handler runs: the program must not notice. */
static void settle_call(struct trap_frame *frame)
{
	if (trap_syscall_number(frame) < 0)
		return;
	switch (trap_result(frame)) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
		trap_restart_syscall(frame);
		break;
	case -ERESTART_RESTARTBLOCK:
		trap_restart_syscall_as(frame, NR_restart_syscall);
		break;
	}
	trap_clear_syscall(frame);
}

static void restore_saved_mask(void)
{
	task_work_clear(current, TASK_WORK_RESTORE_MASK);
	if (!current->signals.restore_blocked)
		return;
	current->signals.restore_blocked = false;
	signal_set_mask(current->signals.saved_blocked);
}

/* The frame for a handler cannot be built: SIGSEGV, for which no handler is tried if that was it.
 */
static void force_segv(int failed)
{
	struct siginfo info;

	if (failed == SIGSEGV) {
		static const struct linux_sigaction by_default;
		int result = signal_set_action(SIGSEGV, &by_default, NULL);
		(void)result;
	}
	siginfo_init(&info, SIGSEGV, SI_KERNEL);
	signal_force(&info);
}

/* TASK_WORK_SIGNAL was cleared for one signal, and others wait. */
static void look_again(void)
{
	struct process *process = current->process;
	sigset_t waiting = READ_ONCE(current->signals.pending.present) |
			   READ_ONCE(process->signals.pending.present);

	if ((waiting & ~current->signals.blocked) != 0)
		task_work_set(current, TASK_WORK_SIGNAL);
}

static void run_handler(struct trap_frame *frame, const struct linux_sigaction *action,
			const struct siginfo *info)
{
	struct signal_task *mine = &current->signals;

	settle_call_for_handler(frame, action->flags);
	/* The step ends in the handler; what it returns to makes no step. */
	if (current->call_work & CALL_STEP)
		arch_step(frame, false);
	struct signal_delivery delivery = {
		.action = action,
		.siginfo = info,
		.alt_stack = &mine->alt_stack,
		.trap = &mine->trap,
		.stack_top = 0,
		.mask = mine->restore_blocked ? mine->saved_blocked : mine->blocked,
	};
	if ((action->flags & SA_ONSTACK) && mine->alt_stack.size != 0 &&
	    !signal_on_alt_stack(trap_sp(frame)))
		delivery.stack_top = mine->alt_stack.sp + mine->alt_stack.size;
	/* The handler interrupts a restartable sequence: the frame returns to its abort address. */
	if ((current->rseq.area != 0 && rseq_settle(frame) < 0) ||
	    arch_signal_push(frame, &delivery) < 0) {
		restore_saved_mask();
		force_segv(info->signo);
		return;
	}
	if (mine->restore_blocked) {
		mine->restore_blocked = false;
		task_work_clear(current, TASK_WORK_RESTORE_MASK);
	}
	if ((u32)mine->alt_stack.flags & SS_AUTODISARM)
		mine->alt_stack = (struct linux_stack){.flags = SS_DISABLE};
	sigset_t mask = mine->blocked | action->mask;
	if (!(action->flags & SA_NODEFER))
		mask |= SIGNAL_BIT(info->signo);
	signal_set_mask(mask);
	look_again();
	if (ptrace_is_traced(current))
		ptrace_handler_entered();
}

/* A signal that was taken, and what is to be done with it. */
struct taken {
	int signal; /* 0: there was none */
	bool known; /* the rest is there */
	u32 continues;
	struct linux_sigaction action;
	struct posix_timer *timer; /* whose it was, or NULL */
	struct siginfo info;
};

/* A signal's action as it is at this moment; a one-shot handler is used up. */
static void take_action_locked(struct process *process, struct taken *taken)
{
	struct signal_actions *actions = process->signals.actions;
	struct linux_sigaction *action = &actions->action[taken->signal - 1];

	spin_lock(&actions->lock);
	taken->action = *action;
	if ((action->flags & SA_RESETHAND) && action->handler != SIG_IGN)
		action->handler = SIG_DFL;
	spin_unlock(&actions->lock);
	taken->continues = process->signals.continues;
	taken->known = true;
}

static void take_action(struct taken *taken)
{
	struct process *process = current->process;
	unsigned long flags = spin_lock_irqsave(&process->lock);

	take_action_locked(process, taken);
	spin_unlock_irqrestore(&process->lock, flags);
}

/* Takes the next signal, with its action unless a tracer is to say something first. */
static void take_signal(struct taken *taken)
{
	struct process *process = current->process;
	struct signal_task *mine = &current->signals;
	unsigned long flags = spin_lock_irqsave(&process->lock);

	task_work_clear(current, TASK_WORK_SIGNAL);
	taken->known = false;
	taken->timer = NULL;
	taken->signal =
		signal_queue_take(&mine->pending, ~mine->blocked, &taken->info, &taken->timer);
	if (taken->signal == 0)
		taken->signal = signal_queue_take(&process->signals.pending, ~mine->blocked,
						  &taken->info, &taken->timer);
	if (taken->signal != 0 && !ptrace_is_traced(current))
		take_action_locked(process, taken);
	spin_unlock_irqrestore(&process->lock, flags);
}

/* Nobody outside would continue an orphaned group: the terminal's stop signals do nothing there. */
static void default_stop(int signal, u32 continues)
{
	struct process *process = current->process;

	if (signal != SIGSTOP) {
		unsigned long tree_flags = process_tree_lock();
		bool orphaned =
			process->group == NULL || process_group_is_orphaned_locked(process->group);

		process_tree_unlock(tree_flags);
		if (orphaned)
			return;
	}
	unsigned long flags = spin_lock_irqsave(&process->lock);
	if (process->signals.continues == continues)
		signal_begin_stop_locked(process, signal);
	spin_unlock_irqrestore(&process->lock, flags);
}

/* Performs a signal without a handler. */
static void default_action(const struct siginfo *info, u32 continues)
{
	int signal = info->signo;

	if (SIGNAL_BIT(signal) & SIGNALS_IGNORE)
		return;
	if (current->process->signals.unkillable && !(SIGNAL_BIT(signal) & SIGNALS_UNBLOCKABLE))
		return;
	if (SIGNAL_BIT(signal) & SIGNALS_STOP) {
		default_stop(signal, continues);
		return;
	}
	if (SIGNAL_BIT(signal) & SIGNALS_CORE)
		coredump(info);
	process_exit_group(signal);
}

void signal_deliver(struct trap_frame *frame)
{
	struct taken taken;

	for (;;) {
		signal_report_to_parent(current->process);
		while (task_work(current) & TASK_WORK_STOP)
			signal_take_part_in_stop();
		if (task_kill_pending(current))
			return;
		take_signal(&taken);
		if (taken.signal == 0)
			break;
		if (taken.timer != NULL)
			posix_timer_delivered(taken.timer, &taken.info);
		if (!taken.known) {
			taken.signal = ptrace_signal(taken.signal, &taken.info);
			if (taken.signal == 0)
				continue;
			take_action(&taken);
		}
		if (taken.action.handler == SIG_IGN)
			continue;
		if (taken.action.handler != SIG_DFL) {
			run_handler(frame, &taken.action, &taken.info);
			return;
		}
		default_action(&taken.info, taken.continues);
	}
	settle_call(frame);
	restore_saved_mask();
}

long signal_return(struct trap_frame *frame)
{
	struct signal_return result;

	trap_clear_syscall(frame);
	if (arch_signal_pop(frame, &result) < 0) {
		force_segv(0);
		return 0;
	}
	signal_set_mask(result.mask);
	const struct linux_stack *mine = &current->signals.alt_stack;
	if (result.alt_stack.sp != mine->sp || result.alt_stack.size != mine->size ||
	    result.alt_stack.flags != mine->flags) {
		int ignored = signal_set_alt_stack(trap_sp(frame), &result.alt_stack);
		(void)ignored;
	}
	return trap_result(frame);
}
