/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on sockets, but for those that move data: see socket_message.c.
 */
#include "syscall/socket_internal.h"

#include "mm/usercopy.h"
#include "proc/task.h"
#include "syscall/table.h"

_Static_assert((int)SOCK_NONBLOCK == O_NONBLOCK && (int)SOCK_CLOEXEC == O_CLOEXEC,
	       "the flags of socket(2) are those of open(2)");

int socket_borrow(int fd, struct fd_borrow *borrow, struct socket **socket)
{
	*borrow = fd_borrow(fd);
	if (borrow->file == NULL)
		return -EBADF;
	*socket = socket_of_file(borrow->file);
	if (*socket != NULL)
		return 0;
	fd_return(*borrow);
	return -ENOTSOCK;
}

int socket_address_from_user(struct socket_address *to, vaddr_t address, int length)
{
	if (length < 0 || length > SOCKET_ADDRESS_MAX)
		return -EINVAL;
	to->length = (u32)length;
	return copy_from_user(to->bytes, (const void __user *)address, to->length);
}

int socket_address_to_user(const struct socket_address *from, vaddr_t address, vaddr_t length)
{
	s32 room;

	if (get_user(room, length))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copy_to_user((void __user *)address, from->bytes, MIN((u32)room, from->length)))
		return -EFAULT;
	return put_user((s32)from->length, length);
}

/* --- Making sockets --- */

