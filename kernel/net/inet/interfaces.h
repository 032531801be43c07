/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces of the network and IP, for those who know nothing of lwIP. */
#ifndef NET_INET_INTERFACES_H
#define NET_INET_INTERFACES_H

/* Brings devices and lwIP together (netif.h).  Once, after stack_init, before drivers. */
void inet_interfaces_init(void);

#endif
