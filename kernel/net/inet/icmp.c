/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP for datagram sockets: errors go to the sockets whose packets they are about, and answers to
 * an echo to the sockets that asked ("ping" sockets: icmp(7)).
 *
 * A raw_pcb of lwIP's sees all of ICMP once there is a socket that may want some.  It never takes a
 * packet: lwIP and raw sockets get it as well.  Everything but making a socket is under the stack's
 * lock.
 */
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/raw.h>

#include "lib/errno.h"
#include "net/inet/datagram.h"
#include "net/inet/netif.h"
#include "net/inet/stack.h"
#include "proc/credentials.h"

enum {
	ICMP_HEADER = 8,
	ICMP_ECHO_ANSWER = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO_REQUEST = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_ANSWER = 129,
	TOLD_MAX = 1024, /* bytes of a packet that an error's message tells */
};

struct icmp_header {
	u8 type, code;
	u16 checksum;
	u16 identifier, sequence; /* of an echo; of errors the rest of the header, as it is */
};

static struct raw_pcb *watchers[2]; /* IPv4, IPv6 */
static struct inet_ports identifiers;

void datagram_describe(struct datagram *about, const ip_addr_t *from)
{
	const struct net_device *device = inet_device_of(ip_current_input_netif());

	*about = (struct datagram){.device = device != NULL ? device->index : 0};
	ip_addr_copy(about->from, *from);
	ip_addr_copy(about->to, *ip_current_dest_addr());
	if (ip_current_is_v6()) {
		about->ttl = IP6H_HOPLIM(ip6_current_header());
		about->tos = (u8)IP6H_TC(ip6_current_header());
	} else {
		about->ttl = IPH_TTL(ip4_current_header());
		about->tos = IPH_TOS(ip4_current_header());
		about->to_many = ip_addr_isbroadcast(&about->to, ip_current_input_netif());
	}
	about->to_many |= ip_addr_ismulticast(&about->to);
}

/* --- Errors --- */

/* What programs are told; `fatal`: without IP_RECVERR too. */
static u32 meaning_ip4(const struct icmp_header *icmp, bool *fatal)
{
	static const struct {
		u8 error;
		bool fatal;
	} unreachable[] = {
		{ENETUNREACH, false},  {EHOSTUNREACH, false}, {ENOPROTOOPT, true},
		{ECONNREFUSED, true},  {EMSGSIZE, false},     {EOPNOTSUPP, false},
		{ENETUNREACH, true},   {EHOSTDOWN, true},     {ENONET, true},
		{ENETUNREACH, true},   {EHOSTUNREACH, true},  {ENETUNREACH, false},
		{EHOSTUNREACH, false}, {EHOSTUNREACH, true},  {EHOSTUNREACH, true},
		{EHOSTUNREACH, true},
	};

	*fatal = false;
	if (icmp->type == ICMP_TIME_EXCEEDED)
		return EHOSTUNREACH;
	if (icmp->type == ICMP_PARAMETER) {
		*fatal = true;
		return EPROTO;
	}
	if (icmp->type != ICMP_UNREACHABLE || icmp->code >= ARRAY_SIZE(unreachable))
		return 0;
	*fatal = unreachable[icmp->code].fatal;
	return unreachable[icmp->code].error;
}

static u32 meaning_ip6(const struct icmp_header *icmp, bool *fatal)
{
	static const u8 unreachable[] = {ENETUNREACH,  EACCES, EHOSTUNREACH, EHOSTUNREACH,
					 ECONNREFUSED, EACCES, EACCES};

	*fatal = false;
	switch (icmp->type) {
	case ICMP6_UNREACHABLE:
		if (icmp->code >= ARRAY_SIZE(unreachable))
			return EPROTO;
		*fatal = icmp->code == 1 || icmp->code == 4 || icmp->code > 4;
		return unreachable[icmp->code];
	case ICMP6_TOO_BIG:
		return EMSGSIZE;
	case ICMP6_TIME_EXCEEDED:
		return EHOSTUNREACH;
	case ICMP6_PARAMETER:
		*fatal = true;
		return EPROTO;
	default:
		return 0;
	}
}

/* The headers of the packet that an error is about, as far as they matter. */
struct quoted {
	u8 protocol;
	u32 header;   /* bytes of IP's */
	u16 ports[4]; /* the first bytes behind it */
};

static bool read_quoted(struct pbuf *packet, u32 at, bool ip6, struct quoted *quoted,
			struct datagram *sent)
{
	struct ip_hdr ip4_header;
	struct ip6_hdr ip6_header;

