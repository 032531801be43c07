/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect(2) of TCP.
 *
 * As on Linux, how a connection attempt ended is told once: by the connect that waited for it, by
 * a later one, or by SO_ERROR.  A socket whose attempt failed is as new once that has been told.
 */
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>

#include "lib/errno.h"
#include "net/inet/stack.h"
#include "net/inet/tcp_internal.h"

void tcp_disconnect(struct tcp_socket *tcp)
{
	struct inet_socket *inet = &tcp->inet;

	tcp_break(tcp);
	WRITE_ONCE(tcp->state, TCP_IDLE);
	WRITE_ONCE(tcp->shutdown, 0);
	WRITE_ONCE(tcp->queued, 0);
	WRITE_ONCE(inet->socket.error, 0);
	tcp->told = tcp->ended = false;
	inet->remote_port = 0;
	inet_set_any(inet, &inet->remote);
	if (!inet->port_chosen)
		inet_unbind_port(inet);
	if (!inet->address_chosen)
		inet_set_any(inet, &inet->local);
}

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t error __unused)
{
	struct tcp_socket *tcp = argument;

	if (tcp == NULL)
		return ERR_OK;
	pcb->rcv_wnd = pcb->rcv_ann_wnd = MIN(pcb->rcv_wnd, tcp->window);
	/* A peer that does not scale windows has cut it. */
	tcp->window = pcb->rcv_wnd;
	WRITE_ONCE(tcp->state, TCP_CONNECTED);
	wake_up_events(&tcp->write_wait, UINT_MAX, WRITABLE);
	return ERR_OK;
}

/* Two connections may not have the same four numbers. */
static bool is_taken(const struct tcp_pcb *list, const struct tcp_pcb *pcb, const ip_addr_t *remote,
		     u16 port)
{
	for (; list != NULL; list = list->next)
		if (list->remote_port == port && list->local_port == pcb->local_port &&
		    ip_addr_cmp(&list->remote_ip, remote) &&
		    ip_addr_cmp(&list->local_ip, &pcb->local_ip))
			return true;
	return false;
}

/* A connection to ourselves may meet what is left of an older one at the other end. */
static void forget_reverse(const struct tcp_pcb *pcb, const ip_addr_t *remote, u16 port)
{
	struct tcp_pcb *old = tcp_tw_pcbs, *next;

	for (; old != NULL; old = next) {
		next = old->next;
		if (old->local_port == port && old->remote_port == pcb->local_port &&
		    ip_addr_cmp(&old->local_ip, remote) &&
		    ip_addr_cmp(&old->remote_ip, &pcb->local_ip))
			tcp_abort(old);
	}
}

/* Sends the first packet, from `source`. */
static int send_first(struct tcp_socket *tcp, const ip_addr_t *source, const ip_addr_t *remote,
		      u16 port)
{
	struct inet_socket *inet = &tcp->inet;
	struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(remote));

	if (pcb == NULL)
		return -ENOBUFS;
	ip_addr_copy(pcb->local_ip, *source);
	pcb->local_port = inet->local_port;
	pcb->netif_idx = inet->netif;
	if (is_taken(tcp_active_pcbs, pcb, remote, port) ||
	    is_taken(tcp_tw_pcbs, pcb, remote, port)) {
		tcp_abort(pcb);
		return -EADDRNOTAVAIL;
	}
	forget_reverse(pcb, remote, port);
	tcp->window = tcp_receive_window(tcp);
	tcp_attach(tcp, pcb);
	int error = inet_error(tcp_connect(pcb, remote, port, on_connected));
	if (error) {
		tcp_break(tcp);
		return error == -EHOSTUNREACH ? -ENETUNREACH : error;
	}
	ip_addr_copy(inet->local, *source);
	ip_addr_copy(inet->remote, *remote);
	inet->remote_port = port;
	WRITE_ONCE(tcp->state, TCP_CONNECTING);
	return 0;
}

