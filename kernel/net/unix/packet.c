/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagrams and sequenced packets: messages with bounds.
 *
 * A datagram socket takes messages from anybody, but when it is connected, only from its peer.  Its
 * queue holds UNIX_QUEUE_LIMIT + 1 messages of senders to whom it is not connected itself; further
 * senders wait on its room_wait.  For those who poll instead of sleeping, a socket lists its
 * clients, the sockets connected to it, and wakes their write_wait when there is room again.
 *
 * A peer that is found dead when somebody sends to it is left then; what the socket had queued is
 * lost.
 */
#include "net/unix/unix_internal.h"

#define HEAD_ROOM 32 /* of SO_SNDBUF, which a message may not use */

/* --- Clients --- */

void unix_packet_leave(struct unix_socket *unix_socket, struct unix_socket *peer)
{
	spin_lock(&peer->lock);
	list_remove(&unix_socket->client_link);
	spin_unlock(&peer->lock);
}

static void join(struct unix_socket *unix_socket, struct unix_socket *peer)
{
	spin_lock(&peer->lock);
	list_add_tail(&unix_socket->client_link, &peer->clients);
	spin_unlock(&peer->lock);
	/* There may have been room before we were on the list. */
	wake_up_events(&unix_socket->write_wait, UINT_MAX, WRITABLE);
}

void unix_packet_wake_senders(struct unix_socket *unix_socket)
{
	struct unix_socket *client;

	wake_up_events(&unix_socket->room_wait, UINT_MAX, 0);
	spin_lock(&unix_socket->lock);
	list_for_each_entry (client, &unix_socket->clients, client_link)
		wake_up_events(&client->write_wait, UINT_MAX, WRITABLE);
	spin_unlock(&unix_socket->lock);
}

static bool is_full(const struct unix_socket *unix_socket)
{
	return READ_ONCE(unix_socket->queued) > UNIX_QUEUE_LIMIT;
}

bool unix_packet_peer_is_full(struct unix_socket *unix_socket)
{
	struct unix_socket *peer = unix_get_peer(unix_socket);
	bool full = peer != NULL && READ_ONCE(peer->peer) != unix_socket && is_full(peer);

	if (peer != NULL)
		unix_put(peer);
	return full;
}

/* --- Connecting --- */

/* What came over a connection that is no more is dropped; the other end, if it was connected to us,
 * hears of it. */
static void disconnected(struct unix_socket *unix_socket, struct unix_socket *peer)
{
	struct list_head messages = LIST_INIT(messages);

	mutex_lock(&unix_socket->read_lock);
	spin_lock(&unix_socket->lock);
	list_splice(&unix_socket->queue, &messages);
	WRITE_ONCE(unix_socket->queued, 0);
	spin_unlock(&unix_socket->lock);
	mutex_unlock(&unix_socket->read_lock);
	if (list_empty(&messages))
		return;
	unix_messages_free(&messages);
	unix_packet_wake_senders(unix_socket);
	spin_lock(&peer->lock);
	bool tell = !peer->dead && peer->peer == unix_socket;
	if (tell)
		WRITE_ONCE(peer->socket.error, ECONNRESET);
	spin_unlock(&peer->lock);
	if (tell)
		unix_wake_all(peer);
}

/* May the socket send to `other`?  The lock of `other` held. */
static bool may_send(const struct unix_socket *unix_socket, const struct unix_socket *other)
{
	return other->peer == NULL || other->peer == unix_socket;
}

/* Changes the peer; `other` may be NULL.  0, -EPERM, or -ESTALE when `other` was just closed.
 * change_lock held. */
