/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink sockets: sending and receiving datagrams.
 *
 * Messages count against the receiver's buffer with their memory, but for those of a dump, of which
 * there is one at a time.  The kernel never waits for room: what does not fit is lost, and the
 * receiver hears of it by ENOBUFS.  Programs that send to each other wait.
 */
#include "net/netlink/netlink_internal.h"

#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/user_namespace.h"

#define HEAD_ROOM 32 /* of SO_SNDBUF, which a message may not use */

enum { SCM_PACKET_INFO = NETLINK_PKTINFO };

struct netlink_message *netlink_message_create(u32 capacity)
{
	struct netlink_message *message = kmalloc(sizeof(*message) + capacity);

	if (message == NULL)
		return NULL;
	*message = (struct netlink_message){.capacity = capacity};
	list_init(&message->link);
	return message;
}

/* --- The queue --- */

static u32 charge_of(const struct netlink_message *message)
{
	return message->of_dump ? 0 : message->capacity + (u32)sizeof(*message);
}

static bool is_full(const struct netlink_socket *netlink)
{
	return READ_ONCE(netlink->charge) > READ_ONCE(netlink->socket.receive_buffer) ||
	       READ_ONCE(netlink->congested);
}

int netlink_queue(struct netlink_socket *netlink, struct netlink_message *message)
{
	int error = 0;

	spin_lock(&netlink->lock);
	if (netlink->dead)
		error = -ECONNREFUSED;
	else if (!message->of_dump && is_full(netlink))
		error = -EAGAIN;
	if (error == 0) {
		list_add_tail(&message->link, &netlink->queue);
		WRITE_ONCE(netlink->queued, netlink->queued + 1);
		WRITE_ONCE(netlink->charge, netlink->charge + charge_of(message));
	}
	spin_unlock(&netlink->lock);
	if (error == 0)
		wake_up_events(&netlink->wait, UINT_MAX, POLLIN | POLLRDNORM);
	return error;
}

void netlink_overrun(struct netlink_socket *netlink)
{
	__atomic_add_fetch(&netlink->dropped, 1, __ATOMIC_RELAXED);
	if (netlink_switch(netlink, NETLINK_NO_ENOBUFS))
		return;
	spin_lock(&netlink->lock);
	bool first = !netlink->congested;
	WRITE_ONCE(netlink->congested, true);
	if (first)
		WRITE_ONCE(netlink->socket.error, ENOBUFS);
	spin_unlock(&netlink->lock);
	if (first)
		wake_up_events(&netlink->wait, UINT_MAX, POLLERR);
}

/* --- Sending --- */

struct destination {
	u32 port, group;
};

static int find_destination(struct netlink_socket *netlink, const struct socket_address *address,
			    struct destination *to)
{
	struct linux_sockaddr_nl name;

	if (address == NULL || address->length == 0) {
		spin_lock(&netlink->lock);
		*to = (struct destination){netlink->peer_port, netlink->peer_group};
		spin_unlock(&netlink->lock);
		return 0;
	}
	if (address->length < sizeof(name) || address->family != AF_NETLINK)
		return -EINVAL;
	memcpy(&name, address->bytes, sizeof(name));
	to->port = name.port;
	to->group = name.groups != 0 ? (u32)__builtin_ctz(name.groups) + 1 : 0;
	if ((to->port != 0 || to->group != 0) &&
	    !netlink_protocol(netlink->socket.protocol)->programs_send &&
	    !capable_in(netlink->space->owner, CAP_NET_ADMIN))
		return -EPERM;
	return 0;
}

/* To another program: waits for room.  The message is the receiver's, or freed. */
static int send_to_port(struct netlink_socket *netlink, u32 port, struct netlink_message *message,
			nsec_t deadline)
{
	struct netlink_socket *other = netlink_find(netlink, port);
	int error = other != NULL ? 0 : -ECONNREFUSED;

	while (error == 0) {
		error = netlink_queue(other, message);
		if (error != -EAGAIN || deadline == 0)
			break;
		error = wait_event_timeout(&other->room_wait,
					   !is_full(other) || READ_ONCE(other->dead), deadline,
					   WAIT_INTERRUPTIBLE);
		error = error ? socket_wait_error(error, deadline) : 0;
	}
	if (error)
		kfree(message);
	if (other != NULL)
		netlink_put(other);
	return error;
}

static int send_to_kernel(struct netlink_socket *netlink, struct netlink_message *message)
{
	const struct netlink_protocol *protocol = netlink_protocol(netlink->socket.protocol);
	bool heard = protocol->handle != NULL;

	if (heard)
		netlink_requests(protocol, netlink, message);
	kfree(message);
	return heard ? 0 : -ECONNREFUSED;
}

static struct netlink_message *read_message(struct netlink_socket *netlink,
					    struct io_cursor *cursor, size_t length)
{
	const struct credentials *mine = current_credentials();
	struct netlink_message *message = netlink_message_create((u32)length);

	if (message == NULL)
		return ERR_PTR(-ENOBUFS);
	message->length = (u32)length;
	message->sender = netlink->port;
	message->pid = current->process->pid;
	message->uid = mine->uid;
	message->gid = mine->gid;
	if (io_copy_from(cursor, message->bytes, length) == (ssize_t)length)
		return message;
	kfree(message);
	return ERR_PTR(-EFAULT);
}

