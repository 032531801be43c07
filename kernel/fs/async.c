/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals about open files: see async.h.
 *
 * A file with O_ASYNC waits for itself: struct file_owner joins the wait queues that the file's poll
 * operation names, as an epoll set does.  A wake-up comes with the queue's lock held, inside which
 * no signal may be sent, so it notes the events and starts a timer that is due at once; the timer's
 * function sends.
 *
 * async_lock guards all that struct file_owner says nothing else about, `lock` what the timer reads.
 * The owner's number is held, so it is never another's.
 */
#include "fs/async.h"

#include "fs/fs_internal.h"
#include "lib/abi/signal.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "proc/timer.h"

enum { MOST_QUEUES = 4 };

struct async_hook {
	struct waiter waiter;
	wait_queue_t *queue;
	struct file_owner *owner;
};

struct file_owner {
	struct file *file; /* const: it goes first */
	spinlock_t lock;   /* interrupts off */
	struct pid *pid;   /* lock; a reference, or NULL: nobody */
	int type;          /* lock: F_OWNER_* */
	uid_t uid, euid;   /* lock: of who said so */
	int signal;        /* single word; 0: SIGIO without details */
	int fd;            /* single word */
	u32 events;        /* atomic: to be told of */
	u32 hook_count;
	bool enabled;
	struct timer timer;
	struct poll_table table;
	struct async_hook hooks[MOST_QUEUES];
};

static mutex_t async_lock = MUTEX_INIT(async_lock);

/* --- Sending --- */

/* An event's bits, and how a signal calls it. */
struct band {
	u32 events;
	int code;
	s64 shown;
};

static const struct band bands[] = {
	{POLLIN | POLLRDNORM, POLL_IN, POLLIN | POLLRDNORM},
	{POLLOUT | POLLWRNORM, POLL_OUT, POLLOUT | POLLWRNORM | POLLWRBAND},
	{POLLPRI | POLLRDBAND, POLL_PRI, POLLPRI | POLLRDBAND},
	{POLLHUP | POLLRDHUP, POLL_HUP, POLLHUP | POLLERR},
	{POLLERR, POLL_ERR, POLLERR},
	{POLLMSG, POLL_MSG, POLLIN | POLLRDNORM | POLLMSG},
};

/* Whoever named the process may signal it as kill(2) says. */
static bool is_allowed_locked(const struct file_owner *owner, struct process *process)
{
	struct credentials *theirs = credentials_of_process(process);
	bool allowed = owner->euid == 0 || owner->euid == theirs->suid ||
		       owner->euid == theirs->uid || owner->uid == theirs->suid ||
		       owner->uid == theirs->uid;

	credentials_put(theirs);
	return allowed;
}

static bool has_codes_of_its_own(int signal)
{
	return signal == SIGILL || signal == SIGFPE || signal == SIGSEGV || signal == SIGBUS ||
	       signal == SIGTRAP || signal == SIGCHLD || signal == SIGSYS;
}

/* process_tree_lock held; `task`: the thread that is meant, or NULL for any of the process. */
static void send_one_locked(const struct file_owner *owner, const struct band *band,
			    struct process *process, struct task *task)
{
	int signal = READ_ONCE(owner->signal), result = -EAGAIN;
	struct siginfo info;

	if (!is_allowed_locked(owner, process))
		return;
	if (signal != 0) {
		siginfo_init(&info, signal, has_codes_of_its_own(signal) ? SI_SIGIO : band->code);
		info.poll.band = band->shown;
		info.poll.fd = READ_ONCE(owner->fd);
		result = task != NULL ? signal_send_task(task, &info) : signal_send(process, &info);
	}
	if (result != -EAGAIN)
		return;
	siginfo_init(&info, SIGIO, SI_KERNEL);
	(void)!(task != NULL ? signal_send_task(task, &info) : signal_send(process, &info));
}

static void send_locked(const struct file_owner *owner, const struct band *band)
{
	const struct pid *pid = owner->pid;
	struct process *process;

	if (pid == NULL)
		return;
	if (owner->type == F_OWNER_PGRP) {
		if (pid->group == NULL)
			return;
		list_for_each_entry (process, &pid->group->members, group_link)
			send_one_locked(owner, band, process, NULL);
	} else if (pid->task != NULL) {
		send_one_locked(owner, band, pid->task->process,
				owner->type == F_OWNER_TID ? pid->task : NULL);
	}
}

