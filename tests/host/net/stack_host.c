/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel around lwIP, for programs of the host: see stack_host.h. */
#include "stack_host.h"

#include <stdlib.h>
#include <string.h>

#include <lwip/init.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/raw.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "lib/abi/socket.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/kmalloc.h"
#include "net/inet/address.h"
#include "net/inet/buffer.h"
#include "net/inet/dhcp_internal.h"
#include "net/inet/interfaces.h"
#include "net/inet/lwip/hooks.h"
#include "net/inet/stack.h"
#include "proc/random.h"

struct net_device card, loopback_device = {.index = 1, .type = ARPHRD_LOOPBACK};
u32 frames_sent, last_length;
u8 last_sent[NET_FRAME_ROOM];
u64 bytes_received;

static void (*changed)(struct net_device *device, enum net_event event, u32 flags);
static void (*receiver)(struct net_device *device, struct list_head *frames);
static struct stack_timer *timers[4];
static struct netif loopback;
static u32 depth; /* of the stack's lock */
static long blocks, blocks_before;
static nsec_t now;
static u64 random_state;

/* --- What the kernel has --- */

void *kmalloc(size_t size)
{
	blocks++;
	return malloc(size);
}

void *kzalloc(size_t size)
{
	blocks++;
	return calloc(1, size);
}

void *kcalloc(size_t count, size_t size)
{
	blocks++;
	return calloc(count, size);
}

void kfree(const void *block)
{
	if (block != NULL)
		blocks--;
	free((void *)(uintptr_t)block);
}

nsec_t clock_monotonic(void)
{
	return now;
}

void random_bytes(void *buffer, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		random_state = random_state * 6364136223846793005u + 1442695040888963407u;
		((u8 *)buffer)[i] = (u8)(random_state >> 56);
	}
}

void log_write(enum log_level level __unused, const char *format __unused, ...) {}

void net_device_subscribe(void (*callback)(struct net_device *device, enum net_event event,
					   u32 flags))
{
	changed = callback;
}

void net_device_set_receiver(void (*receive)(struct net_device *device, struct list_head *frames))
{
	receiver = receive;
}

int net_device_send(struct net_device *device, struct net_frame *frame)
{
	if (device != &card || depth == 0 || frame->length > NET_FRAME_ROOM)
		abort();
	frames_sent++;
	last_length = frame->length;
	memcpy(last_sent, frame->data, frame->length);
	net_frame_put(frame);
	return 0;
}

/* --- The stack's lock and timers --- */

void stack_lock(void)
{
	if (depth++ != 0)
		abort();
}

void stack_unlock(void)
{
	if (--depth != 0)
		abort();
}

bool stack_is_mine(void)
{
	return depth == 1;
}

void stack_timer_start(struct stack_timer *timer)
{
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
		if (timers[i] == timer)
			break;
		if (timers[i] == NULL) {
			timers[i] = timer;
			break;
		}
	}
	timer->running = true;
}

static err_t drop4(struct netif *netif __unused, struct pbuf *packet __unused,
		   const ip4_addr_t *to __unused)
{
	return ERR_OK;
}

static err_t drop6(struct netif *netif __unused, struct pbuf *packet __unused,
		   const ip6_addr_t *to __unused)
{
	return ERR_OK;
}

static err_t start_loopback(struct netif *netif)
{
	netif->mtu = 65535;
	netif->output = drop4;
	netif->output_ip6 = drop6;
	return ERR_OK;
}

struct netif *stack_loopback(void)
{
	return &loopback;
}

/* --- What is not under test --- */

bool dhcp_give_back_locked(struct netif *netif __unused)
{
	return false;
}

u32_t inet_hook_tcp_isn(const ip_addr_t *local_ip __unused, u16_t local_port __unused,
			const ip_addr_t *remote_ip __unused, u16_t remote_port __unused)
{
	return 1000;
}

err_t inet_hook_tcp_packet(struct tcp_pcb *pcb __unused, struct tcp_hdr *header __unused)
{
	return ERR_OK;
}

void inet_hook_dhcp_append(struct dhcp_msg *message __unused, u16_t *length __unused) {}

void inet_hook_dhcp_option(u8_t option __unused, u8_t length __unused, struct pbuf *packet __unused,
			   u16_t offset __unused)
{
}

void tcp_timer_needed(void) {}

/* Only programs' data lie in slices. */
struct pbuf *buffer_slice(struct buffer *buffer __unused, u32 offset __unused, u16 length __unused)
{
	abort();
}

/* --- Endpoints --- */

static err_t on_data(void *argument __unused, struct tcp_pcb *pcb, struct pbuf *data,
		     err_t error __unused)
{
	if (data == NULL)
		return tcp_close(pcb);
	bytes_received += data->tot_len;
	tcp_recved(pcb, data->tot_len);
	pbuf_free(data);
	return ERR_OK;
}

