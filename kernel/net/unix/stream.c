/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams: bytes in order, in messages that the receiver does not see.
 *
 * A message's data is not glued to that of another writer when the receiver asked for credentials,
 * and a read ends behind a message that brought descriptors, so that both belong to the bytes that
 * they came with.  An urgent byte is a message of its own, which the newest of them is marked as: a read
 * ends before it, and the next one leaves it out, unless it is to be in line.  Peeking goes on from one message to the next by position, counted from the head
 * of the queue.
 */
#include "net/unix/unix_internal.h"

#include "fs/async.h"
#include "lib/string.h"

#define PIECE_MAX ((size_t)32 * KIB)

/* --- Sending --- */

/* Queues one piece; or frees it and says no, when nobody will read it. */
static bool queue_piece(struct unix_socket *peer, struct unix_message *message, bool urgent)
{
	struct file *told = NULL;

	spin_lock(&peer->lock);
	bool open = !peer->dead && !(peer->shutdown & SHUT_RECEIVE);
	if (likely(open)) {
		list_add_tail(&message->link, &peer->queue);
		WRITE_ONCE(peer->queued, peer->queued + 1);
		if (unlikely(urgent)) {
			WRITE_ONCE(peer->urgent, message);
			/* The file's release takes the lock before the file goes. */
			if (peer->socket.file != NULL &&
			    reference_try_get(&peer->socket.file->refs))
				told = peer->socket.file;
		}
	}
	spin_unlock(&peer->lock);
	if (unlikely(!open)) {
		unix_message_free(message);
		return false;
	}
	mb(); /* a reader puts itself on the queue before it looks at the messages */
	if (wait_queue_active(&peer->read_wait))
		wake_up_events(&peer->read_wait, urgent ? UINT_MAX : 1,
			       urgent ? READABLE | POLLPRI : READABLE);
	if (told != NULL) {
		async_urgent(told);
		file_put(told);
	}
	return true;
}

/* Bytes; -EPIPE, with the signal unless some bytes went before; other errors. */
static ssize_t send_pieces(struct unix_socket *unix_socket, struct unix_socket *peer,
			   struct socket_message *message, struct unix_outgoing *outgoing,
			   u32 flags)
{
	struct io_cursor *cursor = message->cursor;
	nsec_t deadline = socket_deadline(unix_socket->socket.send_timeout, flags);
	size_t limit = MIN(READ_ONCE(unix_socket->socket.send_buffer) / 2 - 64, PIECE_MAX);
	size_t sent = 0;
	int error = 0;
	bool broken = false;

	if (READ_ONCE(unix_socket->shutdown) & SHUT_SEND)
		return socket_broken_pipe(flags);
	while (cursor->remaining > 0) {
		/* The last byte of what is sent as urgent is that alone. */
		size_t tail = flags & MSG_OOB && cursor->remaining > 1 ? 1 : 0;
		size_t length = MIN(cursor->remaining - tail, limit);
		bool urgent = flags & MSG_OOB && cursor->remaining == 1;
		struct unix_message *piece =
			unix_message_create(unix_socket, cursor, length, deadline);

		if (IS_ERR(piece)) {
			error = (int)PTR_ERR(piece);
			break;
		}
		unix_message_attach(piece, outgoing, peer);
		broken = !queue_piece(peer, piece, urgent);
		if (broken)
			break;
		sent += length;
	}
	if (sent > 0)
		return (ssize_t)sent;
	return broken ? socket_broken_pipe(flags) : error;
}

ssize_t unix_stream_send(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct unix_socket *unix_socket = unix_of(socket);
	struct unix_socket *peer = unix_stream_peer(unix_socket);
	struct unix_outgoing outgoing;
	ssize_t result = unix_outgoing_read(message, &outgoing);

	if (result)
		return result;
	if (flags & MSG_OOB && message->cursor->remaining == 0)
		result = -EOPNOTSUPP;
	else if (message->address != NULL && message->address->length > 0)
		result = READ_ONCE(unix_socket->state) == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	else if (peer == NULL)
		result = -ENOTCONN;
	else
		result = send_pieces(unix_socket, peer, message, &outgoing, flags);
	unix_outgoing_drop(&outgoing);
	return result;
}

/* --- Receiving --- */

