/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll(2) and ppoll(2).
 */
#include "arch/clock.h"
#include "ipc/poll_set.h"
#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/process.h"
#include "proc/rlimit.h"
#include "proc/signal.h"
#include "proc/time.h"
#include "syscall/table.h"

struct linux_pollfd {
	s32 fd;
	s16 events;
	s16 revents;
};

#define INLINE_FDS 16

/* One look at all files: how many are ready.  Writes revents. */
static u32 look(struct poll_set *set, struct linux_pollfd *fds, u32 count)
{
	u32 ready = 0;

	for (u32 i = 0; i < count; i++) {
		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		fds[i].revents = (s16)poll_set_check(set, fds[i].fd, (u16)fds[i].events, ready > 0);
		ready += fds[i].revents != 0;
	}
	return ready;
}

/* How many are ready, 0 after the deadline, -EINTR, -ENOMEM. */
static long wait_for_any(struct linux_pollfd *fds, u32 count, nsec_t deadline)
{
	struct poll_set set;
	long result;

	poll_set_init(&set);
	for (;;) {
		result = look(&set, fds, count);
		if (result != 0 || deadline == 0)
			break;
		result = poll_set_wait(&set, deadline);
		if (result != 0)
			break;
	}
	poll_set_finish(&set);
	if (result == -ETIMEDOUT) {
		/* The last look counts: something may have come with the time-out. */
		poll_set_init(&set);
		result = look(&set, fds, count);
		poll_set_finish(&set);
	}
	return result;
}

static int write_results(vaddr_t to, const struct linux_pollfd *fds, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (put_user(fds[i].revents,
			     to + i * sizeof(*fds) + offsetof(struct linux_pollfd, revents)))
			return -EFAULT;
	return 0;
}

/* deadline: 0 for one look only. */
static long poll_until(vaddr_t address, u32 count, nsec_t deadline)
{
	struct linux_pollfd inline_fds[INLINE_FDS];
	struct linux_pollfd *fds = inline_fds;
	long result;

	if (count > rlimit_current(RLIMIT_NOFILE))
		return -EINVAL;
	if (count > INLINE_FDS) {
		fds = kmalloc(count * sizeof(*fds));
		if (fds == NULL)
			return -ENOMEM;
	}
	result = copy_from_user(fds, (const void __user *)address, count * sizeof(*fds));
	if (result == 0)
		result = wait_for_any(fds, count, deadline);
	if (result >= 0 && write_results(address, fds, count))
		result = -EFAULT;
	if (fds != inline_fds)
		kfree(fds);
	return result;
}

static long poll_again(struct task *task)
{
	vaddr_t fds = task->restart[0];
	u32 count = (u32)task->restart[1];
	nsec_t deadline = task->restart[2];
	long result = poll_until(fds, count, deadline);

	return result == -EINTR ? signal_restart_later(poll_again) : result;
}

long sys_poll(vaddr_t fds, u32 count, int timeout)
{
	nsec_t deadline = timeout < 0    ? NO_DEADLINE
			  : timeout == 0 ? 0
					 : clock_monotonic() + (nsec_t)timeout * NSEC_PER_MSEC;
	long result = poll_until(fds, count, deadline);

	if (result != -EINTR)
		return result;
	current->restart[0] = fds;
	current->restart[1] = count;
	current->restart[2] = deadline;
	return signal_restart_later(poll_again);
}

long sys_ppoll(vaddr_t fds, u32 count, vaddr_t timeout, vaddr_t mask, size_t mask_size)
{
	nsec_t delay, deadline = NO_DEADLINE;
	int error;

	if (timeout != 0) {
		error = timespec_from_user(&delay, timeout);
		if (error)
			return error;
		deadline = delay == 0 ? 0 : time_after(delay);
	}
	error = signal_push_user_mask(mask, mask_size);
	if (error)
		return error;
	long result = poll_until(fds, count, deadline);
	signal_pop_mask(result == -EINTR);
	if (timeout != 0) {
		nsec_t now = clock_monotonic();
		/* What is left is told where it can be; a read-only time-out is no error. */
		int ignored __unused =
			timespec_to_user(timeout, deadline > now ? deadline - now : 0);
	}
	return result == -EINTR ? -ERESTARTNOHAND : result;
}