static int change_peer(struct unix_socket *unix_socket, struct unix_socket *other)
{
	struct unix_socket *old = unix_socket->peer;
	int error = 0;

	unix_lock_pair(unix_socket, other != NULL ? other : unix_socket);
	if (other != NULL && other->dead)
		error = -ESTALE;
	else if (other != NULL && !may_send(unix_socket, other))
		error = -EPERM;
	if (error == 0) {
		unix_socket->peer = other != NULL ? unix_get(other) : NULL;
		WRITE_ONCE(unix_socket->state, other != NULL ? UNIX_CONNECTED : UNIX_CLOSED);
	}
	unix_unlock_pair(unix_socket, other != NULL ? other : unix_socket);
	if (error)
		return error;
	if (old != NULL) {
		unix_packet_leave(unix_socket, old);
		if (old != other)
			disconnected(unix_socket, old);
		unix_put(old);
	}
	if (other != NULL)
		join(unix_socket, other);
	return 0;
}

int unix_packet_connect(struct socket *socket, const struct socket_address *address,
			u32 flags __unused)
{
	struct unix_socket *unix_socket = unix_of(socket), *other = NULL;
	bool dissolve = address->length >= sizeof(u16) && address->family == AF_UNSPEC;
	int error = 0;

	if (!dissolve) {
		error = unix_check_address(address);
		if (!error)
			error = unix_autobind_if_asked(unix_socket);
	}
	if (error)
		return error;
	mutex_lock(&unix_socket->change_lock);
	do {
		if (!dissolve)
			error = unix_find(address, socket->type, &other);
		if (error)
			break;
		error = change_peer(unix_socket, other);
		if (other != NULL)
			unix_put(other);
	} while (error == -ESTALE);
	mutex_unlock(&unix_socket->change_lock);
	return error;
}

/* --- Sending --- */

/* The peer is dead: leaves it, unless somebody else has done so. */
static void leave_dead(struct unix_socket *unix_socket, struct unix_socket *peer)
{
	mutex_lock(&unix_socket->change_lock);
	if (unix_socket->peer == peer)
		/* Without another peer there is nothing that can fail. */
		(void)!change_peer(unix_socket, NULL);
	mutex_unlock(&unix_socket->change_lock);
}

/* Queues the message.  0; -EPERM, -EPIPE, -ESTALE (dead), -EAGAIN (no room). */
static int try_queue(struct unix_socket *unix_socket, struct unix_socket *other,
		     struct unix_message *message)
{
	int error = 0;

	spin_lock(&other->lock);
	if (other->dead)
		error = unix_socket->socket.type == SOCK_SEQPACKET ? -EPIPE : -ESTALE;
	else if (!may_send(unix_socket, other))
		error = -EPERM;
	else if (other->shutdown & SHUT_RECEIVE)
		error = -EPIPE;
	else if (other != unix_socket && other->peer != unix_socket && is_full(other))
		error = -EAGAIN;
	if (error == 0) {
		list_add_tail(&message->link, &other->queue);
		WRITE_ONCE(other->queued, other->queued + 1);
	}
	spin_unlock(&other->lock);
	return error;
}

static int wait_for_receiver(struct unix_socket *other, nsec_t deadline)
{
	if (deadline == 0)
		return -EAGAIN;
	int error = wait_event_timeout(&other->room_wait,
				       !is_full(other) || READ_ONCE(other->dead) ||
					       READ_ONCE(other->shutdown) & SHUT_RECEIVE,
				       deadline, WAIT_INTERRUPTIBLE);
	return error ? socket_wait_error(error, deadline) : 0;
}

/* Queues the message, waiting for room.  An error, -ESTALE when `other` is dead. */
static int queue_message(struct unix_socket *unix_socket, struct unix_socket *other,
			 struct unix_message *message, nsec_t deadline)
{
	int error;

	while ((error = try_queue(unix_socket, other, message)) == -EAGAIN) {
		error = wait_for_receiver(other, deadline);
		if (error)
			return error;
	}
	if (error == 0)
		wake_up_events(&other->read_wait, 1, READABLE);
	return error;
}

