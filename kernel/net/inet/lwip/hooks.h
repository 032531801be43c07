/* SPDX-License-Identifier: BSD-2-Clause */
/* Where lwIP asks the kernel.  All run under the stack's lock. */
#ifndef LWIP_PORT_HOOKS_H
#define LWIP_PORT_HOOKS_H

#include <lwip/err.h>
#include <lwip/ip_addr.h>

struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

/* The first sequence number of a connection (RFC 6528): nobody else can guess it. */
u32_t inet_hook_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
			u16_t remote_port);
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) \
	inet_hook_tcp_isn(local_ip, local_port, remote_ip, remote_port)

/* Routes: net/inet/route.c.  The first one's macro is in lwipopts.h, where lwIP wants it. */
struct netif;
struct netif *inet_hook_ip4_route(const ip4_addr_t *to);
const ip4_addr_t *inet_hook_ip4_gateway(struct netif *netif, const ip4_addr_t *to);
#define LWIP_HOOK_ETHARP_GET_GW(netif, to) inet_hook_ip4_gateway(netif, to)
struct netif *inet_hook_ip6_route(const ip6_addr_t *to);
#define LWIP_HOOK_IP6_ROUTE(from, to) inet_hook_ip6_route(to)
const ip6_addr_t *inet_hook_ip6_gateway(struct netif *netif, const ip6_addr_t *to);
#define LWIP_HOOK_ND6_GET_GW(netif, to) inet_hook_ip6_gateway(netif, to)

/* DHCP: net/inet/dhcp.c. */
struct dhcp_msg;
void inet_hook_dhcp_append(struct dhcp_msg *message, u16_t *length);
#define LWIP_HOOK_DHCP_APPEND_OPTIONS(netif, dhcp, state, message, type, length) \
	inet_hook_dhcp_append(message, length)
void inet_hook_dhcp_option(u8_t option, u8_t length, struct pbuf *packet, u16_t offset);
#define LWIP_HOOK_DHCP_PARSE_OPTION(netif, dhcp, state, message, type, option, length, packet, \
				    offset)                                                    \
	inet_hook_dhcp_option(option, length, packet, offset)

/* A packet has come for a connection or a listener: ERR_OK, or it is dropped. */
err_t inet_hook_tcp_packet(struct tcp_pcb *pcb, struct tcp_hdr *header);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, options, first, second, packet) \
	inet_hook_tcp_packet(pcb, header)

#endif
