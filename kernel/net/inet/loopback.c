/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loopback interface: what is sent to it waits in a list and is received when the stack's lock
 * is given up, by the task that sent it.
 *
 * A packet that waits is a copy: lwIP changes headers on their way in, and keeps what it has sent
 * until it is acknowledged.  Headers and short data are copied; longer data of TCP lies in buffers
 * that both packets refer to (buffer.h).  The link of the list lies just before the packet's first
 * byte, in room that its allocation left.
 *
 * The interface answers to whatever address is sent to it: routes decide what is local.  To that
 * end it carries the destination as its own address while an IPv4 packet is received.
 *
 * Everything here is under the stack's lock.
 */
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>

#include "lib/assert.h"
#include "lib/string.h"
#include "net/inet/buffer.h"
#include "net/inet/stack.h"
#include "net/inet/stack_internal.h"

/* The longest that a packet of lwIP can be; programs are told 65536, as on Linux. */
#define LOOPBACK_MTU 65535

/* Packets that wait at once: what is above is lost, as on a wire. */
#define LOOPBACK_LIMIT 1024

static struct netif loopback;
static struct pbuf *first, *last;
static u32 waiting;

struct netif *stack_loopback(void)
{
	return &loopback;
}

bool loopback_pending(void)
{
	return first != NULL;
}

static struct pbuf **link_of(struct pbuf *packet)
{
	return (struct pbuf **)packet->payload - 1;
}

/* The same bytes for another packet. */
static struct pbuf *copy_piece(const struct pbuf *piece)
{
	struct pbuf *copy;

	if (buffer_is_slice(piece))
		return buffer_copy_slice(piece);
	copy = pbuf_alloc(PBUF_RAW, piece->len, PBUF_RAM);
	if (copy != NULL)
		memcpy(copy->payload, piece->payload, piece->len);
	return copy;
}

/* A copy of the packet that nobody else changes; NULL: no memory. */
static struct pbuf *copy_packet(struct pbuf *packet)
{
	u16_t header = 0;
	struct pbuf *shared;

	for (shared = packet; shared != NULL && !buffer_is_slice(shared); shared = shared->next)
		header += shared->len;
	struct pbuf *copy = pbuf_alloc((pbuf_layer)sizeof(struct pbuf *), header, PBUF_RAM);
	if (copy == NULL)
		return NULL;
	pbuf_copy_partial(packet, copy->payload, header, 0);
	for (; shared != NULL; shared = shared->next) {
		struct pbuf *piece = copy_piece(shared);

		if (piece == NULL) {
			pbuf_free(copy);
			return NULL;
		}
		pbuf_cat(copy, piece);
	}
	return copy;
}

static err_t send(struct pbuf *packet)
{
	if (waiting >= LOOPBACK_LIMIT)
		return ERR_OK;
	struct pbuf *copy = copy_packet(packet);
	if (copy == NULL)
		return ERR_MEM;
	*link_of(copy) = NULL;
	if (first == NULL)
		first = copy;
	else
		*link_of(last) = copy;
	last = copy;
	waiting++;
	return ERR_OK;
}

static err_t send_ip4(struct netif *netif __unused, struct pbuf *packet,
		      const ip4_addr_t *to __unused)
{
	return send(packet);
}

static err_t send_ip6(struct netif *netif __unused, struct pbuf *packet,
		      const ip6_addr_t *to __unused)
{
	return send(packet);
}

static void receive(struct pbuf *packet)
{
	const struct ip_hdr *header = packet->payload;

	if (packet->len >= IP_HLEN && IPH_V(header) == 4)
		ip4_addr_copy(*ip_2_ip4(&loopback.ip_addr), header->dest);
	ip_input(packet, &loopback);
}

void loopback_deliver(void)
{
	ip_addr_t own = loopback.ip_addr;

	ASSERT(stack_is_mine());
	while (first != NULL) {
		struct pbuf *packet = first;

		first = *link_of(packet);
		waiting--;
		receive(packet);
	}
	loopback.ip_addr = own;
}

static err_t start(struct netif *netif)
{
	netif->name[0] = 'l';
	netif->name[1] = 'o';
	netif->mtu = LOOPBACK_MTU;
	netif->output = send_ip4;
	netif->output_ip6 = send_ip6;
	return ERR_OK;
}

void loopback_init(void)
{
	ip4_addr_t address, mask, none;

	IP4_ADDR(&address, 127, 0, 0, 1);
	IP4_ADDR(&mask, 255, 0, 0, 0);
	ip4_addr_set_zero(&none);
	netif_add(&loopback, &address, &mask, &none, NULL, start, ip_input);
	IP_ADDR6_HOST(&loopback.ip6_addr[0], 0, 0, 0, 0x00000001UL);
	loopback.ip6_addr_state[0] = IP6_ADDR_PREFERRED;
	NETIF_SET_CHECKSUM_CTRL(&loopback, NETIF_CHECKSUM_DISABLE_ALL);
	netif_set_link_up(&loopback);
	netif_set_up(&loopback);
}
