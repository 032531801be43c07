/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE: the handlers of its requests.  Each returns what struct netlink_protocol says.
 */
#ifndef NET_NETLINK_ROUTE_INTERNAL_H
#define NET_NETLINK_ROUTE_INTERNAL_H

#include "lib/abi/rtnetlink.h"
#include "net/device.h"
#include "net/netlink/netlink_internal.h"

/* Are the devices, addresses and routes there those of the machine?  The other namespaces have
 * none. */
static inline bool route_in_first_namespace(const struct netlink_request *request)
{
	return request->from->space == namespace_first(NAMESPACE_NET);
}

/* link.c */
void route_links_init(void); /* from now on news of links are told */
int route_get_link(struct netlink_request *request);
int route_dump_links(struct netlink_request *request);
int route_change_link(struct netlink_request *request);

/* address.c */
void route_addresses_init(void); /* news of addresses, and (below) of routes */
int route_dump_addresses(struct netlink_request *request);
int route_add_address(struct netlink_request *request);
int route_remove_address(struct netlink_request *request);

/* table_route.c */
void route_routes_init(void);
int route_dump_routes(struct netlink_request *request);
int route_get_route(struct netlink_request *request);
int route_add_route(struct netlink_request *request);
int route_remove_route(struct netlink_request *request);

int route_dump_neighbours(struct netlink_request *request); /* neighbour.c */
int route_dump_rules(struct netlink_request *request);      /* rule.c */

#endif
