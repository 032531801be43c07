/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets: how they come and go, their names, and what poll, shutdown and ioctl say.
 */
#include <lwip/priv/tcp_priv.h>

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "mm/slab.h"
#include "mm/usercopy.h"
#include "net/inet/stack.h"
#include "net/inet/tcp.h"
#include "net/inet/tcp_internal.h"
#include "proc/time.h"

/* lwIP's so_options has room for a bit of ours: the socket said SO_REUSEPORT. */
#define SOF_REUSEPORT 0x80

struct inet_ports tcp_ports;
static slab_cache_t *sockets;
static const struct socket_ops tcp_ops;

/* --- Life --- */

static void init_own(struct tcp_socket *tcp)
{
	list_init(&tcp->pending);
	list_init(&tcp->deferred);
	list_init(&tcp->pending_link);
	mutex_init(&tcp->write_lock);
	mutex_init(&tcp->read_lock);
	spin_lock_init(&tcp->lock);
	wait_queue_init(&tcp->write_wait);
	wait_queue_init(&tcp->read_wait);
}

static struct socket *create(int family, int protocol)
{
	struct tcp_socket *tcp = slab_alloc_zeroed(sockets);

	if (tcp == NULL)
		return ERR_PTR(-ENOMEM);
	inet_socket_init(&tcp->inet, &tcp_ops, family, SOCK_STREAM, protocol, &tcp_ports);
	tcp->inet.socket.send_buffer = TCP_SEND_DEFAULT;
	tcp->inet.socket.receive_buffer = TCP_RECEIVE_DEFAULT;
	tcp->keep_idle = 7200;
	tcp->keep_interval = 75;
	tcp->keep_count = 9;
	tcp->syn_count = 6;
	tcp->linger2 = 60;
	init_own(tcp);
	return &tcp->inet.socket;
}

struct tcp_socket *tcp_socket_copy(const struct tcp_socket *listener)
{
	struct tcp_socket *tcp = slab_alloc(sockets);

	if (tcp == NULL)
		return NULL;
	*tcp = *listener;
	inet_socket_copy(&tcp->inet, &listener->inet);
	tcp->pcb = NULL;
	tcp->state = TCP_IDLE;
	tcp->shutdown = 0;
	tcp->listener = NULL;
	tcp->pending_count = 0;
	init_own(tcp);
	return tcp;
}

void tcp_socket_free(struct tcp_socket *tcp)
{
	ASSERT(tcp->pcb == NULL && list_empty(&tcp->inet.port_link));
	tcp_free_received(tcp);
	inet_socket_fini(&tcp->inet);
	slab_free(sockets, tcp);
}

void tcp_wake_all(struct tcp_socket *tcp)
{
	u32 hang_up = READ_ONCE(tcp->shutdown) == TCP_NEITHER ? POLLHUP : 0;
	u32 error = READ_ONCE(tcp->inet.socket.error) != 0 ? POLLERR : 0;

	wake_up_events(&tcp->read_wait, UINT_MAX, READABLE | POLLRDHUP | hang_up | error);
	wake_up_events(&tcp->write_wait, UINT_MAX, WRITABLE | hang_up | error);
}

void tcp_finish(struct tcp_socket *tcp)
{
	ASSERT(stack_is_mine());
	WRITE_ONCE(tcp->state, TCP_IDLE);
	WRITE_ONCE(tcp->shutdown, TCP_NEITHER);
	WRITE_ONCE(tcp->queued, 0);
	tcp_wake_all(tcp);
}

void tcp_detach(struct tcp_socket *tcp)
{
	ASSERT(stack_is_mine());
	if (tcp->pcb == NULL)
		return;
	tcp_arg(tcp->pcb, NULL);
	if (socket_has_option(&tcp->inet.socket, SO_REUSEADDR))
		ip_set_option(tcp->pcb, SOF_REUSEADDR);
	if (socket_has_option(&tcp->inet.socket, SO_REUSEPORT))
		ip_set_option(tcp->pcb, SOF_REUSEPORT);
	tcp->pcb = NULL;
}

void tcp_break(struct tcp_socket *tcp)
{
	struct tcp_pcb *pcb = tcp->pcb;

	tcp_detach(tcp);
	if (pcb != NULL)
		tcp_abort(pcb);
}