static err_t on_accept(void *argument __unused, struct tcp_pcb *pcb, err_t error __unused)
{
	if (pcb != NULL)
		tcp_recv(pcb, on_data);
	return ERR_OK;
}

static void on_datagram(void *argument __unused, struct udp_pcb *pcb __unused, struct pbuf *data,
			const ip_addr_t *from __unused, u16_t port __unused)
{
	bytes_received += data->tot_len;
	pbuf_free(data);
}

static struct tcp_pcb *listener;
static struct udp_pcb *datagrams;

static void make_endpoints(void)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

	if (pcb == NULL || tcp_bind(pcb, IP_ANY_TYPE, 80) != ERR_OK)
		abort();
	listener = tcp_listen(pcb);
	tcp_accept(listener, on_accept);
	datagrams = udp_new_ip_type(IPADDR_TYPE_ANY);
	if (datagrams == NULL || udp_bind(datagrams, IP_ANY_TYPE, 53) != ERR_OK)
		abort();
	udp_recv(datagrams, on_datagram, NULL);
}

/* --- A card comes and goes --- */

static void start_once(void)
{
	static bool started;
	ip4_addr_t address, mask, none;

	if (started)
		return;
	started = true;
	IP4_ADDR(&address, 127, 0, 0, 1);
	IP4_ADDR(&mask, 255, 0, 0, 0);
	ip4_addr_set_zero(&none);
	lwip_init();
	netif_add(&loopback, &address, &mask, &none, NULL, start_loopback, ip_input);
	netif_set_link_up(&loopback);
	netif_set_up(&loopback);
	inet_interfaces_init();
}

void host_stack_begin(void)
{
	struct inet_address address = {
		.family = AF_INET, .prefix = 24, .bytes = {10, 0, 2, 15}, .device = &card};

	start_once();
	random_state = 1;
	frames_sent = last_length = 0;
	bytes_received = 0;
	blocks_before = blocks;
	card = (struct net_device){.index = 2,
				   .type = ARPHRD_ETHER,
				   .address_length = ETHERNET_ADDRESS,
				   .address = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
				   .mtu = 1500,
				   .carrier = true,
				   .flags = IFF_BROADCAST | IFF_MULTICAST};
	changed(&card, NET_DEVICE_ADDED, 0);
	card.flags |= IFF_UP | IFF_RUNNING;
	changed(&card, NET_DEVICE_CHANGED, IFF_UP);
	if (inet_address_add(&address) != 0)
		abort();
	stack_lock();
	make_endpoints();
	stack_unlock();
}

void host_stack_receive(const u8 *bytes, u32 length, bool shared)
{
	struct list_head frames = LIST_INIT(frames);
	struct net_frame *frame = net_frame_alloc();

	if (length < ETHERNET_HEADER || length > NET_FRAME_ROOM)
		abort();
	memcpy(frame->data, bytes, length);
	frame->length = length;
	frame->device = &card;
	frame->protocol = (u16)(bytes[12] << 8 | bytes[13]);
	frame->type = PACKET_HOST;
	list_add_tail(&frame->link, &frames);
	if (shared)
		net_frame_get(frame);
	receiver(&card, &frames);
	if (!shared)
		return;
	/* Nobody has written to what others look at. */
	if (memcmp(frame->data, bytes, length) != 0)
		abort();
	net_frame_put(frame);
}

void host_stack_wait(u32 seconds)
{
	for (; seconds > 0; seconds--) {
		now += NSEC_PER_SEC;
		stack_lock();
		for (size_t i = 0; i < ARRAY_SIZE(timers) && timers[i] != NULL; i++)
			if (timers[i]->running)
				timers[i]->running = timers[i]->function(timers[i]);
		for (int i = 0; i < 4; i++)
			tcp_tmr();
		stack_unlock();
	}
}

long host_stack_end(void)
{
	struct inet_address address = {
		.family = AF_INET, .prefix = 24, .bytes = {10, 0, 2, 15}, .device = &card};

	stack_lock();
	while (tcp_active_pcbs != NULL)
		tcp_abort(tcp_active_pcbs);
	while (tcp_tw_pcbs != NULL)
		tcp_abort(tcp_tw_pcbs);
	tcp_close(listener);
	udp_remove(datagrams);
	stack_unlock();
	if (inet_address_remove(&address) != 0)
		abort();
	card.flags &= ~(u32)(IFF_UP | IFF_RUNNING);
	changed(&card, NET_DEVICE_CHANGED, IFF_UP);
	stack_lock();
	/* Fragments that wait for more have their time. */
	for (int i = 0; i < 120; i++) {
		ip_reass_tmr();
		ip6_reass_tmr();
	}
	stack_unlock();
	changed(&card, NET_DEVICE_GONE, 0);
	return blocks - blocks_before;
}
