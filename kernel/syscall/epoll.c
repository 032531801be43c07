/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll_create(2), epoll_ctl(2), epoll_wait(2).
 */
#include "arch/clock.h"
#include "ipc/epoll.h"
#include "mm/usercopy.h"
#include "proc/signal.h"
#include "proc/time.h"
#include "syscall/table.h"

long sys_epoll_create1(int flags)
{
	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	struct file *file = epoll_create_file();
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, (u32)flags);
}

long sys_epoll_create(int size)
{
	return size > 0 ? sys_epoll_create1(0) : -EINVAL;
}

long sys_epoll_ctl(int epfd, int operation, int fd, vaddr_t event)
{
	struct linux_epoll_event wanted = {0};
	long result = -EBADF;

	if (operation != EPOLL_CTL_DEL && get_user(wanted, event))
		return -EFAULT;
	struct fd_borrow epoll = fd_borrow(epfd);
	struct fd_borrow target = fd_borrow(fd);
	if (epoll.file != NULL && target.file != NULL)
		result = epoll_control(epoll.file, operation, target.file, fd, &wanted);
	if (target.file != NULL)
		fd_return(target);
	if (epoll.file != NULL)
		fd_return(epoll);
	return result;
}

static long wait_events(int epfd, vaddr_t events, int limit, nsec_t deadline)
{
	if (limit <= 0 || (u64)limit > INT_MAX / sizeof(struct linux_epoll_event))
		return -EINVAL;
	if (validate_user_pointer((const void __user *)events))
		return -EFAULT;
	struct fd_borrow epoll = fd_borrow(epfd);
	if (epoll.file == NULL)
		return -EBADF;
	long result = file_is_epoll(epoll.file)
			      ? epoll_wait_events(epoll.file, events, (u32)limit, deadline)
			      : -EINVAL;
	fd_return(epoll);
	return result;
}

static nsec_t deadline_of_milliseconds(int timeout)
{
	if (timeout <= 0)
		return timeout < 0 ? NO_DEADLINE : 0;
	return clock_monotonic() + (nsec_t)timeout * NSEC_PER_MSEC;
}

long sys_epoll_wait(int epfd, vaddr_t events, int limit, int timeout)
{
	return wait_events(epfd, events, limit, deadline_of_milliseconds(timeout));
}

static long wait_masked(int epfd, vaddr_t events, int limit, nsec_t deadline, vaddr_t mask,
			size_t mask_size)
{
	int error = signal_push_user_mask(mask, mask_size);

	if (error)
		return error;
	long result = wait_events(epfd, events, limit, deadline);
	signal_pop_mask(result == -EINTR);
	return result;
}

long sys_epoll_pwait(int epfd, vaddr_t events, int limit, int timeout, vaddr_t mask,
		     size_t mask_size)
{
	return wait_masked(epfd, events, limit, deadline_of_milliseconds(timeout), mask, mask_size);
}

long sys_epoll_pwait2(int epfd, vaddr_t events, int limit, vaddr_t timeout, vaddr_t mask,
		      size_t mask_size)
{
	nsec_t delay, deadline = NO_DEADLINE;

	if (timeout != 0) {
		int error = timespec_from_user(&delay, timeout);
		if (error)
			return error;
		deadline = delay == 0 ? 0 : time_after(delay);
	}
	return wait_masked(epfd, events, limit, deadline, mask, mask_size);
}
