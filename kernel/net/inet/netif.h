/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces as lwIP knows them: for each device of Ethernet's kind there is a netif, and
 * lo has the stack's own.
 *
 * Flags, MTU, link and address of the device are the netif's, too; a change of the device is made
 * here under the stack's lock, while the registry of devices has its own (outside).  Frames come
 * from the network's thread.
 */
#ifndef NET_INET_NETIF_H
#define NET_INET_NETIF_H

#include <lwip/netif.h>

#include "net/device.h"

/* The one of the other; NULL: there is none.  The stack's lock held. */
struct netif *inet_netif_of(const struct net_device *device);
struct net_device *inet_device_of(const struct netif *netif);
/* By the device's index. */
struct netif *inet_netif_by_index(u32 index);

#endif
