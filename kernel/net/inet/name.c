/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses as programs write them and as lwIP has them; what is local, and errors.  No state. */
#include <lwip/ip.h>
#include <lwip/netif.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "net/inet/address.h"
#include "net/inet/inet.h"
#include "net/inet/stack.h"

/* --- In --- */

static void get_ip4(ip_addr_t *to, u32 address)
{
	ip_addr_set_ip4_u32_val(*to, address);
}

static bool is_mapped(const u8 *address)
{
	static const u8 prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

/* Link-local addresses mean something on one interface only. */
static void set_zone(const struct inet_socket *inet, ip6_addr_t *address, u32 scope)
{
	u32 index = scope != 0 ? scope : READ_ONCE(inet->netif);

	if (ip6_addr_has_scope(address, IP6_UNKNOWN))
		ip6_addr_set_zone(address, (u8_t)index);
}

static int get_in6(const struct inet_socket *inet, const struct linux_sockaddr_in6 *from, u32 scope,
		   ip_addr_t *address)
{
	if (is_mapped(from->address)) {
		u32 ip4;

		memcpy(&ip4, from->address + 12, sizeof(ip4));
		get_ip4(address, ip4);
		return inet_has(inet, INET_V6ONLY) ? -ENETUNREACH : 0;
	}
	ip_addr_set_zero_ip6(address);
	memcpy(ip_2_ip6(address)->addr, from->address, sizeof(from->address));
	set_zone(inet, ip_2_ip6(address), scope);
	return 0;
}

int inet_get_address(const struct inet_socket *inet, const struct socket_address *from,
		     ip_addr_t *address, u16 *port)
{
	const struct linux_sockaddr_in *in = (const struct linux_sockaddr_in *)from->bytes;
	const struct linux_sockaddr_in6 *in6 = (const struct linux_sockaddr_in6 *)from->bytes;
	bool is_ip6 = inet->socket.family == AF_INET6;

	if (from->length < (is_ip6 ? SOCKADDR_IN6_LEAST : sizeof(*in)))
		return -EINVAL;
	if (from->family != inet->socket.family)
		return -EAFNOSUPPORT;
	*port = lwip_ntohs(in->port);
	if (is_ip6)
		return get_in6(inet, in6, from->length >= sizeof(*in6) ? in6->scope : 0, address);
	get_ip4(address, in->address);
	return 0;
}

int inet_get_datagram_address(const struct inet_socket *inet, const struct socket_address *from,
			      ip_addr_t *address, u16 *port)
{
	const struct linux_sockaddr_in *in = (const struct linux_sockaddr_in *)from->bytes;

	if (inet->socket.family != AF_INET6 || inet->socket.type != SOCK_DGRAM ||
	    inet->socket.protocol != IPPROTO_UDP || from->length < sizeof(*in) ||
	    from->family != AF_INET)
		return inet_get_address(inet, from, address, port);
	*port = lwip_ntohs(in->port);
	get_ip4(address, in->address);
	return inet_has(inet, INET_V6ONLY) ? -ENETUNREACH : 0;
}

/* --- Out --- */

static void put_in6(const ip_addr_t *address, struct linux_sockaddr_in6 *to)
{
	if (IP_IS_V6_VAL(*address)) {
		const ip6_addr_t *ip6 = ip_2_ip6(address);

		memcpy(to->address, ip6->addr, sizeof(to->address));
		to->scope = ip6_addr_zone(ip6);
	} else if (!IP_IS_ANY_TYPE_VAL(*address) && !ip_addr_isany_val(*address)) {
		u32 ip4 = ip_addr_get_ip4_u32(address);

		to->address[10] = to->address[11] = 0xff;
		memcpy(to->address + 12, &ip4, sizeof(ip4));
	}
}

void inet_put_address(const struct inet_socket *inet, const ip_addr_t *address, u16 port,
		      struct socket_address *to)
{
	if (inet->socket.family == AF_INET6) {
		struct linux_sockaddr_in6 in6 = {.family = AF_INET6, .port = lwip_htons(port)};

		put_in6(address, &in6);
		memcpy(to->bytes, &in6, sizeof(in6));
		to->length = sizeof(in6);
	} else {
		struct linux_sockaddr_in in = {
			.family = AF_INET,
			.port = lwip_htons(port),
			.address = IP_IS_V4_VAL(*address) ? ip_addr_get_ip4_u32(address) : 0,
		};

		memcpy(to->bytes, &in, sizeof(in));
		to->length = sizeof(in);
	}
}

void inet_put_name(const struct inet_socket *inet, bool peer, struct socket_address *to)
{
	stack_lock();
	inet_put_address(inet, peer ? &inet->remote : &inet->local,
			 peer ? inet->remote_port : inet->local_port, to);
	stack_unlock();
}

/* --- What addresses are --- */

void inet_set_any(const struct inet_socket *inet, ip_addr_t *address)
{
	if (inet->socket.family == AF_INET)
		ip_addr_set_zero_ip4(address);
	else if (inet_has(inet, INET_V6ONLY))
		ip_addr_set_zero_ip6(address);
	else
		ip_addr_copy(*address, *IP_ANY_TYPE);
}

bool inet_is_local(const ip_addr_t *address)
{
	if (IP_IS_V6_VAL(*address))
		return inet_address_is_local6_locked(ip_2_ip6(address));
	return ip4_route_src(IP4_ADDR_ANY4, ip_2_ip4(address)) == stack_loopback();
}

bool inet_addresses_overlap(const ip_addr_t *one, bool one_v6only, const ip_addr_t *other,
			    bool other_v6only)
{
	bool one_any = inet_is_any(one), other_any = inet_is_any(other);
	bool one_ip4 = IP_IS_V4_VAL(*one), other_ip4 = IP_IS_V4_VAL(*other);

	if (!one_any && !other_any)
		return one_ip4 == other_ip4 && ip_addr_cmp(one, other);
	if (one_ip4 == other_ip4)
		return true;
	/* One is IPv4 and the other is not: do they meet at an "any" that is for both? */
	return one_ip4 ? other_any && !other_v6only : one_any && !one_v6only;
}

/* --- Ways --- */

int inet_find_source(const struct inet_socket *inet, const ip_addr_t *to, ip_addr_t *source,
		     struct netif **netif)
{
	const ip_addr_t *found;

	if (inet_is_isolated(inet))
		return -ENETUNREACH;
	if (inet->netif != 0)
		*netif = netif_get_by_index(inet->netif);
	else if (inet_is_local(to))
		*netif = stack_loopback();
	else
		*netif = ip_route(&inet->local, to);
	if (*netif == NULL)
		return -ENETUNREACH;
	if (!inet_is_any(&inet->local)) {
		if (IP_IS_V4_VAL(inet->local) != IP_IS_V4_VAL(*to))
			return IP_IS_V4_VAL(*to) ? -ENETUNREACH : -EINVAL;
		ip_addr_copy(*source, inet->local);
		return 0;
	}
	/* To itself the machine speaks from the address it is spoken to. */
	found = *netif == stack_loopback() && inet_is_local(to) ? to
								: ip_netif_get_local_ip(*netif, to);
	if (found == NULL || ip_addr_isany(found))
		return IP_IS_V4_VAL(*to) ? -ENETUNREACH : -EADDRNOTAVAIL;
	ip_addr_copy(*source, *found);
	return 0;
}

int inet_error(err_t error)
{
	static const u8 numbers[] = {
		[-ERR_MEM] = ENOMEM,
		[-ERR_BUF] = ENOBUFS,
		[-ERR_TIMEOUT] = ETIMEDOUT,
		[-ERR_RTE] = EHOSTUNREACH,
		[-ERR_INPROGRESS] = EINPROGRESS,
		[-ERR_VAL] = EINVAL,
		[-ERR_WOULDBLOCK] = EAGAIN,
		[-ERR_USE] = EADDRINUSE,
		[-ERR_ALREADY] = EALREADY,
		[-ERR_ISCONN] = EISCONN,
		[-ERR_CONN] = ENOTCONN,
		[-ERR_IF] = ENETDOWN,
		[-ERR_ABRT] = ECONNABORTED,
		[-ERR_RST] = ECONNRESET,
		[-ERR_CLSD] = ENOTCONN,
		[-ERR_ARG] = EINVAL,
	};

	if (error == ERR_OK)
		return 0;
	return -error < (int)ARRAY_SIZE(numbers) ? -numbers[-error] : -EIO;
}