ssize_t netlink_send(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct netlink_socket *netlink = netlink_of(socket);
	size_t length = message->cursor->remaining;
	struct destination to;
	int error = 0;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (length == 0)
		return -ENODATA;
	error = find_destination(netlink, message->address, &to);
	if (!error && !READ_ONCE(netlink->bound))
		error = netlink_bind_port_any(netlink);
	if (error)
		return error;
	if (length > READ_ONCE(socket->send_buffer) - HEAD_ROOM)
		return -EMSGSIZE;
	struct netlink_message *new = read_message(netlink, message->cursor, length);
	if (IS_ERR(new))
		return PTR_ERR(new);
	/* A message to a group goes to the port, too, which may be the kernel's. */
	if (to.group != 0)
		(void)netlink_broadcast(socket->protocol, to.group, netlink->space, new, to.port,
					netlink);
	new->group = 0;
	if (to.port == 0)
		error = send_to_kernel(netlink, new);
	else
		error = send_to_port(netlink, to.port, new,
				     socket_deadline(socket->send_timeout, flags));
	return error ? error : (ssize_t)length;
}

/* --- Receiving --- */

/* The next message, taken off the queue unless it is only looked at; read_lock held.  NULL: there
 * is none. */
static struct netlink_message *choose(struct netlink_socket *netlink, u32 flags)
{
	struct netlink_message *found;

	spin_lock(&netlink->lock);
	found = list_first_entry_or_null(&netlink->queue, struct netlink_message, link);
	if (found != NULL && !(flags & MSG_PEEK)) {
		list_remove(&found->link);
		WRITE_ONCE(netlink->queued, netlink->queued - 1);
		WRITE_ONCE(netlink->charge, netlink->charge - charge_of(found));
		if (found->last_of_dump)
			netlink->dumping = false;
		if (netlink->queued == 0)
			WRITE_ONCE(netlink->congested, false);
	}
	spin_unlock(&netlink->lock);
	return found;
}

static void deliver_extras(struct netlink_socket *netlink, const struct netlink_message *from,
			   struct socket_message *to)
{
	if (to->address != NULL) {
		struct linux_sockaddr_nl name = {.family = AF_NETLINK,
						 .port = from->sender,
						 .groups = from->group != 0 && from->group <= 32
								   ? 1u << (from->group - 1)
								   : 0};

		memcpy(to->address->bytes, &name, sizeof(name));
		to->address->length = sizeof(name);
	}
	if (netlink_switch(netlink, NETLINK_PKTINFO))
		socket_put_control(to, SOL_NETLINK, SCM_PACKET_INFO, &from->group,
				   sizeof(from->group));
	if (socket_has_option(&netlink->socket, SO_PASSCRED)) {
		struct linux_ucred sender = {from->pid != 0 ? pid_show_number(from->pid) : 0,
					     uid_shown(from->uid), gid_shown(from->gid)};

		socket_put_control(to, SOL_SOCKET, SCM_CREDENTIALS, &sender, sizeof(sender));
	}
}

/* Copies the message out.  What recvmsg returns. */
static ssize_t deliver(struct netlink_socket *netlink, struct socket_message *to,
		       const struct netlink_message *from, u32 flags)
{
	size_t count = MIN((size_t)from->length, to->cursor->remaining);

	if (count < from->length)
		to->flags |= MSG_TRUNC;
	if (count != 0 && io_copy_to(to->cursor, from->bytes, count) != (ssize_t)count)
		return -EFAULT;
	deliver_extras(netlink, from, to);
	return (ssize_t)(flags & MSG_TRUNC ? from->length : count);
}

static int wait_for_message(struct netlink_socket *netlink, nsec_t deadline)
{
	if (deadline == 0)
		return -EAGAIN;
	mutex_unlock(&netlink->read_lock);
	int error = wait_event_timeout(&netlink->wait,
				       READ_ONCE(netlink->queued) != 0 ||
					       READ_ONCE(netlink->socket.error) != 0,
				       deadline, WAIT_INTERRUPTIBLE);
	mutex_lock(&netlink->read_lock);
	return error ? socket_wait_error(error, deadline) : 0;
}

ssize_t netlink_receive(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct netlink_socket *netlink = netlink_of(socket);
	struct netlink_message *from = NULL;
	ssize_t result = 0;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	nsec_t deadline = socket_deadline(socket->receive_timeout, flags);
	mutex_lock(&netlink->read_lock);
	while (result == 0) {
		result = socket_take_error(socket);
		if (result == 0)
			from = choose(netlink, flags);
		if (from != NULL)
			break;
		if (result == 0)
			result = wait_for_message(netlink, deadline);
	}
	if (from != NULL)
		result = deliver(netlink, message, from, flags);
	mutex_unlock(&netlink->read_lock);
	if (from == NULL || flags & MSG_PEEK)
		return result;
	kfree(from);
	wake_up_events(&netlink->room_wait, UINT_MAX, 0);
	return result;
}
