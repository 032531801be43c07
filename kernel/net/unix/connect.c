/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections of streams and sequenced packets.
 *
 * connect makes the server's end at once, ties the two together and puts the new end on the
 * listener's list: the client may send before anybody has accepted.  accept only takes the end from
 * the list.  So no state is ever "connecting".  When the list is full, connect waits on the
 * listener's room_wait.
 */
#include "net/unix/unix_internal.h"

#include "proc/credentials.h"
#include "proc/process.h"
#include "proc/task.h"

int unix_listen(struct socket *socket, u32 backlog)
{
	struct unix_socket *unix_socket = unix_of(socket);
	int error = -EINVAL;

	if (unix_name_of(unix_socket) == NULL)
		return -EINVAL;
	spin_lock(&unix_socket->lock);
	if (unix_socket->state != UNIX_CONNECTED) {
		WRITE_ONCE(unix_socket->backlog, MIN(backlog, (u32)SOMAXCONN));
		WRITE_ONCE(unix_socket->state, UNIX_LISTENING);
		error = 0;
	}
	spin_unlock(&unix_socket->lock);
	if (error)
		return error;
	unix_set_peer_current(unix_socket);
	wake_up_events(&unix_socket->room_wait, UINT_MAX, 0);
	return 0;
}

/* Makes `one` know its peer.  Its lock held, or nobody else has it yet. */
static void tie(struct unix_socket *one, struct unix_socket *peer)
{
	__atomic_store_n(&one->peer, unix_get(peer), __ATOMIC_RELEASE);
	WRITE_ONCE(one->state, UNIX_CONNECTED);
}

int unix_pair(struct socket *one, struct socket *other)
{
	tie(unix_of(one), unix_of(other));
	tie(unix_of(other), unix_of(one));
	unix_set_peer_current(unix_of(one));
	unix_set_peer_current(unix_of(other));
	return 0;
}

static bool is_full(const struct unix_socket *listener)
{
	return READ_ONCE(listener->pending_count) > READ_ONCE(listener->backlog);
}

static bool listens(const struct unix_socket *listener)
{
	return READ_ONCE(listener->state) == UNIX_LISTENING &&
	       !(READ_ONCE(listener->shutdown) & SHUT_RECEIVE);
}

/*
 * Ties client and `end` together, if the listener takes it.  0; -ECONNREFUSED, -EISCONN, -EINVAL;
 * -EAGAIN when its list is full; -ESTALE when it was just closed, and its name may be somebody
 * else's by now.
 */
static int try_connect(struct unix_socket *client, struct unix_socket *listener,
		       struct unix_socket *end)
{
	int error = 0;

	unix_lock_pair(client, listener);
	if (listener->dead)
		error = -ESTALE;
	else if (!listens(listener))
		error = -ECONNREFUSED;
	else if (is_full(listener))
		error = -EAGAIN;
	else if (client->state != UNIX_CLOSED)
		error = client->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
	if (error == 0) {
		end->name = listener->name;
		unix_name_get(end->name);
		tie(end, client);
		tie(client, end);
		list_add_tail(&end->pending_link, &listener->pending);
		WRITE_ONCE(listener->pending_count, listener->pending_count + 1);
	}
	unix_unlock_pair(client, listener);
	return error;
}

static int wait_for_room(struct unix_socket *listener, nsec_t deadline)
{
	if (deadline == 0)
		return -EAGAIN;
	int error =
		wait_event_timeout(&listener->room_wait, !is_full(listener) || !listens(listener),
				   deadline, WAIT_INTERRUPTIBLE);
	return error ? socket_wait_error(error, deadline) : 0;
}

/* What SO_PEERCRED of the client tells: who called listen. */
static void copy_peer(struct unix_socket *client, struct unix_socket *listener)
{
	spin_lock(&listener->lock);
	pid_t pid = listener->peer_pid;
	const struct credentials *credentials =
		listener->peer_credentials != NULL ? credentials_get(listener->peer_credentials)
						   : NULL;
	spin_unlock(&listener->lock);
	unix_set_peer_process(client, pid, credentials);
	if (credentials != NULL)
		credentials_put(credentials);
}

static int connect_end(struct unix_socket *client, struct unix_socket *end,
		       const struct socket_address *address, nsec_t deadline)
{
	struct unix_socket *listener;
	int error;

	do {
		error = unix_find(address, client->socket.type, &listener);
		if (error)
			return error;
		error = try_connect(client, listener, end);
		if (error == -EAGAIN) {
			error = wait_for_room(listener, deadline);
			error = error ? error : -ESTALE;
		}
		if (error == 0) {
			copy_peer(client, listener);
			wake_up_events(&listener->read_wait, 1, READABLE);
			wake_up_events(&client->write_wait, UINT_MAX, WRITABLE);
		}
		unix_put(listener);
	} while (error == -ESTALE);
	return error;
}

int unix_stream_connect(struct socket *socket, const struct socket_address *address, u32 flags)
{
	struct unix_socket *client = unix_of(socket);
	int error = unix_check_address(address);

	if (!error)
		error = unix_autobind_if_asked(client);
	if (error)
		return error;
	struct unix_socket *end = unix_create(socket->type, 0);
	if (IS_ERR(end))
		return (int)PTR_ERR(end);
	unix_set_peer_current(end);
	error = connect_end(client, end, address, socket_deadline(socket->send_timeout, flags));
	if (error)
		unix_release(end, false);
	return error;
}

static struct unix_socket *take_pending(struct unix_socket *listener)
{
	struct unix_socket *taken;

	spin_lock(&listener->lock);
	taken = list_first_entry_or_null(&listener->pending, struct unix_socket, pending_link);
	if (taken != NULL) {
		list_remove(&taken->pending_link);
		WRITE_ONCE(listener->pending_count, listener->pending_count - 1);
	}
	spin_unlock(&listener->lock);
	return taken;
}

int unix_accept(struct socket *socket, u32 flags, struct socket **result)
{
	struct unix_socket *listener = unix_of(socket), *taken;
	nsec_t deadline = socket_deadline(socket->receive_timeout, flags);
	int error;

	if (READ_ONCE(listener->state) != UNIX_LISTENING)
		return -EINVAL;
	while ((taken = take_pending(listener)) == NULL) {
		if (deadline == 0)
			return -EAGAIN;
		if (READ_ONCE(listener->shutdown) & SHUT_RECEIVE)
			return -EINVAL;
		error = wait_event_timeout(&listener->read_wait,
					   READ_ONCE(listener->pending_count) != 0 ||
						   READ_ONCE(listener->shutdown) & SHUT_RECEIVE,
					   deadline, WAIT_INTERRUPTIBLE);
		if (error)
			return socket_wait_error(error, deadline);
	}
	wake_up_events(&listener->room_wait, UINT_MAX, 0);
	__atomic_or_fetch(&taken->socket.options,
			  READ_ONCE(socket->options) & (BIT(SO_PASSCRED) | BIT(SO_PASSSEC)),
			  __ATOMIC_RELAXED);
	*result = &taken->socket;
	return 0;
}
