/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagram sockets: where a packet goes, and sending it.
 *
 * What the program says is read and checked first, without the stack's lock; under it the way is
 * found and the packet sent.  What goes to this machine is delivered when the lock is given up.
 */
#include "net/inet/datagram.h"

#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>

#include "lib/errno.h"
#include "mm/iov.h"
#include "net/inet/netif.h"
#include "net/inet/stack.h"

/* --- Control messages --- */

static int get_number(const struct linux_cmsghdr *header, s32 low, s32 high, s32 *number)
{
	const void *data = header + 1;

	if (header->length == sizeof(*header) + sizeof(u8))
		*number = *(const u8 *)data;
	else if (header->length == sizeof(*header) + sizeof(s32))
		*number = *(const s32 *)data;
	else
		return -EINVAL;
	return *number >= low && *number <= high ? 0 : -EINVAL;
}

static int get_ip4_info(const struct linux_cmsghdr *header, struct datagram_plan *plan)
{
	const struct linux_in_pktinfo *info = (const void *)(header + 1);

	if (header->length != sizeof(*header) + sizeof(*info))
		return -EINVAL;
	if (info->device != 0)
		plan->device = (u32)info->device;
	plan->has_source = info->source != 0;
	ip_addr_set_ip4_u32_val(plan->source, info->source);
	return 0;
}

static int get_ip6_info(const struct inet_socket *inet, const struct linux_cmsghdr *header,
			struct datagram_plan *plan)
{
	const struct linux_in6_pktinfo *info = (const void *)(header + 1);
	struct linux_sockaddr_in6 in6 = {.family = AF_INET6};
	struct socket_address name = {.length = sizeof(in6)};
	u16 port;

	if (header->length < sizeof(*header) + sizeof(*info))
		return -EINVAL;
	if (info->device != 0)
		plan->device = info->device;
	memcpy(in6.address, info->address, sizeof(in6.address));
	in6.scope = info->device;
	memcpy(name.bytes, &in6, sizeof(in6));
	int error = inet_get_address(inet, &name, &plan->source, &port);
	plan->has_source = !error && !inet_is_any(&plan->source);
	return error;
}

static int get_control(const struct inet_socket *inet, const struct linux_cmsghdr *header,
		       struct datagram_plan *plan)
{
	bool ip6 = inet->socket.family == AF_INET6;

	if (header->level == SOL_IP && header->type == IP_PKTINFO)
		return get_ip4_info(header, plan);
	if (header->level == SOL_IP && header->type == IP_TTL)
		return get_number(header, 1, 255, &plan->ttl);
	if (header->level == SOL_IP && header->type == IP_TOS)
		return get_number(header, 0, 255, &plan->tos);
	if (header->level == SOL_IPV6 && header->type == IPV6_PKTINFO && ip6)
		return get_ip6_info(inet, header, plan);
	if (header->level == SOL_IPV6 && header->type == IPV6_HOPLIMIT && ip6)
		return get_number(header, -1, 255, &plan->ttl);
	if (header->level == SOL_IPV6 && header->type == IPV6_TCLASS && ip6)
		return get_number(header, -1, 255, &plan->tos);
	return header->level == SOL_IP || (header->level == SOL_IPV6 && ip6) ? -EINVAL : 0;
}

static int get_controls(const struct inet_socket *inet, const struct socket_message *message,
			struct datagram_plan *plan)
{
	const struct linux_cmsghdr *header;
	size_t position = 0;
	int error = 0;

	while (!error && (header = socket_next_control(message, &position)) != NULL)
		error = IS_ERR(header) ? (int)PTR_ERR(header) : get_control(inet, header, plan);
	return error;
}

/* --- Where to --- */

static int find_destination(struct datagram_socket *datagram, const struct socket_address *address,
			    struct datagram_way *way)
{
	const struct inet_socket *inet = &datagram->inet;
	bool has_ports = inet->socket.protocol == IPPROTO_UDP && inet->socket.type == SOCK_DGRAM;
	struct socket_address copy;
	int error;

	if (address == NULL || address->length == 0) {
		stack_lock();
		ip_addr_copy(way->to, inet->remote);
		way->port = inet->remote_port;
		stack_unlock();
		return inet_is_any(&way->to) ? -EDESTADDRREQ : 0;
	}
	copy = *address;
	/* An address of no family is one of IPv4, and that of an IPv4 socket's is read as such. */
	if (inet->socket.family == AF_INET && copy.length >= sizeof(struct linux_sockaddr_in) &&
	    copy.family == AF_UNSPEC)
		copy.family = AF_INET;
	error = inet_get_datagram_address(inet, &copy, &way->to, &way->port);
	if (!error && has_ports && way->port == 0)
		error = -EINVAL;
	return error;
}

