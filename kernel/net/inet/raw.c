/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw sockets: raw(7).  Each has a raw_pcb of lwIP's, which shows it all packets of its protocol;
 * it takes copies and leaves the packets to the others.
 *
 * IPv4 packets come with their header, IPv6 packets without.  Everything but making a socket is
 * under the stack's lock.
 */
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/raw.h>

#include "lib/errno.h"
#include "net/inet/datagram.h"
#include "net/inet/stack.h"
#include "proc/credentials.h"

static struct list_head sockets = LIST_INIT(sockets); /* stack lock */

/* --- Coming in --- */

static bool is_for(const struct datagram_socket *datagram, const struct datagram *about)
{
	const struct inet_socket *inet = &datagram->inet;

	if (inet_is_isolated(inet) || (inet->device != 0 && inet->device != about->device))
		return false;
	if (!inet_is_any(&inet->local) && !ip_addr_cmp(&inet->local, &about->to))
		return false;
	if (!inet_is_any(&inet->remote) && !ip_addr_cmp(&inet->remote, &about->from))
		return false;
	return datagram_hears(datagram, about);
}

/* Is it a message of ICMP of a type that the socket does not want? */
static bool is_filtered(const struct datagram_socket *datagram, const struct pbuf *packet,
			u16 header)
{
	u16 protocol = datagram->inet.socket.protocol;
	u8 type;

	if ((protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6) || packet->tot_len <= header)
		return false;
	type = pbuf_get_at(packet, header);
	if (protocol == IPPROTO_ICMP && type >= 32)
		return false;
	return READ_ONCE(datagram->icmp_filter[type / 32]) & BIT(type % 32);
}

static u8_t receive(void *argument, struct raw_pcb *pcb __unused, struct pbuf *packet,
		    const ip_addr_t *from)
{
	struct datagram_socket *datagram = argument;
	u16 header = ip_current_header_tot_len();
	bool ip6 = ip_current_is_v6();
	struct datagram about;

	datagram_describe(&about, from);
	if (!is_for(datagram, &about))
		return 0;
	if (is_filtered(datagram, packet, header))
		return 0;
	datagram_deliver(datagram, &about, packet, ip6 ? header : 0,
			 packet->tot_len - (ip6 ? header : 0u));
	return 0;
}

/* --- Going out --- */

static void put_checksum(const struct datagram_socket *datagram, const struct datagram_way *way,
			 struct pbuf *packet)
{
	u8 protocol = (u8)datagram->inet.socket.protocol;
	s32 offset = protocol == IPPROTO_ICMPV6 ? 2 : READ_ONCE(datagram->checksum_offset);
	u16 zero = 0, sum;

	if (IP_IS_V4_VAL(way->to) || offset < 0 || offset + 2 > packet->tot_len)
		return;
	pbuf_take_at(packet, &zero, sizeof(zero), (u16_t)offset);
	sum = ip6_chksum_pseudo(packet, protocol, packet->tot_len, ip_2_ip6(&way->source),
				ip_2_ip6(&way->to));
	pbuf_take_at(packet, &sum, sizeof(sum), (u16_t)offset);
}

/* The program brings IP's header; what it may leave to us is filled in. */
static int send_with_header(const struct datagram_way *way, struct pbuf *packet)
{
	static u16 identification; /* stack lock */
	struct ip_hdr *header = packet->payload;

	if (packet->tot_len < IP_HLEN || IPH_HL_BYTES(header) < IP_HLEN ||
	    IPH_HL_BYTES(header) > packet->tot_len)
		return -EINVAL;
	if (packet->tot_len > way->netif->mtu)
		return -EMSGSIZE;
	if (header->src.addr == 0)
		header->src.addr = ip_addr_get_ip4_u32(&way->source);
	if (IPH_ID(header) == 0)
		IPH_ID_SET(header, lwip_htons(++identification));
	IPH_LEN_SET(header, lwip_htons(packet->tot_len));
	IPH_CHKSUM_SET(header, 0);
	IPH_CHKSUM_SET(header, inet_chksum(header, IPH_HL_BYTES(header)));
	return inet_error(ip4_output_if(packet, NULL, LWIP_IP_HDRINCL, 0, 0, 0, way->netif));
}

