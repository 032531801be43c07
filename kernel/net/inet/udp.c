/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP: RFC 768.
 *
 * Each datagram that comes is looked for in the bucket of its port: of the sockets that may have it
 * the most particular one gets it, of several that share a port (SO_REUSEPORT) one by the sender's
 * address.  What goes to a group or to all is for everybody who may have it.
 *
 * Everything but making a socket is under the stack's lock.
 */
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/prot/udp.h>
#include <lwip/raw.h>

#include "lib/errno.h"
#include "lib/hash.h"
#include "net/inet/datagram.h"
#include "net/inet/netif.h"
#include "net/inet/stack.h"

static struct inet_ports ports;
static struct raw_pcb *watcher; /* sees all of UDP, once there is a socket */

/* --- Who gets it --- */

/* How well the socket fits; 0: not at all. */
static u32 score_of(const struct inet_socket *inet, const struct datagram *about)
{
	u32 score = 1;
	bool ip4 = IP_IS_V4_VAL(about->to);

	if (inet->local_port != about->to_port || inet_is_isolated(inet))
		return 0;
	if (inet->device != 0 && inet->device != about->device)
		return 0;
	if (ip4 && inet->socket.family == AF_INET6 && inet_has(inet, INET_V6ONLY))
		return 0;
	if (!ip4 && inet->socket.family == AF_INET)
		return 0;
	if (!inet_is_any(&inet->local)) {
		if (!ip_addr_cmp(&inet->local, &about->to))
			return 0;
		score += 4;
	}
	if (inet->remote_port != 0) {
		if (inet->remote_port != about->from_port ||
		    !ip_addr_cmp(&inet->remote, &about->from))
			return 0;
		score += 8;
	}
	score += inet->device != 0 ? 4 : 0;
	return score + (inet->socket.family == (ip4 ? AF_INET : AF_INET6) ? 1 : 0);
}

static const struct list_head *bucket_of(u16 port)
{
	return &ports.buckets[port % INET_PORT_BUCKETS];
}

/* A number for who sent it, equal for the same sender. */
static u32 sender_number(const struct datagram *about)
{
	u32 number = about->from_port * 0x9e3779b1u;

	if (IP_IS_V4_VAL(about->from))
		number ^= ip_addr_get_ip4_u32(&about->from) * 0x85ebca6bu;
	else
		number ^= ip_2_ip6(&about->from)->addr[3] * 0x85ebca6bu;
	return number ^ number >> 15;
}

static struct datagram_socket *find(const struct datagram *about)
{
	struct inet_socket *inet, *found = NULL;
	u32 best = 0, equal = 0, chosen = 0;

	list_for_each_entry (inet, bucket_of(about->to_port), port_link) {
		u32 score = score_of(inet, about);

		if (score > best) {
			best = score;
			found = inet;
			equal = 1;
		} else if (score != 0 && score == best) {
			equal++;
		}
	}
	if (equal < 2)
		return found != NULL ? datagram_of(&found->socket) : NULL;
	/* Of those that share the port the one that the sender's number points at; of those that
	 * share only the address, the last that came. */
	chosen = socket_has_option(&found->socket, SO_REUSEPORT) ? sender_number(about) % equal
								 : equal - 1;
	list_for_each_entry (inet, bucket_of(about->to_port), port_link)
		if (score_of(inet, about) == best && chosen-- == 0)
			return datagram_of(&inet->socket);
	return datagram_of(&found->socket);
}

struct datagram_socket *udp_sender(const struct datagram *sent)
{
	/* Seen from the other side. */
	struct datagram reverse = {.from = sent->to,
				   .to = sent->from,
				   .from_port = sent->to_port,
				   .to_port = sent->from_port,
				   .device = sent->device};

	return find(&reverse);
}

static void deliver_to_all(const struct datagram *about, struct pbuf *packet, u32 offset,
			   u32 length)
{
	struct inet_socket *inet;

	list_for_each_entry (inet, bucket_of(about->to_port), port_link) {
		struct datagram_socket *datagram = datagram_of(&inet->socket);

		if (score_of(inet, about) != 0 && datagram_hears(datagram, about))
			datagram_deliver(datagram, about, packet, offset, length);
	}
}

/* --- Coming in --- */

static bool checksum_ok(struct pbuf *packet, u16 header, const struct udp_hdr *udp, u16 length)
{
	if (!(ip_current_input_netif()->chksum_flags & NETIF_CHECKSUM_CHECK_UDP))
		return true;
	if (udp->chksum == 0)
		return !ip_current_is_v6();
	pbuf_remove_header(packet, header);
	bool good = ip_chksum_pseudo_partial(packet, IP_PROTO_UDP, packet->tot_len, length,
					     ip_current_src_addr(), ip_current_dest_addr()) == 0 ||
		    packet->tot_len != length;
	pbuf_add_header_force(packet, header);
	return good;
}

