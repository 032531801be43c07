/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen(2) and accept(2) of TCP.
 *
 * A connection becomes a socket when its third packet has come, and waits in the listener's list.
 * When the list is full, first packets are dropped, and come again.  Of connections of which only
 * the first packet has come there are so many at most.
 *
 * Everything but waiting is under the stack's lock.
 */
#include <lwip/priv/tcp_priv.h>

#include "lib/errno.h"
#include "net/inet/lwip/hooks.h"
#include "net/inet/stack.h"
#include "net/inet/tcp_internal.h"

/* Half-open connections, of all listeners. */
#define HALF_OPEN_LIMIT 1024

static u32 openings; /* first packets that we may take before we count again; stack lock */

/* --- Listening --- */

static void queue_pending(struct tcp_socket *listener, struct tcp_socket *tcp)
{
	list_add_tail(&tcp->pending_link, &listener->pending);
	WRITE_ONCE(listener->pending_count, listener->pending_count + 1);
	wake_up_events(&listener->read_wait, 1, READABLE);
}

void tcp_stop_deferring(struct tcp_socket *tcp)
{
	struct tcp_socket *listener = tcp->listener;

	tcp->listener = NULL;
	list_remove(&tcp->pending_link);
	queue_pending(listener, tcp);
}

/* Sockets that share address and port by SO_REUSEPORT take turns by the peer's port. */
static struct tcp_socket *choose_listener(struct tcp_socket *first, const struct tcp_pcb *pcb)
{
	const struct list_head *bucket = &tcp_ports.buckets[pcb->local_port % INET_PORT_BUCKETS];
	struct tcp_socket *tcp, *chosen = first;
	u32 count = 0;

	if (likely(!socket_has_option(&first->inet.socket, SO_REUSEPORT)))
		return first;
	list_for_each_entry (tcp, bucket, inet.port_link) {
		if (tcp->state != TCP_LISTENING || tcp->inet.local_port != pcb->local_port ||
		    !socket_has_option(&tcp->inet.socket, SO_REUSEPORT) ||
		    !ip_addr_cmp(&tcp->inet.local, &first->inet.local))
			continue;
		count++;
		if (lwip_port_random() % count == 0)
			chosen = tcp;
	}
	return chosen;
}

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error)
{
	if (argument == NULL || pcb == NULL || error != ERR_OK)
		return ERR_VAL;
	struct tcp_socket *listener = choose_listener(argument, pcb);
	struct tcp_socket *tcp = tcp_socket_copy(listener);

	if (tcp == NULL)
		return ERR_MEM;
	ip_addr_copy(tcp->inet.local, pcb->local_ip);
	ip_addr_copy(tcp->inet.remote, pcb->remote_ip);
	tcp->inet.remote_port = pcb->remote_port;
	inet_share_port(&tcp->inet, &listener->inet);
	tcp->told = true;
	tcp->state = TCP_CONNECTED;
	tcp->window = tcp_receive_window(tcp);
	pcb->rcv_wnd = pcb->rcv_ann_wnd = MIN(pcb->rcv_wnd, tcp->window);
	/* A peer that does not scale windows has cut it. */
	tcp->window = pcb->rcv_wnd;
	tcp_attach(tcp, pcb);
	if (listener->defer_accept != 0) {
		tcp->listener = listener;
		list_add_tail(&tcp->pending_link, &listener->deferred);
	} else {
		queue_pending(listener, tcp);
	}
	return ERR_OK;
}

static bool is_full(const struct tcp_socket *listener)
{
	return listener->pending_count > listener->backlog;
}

static bool may_open(void)
{
	const struct tcp_pcb *pcb;
	u32 half_open = 0;

	if (openings == 0) {
		for (pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next)
			half_open += pcb->state == SYN_RCVD;
		openings = half_open < HALF_OPEN_LIMIT ? (HALF_OPEN_LIMIT - half_open + 1) / 2 : 0;
	}
	if (openings == 0)
		return false;
	openings--;
	return true;
}

