/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets between programs and the kernel: netlink(7).
 */
#ifndef NET_NETLINK_NETLINK_H
#define NET_NETLINK_NETLINK_H

#include "lib/types.h"

struct namespace;

/* Registers the family, its protocols, and /proc/net/netlink.  Once, at start-up, after the devices
 * of the network. */
void netlink_init(void);

/*
 * Tells those who listen to NETLINK_KOBJECT_UEVENT of a device: action "add", "remove", "change" …,
 * its path below /sys, its subsystem, and `more`, a list of "NAME=value" strings that ends with
 * NULL.  May sleep; what there is no memory for is lost.
 */
void netlink_uevent(const char *action, const char *path, const char *subsystem,
		    const char *const *more);

#endif
