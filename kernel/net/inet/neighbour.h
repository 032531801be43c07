/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is known on the interfaces' links: addresses of IP and of the hardware, as ARP and IPv6's
 * neighbour discovery have found them.
 */
#ifndef NET_INET_NEIGHBOUR_H
#define NET_INET_NEIGHBOUR_H

#include "lib/types.h"

struct net_device;

struct inet_neighbour {
	u8 family;
	u8 bytes[16]; /* its address; the first 4 of IPv4 */
	u8 hardware[6];
	u16 state;                 /* NUD_* */
	struct net_device *device; /* not counted */
};

/* Calls visit for each until it returns something but 0, which is the result; under the stack's
 * lock. */
int inet_neighbour_for_each(int (*visit)(const struct inet_neighbour *neighbour, void *context),
			    void *context);

#endif