static bool is_first(const struct tcp_hdr *header)
{
	return (TCPH_FLAGS(header) & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/*
 * A packet for a connection or listener has come; not ERR_OK: it is dropped.
 *
 * A connection that waits for stray packets makes room for a new one between the same ports, whose
 * numbers have to be later ones (RFC 9293, 3.6.1): its first packet is dropped, and comes again.
 */
err_t inet_hook_tcp_packet(struct tcp_pcb *pcb, struct tcp_hdr *header)
{
	if (pcb->state == TIME_WAIT && is_first(header) &&
	    TCP_SEQ_GT(header->seqno, pcb->rcv_nxt)) {
		tcp_pcb_remove(&tcp_tw_pcbs, pcb);
		tcp_free(pcb);
		return ERR_MEM;
	}
	/* A first packet ends the wait of the connection that had these numbers before; it comes
	 * again. */
	if (unlikely(pcb->state == TIME_WAIT && TCPH_FLAGS(header) & TCP_SYN &&
		     !(TCPH_FLAGS(header) & (TCP_ACK | TCP_RST)) &&
		     TCP_SEQ_GT(header->seqno, pcb->rcv_nxt))) {
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	if (likely(pcb->state != LISTEN)) {
		/* A peer that answers is there, however long its window stays closed. */
		pcb->persist_probe = 0;
		return ERR_OK;
	}
	if (!is_first(header))
		return ERR_OK;
	const struct tcp_socket *listener = pcb->callback_arg;
	return is_full(listener) || !may_open() ? ERR_MEM : ERR_OK;
}

static int make_listener(struct tcp_socket *tcp)
{
	struct inet_socket *inet = &tcp->inet;
	struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(&inet->local));
	err_t error;

	if (pcb == NULL)
		return -ENOBUFS;
	ip_addr_copy(pcb->local_ip, inet->local);
	pcb->local_port = inet->local_port;
	pcb->netif_idx = inet->netif;
	struct tcp_pcb *listener = tcp_listen_with_backlog_and_err(pcb, 1, &error);
	if (listener == NULL) {
		tcp_abort(pcb);
		return inet_error(error);
	}
	tcp_arg(listener, tcp);
	tcp_accept(listener, on_accept);
	tcp->pcb = listener;
	return 0;
}

static int start(struct tcp_socket *tcp)
{
	struct inet_socket *inet = &tcp->inet;
	int error = inet->local_port == 0 ? inet_bind_port(inet, &inet->local, 0)
					  : inet_check_port(inet);

	if (!error && !inet_is_isolated(inet))
		error = make_listener(tcp);
	if (!error) {
		WRITE_ONCE(tcp->state, TCP_LISTENING);
		WRITE_ONCE(tcp->shutdown, 0);
	}
	return error;
}

int tcp_socket_listen(struct socket *socket, u32 backlog)
{
	struct tcp_socket *tcp = tcp_of(socket);
	int error = 0;

	stack_lock();
	if (tcp->state == TCP_IDLE && (tcp->inet.remote_port == 0 || tcp->told))
		error = start(tcp);
	else if (tcp->state != TCP_LISTENING)
		error = -EINVAL;
	if (!error)
		tcp->backlog = MIN(backlog, (u32)SOMAXCONN);
	stack_unlock();
	return error;
}

static void break_all(struct list_head *list)
{
	struct tcp_socket *tcp, *next;

	list_for_each_entry_safe (tcp, next, list, pending_link) {
		list_remove(&tcp->pending_link);
		tcp_break(tcp);
		inet_unbind_port(&tcp->inet);
		tcp_socket_free(tcp);
	}
}

void tcp_stop_listening(struct tcp_socket *tcp)
{
	struct tcp_pcb *pcb = tcp->pcb;

	tcp->pcb = NULL;
	if (pcb != NULL)
		tcp_close(pcb);
	WRITE_ONCE(tcp->pending_count, 0);
	WRITE_ONCE(tcp->state, TCP_IDLE);
	break_all(&tcp->pending);
	break_all(&tcp->deferred);
}

/* --- Accepting --- */

static struct tcp_socket *take_pending(struct tcp_socket *listener)
{
	struct tcp_socket *tcp;

	stack_lock();
	tcp = list_first_entry_or_null(&listener->pending, struct tcp_socket, pending_link);
	if (tcp != NULL) {
		list_remove(&tcp->pending_link);
		WRITE_ONCE(listener->pending_count, listener->pending_count - 1);
	}
	stack_unlock();
	return tcp;
}

int tcp_socket_accept(struct socket *socket, u32 flags, struct socket **result)
{
	struct tcp_socket *listener = tcp_of(socket), *taken;
	nsec_t deadline = socket_deadline(socket->receive_timeout, flags);
	int error;

	for (;;) {
		if (READ_ONCE(listener->state) != TCP_LISTENING)
			return -EINVAL;
		taken = READ_ONCE(listener->pending_count) != 0 ? take_pending(listener) : NULL;
		if (taken != NULL)
			break;
		if (deadline == 0)
			return -EAGAIN;
		error = wait_event_timeout(&listener->read_wait,
					   READ_ONCE(listener->pending_count) != 0 ||
						   READ_ONCE(listener->state) != TCP_LISTENING,
					   deadline, WAIT_INTERRUPTIBLE);
		if (error)
			return socket_wait_error(error, deadline);
	}
	*result = &taken->inet.socket;
	return 0;
}