static void send(struct timer *timer)
{
	struct file_owner *owner = container_of(timer, struct file_owner, timer);
	u32 events = __atomic_exchange_n(&owner->events, 0, __ATOMIC_ACQ_REL);

	unsigned long flags = process_tree_lock();
	spin_lock(&owner->lock);
	for (size_t i = 0; i < ARRAY_SIZE(bands); i++)
		if (events & bands[i].events)
			send_locked(owner, &bands[i]);
	spin_unlock(&owner->lock);
	process_tree_unlock(flags);
}

/* SIGURG comes whether or not the file has O_ASYNC. */
static void send_urgent_locked(const struct file_owner *owner, struct process *process,
			       struct task *task)
{
	struct siginfo info;

	if (!is_allowed_locked(owner, process))
		return;
	siginfo_init(&info, SIGURG, SI_KERNEL);
	(void)!(task != NULL ? signal_send_task(task, &info) : signal_send(process, &info));
}

void async_urgent(struct file *file)
{
	struct file_owner *owner = __atomic_load_n(&file->owner, __ATOMIC_ACQUIRE);
	struct process *process;

	if (owner == NULL)
		return;
	unsigned long flags = process_tree_lock();
	spin_lock(&owner->lock);
	const struct pid *pid = owner->pid;
	if (pid != NULL && owner->type == F_OWNER_PGRP && pid->group != NULL) {
		list_for_each_entry (process, &pid->group->members, group_link)
			send_urgent_locked(owner, process, NULL);
	} else if (pid != NULL && owner->type != F_OWNER_PGRP && pid->task != NULL) {
		send_urgent_locked(owner, pid->task->process,
				   owner->type == F_OWNER_TID ? pid->task : NULL);
	}
	spin_unlock(&owner->lock);
	process_tree_unlock(flags);
}

/* --- Waiting --- */

static bool wake(struct waiter *waiter, u32 events)
{
	struct file_owner *owner = container_of(waiter, struct async_hook, waiter)->owner;
	u32 mode = owner->file->mode;

	/* A queue that does not tell what happened is one of things to read. */
	if (events == 0)
		events = POLLIN;
	if (!(mode & FILE_READ))
		events &= ~(u32)(POLLIN | POLLRDNORM);
	if (!(mode & FILE_WRITE))
		events &= ~(u32)(POLLOUT | POLLWRNORM | POLLWRBAND);
	if (events == 0)
		return false;
	__atomic_or_fetch(&owner->events, events, __ATOMIC_ACQ_REL);
	timer_start(&owner->timer, 0);
	return false;
}

void async_tell_changed(struct file *file)
{
	struct file_owner *owner = file->owner;

	__atomic_or_fetch(&owner->events, POLLMSG, __ATOMIC_ACQ_REL);
	timer_start(&owner->timer, 0);
}

static void join(struct poll_table *table, struct file *file __unused, wait_queue_t *queue)
{
	struct file_owner *owner = container_of(table, struct file_owner, table);

	if (owner->hook_count == MOST_QUEUES)
		return;
	struct async_hook *hook = &owner->hooks[owner->hook_count++];
	hook->owner = owner;
	hook->queue = queue;
	waiter_init(&hook->waiter);
	hook->waiter.wake = wake;
	wait_queue_add(queue, &hook->waiter);
}

static void leave_queues(struct file_owner *owner)
{
	while (owner->hook_count > 0) {
		struct async_hook *hook = &owner->hooks[--owner->hook_count];

		wait_queue_remove(hook->queue, &hook->waiter);
	}
	timer_cancel_sync(&owner->timer);
	owner->events = 0;
	owner->enabled = false;
}

/* Those of which signals are sent: pipes, sockets, terminals, and who says so. */
static bool can_signal(const struct file *file)
{
	mode_t mode = file->inode->mode;

	return file->ops->poll != NULL &&
	       (S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) || file->ops->asynchronous);
}

/* --- Owners --- */

/* The file's, made if it has none.  async_lock held.  NULL: no memory. */
static struct file_owner *owner_of(struct file *file)
{
	struct file_owner *owner = file->owner;

