/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of Ethernet's kind and lwIP: see netif.h.
 *
 * Sending copies a packet into a frame, which the driver keeps until it is sent; so lwIP may change
 * and free its own at once.  Receiving does not copy: a frame becomes a buffer of lwIP's, whose
 * last user gives the frame back.  Two kinds are copied: short ones, so that what waits in a socket
 * takes no more memory than it must, and frames that others look at, too, as lwIP writes to headers.
 *
 * One timer ticks each second while an interface but lo is up, for what lwIP keeps of neighbours,
 * routers, groups and fragments.  Groups want their timers ten times a second; they get ten ticks
 * at once, as theirs only spread answers over time.
 */
#include "net/inet/netif.h"

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/etharp.h>
#include <lwip/prot/ip4.h>
#include <netif/ethernet.h>

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "lib/abi/socket.h"
#include "net/inet/address.h"
#include "net/inet/interfaces.h"
#include "net/inet/route.h"
#include "net/inet/stack.h"

/* SLACK: lwIP looks at the byte behind TCP's options before it sees that they have ended. */
enum { SHORT = 256, SLACK = 8, GROUP_TICKS = 10 };

_Static_assert((int)sizeof(struct pbuf_custom) <= (int)NET_FRAME_STACK,
	       "lwIP's head of a buffer is in the frame");
_Static_assert((int)NET_FRAME_HEADROOM >= (int)ETH_PAD_SIZE, "room for lwIP's padding");

static u32 interfaces_up; /* the stack's lock: but lo */

/* --- Names --- */

struct net_device *inet_device_of(const struct netif *netif)
{
	return netif == stack_loopback() ? &loopback_device : netif->state;
}

struct netif *inet_netif_of(const struct net_device *device)
{
	return device == &loopback_device ? stack_loopback() : device->stack;
}

struct netif *inet_netif_by_index(u32 index)
{
	struct netif *netif;

	NETIF_FOREACH(netif)
	{
		if (inet_device_of(netif)->index == index)
			return netif;
	}
	return NULL;
}

/* --- Sending --- */

static err_t send(struct netif *netif, struct pbuf *packet)
{
	u32 length = packet->tot_len - ETH_PAD_SIZE;
	struct net_frame *frame;

	if (length > NET_FRAME_ROOM)
		return ERR_BUF;
	frame = net_frame_alloc();
	if (frame == NULL)
		return ERR_MEM;
	frame->length = length;
	pbuf_copy_partial(packet, frame->data, (u16)length, ETH_PAD_SIZE);
	switch (net_device_send(netif->state, frame)) {
	case 0:
		return ERR_OK;
	case -ENOBUFS:
		return ERR_MEM;
	default:
		return ERR_IF;
	}
}

/* --- Receiving --- */

static struct net_frame *frame_of(struct pbuf *packet)
{
	return container_of((u8(*)[NET_FRAME_STACK])packet, struct net_frame, stack);
}

static void free_frame(struct pbuf *packet)
{
	net_frame_put(frame_of(packet));
}

/* The frame as a buffer of lwIP's; the reference goes along.  NULL: no memory. */
static struct pbuf *packet_of(struct net_frame *frame)
{
	u16 length = (u16)(frame->length + ETH_PAD_SIZE);
	struct pbuf_custom *custom = (struct pbuf_custom *)frame->stack;
	struct pbuf *packet;

	if (frame->length > SHORT && READ_ONCE(frame->references) == 1) {
		custom->custom_free_function = free_frame;
		return pbuf_alloced_custom(PBUF_RAW, length, PBUF_REF, custom,
					   frame->data - ETH_PAD_SIZE, length);
	}
	packet = pbuf_alloc(PBUF_RAW, length + SLACK, PBUF_RAM);
	if (packet != NULL) {
		memcpy((u8 *)packet->payload + ETH_PAD_SIZE, frame->data, frame->length);
		memset((u8 *)packet->payload + length, 0, SLACK);
		pbuf_realloc(packet, length);
	}
	net_frame_put(frame);
	return packet;
}

/* Is the frame's packet, or its question of ARP, for another than the primary address of the
 * interface?  Says which. */
static bool is_for_secondary(const struct net_device *device, const struct net_frame *frame,
			     u32 *address)
{
	u32 at = ETHERNET_HEADER;

	if (frame->protocol == ETH_P_IP)
		at += offsetof(struct ip_hdr, dest);
	else if (frame->protocol == ETH_P_ARP)
		at += offsetof(struct etharp_hdr, dipaddr);
	else
		return false;
	if (frame->length < at + sizeof(*address))
		return false;
	memcpy(address, frame->data + at, sizeof(*address));
	return inet_address_has4_locked(device, *address);
}

