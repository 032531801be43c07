/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending through TCP sockets.
 *
 * A program's bytes are copied into a buffer (or, if they are few, into a packet's own memory)
 * before the stack's lock is taken, and then only change hands.  Packets are sent at the end of a
 * write, or when a good deal has been queued, so that segments are long.
 */
#include <lwip/priv/tcp_priv.h>

#include "lib/errno.h"
#include "net/inet/buffer.h"
#include "net/inet/lwip/tcp_write.h"
#include "net/inet/stack.h"
#include "net/inet/tcp_internal.h"

/* As long as no program says otherwise. */
#define SEND_LIMIT ((u32)(1024 * KIB))
/* Up to here bytes lie in the packet itself. */
#define FEW_BYTES 1024
/* Pieces that may wait to be acknowledged, however short. */
#define PIECES_LIMIT 8192
/* So much is queued before it is sent though more follows. */
#define PUSH_BYTES ((u32)(128 * KIB))

u32 tcp_send_limit(const struct tcp_socket *tcp)
{
	u32 buffer = READ_ONCE(tcp->inet.socket.send_buffer);

	return buffer == TCP_SEND_DEFAULT ? SEND_LIMIT : buffer;
}

/* As Linux: writers are told when a third of the room is free. */
bool tcp_is_writable(const struct tcp_socket *tcp)
{
	u32 queued = READ_ONCE(tcp->queued), limit = tcp_send_limit(tcp);

	return queued < limit && limit - queued >= queued / 2;
}

void tcp_push(struct tcp_socket *tcp, bool more)
{
	const struct tcp_seg *unsent = tcp->pcb->unsent;

	/* Held back: a single segment that is not full. */
	if ((more || tcp->cork) && unsent != NULL && unsent->next == NULL &&
	    unsent->len < tcp->pcb->mss)
		return;
	tcp_output(tcp->pcb);
}

struct sending {
	struct tcp_socket *tcp;
	struct io_cursor *cursor;
	u32 flags;
	u32 unpushed; /* bytes queued since the last push */
	size_t sent;
};

/* 0 when the socket may be sent to now; the lock held. */
static int check(const struct tcp_socket *tcp)
{
	if (tcp->state != TCP_CONNECTED || tcp->shutdown & TCP_NO_SEND)
		return -EPIPE;
	return 0;
}

/* Sends what was queued.  The lock held. */
static void push(struct sending *sending, bool more)
{
	sending->unpushed = 0;
	tcp_push(sending->tcp, more);
}

/* Bytes were queued: counts them, and sends if this was the last of the write, or enough. */
static void queued(struct sending *sending, u32 count, bool last)
{
	struct tcp_socket *tcp = sending->tcp;

	WRITE_ONCE(tcp->queued, tcp->queued + count);
	sending->sent += count;
	sending->unpushed += count;
	if (last || sending->unpushed >= PUSH_BYTES)
		push(sending, last && sending->flags & MSG_MORE);
}

static int send_few(struct sending *sending, u16 count)
{
	struct tcp_socket *tcp = sending->tcp;
	struct pbuf *pbuf = pbuf_alloc(PBUF_TRANSPORT, count, PBUF_RAM);
	bool last = count == sending->cursor->remaining;

	if (pbuf == NULL)
		return -ENOMEM;
	if (io_copy_from(sending->cursor, pbuf->payload, count) != count) {
		pbuf_free(pbuf);
		return -EFAULT;
	}
	stack_lock();
	int error = check(tcp);
	if (error)
		pbuf_free(pbuf);
	else if (tcp_queue_pbuf(tcp->pcb, pbuf) == count)
		queued(sending, count, last);
	else
		error = -ENOMEM;
	stack_unlock();
	return error;
}

static int send_many(struct sending *sending, u32 count)
{
	struct tcp_socket *tcp = sending->tcp;
	struct buffer *buffer = buffer_create(count);
	int error;

	if (buffer == NULL)
		return -ENOMEM;
	ssize_t copied = io_copy_from(sending->cursor, buffer->bytes, buffer->size);
	if (copied <= 0) {
		buffer_put(buffer);
		return -EFAULT;
	}
	bool last = sending->cursor->remaining == 0;
	stack_lock();
	error = check(tcp);
	if (!error) {
		u32 done = tcp_queue_buffer(tcp->pcb, buffer, 0, (u32)copied);

		queued(sending, done, last || done < (u32)copied);
		if (done < (u32)copied)
			error = -ENOMEM;
	}
	stack_unlock();
	buffer_put(buffer);
	return error;
}