	if (owner != NULL)
		return owner;
	owner = kzalloc(sizeof(*owner));
	if (owner == NULL)
		return NULL;
	spin_lock_init(&owner->lock);
	owner->file = file;
	owner->type = F_OWNER_PID;
	timer_init(&owner->timer, send);
	__atomic_or_fetch(&file->mode, FILE_OWNED, __ATOMIC_RELAXED);
	WRITE_ONCE(file->owner, owner);
	return owner;
}

static void put_pid_in(struct file_owner *owner, struct pid *pid, int type)
{
	const struct credentials *mine = current_credentials();
	unsigned long flags = spin_lock_irqsave(&owner->lock);
	struct pid *old = owner->pid;

	owner->pid = pid;
	owner->type = type;
	owner->uid = mine->uid;
	owner->euid = mine->euid;
	spin_unlock_irqrestore(&owner->lock, flags);
	if (old != NULL)
		pid_put(old);
}

int async_own(struct file *file, int fd)
{
	struct pid *pid = pid_get(current->process->numbers);

	mutex_lock(&async_lock);
	struct file_owner *owner = owner_of(file);
	if (owner != NULL)
		WRITE_ONCE(owner->fd, fd);
	if (owner != NULL && owner->pid == NULL) {
		put_pid_in(owner, pid, F_OWNER_PID);
		pid = NULL;
	}
	mutex_unlock(&async_lock);
	if (pid != NULL)
		pid_put(pid);
	return owner != NULL ? 0 : -ENOMEM;
}

int async_set_owner(struct file *file, int type, pid_t number)
{
	struct pid *pid = NULL;
	int error = 0;

	if (number != 0) {
		unsigned long flags = process_tree_lock();
		pid = pid_find_locked(number);
		if (pid != NULL)
			pid_get(pid);
		process_tree_unlock(flags);
		if (pid == NULL)
			return -ESRCH;
	}
	mutex_lock(&async_lock);
	struct file_owner *owner = owner_of(file);
	if (owner != NULL)
		put_pid_in(owner, pid, type);
	else
		error = -ENOMEM;
	mutex_unlock(&async_lock);
	if (error != 0 && pid != NULL)
		pid_put(pid);
	return error;
}

pid_t async_get_owner(struct file *file, int *type)
{
	pid_t number = 0;

	*type = F_OWNER_PID;
	mutex_lock(&async_lock);
	const struct file_owner *owner = file->owner;
	if (owner != NULL) {
		unsigned long flags = process_tree_lock();
		const struct pid *pid = owner->pid;
		*type = owner->type;
		if (pid != NULL && (*type == F_OWNER_PGRP ? pid->group != NULL : pid->task != NULL))
			number = pid_shown(pid);
		process_tree_unlock(flags);
	}
	mutex_unlock(&async_lock);
	return number;
}

int async_set_signal(struct file *file, int signal)
{
	mutex_lock(&async_lock);
	struct file_owner *owner = owner_of(file);
	if (owner != NULL)
		WRITE_ONCE(owner->signal, signal);
	mutex_unlock(&async_lock);
	return owner != NULL ? 0 : -ENOMEM;
}

int async_get_signal(struct file *file)
{
	const struct file_owner *owner = READ_ONCE(file->owner);

	return owner != NULL ? READ_ONCE(owner->signal) : 0;
}

int async_set_enabled(struct file *file, int fd, bool enabled)
{
	if (!can_signal(file) || (!enabled && READ_ONCE(file->owner) == NULL))
		return 0;
	mutex_lock(&async_lock);
	struct file_owner *owner = owner_of(file);
	if (owner != NULL) {
		WRITE_ONCE(owner->fd, fd);
		if (enabled && !owner->enabled) {
			owner->enabled = true;
			owner->table = (struct poll_table){.queue = join, .events = UINT_MAX};
			(void)file->ops->poll(file, &owner->table);
		} else if (!enabled && owner->enabled) {
			leave_queues(owner);
		}
	}
	mutex_unlock(&async_lock);
	return owner != NULL ? 0 : -ENOMEM;
}

void async_release(struct file *file)
{
	struct file_owner *owner = file->owner;

	dnotify_release(file);
	leave_queues(owner);
	if (owner->pid != NULL)
		pid_put(owner->pid);
	kfree(owner);
}
