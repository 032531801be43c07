/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that send and receive through sockets.
 *
 * All come down to one message: a cursor over the program's buffers, an address, control messages.
 * Those to be sent are copied into the kernel before anybody looks at them.
 */
#include "syscall/socket_internal.h"

#include "arch/clock.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/task.h"
#include "proc/time.h"
#include "syscall/table.h"

#define MAX_CONTROL  20480
#define MAX_MESSAGES 1024

/* --- One buffer --- */

long sys_sendto(int fd, vaddr_t buffer, size_t size, u32 flags, vaddr_t address, int length)
{
	struct socket_message message = {0};
	struct socket_address name;
	struct io_cursor cursor;
	struct fd_borrow borrow;
	struct socket *socket;
	long result = io_cursor_init_user(&cursor, buffer, size, IO_WRITE);

	if (!result)
		result = socket_borrow(fd, &borrow, &socket);
	if (result)
		return result;
	message.cursor = &cursor;
	if (address != 0) {
		result = socket_address_from_user(&name, address, length);
		message.address = &name;
	}
	if (!result)
		result = socket_send(socket, &message, flags);
	fd_return(borrow);
	return result;
}

long sys_recvfrom(int fd, vaddr_t buffer, size_t size, u32 flags, vaddr_t address, vaddr_t length)
{
	struct socket_message message = {0};
	struct socket_address name;
	struct io_cursor cursor;
	struct fd_borrow borrow;
	struct socket *socket;
	long result = io_cursor_init_user(&cursor, buffer, size, IO_READ);

	if (!result)
		result = socket_borrow(fd, &borrow, &socket);
	if (result)
		return result;
	message.cursor = &cursor;
	if (address != 0) {
		name.length = 0;
		message.address = &name;
	}
	result = socket_receive(socket, &message, flags);
	fd_return(borrow);
	if (result >= 0 && address != 0) {
		int error = socket_address_to_user(&name, address, length);

		if (error)
			return error;
	}
	return result;
}

/* --- Headers --- */

/* A message of sendmsg or recvmsg while it is worked on. */
struct envelope {
	struct linux_msghdr header;
	struct socket_message message;
	struct socket_address address;
	struct io_cursor cursor;
	u8 *control; /* a copy of what is sent, to be freed */
};

static int open_header(struct envelope *envelope, vaddr_t header, enum io_direction direction)
{
	struct linux_msghdr *read = &envelope->header;

	if (get_user(*read, header))
		return -EFAULT;
	if (read->name == 0)
		read->name_length = 0;
	if (read->name_length < 0)
		return -EINVAL;
	read->name_length = MIN(read->name_length, SOCKET_ADDRESS_MAX);
	if (read->vector_count > IO_MAX_VECTORS)
		return -EMSGSIZE;
	envelope->message = (struct socket_message){.cursor = &envelope->cursor};
	envelope->control = NULL;
	return io_cursor_init_vector(&envelope->cursor, read->vector, read->vector_count,
				     direction);
}

static void close_envelope(struct envelope *envelope)
{
	io_cursor_release(&envelope->cursor);
	kfree(envelope->control);
}

static int copy_control(struct envelope *envelope)
{
	size_t length = envelope->header.control_length;

	if (length == 0)
		return 0;
	if (length > MAX_CONTROL)
		return -ENOBUFS;
	envelope->control = kmalloc(length);
	if (envelope->control == NULL)
		return -ENOBUFS;
	envelope->message.control = envelope->control;
	envelope->message.control_length = length;
	return copy_from_user(envelope->control, (const void __user *)envelope->header.control,
			      length);
}

static long send_one(struct socket *socket, vaddr_t header, u32 flags)
{
	struct envelope envelope;
	long result = open_header(&envelope, header, IO_WRITE);

	if (result)
		return result;
	if (envelope.header.name_length > 0) {
		result = socket_address_from_user(&envelope.address, envelope.header.name,
						  envelope.header.name_length);
		envelope.message.address = &envelope.address;
	}
	if (!result)
		result = copy_control(&envelope);
	if (!result)
		result = socket_send(socket, &envelope.message, flags);
	close_envelope(&envelope);
	return result;
}