static int send_locked(struct datagram_socket *datagram, struct datagram_plan *plan,
		       struct pbuf *packet)
{
	int error = datagram_route(datagram, plan);

	if (error)
		return error;
	if (inet_has(&datagram->inet, INET_HDRINCL) && IP_IS_V4_VAL(plan->way.to))
		return send_with_header(&plan->way, packet);
	put_checksum(datagram, &plan->way, packet);
	return datagram_output(datagram, &plan->way, packet, (u8)datagram->inet.socket.protocol);
}

static ssize_t send(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct datagram_socket *datagram = datagram_of(socket);
	size_t length = message->cursor->remaining;
	struct datagram_plan plan;

	if (length > DATAGRAM_MAX - IP_HLEN)
		return -EMSGSIZE;
	int error = datagram_plan(datagram, message, flags, &plan);
	if (error)
		return error;
	if (IP_IS_V4_VAL(plan.way.to) == (socket->family == AF_INET6))
		return -EINVAL;
	struct pbuf *packet = datagram_read(message->cursor, length);
	if (IS_ERR(packet))
		return PTR_ERR(packet);
	stack_lock();
	error = send_locked(datagram, &plan, packet);
	stack_unlock();
	pbuf_free(packet);
	return error ? error : (ssize_t)length;
}

/* --- The protocol --- */

static void release(struct socket *socket)
{
	struct datagram_socket *datagram = datagram_of(socket);

	stack_lock();
	datagram_leave_all(datagram);
	list_remove(&datagram->link);
	raw_remove(datagram->pcb);
	stack_unlock();
	datagram_free(datagram);
}

/* To an address alone: a port is passed over. */
static int bind(struct socket *socket, const struct socket_address *address)
{
	struct inet_socket *inet = inet_of(socket);
	ip_addr_t local;
	u16 port;
	int error = inet_get_address(inet, address, &local, &port);

	if (error)
		return error;
	stack_lock();
	if (inet_is_any(&local))
		inet_set_any(inet, &inet->local);
	else if (inet_is_local(&local) || ip_addr_ismulticast(&local))
		ip_addr_copy(inet->local, local);
	else
		error = -EADDRNOTAVAIL;
	inet->address_chosen = !error && !inet_is_any(&local);
	stack_unlock();
	return error;
}

static const struct socket_ops operations = {
	.release = release,
	.bind = bind,
	.connect = datagram_connect,
	.get_name = datagram_get_name,
	.send = send,
	.receive = datagram_receive,
	.shutdown = datagram_shutdown,
	.poll = datagram_poll,
	.ioctl = datagram_ioctl,
	.set_option = datagram_set_option,
	.get_option = datagram_get_option,
};

static struct socket *create(int family, int protocol)
{
	if (protocol == IPPROTO_IP || protocol > IPPROTO_RAW)
		return ERR_PTR(-EPROTONOSUPPORT);
	struct datagram_socket *new =
		datagram_create(&operations, family, SOCK_RAW, protocol, NULL);
	if (new == NULL)
		return ERR_PTR(-ENOMEM);
	if (protocol == IPPROTO_RAW)
		new->inet.switches |= BIT(INET_HDRINCL);
	stack_lock();
	new->pcb = raw_new_ip_type(family == AF_INET6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4,
				   (u8_t)protocol);
	if (new->pcb != NULL) {
		raw_recv(new->pcb, receive, new);
		list_add_tail(&new->link, &sockets);
	}
	stack_unlock();
	if (new->pcb != NULL)
		return &new->inet.socket;
	datagram_free(new);
	return ERR_PTR(-ENOMEM);
}

int raw_for_each(datagram_visit *visit, void *context)
{
	const struct datagram_socket *datagram;
	int result = 0;

	list_for_each_entry (datagram, &sockets, link) {
		result = visit(datagram, context);
		if (result != 0)
			break;
	}
	return result;
}

void raw_sockets_init(void)
{
	static const struct inet_protocol raw = {
		.type = SOCK_RAW, .protocol = -1, .capability = CAP_NET_RAW, .create = create};

	inet_register(&raw);
}
