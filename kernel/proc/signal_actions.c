/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handlers, and what becomes of signal state over fork, exec and exit.
 *
 * The table of actions is counted and shared by processes made with CLONE_SIGHAND.  It changes
 * under its lock, inside process->lock. Readers that want one word (is it ignored?) take no lock.
 */
#include "lib/abi/sched.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/credentials.h"
#include "proc/signal_internal.h"

static slab_cache_t *actions_cache;

void signal_init(void)
{
	signal_entries_init();
	actions_cache =
		slab_cache_create("signal_actions", sizeof(struct signal_actions), 0, NULL, NULL);
	ENSURE(actions_cache != NULL);
}

/* The handlers are the caller's to fill in. */
static struct signal_actions *actions_alloc(void)
{
	struct signal_actions *actions = slab_alloc(actions_cache);

	if (actions != NULL) {
		actions->references = 1;
		spin_lock_init(&actions->lock);
	}
	return actions;
}

static struct signal_actions *actions_create(void)
{
	struct signal_actions *actions = actions_alloc();

	if (actions != NULL)
		memset(actions->action, 0, sizeof(actions->action));
	return actions;
}

static void actions_put(struct signal_actions *actions)
{
	if (actions != NULL && __atomic_sub_fetch(&actions->references, 1, __ATOMIC_ACQ_REL) == 0)
		slab_free(actions_cache, actions);
}

static struct signal_actions *actions_copy(struct signal_actions *from)
{
	struct signal_actions *copy = actions_alloc();

	if (copy == NULL)
		return NULL;
	unsigned long flags = spin_lock_irqsave(&from->lock);
	memcpy(copy->action, from->action, sizeof(copy->action));
	spin_unlock_irqrestore(&from->lock, flags);
	return copy;
}

/* All handlers become the default; what is ignored stays so, unless `ignored_too`. */
static void actions_reset(struct signal_actions *actions, bool ignored_too)
{
	unsigned long flags = spin_lock_irqsave(&actions->lock);

	for (unsigned i = 0; i < SIGNAL_MAX; i++) {
		bool ignored = actions->action[i].handler == SIG_IGN && !ignored_too;

		memset(&actions->action[i], 0, sizeof(actions->action[i]));
		if (ignored)
			actions->action[i].handler = SIG_IGN;
	}
	spin_unlock_irqrestore(&actions->lock, flags);
}

static void init_common(struct process *process, struct signal_actions *actions)
{
	memset(&process->signals, 0, sizeof(process->signals));
	signal_queue_init(&process->signals.pending);
	wait_queue_init(&process->signals.watchers);
	process->signals.actions = actions;
}

int signal_init_process(struct process *process)
{
	init_common(process, actions_create());
	return process->signals.actions != NULL ? 0 : -ENOMEM;
}

int signal_fork_process(struct process *child, u64 clone_flags)
{
	struct signal_actions *mine = current->process->signals.actions;

	if (mine == NULL)
		return signal_init_process(child);
	if (clone_flags & CLONE_SIGHAND) {
		__atomic_add_fetch(&mine->references, 1, __ATOMIC_RELAXED);
		init_common(child, mine);
		return 0;
	}
	init_common(child, actions_copy(mine));
	if (child->signals.actions == NULL)
		return -ENOMEM;
	if (clone_flags & CLONE_CLEAR_SIGHAND)
		actions_reset(child->signals.actions, false);
	return 0;
}

static void drop_alt_stack(struct signal_task *signals)
{
	signals->alt_stack = (struct linux_stack){.flags = SS_DISABLE};
}

void signal_init_task(struct task *task)
{
	memset(&task->signals, 0, offsetof(struct signal_task, entry));
	task->signals.entry.queue = NULL;
	signal_queue_init(&task->signals.pending);
	drop_alt_stack(&task->signals);
}

void signal_fork_task(struct task *child, u64 clone_flags)
{
	const struct signal_task *mine = &current->signals;

	signal_init_task(child);
	child->signals.blocked = mine->blocked;
	if ((clone_flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
		return;
	child->signals.alt_stack = mine->alt_stack;
}

void signal_release_task(struct task *task)
{
	signal_queue_flush(&task->signals.pending, ~(sigset_t)0);
}

void signal_release_process(struct process *process)
{
	signal_queue_flush(&process->signals.pending, ~(sigset_t)0);
	actions_put(process->signals.actions);
	process->signals.actions = NULL;
}

int signal_exec_prepare(void)
{
	struct process *process = current->process;
	struct signal_actions *old = process->signals.actions;

	if (old == NULL)
		return signal_init_process(process);
	if (__atomic_load_n(&old->references, __ATOMIC_ACQUIRE) == 1)
		return 0;
	struct signal_actions *copy = actions_copy(old);
	if (copy == NULL)
		return -ENOMEM;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	process->signals.actions = copy;
	spin_unlock_irqrestore(&process->lock, flags);
	actions_put(old);
	return 0;
}

void signal_exec(void)
{
	actions_reset(current->process->signals.actions, false);
	drop_alt_stack(&current->signals);
	current->restart_function = NULL;
}

void signal_protect(struct process *process)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);

	process->signals.unkillable = true;
	spin_unlock_irqrestore(&process->lock, flags);
}

void signal_ignore_children(struct process *process)
{
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct signal_actions *actions = process->signals.actions;

	spin_lock(&actions->lock);
	signal_action_locked(process, SIGCHLD)->handler = SIG_IGN;
	spin_unlock(&actions->lock);
	spin_unlock_irqrestore(&process->lock, flags);
}

int signal_set_action(int signal, const struct linux_sigaction *update, struct linux_sigaction *old)
{
	static const u64 known = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS |
				 SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND;
	struct process *process = current->process;

	if (signal < 1 || signal > SIGNAL_MAX)
		return -EINVAL;
	if (update != NULL && (SIGNAL_BIT(signal) & SIGNALS_UNBLOCKABLE))
		return -EINVAL;
	unsigned long flags = spin_lock_irqsave(&process->lock);
	struct linux_sigaction *action = signal_action_locked(process, signal);

	if (old != NULL)
		*old = *action;
	if (update != NULL) {
		spin_lock(&process->signals.actions->lock);
		*action = *update;
		action->flags &= known;
		action->mask &= ~SIGNALS_UNBLOCKABLE;
		spin_unlock(&process->signals.actions->lock);
		if (signal_is_default_ignored(process, signal))
			signal_flush_locked(process, SIGNAL_BIT(signal));
	}
	spin_unlock_irqrestore(&process->lock, flags);
	return 0;
}

void signal_get_sets(struct task *task, struct signal_sets *sets)
{
	struct process *process = task->process;
	struct credentials *credentials = credentials_of_task(task);

	memset(sets, 0, sizeof(*sets));
	sets->queued = READ_ONCE(credentials->user->pending_signals);
	credentials_put(credentials);

	unsigned long flags = spin_lock_irqsave(&process->lock);
	sets->pending = task->signals.pending.present;
	sets->shared = process->signals.pending.present;
	sets->blocked = task->signals.blocked;
	sets->stopped = task->signals.stopped;
	for (int signal = 1; process->signals.actions != NULL && signal <= SIGNAL_MAX; signal++) {
		vaddr_t handler = signal_handler(process, signal);

		if (handler == SIG_IGN)
			sets->ignored |= SIGNAL_BIT(signal);
		else if (handler != SIG_DFL)
			sets->caught |= SIGNAL_BIT(signal);
	}
	spin_unlock_irqrestore(&process->lock, flags);
}
