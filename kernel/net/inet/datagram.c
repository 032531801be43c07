/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagram sockets: their life, connections and states; see datagram.h.
 *
 * A connection is only a name to send to and to hear from alone.  It takes an address of this
 * machine, and a port if there is none yet, which a dissolved connection gives back unless bind
 * chose them.
 */
#include "net/inet/datagram.h"

#include <lwip/netif.h>

#include "lib/errno.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "net/inet/stack.h"
#include "proc/namespace.h"

struct datagram_socket *datagram_create(const struct socket_ops *ops, int family, int type,
					int protocol, struct inet_ports *ports)
{
	struct datagram_socket *new = kzalloc(sizeof(*new));

	if (new == NULL)
		return NULL;
	inet_socket_init(&new->inet, ops, family, type, protocol, ports);
	list_init(&new->link);
	list_init(&new->memberships);
	list_init(&new->queue);
	list_init(&new->errors);
	spin_lock_init(&new->lock);
	mutex_init(&new->read_lock);
	wait_queue_init(&new->wait);
	new->checksum_offset = -1;
	return new;
}

void datagram_free(struct datagram_socket *datagram)
{
	datagram_clear(datagram);
	inet_socket_fini(&datagram->inet);
	kfree(datagram);
}

void datagram_release(struct socket *socket)
{
	struct datagram_socket *datagram = datagram_of(socket);

	stack_lock();
	datagram_leave_all(datagram);
	inet_unbind_port(&datagram->inet);
	stack_unlock();
	datagram_free(datagram);
}

int datagram_bind(struct socket *socket, const struct socket_address *address)
{
	return inet_bind(inet_of(socket), address);
}

/* --- Connections --- */

static void dissolve_locked(struct inet_socket *inet)
{
	inet->remote_port = 0;
	inet_set_any(inet, &inet->remote);
	if (!inet->address_chosen)
		inet_set_any(inet, &inet->local);
	if (!inet->port_chosen && inet->ports != NULL)
		inet_unbind_port(inet);
}

static int connect_locked(struct inet_socket *inet, const ip_addr_t *to, u16 port)
{
	struct netif *netif;
	ip_addr_t source;
	int error = inet_find_source(inet, to, &source, &netif);

	if (!error && IP_IS_V4_VAL(*to) && ip_addr_isbroadcast(to, netif) &&
	    !socket_has_option(&inet->socket, SO_BROADCAST))
		error = -EACCES;
	if (!error && inet->ports != NULL && inet->local_port == 0)
		error = inet_bind_port(inet, &inet->local, 0);
	if (error)
		return error;
	ip_addr_copy(inet->local, source);
	ip_addr_copy(inet->remote, *to);
	inet->remote_port = port;
	return 0;
}

int datagram_connect(struct socket *socket, const struct socket_address *address,
		     u32 flags __unused)
{
	struct inet_socket *inet = inet_of(socket);
	ip_addr_t to;
	u16 port;
	int error;

	if (address->length < sizeof(u16))
		return -EINVAL;
	if (address->family == AF_UNSPEC) {
		stack_lock();
		dissolve_locked(inet);
		stack_unlock();
		return 0;
	}
	error = inet_get_datagram_address(inet, address, &to, &port);
	if (error)
		return error;
	if (inet_is_any(&to))
		ip_addr_set_loopback_val(!IP_IS_V4_VAL(to), to);
	stack_lock();
	error = connect_locked(inet, &to, port);
	stack_unlock();
	return error;
}

static bool is_connected(const struct inet_socket *inet)
{
	return !inet_is_any(&inet->remote);
}

int datagram_get_name(struct socket *socket, bool peer, struct socket_address *address)
{
	struct inet_socket *inet = inet_of(socket);

	if (peer && (!is_connected(inet) || READ_ONCE(inet->remote_port) == 0))
		return -ENOTCONN;
	inet_put_name(inet, peer, address);
	return 0;
}

int datagram_shutdown(struct socket *socket, int how)
{
	struct datagram_socket *datagram = datagram_of(socket);

	if (!is_connected(&datagram->inet))
		return -ENOTCONN;
	__atomic_or_fetch(&datagram->shutdown, (u32)how + 1, __ATOMIC_RELAXED);
	wake_up_events(&datagram->wait, UINT_MAX, POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP);
	return 0;
}

/* --- States --- */

u32 datagram_poll(struct socket *socket, struct poll_table *table)
{
	struct datagram_socket *datagram = datagram_of(socket);
	u32 events = POLLOUT | POLLWRNORM | POLLWRBAND;

	poll_wait(socket->file, &datagram->wait, table);
	u32 shutdown = READ_ONCE(datagram->shutdown);
	if (READ_ONCE(socket->error) != 0 || READ_ONCE(datagram->error_count) != 0)
		events |= POLLERR;
	if (shutdown & 1)
		events |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (shutdown == 3)
		events |= POLLHUP;
	if (READ_ONCE(datagram->queued) != 0)
		events |= POLLIN | POLLRDNORM;
	return events;
}

long datagram_ioctl(struct socket *socket, unsigned command, vaddr_t argument)
{
	struct datagram_socket *datagram = datagram_of(socket);
	const struct datagram_message *first;
	s32 length = 0;

	switch (command) {
	case SIOCINQ:
		spin_lock(&datagram->lock);
		first = list_first_entry_or_null(&datagram->queue, struct datagram_message, link);
		if (first != NULL)
			length = (s32)first->length;
		spin_unlock(&datagram->lock);
		return put_user(length, argument);
	case SIOCOUTQ:
		return put_user(length, argument);
	default:
		return -ENOTTY;
	}
}

/* --- All of them --- */

int datagram_for_each_of(const struct inet_ports *ports, datagram_visit *visit, void *context)
{
	struct inet_socket *inet;
	int result = 0;

	for (u32 i = 0; i < INET_PORT_BUCKETS; i++)
		list_for_each_entry (inet, &ports->buckets[i], port_link) {
			result = visit(datagram_of(&inet->socket), context);
			if (result != 0)
				return result;
		}
	return 0;
}

int datagram_for_each(int protocol, datagram_visit *visit, void *context)
{
	switch (protocol) {
	case IPPROTO_UDP:
		return udp_for_each(visit, context);
	case IPPROTO_ICMP:
		return ping_for_each(visit, context);
	default:
		return raw_for_each(visit, context);
	}
}

void datagrams_init(void)
{
	udp_sockets_init();
	ping_sockets_init();
	raw_sockets_init();
}