/* To whom: the address's socket, or the peer. */
static int find_receiver(struct unix_socket *unix_socket, const struct socket_address *address,
			 struct unix_socket **other)
{
	if (address != NULL)
		return unix_find(address, unix_socket->socket.type, other);
	*other = unix_get_peer(unix_socket);
	return *other != NULL ? 0 : -ECONNRESET;
}

static int send_message(struct unix_socket *unix_socket, struct unix_message *message,
			struct unix_outgoing *outgoing, const struct socket_address *address,
			nsec_t deadline)
{
	struct unix_socket *other;
	bool attached = false;
	int error;

	for (;;) {
		error = find_receiver(unix_socket, address, &other);
		if (error)
			return error;
		if (!attached)
			unix_message_attach(message, outgoing, other);
		attached = true;
		error = queue_message(unix_socket, other, message, deadline);
		if (error == -ESTALE && address == NULL) {
			leave_dead(unix_socket, other);
			error = -ECONNREFUSED;
		}
		unix_put(other);
		if (error != -ESTALE)
			return error;
	}
}

/* The checks before anything is sent, and the address that counts. */
static int check_send(struct unix_socket *unix_socket, const struct socket_address **address,
		      size_t length, u32 flags)
{
	struct socket *socket = &unix_socket->socket;
	int error = 0;

	if (socket->type == SOCK_SEQPACKET) {
		error = socket_take_error(socket);
		if (!error && READ_ONCE(unix_socket->state) != UNIX_CONNECTED)
			error = -ENOTCONN;
		if (error)
			return error;
		*address = NULL;
	}
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (*address != NULL && (*address)->length == 0)
		*address = NULL;
	if (*address != NULL)
		error = unix_check_address(*address);
	else if (READ_ONCE(unix_socket->peer) == NULL)
		error = -ENOTCONN;
	if (!error)
		error = unix_autobind_if_asked(unix_socket);
	if (!error && length > READ_ONCE(socket->send_buffer) - HEAD_ROOM)
		error = -EMSGSIZE;
	return error;
}

ssize_t unix_packet_send(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct unix_socket *unix_socket = unix_of(socket);
	const struct socket_address *address = message->address;
	nsec_t deadline = socket_deadline(socket->send_timeout, flags);
	size_t length = message->cursor->remaining;
	struct unix_outgoing outgoing;
	ssize_t result = unix_outgoing_read(message, &outgoing);

	if (result)
		return result;
	result = check_send(unix_socket, &address, length, flags);
	if (result)
		goto out;
	struct unix_message *new =
		unix_message_create(unix_socket, message->cursor, length, deadline);
	if (IS_ERR(new)) {
		result = PTR_ERR(new);
		goto out;
	}
	result = send_message(unix_socket, new, &outgoing, address, deadline);
	if (result)
		unix_message_free(new);
	else
		result = (ssize_t)length;
out:
	unix_outgoing_drop(&outgoing);
	return result;
}

/* --- Receiving --- */

/* The message to be read, and in *offset where to begin: behind what was peeked at.  read_lock
 * held. */
static struct unix_message *choose(struct unix_socket *unix_socket, u32 flags, size_t *offset)
{
	struct unix_message *at, *found = NULL;
	s32 peek_offset = READ_ONCE(unix_socket->socket.peek_offset);
	size_t skip = flags & MSG_PEEK && peek_offset > 0 ? (size_t)peek_offset : 0;

	spin_lock(&unix_socket->lock);
	list_for_each_entry (at, &unix_socket->queue, link) {
		if (skip == 0 || skip < at->length) {
			found = at;
			break;
		}
		skip -= at->length;
	}
	if (found != NULL && !(flags & MSG_PEEK)) {
		list_remove(&found->link);
		WRITE_ONCE(unix_socket->queued, unix_socket->queued - 1);
	}
	spin_unlock(&unix_socket->lock);
	*offset = skip;
	return found;
}

