/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NETLINK_ROUTE: the handlers of its requests.  Each returns what struct netlink_protocol says.
 */
#ifndef NET_NETLINK_ROUTE_INTERNAL_H
#define NET_NETLINK_ROUTE_INTERNAL_H

#include "lib/abi/rtnetlink.h"
#include "net/netlink/netlink_internal.h"

int route_dump_rules(struct netlink_request *request); /* rule.c */

#endif