int datagram_plan(struct datagram_socket *datagram, const struct socket_message *message, u32 flags,
		  struct datagram_plan *plan)
{
	struct inet_socket *inet = &datagram->inet;
	struct datagram_way *way = &plan->way;
	int error;

	if (flags & (MSG_OOB | MSG_MORE))
		return -EOPNOTSUPP;
	if (READ_ONCE(datagram->shutdown) & 2)
		return socket_broken_pipe(flags);
	*plan = (struct datagram_plan){.ttl = -1, .tos = -1, .device = READ_ONCE(inet->device)};
	error = find_destination(datagram, message->address, way);
	if (!error)
		error = get_controls(inet, message, plan);
	if (!error)
		error = socket_take_error(&inet->socket);
	if (!error && inet_is_any(&way->to))
		ip_addr_set_loopback_val(!IP_IS_V4_VAL(way->to), way->to);
	return error;
}

struct pbuf *datagram_read(struct io_cursor *cursor, size_t length)
{
	struct pbuf *packet = pbuf_alloc(PBUF_TRANSPORT, (u16_t)length, PBUF_RAM);

	if (packet == NULL)
		return ERR_PTR(-ENOBUFS);
	if (length == 0 || io_copy_from(cursor, packet->payload, length) == (ssize_t)length)
		return packet;
	pbuf_free(packet);
	return ERR_PTR(-EFAULT);
}

/* --- The way --- */

static void set_times(const struct inet_socket *inet, struct datagram_plan *plan)
{
	struct datagram_way *way = &plan->way;
	bool group = ip_addr_ismulticast(&way->to);
	s32 ttl = plan->ttl, tos = plan->tos;

	if (IP_IS_V4_VAL(way->to)) {
		if (ttl < 0)
			ttl = group ? inet->multicast_ttl : inet->ttl != 0 ? inet->ttl : 64;
		if (tos < 0)
			tos = inet->tos;
	} else {
		if (ttl < 0)
			ttl = group ? (inet->multicast_hops >= 0 ? inet->multicast_hops : 1)
				    : (inet->hops >= 0 ? inet->hops : 64);
		if (tos < 0)
			tos = inet->tclass;
	}
	way->ttl = (u8)ttl;
	way->tos = (u8)tos;
}

int datagram_route(struct datagram_socket *datagram, struct datagram_plan *plan)
{
	/* What the packet is to use for its device is looked up as if the socket had said so. */
	struct inet_socket asked = datagram->inet;
	struct datagram_way *way = &plan->way;
	int error;

	asked.device = plan->device;
	if (ip_addr_ismulticast(&way->to) && asked.device == 0)
		asked.device = datagram->multicast_device;
	if (asked.device != 0) {
		struct netif *netif = inet_netif_by_index(asked.device);

		if (netif == NULL)
			return -ENODEV;
		asked.netif = netif_get_index(netif);
	}
	if (plan->has_source)
		ip_addr_copy(asked.local, plan->source);
	if (plan->has_source && !inet_is_local(&plan->source))
		return -EINVAL;
	if (ip_addr_ismulticast(&asked.local))
		inet_set_any(&asked, &asked.local);
	error = inet_find_source(&asked, &way->to, &way->source, &way->netif);
	if (error)
		return error;
	set_times(&datagram->inet, plan);
	if (IP_IS_V4_VAL(way->to) && ip_addr_isbroadcast(&way->to, way->netif) &&
	    !socket_has_option(&datagram->inet.socket, SO_BROADCAST))
		return -EACCES;
	if (!netif_is_up(way->netif))
		return -ENETDOWN;
	return 0;
}

/* Must not be cut into pieces? */
static bool is_whole(const struct inet_socket *inet, const struct datagram_way *way)
{
	enum { PMTUDISC_DO = 2, PMTUDISC_PROBE = 3 };
	u8 discover = IP_IS_V4_VAL(way->to) ? inet->mtu_discover : inet->mtu_discover6;

	return discover == PMTUDISC_DO || discover == PMTUDISC_PROBE ||
	       (!IP_IS_V4_VAL(way->to) && inet_has(inet, INET_DONTFRAG));
}

int datagram_output(struct datagram_socket *datagram, struct datagram_way *way, struct pbuf *packet,
		    u8 protocol)
{
	u32 header = IP_IS_V4_VAL(way->to) ? IP_HLEN : IP6_HLEN;
	err_t error;

	if (packet->tot_len + header > way->netif->mtu &&
	    (packet->tot_len + header > DATAGRAM_MAX || is_whole(&datagram->inet, way)))
		return -EMSGSIZE;
	error = ip_output_if_src(packet, &way->source, &way->to, way->ttl, way->tos, protocol,
				 way->netif);
	return error == ERR_MEM ? -ENOBUFS : inet_error(error);
}