static int start(struct tcp_socket *tcp, const struct socket_address *address)
{
	struct inet_socket *inet = &tcp->inet;
	ip_addr_t remote, source;
	struct netif *netif;
	u16 port;

	int error = inet_get_address(inet, address, &remote, &port);
	if (error)
		return error;
	if (ip_addr_isany(&remote)) {
		/* To nobody is to oneself. */
		if (IP_IS_V4_VAL(remote))
			ip_addr_set_loopback_val(false, remote);
		else
			ip_addr_set_loopback_val(true, remote);
	}
	if (ip_addr_ismulticast(&remote) ||
	    (IP_IS_V4_VAL(remote) && ip_addr_get_ip4_u32(&remote) == IPADDR_BROADCAST))
		return -ENETUNREACH;
	if (inet->local_port != 0 && !inet->port_chosen && tcp->shutdown != 0)
		tcp_disconnect(tcp);
	error = inet_find_source(inet, &remote, &source, &netif);
	if (!error && inet->local_port == 0) {
		error = inet_bind_port(inet, &inet->local, 0);
		error = error == -EADDRINUSE ? -EADDRNOTAVAIL : error;
	}
	if (error)
		return error;
	tcp->told = tcp->ended = false;
	WRITE_ONCE(tcp->shutdown, 0);
	error = send_first(tcp, &source, &remote, port);
	if (error && !inet->port_chosen)
		inet_unbind_port(inet);
	return error;
}

/* The attempt is over: tells how it ended. */
static int tell(struct tcp_socket *tcp)
{
	int error;

	if (tcp->state == TCP_CONNECTED) {
		tcp->told = true;
		return 0;
	}
	/* Connected, and ended already, or reset. */
	if (tcp->ended && READ_ONCE(tcp->inet.socket.error) == 0) {
		tcp->told = true;
		return 0;
	}
	error = socket_take_error(&tcp->inet.socket);
	tcp_disconnect(tcp);
	return error ? error : -ECONNABORTED;
}

/* What connect says at first; -EINPROGRESS: it is under way. */
static int begin(struct tcp_socket *tcp, const struct socket_address *address)
{
	switch (tcp->state) {
	case TCP_CONNECTED:
		return tcp->told ? -EISCONN : tell(tcp);
	case TCP_CONNECTING:
		return -EALREADY;
	case TCP_LISTENING:
		return -EISCONN;
	default:
		if (tcp->inet.remote_port != 0 && !tcp->told)
			return tell(tcp);
		int error = start(tcp, address);
		return error ? error : -EINPROGRESS;
	}
}

int tcp_wait_connected(struct tcp_socket *tcp, u32 flags)
{
	nsec_t deadline = socket_deadline(tcp->inet.socket.send_timeout, flags);

	if (deadline == 0)
		return READ_ONCE(tcp->state) == TCP_CONNECTING ? -EAGAIN : 0;
	int error = wait_event_timeout(&tcp->write_wait, READ_ONCE(tcp->state) != TCP_CONNECTING,
				       deadline, WAIT_INTERRUPTIBLE);
	return error ? socket_wait_error(error, deadline) : 0;
}

/* connect to AF_UNSPEC: the socket is as new, but for its options. */
static void dissolve(struct tcp_socket *tcp)
{
	mutex_lock(&tcp->read_lock);
	stack_lock();
	if (tcp->state == TCP_LISTENING)
		tcp_stop_listening(tcp);
	tcp_disconnect(tcp);
	tcp_free_received(tcp);
	tcp_wake_all(tcp);
	stack_unlock();
	mutex_unlock(&tcp->read_lock);
}

int tcp_socket_connect(struct socket *socket, const struct socket_address *address, u32 flags)
{
	struct tcp_socket *tcp = tcp_of(socket);
	int error;

	if (address->length < sizeof(address->family))
		return -EINVAL;
	if (address->family == AF_UNSPEC) {
		dissolve(tcp);
		return 0;
	}
	stack_lock();
	error = begin(tcp, address);
	stack_unlock();
	if ((error != -EINPROGRESS && error != -EALREADY) || flags & MSG_DONTWAIT)
		return error;
	int waited = tcp_wait_connected(tcp, flags);
	if (waited)
		return waited == -EAGAIN ? error : waited;
	stack_lock();
	error = tell(tcp);
	stack_unlock();
	return error;
}
