/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe(2), eventfd(2), signalfd(2), timerfd_create(2) and their kin.
 */
#include "fs/file.h"
#include "ipc/event.h"
#include "ipc/pipe.h"
#include "ipc/userfaultfd.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/time.h"
#include "syscall/table.h"

long sys_pipe2(vaddr_t fds, u32 flags)
{
	struct file *ends[2];
	int numbers[2];

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	int error = pipe_create(ends, flags);
	if (error)
		return error;
	numbers[0] = fd_reserve(flags);
	if (numbers[0] < 0) {
		error = numbers[0];
		goto put_ends;
	}
	numbers[1] = fd_reserve(flags);
	if (numbers[1] < 0) {
		error = numbers[1];
		goto release_first;
	}
	if (copy_to_user((void __user *)fds, numbers, sizeof(numbers))) {
		error = -EFAULT;
		goto release_second;
	}
	fd_fill(numbers[0], ends[0]);
	fd_fill(numbers[1], ends[1]);
	return 0;

release_second:
	fd_release(numbers[1]);
release_first:
	fd_release(numbers[0]);
put_ends:
	file_put(ends[0]);
	file_put(ends[1]);
	return error;
}

long sys_pipe(vaddr_t fds)
{
	return sys_pipe2(fds, 0);
}

long sys_eventfd2(u32 initial, u32 flags)
{
	if (flags & ~(u32)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	struct file *file = eventfd_create(initial, flags);
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, flags & EFD_CLOEXEC);
}

long sys_eventfd(u32 initial)
{
	return sys_eventfd2(initial, 0);
}

long sys_userfaultfd(u32 flags)
{
	if (!(flags & UFFD_USER_MODE_ONLY) && READ_ONCE(userfaultfd_unprivileged) == 0 &&
	    !capable(CAP_SYS_PTRACE))
		return -EPERM;
	return userfaultfd_open(flags);
}

long sys_signalfd4(int fd, vaddr_t mask, size_t size, u32 flags)
{
	sigset_t set;

	if (flags & ~(u32)(SFD_CLOEXEC | SFD_NONBLOCK) || size != sizeof(set))
		return -EINVAL;
	if (get_user(set, mask))
		return -EFAULT;
	if (fd == -1) {
		struct file *file = signalfd_create(set, flags);
		return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, flags & SFD_CLOEXEC);
	}
	struct fd_borrow borrow = fd_borrow(fd);
	if (borrow.file == NULL)
		return -EBADF;
	int error = signalfd_set(borrow.file, set);
	fd_return(borrow);
	return error ? error : fd;
}

long sys_signalfd(int fd, vaddr_t mask, size_t size)
{
	return sys_signalfd4(fd, mask, size, 0);
}

long sys_timerfd_create(clockid_t clock, u32 flags)
{
	if (flags & ~(u32)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	struct file *file = timerfd_create(clock, flags);
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, flags & TFD_CLOEXEC);
}

long sys_timerfd_settime(int fd, u32 flags, vaddr_t setting, vaddr_t old)
{
	struct linux_itimerspec new_setting, old_setting;

	if (copy_from_user(&new_setting, (const void __user *)setting, sizeof(new_setting)))
		return -EFAULT;
	if ((flags & ~(u32)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0 ||
	    !timespec_valid(&new_setting.it_value) || !timespec_valid(&new_setting.it_interval))
		return -EINVAL;
	struct fd_borrow borrow = fd_borrow(fd);
	if (borrow.file == NULL)
		return -EBADF;
	long result = timerfd_set(borrow.file, flags, &new_setting, &old_setting);
	fd_return(borrow);
	if (result == 0 && old != 0)
		result = put_user(old_setting, old);
	return result;
}

long sys_timerfd_gettime(int fd, vaddr_t setting)
{
	struct linux_itimerspec now_setting;
	struct fd_borrow borrow = fd_borrow(fd);

	if (borrow.file == NULL)
		return -EBADF;
	long result = timerfd_get(borrow.file, &now_setting);
	fd_return(borrow);
	return result == 0 ? put_user(now_setting, setting) : result;
}
