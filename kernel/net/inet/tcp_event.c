/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lwIP tells a TCP socket: connected, data, room, the end, an error.
 *
 * All of it runs under the stack's lock, often in a task that has nothing to do with the socket.  A
 * connection whose socket is gone has no callback_arg, and nothing is told.
 */
#include <lwip/priv/tcp_priv.h>

#include "lib/errno.h"
#include "net/inet/stack.h"
#include "net/inet/tcp_internal.h"

static err_t on_receive(void *argument, struct tcp_pcb *pcb __unused, struct pbuf *data,
			err_t error __unused)
{
	struct tcp_socket *tcp = argument;

	if (tcp == NULL) {
		if (data != NULL)
			pbuf_free(data);
		return ERR_OK;
	}
	if (data != NULL) {
		tcp_queue_received(tcp, data);
	} else {
		WRITE_ONCE(tcp->ended, true);
		WRITE_ONCE(tcp->shutdown, tcp->shutdown | TCP_NO_RECEIVE);
		/* Both ends have come: what follows happens without us. */
		if (tcp->shutdown == TCP_NEITHER) {
			tcp_detach(tcp);
			tcp_finish(tcp);
		} else {
			wake_up_events(&tcp->read_wait, UINT_MAX, READABLE | POLLRDHUP);
		}
	}
	if (unlikely(tcp->listener != NULL))
		tcp_stop_deferring(tcp);
	return ERR_OK;
}

static err_t on_sent(void *argument, struct tcp_pcb *pcb __unused, u16_t length)
{
	struct tcp_socket *tcp = argument;

	if (tcp == NULL)
		return ERR_OK;
	WRITE_ONCE(tcp->queued, tcp->queued - MIN(tcp->queued, (u32)length));
	tcp->progress = 0;
	if (wait_queue_active(&tcp->write_wait) && (tcp->queued == 0 || tcp_is_writable(tcp)))
		wake_up_events(&tcp->write_wait, UINT_MAX, WRITABLE);
	return ERR_OK;
}

/* Linux's errno for a connection that broke, 0 when it ended properly. */
static int errno_of(const struct tcp_socket *tcp, err_t error)
{
	if (error == ERR_CLSD)
		return 0;
	if (error != ERR_RST)
		return ETIMEDOUT;
	if (tcp->state == TCP_CONNECTING)
		return ECONNREFUSED;
	return tcp->ended ? EPIPE : ECONNRESET;
}

/* The connection has been freed. */
static void on_error(void *argument, err_t error)
{
	struct tcp_socket *tcp = argument;

	if (tcp == NULL)
		return;
	tcp->pcb = NULL;
	int number = errno_of(tcp, error);
	if (number != 0)
		WRITE_ONCE(tcp->inet.socket.error, (u32)number);
	tcp_finish(tcp);
	if (tcp->listener != NULL)
		tcp_stop_deferring(tcp);
}

void tcp_attach(struct tcp_socket *tcp, struct tcp_pcb *pcb)
{
	tcp->pcb = pcb;
	tcp_arg(pcb, tcp);
	tcp_recv(pcb, on_receive);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
	tcp_apply_options(tcp);
}
