/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which socket has which port, and who may share one: bind(2), SO_REUSEADDR and SO_REUSEPORT.
 *
 * Each protocol has a table.  Two sockets whose addresses overlap share a port if both say
 * SO_REUSEADDR and the one that was there first does not listen, or if both say SO_REUSEPORT and
 * are the same user's.  A port that the kernel chooses is nobody else's.
 *
 * Everything is under the stack's lock.
 */
#include "lib/assert.h"
#include "lib/errno.h"
#include "net/inet/inet.h"
#include "net/inet/stack.h"
#include "proc/credentials.h"
#include "proc/random.h"

#define FIRST_UNPRIVILEGED 1024

static u16 range_low = 32768, range_high = 60999;

void inet_ports_init(struct inet_ports *ports)
{
	for (u32 i = 0; i < INET_PORT_BUCKETS; i++)
		list_init(&ports->buckets[i]);
}

static struct list_head *bucket_of(struct inet_ports *ports, u16 port)
{
	return &ports->buckets[port % INET_PORT_BUCKETS];
}

/* --- Conflicts --- */

static bool on_different_devices(const struct inet_socket *one, const struct inet_socket *other)
{
	return one->device != 0 && other->device != 0 && one->device != other->device;
}

static bool both_have(const struct inet_socket *one, const struct inet_socket *other, int option)
{
	return socket_has_option(&one->socket, option) && socket_has_option(&other->socket, option);
}

/* May `inet` have the port beside `other`, which has it? */
static bool may_share(const struct inet_socket *inet, const struct inet_socket *other)
{
	if (both_have(inet, other, SO_REUSEADDR) && !inet->ports->is_exclusive(other))
		return true;
	return both_have(inet, other, SO_REUSEPORT) && inet->owner == other->owner;
}

/* Is somebody else in the way?  `alone`: anybody at all is. */
static bool is_taken(const struct inet_socket *inet, const ip_addr_t *address, u16 port, bool alone)
{
	const struct inet_socket *other;

	list_for_each_entry (other, bucket_of(inet->ports, port), port_link) {
		if (other == inet || other->local_port != port || other->space != inet->space)
			continue;
		if (alone)
			return true;
		if (on_different_devices(inet, other) || may_share(inet, other))
			continue;
		if (inet_addresses_overlap(address, inet_has(inet, INET_V6ONLY), &other->local,
					   inet_has(other, INET_V6ONLY)))
			return true;
	}
	return inet->ports->is_used != NULL &&
	       inet->ports->is_used(alone ? NULL : inet, port, address);
}

/* --- Binding --- */

static u16 choose(const struct inet_socket *inet, const ip_addr_t *address)
{
	u32 count = (u32)range_high - range_low + 1, start;

	random_bytes(&start, sizeof(start));
	for (u32 i = 0; i < count; i++) {
		u16 port = (u16)(range_low + (start + i) % count);

		if (!is_taken(inet, address, port, true))
			return port;
	}
	return 0;
}

int inet_bind_port(struct inet_socket *inet, const ip_addr_t *address, u16 port)
{
	ASSERT(stack_is_mine());
	if (port != 0 && port < FIRST_UNPRIVILEGED && !capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	if (port == 0) {
		port = choose(inet, address);
		if (port == 0)
			return -EADDRINUSE;
	} else if (is_taken(inet, address, port, false)) {
		return -EADDRINUSE;
	}
	ip_addr_copy(inet->local, *address);
	inet->local_port = port;
	list_add_tail(&inet->port_link, bucket_of(inet->ports, port));
	return 0;
}

int inet_check_port(struct inet_socket *inet)
{
	return is_taken(inet, &inet->local, inet->local_port, false) ? -EADDRINUSE : 0;
}

void inet_share_port(struct inet_socket *inet, const struct inet_socket *with)
{
	inet->local_port = with->local_port;
	list_add_tail(&inet->port_link, bucket_of(inet->ports, inet->local_port));
}

void inet_unbind_port(struct inet_socket *inet)
{
	ASSERT(stack_is_mine());
	list_remove(&inet->port_link);
	inet->local_port = 0;
}

/* Is it an address to which a socket may be bound? */
static int check_address(const struct inet_socket *inet, const ip_addr_t *address)
{
	bool group = ip_addr_ismulticast(address) ||
		     (IP_IS_V4_VAL(*address) && ip_addr_get_ip4_u32(address) == IPADDR_BROADCAST);

	if (inet_is_any(address) || inet_has(inet, INET_FREEBIND) ||
	    inet_has(inet, INET_TRANSPARENT))
		return 0;
	if (inet_is_isolated(inet))
		return -EADDRNOTAVAIL;
	if (group)
		return inet->socket.type == SOCK_STREAM ? -EADDRNOTAVAIL : 0;
	if (!IP_IS_V4_VAL(*address) && ip6_addr_islinklocal(ip_2_ip6(address)) &&
	    ip6_addr_zone(ip_2_ip6(address)) == 0)
		return -EINVAL;
	return inet_is_local(address) ? 0 : -EADDRNOTAVAIL;
}

int inet_bind(struct inet_socket *inet, const struct socket_address *name)
{
	struct socket_address copy = *name;
	ip_addr_t address;
	u16 port;

	/* Of old, an IPv4 address of no family is one if it is "any". */
	if (inet->socket.family == AF_INET && copy.length >= sizeof(struct linux_sockaddr_in) &&
	    copy.family == AF_UNSPEC && ((struct linux_sockaddr_in *)copy.bytes)->address == 0)
		copy.family = AF_INET;
	int error = inet_get_address(inet, &copy, &address, &port);
	if (error)
		return error == -ENETUNREACH ? -EINVAL : error;
	stack_lock();
	error = check_address(inet, &address);
	if (error == 0 && (inet->local_port != 0 || inet->remote_port != 0))
		error = -EINVAL;
	if (inet_is_any(&address) && !IP_IS_V4_VAL(address))
		inet_set_any(inet, &address);
	if (error == 0)
		error = inet_bind_port(inet, &address, port);
	if (error == 0) {
		inet->port_chosen = port != 0;
		inet->address_chosen = !inet_is_any(&address);
	}
	stack_unlock();
	return error;
}

void inet_port_range(u16 *low, u16 *high)
{
	stack_lock();
	*low = range_low;
	*high = range_high;
	stack_unlock();
}

int inet_set_port_range(u16 low, u16 high)
{
	if (low == 0 || low > high)
		return -EINVAL;
	stack_lock();
	range_low = low;
	range_high = high;
	stack_unlock();
	return 0;
}
