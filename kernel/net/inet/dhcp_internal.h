/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's client of DHCP: between dhcp.c, autoconfig.c and address.c.  See dhcp.c. */
#ifndef NET_INET_DHCP_INTERNAL_H
#define NET_INET_DHCP_INTERNAL_H

#include "lib/types.h"

struct net_device;
struct netif;

enum { DHCP_SERVERS = 3, DHCP_DOMAIN = 64 };

/* What a server said, beside the address. */
struct dhcp_answer {
	u32 name_servers[DHCP_SERVERS]; /* network's order; 0: none */
	u32 server, router;
	char domain[DHCP_DOMAIN];
};

/*
 * Asks for an address for the interface, which is up, and waits until there is one: 0, -ETIMEDOUT
 * at the deadline, -ENOMEM.  It is renewed from then on.  Sleeps.
 */
int __must_check dhcp_run(struct net_device *device, nsec_t deadline, struct dhcp_answer *answer);
/* Gives the interface's address back if it came from a server; says whether it did.  The stack's
 * lock held. */
bool dhcp_give_back_locked(struct netif *netif);

#endif