struct reading {
	struct unix_socket *unix_socket;
	struct socket_message *message;
	struct unix_incoming incoming;
	u32 flags;
	nsec_t deadline;
	size_t copied;
	size_t target;   /* bytes without which we wait for more */
	size_t position; /* peeking: bytes of the queue that are behind us */
	bool has_writer; /* `incoming` tells whose bytes were read */
	bool ended;
};

/* The message at reading->position, and in *offset where in it; NULL when there is none.  It stays
 * while read_lock is held. */
static struct unix_message *message_at(struct reading *reading, size_t *offset)
{
	struct unix_socket *unix_socket = reading->unix_socket;
	struct unix_message *at, *found = NULL;
	size_t skip = reading->position;

	spin_lock(&unix_socket->lock);
	list_for_each_entry (at, &unix_socket->queue, link) {
		size_t length = at->length - at->offset;

		if (skip < length) {
			found = at;
			*offset = at->offset + skip;
			break;
		}
		skip -= length;
	}
	spin_unlock(&unix_socket->lock);
	return found;
}

static bool has_more(struct reading *reading)
{
	size_t offset;

	return message_at(reading, &offset) != NULL;
}

static bool must_look(struct reading *reading)
{
	const struct unix_socket *unix_socket = reading->unix_socket;

	return READ_ONCE(unix_socket->socket.error) != 0 ||
	       READ_ONCE(unix_socket->shutdown) & SHUT_RECEIVE || has_more(reading);
}

/* There is nothing to read: 0 when it is worth another look, or the error that ends the read; at
 * the end of the stream, 0 with reading->ended.  read_lock is dropped to wait. */
static int wait_for_more(struct reading *reading)
{
	struct unix_socket *unix_socket = reading->unix_socket;
	bool shut = READ_ONCE(unix_socket->shutdown) & SHUT_RECEIVE;
	int error;

	if (shut || READ_ONCE(unix_socket->socket.error) != 0) {
		/* What came before the end or the error was perhaps queued after we looked. */
		if (has_more(reading))
			return 0;
		error = socket_take_error(&unix_socket->socket);
		reading->ended = shut;
		return error;
	}
	if (reading->deadline == 0)
		return -EAGAIN;
	mutex_unlock(&unix_socket->read_lock);
	error = wait_event_timeout(&unix_socket->read_wait, must_look(reading), reading->deadline,
				   WAIT_INTERRUPTIBLE);
	mutex_lock(&unix_socket->read_lock);
	return error ? socket_wait_error(error, reading->deadline) : 0;
}

/* May this message's bytes stand beside those that were read before? */
static bool same_writer(struct reading *reading, const struct unix_message *message)
{
	const struct linux_ucred *before = &reading->incoming.credentials;
	const struct linux_ucred *now = &message->credentials;

	if (!reading->has_writer || !socket_has_option(&reading->unix_socket->socket, SO_PASSCRED))
		return true;
	if (!message->has_credentials)
		return before->pid == 0;
	return before->pid == now->pid && before->uid == now->uid && before->gid == now->gid;
}

/* The first bytes of `count` are read: they leave the queue.  True when the read may go on. */
static bool consume(struct reading *reading, struct unix_message *message, size_t count)
{
	struct unix_socket *unix_socket = reading->unix_socket;

	spin_lock(&unix_socket->lock);
	message->offset += (u32)count;
	if (unlikely(unix_socket->urgent == message))
		WRITE_ONCE(unix_socket->urgent, NULL);
	bool empty = message->offset == message->length;
	if (empty) {
		list_remove(&message->link);
		WRITE_ONCE(unix_socket->queued, unix_socket->queued - 1);
	}
	spin_unlock(&unix_socket->lock);
	if (unlikely(READ_ONCE(unix_socket->socket.peek_offset) >= 0))
		WRITE_ONCE(unix_socket->socket.peek_offset,
			   MAX(unix_socket->socket.peek_offset - (s32)count, 0));
	if (empty)
		unix_message_free(message);
	return reading->incoming.rights == NULL;
}

static bool peek_on(struct reading *reading, size_t count)
{
	struct socket *socket = &reading->unix_socket->socket;

	reading->position += count;
	if (READ_ONCE(socket->peek_offset) >= 0)
		WRITE_ONCE(socket->peek_offset, socket->peek_offset + (s32)count);
	return reading->incoming.rights == NULL;
}

