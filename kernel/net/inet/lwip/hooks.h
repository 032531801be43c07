/* SPDX-License-Identifier: BSD-2-Clause */
/* Where lwIP asks the kernel.  All run under the stack's lock. */
#ifndef LWIP_PORT_HOOKS_H
#define LWIP_PORT_HOOKS_H

#include <lwip/ip_addr.h>

struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

/* The first sequence number of a connection (RFC 6528): nobody else can guess it. */
u32_t inet_hook_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
			u16_t remote_port);
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) \
	inet_hook_tcp_isn(local_ip, local_port, remote_ip, remote_port)

#endif