/* Leaves the connection to lwIP, which sends what is left and the end. */
static void close_connection(struct tcp_socket *tcp)
{
	struct tcp_pcb *pcb = tcp->pcb;

	tcp_detach(tcp);
	if (pcb == NULL)
		return;
	/* The library would take a window that is not open all the way for data that nobody read,
	 * and reset the connection. */
	pcb->rcv_wnd = TCP_WND_MAX(pcb);
	if (tcp_close(pcb) != ERR_OK)
		tcp_abort(pcb);
}

/* SO_LINGER: until everything has been acknowledged, or the time is over. */
static void linger(struct tcp_socket *tcp)
{
	struct linux_linger time = tcp->inet.socket.linger;

	if (!time.on || time.seconds <= 0 || READ_ONCE(tcp->state) != TCP_CONNECTED)
		return;
	(void)wait_event_timeout(&tcp->write_wait, READ_ONCE(tcp->queued) == 0,
				 time_after((nsec_t)time.seconds * NSEC_PER_SEC),
				 WAIT_INTERRUPTIBLE);
}

static void tcp_release(struct socket *socket)
{
	struct tcp_socket *tcp = tcp_of(socket);
	bool hard = socket->linger.on && socket->linger.seconds == 0;

	if (tcp->received == 0)
		linger(tcp);
	stack_lock();
	if (tcp->state == TCP_LISTENING)
		tcp_stop_listening(tcp);
	else if (hard || tcp->received > 0)
		tcp_break(tcp);
	else
		close_connection(tcp);
	inet_unbind_port(&tcp->inet);
	stack_unlock();
	tcp_socket_free(tcp);
}

/* --- Ports --- */

static bool listens(const struct inet_socket *inet)
{
	return container_of(inet, struct tcp_socket, inet)->state == TCP_LISTENING;
}

/*
 * Connections without a socket keep their port until they have ended.  Nobody gets a port to which
 * the other end, which is ours as well, has just said good-bye: a first packet from there would
 * meet that end.
 */
static bool stands_in_the_way(const struct tcp_pcb *pcb, const struct inet_socket *inet, u16 port,
			      const ip_addr_t *address)
{
	if (inet == NULL && pcb->state == TIME_WAIT && pcb->remote_port == port)
		return true;
	if (pcb->local_port != port || (pcb->callback_arg != NULL && pcb->state != SYN_RCVD))
		return false;
	if (inet == NULL)
		return true;
	if (socket_has_option(&inet->socket, SO_REUSEADDR) && ip_get_option(pcb, SOF_REUSEADDR))
		return false;
	if (socket_has_option(&inet->socket, SO_REUSEPORT) && ip_get_option(pcb, SOF_REUSEPORT))
		return false;
	return pcb->state != SYN_RCVD &&
	       inet_addresses_overlap(address, inet_has(inet, INET_V6ONLY), &pcb->local_ip, false);
}

static bool is_used(const struct inet_socket *inet, u16 port, const ip_addr_t *address)
{
	const struct tcp_pcb *pcb;

	for (pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next)
		if (stands_in_the_way(pcb, inet, port, address))
			return true;
	for (pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next)
		if (stands_in_the_way(pcb, inet, port, address))
			return true;
	return false;
}

static int tcp_bind_name(struct socket *socket, const struct socket_address *address)
{
	return inet_bind(&tcp_of(socket)->inet, address);
}

static int get_name(struct socket *socket, bool peer, struct socket_address *address)
{
	struct tcp_socket *tcp = tcp_of(socket);

	if (peer && READ_ONCE(tcp->state) != TCP_CONNECTED)
		return -ENOTCONN;
	inet_put_name(&tcp->inet, peer, address);
	return 0;
}

/* --- Shutdown, poll, ioctl --- */

static void shut_connection(struct tcp_socket *tcp, u32 ways)
{
	bool send_end = ways & TCP_NO_SEND && !(tcp->shutdown & TCP_NO_SEND);

	WRITE_ONCE(tcp->shutdown, tcp->shutdown | ways);
	if (send_end)
		tcp_shutdown(tcp->pcb, 0, 1);
	tcp_wake_all(tcp);
}

