/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving through TCP sockets.
 *
 * Pieces are appended by whoever has the stack's lock and are read without it.  Short ones are
 * collected in larger blocks, so that a stream of single bytes does not take a block for each.  The
 * window is opened again when a quarter of it has been read, so most reads take no lock but the
 * socket's own.
 */
#include <lwip/priv/tcp_priv.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "net/inet/stack.h"
#include "net/inet/tcp_internal.h"

/* Pieces up to here are collected, in blocks of so many bytes. */
#define SHORT_PIECE   512
#define COLLECT_BYTES 1920

/* Buffers may be set smaller than a window can be announced at first: it is that at least. */
#define LEAST_WINDOW ((u32)65535)

u32 tcp_receive_window(const struct tcp_socket *tcp)
{
	u32 buffer = READ_ONCE(tcp->inet.socket.receive_buffer);

	if (buffer == TCP_RECEIVE_DEFAULT)
		return TCP_WND;
	return CLAMP(buffer, LEAST_WINDOW, (u32)TCP_WND);
}

/* --- Arriving --- */

static void append(struct tcp_socket *tcp, struct pbuf *piece, u32 collect_room)
{
	piece->next = NULL;
	if (tcp->first == NULL)
		__atomic_store_n(&tcp->first, piece, __ATOMIC_RELEASE);
	else
		tcp->last->next = piece;
	tcp->last = piece;
	tcp->collect_room = collect_room;
}

static void free_piece(struct pbuf *piece)
{
	piece->next = NULL;
	piece->tot_len = piece->len;
	pbuf_free(piece);
}

/* Copies a short piece behind the last one; false: there is no room, nor memory for a block. */
static bool collect(struct tcp_socket *tcp, const struct pbuf *piece)
{
	if (tcp->collect_room < piece->len) {
		struct pbuf *block = pbuf_alloc(PBUF_RAW, COLLECT_BYTES, PBUF_RAM);

		if (block == NULL)
			return false;
		block->len = 0;
		append(tcp, block, COLLECT_BYTES);
	}
	memcpy((u8 *)tcp->last->payload + tcp->last->len, piece->payload, piece->len);
	tcp->last->len += piece->len;
	tcp->collect_room -= piece->len;
	return true;
}

void tcp_queue_received(struct tcp_socket *tcp, struct pbuf *data)
{
	struct pbuf *next, *unused = NULL;

	spin_lock(&tcp->lock);
	for (; data != NULL; data = next) {
		bool keep = data->len > SHORT_PIECE || tcp->first == NULL;

		next = data->next;
		WRITE_ONCE(tcp->received, tcp->received + data->len);
		if (data->len > 0 && (keep || !collect(tcp, data))) {
			append(tcp, data, 0);
		} else {
			data->next = unused;
			unused = data;
		}
	}
	spin_unlock(&tcp->lock);
	for (; unused != NULL; unused = next) {
		next = unused->next;
		free_piece(unused);
	}
	mb(); /* a reader puts itself on the queue before it looks at the list */
	if (wait_queue_active(&tcp->read_wait))
		wake_up_events(&tcp->read_wait, 1, READABLE);
}

void tcp_free_received(struct tcp_socket *tcp)
{
	struct pbuf *next;

	for (; tcp->first != NULL; tcp->first = next) {
		next = tcp->first->next;
		free_piece(tcp->first);
	}
	tcp->last = NULL;
	tcp->received = tcp->collect_room = 0;
}

/* --- Reading --- */

struct reading {
	struct tcp_socket *tcp;
	struct socket_message *message;
	u32 flags;
	nsec_t deadline;
	size_t copied;
	size_t target;   /* bytes without which we wait for more */
	size_t position; /* peeking: bytes of the list that are behind us */
	bool ended;
};

/* What was read makes room in the window; the peer is told.  read_lock held. */
static void open_window(struct tcp_socket *tcp)
{
	stack_lock();
	struct tcp_pcb *pcb = tcp->pcb;
	if (pcb != NULL && tcp->state == TCP_CONNECTED) {
		pcb->rcv_wnd = MIN(pcb->rcv_wnd + tcp->taken, TCP_WND_MAX(pcb));
		pcb->rcv_ann_wnd = pcb->rcv_wnd;
		tcp_ack_now(pcb);
		tcp_output(pcb);
	}
	tcp->taken = 0;
	stack_unlock();
}

/* The first bytes of the first piece have been read. */
static void consume(struct tcp_socket *tcp, u32 count)
{
	struct pbuf *piece = tcp->first, *done = NULL;

	spin_lock(&tcp->lock);
	piece->payload = (u8 *)piece->payload + count;
	piece->len -= (u16)count;
	WRITE_ONCE(tcp->received, tcp->received - count);
	if (piece->len == 0) {
		done = piece;
		tcp->first = piece->next;
		if (tcp->first == NULL)
			tcp->collect_room = 0;
	}
	spin_unlock(&tcp->lock);
	if (done != NULL)
		free_piece(done);
	tcp->taken += count;
	if (tcp->taken >= tcp->window / 4)
		open_window(tcp);
}

