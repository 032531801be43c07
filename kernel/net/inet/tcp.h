/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP's sockets: what the rest of the network knows of them. */
#ifndef NET_INET_TCP_H
#define NET_INET_TCP_H

void tcp_sockets_init(void); /* once */

#endif