/* One packet, from IP's header on; 1: it was taken. */
static u8_t receive(void *argument __unused, struct raw_pcb *pcb __unused, struct pbuf *packet,
		    const ip_addr_t *from)
{
	u16 header = ip_current_header_tot_len();
	struct datagram_socket *datagram = NULL;
	struct datagram about;
	struct udp_hdr udp;

	if (packet->tot_len < header + UDP_HEADER)
		return 0;
	pbuf_copy_partial(packet, &udp, sizeof(udp), header);
	u16 length = lwip_ntohs(udp.len);
	if (length < UDP_HEADER || length > packet->tot_len - header)
		return 0;
	datagram_describe(&about, from);
	about.from_port = lwip_ntohs(udp.src);
	about.to_port = lwip_ntohs(udp.dest);
	if (!about.to_many) {
		datagram = find(&about);
		if (datagram == NULL)
			return 0;
	}
	if (checksum_ok(packet, header, &udp, length)) {
		u32 start = header + UDP_HEADER, size = length - UDP_HEADER;

		if (datagram != NULL)
			datagram_deliver(datagram, &about, packet, start, size);
		else
			deliver_to_all(&about, packet, start, size);
	}
	/* lwIP has listeners of its own, whose packets go to all. */
	if (about.to_many)
		return 0;
	pbuf_free(packet);
	return 1;
}

static int watch_locked(void)
{
	if (watcher == NULL) {
		watcher = raw_new_ip_type(IPADDR_TYPE_ANY, IP_PROTO_UDP);
		if (watcher == NULL)
			return -ENOMEM;
		raw_recv(watcher, receive, NULL);
	}
	return icmp_watch();
}

/* --- Going out --- */

/* What goes to a group goes to its members on this machine, too. */
static void loop_back(const struct inet_socket *inet, const struct datagram_way *way,
		      struct pbuf *packet)
{
	const struct net_device *device = inet_device_of(way->netif);
	struct datagram about = {.from_port = inet->local_port,
				 .to_port = way->port,
				 .device = device != NULL ? device->index : 0,
				 .ttl = way->ttl,
				 .tos = way->tos,
				 .to_many = true};

	ip_addr_copy(about.from, way->source);
	ip_addr_copy(about.to, way->to);
	if (inet_has(inet, IP_IS_V4_VAL(way->to) ? INET_MULTICAST_LOOP : INET_MULTICAST_LOOP6))
		deliver_to_all(&about, packet, UDP_HEADER, packet->tot_len - UDP_HEADER);
}

static void put_header(struct pbuf *packet, const struct inet_socket *inet,
		       const struct datagram_way *way)
{
	struct udp_hdr udp = {.src = lwip_htons(inet->local_port),
			      .dest = lwip_htons(way->port),
			      .len = lwip_htons(packet->tot_len)};

	memcpy(packet->payload, &udp, sizeof(udp));
	if (!(way->netif->chksum_flags & NETIF_CHECKSUM_GEN_UDP) ||
	    (IP_IS_V4_VAL(way->to) && socket_has_option(&inet->socket, SO_NO_CHECK)))
		return;
	u16 sum = ip_chksum_pseudo(packet, IP_PROTO_UDP, packet->tot_len, &way->source, &way->to);
	udp.chksum = sum != 0 ? sum : 0xffff;
	memcpy(packet->payload, &udp, sizeof(udp));
}

static int send_locked(struct datagram_socket *datagram, struct datagram_plan *plan,
		       struct pbuf *packet)
{
	struct inet_socket *inet = &datagram->inet;
	int error = 0;

	if (inet->local_port == 0)
		error = inet_bind_port(inet, &inet->local, 0);
	if (!error)
		error = datagram_route(datagram, plan);
	if (!error && pbuf_add_header(packet, UDP_HEADER))
		error = -EMSGSIZE;
	if (error)
		return error;
	put_header(packet, inet, &plan->way);
	if (ip_addr_ismulticast(&plan->way.to)) {
		loop_back(inet, &plan->way, packet);
		if (plan->way.netif == stack_loopback())
			return 0;
	}
	return datagram_output(datagram, &plan->way, packet, IP_PROTO_UDP);
}

static ssize_t send(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct datagram_socket *datagram = datagram_of(socket);
	size_t length = message->cursor->remaining;
	struct datagram_plan plan;
	int error;

	if (length > DATAGRAM_MAX)
		return -EMSGSIZE;
	error = datagram_plan(datagram, message, flags, &plan);
	if (error)
		return error;
	if (length > DATAGRAM_MAX - UDP_HEADER - (IP_IS_V4_VAL(plan.way.to) ? IP_HLEN : 0))
		return -EMSGSIZE;
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

static const struct socket_ops operations = {
	.release = datagram_release,
	.bind = datagram_bind,
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
	stack_lock();
	int error = watch_locked();
	stack_unlock();
	if (error)
		return ERR_PTR(error);
	struct datagram_socket *new =
		datagram_create(&operations, family, SOCK_DGRAM, protocol, &ports);
	return new != NULL ? &new->inet.socket : ERR_PTR(-ENOMEM);
}

int udp_for_each(datagram_visit *visit, void *context)
{
	return datagram_for_each_of(&ports, visit, context);
}

static bool is_exclusive(const struct inet_socket *inet __unused)
{
	return false;
}

void udp_sockets_init(void)
{
	static const struct inet_protocol udp = {.type = SOCK_DGRAM,
						 .protocol = IPPROTO_UDP,
						 .is_default = true,
						 .capability = -1,
						 .create = create};

	inet_ports_init(&ports);
	ports.is_exclusive = is_exclusive;
	inet_register(&udp);
}