static bool flags_ok(int flags)
{
	return (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == 0;
}

long sys_socket(int family, int type, int protocol)
{
	int flags = type & ~SOCK_TYPE_MASK;

	if (!flags_ok(flags))
		return -EINVAL;
	struct file *file = socket_create_file(family, type & SOCK_TYPE_MASK, protocol, (u32)flags);
	return IS_ERR(file) ? PTR_ERR(file) : fd_install(file, (u32)flags);
}

long sys_socketpair(int family, int type, int protocol, vaddr_t fds)
{
	int flags = type & ~SOCK_TYPE_MASK, numbers[2];
	struct file *ends[2];
	long error;

	if (!flags_ok(flags))
		return -EINVAL;
	numbers[0] = fd_reserve((u32)flags);
	if (numbers[0] < 0)
		return numbers[0];
	numbers[1] = fd_reserve((u32)flags);
	error = MIN(numbers[1], 0);
	if (error)
		goto release_first;
	error = copy_to_user((void __user *)fds, numbers, sizeof(numbers));
	if (error)
		goto release_both;
	error = socket_create_pair(family, type & SOCK_TYPE_MASK, protocol, (u32)flags, ends);
	if (error)
		goto release_both;
	fd_fill(numbers[0], ends[0]);
	fd_fill(numbers[1], ends[1]);
	return 0;
release_both:
	fd_release(numbers[1]);
release_first:
	fd_release(numbers[0]);
	return error;
}

/* --- Names and connections --- */

long sys_bind(int fd, vaddr_t address, int length)
{
	struct socket_address name;
	struct fd_borrow borrow;
	struct socket *socket;
	long result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	result = socket_address_from_user(&name, address, length);
	if (!result)
		result = socket->ops->bind != NULL ? socket->ops->bind(socket, &name) : -EOPNOTSUPP;
	fd_return(borrow);
	return result;
}

long sys_connect(int fd, vaddr_t address, int length)
{
	struct socket_address name;
	struct fd_borrow borrow;
	struct socket *socket;
	long result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	u32 flags = READ_ONCE(borrow.file->flags) & O_NONBLOCK ? MSG_DONTWAIT : 0;
	result = socket_address_from_user(&name, address, length);
	if (!result)
		result = socket->ops->connect != NULL ? socket->ops->connect(socket, &name, flags)
						      : -EOPNOTSUPP;
	fd_return(borrow);
	return result;
}

long sys_listen(int fd, int backlog)
{
	struct fd_borrow borrow;
	struct socket *socket;
	long result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	result = socket->ops->listen != NULL ? socket->ops->listen(socket, (u32)backlog)
					     : -EOPNOTSUPP;
	fd_return(borrow);
	return result;
}

/* The new end's peer, for the caller of accept. */
static int tell_peer(struct file *file, vaddr_t address, vaddr_t length)
{
	struct socket *socket = socket_of_file(file);
	struct socket_address name = {0};

	if (address == 0)
		return 0;
	if (socket->ops->get_name == NULL || socket->ops->get_name(socket, true, &name))
		return -ECONNABORTED;
	return socket_address_to_user(&name, address, length);
}

static long accept_one(struct socket *socket, vaddr_t address, vaddr_t length, int flags)
{
	u32 wait_flags = READ_ONCE(socket->file->flags) & O_NONBLOCK ? MSG_DONTWAIT : 0;
	int fd = fd_reserve((u32)flags);

	if (fd < 0)
		return fd;
	struct file *file = socket_accept_file(socket, wait_flags, (u32)flags);
	long error = IS_ERR(file) ? PTR_ERR(file) : tell_peer(file, address, length);
	if (error == 0) {
		fd_fill(fd, file);
		return fd;
	}
	fd_release(fd);
	if (!IS_ERR(file))
		file_put(file);
	return error;
}

long sys_accept4(int fd, vaddr_t address, vaddr_t length, int flags)
{
	struct fd_borrow borrow;
	struct socket *socket;
	long result = socket_borrow(fd, &borrow, &socket);

	if (result == -EBADF)
		return result;
	if (!flags_ok(flags)) {
		if (result == 0)
			fd_return(borrow);
		return -EINVAL;
	}
	if (result)
		return result;
	result = accept_one(socket, address, length, flags);
	fd_return(borrow);
	return result;
}

long sys_accept(int fd, vaddr_t address, vaddr_t length)
{
	return sys_accept4(fd, address, length, 0);
}

static long get_name(int fd, bool peer, vaddr_t address, vaddr_t length)
{
	struct socket_address name = {0};
	struct fd_borrow borrow;
	struct socket *socket;
	long result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	result = socket->ops->get_name != NULL ? socket->ops->get_name(socket, peer, &name)
					       : -EOPNOTSUPP;
	fd_return(borrow);
	return result ? result : socket_address_to_user(&name, address, length);
}

long sys_getsockname(int fd, vaddr_t address, vaddr_t length)
{
	return get_name(fd, false, address, length);
}

long sys_getpeername(int fd, vaddr_t address, vaddr_t length)
{
	return get_name(fd, true, address, length);
}

long sys_shutdown(int fd, int how)
{
	struct fd_borrow borrow;
	struct socket *socket;
	long result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		result = -EINVAL;
	else
		result = socket->ops->shutdown != NULL ? socket->ops->shutdown(socket, how)
						       : -EOPNOTSUPP;
	fd_return(borrow);
	return result;
}

/* --- Options --- */

long sys_setsockopt(int fd, int level, int option, vaddr_t value, int length)
{
	struct fd_borrow borrow;
	struct socket *socket;
	long result = length < 0 ? -EINVAL : socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	result = socket_set_option(socket, level, option, value, length);
	fd_return(borrow);
	return result;
}

long sys_getsockopt(int fd, int level, int option, vaddr_t value, vaddr_t length_address)
{
	struct fd_borrow borrow;
	struct socket *socket;
	s32 room;
	long result = socket_borrow(fd, &borrow, &socket);

	if (result)
		return result;
	if (get_user(room, length_address))
		result = -EFAULT;
	else if (room < 0)
		result = -EINVAL;
	if (result == 0) {
		u32 length = (u32)room;

		result = socket_get_option(socket, level, option, value, &length);
		/* -ERANGE says in the length how much room it wants. */
		if ((result == 0 || result == -ERANGE) && put_user((s32)length, length_address))
			result = -EFAULT;
	}
	fd_return(borrow);
	return result;
}