/* The piece in which the next byte is, and in *offset where in it; NULL: there is none. */
static struct pbuf *piece_at(struct reading *reading, u32 *offset)
{
	struct tcp_socket *tcp = reading->tcp;
	struct pbuf *piece = __atomic_load_n(&tcp->first, __ATOMIC_ACQUIRE);
	size_t skip = reading->position;

	*offset = 0;
	if (likely(!(reading->flags & MSG_PEEK)))
		return piece;
	spin_lock(&tcp->lock);
	for (piece = tcp->first; piece != NULL && skip >= piece->len; piece = piece->next)
		skip -= piece->len;
	spin_unlock(&tcp->lock);
	*offset = (u32)skip;
	return piece;
}

/* Reads what it can of one piece: 0 or -EFAULT. */
static int read_piece(struct reading *reading, struct pbuf *piece, u32 offset)
{
	struct io_cursor *cursor = reading->message->cursor;
	u32 count = (u32)MIN((size_t)(READ_ONCE(piece->len) - offset), cursor->remaining);

	if (reading->flags & MSG_TRUNC)
		io_cursor_advance(cursor, count);
	else if (io_copy_to(cursor, (u8 *)piece->payload + offset, count) != (ssize_t)count)
		return -EFAULT;
	reading->copied += count;
	if (reading->flags & MSG_PEEK)
		reading->position += count;
	else
		consume(reading->tcp, count);
	return 0;
}

static bool has_more(const struct reading *reading)
{
	return READ_ONCE(reading->tcp->received) > reading->position;
}

static bool must_look(const struct reading *reading)
{
	const struct tcp_socket *tcp = reading->tcp;

	return has_more(reading) || READ_ONCE(tcp->inet.socket.error) != 0 ||
	       READ_ONCE(tcp->shutdown) & TCP_NO_RECEIVE || READ_ONCE(tcp->state) == TCP_IDLE;
}

/* There is nothing to read: 0 when it is worth another look, or what ends the read; at the end of
 * the stream 0 with reading->ended.  read_lock is dropped to wait. */
static int wait_for_more(struct reading *reading)
{
	struct tcp_socket *tcp = reading->tcp;
	bool shut = READ_ONCE(tcp->shutdown) & TCP_NO_RECEIVE;
	bool idle = READ_ONCE(tcp->state) == TCP_IDLE;
	bool ended = READ_ONCE(tcp->ended);
	bool failed = READ_ONCE(tcp->inet.socket.error) != 0;

	if (shut || idle || failed) {
		/* What came before that was perhaps queued after we looked. */
		if (has_more(reading))
			return 0;
		reading->ended = true;
		if (failed && !ended && reading->copied == 0)
			return socket_take_error(&tcp->inet.socket);
		return shut || ended ? 0 : -ENOTCONN;
	}
	if (reading->deadline == 0)
		return -EAGAIN;
	mutex_unlock(&tcp->read_lock);
	int error = wait_event_timeout(&tcp->read_wait, must_look(reading), reading->deadline,
				       WAIT_INTERRUPTIBLE);
	mutex_lock(&tcp->read_lock);
	return error ? socket_wait_error(error, reading->deadline) : 0;
}

static int read_pieces(struct reading *reading)
{
	struct pbuf *piece;
	u32 offset;
	int error = 0;

	while (!error && !reading->ended && reading->message->cursor->remaining > 0) {
		piece = piece_at(reading, &offset);
		if (piece != NULL)
			error = read_piece(reading, piece, offset);
		else if (reading->copied >= reading->target)
			break;
		else
			error = wait_for_more(reading);
	}
	return error;
}

ssize_t tcp_socket_receive(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct tcp_socket *tcp = tcp_of(socket);
	size_t size = message->cursor->remaining;
	struct reading reading = {.tcp = tcp, .message = message, .flags = flags};

	if (flags & MSG_OOB)
		return -EINVAL;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (READ_ONCE(tcp->state) == TCP_LISTENING)
		return -ENOTCONN;
	reading.deadline = socket_deadline(socket->receive_timeout, flags);
	reading.target = flags & MSG_WAITALL
				 ? size
				 : MIN(size, (size_t)READ_ONCE(socket->receive_low_water));
	reading.target = MAX(reading.target, (size_t)1);
	mutex_lock(&tcp->read_lock);
	if (flags & MSG_PEEK)
		reading.position = (size_t)MAX(READ_ONCE(socket->peek_offset), 0);
	int error = read_pieces(&reading);
	mutex_unlock(&tcp->read_lock);
	return reading.copied > 0 ? (ssize_t)reading.copied : error;
}