/* Reads what it can of one message.  1: go on; 0: that is all; negative: an error. */
static int read_piece(struct reading *reading, struct unix_message *message, size_t offset)
{
	struct socket_message *to = reading->message;
	bool peek = reading->flags & MSG_PEEK;

	if (!same_writer(reading, message))
		return 0;
	if (!reading->has_writer && to->address != NULL && unix_name_of(message->sender) != NULL)
		unix_copy_name(message->sender, to->address);
	size_t count = MIN(message->length - offset, to->cursor->remaining);
	if (unix_message_copy(message, offset, to->cursor, count) != (ssize_t)count)
		return -EFAULT;
	reading->copied += count;
	if (!reading->has_writer || message->rights != NULL)
		unix_incoming_take(&reading->incoming, message, peek);
	reading->has_writer = true;
	return peek ? peek_on(reading, count) : consume(reading, message, count);
}

/*
 * At an urgent byte: false when it is to be read like others.  Else the read ends before it, or goes on
 * behind it; *go_on.
 */
static bool stop_at_urgent(struct reading *reading, struct unix_message *message, int *go_on)
{
	struct unix_socket *unix_socket = reading->unix_socket;

	*go_on = reading->copied == 0;
	if (reading->copied > 0)
		return true;
	if (socket_has_option(&unix_socket->socket, SO_OOBINLINE))
		return false;
	if (reading->flags & MSG_PEEK)
		reading->position++;
	else
		(void)consume(reading, message, message->length - message->offset);
	return true;
}

static int read_messages(struct reading *reading)
{
	struct unix_message *message;
	size_t offset = 0;
	int go_on = 1;

	while (go_on > 0) {
		message = message_at(reading, &offset);
		if (message != NULL) {
			if (unlikely(READ_ONCE(reading->unix_socket->urgent) == message) &&
			    stop_at_urgent(reading, message, &go_on))
				continue;
			go_on = read_piece(reading, message, offset);
			if (reading->message->cursor->remaining == 0)
				break;
		} else {
			if (reading->copied >= reading->target)
				break;
			int error = wait_for_more(reading);
			if (error || reading->ended)
				return error;
		}
	}
	return MIN(go_on, 0);
}

/* recv(2) with MSG_OOB: the urgent byte, wherever in the queue it is. */
static ssize_t receive_urgent(struct unix_socket *unix_socket, struct socket_message *message,
			      u32 flags)
{
	ssize_t result = -EINVAL;

	mutex_lock(&unix_socket->read_lock);
	struct unix_message *urgent = READ_ONCE(unix_socket->urgent);
	if (urgent != NULL && !socket_has_option(&unix_socket->socket, SO_OOBINLINE)) {
		result = unix_message_copy(urgent, urgent->offset, message->cursor,
					   MIN(message->cursor->remaining, (size_t)1));
		message->flags |= MSG_OOB;
	}
	bool taken = result >= 0 && !(flags & MSG_PEEK);
	if (taken) {
		spin_lock(&unix_socket->lock);
		list_remove(&urgent->link);
		WRITE_ONCE(unix_socket->queued, unix_socket->queued - 1);
		/* Another one may have come. */
		if (unix_socket->urgent == urgent)
			WRITE_ONCE(unix_socket->urgent, NULL);
		spin_unlock(&unix_socket->lock);
		unix_message_free(urgent);
	}
	mutex_unlock(&unix_socket->read_lock);
	return result;
}

ssize_t unix_stream_receive(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct unix_socket *unix_socket = unix_of(socket);
	size_t size = message->cursor->remaining;
	struct reading reading = {
		.unix_socket = unix_socket,
		.message = message,
		.flags = flags,
		.target = MIN(size, (size_t)READ_ONCE(socket->receive_low_water)),
	};

	if (READ_ONCE(unix_socket->state) != UNIX_CONNECTED)
		return -EINVAL;
	if (flags & MSG_OOB)
		return receive_urgent(unix_socket, message, flags);
	reading.deadline = socket_deadline(socket->receive_timeout, flags);
	if (flags & MSG_WAITALL)
		reading.target = size;
	reading.target = MAX(reading.target, (size_t)1);
	if (flags & MSG_PEEK)
		reading.position = (size_t)MAX(READ_ONCE(socket->peek_offset), 0);
	mutex_lock(&unix_socket->read_lock);
	int error = read_messages(&reading);
	mutex_unlock(&unix_socket->read_lock);
	if (error == 0 || reading.copied > 0)
		unix_incoming_deliver(unix_socket, message, &reading.incoming, flags);
	return reading.copied > 0 ? (ssize_t)reading.copied : error;
}
