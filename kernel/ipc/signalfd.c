/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd(2): signals that are read from a file.
 *
 * The file has only a set; the signals are those of who reads.  A reader takes them from its
 * thread's and its process's queue, and waits on its process's `watchers`, which every new signal
 * wakes, blocked or not.
 *
 * Who polls joins the watchers of its own process, and an epoll set stays there when that process
 * is long gone.  So the file keeps every process whose watchers were joined through it: `watched`.
 *
 * `lock` guards the list; the set is one word.
 */
#include "ipc/event.h"
#include "lib/format.h"
#include "mm/kmalloc.h"
#include "proc/process.h"
#include "proc/signal.h"

#define NEVER (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* What a program reads for each signal. */
struct linux_signalfd_siginfo {
	u32 signo;
	s32 error;
	s32 code;
	u32 pid;
	u32 uid;
	s32 fd;
	u32 timer_id;
	u32 band;
	u32 overrun;
	u32 trap_number;
	s32 status;
	s32 value_int;
	u64 value;
	u64 user_time;
	u64 system_time;
	u64 address;
	u8 unused[48];
};
BUILD_ASSERT(sizeof(struct linux_signalfd_siginfo) == 128);

struct watched {
	struct watched *next;
	struct process *process; /* a reference */
};

struct signalfd {
	sigset_t set; /* atomic */
	spinlock_t lock;
	struct watched *watched; /* lock */
};

static void describe_kernel_signal(const struct siginfo *info, struct linux_signalfd_siginfo *out)
{
	switch (info->signo) {
	case SIGCHLD:
		out->pid = (u32)info->child.pid;
		out->uid = info->child.uid;
		out->status = info->child.status;
		out->user_time = (u64)info->child.user_time;
		out->system_time = (u64)info->child.system_time;
		break;
	case SIGIO:
		out->band = (u32)info->poll.band;
		out->fd = info->poll.fd;
		break;
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		out->address = info->fault.address;
		break;
	}
}

/* As sigaction(2) says which members a signal has. */
static void describe(const struct siginfo *info, struct linux_signalfd_siginfo *out)
{
	*out = (struct linux_signalfd_siginfo){
		.signo = (u32)info->signo, .error = info->error, .code = info->code};
	if (info->code > 0 && info->code != SI_KERNEL) {
		describe_kernel_signal(info, out);
	} else if (info->code == SI_TIMER) {
		out->timer_id = (u32)info->timer.id;
		out->overrun = (u32)info->timer.overrun;
		out->value = info->timer.value;
		out->value_int = (s32)info->timer.value;
	} else if (info->code <= 0) {
		out->pid = (u32)info->sender.pid;
		out->uid = info->sender.uid;
		out->value = info->sender.value;
		out->value_int = (s32)info->sender.value;
	}
}

static sigset_t set_of(const struct signalfd *signals)
{
	return READ_ONCE(signals->set);
}

/* The next signal of the set.  0, -EAGAIN for a reader that does not wait, -ERESTARTSYS. */
static int next_signal(const struct signalfd *signals, bool wait, struct siginfo *info)
{
	if (signal_dequeue(set_of(signals), info) != 0)
		return 0;
	if (!wait)
		return -EAGAIN;
	return wait_event_interruptible(&current->process->signals.watchers,
					signal_dequeue(set_of(signals), info) != 0);
}

static ssize_t signalfd_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	const struct signalfd *signals = file->private;
	struct linux_signalfd_siginfo out;
	size_t total = 0;

	if (cursor->remaining < sizeof(out))
		return -EINVAL;
	while (cursor->remaining >= sizeof(out)) {
		struct siginfo info;
		bool wait = total == 0 && !(file->flags & O_NONBLOCK);
		int error = next_signal(signals, wait, &info);

		if (error)
			return total > 0 ? (ssize_t)total : error;
		describe(&info, &out);
		if (io_copy_to(cursor, &out, sizeof(out)) != sizeof(out))
			return total > 0 ? (ssize_t)total : -EFAULT;
		total += sizeof(out);
	}
	return (ssize_t)total;
}

/* Sees to it that the process outlives the file. */
static bool keep_process(struct signalfd *signals, struct process *process)
{
	struct watched *fresh = kmalloc(sizeof(*fresh));
	struct watched *known;

	if (fresh == NULL)
		return false;
	spin_lock(&signals->lock);
	for (known = signals->watched; known != NULL; known = known->next)
		if (known->process == process)
			break;
	if (known == NULL) {
		fresh->process = process_get(process);
		fresh->next = signals->watched;
		signals->watched = fresh;
	}
	spin_unlock(&signals->lock);
	if (known != NULL)
		kfree(fresh);
	return true;
}

static u32 signalfd_poll(struct file *file, struct poll_table *table)
{
	struct signalfd *signals = file->private;

	if (table != NULL && table->queue != NULL) {
		if (!keep_process(signals, current->process))
			return POLLERR;
		poll_wait(file, &current->process->signals.watchers, table);
	}
	return signal_pending_set() & set_of(signals) ? POLLIN | POLLRDNORM : 0;
}

static int signalfd_show_info(struct file *file, char *buffer, size_t size)
{
	return snprintf(buffer, size, "sigmask:\t%016lx\n", (unsigned long)set_of(file->private));
}

static void signalfd_release(struct file *file)
{
	struct signalfd *signals = file->private;

	while (signals->watched != NULL) {
		struct watched *watched = signals->watched;

		signals->watched = watched->next;
		process_put(watched->process);
		kfree(watched);
	}
	kfree(signals);
}

static const struct file_operations signalfd_operations = {
	.release = signalfd_release,
	.read = signalfd_read,
	.poll = signalfd_poll,
	.show_info = signalfd_show_info,
	.stream = true,
};

struct file *signalfd_create(sigset_t set, u32 flags)
{
	struct signalfd *signals = kzalloc(sizeof(*signals));

	if (signals == NULL)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&signals->lock);
	signals->set = set & ~NEVER;
	struct file *file = anon_file_create("anon_inode:[signalfd]", &signalfd_operations, signals,
					     O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(file))
		kfree(signals);
	return file;
}

int signalfd_set(struct file *file, sigset_t set)
{
	if (file->ops != &signalfd_operations)
		return -EINVAL;
	struct signalfd *signals = file->private;
	WRITE_ONCE(signals->set, set & ~NEVER);
	/* Who waits looks again under the new set. */
	wake_up_all(&current->process->signals.watchers);
	return 0;
}
