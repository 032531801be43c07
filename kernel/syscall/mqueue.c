/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on POSIX message queues: thin functions on ipc/mqueue.h. */
#include "fs/calls.h"
#include "ipc/mqueue.h"
#include "mm/usercopy.h"
#include "proc/time.h"
#include "syscall/table.h"

long sys_mq_open(vaddr_t user_name, int flags, mode_t mode, vaddr_t user_attributes)
{
	struct linux_mq_attr attributes;
	struct pathname name;
	struct file *file;

	if (user_attributes != 0 && get_user(attributes, user_attributes) != 0)
		return -EFAULT;
	int error = pathname_get(&name, user_name);
	if (error != 0)
		return error;
	file = mqueue_open(name.text, (u32)flags, mode, user_attributes != 0 ? &attributes : NULL);
	pathname_put(&name);
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, O_CLOEXEC);
}

long sys_mq_unlink(vaddr_t user_name)
{
	struct pathname name;
	int error = pathname_get(&name, user_name);

	if (error != 0)
		return error;
	error = mqueue_unlink(name.text);
	pathname_put(&name);
	return error;
}

/* Until when to wait: the time of day that was given, or for ever. */
static int get_deadline(vaddr_t timeout, nsec_t *deadline)
{
	nsec_t time;
	int error;

	*deadline = NO_DEADLINE;
	if (timeout == 0)
		return 0;
	error = timespec_from_user(&time, timeout);
	if (error == 0)
		error = time_deadline(CLOCK_REALTIME, time, true, deadline);
	/* 0 would be not to wait at all. */
	*deadline = MAX(*deadline, (nsec_t)1);
	return error;
}

long sys_mq_timedsend(int fd, vaddr_t text, size_t size, u32 priority, vaddr_t timeout)
{
	nsec_t deadline;
	int error = priority >= MQ_PRIORITIES ? -EINVAL : get_deadline(timeout, &deadline);

	if (error != 0)
		return error;
	struct fd_borrow borrow = fd_borrow(fd);
	if (borrow.file == NULL)
		return -EBADF;
	struct mqueue *queue = mqueue_of(borrow.file);
	if (queue == NULL || !(borrow.file->mode & FILE_WRITE))
		error = -EBADF;
	else
		error = mqueue_send(queue, text, size, priority,
				    borrow.file->flags & O_NONBLOCK ? 0 : deadline);
	if (error == 0)
		inode_touch(borrow.file->inode, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	fd_return(borrow);
	return error;
}

long sys_mq_timedreceive(int fd, vaddr_t text, size_t size, vaddr_t priority_address,
			 vaddr_t timeout)
{
	u32 priority;
	nsec_t deadline;
	long result = get_deadline(timeout, &deadline);

	if (result != 0)
		return result;
	struct fd_borrow borrow = fd_borrow(fd);
	if (borrow.file == NULL)
		return -EBADF;
	struct mqueue *queue = mqueue_of(borrow.file);
	if (queue == NULL || !(borrow.file->mode & FILE_READ))
		result = -EBADF;
	else
		result = mqueue_receive(queue, text, size, &priority,
					borrow.file->flags & O_NONBLOCK ? 0 : deadline);
	if (result >= 0)
		inode_touch(borrow.file->inode, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	fd_return(borrow);
	if (result >= 0 && priority_address != 0 && put_user(priority, priority_address) != 0)
		return -EFAULT;
	return result;
}

long sys_mq_notify(int fd, vaddr_t user_event)
{
	struct linux_sigevent event;

	if (user_event != 0 && get_user(event, user_event) != 0)
		return -EFAULT;
	struct fd_borrow borrow = fd_borrow(fd);
	if (borrow.file == NULL)
		return -EBADF;
	struct mqueue *queue = mqueue_of(borrow.file);
	long result =
		queue == NULL ? -EBADF : mqueue_notify(queue, user_event != 0 ? &event : NULL);
	fd_return(borrow);
	return result;
}

static long exchange_attributes(struct file *file, const struct linux_mq_attr *update,
				vaddr_t old_address)
{
	struct mqueue *queue = mqueue_of(file);
	struct linux_mq_attr old;
	long result = 0;

	if (queue == NULL)
		return -EBADF;
	mqueue_get_attributes(queue, &old);
	old.flags = file->flags & O_NONBLOCK;
	if (update != NULL)
		result = file_change_flags(file, O_NONBLOCK, (u32)update->flags);
	if (result == 0 && old_address != 0 && put_user(old, old_address) != 0)
		result = -EFAULT;
	return result;
}

long sys_mq_getsetattr(int fd, vaddr_t update_address, vaddr_t old_address)
{
	struct linux_mq_attr update;

	if (update_address != 0) {
		if (get_user(update, update_address) != 0)
			return -EFAULT;
		if (update.flags & ~(s64)O_NONBLOCK)
			return -EINVAL;
	}
	struct fd_borrow borrow = fd_borrow(fd);
	if (borrow.file == NULL)
		return -EBADF;
	long result =
		exchange_attributes(borrow.file, update_address != 0 ? &update : NULL, old_address);
	fd_return(borrow);
	return result;
}