/* lwIP believes that a packet of ARP is whole. */
static bool is_wanted(const struct net_frame *frame)
{
	if (frame->type == PACKET_OTHERHOST)
		return false;
	return frame->protocol == ETH_P_IP || frame->protocol == ETH_P_IPV6 ||
	       (frame->protocol == ETH_P_ARP &&
		frame->length >= ETHERNET_HEADER + SIZEOF_ETHARP_HDR);
}

static void receive_one(struct net_device *device, struct netif *netif, struct net_frame *frame)
{
	ip4_addr_t own = *netif_ip4_addr(netif), address;
	bool secondary = is_for_secondary(device, frame, &address.addr) && address.addr != own.addr;
	struct pbuf *packet = packet_of(frame);

	if (packet == NULL)
		return;
	/* For this packet the interface has the address that it is for. */
	if (secondary)
		ip4_addr_copy(*ip_2_ip4(&netif->ip_addr), address);
	if (netif->input(packet, netif) != ERR_OK)
		pbuf_free(packet);
	if (secondary)
		ip4_addr_copy(*ip_2_ip4(&netif->ip_addr), own);
}

/* The network's thread. */
static void receive(struct net_device *device, struct list_head *frames)
{
	struct netif *netif;

	stack_lock();
	netif = inet_netif_of(device);
	while (!list_empty(frames)) {
		struct net_frame *frame = list_first_entry(frames, struct net_frame, link);

		list_remove(&frame->link);
		if (netif == NULL || netif == stack_loopback() || !is_wanted(frame))
			net_frame_put(frame);
		else
			receive_one(device, netif, frame);
	}
	stack_unlock();
}

/* --- Time --- */

static bool tick(struct stack_timer *timer __unused)
{
	etharp_tmr();
	nd6_tmr();
	ip_reass_tmr();
	ip6_reass_tmr();
	for (int i = 0; i < GROUP_TICKS; i++) {
		igmp_tmr();
		mld6_tmr();
	}
	return interfaces_up > 0;
}

static struct stack_timer timer = {.interval = NSEC_PER_SEC, .function = tick};

/* --- Devices --- */

static err_t start(struct netif *netif)
{
	struct net_device *device = netif->state;

	netif->name[0] = 'e';
	netif->name[1] = 'n';
	netif->hwaddr_len = ETHERNET_ADDRESS;
	memcpy(netif->hwaddr, device->address, ETHERNET_ADDRESS);
	netif->mtu = (u16)device->mtu;
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = send;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		       NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	netif_set_ip6_autoconfig_enabled(netif, 1);
	return ERR_OK;
}

static void add(struct net_device *device)
{
	struct netif *netif = kzalloc(sizeof(*netif));

	if (netif == NULL || netif_add_noaddr(netif, device, start, ethernet_input) == NULL) {
		log_error("%s: no memory for its protocols", device->name);
		kfree(netif);
		return;
	}
	device->stack = netif;
}

static void set_up(struct net_device *device, struct netif *netif)
{
	if (netif != stack_loopback()) {
		interfaces_up++;
		stack_timer_start(&timer);
	}
	netif_set_up(netif);
	inet_addresses_up_locked(device, netif);
}

static void set_down(struct net_device *device, struct netif *netif)
{
	inet_addresses_down_locked(device, netif);
	netif_set_down(netif);
	if (netif != stack_loopback())
		interfaces_up--;
}

/* Makes the netif what the device is. */
static void follow(struct net_device *device, struct netif *netif)
{
	bool up = net_device_is_up(device), link = device->carrier;

	if (netif != stack_loopback()) {
		memcpy(netif->hwaddr, device->address, ETHERNET_ADDRESS);
		netif->mtu = (u16)device->mtu;
	}
	if (link && !netif_is_link_up(netif))
		netif_set_link_up(netif);
	else if (!link && netif_is_link_up(netif))
		netif_set_link_down(netif);
	if (up && !netif_is_up(netif))
		set_up(device, netif);
	else if (!up && netif_is_up(netif))
		set_down(device, netif);
}

static void device_changed(struct net_device *device, enum net_event event, u32 changed __unused)
{
	struct netif *netif;

	stack_lock();
	if (event == NET_DEVICE_ADDED && device->type == ARPHRD_ETHER)
		add(device);
	netif = inet_netif_of(device);
	if (netif != NULL)
		follow(device, netif);
	if (netif != NULL && event == NET_DEVICE_GONE) {
		inet_route_flush_locked(device, AF_INET, true);
		netif_remove(netif);
		device->stack = NULL;
		kfree(netif);
	}
	stack_unlock();
}

void inet_interfaces_init(void)
{
	stack_lock();
	inet_addresses_init();
	stack_unlock();
	net_device_subscribe(device_changed);
	net_device_set_receiver(receive);
}
