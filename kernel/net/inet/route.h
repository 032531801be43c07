/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of routes.
 *
 * Routes of IPv4 are all here: those to own addresses (table "local"), those to networks that
 * addresses bring, and those that are set.  Of IPv6 those that are set are here; lwIP has those
 * that routers announce, and knows the networks of addresses itself; inet_route_for_each shows all.
 *
 * The table is sorted, so the first that fits is the best: local ones first, then the longer
 * prefix, then the smaller metric.
 *
 * Everything is under the stack's lock, which the functions without _locked take.
 */
#ifndef NET_INET_ROUTE_H
#define NET_INET_ROUTE_H

#include "lib/types.h"

struct net_device;

enum inet_route_table { INET_TABLE_MAIN = 254, INET_TABLE_LOCAL = 255 };
enum inet_route_type { INET_ROUTE_UNICAST = 1, INET_ROUTE_LOCAL = 2, INET_ROUTE_BROADCAST = 3 };
enum inet_route_protocol {
	INET_PROTOCOL_KERNEL = 2,
	INET_PROTOCOL_BOOT = 3,
	INET_PROTOCOL_STATIC = 4,
	INET_PROTOCOL_RA = 9,
	INET_PROTOCOL_DHCP = 16,
};

struct inet_route {
	u8 family;
	u8 prefix;
	u8 protocol, scope, type; /* RTPROT_*, RT_SCOPE_*, RTN_* */
	bool has_gateway, has_source;
	u32 table;
	u32 metric;
	u8 destination[16] __attribute__((aligned(4)));
	u8 gateway[16] __attribute__((aligned(4)));
	u8 source[16] __attribute__((aligned(4))); /* the address that is preferred */
	struct net_device *device;                 /* not counted */
};

/*
 * Adds one.  0; -EEXIST: there is one to the same network with the same metric; -EINVAL: bits
 * behind the prefix; -ENETUNREACH: the gateway is in no network of the device; -ENETDOWN,
 * -ENODEV, -EOPNOTSUPP (another table or type), -ENOBUFS.  Without a device the gateway's is taken.
 */
int __must_check inet_route_add(const struct inet_route *route);
/* Takes away the first that fits: what is 0 or absent in `route` (metric, protocol, gateway,
 * device) does not matter.  -ESRCH. */
int __must_check inet_route_remove(const struct inet_route *route);
/* Under the lock, until visit returns something but 0, which is the result. */
int inet_route_for_each(int (*visit)(const struct inet_route *route, void *context), void *context);
/*
 * Where a packet to `destination` goes: the route with `source` filled in, the address that it
 * comes from if the sender does not care.  device: only through that one; NULL: any.  0 or
 * -ENETUNREACH.
 */
int __must_check inet_route_lookup(u8 family, const u8 *destination, struct net_device *device,
				   struct inet_route *route);
int __must_check inet_route_lookup_locked(u8 family, const u8 *destination,
					  struct net_device *device, struct inet_route *route);
/* callback(route, added); under the stack's lock.  At start-up. */
void inet_route_subscribe(void (*callback)(const struct inet_route *route, bool added));

/* --- For addresses: the lock held --- */

int __must_check inet_route_add_locked(const struct inet_route *route);
int inet_route_remove_locked(const struct inet_route *route);
/* All through the device; `all`: those to its own addresses, too. */
void inet_route_flush_locked(struct net_device *device, u8 family, bool all);

#endif