static bool has_message(struct unix_socket *unix_socket, u32 flags)
{
	size_t offset;

	return flags & MSG_PEEK ? choose(unix_socket, flags, &offset) != NULL
				: READ_ONCE(unix_socket->queued) != 0;
}

static bool must_look(struct unix_socket *unix_socket, u32 flags)
{
	return READ_ONCE(unix_socket->socket.error) != 0 ||
	       READ_ONCE(unix_socket->shutdown) & SHUT_RECEIVE || has_message(unix_socket, flags);
}

/* There is no message: 0 to look again, 1 at the end, or an error.  read_lock is dropped to wait.
 */
static int wait_for_message(struct unix_socket *unix_socket, u32 flags, nsec_t deadline)
{
	bool shut = READ_ONCE(unix_socket->shutdown) & SHUT_RECEIVE;

	if (deadline == 0)
		return shut && unix_socket->socket.type == SOCK_SEQPACKET ? 1 : -EAGAIN;
	if (shut) /* what came before was perhaps queued after we looked */
		return has_message(unix_socket, flags) ? 0 : 1;
	mutex_unlock(&unix_socket->read_lock);
	int error = wait_event_timeout(&unix_socket->read_wait, must_look(unix_socket, flags),
				       deadline, WAIT_INTERRUPTIBLE);
	mutex_lock(&unix_socket->read_lock);
	return error ? socket_wait_error(error, deadline) : 0;
}

/* Copies the message out.  What recvmsg returns. */
static ssize_t read_message(struct unix_socket *unix_socket, struct socket_message *to,
			    struct unix_message *from, size_t offset, u32 flags)
{
	struct unix_incoming incoming = {0};
	struct socket *socket = &unix_socket->socket;
	size_t length = from->length - offset, count = MIN(length, to->cursor->remaining);

	if (count < length)
		to->flags |= MSG_TRUNC;
	if (to->address != NULL && unix_name_of(from->sender) != NULL)
		unix_copy_name(from->sender, to->address);
	if (unix_message_copy(from, offset, to->cursor, count) != (ssize_t)count)
		return -EFAULT;
	unix_incoming_take(&incoming, from, flags & MSG_PEEK);
	if (READ_ONCE(socket->peek_offset) >= 0) {
		s32 moved = flags & MSG_PEEK ? (s32)count : -(s32)from->length;

		WRITE_ONCE(socket->peek_offset, MAX(socket->peek_offset + moved, 0));
	}
	unix_incoming_deliver(unix_socket, to, &incoming, flags);
	return (ssize_t)(flags & MSG_TRUNC ? length : count);
}

ssize_t unix_packet_receive(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct unix_socket *unix_socket = unix_of(socket);
	struct unix_message *from = NULL;
	size_t offset = 0;
	ssize_t result = 0;

	if (socket->type == SOCK_SEQPACKET && READ_ONCE(unix_socket->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	nsec_t deadline = socket_deadline(socket->receive_timeout, flags);
	mutex_lock(&unix_socket->read_lock);
	while (result == 0) {
		result = socket_take_error(socket);
		if (result == 0)
			from = choose(unix_socket, flags, &offset);
		if (from != NULL)
			break;
		if (result == 0)
			result = wait_for_message(unix_socket, flags, deadline);
	}
	if (from != NULL && flags & MSG_PEEK)
		result = read_message(unix_socket, message, from, offset, flags);
	/* Only readers take messages off, so the queue passes the limit under read_lock. */
	bool has_room_again = READ_ONCE(unix_socket->queued) == UNIX_QUEUE_LIMIT;
	mutex_unlock(&unix_socket->read_lock);
	if (from == NULL)
		return MIN(result, (ssize_t)0);
	if (flags & MSG_PEEK)
		return result;
	if (has_room_again)
		unix_packet_wake_senders(unix_socket);
	result = read_message(unix_socket, message, from, 0, flags);
	unix_message_free(from);
	return result;
}