	if (ip6) {
		if (pbuf_copy_partial(packet, &ip6_header, IP6_HLEN, (u16_t)at) != IP6_HLEN)
			return false;
		quoted->header = IP6_HLEN;
		quoted->protocol = IP6H_NEXTH(&ip6_header);
		ip_addr_copy_from_ip6_packed(sent->from, ip6_header.src);
		ip_addr_copy_from_ip6_packed(sent->to, ip6_header.dest);
	} else {
		if (pbuf_copy_partial(packet, &ip4_header, IP_HLEN, (u16_t)at) != IP_HLEN)
			return false;
		quoted->header = IPH_HL_BYTES(&ip4_header);
		quoted->protocol = IPH_PROTO(&ip4_header);
		ip_addr_copy_from_ip4(sent->from, ip4_header.src);
		ip_addr_copy_from_ip4(sent->to, ip4_header.dest);
	}
	return quoted->header >= IP_HLEN &&
	       pbuf_copy_partial(packet, quoted->ports, sizeof(quoted->ports),
				 (u16_t)(at + quoted->header)) == sizeof(quoted->ports);
}

static void pass_error_on(const struct icmp_header *icmp, struct pbuf *packet, u32 at,
			  const ip_addr_t *from)
{
	bool ip6 = ip_current_is_v6(), fatal;
	u32 number = ip6 ? meaning_ip6(icmp, &fatal) : meaning_ip4(icmp, &fatal);
	struct linux_sock_extended_err error = {.number = number,
						.origin = ip6 ? SO_EE_ORIGIN_ICMP6
							      : SO_EE_ORIGIN_ICMP,
						.type = icmp->type,
						.code = icmp->code};
	struct datagram_socket *datagram = NULL;
	struct datagram sent;
	struct quoted quoted;

	datagram_describe(&sent, from);
	if (number == 0 || !read_quoted(packet, at + ICMP_HEADER, ip6, &quoted, &sent))
		return;
	if (number == EMSGSIZE)
		error.information =
			ip6 ? lwip_ntohs(icmp->sequence) | (u32)lwip_ntohs(icmp->identifier) << 16
			    : lwip_ntohs(icmp->sequence);
	if (quoted.protocol == IPPROTO_UDP) {
		sent.from_port = lwip_ntohs(quoted.ports[0]);
		sent.to_port = lwip_ntohs(quoted.ports[1]);
		datagram = udp_sender(&sent);
	} else if (quoted.protocol == (ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
		datagram = ping_sender(ip6, lwip_ntohs(quoted.ports[2]));
	}
	if (datagram == NULL)
		return;
	u32 start = at + ICMP_HEADER + quoted.header;
	start += quoted.protocol == IPPROTO_UDP ? UDP_HEADER : 0;
	/* The message's address is where the packet went; who complained stands in `from`. */
	ip_addr_copy(sent.from, *from);
	datagram_fail(datagram, &sent, &error, fatal, packet, start,
		      MIN(packet->tot_len - start, (u32)TOLD_MAX));
}

/* --- Answers --- */

struct datagram_socket *ping_sender(bool ip6, u16 identifier)
{
	struct inet_socket *inet;

	list_for_each_entry (inet, &identifiers.buckets[identifier % INET_PORT_BUCKETS], port_link)
		if (inet->local_port == identifier && !inet_is_isolated(inet) &&
		    (inet->socket.family == AF_INET6) == ip6)
			return datagram_of(&inet->socket);
	return NULL;
}

static bool checksum_ok(struct pbuf *packet, u16 header)
{
	const struct netif *netif = ip_current_input_netif();
	u16 sum;

	if (!(netif->chksum_flags &
	      (ip_current_is_v6() ? NETIF_CHECKSUM_CHECK_ICMP6 : NETIF_CHECKSUM_CHECK_ICMP)))
		return true;
	pbuf_remove_header(packet, header);
	sum = ip_current_is_v6()
		      ? ip6_chksum_pseudo(packet, IP6_NEXTH_ICMP6, packet->tot_len,
					  ip6_current_src_addr(), ip6_current_dest_addr())
		      : inet_chksum_pbuf(packet);
	pbuf_add_header_force(packet, header);
	return sum == 0;
}

static u8_t receive(void *argument __unused, struct raw_pcb *pcb __unused, struct pbuf *packet,
		    const ip_addr_t *from)
{
	u16 header = ip_current_header_tot_len();
	struct datagram_socket *datagram;
	struct icmp_header icmp;
	struct datagram about;

	if (pbuf_copy_partial(packet, &icmp, sizeof(icmp), header) != sizeof(icmp) ||
	    !checksum_ok(packet, header))
		return 0;
	if (icmp.type != (ip_current_is_v6() ? ICMP6_ECHO_ANSWER : ICMP_ECHO_ANSWER)) {
		pass_error_on(&icmp, packet, header, from);
		return 0;
	}
	datagram = ping_sender(ip_current_is_v6(), lwip_ntohs(icmp.identifier));
	if (datagram == NULL ||
	    (!inet_is_any(&datagram->inet.remote) && !ip_addr_cmp(&datagram->inet.remote, from)))
		return 0;
	datagram_describe(&about, from);
	datagram_deliver(datagram, &about, packet, header, packet->tot_len - header);
	return 0;
}

int icmp_watch(void)
{
	for (u32 i = 0; i < 2; i++) {
		if (watchers[i] != NULL)
			continue;
		watchers[i] = raw_new_ip_type(i == 0 ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6,
					      i == 0 ? IP_PROTO_ICMP : IP6_NEXTH_ICMP6);
		if (watchers[i] == NULL)
			return -ENOMEM;
		raw_recv(watchers[i], receive, NULL);
	}
	return 0;
}

/* --- Asking --- */

static int send_locked(struct datagram_socket *datagram, struct datagram_plan *plan,
		       struct pbuf *packet)
{
	struct inet_socket *inet = &datagram->inet;
	struct icmp_header *icmp = packet->payload;
	bool ip6 = inet->socket.family == AF_INET6;
	int error = 0;

	if (inet->local_port == 0)
		error = inet_bind_port(inet, &inet->local, 0);
	if (!error)
		error = datagram_route(datagram, plan);
	if (error)
		return error;
	icmp->identifier = lwip_htons(inet->local_port);
	icmp->checksum = 0;
	icmp->checksum =
		ip6 ? ip6_chksum_pseudo(packet, IP6_NEXTH_ICMP6, packet->tot_len,
					ip_2_ip6(&plan->way.source), ip_2_ip6(&plan->way.to))
		    : inet_chksum_pbuf(packet);
	return datagram_output(datagram, &plan->way, packet, ip6 ? IP6_NEXTH_ICMP6 : IP_PROTO_ICMP);
}

static ssize_t send(struct socket *socket, struct socket_message *message, u32 flags)
{
	struct datagram_socket *datagram = datagram_of(socket);
	size_t length = message->cursor->remaining;
	bool ip6 = socket->family == AF_INET6;
	struct datagram_plan plan;

	if (length > DATAGRAM_MAX - IP_HLEN)
		return -EMSGSIZE;
	if (length < ICMP_HEADER)
		return -EINVAL;
	int error = datagram_plan(datagram, message, flags, &plan);
	if (error)
		return error;
	if (IP_IS_V4_VAL(plan.way.to) == ip6)
		return -EINVAL;
	struct pbuf *packet = datagram_read(message->cursor, length);
	if (IS_ERR(packet))
		return PTR_ERR(packet);
	const struct icmp_header *icmp = packet->payload;
	error = icmp->type == (ip6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO_REQUEST) && icmp->code == 0
			? 0
			: -EINVAL;
	if (!error) {
		stack_lock();
		error = send_locked(datagram, &plan, packet);
		stack_unlock();
	}
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

/* Groups from `low` to `high` may make such sockets: ping_group_range, which nobody is in at first. */
static u32 low_group = 1, high_group; /* each word atomic */

void ping_group_range(u32 *low, u32 *high)
{
	*low = READ_ONCE(low_group);
	*high = READ_ONCE(high_group);
}

void ping_set_group_range(u32 low, u32 high)
{
	WRITE_ONCE(low_group, low);
	WRITE_ONCE(high_group, high);
}

static bool may_ping(void)
{
	const struct credentials *mine = current_credentials();
	const struct group_set *groups = mine->groups;
	u32 low = READ_ONCE(low_group), high = READ_ONCE(high_group);

	if (mine->egid >= low && mine->egid <= high)
		return true;
	for (u32 i = 0; i < groups->count; i++)
		if (groups->ids[i] >= low && groups->ids[i] <= high)
			return true;
	return false;
}

static struct socket *create(int family, int protocol)
{
	if ((family == AF_INET6) != (protocol == IPPROTO_ICMPV6))
		return ERR_PTR(-EPROTONOSUPPORT);
	if (!may_ping())
		return ERR_PTR(-EACCES);
	stack_lock();
	int error = icmp_watch();
	stack_unlock();
	if (error)
		return ERR_PTR(error);
	struct datagram_socket *new =
		datagram_create(&operations, family, SOCK_DGRAM, protocol, &identifiers);
	return new != NULL ? &new->inet.socket : ERR_PTR(-ENOMEM);
}

int ping_for_each(datagram_visit *visit, void *context)
{
	return datagram_for_each_of(&identifiers, visit, context);
}

static bool is_exclusive(const struct inet_socket *inet __unused)
{
	return false;
}

void ping_sockets_init(void)
{
	static const struct inet_protocol icmp = {
		.type = SOCK_DGRAM, .protocol = IPPROTO_ICMP, .capability = -1, .create = create};
	static const struct inet_protocol icmp6 = {
		.type = SOCK_DGRAM, .protocol = IPPROTO_ICMPV6, .capability = -1, .create = create};

	inet_ports_init(&identifiers);
	identifiers.is_exclusive = is_exclusive;
	inet_register(&icmp);
	inet_register(&icmp6);
}