/* Writes back what recvmsg tells besides the data. */
static int finish_header(const struct envelope *envelope, vaddr_t header, u32 flags)
{
	const struct linux_msghdr *read = &envelope->header;
	u64 control_used = read->control_length - envelope->message.control_length;
	u32 told = envelope->message.flags | (flags & MSG_CMSG_CLOEXEC);

	if (read->name != 0 &&
	    socket_address_to_user(&envelope->address, read->name,
				   header + offsetof(struct linux_msghdr, name_length)))
		return -EFAULT;
	if (put_user(told, header + offsetof(struct linux_msghdr, flags)) ||
	    put_user(control_used, header + offsetof(struct linux_msghdr, control_length)))
		return -EFAULT;
	return 0;
}

static long receive_one(struct socket *socket, vaddr_t header, u32 flags)
{
	struct envelope envelope;
	long result = open_header(&envelope, header, IO_READ);

	if (result)
		return result;
	envelope.address.length = 0;
	if (envelope.header.name != 0)
		envelope.message.address = &envelope.address;
	envelope.message.control_user = envelope.header.control;
	envelope.message.control_length = envelope.header.control_length;
	result = socket_receive(socket, &envelope.message, flags);
	if (result >= 0) {
		int error = finish_header(&envelope, header, flags);

		result = error ? error : result;
	}
	close_envelope(&envelope);
	return result;
}

long sys_sendmsg(int fd, vaddr_t header, u32 flags)
{
	struct fd_borrow borrow;
	struct socket *socket;
	long result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	result = send_one(socket, header, flags);
	fd_return(borrow);
	return result;
}

long sys_recvmsg(int fd, vaddr_t header, u32 flags)
{
	struct fd_borrow borrow;
	struct socket *socket;
	long result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	result = receive_one(socket, header, flags);
	fd_return(borrow);
	return result;
}

/* --- Several messages --- */

static vaddr_t nth_header(vaddr_t headers, u32 index)
{
	return headers + index * sizeof(struct linux_mmsghdr);
}

static int tell_length(vaddr_t header, long length)
{
	return put_user((u32)length, header + offsetof(struct linux_mmsghdr, length));
}

long sys_sendmmsg(int fd, vaddr_t headers, u32 count, u32 flags)
{
	struct fd_borrow borrow;
	struct socket *socket;
	long result = socket_borrow(fd, &borrow, &socket);
	u32 done;

	if (result)
		return result;
	count = MIN(count, (u32)MAX_MESSAGES);
	for (done = 0; done < count; done++) {
		vaddr_t header = nth_header(headers, done);

		result = send_one(socket, header, flags);
		if (result >= 0)
			result = tell_length(header, result);
		if (result < 0)
			break;
	}
	fd_return(borrow);
	return done > 0 ? (long)done : result;
}

/* Receives until there are `count`, an error, or the deadline is found to have passed, which is
 * looked at behind each message.  How many, or the error of the first. */
static long receive_many(struct socket *socket, vaddr_t headers, u32 count, u32 flags,
			 nsec_t deadline)
{
	long result = socket_take_error(socket);
	u32 done = 0;

	while (result >= 0 && done < count) {
		vaddr_t header = nth_header(headers, done);

		result = receive_one(socket, header, flags & ~(u32)MSG_WAITFORONE);
		if (result >= 0)
			result = tell_length(header, result);
		if (result < 0)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline != NO_DEADLINE && clock_monotonic() >= deadline)
			break;
	}
	if (done == 0)
		return result;
	/* An error behind the first message is told by the next call. */
	if (result < 0 && result != -EAGAIN && result != -ERESTARTSYS)
		WRITE_ONCE(socket->error, (u32)-result);
	return (long)done;
}

long sys_recvmmsg(int fd, vaddr_t headers, u32 count, u32 flags, vaddr_t timeout)
{
	struct fd_borrow borrow;
	struct socket *socket;
	nsec_t delay, deadline = NO_DEADLINE;
	long result = 0;

	if (timeout != 0) {
		result = timespec_from_user(&delay, timeout);
		if (!result)
			deadline = time_after(delay);
	}
	if (!result)
		result = socket_borrow(fd, &borrow, &socket);
	if (result)
		return result;
	result = receive_many(socket, headers, count, flags, deadline);
	fd_return(borrow);
	if (result > 0 && timeout != 0) {
		nsec_t now = clock_monotonic();

		if (timespec_to_user(timeout, now < deadline ? deadline - now : 0))
			result = -EFAULT;
	}
	return result;
}