/* How many bytes may be queued now. */
static u32 room(const struct tcp_socket *tcp)
{
	u32 queued = READ_ONCE(tcp->queued), limit = tcp_send_limit(tcp);
	const struct tcp_pcb *pcb = READ_ONCE(tcp->pcb);

	if (queued > PIECES_LIMIT && pcb != NULL) {
		bool full;

		stack_lock();
		full = tcp->pcb != NULL && tcp->pcb->snd_queuelen > PIECES_LIMIT;
		stack_unlock();
		if (full)
			return 0;
	}
	return queued < limit ? limit - queued : 0;
}

static bool must_look(const struct tcp_socket *tcp)
{
	return READ_ONCE(tcp->state) != TCP_CONNECTED || READ_ONCE(tcp->shutdown) & TCP_NO_SEND ||
	       tcp_is_writable(tcp);
}

/* There is no room: 0 when it is worth another look.  write_lock is dropped to wait. */
static int wait_for_room(struct sending *sending, nsec_t deadline)
{
	struct tcp_socket *tcp = sending->tcp;

	if (sending->unpushed > 0) {
		stack_lock();
		if (check(tcp) == 0)
			push(sending, false);
		stack_unlock();
		if (room(tcp) > 0)
			return 0;
	}
	if (deadline == 0)
		return -EAGAIN;
	mutex_unlock(&tcp->write_lock);
	int error =
		wait_event_timeout(&tcp->write_wait, must_look(tcp), deadline, WAIT_INTERRUPTIBLE);
	mutex_lock(&tcp->write_lock);
	return error ? socket_wait_error(error, deadline) : 0;
}

static int send_all(struct sending *sending)
{
	struct tcp_socket *tcp = sending->tcp;
	nsec_t deadline = socket_deadline(tcp->inet.socket.send_timeout, sending->flags);

	while (sending->cursor->remaining > 0) {
		u32 fits = room(tcp);
		int error = 0;

		if (READ_ONCE(tcp->state) != TCP_CONNECTED ||
		    READ_ONCE(tcp->shutdown) & TCP_NO_SEND)
			error = -EPIPE;
		else if (fits == 0)
			error = wait_for_room(sending, deadline);
		else if (MIN(sending->cursor->remaining, (size_t)fits) <= FEW_BYTES)
			error = send_few(sending,
					 (u16)MIN(sending->cursor->remaining, (size_t)fits));
		else
			error = send_many(sending,
					  (u32)MIN(sending->cursor->remaining, (size_t)fits));
		if (error)
			return error;
	}
	return 0;
}

/* What a write of nothing so far says of an error: the socket's own comes first. */
static ssize_t fail(struct tcp_socket *tcp, int error, u32 flags)
{
	if (error != -EPIPE)
		return error;
	error = socket_take_error(&tcp->inet.socket);
	if (error && error != -EPIPE)
		return error;
	return socket_broken_pipe(flags);
}

ssize_t tcp_socket_send(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct tcp_socket *tcp = tcp_of(socket);
	struct sending sending = {.tcp = tcp, .cursor = message->cursor, .flags = flags};
	int error;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (READ_ONCE(tcp->state) == TCP_CONNECTING) {
		error = tcp_wait_connected(tcp, flags);
		if (error)
			return error;
	}
	if (READ_ONCE(tcp->state) != TCP_CONNECTED || READ_ONCE(tcp->shutdown) & TCP_NO_SEND ||
	    READ_ONCE(socket->error) != 0)
		return fail(tcp, -EPIPE, flags);
	mutex_lock(&tcp->write_lock);
	error = send_all(&sending);
	if (sending.unpushed > 0) {
		stack_lock();
		if (check(tcp) == 0)
			push(&sending, false);
		stack_unlock();
	}
	mutex_unlock(&tcp->write_lock);
	if (sending.sent > 0)
		return (ssize_t)sending.sent;
	return error ? fail(tcp, error, flags) : 0;
}
