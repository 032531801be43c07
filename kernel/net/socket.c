/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets as files: how they come to be, and what read, write, poll and ioctl do with them.
 *
 * The table of families is filled at start-up and only read afterwards, so it has no lock.
 */
#include "net/socket.h"

#include "lib/assert.h"
#include "net/ioctl.h"
#include "proc/signal.h"
#include "proc/time.h"

#define MAX_FAMILIES 8

static const struct socket_family *families[MAX_FAMILIES];
static u32 family_count;

void socket_family_register(const struct socket_family *family)
{
	ASSERT(family_count < MAX_FAMILIES);
	families[family_count++] = family;
}

void socket_init(struct socket *socket, const struct socket_ops *ops, int family, int type,
		 int protocol)
{
	socket->ops = ops;
	socket->family = (u16)family;
	socket->type = (u16)type;
	socket->protocol = (u16)protocol;
	socket->send_buffer = socket->receive_buffer = SOCKET_BUFFER_DEFAULT;
	socket->receive_low_water = 1;
	socket->peek_offset = -1;
	socket->send_timeout = socket->receive_timeout = NO_DEADLINE;
}

/* --- Life --- */

static const struct file_operations socket_operations;

struct socket *socket_of_file(const struct file *file)
{
	return file->ops == &socket_operations ? file->private : NULL;
}

static struct socket *create(int family, int type, int protocol)
{
	if (family < 0 || family >= AF_LIMIT)
		return ERR_PTR(-EAFNOSUPPORT);
	if (type < 0 || type >= SOCK_TYPE_LIMIT)
		return ERR_PTR(-EINVAL);
	for (u32 i = 0; i < family_count; i++)
		if (families[i]->number == family)
			return families[i]->create(type, protocol);
	return ERR_PTR(-EAFNOSUPPORT);
}

static struct file *open_file(u32 flags)
{
	return anon_inode_create("socket", S_IFSOCK | S_IRWXUGO, &socket_operations, NULL,
				 O_RDWR | (flags & O_NONBLOCK));
}

static void join(struct file *file, struct socket *socket)
{
	file->private = socket;
	socket->file = file;
}

struct file *socket_create_file(int family, int type, int protocol, u32 flags)
{
	struct socket *socket = create(family, type, protocol);

	if (IS_ERR(socket))
		return ERR_PTR(PTR_ERR(socket));
	struct file *file = open_file(flags);
	if (IS_ERR(file))
		socket->ops->release(socket);
	else
		join(file, socket);
	return file;
}

int socket_create_pair(int family, int type, int protocol, u32 flags, struct file *ends[2])
{
	int error;

	ends[0] = socket_create_file(family, type, protocol, flags);
	if (IS_ERR(ends[0]))
		return (int)PTR_ERR(ends[0]);
	ends[1] = socket_create_file(family, type, protocol, flags);
	if (IS_ERR(ends[1])) {
		error = (int)PTR_ERR(ends[1]);
		goto put_first;
	}
	struct socket *one = ends[0]->private;
	error = one->ops->pair != NULL ? one->ops->pair(one, ends[1]->private) : -EOPNOTSUPP;
	if (error == 0)
		return 0;
	file_put(ends[1]);
put_first:
	file_put(ends[0]);
	return error;
}

struct file *socket_accept_file(struct socket *socket, u32 wait_flags, u32 flags)
{
	struct socket *accepted;

	if (socket->ops->accept == NULL)
		return ERR_PTR(-EOPNOTSUPP);
	/* First what can fail: a connection that was taken cannot be given back. */
	struct file *file = open_file(flags);
	if (IS_ERR(file))
		return file;
	int error = socket->ops->accept(socket, wait_flags, &accepted);
	if (error) {
		file_put(file);
		return ERR_PTR(error);
	}
	join(file, accepted);
	return file;
}

static void socket_release(struct file *file)
{
	struct socket *socket = file->private;

	if (socket != NULL)
		socket->ops->release(socket);
}

/* --- Data --- */

static u32 wait_flags(const struct socket *socket)
{
	return READ_ONCE(socket->file->flags) & O_NONBLOCK ? MSG_DONTWAIT : 0;
}

ssize_t socket_send(struct socket *socket, struct socket_message *message, u32 flags)
{
	if (socket->ops->send == NULL)
		return -EOPNOTSUPP;
	return socket->ops->send(socket, message, flags | wait_flags(socket));
}

ssize_t socket_receive(struct socket *socket, struct socket_message *message, u32 flags)
{
	if (socket->ops->receive == NULL)
		return -EOPNOTSUPP;
	return socket->ops->receive(socket, message, flags | wait_flags(socket));
}

static ssize_t socket_read(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct socket_message message = {.cursor = cursor};

	if (cursor->remaining == 0)
		return 0;
	return socket_receive(file->private, &message, 0);
}

static ssize_t socket_write(struct file *file, struct io_cursor *cursor, off_t *position __unused)
{
	struct socket_message message = {.cursor = cursor};

	return socket_send(file->private, &message, 0);
}

static u32 socket_poll(struct file *file, struct poll_table *table)
{
	struct socket *socket = file->private;

	return socket->ops->poll(socket, table);
}

static long socket_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
	struct socket *socket = file->private;

	long result = -ENOTTY;

	if (socket->ops->ioctl != NULL)
		result = socket->ops->ioctl(socket, command, argument);
	return result == -ENOTTY ? net_ioctl(socket, command, argument) : result;
}

static const struct file_operations socket_operations = {
	.release = socket_release,
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.stream = true,
};

/* --- For families --- */

int socket_take_error(struct socket *socket)
{
	if (likely(READ_ONCE(socket->error) == 0))
		return 0;
	return -(int)__atomic_exchange_n(&socket->error, 0, __ATOMIC_ACQ_REL);
}

nsec_t socket_deadline(nsec_t timeout, u32 flags)
{
	if (flags & MSG_DONTWAIT)
		return 0;
	if (timeout == NO_DEADLINE)
		return NO_DEADLINE;
	return time_after(timeout);
}

int socket_wait_error(int error, nsec_t deadline)
{
	if (error == -ETIMEDOUT)
		return -EAGAIN;
	return error == -ERESTARTSYS && deadline != NO_DEADLINE ? -EINTR : error;
}

int socket_broken_pipe(u32 flags)
{
	struct siginfo info;

	if (!(flags & MSG_NOSIGNAL)) {
		siginfo_init_user(&info, SIGPIPE, SI_USER);
		signal_send_task(current, &info);
	}
	return -EPIPE;
}