static int shut_down(struct socket *socket, int how)
{
	struct tcp_socket *tcp = tcp_of(socket);
	u32 ways = (u32)how + 1; /* SHUT_RD, SHUT_WR, SHUT_RDWR: bits of enum tcp_shutdown */
	int error = 0;

	stack_lock();
	switch (tcp->state) {
	case TCP_IDLE:
		WRITE_ONCE(tcp->shutdown, tcp->shutdown | ways);
		tcp_wake_all(tcp);
		error = -ENOTCONN;
		break;
	case TCP_CONNECTED:
		shut_connection(tcp, ways);
		break;
	case TCP_CONNECTING:
		tcp_break(tcp);
		WRITE_ONCE(socket->error, ECONNRESET);
		tcp_finish(tcp);
		break;
	default:
		if (ways & TCP_NO_RECEIVE) {
			tcp_stop_listening(tcp);
			tcp_disconnect(tcp);
			tcp_wake_all(tcp);
		}
		break;
	}
	stack_unlock();
	return error;
}

static u32 poll_listener(const struct tcp_socket *tcp)
{
	return READ_ONCE(tcp->pending_count) > 0 ? READABLE : 0;
}

static bool is_readable(const struct tcp_socket *tcp)
{
	u32 received = READ_ONCE(tcp->received);

	return received > 0 && received >= READ_ONCE(tcp->inet.socket.receive_low_water);
}

static u32 poll(struct socket *socket, struct poll_table *table)
{
	struct tcp_socket *tcp = tcp_of(socket);
	u32 events = 0;

	poll_wait(socket->file, &tcp->read_wait, table);
	poll_wait(socket->file, &tcp->write_wait, table);
	u32 state = READ_ONCE(tcp->state), shutdown = READ_ONCE(tcp->shutdown);
	if (state == TCP_LISTENING)
		return poll_listener(tcp);
	if (READ_ONCE(socket->error) != 0)
		events |= POLLERR;
	if (shutdown == TCP_NEITHER || state == TCP_IDLE)
		events |= POLLHUP;
	if (shutdown & TCP_NO_RECEIVE)
		events |= READABLE | POLLRDHUP;
	if (state == TCP_CONNECTING)
		return events;
	if (is_readable(tcp))
		events |= READABLE;
	if (shutdown & TCP_NO_SEND || tcp_is_writable(tcp))
		events |= WRITABLE;
	return events;
}

/* Bytes that were not even sent once. */
static u32 not_sent(struct tcp_socket *tcp)
{
	u32 count = 0;

	stack_lock();
	if (tcp->pcb != NULL && tcp->state == TCP_CONNECTED)
		count = MIN(tcp->pcb->snd_lbb - tcp->pcb->snd_nxt, tcp->queued);
	stack_unlock();
	return count;
}

static long ioctl(struct socket *socket, unsigned command, vaddr_t argument)
{
	struct tcp_socket *tcp = tcp_of(socket);
	s32 number;

	switch (command) {
	case SIOCINQ:
		number = (s32)READ_ONCE(tcp->received);
		break;
	case SIOCOUTQ:
		number = (s32)READ_ONCE(tcp->queued);
		break;
	case SIOCOUTQNSD:
		number = (s32)not_sent(tcp);
		break;
	case SIOCATMARK:
		number = 0;
		break;
	default:
		return -ENOTTY;
	}
	if (READ_ONCE(tcp->state) == TCP_LISTENING && command != SIOCATMARK)
		return -EINVAL;
	return put_user(number, argument);
}

static const struct socket_ops tcp_ops = {
	.release = tcp_release,
	.bind = tcp_bind_name,
	.connect = tcp_socket_connect,
	.listen = tcp_socket_listen,
	.accept = tcp_socket_accept,
	.get_name = get_name,
	.send = tcp_socket_send,
	.receive = tcp_socket_receive,
	.shutdown = shut_down,
	.poll = poll,
	.ioctl = ioctl,
	.set_option = tcp_set_option,
	.get_option = tcp_get_option,
	.notice_option = tcp_notice_option,
};

void tcp_sockets_init(void)
{
	static const struct inet_protocol protocol = {
		.type = SOCK_STREAM,
		.protocol = IPPROTO_TCP,
		.is_default = true,
		.capability = -1,
		.create = create,
	};

	sockets = slab_cache_create("tcp_socket", sizeof(struct tcp_socket), 0, NULL, NULL);
	if (sockets == NULL)
		panic("no memory for sockets");
	inet_ports_init(&tcp_ports);
	tcp_ports.is_exclusive = listens;
	tcp_ports.is_used = is_used;
	inet_register(&protocol);
}
